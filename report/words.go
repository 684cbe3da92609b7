package report

import (
	"fmt"
	"strings"

	"plimsoll/capacity"
	"plimsoll/experiment"
)

// state is what a result is worth.
type state string

const (
	stateValid      state = "VALID"
	stateLowerBound state = "LOWER BOUND"
	stateNoPeak     state = "NO PEAK"
	stateInvalid    state = "INVALID"
	statePartial    state = "PARTIAL"
)

// verdict is what is said first: the answer in words.
type verdict struct {
	State    state
	Title    string   // Peak 171.3/s
	Number   string   // 171.3/s, at least 512/s, none
	Interval string   // 168.2 to 174.5/s with 95 % confidence
	Cause    string   // a sentence
	Advice   string   // a sentence on what the state means; may be empty
	Reasons  []string // what to know
}

func verdictOf(r *experiment.Result, u units) verdict {
	v := verdict{State: stateOf(r), Cause: causeOf(r), Reasons: cleaned(r.Peak.Reasons)}
	p := r.Peak
	switch {
	case p.Rate == nil:
		v.Number, v.Title = "none", "No peak was found"
	case p.High == nil:
		v.Number = "at least " + u.rate(*p.Rate)
		v.Title = "Peak " + v.Number
	default:
		v.Number = u.rate(*p.Rate)
		v.Title = "Peak " + v.Number
	}
	if p.Low != nil && p.High != nil {
		v.Interval = fmt.Sprintf("%s to %s with %s confidence", trim(u.number(*p.Low)), u.rate(*p.High), percent(p.Confidence))
	}
	switch v.State {
	case statePartial:
		v.Advice = "The run was stopped before its end. This is what it had measured until then."
	case stateInvalid:
		v.Advice = "This result must not be used. The reasons are below."
		if p.Changed {
			v.Advice = "This result must not be used: the endpoint changed too much while it was measured. The reasons are below."
		}
	case stateLowerBound:
		v.Advice = "The peak lies above this rate. A target made from it is safe, if lower than it need be."
	default:
		if p.Changed {
			v.Advice = "The endpoint changed while it was measured: this is a peak of some of the time, not of all of it. Measure again when it is steady and nobody else uses it."
		}
	}
	return v
}

func stateOf(r *experiment.Result) state {
	switch {
	case r.Status == experiment.Partial:
		return statePartial
	case !r.Peak.Valid:
		return stateInvalid
	case r.Peak.Rate == nil:
		return stateNoPeak
	case r.Peak.High == nil:
		return stateLowerBound
	}
	return stateValid
}

// causeOf says why the peak is where it is.
func causeOf(r *experiment.Result) string {
	binding := ""
	if b := r.Peak.Binding; b != "" {
		binding = " (" + printable(b) + ")"
	}
	switch r.Peak.Cause {
	case capacity.CauseLatency:
		return "Limited by latency: above it, too many answers come later than the objective allows" + binding + "."
	case capacity.CauseErrors:
		return "Limited by errors: above it, more requests fail or are refused than the objective allows" + binding + "."
	case capacity.CausePlateau:
		return "Limited by throughput: above it, answers fall behind arrivals and a backlog grows" + binding + "."
	case capacity.CauseClient:
		return "Limited by the client: the generator gave out before the endpoint did. More processors or a second machine would show more."
	case capacity.CauseLimit:
		return "Limited by the plan: one of its limits (budget, rate, concurrency or requests) ended the search before the endpoint gave out."
	case capacity.CauseNone:
	}
	if r.Peak.Missed {
		return "No load was shown to meet the objectives, not even the lightest."
	}
	return "Too little was measured to name a cause."
}

// target is the value for the policy in words.
type target struct {
	PerMinute, PerSecond string // 5046, 84.1
	Metric, Formula      string
	From                 string // a clause: which end of the interval was used
}

func targetOf(r *experiment.Result) *target {
	t := r.Target
	if t == nil {
		return nil
	}
	out := target{PerMinute: plain(t.PerMinute), PerSecond: trim(number(t.PerSecond)), Metric: t.Metric, Formula: t.Formula}
	switch {
	case r.Peak.High == nil:
		out.From = "from the highest rate that was shown to hold"
	case t.From == experiment.FromEstimate:
		out.From = "from the estimate of the peak, as asked, not from the lower end of its interval"
	default:
		out.From = "from the lower end of the peak’s interval"
	}
	return &out
}

// noTarget says why there is none.
func noTarget(s state) string {
	switch s {
	case statePartial:
		return "No target is made from a run that was stopped."
	case stateInvalid:
		return "No target is made from an invalid result."
	case stateNoPeak:
		return "There is no peak to make a target from."
	default:
	}
	return "No target could be made; the reasons say why."
}

// saturationOf compares the two loops in a sentence.
func saturationOf(r *experiment.Result, u units) string {
	s := r.Saturation
	if s == nil {
		return ""
	}
	if s.Concurrency == 0 {
		return fmt.Sprintf("%s ± %s let through by a rate limit (open loop).", trim(u.number(s.Rate)), u.rate(1.96*s.StdErr))
	}
	text := fmt.Sprintf("%s ± %s with %d in flight (closed loop).", trim(u.number(s.Rate)), u.rate(1.96*s.StdErr), s.Concurrency)
	if p := r.Peak; p.Rate != nil && p.High != nil && *p.Rate < s.Rate {
		text += fmt.Sprintf(" The peak is %.0f %% of it: a closed loop waits for the endpoint, independent callers do not.", 100**p.Rate/s.Rate)
	}
	return text
}

func unloadedOf(r *experiment.Result) string {
	if r.Unloaded.Requests == 0 {
		return "not measured"
	}
	return fmt.Sprintf("p50 %s, p99 %s, mean %s (%s, one at a time)",
		span(r.Unloaded.P50ms), span(r.Unloaded.P99ms), span(r.Unloaded.MeanMs), plural(r.Unloaded.Requests, "request", "requests"))
}

func effortOf(r *experiment.Result) string {
	text := fmt.Sprintf("%s in %s, %s", plural(int64(len(r.Trials)), "trial", "trials"), lasting(r.DurationSeconds), plural(r.Requests, "request", "requests"))
	if r.RequestsSent > r.Requests {
		text += fmt.Sprintf(" measured of %s sent", count(r.RequestsSent))
	}
	return text
}

// objectivesOf lists the objectives that were applied.
func objectivesOf(r *experiment.Result) string {
	if len(r.Peak.Objectives) == 0 {
		return "none"
	}
	list := cleaned(r.Peak.Objectives)
	for i, o := range r.Peak.Objectives {
		if o == r.Peak.Derived {
			list[i] += " (derived from the unloaded latency)"
		}
	}
	return strings.Join(list, ", ")
}

func cleaned(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = printable(s)
	}
	return out
}

// loadOf names the load of a trial.
func loadOf(t experiment.Trial, u units) string {
	if t.Concurrency > 0 {
		return fmt.Sprintf("%d in flight", t.Concurrency)
	}
	return u.rate(t.Rate)
}

// failed is the number of requests that were answered badly.
func failed(m experiment.Measured) int64 {
	var n int64
	for _, k := range m.Errors {
		n += k
	}
	return n
}

// clientOf says what the generator needed.
func clientOf(c experiment.Client) string {
	cpu := "processor use unknown"
	if c.CPU != nil {
		cpu = fmt.Sprintf("%.2f of %s used", *c.CPU, plural(int64(c.CPUs), "processor", "processors"))
	}
	if c.MachineBusy != nil {
		cpu += fmt.Sprintf(" (%.0f %% of the whole machine busy)", 100**c.MachineBusy)
	}
	parts := []string{cpu, plural(int64(c.Connections), "connection", "connections")}
	for _, more := range []struct {
		n    int64
		what string
	}{{c.Opened, "opened while a load was held"}, {c.Reconnects, "reopened after the endpoint closed them"}, {c.OpenFailures, "could not be opened"}} {
		if more.n > 0 {
			parts = append(parts, count(more.n)+" "+more.what)
		}
	}
	return strings.Join(parts, ", ")
}
