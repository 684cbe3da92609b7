package proof

import (
	"fmt"
	"math"

	"plimsoll/scaling"
)

// Policy is a target-tracking policy in force, as it was read from AWS, with the bounds
// of the scalable target.
type Policy struct {
	Name           string  `json:"name"`
	Metric         string  `json:"metric"` // PredefinedMetricType
	Target         float64 `json:"target_value"`
	Min            int     `json:"min"`
	Max            int     `json:"max"`
	ScaleOut       Span    `json:"scale_out_cooldown_seconds"`
	ScaleIn        Span    `json:"scale_in_cooldown_seconds"`
	DisableScaleIn bool    `json:"disable_scale_in,omitzero"`
	High           *Alarm  `json:"high_alarm"` // nil: there is none
	Low            *Alarm  `json:"low_alarm"`
}

// Alarm is one alarm of the policy, as it was read from CloudWatch.
type Alarm struct {
	Name string `json:"name"`

	scaling.AlarmRule
}

// Advice is the target value of a metric that follows from a run that has found the peak.
type Advice struct {
	Metric string  `json:"metric"` // PredefinedMetricType
	Target float64 `json:"target_value"`
}

// rounding is how far a target that was typed may be from the one that was meant.
const rounding = 0.005

// Strays says how a policy's target differs from the advice on its metric; "" where it does
// not, or there is none.
func (p Policy) Strays(advice []Advice) string {
	for _, a := range advice {
		if off := p.Target/a.Target - 1; a.Metric == p.Metric && a.Target > 0 && math.Abs(off) > rounding {
			return fmt.Sprintf("the target value in force is %s, %+.0f %% from the %s that follows from the run", figure(p.Target), 100*off, figure(a.Target))
		}
	}
	return ""
}

// Load is what one instance carries, as far as it is known: the unit of a programme.
type Load struct {
	// PerInstance is the rate at which one instance is at the policy's target.
	PerInstance scaling.PerSecond `json:"per_instance_per_second"`
	// Peak of one instance; 0: not known.
	Peak scaling.PerSecond `json:"peak_per_second,omitzero"`
}

// needs is how many instances a rate needs to be at the target or below, within the
// bounds of the policy; what a load is to one instance must be known.
func (p Policy) needs(rate float64, load Load) int {
	exact := math.Ceil(rate/float64(load.PerInstance) - 1e-9)
	if !(exact > 0) { // nothing, or not a number
		exact = 0
	}
	return int(min(max(exact, float64(p.Min)), float64(p.Max)))
}

// highRatio and lowRatio are where the alarms fire, as shares of the target.
func (p Policy) highRatio() float64 { return ratioOf(p.High, p.Target, 1) }

func (p Policy) lowRatio() float64 { return ratioOf(p.Low, p.Target, usualLowRatio) }

// usualLowRatio is that of SageMaker's policies: 1350 for a target of 1500.
const usualLowRatio = 0.9

func ratioOf(alarm *Alarm, target, usual float64) float64 {
	if alarm == nil || !(target > 0) || !(alarm.Threshold > 0) {
		return usual
	}
	return alarm.Threshold / target
}

// rule is the rule of an alarm, or false when there is none that can be evaluated.
func (a *Alarm) rule() (scaling.AlarmRule, bool) {
	if a == nil || a.Validate() != nil {
		return scaling.AlarmRule{}, false
	}
	return a.AlarmRule, true
}
