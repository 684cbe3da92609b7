package scaling

import (
	"math"
	"strings"
	"testing"
	"time"
)

// tracking is a target-tracking policy with AWS's default cooldowns.
func tracking(name string, target float64) Policy {
	return Policy{Name: name, TargetTracking: &TargetTracking{Target: target, ScaleOutCooldown: DefaultCooldown, ScaleInCooldown: DefaultCooldown}}
}

// stepping is a step-scaling policy, "s", that adds or removes instances.
func stepping(triples ...[3]float64) Policy {
	return Policy{Name: "s", Step: &StepScaling{Adjustment: ChangeInCapacity, Steps: steps(triples...), Cooldown: DefaultCooldown}}
}

// having is a target with so many instances, within bounds.
func having(capacity, least, most int) State {
	return State{Capacity: capacity, Desired: capacity, Min: least, Max: most}
}

func high(policy string, value float64) Datapoint {
	return Datapoint{Policy: policy, Direction: Out, Value: value}
}

func low(policy string, value float64) Datapoint {
	return Datapoint{Policy: policy, Direction: In, Value: value}
}

// decideCase is one decision; with no Because, any will do.
type decideCase struct {
	name     string
	state    State
	policies []Policy
	point    Datapoint
	assume   string // name=value, ...
	want     int    // asked for; 0 for nothing
	code     string // of nothing
	because  string // a part
}

func (c decideCase) check(t *testing.T) {
	t.Helper()
	a := DefaultAssumptions()
	for setting := range strings.FieldsSeq(c.assume) {
		name, value, _ := strings.Cut(setting, "=")
		if err := a.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	got := Decide(c.state, c.policies, c.point, at(12, 0, 0), a)
	want := c.state.Desired
	if c.want != 0 {
		want = c.want
	}
	if got.Act != (c.want != 0) || got.Desired != want || got.NotScaled != c.code || !strings.Contains(got.Because, c.because) || got.Because == "" {
		t.Errorf("%s: %+v, want %d (acts: %v) %q because %q", c.name, got, want, c.want != 0, c.code, c.because)
	}
}

func TestTargetTracking(t *testing.T) {
	standard := []Policy{tracking("p", 100)}
	noIn := []Policy{tracking("p", 100)}
	noIn[0].TargetTracking.DisableScaleIn = true
	suspended := having(2, 1, 4)
	suspended.SuspendedIn, suspended.SuspendedOut = true, true
	for _, c := range []decideCase{
		// A public lab: about 130 a minute against a target of 5 took 1 to 4, the maximum, in one activity.
		{name: "26 times the target", state: having(1, 1, 4), policies: []Policy{tracking("p", 5)}, point: high("p", 130), want: 4, because: "p: 1 × 130 / 5 = 26, rounded up to 26, within [1, 4] 4"},
		// A public capacity model: 10 times a high-resolution target of 0.713 took 1 to 4 at once.
		{name: "10 times the target", state: having(1, 1, 4), policies: []Policy{tracking("p", 0.713)}, point: high("p", 7.13), want: 4},
		{name: "without a maximum in the way", state: having(1, 1, 100), policies: []Policy{tracking("p", 5)}, point: high("p", 130), want: 26},
		{name: "a little above", state: having(3, 1, 10), policies: standard, point: high("p", 101), want: 4, because: "3 × 101 / 100 = 3.03, rounded up to 4"},

		// ceil: 2 to 1 only at half the target, 3 to 2 at two thirds, 10 to 9 at nine tenths.
		{name: "2 at half", state: having(2, 1, 4), policies: standard, point: low("p", 50), want: 1},
		{name: "2 above half", state: having(2, 1, 4), policies: standard, point: low("p", 50.01), code: AnticipatedFlapping},
		{name: "3 at two thirds", state: having(3, 1, 4), policies: standard, point: low("p", 66.66), want: 2},
		{name: "3 above two thirds", state: having(3, 1, 4), policies: standard, point: low("p", 66.67), code: AnticipatedFlapping},
		{name: "10 at nine tenths", state: having(10, 1, 20), policies: standard, point: low("p", 90), want: 9},
		{name: "10 above nine tenths", state: having(10, 1, 20), policies: standard, point: low("p", 90.01), code: AnticipatedFlapping},
		{name: "no traffic", state: having(8, 2, 20), policies: standard, point: low("p", 0), want: 2},
		{name: "what floating point adds does not count", state: having(3, 1, 20), policies: []Policy{tracking("p", 0.3)}, point: low("p", 0.1), want: 1},

		{name: "at the maximum", state: having(4, 1, 4), policies: standard, point: high("p", 500), code: AlreadyAtMaxCapacity},
		{name: "at the minimum", state: having(2, 2, 4), policies: standard, point: low("p", 0), code: AlreadyAtMinCapacity},
		{name: "high alarm, but the newest datapoint is fine", state: having(2, 1, 4), policies: standard, point: high("p", 40), code: AlreadyAtDesiredCapacity},
		{name: "low alarm, but the newest datapoint is high", state: having(2, 1, 4), policies: standard, point: low("p", 400), code: AnticipatedFlapping},
		{name: "nothing times anything", state: having(0, 0, 4), policies: standard, point: high("p", 500), code: AlreadyAtDesiredCapacity},
		{name: "less than nothing", state: having(2, 0, 4), policies: standard, point: low("p", -300), assume: "scale-in-size=one", want: 1, because: "rounded up to 0"},
		{name: "no number, out", state: having(2, 1, 4), policies: standard, point: high("p", math.NaN()), code: AlreadyAtDesiredCapacity},
		{name: "no number, in", state: having(2, 1, 4), policies: standard, point: low("p", math.NaN()), code: AnticipatedFlapping},
		{name: "more than can be counted", state: having(1, 1, math.MaxInt32), policies: []Policy{tracking("p", 1e-300)}, point: high("p", 1e300), want: math.MaxInt32},

		{name: "scale-in disabled", state: having(4, 1, 4), policies: noIn, point: low("p", 0), because: "disabled"},
		{name: "scale-in disabled, out", state: having(3, 1, 4), policies: noIn, point: high("p", 110), want: 4},
		{name: "scale-in suspended", state: suspended, policies: standard, point: low("p", 0), because: "suspended"},
		{name: "scale-out suspended", state: suspended, policies: standard, point: high("p", 500), because: "suspended"},
		{name: "policy unknown", state: having(2, 1, 4), policies: standard, point: high("q", 500), because: `no policy "q"`},
		{name: "neither alarm", state: having(2, 1, 4), policies: standard, point: Datapoint{Policy: "p", Value: 500}, because: "neither"},

		{name: "one at a time, out", state: having(1, 1, 10), policies: standard, point: high("p", 500), assume: "scale-out-size=one", want: 2},
		{name: "one at a time, in", state: having(8, 1, 10), policies: standard, point: low("p", 0), assume: "scale-in-size=one", want: 7},
		{name: "one at a time, too close", state: having(3, 1, 10), policies: standard, point: low("p", 80), assume: "scale-in-size=one", code: AnticipatedFlapping},
		{name: "one at a time, too close, and nobody minds", state: having(3, 1, 10), policies: standard, point: low("p", 80), assume: "scale-in-size=one flapping-guard=off", want: 2},
		{name: "too close, proportionally, without the guard", state: having(3, 1, 10), policies: standard, point: low("p", 80), assume: "flapping-guard=off", code: AlreadyAtDesiredCapacity},
		{name: "mean of the evaluation periods", state: having(1, 1, 10), policies: standard, point: Datapoint{Policy: "p", Direction: Out, Value: 700, Recent: []float64{200, 300, 700}}, assume: "scale-out-datapoint=mean", want: 4},
		{name: "latest of the evaluation periods", state: having(1, 1, 10), policies: standard, point: Datapoint{Policy: "p", Direction: Out, Value: 700, Recent: []float64{200, 300, 700}}, want: 7},
		{name: "highest of the evaluation periods", state: having(1, 1, 10), policies: standard, point: Datapoint{Policy: "p", Direction: Out, Value: 700, Recent: []float64{900, 300, 700}}, assume: "scale-out-datapoint=highest", want: 9},
		{name: "in: what all evaluation periods allow", state: having(8, 1, 10), policies: standard, point: Datapoint{Policy: "p", Direction: In, Value: 0, Recent: []float64{60, 30, 0}}, want: 5},
		{name: "in: the latest", state: having(8, 1, 10), policies: standard, point: Datapoint{Policy: "p", Direction: In, Value: 0, Recent: []float64{60, 30, 0}}, assume: "scale-in-datapoint=latest", want: 1},
		{name: "mean of an unknown past", state: having(1, 1, 10), policies: standard, point: high("p", 700), assume: "scale-out-datapoint=mean", want: 7},
	} {
		c.check(t)
	}
}

func TestDecisionCarriesTheCooldownOfItsPolicy(t *testing.T) {
	p, s := tracking("p", 100), stepping([3]float64{0, math.Inf(1), 1})
	p.TargetTracking.ScaleOutCooldown, p.TargetTracking.ScaleInCooldown, s.Step.Cooldown = time.Minute, time.Hour, time.Second
	for _, c := range []struct {
		point Datapoint
		want  Decision
	}{
		{high("p", 150), Decision{Desired: 6, Policy: "p", Direction: Out, Cooldown: time.Minute}},
		{low("p", 50), Decision{Desired: 2, Policy: "p", Direction: In, Cooldown: time.Hour}},
		{Datapoint{Policy: "s", Value: 1}, Decision{Desired: 5, Policy: "s", Direction: Out, Cooldown: time.Second}},
	} {
		got := Decide(having(4, 1, 10), []Policy{p, s}, c.point, at(12, 0, 0), DefaultAssumptions())
		c.want.Act, c.want.Because = true, got.Because
		if got != c.want {
			t.Errorf("Decide(%+v) = %+v, want %+v", c.point, got, c.want)
		}
	}
}

func TestBusyTarget(t *testing.T) {
	standard := []Policy{tracking("p", 100)}
	updating, growing, shrinking := having(2, 1, 10), having(2, 1, 10), having(4, 1, 10)
	updating.Unscalable = true
	growing.Started(Decision{Desired: 4, Policy: "p", Direction: Out}, at(11, 58, 0))
	shrinking.Started(Decision{Desired: 3, Policy: "p", Direction: In}, at(11, 58, 0))
	halfway := having(4, 1, 10)
	halfway.Started(Decision{Desired: 2, Policy: "p", Direction: In}, at(11, 58, 0))
	halfway.Capacity = 3
	for _, c := range []decideCase{
		{name: "updated by somebody else, out", state: updating, policies: standard, point: high("p", 200), code: PutUnscalable},
		{name: "updated by somebody else, in", state: updating, policies: standard, point: low("p", 10), code: PutUnscalable},
		{name: "updated by somebody else, nothing to do", state: updating, policies: standard, point: high("p", 90), code: AlreadyAtDesiredCapacity},
		{name: "growing, and enough", state: growing, policies: standard, point: high("p", 200), because: "4 were asked for already"},
		{name: "growing, and not enough", state: growing, policies: standard, point: high("p", 300), code: PutUnscalable},
		{name: "growing, without the lock", state: growing, policies: standard, point: high("p", 300), assume: "updating-blocks-scaling=off", want: 6},
		{name: "growing, then quiet", state: growing, policies: standard, point: low("p", 10), code: PutUnscalable},
		{name: "growing, then quiet, without the lock", state: growing, policies: standard, point: low("p", 10), assume: "updating-blocks-scaling=off", because: "another change"},
		{name: "shrinking, then busy", state: shrinking, policies: standard, point: high("p", 150), code: PutUnscalable},
		{name: "shrinking, half done, then busy, without the lock", state: halfway, policies: standard, point: high("p", 150), assume: "updating-blocks-scaling=off", want: 5, because: "3 × 150"},
		{name: "shrinking, and the newest datapoint of a high alarm is fine, without the lock", state: shrinking, policies: standard, point: high("p", 50), assume: "updating-blocks-scaling=off", want: 4},
		{name: "shrinking, then busy, without the lock", state: shrinking, policies: standard, point: high("p", 150), assume: "updating-blocks-scaling=off", want: 6},
	} {
		c.check(t)
	}
}

func TestCooldowns(t *testing.T) {
	standard := []Policy{tracking("p", 100)}
	grown, shrunk := having(2, 1, 10), having(6, 1, 10)
	grown.Started(Decision{Desired: 4, Policy: "p", Direction: Out, Cooldown: DefaultCooldown}, at(11, 52, 0))
	grown.Succeeded(at(11, 57, 0)) // until 12:02
	shrunk.Started(Decision{Desired: 4, Policy: "p", Direction: In, Cooldown: DefaultCooldown}, at(11, 52, 0))
	shrunk.Succeeded(at(11, 57, 0))
	over := grown
	over.Cooldown.Until = at(12, 0, 0)
	inOver := shrunk
	inOver.Cooldown.Until = at(12, 0, 0)
	atMax := grown
	atMax.Max = 4
	for _, c := range []decideCase{
		{name: "not more than the scale-out that cools down", state: grown, policies: standard, point: high("p", 200), because: "until 12:02:00"},
		{name: "a larger scale-out, from what there was before", state: grown, policies: standard, point: high("p", 300), want: 6, because: "2 × 300"},
		{name: "a larger scale-out, from what there is", state: grown, policies: standard, point: high("p", 200), assume: "cooldown-base=current", want: 8},
		{name: "at the maximum meanwhile", state: atMax, policies: standard, point: high("p", 300), code: AlreadyAtMaxCapacity},
		{name: "after the cooldown, from what there is", state: over, policies: standard, point: high("p", 150), want: 6},
		{name: "in during the cooldown of a scale-out", state: grown, policies: standard, point: low("p", 10), want: 1},
		{name: "in during the cooldown of a scale-out that blocks it", state: grown, policies: standard, point: low("p", 10), assume: "scale-out-cooldown-blocks-in=on", because: "cooldown of the scale-out lasts until 12:02:00"},
		{name: "in after the cooldown that would block it", state: over, policies: standard, point: low("p", 10), assume: "scale-out-cooldown-blocks-in=on", want: 1},
		{name: "in during the cooldown of a scale-in", state: shrunk, policies: standard, point: low("p", 10), because: "cooldown of the scale-in lasts until 12:02:00"},
		{name: "in after the cooldown of a scale-in", state: inOver, policies: standard, point: low("p", 10), want: 1},
		{name: "out during the cooldown of a scale-in", state: shrunk, policies: standard, point: high("p", 150), want: 6},
	} {
		c.check(t)
	}
}

func TestSeveralPolicies(t *testing.T) {
	both := []Policy{tracking("p", 100), tracking("q", 10)}
	oneWay := []Policy{tracking("p", 100), tracking("q", 10)}
	oneWay[1].TargetTracking.DisableScaleIn = true
	withStep := []Policy{tracking("p", 100), stepping([3]float64{math.Inf(-1), 0, -1}, [3]float64{0, math.Inf(1), 3})}
	seeing := func(alarms ...Datapoint) State {
		s := having(4, 1, 20)
		for _, d := range alarms {
			s.Observe(d)
		}
		return s
	}
	for _, c := range []decideCase{
		{name: "out: the larger one wins", state: seeing(high("q", 30)), policies: both, point: high("p", 200), want: 12, because: "q: 4 × 30 / 10"},
		{name: "out: the larger one wins, whoever calls", state: seeing(high("p", 200)), policies: both, point: high("q", 30), want: 12, because: "q:"},
		{name: "out: one is enough", state: seeing(low("q", 1)), policies: both, point: high("p", 200), want: 8},
		{name: "in: not all agree", state: seeing(), policies: both, point: low("p", 10), because: "policy q has scale-in enabled"},
		{name: "in: all agree, to the larger capacity", state: seeing(low("q", 5)), policies: both, point: low("p", 10), want: 2, because: "q: 4 × 5 / 10"},
		{name: "in: one asks for more than there is", state: seeing(high("q", 30)), policies: both, point: low("p", 10), because: "policy q"},
		{name: "in: all agree, but one would flap", state: seeing(low("q", 8)), policies: both, point: low("p", 10), code: AnticipatedFlapping},
		{name: "in: all agree, but one would flap, one at a time", state: seeing(low("q", 8)), policies: both, point: low("p", 10), assume: "scale-in-size=one", code: AnticipatedFlapping},
		{name: "in: all agree, but the other one would flap, one at a time", state: seeing(low("p", 10)), policies: both, point: low("q", 8), assume: "scale-in-size=one", code: AnticipatedFlapping},
		{name: "in: one without scale-in need not agree", state: seeing(), policies: oneWay, point: low("p", 10), want: 1},
		{name: "an alarm that cleared counts no more", state: cleared(seeing(low("q", 5)), "q", In), policies: both, point: low("p", 10), because: "policy q"},
		{name: "a policy that was deleted counts no more", state: seeing(high("q", 30)), policies: both[:1], point: high("p", 200), want: 8},
		{name: "step scaling is not asked by target tracking", state: seeing(), policies: withStep, point: low("p", 10), want: 1},
		{name: "step scaling wins when it wants more", state: seeing(Datapoint{Policy: "s", Value: 9, Threshold: 5}), policies: withStep, point: high("p", 120), want: 7, because: "s: "},
		{name: "no scale-in while step scaling wants more", state: seeing(Datapoint{Policy: "s", Value: 9, Threshold: 5}), policies: withStep, point: low("p", 10), because: "but s: "},
		{name: "step scaling scales in alone", state: seeing(), policies: withStep, point: Datapoint{Policy: "s", Value: 1, Threshold: 5}, want: 3},
	} {
		c.check(t)
	}
}

func cleared(s State, policy string, direction Direction) State {
	s.Clear(policy, direction)
	return s
}

func TestStepScaling(t *testing.T) {
	inf := math.Inf(1)
	policies := []Policy{stepping([3]float64{0, 10, 2}, [3]float64{10, inf, 3}, [3]float64{-inf, 0, -1})}
	exact := []Policy{{Name: "s", Step: &StepScaling{Adjustment: ExactCapacity, Steps: steps([3]float64{0, inf, 1})}}}
	noop := []Policy{stepping([3]float64{0, inf, 0})}
	aggregated := func(how Aggregation) []Policy {
		p := stepping([3]float64{0, 10, 2}, [3]float64{10, inf, 3})
		p.Step.Aggregation = how
		return []Policy{p}
	}
	alarm := func(value float64, recent ...float64) Datapoint {
		return Datapoint{Policy: "s", Value: value, Recent: recent, Threshold: 50}
	}
	grown := having(4, 1, 20)
	grown.Started(Decision{Desired: 6, Policy: "s", Direction: Out, Cooldown: DefaultCooldown}, at(11, 52, 0))
	grown.Succeeded(at(11, 57, 0))
	for _, c := range []decideCase{
		{name: "small breach", state: having(4, 1, 20), policies: policies, point: alarm(55), want: 6, because: "s: ChangeInCapacity 2 from 4 for a breach of 5 is 6"},
		{name: "large breach", state: having(4, 1, 20), policies: policies, point: alarm(60), want: 7},
		{name: "below", state: having(4, 1, 20), policies: policies, point: alarm(40), want: 3},
		{name: "no step for it", state: having(4, 1, 20), policies: aggregated(""), point: alarm(40), because: "no step"},
		{name: "a step of nothing", state: having(4, 1, 20), policies: noop, point: alarm(55), because: "changes nothing"},
		{name: "at the maximum", state: having(4, 1, 4), policies: policies, point: alarm(55), code: AlreadyAtMaxCapacity},
		{name: "at the minimum", state: having(1, 1, 4), policies: policies, point: alarm(40), code: AlreadyAtMinCapacity},
		// Scale to zero: target tracking cannot leave it, step scaling can.
		{name: "from none", state: having(0, 0, 4), policies: exact, point: alarm(60), want: 1},
		// Application Auto Scaling User Guide, "Cooldown period": +2, then +3 in the cooldown is only one more.
		{name: "the same step again in the cooldown", state: grown, policies: policies, point: alarm(55), because: "cooldown"},
		{name: "a larger step in the cooldown", state: grown, policies: policies, point: alarm(60), want: 7},
		{name: "average of the datapoints", state: having(4, 1, 20), policies: aggregated(""), point: alarm(64, 51, 53, 64), want: 6},
		{name: "maximum of the datapoints", state: having(4, 1, 20), policies: aggregated(AggregateMaximum), point: alarm(51, 64, 53, 51), want: 7},
		{name: "minimum of the datapoints", state: having(4, 1, 20), policies: aggregated(AggregateMinimum), point: alarm(64, 64, 51, 64), want: 6},
	} {
		c.check(t)
	}
}
