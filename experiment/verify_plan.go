package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// VerifyPlan is how it is to be proved that a policy scales. What is to be known before
// is above the blank line; [DesignVerify] fills in the rest.
type VerifyPlan struct {
	On           Variant           `json:"on"`
	Region       string            `json:"region,omitzero"`
	Asked        *proof.Policy     `json:"asked,omitempty"`               // what was to be in force; absent: whatever is
	Run          []proof.Advice    `json:"run,omitempty"`                 // targets of the run by which it is judged
	Peak         scaling.PerSecond `json:"peak_per_second,omitzero"`      // of one instance; 0: not known
	AtTarget     scaling.PerSecond `json:"at_target_per_second,omitzero"` // rate at which one instance is at the target; 0: by the metric
	Objective    proof.Objective   `json:"objective"`
	From         string            `json:"objective_from"`                     // one of the Limit constants
	MaxRate      scaling.PerSecond `json:"max_rate_per_second,omitzero"`       // 0: no limit
	MaxRequests  int64             `json:"max_requests,omitzero"`              // 0: no limit
	MaxDuration  proof.Span        `json:"max_duration_seconds,omitzero"`      // here; 0: no limit
	Provisioning proof.Span        `json:"provisioning_seconds,omitzero"`      // expected median; 0: that of the assumptions
	Quick        bool              `json:"quick,omitzero"`                     // the steps up and down alone
	Price        float64           `json:"dollars_per_instance_hour,omitzero"` // 0: not known

	Policy    proof.Policy    `json:"policy"` // in force
	Programme proof.Programme `json:"programme"`
	Speed     float64         `json:"speed"` // seconds of the services in one here, about
	Notes     []string        `json:"notes,omitempty"`
}

// Where the limit of the response time comes from.
const (
	LimitGiven    = "given"
	LimitOfRun    = "run"      // what a run was judged by
	LimitBaseline = "baseline" // derived from the first minutes of the baseline
)

// Sight is what AWS is looked at by. Nothing is changed through it.
type Sight struct {
	Hosting    Hosting
	Autoscaler Autoscaler
	Metrics    Metrics
	Clock      Clock
}

// DesignVerify reads the policy that is in force and designs the programme that proves
// it. Nothing is sent.
func DesignVerify(ctx context.Context, plan VerifyPlan, sight Sight) (VerifyPlan, error) {
	e, err := sight.Hosting.Describe(ctx, plan.On.Endpoint)
	if err != nil {
		return plan, err
	}
	state, err := e.Variant(plan.On.Name)
	if err != nil {
		return plan, err
	}
	plan.On.Name = state.Name
	if err := state.scalable(plan.On, e); err != nil {
		return plan, err
	}
	force, err := sight.force(ctx, plan.On)
	if err != nil {
		return plan, err
	}
	if len(force.idle) > 0 {
		return plan, force.cannotAct(plan.On)
	}
	plan.Policy, plan.Notes = force.policy, append(plan.Notes, force.notes...)
	if strays := plan.Policy.Strays(plan.Run); strays != "" {
		plan.Notes = append(plan.Notes, strays)
	}
	load, err := plan.load()
	if err != nil {
		return plan, err
	}
	if plan.Speed, err = sight.speed(ctx, plan.On); err != nil {
		return plan, err
	}
	plan.Programme, err = proof.Design(proof.Options{
		Policy: plan.Policy, Load: load, Start: state.Current, Assumptions: scaling.DefaultAssumptions(),
		Provisioning: time.Duration(plan.Provisioning), MaxRate: plan.MaxRate, Quick: plan.Quick,
	})
	if err != nil {
		return plan, &ControlError{Problem: ProblemInvalid, Err: err}
	}
	return plan, plan.affordable()
}

// speed is how many seconds of the services pass in one here. Where they pass faster, two
// answers some time apart tell how fast.
func (s Sight) speed(ctx context.Context, v Variant) (float64, error) {
	const apart = 500 * time.Millisecond
	if s.Clock.Here(time.Hour) != time.Hour {
		if err := sleep(ctx, apart); err != nil {
			return 0, err
		}
		if _, err := s.Hosting.Describe(ctx, v.Endpoint); err != nil {
			return 0, err
		}
	}
	return float64(time.Hour) / float64(s.Clock.Here(time.Hour)), nil
}

// affordable holds the programme against the limits that were set.
func (p VerifyPlan) affordable() error {
	wrong := func(remedy, format string, args ...any) error {
		return &ControlError{Problem: ProblemInvalid, Err: fmt.Errorf(format, args...), Remedy: remedy}
	}
	if length := p.Here(); p.MaxDuration > 0 && length > time.Duration(p.MaxDuration) {
		return wrong("allow more with --max-duration, or shorten the cooldowns", "the programme takes %v, and %v are allowed", length.Round(time.Second), p.MaxDuration)
	}
	if n := p.Requests(); p.MaxRequests > 0 && n > float64(p.MaxRequests) {
		return wrong("allow more with --max-requests", "the programme sends %.0f requests, and %d are allowed", n, p.MaxRequests)
	}
	return nil
}

// Here is how long the programme takes by this machine's clock.
func (p VerifyPlan) Here() time.Duration {
	return time.Duration(float64(p.Programme.Length) / max(1, p.Speed))
}

// Requests is how many real ones the programme sends.
func (p VerifyPlan) Requests() float64 { return p.Programme.Requests / max(1, p.Speed) }

// Dollars is what the instances of the programme cost; 0 where no price is known.
func (p VerifyPlan) Dollars() float64 { return p.Programme.InstanceHours * p.Price }

// load is what one instance carries at the target.
func (p VerifyPlan) load() (proof.Load, error) {
	l := proof.Load{PerInstance: p.AtTarget, Peak: p.Peak}
	if l.PerInstance == 0 && p.Policy.Metric == scaling.InvocationsPerInstance {
		l.PerInstance = scaling.PerMinute(p.Policy.Target).PerSecond()
	}
	if l.PerInstance == 0 {
		return l, &ControlError{
			Problem: ProblemInvalid, Err: fmt.Errorf("policy %s tracks %s, which says nothing of the rate at which an instance reaches the target", p.Policy.Name, metricName(p.Policy.Metric)),
			Remedy: "give the rate with --at-target 206/s",
		}
	}
	return l, nil
}

func metricName(predefined string) string {
	if predefined == "" {
		return "a customized metric"
	}
	return predefined
}

// force is the policy in force, with all that is registered beside it.
type force struct {
	scaling ScalingState
	policy  proof.Policy
	alarms  []string
	idle    []string // why it cannot act
	notes   []string
}

// cannotAct is the error of a policy for which no load need be sent.
func (f force) cannotAct(v Variant) error {
	return &ControlError{
		Problem: ProblemIdle, Err: fmt.Errorf("%s does not scale: %s", v, strings.Join(f.idle, "; ")),
		Remedy: "mend it (plimsoll lint says more), and verify again",
	}
}

// force reads the policy that is in force on a variant, with its alarms.
func (s Sight) force(ctx context.Context, v Variant) (force, error) {
	f := force{}
	var err error
	if f.scaling, err = s.Autoscaler.Scaling(ctx, v); err != nil {
		return f, err
	}
	tracked := slices.DeleteFunc(slices.Clone(f.scaling.Policies), func(p Policy) bool { return !p.Tracks() })
	if f.scaling.Target == nil || len(tracked) == 0 {
		return f, &ControlError{
			Problem: ProblemIdle, Err: fmt.Errorf("%s does not scale: it has no target-tracking policy", v), Remedy: "plimsoll apply puts one on it",
		}
	}
	chosen := tracked[0]
	for _, p := range tracked {
		if p.Metric == Metric {
			chosen = p
		}
	}
	if n := len(f.scaling.Policies); n > 1 {
		f.notes = append(f.notes, fmt.Sprintf("%d policies act on the variant; the programme is made for %s, and the others can move the capacity too", n, chosen.Name))
	}
	f.policy, f.alarms = f.read(chosen), chosen.Alarms
	alarms, err := s.Metrics.Alarms(ctx, chosen.Alarms)
	if err != nil {
		return f, err
	}
	f.hang(alarms)
	return f, nil
}

// read is a policy with the bounds in which it acts.
func (f *force) read(p Policy) proof.Policy {
	bounds := f.scaling.Target
	if bounds.Suspended.Out {
		f.idle = append(f.idle, "scale-out is suspended (plimsoll restore resumes it, if a run was killed)")
	}
	if bounds.Suspended.In && !p.DisableScaleIn {
		f.idle = append(f.idle, "scale-in is suspended (plimsoll restore resumes it, if a run was killed)")
	}
	if bounds.Min == bounds.Max {
		f.idle = append(f.idle, fmt.Sprintf("minimum and maximum are both %d", bounds.Min))
	}
	return proof.Policy{
		Name: p.Name, Metric: p.Metric, Target: p.Target, Min: bounds.Min, Max: bounds.Max, DisableScaleIn: p.DisableScaleIn,
		ScaleOut: proof.Span(cooldown(p.ScaleOut)) * proof.Span(time.Second), ScaleIn: proof.Span(cooldown(p.ScaleIn)) * proof.Span(time.Second),
	}
}

// hang puts the alarms on the policy: the high one fires above its threshold.
func (f *force) hang(alarms []scaling.OwnAlarm) {
	for _, a := range alarms {
		switch {
		case a.Missing:
			f.idle = append(f.idle, fmt.Sprintf("alarm %s does not exist: somebody has deleted it", a.Name))
			continue
		case a.Disabled:
			f.idle = append(f.idle, fmt.Sprintf("the actions of alarm %s are disabled", a.Name))
		}
		alarm := &proof.Alarm{Name: a.Name, AlarmRule: a.Rule}
		if a.Rule.Comparison == scaling.Greater || a.Rule.Comparison == scaling.GreaterOrEqual {
			f.policy.High = alarm
		} else {
			f.policy.Low = alarm
		}
	}
}

// errChanged says that somebody else works on the endpoint's scaling.
func errChanged(what string) error {
	return &ControlError{
		Problem: ProblemChanged, Err: errors.New("somebody has changed the scaling: " + what),
		Remedy: "what was observed until then is judged; verify again when nobody works on it",
	}
}

// changedSince says what somebody has changed of the scaling; "" for nothing. AWS makes
// alarms anew by itself.
func (s ScalingState) changedSince(before ScalingState) string {
	if !(Setting{Bounds: s.Target}).Equal(Setting{Bounds: before.Target}) {
		return fmt.Sprintf("the scalable target was %s and is %s", Setting{Bounds: before.Target}, Setting{Bounds: s.Target})
	}
	now := map[string]Policy{}
	for _, p := range s.Policies {
		now[p.Name] = p
	}
	for _, was := range before.Policies {
		is, there := now[was.Name]
		switch {
		case !there:
			return fmt.Sprintf("policy %s is gone", was.Name)
		case !is.equal(was):
			return fmt.Sprintf("policy %s was %s and is %s", was.Name, Setting{Policy: &was}, Setting{Policy: &is})
		}
		delete(now, was.Name)
	}
	for name := range now {
		return fmt.Sprintf("policy %s is new", name)
	}
	return ""
}
