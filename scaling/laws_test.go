package scaling

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// anyAssumptions are defaults with the switches of a decision thrown.
func anyAssumptions(t *rapid.T) Assumptions {
	a := DefaultAssumptions()
	a.ScaleOutSize = rapid.SampledFrom([]Sizing{Proportional, OneByOne}).Draw(t, "out size")
	a.ScaleInSize = rapid.SampledFrom([]Sizing{Proportional, OneByOne}).Draw(t, "in size")
	a.CooldownBase = rapid.SampledFrom([]CooldownBase{BaseBefore, BaseCurrent}).Draw(t, "base")
	readings := []Reading{ReadLatest, ReadMean, ReadHighest}
	a.ScaleOutDatapoint, a.ScaleInDatapoint = rapid.SampledFrom(readings).Draw(t, "out"), rapid.SampledFrom(readings).Draw(t, "in")
	a.FlappingGuard = rapid.Bool().Draw(t, "guard")
	a.UpdatingBlocksScaling = rapid.Bool().Draw(t, "lock")
	a.ScaleOutCooldownBlocksIn = rapid.Bool().Draw(t, "out blocks in")
	return a
}

// anyPolicies are up to three of target tracking and one of step scaling.
func anyPolicies(t *rapid.T) []Policy {
	var policies []Policy
	for _, name := range []string{"p", "q", "r"}[:rapid.IntRange(1, 3).Draw(t, "policies")] {
		p := tracking(name, rapid.Float64Range(0.1, 1000).Draw(t, "target"))
		p.TargetTracking.DisableScaleIn = rapid.Bool().Draw(t, "no scale-in")
		policies = append(policies, p)
	}
	if rapid.Bool().Draw(t, "step scaling") {
		adjust := func(least, most int) float64 { return float64(rapid.IntRange(least, most).Draw(t, "adjustment")) }
		s := stepping([3]float64{math.Inf(-1), 0, adjust(-80, 0)}, [3]float64{0, math.Inf(1), adjust(0, 80)})
		s.Step.Adjustment = rapid.SampledFrom([]AdjustmentType{ChangeInCapacity, PercentChangeInCapacity}).Draw(t, "type")
		policies = append(policies, s)
	}
	return policies
}

// anyAlarm is an alarm of one of the policies.
func anyAlarm(t *rapid.T, policies []Policy) Datapoint {
	p := rapid.SampledFrom(policies).Draw(t, "policy")
	d := Datapoint{Policy: p.Name, Value: rapid.Float64Range(0, 5000).Draw(t, "value"), Threshold: rapid.Float64Range(0, 1000).Draw(t, "threshold"), At: at(11, 59, 0)}
	if p.TargetTracking != nil {
		d.Direction = rapid.SampledFrom([]Direction{In, Out}).Draw(t, "direction")
	}
	d.Recent = append(rapid.SliceOfN(rapid.Float64Range(0, 5000), 0, 2).Draw(t, "recent"), d.Value)
	return d
}

// anyState is a target with a past: alarms, a change, a cooldown.
func anyState(t *rapid.T, policies []Policy) State {
	s := State{Min: rapid.IntRange(0, 10).Draw(t, "min"), Capacity: rapid.IntRange(0, 40).Draw(t, "capacity")}
	s.Max, s.Desired = s.Min+rapid.IntRange(0, 20).Draw(t, "max − min"), s.Capacity
	s.Unscalable = rapid.Bool().Draw(t, "unscalable")
	s.SuspendedIn, s.SuspendedOut = rapid.Bool().Draw(t, "in suspended"), rapid.Bool().Draw(t, "out suspended")
	for range rapid.IntRange(0, 4).Draw(t, "alarms") {
		s.Observe(anyAlarm(t, policies))
	}
	if rapid.Bool().Draw(t, "changed") {
		d := Decision{Desired: s.bound(rapid.IntRange(0, 40).Draw(t, "to")), Policy: "p", Cooldown: DefaultCooldown}
		d.Direction = rapid.SampledFrom([]Direction{In, Out, ""}).Draw(t, "changed")
		s.Started(d, at(11, 50, 0))
		if rapid.Bool().Draw(t, "done") {
			s.Succeeded(at(12, 0, 0).Add(-time.Duration(rapid.IntRange(0, 600).Draw(t, "ago")) * time.Second))
		}
	}
	return s
}

func TestDecideLaws(t *testing.T) {
	now := at(12, 0, 0)
	rapid.Check(t, func(t *rapid.T) {
		policies := anyPolicies(t)
		state, point, a := anyState(t, policies), anyAlarm(t, policies), anyAssumptions(t)
		saved, savedPoint := state, point
		saved.Alarms, savedPoint.Recent = slices.Clone(state.Alarms), slices.Clone(point.Recent)

		got := Decide(state, policies, point, now, a)
		if !reflect.DeepEqual(state, saved) || !reflect.DeepEqual(point, savedPoint) {
			t.Fatalf("Decide changed its arguments:\n%+v %+v, were\n%+v %+v", state, point, saved, savedPoint)
		}
		if again := Decide(state, policies, point, now, a); again != got {
			t.Fatalf("Decide is of two minds: %+v and %+v", got, again)
		}
		if got.Because == "" {
			t.Fatalf("no reason for %+v", got)
		}
		if !got.Act {
			if got.Desired != state.Desired {
				t.Fatalf("nothing is done, and yet %+v", got)
			}
			return
		}
		grows := got.Desired > state.Desired
		switch {
		case got.Desired < state.Min || got.Desired > state.Max:
			t.Fatalf("%+v is outside [%d, %d]", got, state.Min, state.Max)
		case got.Desired == state.Desired || grows != (got.Direction == Out):
			t.Fatalf("from %d: %+v", state.Desired, got)
		case point.Direction == Out && !grows:
			t.Fatalf("scale-in on a high alarm: %+v", got)
		case point.Direction == In && grows:
			t.Fatalf("scale-out on a low alarm: %+v", got)
		case grows && state.SuspendedOut || !grows && state.SuspendedIn:
			t.Fatalf("suspended, and yet %+v", got)
		case state.Unscalable || state.InProgress && a.UpdatingBlocksScaling || state.InProgress && !grows:
			t.Fatalf("busy, and yet %+v", got)
		case !grows && state.cooling(In, now):
			t.Fatalf("cooling down, and yet %+v", got)
		case got.NotScaled != "":
			t.Fatalf("scaled and not scaled: %+v", got)
		}
	})
}

// With the guard, no scale-in by target tracking puts the metric above the target of
// the policy that decided (unless the minimum is above what it wanted, which only
// makes the metric lower).
func TestScaleInNeverExceedsTheTarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies := []Policy{tracking("p", rapid.Float64Range(0.1, 1000).Draw(t, "target"))}
		a := anyAssumptions(t)
		a.FlappingGuard = true
		state := having(rapid.IntRange(1, 200).Draw(t, "capacity"), 1, 200)
		point := low("p", rapid.Float64Range(0, 1000).Draw(t, "value"))
		got := Decide(state, policies, point, at(12, 0, 0), a)
		if !got.Act {
			return
		}
		after := point.Value * float64(state.Capacity) / float64(got.Desired)
		if limit := policies[0].TargetTracking.Target * (1 + 1e-8); after > limit {
			t.Fatalf("from %d at %v: %+v puts the metric at %v", state.Capacity, point.Value, got, after)
		}
	})
}

// More load never means fewer instances.
func TestDecideIsMonotoneInTheMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies := []Policy{tracking("p", rapid.Float64Range(0.1, 1000).Draw(t, "target"))}
		state, a := anyState(t, policies), anyAssumptions(t)
		state.Alarms = nil
		direction := rapid.SampledFrom([]Direction{In, Out}).Draw(t, "direction")
		x, y := rapid.Float64Range(0, 5000).Draw(t, "x"), rapid.Float64Range(0, 5000).Draw(t, "y")
		at := at(12, 0, 0)
		less := Decide(state, policies, Datapoint{Policy: "p", Direction: direction, Value: min(x, y)}, at, a)
		more := Decide(state, policies, Datapoint{Policy: "p", Direction: direction, Value: max(x, y)}, at, a)
		if less.Desired > more.Desired {
			t.Fatalf("%v gives %+v, %v gives %+v", min(x, y), less, max(x, y), more)
		}
	})
}

// A target that does what is decided settles: with a constant load it ends in a band
// from which no alarm moves it.
func TestTargetTrackingSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target := rapid.Float64Range(1, 1000).Draw(t, "target")
		policies := []Policy{tracking("p", target)}
		load := rapid.Float64Range(0, 50).Draw(t, "load") * target
		state, a := having(rapid.IntRange(1, 60).Draw(t, "capacity"), 1, 60), DefaultAssumptions()
		changes := 0
		for now := at(12, 0, 0); now.Before(at(18, 0, 0)); now = now.Add(10 * time.Minute) {
			metric := load / float64(state.Capacity)
			var point Datapoint
			switch {
			case metric > target:
				point = high("p", metric)
			case metric < 0.9*target:
				point = low("p", metric)
			default:
				continue
			}
			if d := Decide(state, policies, point, now, a); d.Act {
				state.Started(d, now)
				state.Succeeded(now)
				changes++
			}
		}
		if metric := load / float64(state.Capacity); metric > target*(1+1e-8) || changes > 1 {
			t.Fatalf("a load of %v ends at %d after %d changes, %v each", load, state.Capacity, changes, metric)
		}
	})
}
