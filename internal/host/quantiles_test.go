package host

import (
	"slices"
	"testing"
	"time"
)

func reportQuantiles(b *testing.B, late []time.Duration) {
	b.Helper()
	slices.Sort(late)
	at := func(q float64) float64 { return float64(late[int(q*float64(len(late)-1))].Microseconds()) }
	b.ReportMetric(at(0.5), "µs-late-p50")
	b.ReportMetric(at(0.99), "µs-late-p99")
}
