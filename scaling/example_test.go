package scaling_test

import (
	"fmt"
	"time"

	"plimsoll/scaling"
)

func Example() {
	target, err := scaling.FromPeak(scaling.PerSecond(412).PerMinute(), scaling.DefaultSafetyFactor)
	fmt.Println(target.Formula(false), err)
	// Output: 412/s × 0.5 × 60 = 12360/min <nil>
}

// Two instances under a target of 1500 invocations a minute see 2300 each: after
// three minutes the high alarm is in ALARM, and the policy asks for four.
func ExampleDecide() {
	a := scaling.DefaultAssumptions()
	policy := scaling.TargetTracking{Target: 1500, ScaleOutCooldown: scaling.DefaultCooldown, ScaleInCooldown: scaling.DefaultCooldown}
	metric, _ := scaling.PredefinedMetric(scaling.InvocationsPerInstance)
	high, low, _ := policy.Alarms(metric, a)
	fmt.Printf("out: %v for %d × %v\n", high.Threshold, high.EvaluationPeriods, high.Period)
	fmt.Printf("in: %v for %d × %v\n", low.Threshold, low.EvaluationPeriods, low.Period)

	start := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	verdict := high.Evaluate(scaling.StateOK, []scaling.Point{
		{At: start, Value: 2290},
		{At: start.Add(1 * time.Minute), Value: 2310},
		{At: start.Add(2 * time.Minute), Value: 2300},
	})
	fmt.Println(verdict.Reason)

	point, _ := verdict.Datapoint("keep-1500", scaling.Out, high.Threshold)
	state := scaling.State{Capacity: 2, Desired: 2, Min: 1, Max: 10}
	decision := scaling.Decide(state, []scaling.Policy{{Name: "keep-1500", TargetTracking: &policy}}, point, start.Add(3*time.Minute), a)
	fmt.Println(decision.Act, decision.Desired, decision.Because)
	// Output:
	// out: 1500 for 3 × 1m0s
	// in: 1350 for 15 × 1m0s
	// Threshold Crossed: 3 datapoints [2300.0 (24/11/26 10:02:00), 2310.0 (24/11/26 10:01:00), 2290.0 (24/11/26 10:00:00)] were greater than the threshold (1500.0).
	// true 4 keep-1500: 2 × 2300 / 1500 = 3.067, rounded up to 4
}
