package proof

import (
	"math"
	"time"
)

// Kind is what a phase of a programme asks.
type Kind string

// The kinds, in the order in which a programme has them.
const (
	Baseline Kind = "baseline"  // a steady load for the fewest instances, until the low alarm has settled
	StepUp   Kind = "step_up"   // at once so much more that two instances more are needed, if the bounds allow it
	RampUp   Kind = "ramp_up"   // growing steadily to what the most instances carry
	Plateau  Kind = "plateau"   // held there: at the limit, and no further
	StepDown Kind = "step_down" // at once down to the baseline, held until scale-in must have come
	RampDown Kind = "ramp_down" // from a middle load steadily down to the baseline, where there is time for it
)

// Phase is one load of a programme: a rate that is steady or changes steadily.
type Phase struct {
	Kind   Kind    `json:"phase"`
	From   float64 `json:"from_per_second"` // of the whole variant
	To     float64 `json:"to_per_second"`
	Length Span    `json:"length_seconds"`
	Expect int     `json:"expect_instances"` // at its end, when the policy works
	Why    string  `json:"why"`
}

// Programme is the loads that prove a policy, one after the other without a gap.
type Programme struct {
	Phases []Phase `json:"phases"`
	Start  int     `json:"start_instances"` // in service when it begins
	Load   Load    `json:"load"`            // what it was designed by
	// Provisioning is the median launch that it was designed by.
	Provisioning Span `json:"provisioning_seconds"`
	// What it costs, when the policy works.
	Length        Span    `json:"length_seconds"`
	Requests      float64 `json:"requests"` // sent, of real ones when time is not sped up
	InstanceHours float64 `json:"instance_hours"`
	// Notes are what it cannot prove and why: bounds that leave one step only, scale-in
	// that is disabled.
	Notes []string `json:"notes,omitempty"`
}

// at is the rate a while after the phase began, per second of the whole variant; after
// its end, that of its end.
func (p Phase) at(offset time.Duration) float64 {
	if p.Length <= 0 || p.From == p.To {
		return p.From
	}
	share := min(1, max(0, offset.Seconds()/p.Length.Seconds()))
	return p.From + share*(p.To-p.From)
}

// steady is whether the rate does not change.
func (p Phase) steady() bool { return p.From == p.To }

// length is that of all phases; of more than a duration can hold, the longest one.
func (p Programme) length() time.Duration {
	total := time.Duration(0)
	for _, phase := range p.Phases {
		length := max(0, time.Duration(phase.Length))
		if total > math.MaxInt64-length {
			return math.MaxInt64
		}
		total += length
	}
	return total
}
