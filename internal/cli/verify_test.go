package cli

import (
	"os"
	"path/filepath"
	"testing"

	"plimsoll/experiment"
	"plimsoll/proof"

	"github.com/google/go-cmp/cmp"
)

// TestVerifyTakesWhatTheRunAdvises: the peak, the objectives and the targets of a run.
func TestVerifyTakesWhatTheRunAdvises(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"plan.json": `{"schema_version": 1, "command": "find"}`,
		"result.json": `{"schema_version": 1, "command": "find", "status": "complete", "peak": {"rate_per_second": 50, "objectives": ["p99=200ms"]},
			"target": {"metric": "SageMakerVariantInvocationsPerInstance", "invocations_per_minute": 1500},
			"targets": [
				{"metric": "SageMakerVariantInvocationsPerInstance", "value": 1500},
				{"metric": "SageMakerVariantConcurrentRequestsPerModelHighResolution", "value": 3.5},
				{"metric": "SageMakerInferenceComponentInvocationsPerCopy", "value": null}
			]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := defaults()
	s.Endpoint = texts{"demo"}
	p := proving{run: dir, provisioning: experiment.ProvisioningPrior()}
	plan, err := p.plan(&s)
	if err != nil {
		t.Fatal(err)
	}
	want := []proof.Advice{
		{Metric: "SageMakerVariantInvocationsPerInstance", Target: 1500}, {Metric: "SageMakerVariantConcurrentRequestsPerModelHighResolution", Target: 3.5},
	}
	if diff := cmp.Diff(want, plan.Run); diff != "" || plan.Peak != 50 || plan.From != experiment.LimitOfRun {
		t.Errorf("peak %v, limit from %q, advice: %s", plan.Peak, plan.From, diff)
	}
}
