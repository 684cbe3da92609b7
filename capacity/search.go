package capacity

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"plimsoll/slo"
)

// Search proposes one trial after another until the peak is known. It passes
// through stages, each of which proposes trials until it has found out what it
// is for:
//
//	baseline → climb → plateau ─┬→ baseline again → bracket ⇄ confirm → recheck
//	                └→ reject ──┘
//
// It is not safe for concurrent use. Make one with [New].
type Search struct {
	plan       Plan
	objectives []slo.Objective
	derived    int // index of the derived objective, -1
	limits     []time.Duration

	stage   stage
	pending *Trial
	again   *Trial   // a trial to repeat, because the generator did not hold it
	repeats int      // of that trial
	suspect *reading // a trial without any success; is the endpoint alive?
	probes  int
	drain   bool // the trial before was an overload

	held  int // trials recorded
	spent time.Duration
	sent  float64

	base     baseLine
	levels   []level
	sat      saturation
	throttle throttle
	sought   bool // refusals were sought by a higher concurrency
	criteria []*criterion
	open     []openTrial
	twin     twin
	ceiling  ceiling

	ended    string
	broken   []string // why the result may not be believed
	notes    []string // what to know of it
	notMet   bool
	cutShort Cause // the limit of the plan that ended it, if one did
	drift    float64

	unconfirmed string // why the last confirmation does not count; empty when it does
}

// stage is one part of the search.
type stage interface {
	// next proposes a trial; false when the stage is done.
	next(s *Search) (Trial, bool)
	// record takes a believable trial that next proposed.
	record(s *Search, r reading)
	// giveUp is told that the generator cannot hold a trial, after repeats.
	giveUp(s *Search, t Trial)
	// after is the stage that follows; nil ends the search.
	after(s *Search) stage
}

const (
	mostTrials  = 250 // more than any budget has room for
	mostRepeats = 2
	mostProbes  = 3
)

// mostThresholds is how many quantile objectives a trial can count by.
const mostThresholds = 4

// New starts a search for a valid plan.
func New(plan Plan) (*Search, error) {
	if err := plan.Validate(); err != nil {
		return nil, fmt.Errorf("planning a search: %w", err)
	}
	s := &Search{plan: plan, objectives: slices.Clone(plan.Objectives), derived: -1, stage: &baseline{}}
	hasSuccess := slices.ContainsFunc(s.objectives, func(o slo.Objective) bool { return o.Kind == slo.Success })
	if !hasSuccess {
		s.objectives = append(s.objectives, slo.Objective{Kind: slo.Success, Level: 0.99})
	}
	s.listLimits()
	return s, nil
}

// derives says that a latency objective is still to be made.
func (s *Search) derives() bool {
	return !slices.ContainsFunc(s.objectives, func(o slo.Objective) bool { return o.Kind != slo.Success })
}

func (s *Search) listLimits() {
	s.limits = nil
	for _, o := range s.objectives {
		if o.Kind == slo.Quantile {
			s.limits = append(s.limits, o.Limit)
		}
	}
}

// Next proposes the next trial, false when the search has ended. Until it is
// recorded, the same trial is proposed again.
func (s *Search) Next() (Trial, bool) {
	if s.pending != nil {
		return *s.pending, true
	}
	for s.ended == "" {
		if s.exhausted() {
			break
		}
		t, ok := s.propose()
		if !ok {
			s.enter(s.stage.after(s))
			continue
		}
		if !s.admit(&t) {
			break
		}
		s.pending = &t
		return t, true
	}
	return Trial{}, false
}

func (s *Search) enter(next stage) {
	s.stage = next
	if next == nil && s.ended == "" {
		s.end("the search was complete")
	}
}

func (s *Search) propose() (Trial, bool) {
	switch {
	case s.again != nil:
		return *s.again, true
	case s.suspect != nil:
		return s.probe(), true
	}
	return s.stage.next(s)
}

// exhausted ends the search when nothing is left to spend.
func (s *Search) exhausted() bool {
	switch {
	case s.spent >= s.plan.Budget:
		s.end("the time budget was spent")
	case s.plan.MaxRequests > 0 && s.sent >= float64(s.plan.MaxRequests):
		s.endAtRequests()
	case s.held >= mostTrials:
		s.end(fmt.Sprintf("%d trials were held", mostTrials))
	}
	return s.ended != ""
}

func (s *Search) endAtRequests() {
	s.cutShort = CauseLimit
	s.end(fmt.Sprintf("the limit of %d requests was reached", s.plan.MaxRequests))
}

// leastMeasure is the shortest window worth holding.
const leastMeasure = 100 * time.Millisecond

// admit completes a proposed trial and fits it into what is left of the
// requests; false when nothing useful fits.
func (s *Search) admit(t *Trial) bool {
	t.Number = s.held + 1
	t.SlowAbove = slices.Clone(s.limits)
	t.Measure = max(t.Measure, leastMeasure)
	if s.drain {
		t.Drain = seconds(clamp(0.1*s.plan.Budget.Seconds(), 0.5, 10))
	}
	if s.plan.MaxRequests == 0 {
		return true
	}
	left := float64(s.plan.MaxRequests) - s.sent
	rate := max(s.expectedRate(*t), 1e-9)
	if fits := left/rate - t.Settle.Seconds(); fits < t.Measure.Seconds() {
		if fits < leastMeasure.Seconds() {
			s.endAtRequests()
			return false
		}
		t.Measure = seconds(fits)
	}
	return true
}

// expectedRate is how fast a trial will send, as far as is known.
func (s *Search) expectedRate(t Trial) float64 {
	if t.Rate > 0 {
		return t.Rate
	}
	rate := 0.0
	for _, l := range s.levels {
		rate = max(rate, l.rate*math.Min(1, float64(t.Concurrency)/float64(l.n)))
		if l.n < t.Concurrency {
			rate = max(rate, l.rate*float64(t.Concurrency)/float64(l.n))
		}
	}
	return rate
}

// Record takes what was observed of the trial that Next proposed.
func (s *Search) Record(o Observation) error {
	if s.pending == nil {
		return errors.New("recording an observation: no trial is outstanding; ask Next for one first")
	}
	r := read(*s.pending, o)
	s.pending = nil
	s.charge(r)
	again := s.again
	s.again = nil
	switch {
	case len(r.Doubts) > 0:
		s.doubt(r, again)
	case s.suspect != nil:
		s.revive(r)
	default:
		s.repeats = 0
		s.believe(r)
	}
	return nil
}

// charge books what the trial cost.
func (s *Search) charge(r reading) {
	s.held++
	s.drain = r.Overloaded || r.open() && r.endsBehind()
	cost := min(max(r.Elapsed, 0), 24*time.Hour)
	s.spent = min(s.spent+cost, s.plan.Budget+cost)
	switch {
	case r.Sent > 0:
		s.sent += float64(r.Sent)
	case r.Offered > 0 && r.Window > 0:
		unmeasured := max(0, r.Elapsed.Seconds()/r.Window.Seconds()-1)
		s.sent += float64(r.Offered) * (1 + min(unmeasured, 10))
	}
}

// believe hands a trial to the stage, unless nothing at all was answered well:
// then the endpoint may have died, which a single request in flight will show.
func (s *Search) believe(r reading) {
	if r.inherited() {
		t := r.trial
		t.Why = "again after a pause: the backlog was of the trial before"
		s.again, s.drain = &t, true
		return
	}
	if _, first := s.stage.(*baseline); !first && r.silent() && r.Offered >= 3 {
		s.suspect, s.probes = &r, 0
		s.drain = true
		return
	}
	s.stage.record(s, r)
}

// doubt handles a trial that the generator did not hold: it is repeated, and if
// that does not help the stage must do without.
func (s *Search) doubt(r reading, again *Trial) {
	if r.trial.Phase == Confirm {
		s.unconfirmed = r.Doubts[0]
	}
	if s.repeats < mostRepeats {
		s.repeats++
		t := r.trial
		if again == nil {
			t.Why = "repeated, because the trial before was invalid: " + r.Doubts[0]
		}
		s.again = &t
		return
	}
	s.repeats = 0
	if s.suspect != nil {
		s.breakOff("the generator could not tell whether the endpoint still answers: " + r.Doubts[0])
		return
	}
	s.stage.giveUp(s, r.trial)
}

func (s *Search) probe() Trial {
	return Trial{
		Phase: s.suspect.trial.Phase, Concurrency: 1, Measure: s.span(1.0/60, 0.25, 2), Patience: s.span(0.1, 0.5, 10),
		Why: "no request of the trial before was answered well: is the endpoint alive?",
	}
}

// revive takes a probe of an endpoint that may have died.
func (s *Search) revive(r reading) {
	s.probes++
	suspect := *s.suspect
	switch {
	case r.Successes > 0:
		s.suspect = nil
		s.stage.record(s, suspect)
	case s.probes >= mostProbes || r.Offered > 0 && s.probes >= 2:
		s.breakOff(fmt.Sprintf("the endpoint stopped answering: of %d requests at %s none was answered well, nor any of one at a time afterwards", suspect.Offered, load(suspect.trial)))
	default:
		s.drain = true
	}
}

// load names a trial's load for people.
func load(t Trial) string {
	if t.Rate > 0 {
		return fmt.Sprintf("%.4g/s", t.Rate)
	}
	return fmt.Sprintf("concurrency %d", t.Concurrency)
}

func (s *Search) end(why string) {
	if s.ended == "" {
		s.ended = why
	}
}

// breakOff ends the search with a result that may not be believed.
func (s *Search) breakOff(why string) {
	s.broken = append(s.broken, why)
	s.end("the search could not go on")
}

// span is a share of the budget between bounds in seconds.
func (s *Search) span(share, low, high float64) time.Duration {
	return seconds(clamp(share*s.plan.Budget.Seconds(), low, high))
}

// left is what is left of the time budget.
func (s *Search) left() time.Duration { return max(0, s.plan.Budget-s.spent) }

// Progress is how far a search has come.
type Progress struct {
	Share float64       // of the expected work, from 0 to 1
	Left  time.Duration // expected until the end
}

// Progress estimates how much of the search is done: by the time budget, or by
// the precision reached so far if that will end it sooner.
func (s *Search) Progress() Progress {
	if s.ended != "" {
		return Progress{Share: 1}
	}
	left := s.left()
	if hover, ok := s.stage.(*bracket); ok {
		left = min(left, hover.expected(s)+s.reserve())
	}
	if s.plan.MaxRequests > 0 && s.sent > 0 {
		perSecond := s.sent / max(s.spent.Seconds(), 1e-3)
		left = min(left, seconds((float64(s.plan.MaxRequests)-s.sent)/max(perSecond, 1e-9)))
	}
	total := s.spent + left
	return Progress{Share: clamp(s.spent.Seconds()/max(total.Seconds(), 1e-9), 0, 1), Left: left}
}
