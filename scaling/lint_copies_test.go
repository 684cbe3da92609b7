package scaling

import (
	"strings"
	"testing"
	"time"
)

const inFlightPerCopy = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"

// soundCopies is a setup of two copies in which nothing is amiss.
func soundCopies() Setup {
	s := sound()
	s.Copies = &Copies{Current: 2, Desired: 2, Instances: 2, Managed: true, MinInstances: 1, MaxInstances: 8}
	s.Policies[0].Metric, s.Policies[0].Name = InvocationsPerCopy, "PlimsollInvocationsPerCopy"
	return s
}

func TestLintOfCopies(t *testing.T) {
	steps := Tracked{Policy: Policy{Name: "from-zero", Step: &StepScaling{}}}
	for name, row := range map[string]struct {
		change func(*Setup, *Tracked)
		want   string // rules
		says   string
	}{
		"sound":          {func(*Setup, *Tracked) {}, "", ""},
		"not registered": {func(s *Setup, _ *Tracked) { s.Registered, s.Policies = false, nil }, "not-registered", "the inference component is no scalable target"},
		"min = max":      {func(s *Setup, _ *Tracked) { s.Min, s.Max, s.Traffic = 2, 2, 0 }, "fixed", "both 2"},
		"copied 70":      {func(s *Setup, p *Tracked) { s.Peak, s.Traffic = 0, 0; p.TargetTracking.Target = 70 }, "copied-70", "for each copy"},
		"per second":     {func(s *Setup, p *Tracked) { s.Traffic = 0; p.TargetTracking.Target = 20 }, "per-second", "one copy carries 2400/min"},
		"above the peak": {func(_ *Setup, p *Tracked) { p.TargetTracking.Target = 9000 }, "above-peak", "copies are overloaded"},
		"flapping":       {func(s *Setup, _ *Tracked) { s.Traffic = 2400 }, "flapping", "needs 2.5 copies"},
		"too few":        {func(s *Setup, _ *Tracked) { s.Traffic = 1200 * 8.5 }, "maximum-too-low", "needs 8.5 copies"},
		"at the maximum": {func(s *Setup, _ *Tracked) { s.Activities = []Activity{{NotScaled: AlreadyAtMaxCapacity}} }, "at-maximum", "maximum of 8 copies"},
		"copies go before others": {
			func(_ *Setup, p *Tracked) { p.TargetTracking.ScaleInCooldown = time.Minute }, "scale-in-cooldown", "a copy that needs an instance takes 4m0s",
		},
		"copies go before others, and no instance does": {func(s *Setup, p *Tracked) {
			s.Copies.MinInstances, s.Copies.MaxInstances, s.Min, p.TargetTracking.ScaleInCooldown = 2, 2, 2, time.Minute
		}, "", ""},

		"instances stay as they are": {
			func(s *Setup, _ *Tracked) { s.Copies.Managed = false }, "instances-do-not-follow", "up to 8 copies are asked for, and the 2 instances",
		},
		"instances stay as they are, with the copies there": {
			func(s *Setup, _ *Tracked) { s.Copies.Managed, s.Copies.Current, s.Copies.Desired = false, 8, 8 }, "", "",
		},
		"no more instances may come": {
			func(s *Setup, _ *Tracked) { s.Copies.Current, s.Copies.Instances, s.Copies.MaxInstances = 1, 2, 2 }, "no-room", "1 of 2 copies are not placed, and the variant has all of the 2 instances",
		},
		"a copy is on its way": {func(s *Setup, _ *Tracked) { s.Copies.Current, s.Copies.Moving = 1, true }, "", ""},
		"a copy does not come": {func(s *Setup, _ *Tracked) { s.Copies.Current = 1 }, "no-room", "nothing is under way"},
		"an unknown maximum of instances": {
			func(s *Setup, _ *Tracked) { s.Copies.Current, s.Copies.Moving, s.Copies.MaxInstances = 1, true, 0 }, "", "",
		},

		"zero, and nothing leads out": {
			func(s *Setup, _ *Tracked) { s.Min, s.Copies.MinInstances = 0, 0 }, "stuck-at-zero", "NoCapacityInvocationFailures",
		},
		"zero, as AWS does it": {func(s *Setup, _ *Tracked) {
			s.Min, s.Copies.MinInstances, s.Policies = 0, 0, append(s.Policies, steps)
		}, "", ""},
		"steps without zero": {func(s *Setup, _ *Tracked) { s.Policies = append(s.Policies, steps) }, "step-beside-tracking", ""},
		"zero copies on instances that stay": {func(s *Setup, _ *Tracked) {
			s.Min, s.Policies = 0, append(s.Policies, steps)
		}, "idle-instances", "keeps 1 instance, and the minimum is 0 copies"},
		"instances that stay, for others": {func(s *Setup, _ *Tracked) { s.Copies.MinInstances, s.Copies.Neighbours = 3, 1 }, "", ""},
		"more instances than copies":      {func(s *Setup, _ *Tracked) { s.Copies.MinInstances = 3 }, "idle-instances", "MinInstanceCount to 1"},
		"instances that never go":         {func(s *Setup, _ *Tracked) { s.Copies.MinInstances = 0 }, "never-zero-instances", "the minimum is 1 copy"},

		"in flight": {func(_ *Setup, p *Tracked) { p.Metric, p.TargetTracking.Target = inFlightPerCopy, 5 }, "", ""},
		"in flight, as if it were a minute's": {
			func(_ *Setup, p *Tracked) { p.Metric = inFlightPerCopy }, "per-minute", "only if each takes 30 s",
		},
		"in flight, without a peak": {func(s *Setup, p *Tracked) { s.Peak, p.Metric = 0, inFlightPerCopy }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := soundCopies()
			row.change(&s, &s.Policies[0])
			wantRules(t, s, row.want, row.says)
		})
	}
}

// A variant whose instances only carry components is not said to be unscaled.
func TestLintOfAVariantWithComponents(t *testing.T) {
	found := Lint(Setup{Hosted: []string{"chat", "embed"}}, DefaultAssumptions())
	if len(found) != 1 || found[0].Rule != "copies-not-judged" || found[0].Severity != Doubted || !strings.Contains(found[0].Remedy, "--inference-component chat") {
		t.Errorf("found %+v, want that its components are to be looked at", found)
	}
}
