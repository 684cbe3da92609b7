package capacity_test

import (
	"fmt"
	"time"

	"plimsoll/capacity"
	"plimsoll/slo"
)

// A search drives anything that can hold a trial and say what it saw: here, an
// endpoint that answers 100 requests a second in 10 ms each, one after another,
// and lets nothing wait.
func Example() {
	plan := capacity.DefaultPlan()
	plan.Budget = 20 * time.Second
	plan.MaxRate = 40
	plan.Objectives = []slo.Objective{{Kind: slo.Quantile, Level: 0.99, Limit: 50 * time.Millisecond}}
	search, err := capacity.New(plan)
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		trial, ok := search.Next()
		if !ok {
			break
		}
		rate := trial.Rate
		if trial.Concurrency > 0 {
			rate = 100
		}
		n := int64(rate * trial.Measure.Seconds())
		observation := capacity.Observation{
			Offered: n, Successes: n, Slow: make([]int64, len(trial.SlowAbove)),
			Window: trial.Measure, Elapsed: trial.Settle + trial.Measure,
			Mean: 10 * time.Millisecond, P50: 10 * time.Millisecond, P99: 10 * time.Millisecond,
		}
		if err := search.Record(observation); err != nil {
			fmt.Println(err)
			return
		}
	}
	result := search.Result()
	fmt.Printf("%.0f/s, %s\n", result.Rate, result.Cause)
	fmt.Println(result.Reasons[0])
	// Output:
	// 40/s, limit reached
	// a lower bound: 40/s held and the peak lies above; the plan's limit of 40/s
}
