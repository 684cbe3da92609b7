package proof

import (
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

// Load is what one instance carries, as far as it is known: the unit of a programme.
type Load struct {
	// PerInstance is the rate at which one instance is at the policy's target.
	PerInstance scaling.PerSecond `json:"per_instance_per_second"`
	// Peak of one instance; 0: not known.
	Peak scaling.PerSecond `json:"peak_per_second,omitzero"`
}
