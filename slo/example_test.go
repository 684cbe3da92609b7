package slo_test

import (
	"fmt"
	"time"

	"plimsoll/latency"
	"plimsoll/slo"
)

func Example() {
	objective, _ := slo.Parse("p99=200ms")
	times := latency.New()
	for range 995 {
		times.Record(20 * time.Millisecond)
	}
	found := objective.Judge(slo.Sample{Requests: 1000, Successes: 995, Response: times})
	fmt.Println(found.Met, found.Reason)
	// Output: true p99 20ms of 1000 requests, limit 200ms (5 not answered well count as infinitely slow)
}
