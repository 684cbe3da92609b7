package report_test

import (
	"fmt"
	"os"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/report"
)

func Example() {
	rate, low, high := 412.0, 404.0, 421.0
	result := experiment.Result{
		Command: "find", Status: experiment.Complete, DurationSeconds: 90, Requests: 30_000,
		Peak: experiment.Peak{
			Rate: &rate, Low: &low, High: &high, Confidence: 0.95, Cause: capacity.CausePlateau, Found: true, Valid: true,
			Objectives: []string{"p99=200ms"}, Ended: "the interval is as narrow as asked",
		},
		Target: &experiment.Target{
			Metric: experiment.Metric, PerMinute: 12120, PerSecond: 202, SafetyFactor: 0.5, From: experiment.FromLow,
			Formula: "404/s × 0.5 × 60 = 12120/min",
		},
		Unloaded: experiment.Unloaded{P50ms: 9.1, P99ms: 12.4, MeanMs: 9.3, Requests: 400},
	}
	doc := report.Document{Result: &result, Files: []string{"runs/one/report.html"}}
	if err := report.Text(os.Stdout, doc, false, 76); err != nil {
		fmt.Println(err)
	}
	// Output:
	// [VALID]  Peak 412/s
	//   404 to 421/s with 95 % confidence
	//   Limited by throughput: above it, answers fall behind arrivals and a
	//   backlog grows.
	//
	// Target       12120 invocations per minute per instance (202/s)
	//              404/s × 0.5 × 60 = 12120/min, from the lower end of the peak’s
	//              interval
	//              for SageMakerVariantInvocationsPerInstance
	// Unloaded     p50 9.1 ms, p99 12.4 ms, mean 9.3 ms (400 requests, one at a
	//              time)
	// Objectives   p99=200ms
	// Effort       0 trials in 1 min 30 s, 30000 requests
	// Ended        the interval is as narrow as asked
	// Record       runs/one/report.html
}
