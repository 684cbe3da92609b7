// Package scaling is Amazon SageMaker's automatic scaling as arithmetic: the target
// value of a policy, made from a measured peak; the alarms that a policy creates and
// when they fire; and what the policy then asks for.
//
// It is the rule, without a world: it measures nothing, calls nothing, has no clock
// and keeps nothing. Whoever runs it (the emulator, a simulation) brings the
// datapoints, the time and the capacity, and does what it decides. It is not AWS's
// code either: the formula of target tracking and much of its timing are not
// published. [Assumptions] holds what was observed, what was chosen, and why.
//
// Start with [FromPeak] for a target value. For the loop: [TargetTracking.Alarms]
// gives the alarm rules, [AlarmRule.Evaluate] their states, [Decide] the capacity,
// and the methods of [State] keep the account of changes and cooldowns. The example
// of Decide takes one step of it.
package scaling

import (
	"fmt"
	"math"
	"strconv"
)

// PerSecond is a rate in invocations per second.
type PerSecond float64

// PerMinute is a rate in invocations per minute, the unit of
// SageMakerVariantInvocationsPerInstance.
type PerMinute float64

// PerMinute converts the rate.
func (r PerSecond) PerMinute() PerMinute { return PerMinute(r * 60) }

// PerSecond converts the rate.
func (r PerMinute) PerSecond() PerSecond { return PerSecond(r / 60) }

// DefaultSafetyFactor is the value that AWS's load-test guide starts with.
const DefaultSafetyFactor = 0.5

// Target is a target value with what it was made from.
type Target struct {
	Peak         PerMinute // MAX_RPS, in its own unit of a minute
	SafetyFactor float64
	Value        PerMinute // for the policy: below the peak
}

// FromPeak is the target value of SageMakerVariantInvocationsPerInstance:
//
//	target = MAX_RPS × SAFETY_FACTOR × 60        0 < SAFETY_FACTOR ≤ 1
//
// with the peak in requests per second; a peak that was measured per minute is
// multiplied by the factor alone (Amazon SageMaker Developer Guide, "Load
// testing your auto scaling configuration"). The value is rounded down, to a
// whole number from ten a minute on and to a hundredth below, and always lies
// below the peak, also for a factor of 1: at the peak itself there is nothing
// left to scale with. A peak of less than 0.02 a minute has no such value.
func FromPeak(peak PerMinute, factor float64) (Target, error) {
	if err := CheckSafetyFactor(factor); err != nil {
		return Target{}, err
	}
	if !(peak > 0) || math.IsInf(float64(peak), 0) || peak > maxPeak {
		return Target{}, fmt.Errorf("peak %v/min: must be above zero and at most %g/min", float64(peak), float64(maxPeak))
	}
	value := roundDown(peak*PerMinute(factor), peak)
	if value <= 0 {
		return Target{}, fmt.Errorf("peak %v/min with safety factor %v: the target would round down to zero; one instance carries too little for this metric", float64(peak), factor)
	}
	return Target{Peak: peak, SafetyFactor: factor, Value: value}, nil
}

// maxPeak is a request a nanosecond; above it a float64 no longer counts single requests.
const maxPeak PerMinute = 60e9

// CheckSafetyFactor says what is wrong with a factor outside (0, 1].
func CheckSafetyFactor(factor float64) error {
	if factor > 0 && factor <= 1 {
		return nil
	}
	return fmt.Errorf("safety factor %v: must be above 0 and at most 1 (AWS starts with %v)", factor, DefaultSafetyFactor)
}

// roundDown keeps whole invocations from ten on and hundredths below, under the peak.
func roundDown(value, peak PerMinute) PerMinute {
	step := PerMinute(1)
	if value < 10 {
		step = 0.01
	}
	steps := math.Floor(float64(value/step) + 1e-9) // 0.29/0.01 is 28.999…
	for steps > 0 && PerMinute(steps)*step >= peak {
		steps--
	}
	return PerMinute(math.Round(steps*float64(step)*100) / 100)
}

// Formula writes the calculation with its inputs in units of a second, or of a
// minute where the peak was measured per minute.
func (t Target) Formula(perMinute bool) string {
	factor := strconv.FormatFloat(t.SafetyFactor, 'g', -1, 64)
	text := fmt.Sprintf("%s/s × %s × 60 = %s/min", number(float64(t.Peak.PerSecond())), factor, number(float64(t.Value)))
	if perMinute {
		text = fmt.Sprintf("%s/min × %s = %s/min", number(float64(t.Peak)), factor, number(float64(t.Value)))
	}
	if t.Value < roundDown(t.Peak*PerMinute(t.SafetyFactor), PerMinute(math.Inf(1))) {
		text += ", kept below the peak"
	}
	return text
}

// number writes at most four significant digits after the leading ones.
func number(x float64) string {
	switch {
	case math.Abs(x) >= 1000:
		return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
	default:
		s := strconv.FormatFloat(x, 'g', 4, 64)
		if y, err := strconv.ParseFloat(s, 64); err == nil {
			return strconv.FormatFloat(y, 'f', -1, 64)
		}
		return s
	}
}
