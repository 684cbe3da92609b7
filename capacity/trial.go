package capacity

import "time"

// Phase is the part of a search that a trial belongs to.
type Phase string

// The phases, in the order in which a search passes through them.
const (
	Baseline Phase = "baseline" // one request at a time: the unloaded latency
	Climb    Phase = "climb"    // concurrency 1, 2, 4, …: the procedure of the AWS page
	Plateau  Phase = "plateau"  // the highest throughput, measured longer
	Bracket  Phase = "bracket"  // open loop, on both sides of the peak
	Confirm  Phase = "confirm"  // the lower end of the answer, held
	Recheck  Phase = "recheck"  // the plateau again: has the endpoint changed meanwhile?
)

// The phases of a sweep.
const (
	Scan   Phase = "scan"   // concurrency 1, 2, 4, …: how far the ladders go
	Ladder Phase = "ladder" // the loads of the curve, round after round
)

// Trial is one load that the search wants held: a closed loop (Concurrency) or
// an open loop (Rate), exactly one of the two.
type Trial struct {
	Number      int             `json:"number"` // from 1
	Phase       Phase           `json:"phase"`
	Concurrency int             `json:"concurrency,omitempty"`
	Rate        float64         `json:"rate_per_second,omitempty"`
	Settle      time.Duration   `json:"settle_ns"`               // held, not measured
	Measure     time.Duration   `json:"measure_ns"`              // measured
	Patience    time.Duration   `json:"patience_ns"`             // longest wait for answers after the window; 0: until answered or timed out
	Drain       time.Duration   `json:"drain_ns,omitempty"`      // longest silence before the trial until earlier requests are answered
	SlowAbove   []time.Duration `json:"slow_above_ns,omitempty"` // thresholds for counting slow requests
	MaxInFlight int             `json:"max_in_flight,omitempty"` // end early past this many in flight
	Why         string          `json:"why"`                     // one clause for people: why this load
}

// Observation is what the search needs to know of a held trial. It is complete:
// replaying a run's observations reproduces the search.
type Observation struct {
	Offered    int64         `json:"offered"`        // requests intended within the window, dropped ones included
	Successes  int64         `json:"successes"`      // of the offered: answered well, whenever
	Completed  int64         `json:"completed"`      // good answers that arrived within the window, whenever their requests were intended: the throughput
	Failed     int64         `json:"failed"`         // answered badly, timed out, refused, dropped
	Throttled  int64         `json:"throttled"`      // of the failed: refused by a rate limit
	Unanswered int64         `json:"unanswered"`     // neither, when patience ended
	Slow       []int64       `json:"slow"`           // by SlowAbove: not answered well within it, for whatever reason
	Sent       int64         `json:"sent,omitempty"` // everything that left since the observation before: settling, and what went on between trials, too; 0: not counted
	Window     time.Duration `json:"window_ns"`      // length of the measured window as held
	Elapsed    time.Duration `json:"elapsed_ns"`     // everything, from the end of the trial before
	Mean       time.Duration `json:"mean_ns"`        // response time of successes
	P50        time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	SquaredCV  float64       `json:"squared_cv"` // of the successes' service time
	Overloaded bool          `json:"overloaded"` // ended early: too many in flight
	Bins       []Bin         `json:"bins"`       // equal slices of the window, by intended instant
	Doubts     []string      `json:"doubts"`     // why the generator did not hold this load; none: believable
	First      First         `json:"first"`      // the window's first requests, one by one
}

// First are the first requests of a window, [MostFirst] at most, in the order in
// which they were intended.
type First struct {
	At   []int64 `json:"at_us,omitempty"`   // when each was intended, from the window's start
	Took []int64 `json:"took_us,omitempty"` // response time of a good answer; below -1: less that of another answer; -1: none
}

// MostFirst is how many requests of a window are told one by one: those of a
// quarter of a minute at a thousand a second.
const MostFirst = 16384

// Bin is one slice of the measured window: what became of the requests intended in it.
type Bin struct {
	Offered   int64         `json:"n"`
	Successes int64         `json:"ok"`
	Completed int64         `json:"done"` // good answers that arrived within this slice
	Failed    int64         `json:"failed,omitempty"`
	Slow      []int64       `json:"slow,omitempty"`   // by SlowAbove, failures included
	Response  time.Duration `json:"sum_ns,omitempty"` // sum of the successes' response times
}
