package capacity

import (
	"fmt"
	"time"

	"plimsoll/slo"
)

// baseLine is the unloaded endpoint.
type baseLine struct {
	reading
	known bool
	rate  float64 // answered well per second, one at a time

	answers int64 // of all pieces
}

// serviceCV2 is the squared coefficient of variation of the service time,
// within what a few requests can tell.
func (b baseLine) serviceCV2() float64 { return clamp(b.SquaredCV, 0.01, 4) }

// baseline holds one request in flight until its median no longer falls (a
// model that loads, compiles or warms), then long enough for the quantiles.
type baseline struct {
	pieces  []reading
	again   bool // after the plateau: was the first one taken cold?
	done    bool
	used    time.Duration
	warmed  int     // times that an endpoint that missed was given more to do
	warm    bool    // such a trial is under way
	coldest float64 // the median (s) before it
}

const (
	deriveFrom    = 200 // samples behind a derived objective
	unloadedFrom  = 40
	againFrom     = 40
	mostPieces    = 10
	stillFalling  = 0.9 // medians of two pieces: lower is falling
	clearlyFaster = 0.85
	warmedBy      = 0.95
	leastMedian   = 8 // answers behind a median that is compared
	mostWarmed    = 3
	warmAtOnce    = 4
)

func (b *baseline) wanted(s *Search) int64 {
	switch {
	case b.again:
		return againFrom
	case s.derives():
		return deriveFrom
	case len(b.pieces) > 0 && s.nearlyMissed(b.pieces[len(b.pieces)-1]):
		return deriveFrom
	}
	return unloadedFrom
}

// nearlyMissed says that more requests were bad than a budget allows, by however
// little: whether they are too many, more will tell.
func (s *Search) nearlyMissed(r reading) bool {
	least := s.leastBudget() * float64(r.Offered)
	for _, slow := range r.Slow {
		if float64(slow) > least {
			return true
		}
	}
	return float64(r.Failed) > least
}

func (b *baseline) next(s *Search) (Trial, bool) {
	budget := s.span(0.08, 0.5, 12)
	if s.derives() {
		budget = s.span(0.12, 0.6, 20)
	}
	if b.again {
		budget = s.span(0.03, 0.2, 5)
	}
	if n := len(b.pieces); !b.again && n > 0 && b.pieces[n-1].Offered == 0 {
		budget = s.span(0.3, 1, 60) // the first request is still under way
	}
	budget = max(budget, b.patience(s))
	if b.done || b.used >= budget && len(b.pieces) > 0 || len(b.pieces) >= mostPieces {
		return Trial{}, false
	}
	t := Trial{Phase: Baseline, Concurrency: 1, Measure: s.span(1.0/90, 0.2, 1)}
	if b.warm {
		t.Concurrency, t.Measure = min(warmAtOnce, s.plan.MaxConcurrency), s.span(0.05, 0.3, 5)
		t.Why = "an objective is missed by one request at a time: is the endpoint still warming up?"
		return t, true
	}
	t.Why = "one request at a time: the unloaded latency"
	if b.again {
		t.Drain = s.span(0.03, 0.3, 3)
		t.Why = "the unloaded latency again, now that the endpoint is warm"
	}
	if len(b.pieces) == 0 {
		if b.again && s.base.rate > 0 {
			t.Measure = seconds(clamp(againFrom/s.base.rate, 0.1, budget.Seconds()))
		}
		return t, true
	}
	last := b.pieces[len(b.pieces)-1]
	if last.Offered == 0 {
		t.Measure = min(2*last.trial.Measure, max(t.Measure, budget-b.used))
		t.Why = "the request before is still under way"
		return t, true
	}
	if pace := max(last.singly(), float64(last.Successes)/max(b.used.Seconds(), 1e-3)); pace > 0 {
		want := seconds(1.05 * float64(b.wanted(s)) / pace)
		if b.settled() {
			t.Why = "the median is steady: longer, for its quantiles"
		} else {
			t.Why = "the median still falls: once more"
			want = seconds(20 / pace)
		}
		t.Measure = s.seesAnswers(max(t.Measure, min(want, budget-b.used)), last.Mean.Seconds())
	}
	return t, true
}

// patience is how long a slow endpoint is given for the least answers that a
// peak may rest on.
func (b *baseline) patience(s *Search) time.Duration {
	answers := int64(0)
	for _, p := range b.pieces {
		answers += p.Successes
	}
	if answers == 0 || answers >= leastUnloaded || b.again {
		return 0
	}
	mean := b.pieces[len(b.pieces)-1].Mean
	return min(b.used+time.Duration(leastUnloaded-answers+1)*mean, seconds(unloadedShare*s.plan.Budget.Seconds()))
}

// settled says that the last piece's median is no longer falling.
func (b *baseline) settled() bool {
	n := len(b.pieces)
	if n < 2 || min(b.pieces[n-1].Successes, b.pieces[n-2].Successes) < leastMedian {
		return false
	}
	return b.pieces[n-1].P50.Seconds() >= stillFalling*b.pieces[n-2].P50.Seconds() && !fallsWithin(b.pieces[n-1])
}

// fallsWithin says that response times fell during a piece, beyond chance.
func fallsWithin(r reading) bool {
	_, response := r.responses()
	if len(response) < 2*leastBatches {
		return false
	}
	change, sigmas := compare(response[:len(response)/2], response[len(response)/2:])
	return change < stillFalling-1 && sigmas > 3
}

func (b *baseline) record(s *Search, r reading) {
	if b.warm {
		b.warm, b.pieces, b.used = false, nil, 0
		return
	}
	b.pieces = append(b.pieces, r)
	b.used += max(r.Elapsed, r.Window)
	switch {
	case b.again:
		b.done = true
	case r.silent() && len(b.pieces) >= 2, r.failShare() > 0.03 && r.Failed >= 10 && r.refused():
		b.done = true
	default:
		b.done = b.settled() && r.Successes >= b.wanted(s)
	}
}

func (b *baseline) giveUp(s *Search, _ Trial) {
	if b.again {
		b.done = true
		return
	}
	s.ceiling.lower(0, CauseClient, "the generator did not hold one request at a time")
	s.breakOff("the generator did not hold even one request at a time")
}

func (b *baseline) after(s *Search) stage {
	if b.again {
		b.compare(s)
		return newBracket(s)
	}
	last := b.pieces[len(b.pieces)-1]
	s.base = baseLine{reading: last, known: last.Successes > 0, rate: last.singly()}
	for _, p := range b.pieces {
		s.base.answers += p.Successes
	}
	if last.Offered == 0 {
		s.breakOff(fmt.Sprintf("no request was answered within %v", slo.Round(b.used)))
		return nil
	}
	if last.silent() {
		s.miss(fmt.Sprintf("none of %d requests was answered well, one at a time", last.Offered), last)
		return nil
	}
	if last.refused() && last.Failed >= 5 && last.failShare() > 0.03 {
		s.derive()
		return newReject(last)
	}
	s.derive()
	missed := s.judgeUnloaded(last)
	if missed == "" {
		return newClimb(s, last)
	}
	if b.warmed < mostWarmed && (b.coldest == 0 || last.P50.Seconds() < clearlyFaster*b.coldest) {
		return &baseline{warm: true, warmed: b.warmed + 1, coldest: last.P50.Seconds()}
	}
	s.miss(missed, last)
	return nil
}

// compare takes over a second baseline that is clearly faster: the first was cold.
func (b *baseline) compare(s *Search) {
	if len(b.pieces) == 0 {
		return
	}
	warm := b.pieces[0]
	if warm.Successes < leastMedian {
		return
	}
	_, before := s.base.responses()
	_, after := warm.responses()
	change, sigmas := compare(before, after)
	if change > warmedBy-1 || sigmas < 3 {
		return
	}
	s.notes = append(s.notes, fmt.Sprintf("the endpoint was still warming up: unloaded median %v at first, %v later", slo.Round(s.base.P50), slo.Round(warm.P50)))
	s.base = baseLine{reading: warm, known: true, rate: warm.singly(), answers: s.base.answers + warm.Successes}
	if s.derived >= 0 {
		s.objectives[s.derived].Limit = derivedLimit(warm)
		s.listLimits()
	}
}

// derive makes a latency objective when none was given: p99 may at most double,
// or grow by four unloaded medians where the unloaded tail is thin.
func (s *Search) derive() {
	if !s.derives() {
		return
	}
	s.derived = len(s.objectives)
	s.objectives = append(s.objectives, slo.Objective{Kind: slo.Quantile, Level: 0.99, Limit: derivedLimit(s.base.reading)})
	s.listLimits()
}

func derivedLimit(r reading) time.Duration {
	return slo.Round(max(2*r.P99, r.P99+4*r.P50, time.Microsecond))
}

// miss ends the search because the objectives are missed at the lightest load.
func (s *Search) miss(what string, r reading) {
	s.notMet = true
	if r.failShare() > 0 && r.refused() {
		what += ": refused by a rate limit"
	}
	s.notes = append(s.notes, "objective not met even at the lightest load: "+what)
	s.end("an objective is missed at the lightest load")
}

// judgeUnloaded names the objective that one request at a time misses beyond
// doubt, if there is one.
func (s *Search) judgeUnloaded(r reading) string {
	slow := 0
	for i, o := range s.objectives {
		what := ""
		if o.Kind == slo.Mean && s.meanMissed(r, o) {
			what = fmt.Sprintf("the mean was %v", slo.Round(r.Mean))
		}
		if o.Kind == slo.Success && beyond(r.Failed, r.Offered, o) {
			what = fmt.Sprintf("%d of %d requests failed", r.Failed, r.Offered)
		}
		if o.Kind == slo.Quantile && i != s.derived && slow < len(r.Slow) {
			if bad := r.Slow[slow]; beyond(bad, r.Offered, o) {
				what = fmt.Sprintf("p99 was %v, %d of %d requests took longer than %v or failed", slo.Round(r.P99), bad, r.Offered, o.Limit)
			}
			slow++
		}
		if what != "" {
			return fmt.Sprintf("%v, one request at a time: %s", o, what)
		}
	}
	return ""
}

// beyond says that more were bad than the budget allows and than chance explains.
func beyond(bad, offered int64, o slo.Objective) bool {
	low, _ := wilson(float64(bad), float64(offered), 2.6)
	return low > o.Budget()
}

func (s *Search) meanMissed(r reading, o slo.Objective) bool {
	_, response := r.responses()
	return r.Mean.Seconds()-2.6*batchError(response) > o.Limit.Seconds()
}
