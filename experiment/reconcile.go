package experiment

import (
	"math"
	"slices"
	"sort"
	"time"

	"plimsoll/scaling"
)

// ReconcileBound is by how much, as a share of what was sent in a minute, CloudWatch's
// count may differ before the minute disagrees.
const ReconcileBound = 0.05

// Tally is what a client had sent by an instant of the services' time, and what of it
// had been answered well.
type Tally struct {
	At       time.Time
	Sent     int64
	Answered int64
	Service  time.Duration // sum over the answered: from the send
}

// Span is when a trial was held, in the services' time.
type Span struct {
	Trial    int
	From, To time.Time
	// Refused is the share of its requests that never reached a variant: throttled, or
	// refused for what they were.
	Refused float64
}

// Accounts are the two sides that are reconciled: what the client knows and what
// CloudWatch has, in the services' time.
type Accounts struct {
	Client []Tally // oldest first
	Trials []Span
	// Speed is how many seconds of the services passed in a real one, in which each real
	// request counts as so many: 1 on AWS.
	Speed float64
	// Edge is how exactly the two clocks and the tallies agree.
	Edge time.Duration
	Seen Seen
}

// Seen are the minutes as CloudWatch has them, oldest first; a minute without a datapoint
// is missing.
type Seen struct {
	Invocations []scaling.Point // Sum
	Model       []scaling.Point // ModelLatency, Average, microseconds
	Overhead    []scaling.Point // OverheadLatency, Average, microseconds
}

// MinuteVerdict is how a minute of CloudWatch compares with the client's.
type MinuteVerdict string

// The verdicts on a minute.
const (
	Agrees  MinuteVerdict = "agrees"
	More    MinuteVerdict = "more"    // than was sent
	Fewer   MinuteVerdict = "fewer"   // than was sent
	Refused MinuteVerdict = "refused" // fewer, by what was refused before a variant
	Absent  MinuteVerdict = "absent"  // there is no datapoint
)

// MinuteCheck is one minute of the services' time, on both sides. Rates are over the
// whole minute.
type MinuteCheck struct {
	Minute   time.Time     `json:"minute"`
	Sent     float64       `json:"sent_per_second"`
	Seen     *float64      `json:"seen_per_second"` // null: no datapoint
	Bound    float64       `json:"bound_per_second"`
	Verdict  MinuteVerdict `json:"verdict"`
	Partial  bool          `json:"partial,omitempty"` // the run began or ended in it
	Service  *float64      `json:"service_ms"`        // the client's mean; null: nothing was answered
	Model    *float64      `json:"model_ms"`          // null: no datapoint
	Overhead *float64      `json:"overhead_ms"`       // null: no datapoint

	last bool // the run ended in it
}

// Reconcile compares what was sent in each minute with what CloudWatch counted in it.
//
// A minute agrees when the count lies within a bound of what was sent in some minute that
// is shifted by no more than the edge: when SageMaker dates a request is not documented,
// and clocks differ. The bound is [ReconcileBound] of the sent, or three standard
// deviations of a count of that size where that is more.
func Reconcile(a Accounts) Reconciliation {
	r := Reconciliation{Done: true, Minutes: []MinuteCheck{}, Doubted: []int{}, Findings: []string{}, Warnings: []string{}}
	if len(a.Client) == 0 {
		return r
	}
	first, last := a.Client[0].At.Truncate(time.Minute), a.Client[len(a.Client)-1].At
	for minute := first; minute.Before(last); minute = minute.Add(time.Minute) {
		if check, anything := a.check(minute); anything {
			check.last = minute.Add(time.Minute).After(last)
			check.Partial = check.last || minute.Before(a.Client[0].At)
			r.Minutes = append(r.Minutes, check)
		}
	}
	for _, s := range a.Trials {
		if a.doubts(s, r.Minutes) {
			r.Doubted = append(r.Doubted, s.Trial)
		}
	}
	r.times()
	return r
}

// check compares one minute; anything is false for one in which nothing was sent or seen.
func (a Accounts) check(minute time.Time) (c MinuteCheck, anything bool) {
	began, ended := a.at(minute), a.at(minute.Add(time.Minute))
	sent := ended.sent - began.sent
	perRequest := max(a.Speed, 1) / 60 // of the services' rate, for one real request in the minute
	bound := max(ReconcileBound*sent, 3*math.Sqrt(sent)+2)
	c = MinuteCheck{Minute: minute, Sent: sent * perRequest, Bound: bound * perRequest, Verdict: Absent}
	if n := ended.answered - began.answered; n > 0.5 {
		ms := (ended.service - began.service) / n * 1e3
		c.Service = &ms
	}
	c.Model, c.Overhead = milliseconds(a.Seen.Model, minute), milliseconds(a.Seen.Overhead, minute)
	sum, there := valueAt(a.Seen.Invocations, minute)
	if !there {
		return c, sent > 0
	}
	rate := sum / 60
	c.Seen = &rate
	low, high := a.around(minute)
	counted := rate / perRequest
	switch {
	case counted > high+bound:
		c.Verdict = More
	case counted >= low-bound:
		c.Verdict = Agrees
	case counted >= low*(1-a.refused(minute))-bound:
		c.Verdict = Refused
	default:
		c.Verdict = Fewer
	}
	return c, sent > 0 || sum > 0
}

// sums are a client's tallies between two of them.
type sums struct{ sent, answered, service float64 }

// at interpolates the tallies. Before the first nothing was sent, after the last nothing
// more.
func (a Accounts) at(t time.Time) sums {
	of := func(r Tally) sums { return sums{float64(r.Sent), float64(r.Answered), r.Service.Seconds()} }
	n := len(a.Client)
	next := sort.Search(n, func(i int) bool { return !a.Client[i].At.Before(t) })
	switch {
	case next == n:
		return of(a.Client[n-1])
	case next == 0:
		return of(a.Client[0])
	}
	before, after := a.Client[next-1], a.Client[next]
	share := float64(t.Sub(before.At)) / float64(after.At.Sub(before.At))
	x, y := of(before), of(after)
	return sums{x.sent + share*(y.sent-x.sent), x.answered + share*(y.answered-x.answered), x.service + share*(y.service-x.service)}
}

// around is the least and the most that was sent in a minute near another one.
func (a Accounts) around(minute time.Time) (low, high float64) {
	const steps = 4
	low, high = math.Inf(1), 0
	for i := -steps; i <= steps; i++ {
		from := minute.Add(a.Edge * time.Duration(i) / steps)
		n := a.at(from.Add(time.Minute)).sent - a.at(from).sent
		low, high = min(low, n), max(high, n)
	}
	return low, high
}

// refused is the greatest share that was refused in a trial of a minute.
func (a Accounts) refused(minute time.Time) float64 {
	share := 0.0
	for _, s := range a.Trials {
		if s.overlap(minute) > 0 {
			share = max(share, s.Refused)
		}
	}
	return share
}

// overlap is how much of a minute a trial was held in.
func (s Span) overlap(minute time.Time) time.Duration {
	from, to := minute, minute.Add(time.Minute)
	if s.From.After(from) {
		from = s.From
	}
	if s.To.Before(to) {
		to = s.To
	}
	return max(0, to.Sub(from))
}

// doubts says whether a trial lies in a minute that disagrees for no reason that is known.
// More than was sent in the run's first or last minute may lie before or after the run;
// fewer in the last may not have arrived in full.
func (a Accounts) doubts(s Span, minutes []MinuteCheck) bool {
	return slices.ContainsFunc(minutes, func(c MinuteCheck) bool {
		return (c.Verdict == More && !c.Partial || c.Verdict == Fewer && !c.last) && s.overlap(c.Minute) > min(a.Edge, s.To.Sub(s.From)/2)
	})
}

// times are the means over the minutes that have all of them, weighted by invocations.
// What others sent is not the client's: minutes with more than was sent do not count.
func (r *Reconciliation) times() {
	var weight, service, model, overhead float64
	for _, c := range r.Minutes {
		if c.Verdict == More || c.Seen == nil || c.Service == nil || c.Model == nil || c.Overhead == nil {
			continue
		}
		weight += *c.Seen
		service += *c.Seen * *c.Service
		model += *c.Seen * *c.Model
		overhead += *c.Seen * *c.Overhead
	}
	if weight <= 0 {
		return
	}
	r.Times = &ServiceShares{Service: service / weight, Model: model / weight, Overhead: overhead / weight}
	r.Times.Network = r.Times.Service - r.Times.Model - r.Times.Overhead
}

func valueAt(points []scaling.Point, minute time.Time) (float64, bool) {
	for _, p := range points {
		if !p.Missing && p.At.Equal(minute) {
			return p.Value, true
		}
	}
	return 0, false
}

// milliseconds are the value of a minute in microseconds.
func milliseconds(points []scaling.Point, minute time.Time) *float64 {
	us, there := valueAt(points, minute)
	if !there {
		return nil
	}
	ms := us / 1e3
	return &ms
}
