package scaling

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// steps reads (lower, upper, adjustment) triples; an infinity is no bound.
func steps(triples ...[3]float64) []Step {
	out := make([]Step, len(triples))
	for i, b := range triples {
		lower, upper := b[0], b[1]
		out[i].Adjustment = int(b[2])
		if !math.IsInf(lower, 0) {
			out[i].Lower = &lower
		}
		if !math.IsInf(upper, 0) {
			out[i].Upper = &upper
		}
	}
	return out
}

// The pair of policies of the Application Auto Scaling User Guide, "Step adjustments".
func guideSteps() (out, in StepScaling) {
	inf := math.Inf(1)
	out = StepScaling{Adjustment: PercentChangeInCapacity, Steps: steps([3]float64{0, 10, 0}, [3]float64{10, 20, 10}, [3]float64{20, inf, 30})}
	in = StepScaling{Adjustment: PercentChangeInCapacity, Steps: steps([3]float64{-10, 0, 0}, [3]float64{-20, -10, -10}, [3]float64{-inf, -20, -30})}
	return out, in
}

// The course of the same page: a threshold of 50, from 10 instances to 11, 14, 13 and 10.
func TestStepsAsTheGuide(t *testing.T) {
	out, in := guideSteps()
	capacity := 10
	for _, c := range []struct {
		policy StepScaling
		metric float64
		want   int
	}{{out, 59, 10}, {out, 60, 11}, {out, 70, 14}, {in, 41, 14}, {in, 40, 13}, {in, 30, 10}} {
		s, ok := c.policy.Pick(c.metric - 50)
		if capacity = c.policy.Apply(capacity, s.Adjustment); !ok || capacity != c.want {
			t.Fatalf("at a metric of %v: capacity %d (step found: %v), want %d", c.metric, capacity, ok, c.want)
		}
	}
}

func TestPickBounds(t *testing.T) {
	out, in := guideSteps()
	both := StepScaling{Steps: append(steps([3]float64{math.Inf(-1), 0, -1}), steps([3]float64{0, math.Inf(1), 1})...)}
	high := StepScaling{Steps: steps([3]float64{5, math.Inf(1), 1})}
	for _, c := range []struct {
		name   string
		policy StepScaling
		delta  float64
		want   int
		found  bool
	}{
		{"above: the lower bound is inside", out, 10, 10, true},
		{"above: the upper bound is outside", out, 20, 30, true},
		{"below: the upper bound is inside", in, -10, -10, true},
		{"below: the lower bound is outside", in, -20, -30, true},
		{"at the threshold, of steps above it", out, 0, 0, true},
		{"at the threshold, of steps below it", in, 0, 0, true},
		{"at the threshold, of both", both, 0, 1, true},
		{"below all steps", out, -1, 0, false},
		{"above all steps", in, 1, 0, false},
		{"less than the first", high, 4, 0, false},
		{"no number", both, math.NaN(), 0, false},
	} {
		got, ok := c.policy.Pick(c.delta)
		if got.Adjustment != c.want || ok != c.found {
			t.Errorf("%s: Pick(%v) = %+d, %v; want %+d, %v", c.name, c.delta, got.Adjustment, ok, c.want, c.found)
		}
	}
}

func TestApply(t *testing.T) {
	for _, c := range []struct {
		name                 string
		policy               StepScaling
		capacity, adjustment int
		want                 int
	}{
		// Application Auto Scaling User Guide, "Scaling adjustment types".
		{"3 and 5", StepScaling{Adjustment: ChangeInCapacity}, 3, 5, 8},
		{"exactly 5", StepScaling{Adjustment: ExactCapacity}, 3, 5, 5},
		{"10 % of 10", StepScaling{Adjustment: PercentChangeInCapacity}, 10, 10, 11},
		{"12.7 is 12", StepScaling{Adjustment: PercentChangeInCapacity}, 127, 10, 139},
		{".67 is 1", StepScaling{Adjustment: PercentChangeInCapacity}, 67, 1, 68},
		{"-.58 is -1", StepScaling{Adjustment: PercentChangeInCapacity}, 58, -1, 57},
		{"-6.67 is -6", StepScaling{Adjustment: PercentChangeInCapacity}, 667, -1, 661},
		{"25 % of 4, but at least 2", StepScaling{Adjustment: PercentChangeInCapacity, MinMagnitude: 2}, 4, 25, 6},
		// By the same rules.
		{"at least 2 fewer", StepScaling{Adjustment: PercentChangeInCapacity, MinMagnitude: 2}, 8, -13, 6},
		{"not below none", StepScaling{Adjustment: ChangeInCapacity}, 3, -5, 0},
		{"not below none, in percent", StepScaling{Adjustment: PercentChangeInCapacity}, 3, -200, 0},
		{"a percentage of none", StepScaling{Adjustment: PercentChangeInCapacity, MinMagnitude: 2}, 0, 50, 0},
		{"no percentage", StepScaling{Adjustment: PercentChangeInCapacity, MinMagnitude: 2}, 10, 0, 10},
		{"more than can be counted", StepScaling{Adjustment: PercentChangeInCapacity}, math.MaxInt32, math.MaxInt32, math.MaxInt32},
	} {
		if got := c.policy.Apply(c.capacity, c.adjustment); got != c.want {
			t.Errorf("%s: Apply(%d, %d) = %d, want %d", c.name, c.capacity, c.adjustment, got, c.want)
		}
	}
}

func TestStepScalingValidate(t *testing.T) {
	inf := math.Inf(1)
	with := func(s ...[3]float64) StepScaling {
		return StepScaling{Adjustment: ChangeInCapacity, Steps: steps(s...)}
	}
	out, in := guideSteps()
	many := with([3]float64{0, inf, 1})
	for len(many.Steps) <= maxSteps {
		many.Steps = append(many.Steps, many.Steps[0])
	}
	exact := with([3]float64{0, inf, -1})
	exact.Adjustment = ExactCapacity
	odd := with([3]float64{0, inf, 1})
	odd.Adjustment, odd.Aggregation, odd.Cooldown, odd.MinMagnitude = "Percent", "Sum", -time.Second, 2
	for _, c := range []struct {
		name   string
		policy StepScaling
		want   []string
	}{
		{"guide, out", out, nil},
		{"guide, in", in, nil},
		{"in any order", with([3]float64{10, inf, 2}, [3]float64{0, 10, 1}), nil},
		{"both ways", with([3]float64{-inf, 0, -1}, [3]float64{0, inf, 1}), nil},
		{"begins above the threshold", with([3]float64{10, inf, 1}), nil},
		{"zero value", StepScaling{}, []string{"adjustment type", "0 step adjustments"}},
		{"too many", many, []string{"21 step adjustments"}},
		{"fields", odd, []string{`adjustment type "Percent"`, `aggregation type "Sum"`, "magnitude 2", "cooldown -1s"}},
		{"less than nothing", exact, []string{"scaling adjustment -1"}},
		{"a gap", with([3]float64{0, 10, 1}, [3]float64{15, inf, 2}), []string{"gap from 10 to 15"}},
		{"an overlap", with([3]float64{0, 10, 1}, [3]float64{5, inf, 2}), []string{"one ends at 10, the next begins at 5"}},
		{"two without a lower bound", with([3]float64{-inf, 0, -1}, [3]float64{-inf, -10, -2}), []string{"overlap"}},
		{"two without an upper bound", with([3]float64{0, inf, 1}, [3]float64{10, inf, 2}), []string{"overlap"}},
		{"no end above", with([3]float64{0, 10, 1}), []string{"end at 10"}},
		{"no end below", with([3]float64{-10, 0, -1}), []string{"begin at -10"}},
		{"no bound at all", with([3]float64{-inf, inf, 1}), []string{"a lower or an upper bound"}},
		{"backwards", with([3]float64{10, 0, 1}), []string{"from 10 to 0"}},
		{"empty", with([3]float64{10, 10, 1}), []string{"from 10 to 10"}},
		{"bound is no number", with([3]float64{math.NaN(), inf, 1}), []string{"from NaN"}},
		{"huge", with([3]float64{0, inf, 1e12}), []string{"scaling adjustment 1000000000000"}},
	} {
		checkProblems(t, c.name, c.policy.Validate(), c.want)
	}
}

func TestStepLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bounds := rapid.SliceOfNDistinct(rapid.IntRange(0, 100), 1, 6, rapid.ID[int]).Draw(t, "bounds")
		edges := map[int]bool{0: true}
		for _, b := range bounds {
			edges[b] = true
		}
		var p StepScaling
		p.Adjustment = PercentChangeInCapacity
		from := math.Inf(-1)
		for edge := range 101 {
			if edges[edge] {
				p.Steps = append(p.Steps, steps([3]float64{from, float64(edge), float64(len(p.Steps))})...)
				from = float64(edge)
			}
		}
		p.Steps = append(p.Steps, steps([3]float64{from, math.Inf(1), float64(len(p.Steps))})...)
		if err := p.Validate(); err != nil {
			t.Fatalf("steps at %v: %v", bounds, err)
		}
		delta := rapid.Float64Range(-10, 200).Draw(t, "delta")
		if _, ok := p.Pick(delta); !ok {
			t.Fatalf("no step for a breach of %v in %v", delta, bounds)
		}
		capacity, percent := rapid.IntRange(0, 1000).Draw(t, "capacity"), rapid.IntRange(-200, 200).Draw(t, "percent")
		got := p.Apply(capacity, percent)
		change := float64(capacity) * float64(percent) / 100
		switch {
		case got < 0, percent >= 0 && got < capacity, percent <= 0 && got > capacity:
			t.Fatalf("%+d %% of %d is %d", percent, capacity, got)
		case change != 0 && got != 0 && math.Abs(float64(got-capacity)-change) >= 1:
			t.Fatalf("%+d %% of %d is %d, more than one away from %v", percent, capacity, got, change)
		}
	})
}
