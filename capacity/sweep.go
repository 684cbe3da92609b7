package capacity

import (
	"errors"
	"fmt"
	"time"

	"plimsoll/slo"
)

// Sweep measures the whole curve of an endpoint instead of looking for its peak:
// throughput and latency over a ladder of concurrencies (closed loop) and over one
// of rates (open loop). A scan doubles the concurrency to see how far the ladder
// goes; then both ladders are held in rounds, from the lightest load to the
// heaviest, so that every point is measured several times, minutes apart, and its
// band has in it what changes from one time to the next.
//
// It is stepped like a [Search] and, like one, not safe for concurrent use. Make one
// with [NewSweep].
type Sweep struct {
	plan    Plan
	limits  []time.Duration
	pending *Trial

	scan     []level
	flat     int // consecutive doublings of the scan without gain
	scanned  bool
	attempts int // at the first request

	closed, open []rung
	rates        int     // rungs of the open ladder
	limited      bool    // by the plan's rate, before the endpoint
	top          float64 // highest throughput of the closed loop
	round, at    int     // the next rung to hold, over both ladders
	drain        bool

	held   int
	spent  time.Duration
	sent   float64
	silent int // trials in a row without a good answer

	ended  string
	broken []string
	notes  []string
	doubts int
}

const (
	scanShare    = 0.2 // of the budget
	mostSilent   = 3
	mostAttempts = 4
	capDistance  = 0.97 // of the plan's rate from which on a closed loop is spaced by it
)

// NewSweep starts a sweep for a valid plan. Of its objectives only the thresholds
// are used; its precision is not.
func NewSweep(plan Plan) (*Sweep, error) {
	if err := plan.Validate(); err != nil {
		return nil, fmt.Errorf("planning a sweep: %w", err)
	}
	s := &Sweep{plan: plan}
	for _, o := range plan.Objectives {
		if o.Kind == slo.Quantile && len(s.limits) < mostThresholds {
			s.limits = append(s.limits, o.Limit)
		}
	}
	return s, nil
}

// Next proposes the next trial, false when the sweep has ended. Until it is
// recorded, the same trial is proposed again.
func (s *Sweep) Next() (Trial, bool) {
	if s.pending != nil {
		return *s.pending, true
	}
	if s.exhausted() {
		return Trial{}, false
	}
	t, ok := s.propose()
	if !ok {
		s.end("every round was held")
		return Trial{}, false
	}
	t.Number, t.SlowAbove = s.held+1, s.limits
	t.Measure = max(t.Measure, leastMeasure)
	if s.drain {
		t.Drain = s.span(0.15, 0.5, 30)
	}
	if !s.fits(&t) {
		return Trial{}, false
	}
	s.pending = &t
	return t, true
}

func (s *Sweep) exhausted() bool {
	switch {
	case s.ended != "":
	case s.spent >= s.plan.Budget:
		s.end("the time budget was spent")
	case s.held >= mostTrials:
		s.end(fmt.Sprintf("%d trials were held", mostTrials))
	}
	return s.ended != ""
}

func (s *Sweep) end(why string) {
	if s.ended == "" {
		s.ended = why
	}
}

// fits shortens a trial to what is left of the requests; false when nothing is.
func (s *Sweep) fits(t *Trial) bool {
	if s.plan.MaxRequests == 0 {
		return true
	}
	rate := t.Rate
	for _, l := range s.scan {
		if t.Concurrency > 0 {
			rate = max(rate, l.rate*max(1, float64(t.Concurrency)/float64(l.n)))
		}
	}
	left := float64(s.plan.MaxRequests) - s.sent
	if room := left/max(rate, 1e-9) - t.Settle.Seconds(); room < t.Measure.Seconds() {
		t.Measure = seconds(room)
	}
	if t.Measure < leastMeasure {
		s.end(fmt.Sprintf("the limit of %d requests was reached", s.plan.MaxRequests))
		return false
	}
	return true
}

func (s *Sweep) propose() (Trial, bool) {
	if !s.scanned {
		if t, ok := s.nextScan(); ok {
			return t, true
		}
		s.scanned = true
		s.layClosed()
	}
	return s.nextRung()
}

// nextScan doubles the concurrency until throughput no longer grows.
func (s *Sweep) nextScan() (Trial, bool) {
	if len(s.scan) == 0 {
		t := Trial{Phase: Scan, Concurrency: 1, Measure: s.span(1.0/45, 0.3, 3), Patience: s.span(0.1, 0.5, 30)}
		t.Measure <<= s.attempts
		t.Why = "one request at a time: is it answered, and how fast?"
		return t, true
	}
	top := s.scan[len(s.scan)-1]
	n := min(2*top.n, s.plan.MaxConcurrency)
	if s.flat >= 2 || n <= top.n || top.last.failShare() > rejecting || s.spent >= seconds(scanShare*s.plan.Budget.Seconds()) || s.spaced(top.rate) {
		return Trial{}, false
	}
	response := max(top.last.Mean.Seconds(), 1e-4)
	t := Trial{Phase: Scan, Concurrency: n, Why: fmt.Sprintf("twice as many at once as before (%.4g/s): how far does the ladder go?", top.rate)}
	t.Settle = seconds(clamp(levelSettle*response, 0.05, s.span(1.0/90, 0.1, 1).Seconds()))
	t.Measure = max(s.span(1.0/120, 0.3, 2), seconds(min(3*response, s.span(0.05, 0.3, 10).Seconds())))
	t.Patience = s.patience(response)
	return t, true
}

// spaced says that a closed loop of this throughput is held back by the plan's
// rate, so that it shows nothing of the endpoint.
func (s *Sweep) spaced(rate float64) bool {
	return s.plan.MaxRate > 0 && rate >= capDistance*s.plan.MaxRate
}

func (s *Sweep) patience(response float64) time.Duration {
	return seconds(clamp(4*response, 0.25, max(0.25, 0.1*s.plan.Budget.Seconds())))
}

func (s *Sweep) span(share, low, high float64) time.Duration {
	return seconds(clamp(share*s.plan.Budget.Seconds(), low, high))
}

// Record takes what was observed of the trial that Next proposed.
func (s *Sweep) Record(o Observation) error {
	if s.pending == nil {
		return errors.New("recording an observation: no trial is outstanding; ask Next for one first")
	}
	r := read(*s.pending, o)
	s.pending = nil
	s.charge(r)
	s.drain = r.Overloaded || r.open() && r.endsBehind() || r.silent()
	switch {
	case len(r.Doubts) > 0:
		s.doubt(r)
	case !s.scanned:
		s.recordScan(r)
	case r.Successes == 0:
		s.hush(r)
	default:
		s.silent = 0
		s.recordRung(r)
	}
	return nil
}

// hush holds a load again, after a pause, of which nothing was answered well: the
// trial before may have left a backlog, or the endpoint has died.
func (s *Sweep) hush(r reading) {
	if r.Offered == 0 { // by chance, at a rate of few in a window
		s.at++
		return
	}
	if s.silent++; s.silent >= mostSilent {
		s.breakOff(fmt.Sprintf("the endpoint stopped answering: nothing was answered well in %d trials in a row at %s", s.silent, load(r.trial)))
	}
}

func (s *Sweep) charge(r reading) {
	s.held++
	cost := min(max(r.Elapsed, 0), 24*time.Hour)
	s.spent = min(s.spent+cost, s.plan.Budget+cost)
	if r.Sent > 0 {
		s.sent += float64(r.Sent)
	} else {
		s.sent += float64(r.Offered)
	}
}

// doubt passes over a load that the generator did not hold: the next round holds
// it again. A scan that is not held ends there.
func (s *Sweep) doubt(r reading) {
	s.doubts++
	switch {
	case s.scanned:
		s.at++
	case len(s.scan) > 0:
		s.scanned = true
		s.notes = append(s.notes, fmt.Sprintf("the generator did not hold %s (%s); what lies beyond it is unknown", load(r.trial), r.Doubts[0]))
		s.layClosed()
	case s.attempts+1 >= mostAttempts:
		s.breakOff("the generator did not hold even one request at a time: " + r.Doubts[0])
	default:
		s.attempts++
	}
}

func (s *Sweep) breakOff(why string) {
	s.broken = append(s.broken, why)
	s.end("the sweep could not go on")
}

func (s *Sweep) recordScan(r reading) {
	if len(s.scan) == 0 && r.Successes == 0 {
		if s.attempts++; s.attempts >= mostAttempts {
			s.breakOff(fmt.Sprintf("of %d requests, one at a time, none was answered well", r.Offered))
		}
		return
	}
	before := 0.0
	for _, l := range s.scan {
		before = max(before, l.rate)
	}
	now := level{n: r.trial.Concurrency, rate: completed(r), last: r}
	if now.rate < before*(1+leastGain) {
		s.flat++
	} else {
		s.flat = 0
	}
	s.scan = append(s.scan, now)
}

// completed is good answers per second of the window, whenever they were asked for.
func completed(r reading) float64 { return float64(r.Completed) / r.Window.Seconds() }

// Progress estimates how much of the sweep is done, by its budget.
func (s *Sweep) Progress() Progress {
	if s.ended != "" {
		return Progress{Share: 1}
	}
	left := max(0, s.plan.Budget-s.spent)
	return Progress{Share: clamp(s.spent.Seconds()/s.plan.Budget.Seconds(), 0, 1), Left: left}
}
