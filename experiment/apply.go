package experiment

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"plimsoll/scaling"
)

// Wanted is the scaling that is to be applied to a variant, or to a component.
type Wanted struct {
	Metric         string            `json:"metric,omitzero"`       // as [MetricFor] takes it
	Target         scaling.PerMinute `json:"target_value,omitzero"` // of a metric of concurrency: requests in flight
	Min            int               `json:"min"`
	Max            int               `json:"max"`
	ScaleOut       time.Duration     `json:"scale_out_cooldown_ns"`
	ScaleIn        time.Duration     `json:"scale_in_cooldown_ns"`
	DisableScaleIn bool              `json:"disable_scale_in,omitzero"`
	// Replace removes other policies on the same metric, which AWS would not have beside
	// the new one.
	Replace bool `json:"replace,omitzero"`
}

// Validate reports everything that AWS would refuse, or that could not scale, joined.
func (w Wanted) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if w.Min < 1 {
		wrong("minimum capacity %d: want at least 1; a real-time variant cannot be scaled to zero, and target tracking never leaves it", w.Min)
	}
	if w.Max < w.Min {
		wrong("maximum capacity %d: want at least the minimum, %d", w.Max, w.Min)
	}
	policy := scaling.TargetTracking{Target: float64(w.Target), ScaleOutCooldown: w.ScaleOut, ScaleInCooldown: w.ScaleIn}
	return errors.Join(append(problems, policy.Validate())...)
}

// Apply computes the changes that give a variant the scaling that is wanted, in the
// order in which they can be made, and what should be known before they are. There are
// none when it is so already.
func Apply(v Variant, e EndpointState, s ScalingState, w Wanted) (changes []Change, warnings []string, err error) {
	if err := w.Validate(); err != nil {
		return nil, nil, err
	}
	if _, err := MetricFor(v, w.Metric); err != nil {
		return nil, nil, err
	}
	if err := e.settled(v); err != nil {
		return nil, nil, err
	}
	state, err := e.Variant(v.Name)
	if err != nil {
		return nil, nil, err
	}
	_, desired, err := e.scaled(v)
	if err != nil {
		return nil, nil, err
	}
	if err := state.scalable(v, e); err != nil {
		return nil, nil, err
	}
	conflicting, err := conflicts(s.Policies, w.metric(v), w.Replace)
	if err != nil {
		return nil, nil, err
	}
	if to := min(max(desired, w.Min), w.Max); to != desired {
		changes = append(changes, Change{
			What: v.counts(), Current: Setting{Instances: desired}, Desired: Setting{Instances: to},
			Reason: fmt.Sprintf("capacity is to lie from %d to %d", w.Min, w.Max),
		})
	}
	changes = append(changes, w.bounds(s)...)
	for _, p := range conflicting {
		changes = append(changes, Change{
			What: OnePolicy, Name: p.Name, Current: Setting{Policy: &p},
			Reason: "AWS takes one policy for a metric",
		})
	}
	return append(changes, w.policy(v, s)...), cautions(v, e, state, s, w), nil
}

// scalable says why a variant cannot have this policy.
func (s VariantState) scalable(v Variant, e EndpointState) error {
	wrong := func(remedy, format string, args ...any) error {
		return &ControlError{Problem: ProblemInvalid, Err: fmt.Errorf(format, args...), Remedy: remedy}
	}
	switch {
	case e.Async:
		return wrong("scale it on ApproximateBacklogSizePerInstance", "endpoint %s is asynchronous and publishes no %s: the policy would never act", e.Name, Metric)
	case s.Serverless:
		return wrong("it scales by itself; its provisioned concurrency has a metric of its own", "variant %s is serverless and has no instances", s.Name)
	case s.Components && v.Component == "":
		return wrong("scale the copies of one, which --inference-component names", "variant %s hosts inference components, whose copies are what is scaled", s.Name)
	}
	return nil
}

// bounds is the change of the scalable target, if any.
func (w Wanted) bounds(s ScalingState) []Change {
	target := ScalableTarget{Min: w.Min, Max: w.Max}
	reason := "a policy needs a scalable target"
	if s.Target != nil {
		target.Suspended.Scheduled = s.Target.Suspended.Scheduled
		reason = "new bounds of capacity"
		if s.Target.Suspended.In || s.Target.Suspended.Out {
			reason = "a policy does not act on what is suspended"
		}
	}
	desired := Setting{Bounds: &target}
	if (Setting{Bounds: s.Target}).Equal(desired) {
		return nil
	}
	return []Change{{What: Bounds, Current: Setting{Bounds: s.Target}, Desired: desired, Reason: reason}}
}

// policy is the change of the policy itself, if any.
func (w Wanted) policy(v Variant, s ScalingState) []Change {
	policy := w.asPolicy(v)
	name := policy.Name
	c := Change{
		What: OnePolicy, Name: name, Reason: "target tracking on the measured target",
		Desired: Setting{Policy: &policy},
	}
	if at := slices.IndexFunc(s.Policies, func(p Policy) bool { return p.Name == name }); at >= 0 {
		was := s.Policies[at]
		c.Current = Setting{Policy: &was}
	}
	if c.Current.Equal(c.Desired) {
		return nil
	}
	return []Change{c}
}

// asPolicy is the policy that is wanted on a variant or a component.
func (w Wanted) asPolicy(v Variant) Policy {
	metric := w.metric(v)
	out, in := int(w.ScaleOut/time.Second), int(w.ScaleIn/time.Second)
	return Policy{
		Name: PolicyName(metric), Metric: metric, Target: float64(w.Target), ScaleOut: &out, ScaleIn: &in, DisableScaleIn: w.DisableScaleIn,
	}
}

// conflicts are the policies that AWS would not have beside the new one.
func conflicts(policies []Policy, metric string, replace bool) ([]Policy, error) {
	own := PolicyName(metric)
	var found []Policy
	var names []string
	for _, p := range policies {
		if p.Name == own && !p.Tracks() {
			return nil, &ControlError{
				Problem: ProblemInvalid, Err: fmt.Errorf("policy %s is not one of target tracking, and its type cannot be changed", p.Name),
				Remedy: "delete it first",
			}
		}
		if p.Name != own && p.Metric == metric {
			found, names = append(found, p), append(names, p.Name)
		}
	}
	if len(found) > 0 && !replace {
		return nil, &ControlError{
			Problem: ProblemInvalid, Err: fmt.Errorf("there is a policy on the same metric already: %s", strings.Join(names, ", ")),
			Remedy: "AWS takes one for a metric: give --replace to put the new one in its place, or delete it",
		}
	}
	return found, nil
}

// cautions are what a user should know before scaling is applied.
func cautions(on Variant, e EndpointState, v VariantState, s ScalingState, w Wanted) []string {
	metric := w.metric(on)
	cautions := on.crowded(e, v, w.Max)
	caution := func(format string, args ...any) { cautions = append(cautions, fmt.Sprintf(format, args...)) }
	for _, p := range s.Policies {
		switch {
		case p.Name == PolicyName(metric) || p.Metric == metric:
		case p.Tracks():
			caution("policy %s tracks another metric: the larger capacity of the two wins, and scale-in waits for both", p.Name)
		default:
			caution("policy %s is no target tracking: the two do not know of one another, and can work against each other", p.Name)
		}
	}
	if s.Scheduled > 0 {
		caution("scheduled actions: %d. They set minimum and maximum anew when they are due", s.Scheduled)
	}
	if len(v.Pools) > 1 {
		caution("the variant has several instance types (%s): a target for an instance means another load on each; AWS advises a weighted custom metric", strings.Join(v.Pools, ", "))
	}
	if len(e.Variants) > 1 && on.Component == "" {
		caution("the endpoint has %d variants that share its traffic by weight: when the weights change, the load on this variant does too", len(e.Variants))
	}
	if w.Min == w.Max {
		caution("minimum and maximum are both %d: nothing will ever be scaled", w.Min)
	}
	if math.Mod(float64(w.Target), 1) != 0 && w.Target > 10 && !concurrency(metric) {
		caution("target value %g has a fraction; requests are counted whole", float64(w.Target))
	}
	return cautions
}
