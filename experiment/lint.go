package experiment

import (
	"slices"
	"time"

	"plimsoll/scaling"
)

// Known is what is known of a variant's load from elsewhere; what is zero is not.
type Known struct {
	Peak         scaling.PerMinute // of one instance or copy
	Traffic      scaling.PerMinute // usual, of the whole variant or component
	Provisioning time.Duration

	Alarms     []scaling.OwnAlarm // of all policies
	Activities []scaling.Activity
}

// Lint looks the scaling of a variant, or of a component, through for mistakes.
func Lint(v Variant, e EndpointState, s ScalingState, k Known) ([]scaling.Finding, error) {
	state, err := e.Variant(v.Name)
	if err != nil {
		return nil, err
	}
	setup := scaling.Setup{
		Async: e.Async, Pools: len(state.Pools), Peak: k.Peak, Traffic: k.Traffic, Provisioning: k.Provisioning, Activities: k.Activities,
	}
	if setup.Copies, err = e.copies(v, state); err != nil {
		return nil, err
	}
	if v.Component == "" {
		setup.Hosted = e.hosted(state.Name)
	}
	if t := s.Target; t != nil {
		setup.Registered, setup.Min, setup.Max = true, t.Min, t.Max
		setup.SuspendedOut, setup.SuspendedIn = t.Suspended.Out, t.Suspended.In
	}
	for _, p := range s.Policies {
		rule := p.rule()
		for _, a := range k.Alarms {
			if slices.Contains(p.Alarms, a.Name) {
				rule.Alarms = append(rule.Alarms, a)
			}
		}
		setup.Policies = append(setup.Policies, rule)
	}
	return scaling.Lint(setup, scaling.DefaultAssumptions()), nil
}

// rule is a policy as package scaling knows it; of steps, only that there are some.
func (p Policy) rule() scaling.Tracked {
	t := scaling.Tracked{Metric: p.Metric, Policy: scaling.Policy{Name: p.Name}}
	switch {
	case p.Tracks():
		t.TargetTracking = &scaling.TargetTracking{
			Target: p.Target, DisableScaleIn: p.DisableScaleIn,
			ScaleOutCooldown: time.Duration(cooldown(p.ScaleOut)) * time.Second, ScaleInCooldown: time.Duration(cooldown(p.ScaleIn)) * time.Second,
		}
	case len(p.Step) > 0:
		t.Step = &scaling.StepScaling{}
	}
	return t
}

// ProvisioningPrior is how long a launch takes where it was not measured.
func ProvisioningPrior() time.Duration { return scaling.DefaultAssumptions().ProvisioningMedian }

// UsualTraffic is the median of a variant's requests a minute, of the minutes that had
// any; 0 when none had.
func UsualTraffic(invocations []scaling.Point) scaling.PerMinute {
	var busy []float64
	for _, p := range invocations {
		if !p.Missing && p.Value > 0 {
			busy = append(busy, p.Value)
		}
	}
	if len(busy) == 0 {
		return 0
	}
	slices.Sort(busy)
	return scaling.PerMinute(busy[len(busy)/2])
}
