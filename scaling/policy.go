package scaling

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// DefaultCooldown is Application Auto Scaling's cooldown for SageMaker, in either
// direction and for step scaling, where a policy does not say.
const DefaultCooldown = 300 * time.Second

// Policy is one scaling policy of a scalable target: exactly one of TargetTracking
// and Step is set.
type Policy struct {
	Name           string // unique in the target
	TargetTracking *TargetTracking
	Step           *StepScaling
}

// Validate says what is wrong with a policy.
func (p Policy) Validate() error {
	switch {
	case p.TargetTracking != nil && p.Step == nil:
		return p.TargetTracking.Validate()
	case p.Step != nil && p.TargetTracking == nil:
		return p.Step.Validate()
	}
	return fmt.Errorf("policy %q: want either target tracking or step scaling", p.Name)
}

// TargetTracking keeps a metric near a target value: capacity follows the metric
// proportionally, so the metric must fall when capacity rises.
type TargetTracking struct {
	Target           float64       // in the metric's unit
	ScaleOutCooldown time.Duration // 0 is none: see [DefaultCooldown]
	ScaleInCooldown  time.Duration
	DisableScaleIn   bool
}

// Validate reports every field that is out of range, joined.
func (p TargetTracking) Validate() error {
	var problems []error
	if !(p.Target > 0) || math.IsInf(p.Target, 0) {
		problems = append(problems, fmt.Errorf("target value %v: want a number above 0, in the unit of the metric", p.Target))
	}
	return errors.Join(append(problems,
		checkCooldown("scale-out cooldown", p.ScaleOutCooldown), checkCooldown("scale-in cooldown", p.ScaleInCooldown))...)
}

// checkCooldown says what is wrong with a cooldown. The API counts whole seconds in
// 32 bits.
func checkCooldown(name string, d time.Duration) error {
	if d < 0 || d%time.Second != 0 || d > math.MaxInt32*time.Second {
		return fmt.Errorf("%s %v: want whole seconds from 0s to %v", name, d, math.MaxInt32*time.Second)
	}
	return nil
}

// Alarms are the rules of the two alarms that the policy creates: one above the
// target that fires soon, one below a share of it that fires late. There is no low
// one when scale-in is disabled.
//
// For a target of 1500 invocations a minute: > 1500 for 3 datapoints within 3
// minutes, < 1350 for 15 datapoints within 15 minutes (AWS re:Post,
// "sagemaker-autoscaling-delay").
func (p TargetTracking) Alarms(metric Metric, a Assumptions) (high, low AlarmRule, hasLow bool) {
	high = AlarmRule{
		Comparison: Greater, Threshold: p.Target, Missing: a.AlarmMissingData,
		Period: metric.Period, EvaluationPeriods: a.HighEvaluationPeriods,
	}
	low = AlarmRule{
		Comparison: Less, Threshold: a.lowThreshold(p.Target), Missing: a.AlarmMissingData,
		Period: metric.Period, EvaluationPeriods: a.LowEvaluationPeriods,
	}
	if metric.HighResolution {
		high.EvaluationPeriods = a.HighResHighEvaluationPeriods
		low.Period, low.EvaluationPeriods = a.HighResLowPeriod, a.HighResLowEvaluationPeriods
	}
	if p.DisableScaleIn {
		return high, AlarmRule{}, false
	}
	return high, low, true
}

// lowThreshold is a share of the target without the noise of multiplying: 0.9 × 70
// is 63, not 63.00000000000001.
func (a Assumptions) lowThreshold(target float64) float64 {
	exact := a.LowThresholdRatio * target
	scale := math.Pow(10, 12-math.Ceil(math.Log10(exact)))
	if rounded := math.Round(exact*scale) / scale; rounded > 0 && !math.IsInf(rounded, 0) {
		return rounded
	}
	return exact
}
