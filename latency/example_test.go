package latency_test

import (
	"fmt"
	"time"

	"plimsoll/latency"
)

func Example() {
	fast, slow := latency.New(), latency.New()
	for ms := range 99 {
		fast.Record(time.Duration(ms) * time.Millisecond)
	}
	slow.Record(2 * time.Second)
	fast.Merge(slow)
	fmt.Println(fast.Count(), fast.Quantile(1), fast.CountAbove(time.Second))
	// Output: 100 2s 1
}
