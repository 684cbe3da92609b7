package proof

import (
	"time"

	"plimsoll/scaling"
)

// Result is what came of a programme.
type Result struct {
	Verdict    Verdict    `json:"verdict"`
	Reasons    []string   `json:"reasons"`         // what the verdict rests on, with times
	Change     string     `json:"change,omitzero"` // the one change that would help most
	Checks     []Check    `json:"checks"`
	Events     []Event    `json:"events"`
	Programme  Programme  `json:"programme"`
	Held       []Held     `json:"held"`
	Policy     Policy     `json:"policy"`
	Objective  Objective  `json:"objective"`
	Predicted  []Capacity `json:"predicted"` // what AWS should have done, by the assumptions
	Cost       Cost       `json:"cost"`
	Objectives []Finding  `json:"scaling_objective"` // what was asked of scaling, each judged
	Series     Series     `json:"series"`            // as it went on
}

// Verdict is the one answer.
type Verdict string

// The verdicts.
const (
	Works        Verdict = "works"
	WorksSlowly  Verdict = "works, but slow"
	WorksCostly  Verdict = "works, but costly"
	WorksFlaps   Verdict = "works, but flaps"
	NoProtection Verdict = "does not protect the objective"
	NoScaling    Verdict = "does not scale"
	Undecided    Verdict = "not decided" // it was cut short, or the load was not held
)

// Outcome is what became of a check.
type Outcome string

// The outcomes.
const (
	Pass     Outcome = "pass"
	Warn     Outcome = "warn"
	Fail     Outcome = "fail"
	Reported Outcome = "reported" // a figure without a bound
	NotKnown Outcome = "not known"
)

// Check is one question that was asked of what was observed.
type Check struct {
	ID       string    `json:"id"` // stable: policy_as_asked, metric_agrees, …
	Title    string    `json:"title"`
	Outcome  Outcome   `json:"outcome"`
	Evidence string    `json:"evidence"` // the figures, with times
	Remedy   string    `json:"remedy,omitzero"`
	At       time.Time `json:"at,omitzero"` // of what decided it
}

// Event is one change of the capacity, from the load that called for it.
type Event struct {
	Direction scaling.Direction `json:"direction"`
	From      int               `json:"from_instances"`
	To        int               `json:"to_instances"`
	Stages    []Stage           `json:"stages"`
	Total     Span              `json:"total_seconds"` // from the first stage that is known to the last
}

// Stage is one step on the way from load to capacity.
type Stage struct {
	Name  StageName `json:"stage"`
	At    time.Time `json:"at,omitzero"`   // zero: not known
	After Span      `json:"after_seconds"` // the stage before it that is known
	// Within is how exactly At is known: it lies from At−Within to At. 0: it was measured.
	Within Span   `json:"within_seconds,omitzero"`
	Known  Known  `json:"known"`
	Source string `json:"source"` // where it was read, or why it is not known
}

// StageName names a stage.
type StageName string

// The stages, in their order.
const (
	LoadCrossed   StageName = "load_crossed"   // the load needs another number of instances
	MetricVisible StageName = "metric_visible" // CloudWatch shows a datapoint past the threshold
	AlarmFired    StageName = "alarm"          // the alarm goes to ALARM
	ActivityBegan StageName = "activity"       // Application Auto Scaling begins
	InService     StageName = "in_service"     // the endpoint shows the new number
	FirstServed   StageName = "first_served"   // a request is answered by the new capacity
	Recovered     StageName = "recovered"      // response times keep the objective again
)

// Known says how a stage is known.
type Known string

// The ways.
const (
	Measured Known = "measured"
	Bounded  Known = "bounded" // it lies within a known while
	Missing  Known = "missing"
)

// Cost is what a programme took.
type Cost struct {
	InstanceHours float64 `json:"instance_hours"`
	Oracle        float64 `json:"oracle_instance_hours"` // with always just enough instances at the target
	Predicted     float64 `json:"predicted_instance_hours"`
	Dollars       float64 `json:"dollars,omitzero"`
}

// Finding is one part of the scaling objective.
type Finding struct {
	Name   string `json:"name"` // recover, errors, back-to-min, flaps
	Asked  string `json:"asked"`
	Was    string `json:"was"`
	Met    bool   `json:"met"`
	Judged bool   `json:"judged"`
}
