package loadgen

import (
	"errors"
	"fmt"
	"time"

	"plimsoll/arrival"
)

// Load is one load to hold: a closed loop (Concurrency) or an open loop
// (Schedule), exactly one of the two.
//
//	        Drain      Settle            Measure             Patience
//	───────────────┬──────────┬───────────────────────────┬───────────┐
//	earlier answers│ unmeasured│ intended here = measured │ same load, │ Run returns,
//	come in        │ same load │                          │ unmeasured │ the load goes on
//
// A request belongs to the window in which it was intended, whenever its answer
// comes. The load goes on after Run has returned, so that the next Run finds the
// server as this load left it; Pause ends it.
type Load struct {
	// Concurrency is the number of requests kept in flight (closed loop).
	Concurrency int
	// Schedule says when requests leave, whether or not earlier ones were
	// answered (open loop).
	Schedule arrival.Schedule
	// Settle is how long the load is held before the measured window.
	Settle time.Duration
	// Measure is the length of the measured window; above zero.
	Measure time.Duration
	// Patience is how long to wait for answers after the window; what is then
	// unanswered is counted as such. Zero waits until every request was answered
	// or timed out.
	Patience time.Duration
	// Drain is how long at most to wait, sending nothing, until everything
	// earlier has been answered. Zero goes on without a gap.
	Drain time.Duration
	// SlowAbove are response times past which a request counts as slow, for the
	// counts by time in Measurement.Bins; at most MaxSlow of them.
	SlowAbove []time.Duration
	// Bins is into how many equal slices Measurement.Bins divides the window. Zero is
	// BinCount.
	Bins int
	// Singles is how many of the window's first requests Measurement.First tells one
	// by one. Only a schedule's are told.
	Singles int
	// MaxInFlight ends the window early when more requests than this are in
	// flight, because the server has hopelessly fallen behind. Zero is no limit.
	MaxInFlight int
	// FirstRequest numbers the requests of this load from here, or from the first
	// number that the generator has not used, whichever is higher, so that each
	// request of a run carries its own body.
	FirstRequest uint64
	// MaxRequests is how many requests the generator may have sent in all its
	// life, earlier loads and what went on after them included. The request that
	// would be one too many ends the window, and nothing more is sent. Zero is no
	// limit.
	MaxRequests int64
	// MaxRate spaces the sends of a closed loop, so that no more leave per second,
	// however quickly they are answered. Zero is no limit; a schedule has its own rate.
	MaxRate arrival.Rate
}

// maxBins is a day in slices of ten seconds.
const maxBins = 8640

// bins is into how many slices the window is divided.
func (l Load) bins() int {
	if l.Bins == 0 {
		return BinCount
	}
	return l.Bins
}

// MaxSlow is the greatest number of SlowAbove thresholds.
const MaxSlow = 4

// Validate reports every problem of the load.
func (l Load) Validate() error {
	var problems []error
	if (l.Concurrency > 0) == (l.Schedule != nil) || l.Concurrency < 0 {
		problems = append(problems, fmt.Errorf("concurrency %d and schedule %v: give a positive concurrency or a schedule, one of the two", l.Concurrency, l.Schedule))
	}
	if l.Measure <= 0 {
		problems = append(problems, fmt.Errorf("measure %v: the window must be longer than zero", l.Measure))
	}
	if l.Settle < 0 || l.Patience < 0 || l.Drain < 0 || l.MaxInFlight < 0 {
		problems = append(problems, fmt.Errorf("settle %v, patience %v, drain %v, max in flight %d: none may be negative", l.Settle, l.Patience, l.Drain, l.MaxInFlight))
	}
	if l.MaxRequests < 0 || !(l.MaxRate >= 0) {
		problems = append(problems, fmt.Errorf("max requests %d, max rate %v: neither may be negative", l.MaxRequests, l.MaxRate))
	}
	if l.Singles < 0 {
		problems = append(problems, fmt.Errorf("%d single requests: the number must not be negative", l.Singles))
	}
	if l.Bins < 0 || l.Bins > maxBins {
		problems = append(problems, fmt.Errorf("%d bins: at most %d", l.Bins, maxBins))
	}
	if len(l.SlowAbove) > MaxSlow {
		problems = append(problems, fmt.Errorf("%d thresholds for slow requests: at most %d", len(l.SlowAbove), MaxSlow))
	}
	return errors.Join(problems...)
}
