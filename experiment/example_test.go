package experiment_test

import (
	"fmt"

	"plimsoll/experiment"
)

func ExampleTargetFor() {
	peak, low := 412.0, 400.0
	target, err := experiment.TargetFor(
		experiment.Peak{Rate: &peak, Low: &low, Valid: true},
		experiment.TargetPlan{SafetyFactor: 0.5, From: experiment.FromLow},
	)
	fmt.Println(target.PerMinute, target.Formula, err)
	// Output: 12000 400/s × 0.5 × 60 = 12000/min <nil>
}
