package scaling

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// AdjustmentType is what the number of a [Step] means.
type AdjustmentType string

// The adjustment types of step scaling.
const (
	ChangeInCapacity        AdjustmentType = "ChangeInCapacity"
	ExactCapacity           AdjustmentType = "ExactCapacity"
	PercentChangeInCapacity AdjustmentType = "PercentChangeInCapacity"
)

// Aggregation is how the datapoints of a breach become one number.
type Aggregation string

// The aggregations of step scaling.
const (
	AggregateAverage Aggregation = "Average" // the default, also for an empty Aggregation
	AggregateMinimum Aggregation = "Minimum"
	AggregateMaximum Aggregation = "Maximum"
)

// Step is one range of the breach, which is value − threshold, with its adjustment.
type Step struct {
	Lower, Upper *float64 // nil is without bound
	Adjustment   int      // instances, or percent
}

// StepScaling adjusts capacity by how far an alarm's metric is past its threshold.
type StepScaling struct {
	Adjustment   AdjustmentType
	Steps        []Step
	MinMagnitude int           // least number of instances that a percentage moves; 0 is none
	Cooldown     time.Duration // 0 is none: see [DefaultCooldown]
	Aggregation  Aggregation
}

// maxSteps is the quota of steps in a policy (Application Auto Scaling User Guide, "Quotas").
const maxSteps = 20

// Validate reports everything that Application Auto Scaling would refuse, joined.
// The rules for steps are those of its user guide, "Step adjustments".
func (p StepScaling) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(format, args...))
	}
	switch p.Adjustment {
	case ChangeInCapacity, ExactCapacity, PercentChangeInCapacity:
	default:
		wrong("adjustment type %q: want %s, %s or %s", p.Adjustment, ChangeInCapacity, ExactCapacity, PercentChangeInCapacity)
	}
	switch p.Aggregation {
	case "", AggregateAverage, AggregateMinimum, AggregateMaximum:
	default:
		wrong("metric aggregation type %q: want %s, %s or %s", p.Aggregation, AggregateAverage, AggregateMinimum, AggregateMaximum)
	}
	if p.MinMagnitude < 0 || p.MinMagnitude > 0 && p.Adjustment != PercentChangeInCapacity {
		wrong("minimum adjustment magnitude %d: want a number above 0, and only with %s", p.MinMagnitude, PercentChangeInCapacity)
	}
	if len(p.Steps) == 0 || len(p.Steps) > maxSteps {
		wrong("%d step adjustments: want from 1 to %d", len(p.Steps), maxSteps)
	}
	for i, s := range p.Steps {
		if err := s.check(p.Adjustment); err != nil {
			wrong("step adjustment %d: %w", i+1, err)
		}
	}
	problems = append(problems, checkCooldown("cooldown", p.Cooldown))
	if err := errors.Join(problems...); err != nil {
		return err
	}
	return checkRanges(p.Steps)
}

// check says what is wrong with one step by itself.
func (s Step) check(kind AdjustmentType) error {
	if s.Adjustment < math.MinInt32 || s.Adjustment > math.MaxInt32 {
		return fmt.Errorf("scaling adjustment %d: want at most %d either way", s.Adjustment, math.MaxInt32)
	}
	if kind == ExactCapacity && s.Adjustment < 0 {
		return fmt.Errorf("scaling adjustment %d: want a capacity of 0 or more with %s", s.Adjustment, ExactCapacity)
	}
	if s.Lower == nil && s.Upper == nil {
		return errors.New("want a lower or an upper bound of the metric interval")
	}
	lower, upper := s.bounds()
	if !(lower < upper) {
		return fmt.Errorf("metric interval from %v to %v: want the lower bound below the upper one", lower, upper)
	}
	return nil
}

// bounds are the ends of the range; where there is none, an infinity.
func (s Step) bounds() (lower, upper float64) {
	lower, upper = math.Inf(-1), math.Inf(1)
	if s.Lower != nil {
		lower = *s.Lower
	}
	if s.Upper != nil {
		upper = *s.Upper
	}
	return lower, upper
}

// checkRanges says where steps overlap, leave a gap or end too soon.
func checkRanges(steps []Step) error {
	sorted := slices.Clone(steps)
	slices.SortStableFunc(sorted, func(a, b Step) int {
		x, _ := a.bounds()
		y, _ := b.bounds()
		return cmp.Compare(x, y)
	})
	var problems []error
	for i, s := range sorted[1:] {
		lower, _ := s.bounds()
		switch _, end := sorted[i].bounds(); {
		case lower < end:
			problems = append(problems, fmt.Errorf("step adjustments overlap: one ends at %v, the next begins at %v", end, lower))
		case lower > end:
			problems = append(problems, fmt.Errorf("step adjustments leave a gap from %v to %v", end, lower))
		}
	}
	if lower, _ := sorted[0].bounds(); lower < 0 && !math.IsInf(lower, -1) {
		problems = append(problems, fmt.Errorf("step adjustments begin at %v: with a negative lower bound, one of them must have none", lower))
	}
	if _, upper := sorted[len(sorted)-1].bounds(); upper > 0 && !math.IsInf(upper, 1) {
		problems = append(problems, fmt.Errorf("step adjustments end at %v: with a positive upper bound, one of them must have none", upper))
	}
	return errors.Join(problems...)
}

// Pick is the step for a breach of delta = value − threshold. Above the threshold
// the lower bound belongs to the step, below it the upper one; a breach of exactly 0
// belongs to a step on either side, the upper one first.
func (p StepScaling) Pick(delta float64) (Step, bool) {
	for _, s := range p.Steps {
		if lower, upper := s.bounds(); delta >= 0 && lower <= delta && delta < upper {
			return s, true
		}
	}
	for _, s := range p.Steps {
		if lower, upper := s.bounds(); delta <= 0 && lower < delta && delta <= upper {
			return s, true
		}
	}
	return Step{}, false
}

// maxCapacity keeps sums of capacities inside an int32, which the API's fields are.
const maxCapacity = math.MaxInt32

// Apply is the capacity that an adjustment gives, at least 0. A percentage is
// rounded toward zero, but moves at least one instance, and at least MinMagnitude
// of them (Application Auto Scaling User Guide, "Scaling adjustment types").
func (p StepScaling) Apply(capacity, adjustment int) int {
	switch p.Adjustment {
	case ExactCapacity:
		return adjustment
	case ChangeInCapacity:
		return min(maxCapacity, max(0, capacity+adjustment))
	default:
		change := float64(capacity) * float64(adjustment) / 100
		if change == 0 {
			return capacity
		}
		size := max(1, math.Floor(math.Abs(change)), float64(p.MinMagnitude))
		return int(min(maxCapacity, max(0, float64(capacity)+math.Copysign(size, change))))
	}
}

// aggregate is the number that the breach is measured by: of the datapoints that
// the alarm evaluated, or the newest one where only that is known.
func (p StepScaling) aggregate(d Datapoint) float64 {
	switch {
	case len(d.Recent) == 0:
		return d.Value
	case p.Aggregation == AggregateMinimum:
		return slices.Min(d.Recent)
	case p.Aggregation == AggregateMaximum:
		return slices.Max(d.Recent)
	default:
		return mean(d.Recent)
	}
}

// mean is the arithmetic mean of at least one number.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
