package experiment

import (
	"fmt"
	"strings"
	"time"

	"plimsoll/capacity"
)

// SchemaVersion is the version of every file and document that this package's
// types describe. It grows when a field changes its meaning or goes away; new
// fields do not change it.
const SchemaVersion = 1

// Plan is what a run is asked to do: everything needed to do it again, save
// secrets. It is written before the first request is sent.
type Plan struct {
	SchemaVersion int       `json:"schema_version"`
	Plimsoll      string    `json:"plimsoll_version"`
	Command       string    `json:"command"` // find, load, rehearse or verify
	Created       time.Time `json:"created"`
	Endpoint      Endpoint  `json:"endpoint"`
	Payload       Payload   `json:"payload"`
	Objectives    []string  `json:"objectives"` // as given; see Peak.Objectives for what was applied
	Arrivals      string    `json:"arrivals"`   // poisson or constant
	Seed          uint64    `json:"seed"`       // of the schedules; the payloads' own seed is in Payload

	Mode   string         `json:"mode,omitempty"`   // of find and rehearse: sweep; absent: a search for the peak
	Search *capacity.Plan `json:"search,omitempty"` // of find and rehearse
	Target *TargetPlan    `json:"target,omitempty"` // of find and rehearse
	Load   *LoadPlan      `json:"load,omitempty"`   // of load
	Tune   *TunePlan      `json:"tune,omitempty"`   // of tune and rehearse
	Verify *VerifyPlan    `json:"verify,omitempty"` // of verify
	Model  string         `json:"model,omitempty"`  // of rehearse: the modelled instance
	// Rehearsal is the emulated account of rehearse.
	Rehearsal *RehearsalPlan `json:"rehearsal,omitempty"`
	Limits    *LimitsPlan    `json:"limits,omitempty"` // of find: of the whole run; absent: none
	Place     *Place         `json:"place,omitempty"`  // of find; absent: the endpoint as it was
}

// LimitsPlan is what a run may take at most, and what an instance costs, as given.
type LimitsPlan struct {
	DurationSeconds float64  `json:"max_duration_seconds,omitzero"`
	Dollars         float64  `json:"max_cost_dollars,omitzero"`
	Prices          []string `json:"prices,omitempty"`
}

// Place is what was done to an endpoint of SageMaker for it to be measured: pinned to one
// instance, or made for the run and deleted after.
type Place struct {
	Pinned     bool        `json:"pinned,omitzero"`
	Deployment *Deployment `json:"deployment,omitempty"`
	Original   *Variant    `json:"original,omitempty"` // of a copy
}

// String is what was done, in words.
func (p Place) String() string {
	switch {
	case p.Original != nil && p.Deployment != nil:
		return strings.TrimSpace(fmt.Sprintf("a copy of endpoint %s with one instance %s", p.Original.Endpoint, p.Deployment.InstanceType))
	case p.Deployment != nil:
		return fmt.Sprintf("model %s on one instance of %s", p.Deployment.Model, strings.ReplaceAll(p.Deployment.InstanceType, ",", ", then of "))
	case p.Pinned:
		return "pinned to one instance"
	}
	return "as it was"
}

// RehearsalPlan is the emulated account that a rehearsal runs on.
type RehearsalPlan struct {
	Exec      string  `json:"exec,omitzero"` // command of each instance; empty: Plan.Model
	Speed     float64 `json:"speed"`         // of the services' seconds in one here
	Instances int     `json:"instances"`     // at the start
}

// Endpoint is what is invoked, and how.
type Endpoint struct {
	URL            string   `json:"url"`
	Method         string   `json:"method"`
	Headers        []string `json:"headers,omitempty"`       // "Name: value"; the values of secret ones are "(redacted)"
	Authorization  string   `json:"authorization,omitempty"` // where the bearer token came from, never the token
	TimeoutSeconds float64  `json:"timeout_seconds"`
	ConnectSeconds float64  `json:"connect_timeout_seconds"`
	MaxSessions    int      `json:"max_connections"`
	// Connections is the fixed number of an open loop's, 0 where it grows to the load.
	Connections          int    `json:"connections,omitempty"`
	ConnectionPerRequest bool   `json:"connection_per_request,omitempty"`
	LocalAddress         string `json:"local_address,omitempty"` // where connections come from; empty: the system's choice

	CAFile     string `json:"ca_file,omitempty"`
	ServerName string `json:"server_name,omitempty"`
	Insecure   bool   `json:"insecure,omitempty"` // certificates were not checked
	Engine     string `json:"engine,omitempty"`   // http1 (our own) or net/http, and why
	// FailIf are the conditions under which a good status is a failure all the same.
	FailIf []string `json:"fail_if,omitempty"`
	// SageMaker is what is invoked of it; absent for a URL that was given.
	SageMaker *Invocations `json:"sagemaker,omitempty"`
}

// Payload is what the requests carry.
type Payload struct {
	Sources     []string `json:"sources"`
	ContentType string   `json:"content_type,omitempty"` // as given; empty: by each source
	Accept      string   `json:"accept,omitempty"`
	Templates   string   `json:"templates,omitempty"`
	MaxBody     int64    `json:"max_body_bytes"`
	Seed        uint64   `json:"seed"`
	Count       int      `json:"count"`
	Bytes       int64    `json:"bytes"`
	SHA256      string   `json:"sha256"` // of all bodies in order
}

// TargetPlan is how the target is to be made from the peak.
type TargetPlan struct {
	SafetyFactor float64 `json:"safety_factor"`
	PerMinute    bool    `json:"per_minute"` // the peak is taken per minute: no × 60
	From         string  `json:"from"`       // low (the interval's lower end) or estimate
}

// LoadPlan is the one load of the load command.
type LoadPlan struct {
	Rate            float64 `json:"rate_per_second,omitempty"`
	Concurrency     int     `json:"concurrency,omitempty"`
	DurationSeconds float64 `json:"duration_seconds"`
	WarmUpSeconds   float64 `json:"warm_up_seconds"`
}

// Result is what came out of find or rehearse, also when it was interrupted.
type Result struct {
	SchemaVersion   int       `json:"schema_version"`
	Command         string    `json:"command"`
	Status          Status    `json:"status"`
	Started         time.Time `json:"started"`
	DurationSeconds float64   `json:"duration_seconds"`
	Requests        int64     `json:"requests"`      // intended in measured windows, over all trials
	RequestsSent    int64     `json:"requests_sent"` // all that left: the probe, settling and what went on between trials, too
	Peak            Peak      `json:"peak"`
	Target          *Target   `json:"target"` // null when there is no peak to make it from
	Unloaded        Unloaded  `json:"unloaded"`
	Saturation      *Plateau  `json:"saturation"`      // null when it was not reached
	Curve           []Point   `json:"curve,omitempty"` // of a sweep
	USL             *USL      `json:"usl,omitempty"`   // of a sweep: the law of its closed loop
	Trials          []Trial   `json:"trials"`
	Client          Client    `json:"client"`
	Plan            Plan      `json:"plan"`
	// Targets are the values for every metric that a policy of what was measured can track;
	// absent where they were not calibrated.
	Targets []MetricTarget `json:"targets,omitempty"`
	// Reconciliation is the run beside CloudWatch's metrics; absent where it was not asked
	// for, the run was stopped, or it was not of a SageMaker endpoint.
	Reconciliation *Reconciliation `json:"reconciliation,omitempty"`
}

// Status says whether a run came to its end.
type Status string

// The statuses.
const (
	Complete Status = "complete"
	Partial  Status = "partial" // interrupted or failed: what was measured until then
)

// Peak is the answer. Rates that are not known are null.
type Peak struct {
	Rate       *float64       `json:"rate_per_second"`
	Low        *float64       `json:"low_per_second"`
	High       *float64       `json:"high_per_second"` // null: the peak is bounded below only
	RateM      *float64       `json:"rate_per_minute"`
	LowM       *float64       `json:"low_per_minute"`
	HighM      *float64       `json:"high_per_minute"`
	Confidence float64        `json:"confidence"`
	Cause      capacity.Cause `json:"cause"`
	Found      bool           `json:"found"`           // an interval on both sides
	Missed     bool           `json:"missed_unloaded"` // an objective is missed even at the lightest load
	Valid      bool           `json:"valid"`
	Wide       bool           `json:"wide"`    // the interval is wider than was asked
	Changed    bool           `json:"changed"` // the endpoint was seen to change meanwhile: it has no one peak
	Reasons    []string       `json:"reasons"`
	Ended      string         `json:"ended"`      // why the search stopped
	Objectives []string       `json:"objectives"` // that were applied
	Derived    string         `json:"derived_objective,omitempty"`
	Binding    string         `json:"binding_objective,omitempty"` // the one that sets the peak
}

// Target is the value for the policy, with the formula and its inputs.
type Target struct {
	Metric       string  `json:"metric"` // SageMakerVariantInvocationsPerInstance
	PerMinute    float64 `json:"invocations_per_minute"`
	PerSecond    float64 `json:"invocations_per_second"`
	SafetyFactor float64 `json:"safety_factor"`
	Peak         float64 `json:"peak_used_per_second"`
	From         string  `json:"peak_used"` // low or estimate
	Unit         string  `json:"peak_unit"` // second or minute: in which the peak was taken
	Formula      string  `json:"formula"`
}

// Unloaded is the service time of one request at a time.
type Unloaded struct {
	P50ms    float64 `json:"p50_ms"`
	P99ms    float64 `json:"p99_ms"`
	MeanMs   float64 `json:"mean_ms"`
	Requests int64   `json:"requests"`
}

// Plateau is the highest throughput: of the closed loop or, where a rate limit
// lets through so much and no more, of an open one.
type Plateau struct {
	Rate        float64 `json:"rate_per_second"`
	StdErr      float64 `json:"standard_error_per_second"`
	Concurrency int     `json:"concurrency"` // 0: a rate limit
}

// Trial is one load as it was held.
type Trial struct {
	Number         int            `json:"number"`
	Phase          capacity.Phase `json:"phase"`
	Why            string         `json:"why"`
	Concurrency    int            `json:"concurrency,omitempty"`     // closed loop
	Rate           float64        `json:"rate_per_second,omitempty"` // open loop
	Arrivals       string         `json:"arrivals,omitempty"`        // open loop: poisson or constant
	Seed           uint64         `json:"seed,omitempty"`            // of the arrivals
	Started        time.Time      `json:"started"`
	SettleSeconds  float64        `json:"settle_seconds"`
	WindowSeconds  float64        `json:"window_seconds"`
	ElapsedSeconds float64        `json:"elapsed_seconds"`
	Measured
	Verdict Verdict `json:"verdict"`
}

// Measured is what was measured of one load.
type Measured struct {
	Requests      int64            `json:"requests"`
	Successes     int64            `json:"successes"`
	Offered       float64          `json:"offered_per_second"`
	Achieved      float64          `json:"achieved_per_second"`
	SuccessRatio  float64          `json:"success_ratio"`
	Response      Quantiles        `json:"response_time_ms"` // successes, from the intended instant
	Service       Quantiles        `json:"service_time_ms"`  // successes, from the send
	Lateness      Quantiles        `json:"lateness_ms"`      // every send, from the intended instant
	Stream        *Stream          `json:"stream,omitempty"` // answers that came in parts; absent where there was none
	Late          int64            `json:"late"`
	Dropped       int64            `json:"dropped"`
	Unanswered    int64            `json:"unanswered"`
	Errors        map[string]int64 `json:"errors"` // failures by class
	ErrorSamples  []ErrorSample    `json:"error_samples,omitempty"`
	ReceivedBytes int64            `json:"received_bytes"`
	Client        Client           `json:"client"`
	Valid         bool             `json:"valid"`
	Doubts        []string         `json:"doubts"`                // why not
	Overloaded    bool             `json:"overloaded,omitempty"`  // ended early: too many in flight
	Interrupted   bool             `json:"interrupted,omitempty"` // ended early: stopped
}

// Stream is what was measured within answers that came in parts.
type Stream struct {
	Parts             int64     `json:"parts"`
	FirstByteResponse Quantiles `json:"first_byte_response_time_ms"` // from the intended instant
	FirstByteService  Quantiles `json:"first_byte_service_time_ms"`  // from the send
	Gaps              Quantiles `json:"between_parts_ms"`            // from the end of one part to the end of the next
	Tokens            *Tokens   `json:"tokens,omitempty"`            // absent where none were counted
}

// Tokens are what streamed answers brought, of successes.
type Tokens struct {
	Count     int64   `json:"count"`
	PerSecond float64 `json:"per_second"`                // all, over the window
	Median    float64 `json:"per_answer_p50_per_second"` // half of the answers came at least so fast: tokens over service time
	Slow      float64 `json:"per_answer_p1_per_second"`  // 99 % of them did
	Tokenless int64   `json:"answers_without"`           // in which none was found
}

// Quantiles of a duration, in milliseconds. All are zero when nothing was recorded.
type Quantiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
}

// ErrorSample is the first failure of its kind, in the server's words.
type ErrorSample struct {
	Class  string `json:"class"`
	Status int    `json:"status,omitempty"`
	Detail string `json:"detail"`
}

// Client is what the generator knows of itself.
type Client struct {
	CPU          *float64 `json:"cpu_used"`     // processors used, 1 is one whole processor; null when unknown
	CPUs         int      `json:"cpus"`         // processors that it may use
	MachineBusy  *float64 `json:"machine_busy"` // share of the machine\'s processor time that anything used; null when unknown
	Connections  int      `json:"connections"`
	Reconnects   int64    `json:"reconnects"`
	Opened       int64    `json:"opened_while_held"`
	OpenFailures int64    `json:"open_failures"`
}

// Verdict says whether a trial may be believed and whether its objectives held.
type Verdict struct {
	Outcome  string    `json:"outcome"` // held, missed, invalid or undecided
	Findings []Finding `json:"findings"`
}

// Finding is one objective judged.
type Finding struct {
	Objective string `json:"objective"`
	Met       bool   `json:"met"`
	Enough    bool   `json:"enough_samples"`
	Reason    string `json:"reason"`
}

// LoadResult is what came out of the load command: the measurement at the top
// level, and what it was asked for.
type LoadResult struct {
	SchemaVersion   int       `json:"schema_version"`
	Command         string    `json:"command"`
	Status          Status    `json:"status"`
	Started         time.Time `json:"started"`
	DurationSeconds float64   `json:"duration_seconds"`
	WindowSeconds   float64   `json:"window_seconds"`
	Measured
	Verdict        Verdict         `json:"verdict"`
	Plan           Plan            `json:"plan"`
	Reconciliation *Reconciliation `json:"reconciliation,omitempty"`
}
