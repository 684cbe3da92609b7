package scaling

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// sound is a setup in which nothing is amiss: a peak of 2400/min, a target of half of it.
func sound() Setup {
	return Setup{
		Registered: true, Min: 1, Max: 8, Peak: 2400, Traffic: 1200 * 2.5, Provisioning: 4 * time.Minute,
		Policies: []Tracked{{Metric: InvocationsPerInstance, Policy: Policy{Name: ConsolePolicy, TargetTracking: &TargetTracking{
			Target: 1200, ScaleOutCooldown: 5 * time.Minute, ScaleInCooldown: 5 * time.Minute,
		}}}},
	}
}

// rules are the rules that found something, in order.
func rules(found []Finding) []string {
	var names []string
	for _, f := range found {
		names = append(names, f.Rule)
	}
	return names
}

func TestLint(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*Setup, *Tracked)
		want   string // rules
		says   string
	}{
		"sound":                 {func(*Setup, *Tracked) {}, "", ""},
		"not registered":        {func(s *Setup, _ *Tracked) { *s = Setup{} }, "not-registered", "not scaled at all"},
		"no policy":             {func(s *Setup, _ *Tracked) { s.Policies = nil }, "no-policy", "no policy"},
		"min = max":             {func(s *Setup, _ *Tracked) { s.Min, s.Max, s.Traffic = 4, 4, 0 }, "fixed", "both 4"},
		"suspended":             {func(s *Setup, _ *Tracked) { s.SuspendedOut = true }, "suspended", "scale-out is suspended"},
		"wholly suspended":      {func(s *Setup, _ *Tracked) { s.SuspendedOut, s.SuspendedIn = true, true }, "suspended", "scale-out and scale-in are suspended"},
		"copied 70":             {func(s *Setup, p *Tracked) { s.Peak, s.Traffic = 0, 0; p.TargetTracking.Target = 70 }, "copied-70", "70/min (1.167/s)"},
		"70 that is per second": {func(s *Setup, p *Tracked) { s.Peak, s.Traffic = 8400, 0; p.TargetTracking.Target = 70 }, "per-second", "8400/min, 120 times as much"},
		"20 for 20/s":           {func(s *Setup, p *Tracked) { s.Traffic = 0; p.TargetTracking.Target = 20 }, "per-second", "20/min (0.3333/s)"},
		"a low target":          {func(s *Setup, p *Tracked) { s.Traffic = 0; p.TargetTracking.Target = 200 }, "", ""},
		"at the peak":           {func(_ *Setup, p *Tracked) { p.TargetTracking.Target = 2400 }, "above-peak", "one instance carries 2400/min"},
		"above the peak":        {func(_ *Setup, p *Tracked) { p.TargetTracking.Target = 9000 }, "above-peak", "9000/min (150/s)"},
		"async":                 {func(s *Setup, _ *Tracked) { s.Async = true }, "async-metric", "never acts"},
		"a name that is hidden": {func(_ *Setup, p *Tracked) { p.Name = "my-policy" }, "hidden-name", "console does not show"},
		"pools":                 {func(s *Setup, _ *Tracked) { s.Pools = 3 }, "instance-pools", "3 instance types"},
		"pools, another metric": {func(s *Setup, p *Tracked) {
			s.Pools = 3
			p.Metric, p.TargetTracking.Target = "SageMakerVariantConcurrentRequestsPerModelHighResolution", 5
		}, "instance-pools", "3 instance types"},
		"exactly two instances": {func(s *Setup, _ *Tracked) { s.Traffic = 2400 }, "flapping", "about 960/min, so that the traffic needs 2.5 instances"},
		"just above two":        {func(s *Setup, _ *Tracked) { s.Traffic = 2400 * 1.04 }, "flapping", "2.08 instances"},
		"well above two":        {func(s *Setup, _ *Tracked) { s.Traffic = 2400 * 1.2 }, "", ""},
		"two are the minimum":   {func(s *Setup, _ *Tracked) { s.Traffic, s.Min = 2400, 2 }, "flapping", ""},
		"below the minimum":     {func(s *Setup, _ *Tracked) { s.Traffic, s.Min = 2400, 3 }, "", ""},
		"a large fleet":         {func(s *Setup, _ *Tracked) { s.Traffic, s.Max = 1200*20, 40 }, "", ""},
		"at the maximum":        {func(s *Setup, _ *Tracked) { s.Traffic = 1200 * 8 }, "", ""},
		"more than the maximum": {func(s *Setup, _ *Tracked) { s.Traffic = 1200 * 8.5 }, "maximum-too-low", "raise the maximum to 9"},
		"a hasty scale-out":     {func(_ *Setup, p *Tracked) { p.TargetTracking.ScaleOutCooldown = 0 }, "scale-out-cooldown", "can add too many"},
		"a hasty one, 10 s metric": {func(_ *Setup, p *Tracked) {
			p.Metric, p.TargetTracking.Target = "SageMakerVariantConcurrentRequestsPerModelHighResolution", 5
			p.TargetTracking.ScaleOutCooldown = 30 * time.Second
		}, "", ""},
		"a slow scale-out":           {func(_ *Setup, p *Tracked) { p.TargetTracking.ScaleOutCooldown = time.Hour }, "scale-out-cooldown", "next step is not taken"},
		"instances go before others": {func(_ *Setup, p *Tracked) { p.TargetTracking.ScaleInCooldown = time.Minute }, "scale-in-cooldown", "an instance takes 4m0s"},
		"none go": {func(_ *Setup, p *Tracked) {
			p.TargetTracking.ScaleInCooldown = 0
			p.TargetTracking.DisableScaleIn = true
		}, "", ""},
		"steps beside tracking": {func(s *Setup, _ *Tracked) {
			s.Policies = append(s.Policies, Tracked{Policy: Policy{Name: "steps", Step: &StepScaling{}}})
		}, "step-beside-tracking", "step policy"},
		"an alarm that is gone": {func(_ *Setup, p *Tracked) { p.Alarms = []OwnAlarm{{Name: "high", Missing: true}} }, "alarm-missing", "does not exist"},
		"an alarm that is edited": {func(_ *Setup, p *Tracked) {
			p.Alarms = []OwnAlarm{{Name: "high", Rule: AlarmRule{Comparison: Greater, Threshold: 1500}}}
		}, "alarm-edited", "fires above 1500, and the target is 1200"},
		"an alarm without actions": {func(_ *Setup, p *Tracked) { p.Alarms = []OwnAlarm{{Name: "high", Disabled: true}} }, "alarm-disabled", "enable-alarm-actions --alarm-names 'high'"},
		"an alarm without data": {func(_ *Setup, p *Tracked) {
			p.Alarms = []OwnAlarm{{Name: "low", Rule: AlarmRule{Comparison: Less, Threshold: 1080}, State: StateInsufficient}}
		}, "alarm-without-data", "although there is traffic"},
		"no data without traffic": {func(s *Setup, p *Tracked) {
			s.Traffic = 0
			p.Alarms = []OwnAlarm{{Name: "low", State: StateInsufficient}}
		}, "", ""},
		"alarms as they should be": {func(_ *Setup, p *Tracked) {
			p.Alarms = []OwnAlarm{{Rule: AlarmRule{Comparison: Greater, Threshold: 1200}, State: StateOK}, {Rule: AlarmRule{Comparison: Less, Threshold: 1080}, State: StateAlarm}}
		}, "", ""},
		"a quota": {func(s *Setup, _ *Tracked) {
			s.Activities = []Activity{
				{NotScaled: AlreadyAtDesiredCapacity, Failed: true},
				{At: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Failed: true, What: "Setting desired instance count to 9.", Why: "ResourceLimitExceeded"},
				{Failed: true},
			}
		}, "failed-activity", "2 attempts of scaling failed, the last at 2026-11-24 10:00Z: Setting desired instance count to 9. ResourceLimitExceeded"},
		"more was wanted":           {func(s *Setup, _ *Tracked) { s.Activities = []Activity{{NotScaled: AlreadyAtMaxCapacity, Failed: true}} }, "at-maximum", "1 alarm wanted more than the maximum of 8"},
		"a customized metric at 70": {func(_ *Setup, p *Tracked) { p.Metric = ""; p.TargetTracking.Target = 70 }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := sound()
			row.change(&s, &s.Policies[0])
			wantRules(t, s, row.want, row.says)
		})
	}
}

// Moving the target where the finding says leaves nothing to find; and what FromPeak
// makes of the peak is never found to be above it, or taken for a rate in seconds.
func TestLintLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sound()
		s.Peak = PerMinute(rapid.Float64Range(60, 1e6).Draw(t, "peak"))
		factor := rapid.Float64Range(0.1, 1).Draw(t, "factor")
		target, err := FromPeak(s.Peak, factor)
		if err != nil {
			t.Fatal(err)
		}
		s.Policies[0].TargetTracking.Target = float64(target.Value)
		s.Traffic = target.Value * PerMinute(rapid.Float64Range(0, 7.4).Draw(t, "instances"))
		found := rules(Lint(s, DefaultAssumptions()))
		for _, bad := range []string{"above-peak", "per-second", "maximum-too-low"} {
			if slices.Contains(found, bad) {
				t.Fatalf("a target from the peak is found to be %s", bad)
			}
		}
		if slices.Contains(found, "flapping") && target.Value > 100 {
			whole := float64(s.Traffic / target.Value)
			s.Policies[0].TargetTracking.Target = float64(s.Traffic) / (float64(int(whole+0.5)) + 0.5)
			if again := rules(Lint(s, DefaultAssumptions())); slices.Contains(again, "flapping") {
				t.Fatalf("after moving the target: %v", again)
			}
		}
	})
}

// wantRules looks a set-up through: the rules that are broken, and a part of what is said.
func wantRules(t *testing.T, s Setup, want, says string) {
	t.Helper()
	found := Lint(s, DefaultAssumptions())
	if got := strings.Join(rules(found), " "); got != want {
		t.Fatalf("found %q, want %q: %+v", got, want, found)
	}
	text := ""
	for _, f := range found {
		text += f.What + "; " + f.Remedy
	}
	if !strings.Contains(text, says) {
		t.Errorf("says %q, want …%s…", text, says)
	}
}
