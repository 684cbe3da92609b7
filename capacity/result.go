package capacity

import "plimsoll/slo"

// Cause is why the peak is where it is, or why the search ended below it.
type Cause string

// The causes.
const (
	CauseLatency Cause = "latency"            // past the peak a latency objective is missed
	CauseErrors  Cause = "errors"             // past the peak requests fail or are refused
	CausePlateau Cause = "throughput plateau" // past the peak answers fall behind arrivals and a backlog grows
	CauseClient  Cause = "client limited"     // the generator gave out first: the peak is a lower bound
	CauseLimit   Cause = "limit reached"      // a limit of the plan ended it first: the peak is a lower bound
	CauseNone    Cause = "none"               // no peak: the objectives are missed at the lightest load, or nothing was measured
)

// Result is what a search knows. It may be asked for at any time; before the
// search has ended it says what is known so far.
type Result struct {
	// Rate is the estimate of the peak in requests per second: the highest rate
	// that meets every objective in the long run. Low and High are its interval.
	// Where Cause is CauseClient or CauseLimit, all three are the highest rate
	// shown to hold, and the peak lies above.
	Rate, Low, High float64
	Confidence      float64
	Cause           Cause
	// Found says that there is a peak with an interval. Bounded below only, or
	// missed at the lightest load, is not found.
	Found bool
	// Missed says that an objective was missed at the lightest load: that is why
	// there is no peak, and not that too little was measured.
	Missed bool
	// Valid says that the result may be believed; Reasons say why not, and
	// otherwise what to know of it (wide, drift, derived objective, …).
	Valid   bool
	Reasons []string
	// Changed says that the endpoint was seen to change during the search, so that
	// there is no one peak.
	Changed bool
	// Wide says that the interval is wider than the plan's precision.
	Wide bool
	// Ended is one clause: why the search stopped.
	Ended string
	// Objectives are the ones that were applied; Derived of them (by index) was
	// made from the unloaded latency, -1 when none was. Binding is the index of
	// the one that sets the peak, -1 when none does.
	Objectives []slo.Objective
	Derived    int
	Binding    int
	// Unloaded is the baseline, Saturation the highest closed-loop throughput
	// (per second) with its standard error, at Knee requests in flight. While
	// Saturated is false it was not reached: throughput still grew. Throttled says
	// that it is what a rate limit lets through, measured in an open loop.
	Unloaded     Unloaded
	Saturation   float64
	SaturationSE float64
	Knee         int
	Saturated    bool
	Throttled    bool
}

// Unloaded is the latency of one request at a time, in milliseconds, and the
// squared coefficient of variation of the service time.
type Unloaded struct {
	P50, P99, Mean float64
	SquaredCV      float64
	Requests       int64
}
