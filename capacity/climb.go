package capacity

import (
	"fmt"
	"math"
	"time"

	"plimsoll/slo"
)

// level is one concurrency of the climb, held until steady.
type level struct {
	n    int
	rate float64 // answered well per second
	last reading
}

// climb doubles the concurrency in a closed loop until throughput no longer
// grows: the procedure of the AWS page.
type climb struct {
	n       int // concurrency now
	repeats int
	flat    int // consecutive doublings without gain
	done    bool
	growing bool // ended while throughput still grew
	seeking bool // only for where an endpoint begins to refuse
	failed  *reading
	used    time.Duration
}

const (
	leastGain     = 0.05
	mostUnsteady  = 2
	rejecting     = 0.03 // share of failures that counts as refusing load
	hopeless      = 0.9  // share of slow answers beyond which more concurrency cannot help
	retrogradeBy  = 0.1
	mostSought    = 64 // times the knee
	kneeShare     = 0.95
	steadyChange  = 0.04 // of the throughput, from one half of a level to the other
	steadySigmas  = 2.5
	levelSettle   = 2 // response times
	levelAnswers  = 60
	answersPerOne = 8 // per request in flight
)

func newClimb(s *Search, first reading) *climb {
	s.levels = []level{{n: 1, rate: first.singly(), last: first}}
	return &climb{n: 1}
}

// newSeek climbs on from where the climb ended, because an open loop met
// refusals that no level had shown.
func newSeek(s *Search) *climb {
	s.sought = true
	return &climb{n: s.levels[len(s.levels)-1].n, seeking: true}
}

func (c *climb) next(s *Search) (Trial, bool) {
	if c.done {
		return Trial{}, false
	}
	if c.used >= s.span(0.22, 1, 25) {
		c.done, c.growing = true, c.flat == 0 && !c.seeking
		return Trial{}, false
	}
	top := s.levels[len(s.levels)-1]
	if c.seeking && top.n >= mostSought*max(1, s.sat.knee) {
		return Trial{}, false
	}
	n, why := 2*top.n, fmt.Sprintf("twice as many at once as before (%.4g/s)", top.rate)
	if c.repeats > 0 {
		change, _ := top.last.halves()
		n, why = top.n, fmt.Sprintf("not steady: throughput changed by %+.0f %% within the window", 100*change)
	}
	if n > top.n {
		n = c.fit(s, n, top)
		if n <= top.n {
			c.done, c.growing = true, !c.seeking
			return Trial{}, false
		}
	}
	c.n = n
	return c.trial(s, n, top, why), true
}

// fit lowers the next concurrency to the plan's limits.
func (c *climb) fit(s *Search, n int, top level) int {
	if n > s.plan.MaxConcurrency {
		s.ceiling.lower(max(top.rate, s.best()), CauseLimit, fmt.Sprintf("throughput still grew at the limit of %d requests in flight", s.plan.MaxConcurrency))
		n = s.plan.MaxConcurrency
	}
	if s.plan.MaxRate > 0 && top.rate > 0 {
		n = min(n, int(float64(top.n)*s.plan.MaxRate/top.rate))
	}
	return n
}

func (c *climb) trial(s *Search, n int, top level, why string) Trial {
	scale := math.Sqrt(s.span(1.0/90, 0, 2).Seconds())
	response := max(top.last.Mean.Seconds(), 1e-4)
	pace := max(top.rate, 1e-3)
	if n > top.n && c.flat == 0 {
		pace *= 1.5
	}
	if n > top.n && c.flat > 0 {
		response *= 2
	}
	t := Trial{
		Phase: Climb, Concurrency: n, Why: why,
		Settle:   seconds(clamp(levelSettle*response, 0.1*scale, 2*scale)),
		Measure:  s.seesAnswers(seconds(clamp(float64(max(levelAnswers, answersPerOne*n))/pace, 0.6*scale, 3*scale)), response),
		Patience: seconds(clamp(4*response, 0.25, 0.1*s.plan.Budget.Seconds())),
	}
	if n == top.n {
		t.Settle = 0
	}
	return t
}

func (c *climb) record(s *Search, r reading) {
	c.used += max(r.Elapsed, r.Window)
	now := level{n: c.n, rate: r.throughput(), last: r}
	if r.failShare() > rejecting && r.Failed >= 5 {
		c.failed, c.done = &r, true
		return
	}
	if c.repeats > 0 {
		s.levels = s.levels[:len(s.levels)-1]
	}
	s.levels = append(s.levels, now)
	if change, sigmas := r.halves(); math.Abs(change) > steadyChange && sigmas > steadySigmas && c.repeats < mostUnsteady {
		c.repeats++
		return
	}
	c.repeats = 0
	c.judge(s, now)
}

// judge decides whether the climb is over.
func (c *climb) judge(s *Search, now level) {
	before := 0.0
	for _, l := range s.levels[:len(s.levels)-1] {
		before = max(before, l.rate)
	}
	if now.rate < before*(1+leastGain) {
		c.flat++
	} else {
		c.flat = 0
	}
	switch {
	case c.seeking:
		c.done = now.n >= s.plan.MaxConcurrency
	case c.flat >= 2, c.flat >= 1 && s.hopelesslySlow(now.last):
		c.done = true
	case now.n >= s.plan.MaxConcurrency:
		c.done, c.growing = true, c.flat == 0
		if c.growing {
			s.ceiling.lower(s.best(), CauseLimit, fmt.Sprintf("throughput still grew at the limit of %d requests in flight", s.plan.MaxConcurrency))
		}
	}
}

// hopelesslySlow says that nearly every request misses some latency objective.
func (s *Search) hopelesslySlow(r reading) bool {
	for _, slow := range r.Slow {
		if float64(slow) > hopeless*float64(r.Offered) {
			return true
		}
	}
	for _, o := range s.objectives {
		if o.Kind == slo.Mean && r.Mean > 3*o.Limit {
			return true
		}
	}
	return false
}

// best is the highest throughput of any level.
func (s *Search) best() float64 {
	best := 0.0
	for _, l := range s.levels {
		best = max(best, l.rate)
	}
	return best
}

func (c *climb) giveUp(s *Search, t Trial) {
	c.done, c.growing = true, c.flat == 0 && !c.seeking
	s.notes = append(s.notes, fmt.Sprintf("the generator did not hold %s; what lies beyond it is unknown", load(t)))
}

func (c *climb) after(s *Search) stage {
	switch {
	case c.failed != nil:
		return newReject(*c.failed)
	case c.seeking:
		return newBracket(s)
	case c.growing || s.best() <= 0:
		s.sat = saturation{rate: s.best(), knee: s.levels[len(s.levels)-1].n}
		return &baseline{again: true}
	}
	return newPlateau(s)
}
