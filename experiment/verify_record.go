package experiment

import (
	"time"

	"plimsoll/loadgen"
	"plimsoll/proof"
	"plimsoll/scaling"
)

// Verification is what came of a proof that a policy scales, also when it was cut short.
type Verification struct {
	SchemaVersion   int       `json:"schema_version"`
	Command         string    `json:"command"`
	Status          Status    `json:"status"`
	Ended           string    `json:"ended,omitzero"` // why it is partial
	Started         time.Time `json:"started"`
	DurationSeconds float64   `json:"duration_seconds"` // here
	On              Variant   `json:"on"`
	Speed           float64   `json:"speed"`         // seconds of the services in one here
	RequestsSent    int64     `json:"requests_sent"` // real ones

	proof.Result

	Loads    []HeldPhase  `json:"loads"`
	Observed Observations `json:"observed"`
	Notes    []string     `json:"notes"`
	Plan     Plan         `json:"plan"`
}

// Observations is what a verdict rests on beside its series, in the services' time.
type Observations struct {
	Invocations []Datapoint       `json:"invocations"` // of the variant, each minute
	Activities  []proof.Activity  `json:"activities"`
	Unknown     map[string]string `json:"unknown"` // what could not be read, with why
}

// Datapoint is one period of a metric.
type Datapoint struct {
	At    time.Time `json:"at"` // its start
	Value float64   `json:"value"`
}

// HeldPhase is a phase as it was held, with what the client measured of it.
type HeldPhase struct {
	Number int `json:"number"` // from 1
	proof.Held
	Measured Measured `json:"measured"`
}

// ProposedPhase is a phase that is about to be held.
type ProposedPhase struct {
	Number int `json:"number"` // from 1
	Of     int `json:"of"`
	proof.Phase
	Seconds float64 `json:"seconds"` // that it takes here
	Progress
}

// heldLoad is one load of a phase, as it was measured.
type heldLoad struct {
	phase int // index in the programme
	part  proof.Phase
	m     loadgen.Measurement
}

func datapoints(points []scaling.Point) []Datapoint {
	out := make([]Datapoint, 0, len(points))
	for _, p := range points {
		if !p.Missing {
			out = append(out, Datapoint{At: p.At.UTC(), Value: p.Value})
		}
	}
	return out
}
