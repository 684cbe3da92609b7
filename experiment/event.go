package experiment

import (
	"time"

	"plimsoll/capacity"
	"plimsoll/latency"
	"plimsoll/proof"
)

// Observer is told everything that happens, in order, on one goroutine. It must
// not block: the endpoint is under load meanwhile.
type Observer interface {
	Observe(Event)
}

// Event is something that happened. Kind says which of the other fields are set.
type Event struct {
	SchemaVersion int         `json:"schema_version"`
	Kind          EventKind   `json:"event"`
	At            time.Time   `json:"at"`
	Plan          *Plan       `json:"plan,omitempty"`     // of RunStarted
	Proposed      *Proposed   `json:"proposed,omitempty"` // of TrialStarted
	Live          *Live       `json:"live,omitempty"`     // of TrialProgress and PhaseProgress
	Trial         *Trial      `json:"trial,omitempty"`    // of TrialFinished
	Note          string      `json:"note,omitempty"`     // of Noted
	Result        *Result     `json:"-"`                  // of RunFinished by find; result.json has it
	Load          *LoadResult `json:"-"`                  // of RunFinished by load
	Tuned         *Tuned      `json:"-"`                  // of RunFinished by tune
	// Of a proof that a policy scales.
	Phase        *ProposedPhase  `json:"phase,omitempty"`    // of PhaseStarted
	Held         *HeldPhase      `json:"held,omitempty"`     // of PhaseFinished
	Capacity     *proof.Capacity `json:"capacity,omitempty"` // of CapacitySeen
	Verification *Verification   `json:"-"`                  // of RunFinished

	// Evidence is what only the recorder needs of TrialFinished.
	Evidence *Evidence `json:"-"`
}

// EventKind names what happened.
type EventKind string

// The kinds of events.
const (
	RunStarted    EventKind = "run_started"
	TrialStarted  EventKind = "trial_started"
	TrialProgress EventKind = "trial_progress"
	TrialFinished EventKind = "trial_finished"
	Noted         EventKind = "note"
	RunFinished   EventKind = "run_finished"

	PhaseStarted  EventKind = "phase_started"
	PhaseProgress EventKind = "phase_progress"
	PhaseFinished EventKind = "phase_finished"
	CapacitySeen  EventKind = "capacity" // another number of instances than at the look before
)

// Proposed is a load that is about to be held.
type Proposed struct {
	Number      int            `json:"number"`
	Phase       capacity.Phase `json:"phase"`
	Why         string         `json:"why"`
	Concurrency int            `json:"concurrency,omitempty"`
	Rate        float64        `json:"rate_per_second,omitempty"`
	Seconds     float64        `json:"seconds"` // that it is expected to take
	Progress
}

// Live is a look at a load while it is held.
type Live struct {
	Offered  float64 `json:"offered_per_second"`
	Achieved float64 `json:"achieved_per_second"`
	Requests int64   `json:"requests"`
	Failed   int64   `json:"failed"`
	InFlight int64   `json:"in_flight"`
	P50ms    float64 `json:"response_p50_ms"`
	P99ms    float64 `json:"response_p99_ms"`
	Settling bool    `json:"settling"` // the measured window has not begun
	Progress
}

// Progress is how far the whole run is.
type Progress struct {
	Done             float64 `json:"done"`              // share of the expected whole, 0 to 1
	RemainingSeconds float64 `json:"remaining_seconds"` // expected
}

// Evidence is everything about a trial that was held: with it the run can be
// resumed and its distributions read again.
type Evidence struct {
	Proposed    capacity.Trial
	Observation capacity.Observation
	NextRequest uint64             // number of the request after it
	Response    *latency.Histogram // successes, from the intended instant
	Service     *latency.Histogram // successes, from the send
	Lateness    *latency.Histogram // every send, from the intended instant
}
