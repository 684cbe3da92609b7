package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
	"plimsoll/scaling"

	"github.com/google/go-cmp/cmp"
)

// verified is a proof of a policy that works and is slow.
func verified() Document {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	flaps := 0
	phase := proof.Phase{Kind: proof.StepUp, From: 50, To: 50, Length: proof.Span(25 * time.Minute), Expect: 3, Why: "two instances more"}
	v := experiment.Verification{
		SchemaVersion: experiment.SchemaVersion, Command: "verify", Status: experiment.Complete, Started: at, DurationSeconds: 8700,
		On: experiment.Variant{Endpoint: "demo", Name: "AllTraffic"}, Speed: 1, RequestsSent: 75123,
		Result: proof.Result{
			Verdict: proof.WorksSlowly, Reasons: []string{"the objective was kept again at 10:12:00, 12m0s after it had been missed", "time_to_ready: 9m0s"}, Change: "a lower safety factor",
			Checks: []proof.Check{
				{ID: "detect_time", Title: "The load is noticed in time", Outcome: proof.Pass, Evidence: "5m30s", At: at},
				{ID: "recovery", Title: "The objective is kept again", Outcome: proof.Fail, Evidence: "12m0s", Remedy: "start earlier"},
				{ID: "metric_agrees", Title: "The metric agrees", Outcome: proof.NotKnown, Evidence: "no datapoint"},
			},
			Events: []proof.Event{{
				Direction: scaling.Out, From: 1, To: 3, Total: proof.Span(10 * time.Minute),
				Stages: []proof.Stage{
					{Name: proof.LoadCrossed, At: at, Known: proof.Measured, Source: "client"},
					{Name: proof.InService, At: at.Add(10 * time.Minute), After: proof.Span(10 * time.Minute), Within: proof.Span(10 * time.Second), Known: proof.Bounded, Source: "DescribeEndpoint"},
					{Name: proof.FirstServed, Known: proof.Missing, Source: "nothing tells"},
				},
			}},
			Programme: proof.Programme{Phases: []proof.Phase{phase}, Start: 1},
			Held:      []proof.Held{}, Predicted: []proof.Capacity{},
			Policy:    proof.Policy{Name: "p", High: &proof.Alarm{Name: "high", AlarmRule: scaling.AlarmRule{Comparison: scaling.Greater, Period: time.Minute, EvaluationPeriods: 3}}},
			Objective: proof.Objective{Name: "p99=200ms", Limit: proof.Span(200 * time.Millisecond), BadShare: 0.01, Flaps: &flaps, AskedByUser: true},
			Cost:      proof.Cost{InstanceHours: 7.5, Dollars: 1.73},
			Objectives: []proof.Finding{
				{Name: "recover", Asked: "6m0s", Was: "12m0s", Judged: true},
				{Name: "flaps", Asked: "0", Was: "0", Met: true, Judged: true},
				{Name: "errors", Asked: "0.5 %", Was: "not known"},
			},
		},
		Loads: []experiment.HeldPhase{}, Notes: []string{"2 policies act on the variant"},
		Observed: experiment.Observations{
			Capacity: []proof.Capacity{}, Slices: []proof.Slice{}, Metric: []experiment.Datapoint{}, Invocations: []experiment.Datapoint{},
			Alarms: []proof.Transition{}, Activities: []proof.Activity{}, Unknown: map[string]string{"metric": "CloudWatch shows no datapoint"},
		},
		Plan: experiment.Plan{SchemaVersion: experiment.SchemaVersion, Command: "verify", Objectives: []string{}, Verify: &experiment.VerifyPlan{From: experiment.LimitGiven}},
	}
	return Document{Verification: &v, Files: []string{"run/report.html"}}
}

func TestVerification(t *testing.T) {
	golden(t, "verify.txt", render(t, plainText(100), verified()))
	golden(t, "verify.xml", render(t, JUnit, verified()))
	page := render(t, HTML, verified())
	checkPage(t, page)
	for _, words := range []string{"WORKS, BUT", "demo/AllTraffic", "The objective is kept again", "in service", "p99=200ms"} {
		if !strings.Contains(page, words) {
			t.Errorf("HTML lacks %q", words)
		}
	}
	var back experiment.Verification
	if err := json.Unmarshal([]byte(render(t, JSON, verified())), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*verified().Verification, back); diff != "" {
		t.Errorf("JSON read back (-want +got):\n%s", diff)
	}
}

// TestVerdictsHaveWords: each verdict has a state, and JUnit fails for those that mean
// that scaling does not do what it is for.
func TestVerdictsHaveWords(t *testing.T) {
	for verdict, want := range map[proof.Verdict]struct {
		state state
		junit string
	}{
		proof.Works: {stateWorks, ""}, proof.WorksCostly: {stateWorksBut, ""}, proof.WorksFlaps: {stateWorksBut, ""},
		proof.NoScaling: {stateNoScaling, `<failure message="does not scale"`}, proof.NoProtection: {stateNoGuard, `<failure message="does not protect the objective"`},
		proof.Undecided: {stateUndecided, `<skipped message="not decided"`},
	} {
		d := verified()
		d.Verification.Verdict, d.Verification.Checks, d.Verification.Objectives = verdict, nil, nil
		if got := verificationState(d.Verification); got != want.state {
			t.Errorf("%s: state %s, want %s", verdict, got, want.state)
		}
		xml := render(t, JUnit, d)
		if want.junit == "" && (strings.Contains(xml, "<failure") || strings.Contains(xml, "<skipped")) || !strings.Contains(xml, want.junit) {
			t.Errorf("%s: want %q in\n%s", verdict, want.junit, xml)
		}
	}
	d := verified()
	d.Verification.Verdict, d.Verification.Status, d.Verification.Ended = proof.Undecided, experiment.Partial, "interrupted\x1b[31m"
	text := render(t, plainText(0), d)
	if !strings.HasPrefix(text, "[PARTIAL]") || !strings.Contains(text, "cut short: interrupted") || strings.Contains(text, "\x1b") {
		t.Errorf("a partial one is shown as\n%s", text)
	}
	if err := JUnit(nil, found()); err == nil {
		t.Error("JUnit of a peak gave no error")
	}
}
