package proof

import (
	"time"

	"plimsoll/scaling"
)

// Observed is everything that was seen while a programme ran.
type Observed struct {
	Programme Programme
	Phases    []Held // as they were held; fewer than planned when it was cut short

	Asked  *Policy  // what was to be in force; nil: whatever is there
	Run    []Advice // targets that the run advises by which the policy is judged; none: by no run
	Policy Policy   // as it was read before
	After  *Policy  // and after: nil when it was gone

	Objective Objective
	Capacity  []Capacity // each look at the endpoint, oldest first
	Poll      time.Duration
	Slices    []Slice // the client's own record, oldest first, without gaps within a phase
	Metric    []scaling.Point
	Period    time.Duration   // of Metric
	Invoked   []scaling.Point // Invocations of the variant, each minute, Sum
	Alarms    []Transition    // of the policy's alarms, oldest first
	Activity  []Activity      // of Application Auto Scaling, oldest first

	Assumptions  scaling.Assumptions // that the prediction is by; zero: the default ones
	Provisioning time.Duration       // median that is expected; 0: that of the programme

	Speed float64 // seconds of the services in a real one; 1 on AWS
	Price float64 // dollars an instance-hour; 0: not known
	// Unknown are things that could not be read, with why, by their name: "alarms",
	// "activities", "metric", "invocations". What rests on them is not judged.
	Unknown map[string]string
}

// Held is a phase as it was held.
type Held struct {
	Phase

	Began  time.Time `json:"began"`
	Ended  time.Time `json:"ended"`
	Valid  bool      `json:"valid"`            // the generator held the load
	Doubts []string  `json:"doubts,omitempty"` // why not
}

// Objective is what the endpoint's callers are to have, and how soon scaling must give it
// back to them. What is zero is not asked.
type Objective struct {
	Name        string  `json:"objective,omitzero"`     // such as p99=200ms
	Limit       Span    `json:"limit_seconds,omitzero"` // of the response time
	Mean        bool    `json:"mean,omitzero"`          // Limit is of the mean response time; no request is bad for being slower
	BadShare    float64 `json:"bad_share"`              // of the requests that may fail or be slower, such as 0.01
	Recover     Span    `json:"recover_seconds,omitzero"`
	Errors      float64 `json:"errors,omitzero"`              // share of the requests that may fail over the whole programme
	BackToMin   Span    `json:"back_to_min_seconds,omitzero"` // from the step down until the fewest instances are in service
	Flaps       *int    `json:"flaps,omitempty"`
	AskedByUser bool    `json:"asked"` // any of the last four
}

// Capacity is one look at the endpoint.
type Capacity struct {
	At      time.Time `json:"at"`
	Status  string    `json:"status"`
	Current int       `json:"current_instances"`
	Desired int       `json:"desired_instances"`
}

// Slice is a short while of the load as the client saw it. Requests belong to the slice
// in which they were to leave.
type Slice struct {
	At        time.Time `json:"at"`
	Length    Span      `json:"length_seconds"`
	Offered   int64     `json:"offered"`
	Successes int64     `json:"successes"`
	Failed    int64     `json:"failed"` // dropped ones included
	Bad       int64     `json:"bad"`    // failed, or slower than the objective's limit
	MeanMs    float64   `json:"mean_response_ms"`
}

// Transition is a change of an alarm's state.
type Transition struct {
	At     time.Time          `json:"at"`
	Alarm  string             `json:"alarm"`
	From   scaling.AlarmState `json:"from"`
	To     scaling.AlarmState `json:"to"`
	Reason string             `json:"reason,omitzero"`
}

// Activity is an attempt of Application Auto Scaling.
type Activity struct {
	Began     time.Time `json:"began"`
	Ended     time.Time `json:"ended,omitzero"` // zero: it has not
	What      string    `json:"what"`           // its description
	Cause     string    `json:"cause"`
	Status    string    `json:"status"` // Successful, InProgress, Failed, Unfulfilled, Overridden, Pending
	Message   string    `json:"message,omitzero"`
	NotScaled string    `json:"not_scaled,omitzero"` // the code of why nothing was done
	Current   int       `json:"current_capacity,omitzero"`
	Wanted    int       `json:"desired_capacity,omitzero"`
}
