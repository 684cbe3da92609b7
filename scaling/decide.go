package scaling

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Why an alarm did not scale, in Application Auto Scaling's codes.
const (
	AlreadyAtMaxCapacity     = "AlreadyAtMaxCapacity"
	AlreadyAtMinCapacity     = "AlreadyAtMinCapacity"
	AlreadyAtDesiredCapacity = "AlreadyAtDesiredCapacity"
	AnticipatedFlapping      = "AutoScalingAnticipatedFlapping"
	PutUnscalable            = "TargetServicePutResourceAsUnscalable"
)

// Decision is a capacity to ask for, or why none.
type Decision struct {
	Desired   int           // the capacity to ask for; the present one when Act is false
	Act       bool          // ask for it
	NotScaled string        // one of the codes; may be "" although Act is false, as in a cooldown
	Because   string        // the reason with its inputs
	Policy    string        // that decided: of several, the one with the largest capacity
	Direction Direction     // where it wants to go
	Cooldown  time.Duration // that begins when the change has succeeded
}

// Decide says what a scalable target does about point, an alarm of one of its
// policies that is in ALARM. Alarms of its other policies that are in ALARM must be
// in state.Alarms. It changes none of its arguments.
//
//   - Target tracking asks for ceil(capacity × metric / target), never less than it
//     has for its high alarm and never more for its low one.
//   - Out: the largest capacity of all policies whose alarms ask for more. During a
//     scale-out and its cooldown, only what is more than was asked for already.
//   - In, by target tracking: only when the low alarms of all policies with scale-in
//     are in ALARM, to the largest capacity among theirs. By step scaling: at once.
//     Never while a policy asks for more, nor before the scale-in cooldown has ended.
//   - Always within [Min, Max].
//
// Sources: Application Auto Scaling User Guide, "Target tracking scaling policies"
// and "Step scaling policies", for everything but the formula, which is not
// published; [Assumptions] has what is open.
func Decide(state State, policies []Policy, point Datapoint, now time.Time, a Assumptions) Decision {
	state.Observe(point)
	t := deciding{State: state, policies: policies, now: now, a: a}
	p, wants := t.propose(point)
	switch {
	case p.direction == "":
		return t.stay(p, "", wants)
	case p.direction == Out:
		return t.grow(t.largest(Out))
	case t.policy(point.Policy).TargetTracking == nil:
		return t.shrink(p)
	}
	if reluctant := t.reluctant(); reluctant != "" {
		return t.stay(p, "", fmt.Sprintf("policy %s has scale-in enabled and its low alarm is not in ALARM: all of them must be", reluctant))
	}
	return t.shrink(t.largest(In))
}

// deciding is a scalable target at the moment of deciding.
type deciding struct {
	State

	policies []Policy
	now      time.Time
	a        Assumptions
}

// proposal is what one policy makes of its alarm.
type proposal struct {
	policy    string
	direction Direction // "" when it wants no other capacity for good
	capacity  int       // without the bounds of the target
	cooldown  time.Duration
	flaps     bool // the removal would raise the metric above the target
	because   string
}

// propose is what the alarm's policy makes of it; why says why that is nothing.
func (t *deciding) propose(d Datapoint) (p proposal, why string) {
	policy := t.policy(d.Policy)
	switch {
	case policy.Step != nil:
		return t.step(policy, d)
	case policy.TargetTracking == nil:
		return proposal{policy: d.Policy}, fmt.Sprintf("there is no policy %q", d.Policy)
	case d.Direction == Out:
		return t.trackOut(policy, d), ""
	case d.Direction == In && policy.TargetTracking.DisableScaleIn:
		return proposal{policy: d.Policy}, fmt.Sprintf("scale-in is disabled in policy %s", d.Policy)
	case d.Direction == In:
		return t.trackIn(policy, d), ""
	}
	return proposal{policy: d.Policy}, fmt.Sprintf("the alarm of policy %s is neither its high nor its low one", d.Policy)
}

// policy finds one by its name; without, it is empty.
func (t *deciding) policy(name string) Policy {
	for _, p := range t.policies {
		if p.Name == name {
			return p
		}
	}
	return Policy{}
}

// trackOut follows a high alarm: never to less than there is.
func (t *deciding) trackOut(policy Policy, d Datapoint) proposal {
	base := t.Capacity
	if t.a.CooldownBase == BaseBefore {
		base = t.chainBase(t.now)
	}
	need, because := t.formula(policy, d.read(t.a.ScaleOutDatapoint), base)
	if t.a.ScaleOutSize == OneByOne {
		need = min(need, base+1)
	}
	return proposal{
		policy: policy.Name, direction: Out, capacity: max(need, base),
		cooldown: policy.TargetTracking.ScaleOutCooldown, because: because,
	}
}

// trackIn follows a low alarm.
func (t *deciding) trackIn(policy Policy, d Datapoint) proposal {
	need, because := t.formula(policy, d.read(t.a.ScaleInDatapoint), t.Capacity)
	p := proposal{
		policy: policy.Name, direction: In, capacity: need,
		cooldown: policy.TargetTracking.ScaleInCooldown, because: because,
	}
	if t.a.ScaleInSize == OneByOne {
		p.capacity = max(0, t.Capacity-1)
		p.flaps = p.capacity < need
	} else {
		p.flaps = need >= t.Capacity // to remove even one instance would be too much
	}
	p.flaps = p.flaps && t.a.FlappingGuard
	return p
}

// formula is ceil(capacity × metric / target), with the calculation in words. The
// rounding forgives what floating point adds: 3 × 0.1 / 0.3 is 1, not
// 1.0000000000000002.
func (t *deciding) formula(policy Policy, metric float64, capacity int) (need int, because string) {
	want := policy.TargetTracking.Target
	exact := float64(capacity) * metric / want
	switch rounded := math.Ceil(exact - 1e-9*max(1, exact)); {
	case math.IsNaN(exact):
		need = capacity
	case rounded < maxCapacity:
		need = int(max(0, rounded))
	default:
		need = maxCapacity
	}
	return need, fmt.Sprintf("%s: %d × %s / %s = %s, rounded up to %d", policy.Name, capacity, number(metric), number(want), number(exact), need)
}

// read is the metric that the formula uses; where only the newest datapoint is
// known, that one.
func (d Datapoint) read(how Reading) float64 {
	switch {
	case len(d.Recent) == 0 || how == ReadLatest:
		return d.Value
	case how == ReadHighest:
		return slices.Max(d.Recent)
	default:
		return mean(d.Recent)
	}
}

// step follows the alarm of a step-scaling policy, in the direction of its
// adjustment. A scale-out is measured from before the one that is under way or
// cooling down: +2 and then +3 is +3.
func (t *deciding) step(policy Policy, d Datapoint) (p proposal, why string) {
	p = proposal{policy: policy.Name, cooldown: policy.Step.Cooldown}
	delta := policy.Step.aggregate(d) - d.Threshold
	s, ok := policy.Step.Pick(delta)
	if !ok {
		return p, fmt.Sprintf("%s: no step adjustment is for a breach of %s", policy.Name, number(delta))
	}
	base := t.Capacity
	switch p.capacity = policy.Step.Apply(base, s.Adjustment); {
	case p.capacity > base:
		p.direction, base = Out, t.chainBase(t.now)
		p.capacity = policy.Step.Apply(base, s.Adjustment)
	case p.capacity < base:
		p.direction = In
	default:
		return p, fmt.Sprintf("%s: a breach of %s changes nothing at %d", policy.Name, number(delta), base)
	}
	p.because = fmt.Sprintf("%s: %s %d from %d for a breach of %s is %d", policy.Name, policy.Step.Adjustment, s.Adjustment, base, number(delta), p.capacity)
	return p, ""
}

// largest is the proposal of the largest capacity among the alarms that point this
// way; of equals, one that would flap. For In, only target tracking's are asked.
func (t *deciding) largest(direction Direction) proposal {
	var best proposal
	for _, d := range t.Alarms {
		p, _ := t.propose(d)
		if p.direction != direction || direction == In && t.policy(d.Policy).TargetTracking == nil {
			continue
		}
		if best.policy == "" || p.capacity > best.capacity || p.capacity == best.capacity && p.flaps {
			best = p
		}
	}
	return best
}

// reluctant is a target-tracking policy that is not ready to scale in, or "".
func (t *deciding) reluctant() string {
	for _, p := range t.policies {
		ready := func(d Datapoint) bool { return d.Policy == p.Name && d.Direction == In }
		if p.TargetTracking != nil && !p.TargetTracking.DisableScaleIn && !slices.ContainsFunc(t.Alarms, ready) {
			return p.Name
		}
	}
	return ""
}

// grow decides about a scale-out.
func (t *deciding) grow(p proposal) Decision {
	to := t.bound(p.capacity)
	underway := t.InProgress && t.Change.Direction == Out
	switch {
	case t.SuspendedOut:
		return t.stay(p, "", "scaling out is suspended")
	case to <= t.Desired && p.capacity > t.Max && t.Desired >= t.Max:
		return t.stay(p, AlreadyAtMaxCapacity, fmt.Sprintf("%s; the maximum is %d", p.because, t.Max))
	case to <= t.Desired && underway:
		return t.stay(p, "", fmt.Sprintf("%s; %d were asked for already", p.because, t.Desired))
	case to <= t.Desired && t.cooling(Out, t.now):
		return t.stay(p, "", fmt.Sprintf("%s; not more than the %d of the scale-out whose cooldown lasts until %s", p.because, t.Desired, clock(t.Cooldown.Until)))
	case to <= t.Desired:
		return t.stay(p, AlreadyAtDesiredCapacity, fmt.Sprintf("%s; there are %d", p.because, t.Desired))
	case t.locked():
		return t.stay(p, PutUnscalable, p.because+"; the resource is being updated")
	}
	return t.act(p, to)
}

// shrink decides about a scale-in.
func (t *deciding) shrink(p proposal) Decision {
	to := t.bound(p.capacity)
	more := t.largest(Out)
	switch {
	case t.SuspendedIn:
		return t.stay(p, "", "scaling in is suspended")
	case more.policy != "" && t.bound(more.capacity) > t.Desired:
		return t.stay(p, "", fmt.Sprintf("%s; but %s", p.because, more.because))
	case t.Desired <= t.Min:
		return t.stay(p, AlreadyAtMinCapacity, fmt.Sprintf("%s; the minimum is %d", p.because, t.Min))
	case p.flaps:
		return t.stay(p, AnticipatedFlapping, p.because+"; with one less the metric would be above the target")
	case to >= t.Desired:
		return t.stay(p, AlreadyAtDesiredCapacity, fmt.Sprintf("%s; there are %d", p.because, t.Desired))
	case t.locked():
		return t.stay(p, PutUnscalable, p.because+"; the resource is being updated")
	case t.InProgress:
		return t.stay(p, "", p.because+"; another change is in progress")
	case t.cooling(In, t.now), t.a.ScaleOutCooldownBlocksIn && t.cooling(Out, t.now):
		return t.stay(p, "", fmt.Sprintf("%s; the cooldown of the scale-%s lasts until %s", p.because, t.Cooldown.Direction, clock(t.Cooldown.Until)))
	}
	return t.act(p, to)
}

// locked is whether the resource takes no change at the moment.
func (t *deciding) locked() bool {
	return t.Unscalable || t.InProgress && t.a.UpdatingBlocksScaling
}

// act asks for a capacity.
func (t *deciding) act(p proposal, to int) Decision {
	because := p.because
	if to != p.capacity {
		because += fmt.Sprintf(", within [%d, %d] %d", t.Min, t.Max, to)
	}
	return Decision{Desired: to, Act: true, Because: because, Policy: p.policy, Direction: p.direction, Cooldown: p.cooldown}
}

// stay asks for nothing.
func (t *deciding) stay(p proposal, code, because string) Decision {
	return Decision{Desired: t.Desired, NotScaled: code, Because: because, Policy: p.policy, Direction: p.direction}
}

// bound is a capacity within [Min, Max]; the maximum wins over a minimum above it.
func (s *State) bound(capacity int) int { return min(max(capacity, s.Min), s.Max) }

// Bound pulls the desired capacity inside [Min, Max], after either has changed or
// somebody has set the capacity by hand. It waits for a change that is in progress,
// and heeds neither cooldowns nor suspension.
func Bound(state State) (desired int, because string, act bool) {
	desired = state.bound(state.Desired)
	switch {
	case desired > state.Desired:
		because = fmt.Sprintf("minimum capacity was set to %d", state.Min)
	case desired < state.Desired:
		because = fmt.Sprintf("maximum capacity was set to %d", state.Max)
	}
	return desired, because, because != "" && !state.InProgress && !state.Unscalable
}

// clock writes an instant of day.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }
