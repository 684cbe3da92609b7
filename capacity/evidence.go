package capacity

import (
	"math"
	"time"

	"plimsoll/slo"
)

// openTrial is a believable open-loop trial and what it says.
type openTrial struct {
	reading
	met   bool // every objective, as far as it goes
	grows bool // the backlog grew throughout
}

// testify is what a trial says about a criterion.
func (s *Search) testify(c *criterion, r reading) evidence {
	e := evidence{x: s.loadOf(r), drift: r.backlog(s.arrivalCV2(), s.base.serviceCV2())}
	if r.Overloaded || e.drift.grows {
		e.verdict = overloaded
	}
	if c.budget == 0 {
		return s.testifyMean(c, r, e)
	}
	s.countBad(c, r, &e)
	if e.n == 0 {
		return e
	}
	if failed := s.countedFailShare(r); failed > refusingShare {
		e.verdict = overloaded
	}
	if e.k > farShare*e.n {
		e.most = farRequests
		if 2*r.Failed > r.Offered-r.Successes {
			e.most = farErrors
		}
	}
	return e
}

// loadOf is the log rate that a trial stands for: the planned one moved halfway
// to the one that chance made of it. All the way would take the arrivals'
// variance out of the counts, but bias the curve, which holds for the planned
// rate with its fluctuations.
func (s *Search) loadOf(r reading) float64 {
	planned := r.trial.Rate * r.Window.Seconds()
	return math.Log(r.trial.Rate) + clamp(math.Log(max(1, float64(r.Offered))/planned), -0.1, 0.1)/2
}

// countedFailShare leaves out what a known throttle refused: that has its own
// estimate.
func (s *Search) countedFailShare(r reading) float64 {
	if s.throttle.active {
		return 0
	}
	return r.failShare()
}

// countBad counts requests and bad ones, and the bursts in which those came.
func (s *Search) countBad(c *criterion, r reading, e *evidence) {
	limit := c.objective.Limit
	bins := r.aged(limit)
	if c.slow < 0 {
		limit = 0
		bins = r.aged(3 * r.trial.Patience)
		if 2*len(bins) < len(r.Bins) {
			bins = r.Bins
		}
	}
	if len(r.Bins) == 0 {
		bins = []Bin{{Offered: r.Offered, Successes: r.Successes, Failed: r.Failed, Slow: r.Slow}}
	}
	width, quiet, burst := r.binWidth(), time.Duration(0), 0.0
	for _, b := range bins {
		bad := float64(s.badIn(c, b))
		e.n += float64(b.Offered)
		e.k += bad
		e.failed += float64(b.Failed)
		if bad == 0 {
			quiet += width
			continue
		}
		if quiet > limit {
			e.square += burst * burst
			burst = 0
		}
		burst += bad
		quiet = 0
	}
	e.square += burst * burst
	e.sum = e.k
	if chance, ok := s.surplusOf(c, r, bins); ok {
		planned := r.trial.Rate * width.Seconds() * float64(len(bins))
		e.x, e.chance = math.Log(r.trial.Rate), chance
		e.n = planned
	}
}

func (s *Search) badIn(c *criterion, b Bin) int64 {
	bad := b.Offered - b.Successes
	if c.slow >= 0 && c.slow < len(b.Slow) {
		bad = max(bad-(b.Offered-b.Successes-b.Failed), b.Slow[c.slow])
	}
	if s.throttle.active {
		bad -= b.Failed
	}
	return max(0, min(bad, b.Offered))
}

// testifyMean is the log excess of the mean response time.
func (s *Search) testifyMean(c *criterion, r reading, e evidence) evidence {
	_, response := r.responses()
	e.n = float64(r.Offered)
	e.y, e.se = leastExcess, 0.5
	if r.Successes == 0 || len(response) == 0 {
		e.verdict = overloaded
		return e
	}
	allowed := max(c.objective.Limit.Seconds()-c.unloaded, 0.02*c.unloaded+1e-9)
	excess := r.Mean.Seconds() - c.unloaded
	if excess > 0 {
		e.y = clamp(math.Log(excess/allowed), leastExcess, 5)
		e.se = clamp(batchError(response)/excess, 0.01, 3)
	}
	return e
}

// assess turns a trial into evidence for every criterion.
func (s *Search) assess(r reading) {
	o := openTrial{reading: r, met: r.Offered >= 20 && !r.Overloaded}
	o.grows = r.backlog(s.arrivalCV2(), s.base.serviceCV2()).grows
	for _, c := range s.criteria {
		e := s.testify(c, r)
		o.met = o.met && e.n > 0 && !o.grows && c.held(e)
		if e.n > 0 || e.verdict == overloaded {
			c.learn(e)
		}
	}
	if s.throttle.active {
		s.hearThrottle(r)
		o.met = o.met && r.failShare() <= s.leastBudget()
	}
	s.open = append(s.open, o)
	s.consult(r)
}

// hearThrottle takes the goodput of a trial that was refused to the end: only
// then was no allowance left over.
func (s *Search) hearThrottle(r reading) {
	half := len(r.Bins) / 2
	if !refusedThroughout(r.Bins[half:]) {
		return
	}
	s.throttle.hear(r.Bins[half:], r.binWidth())
}

// refusedThroughout says that both halves of the bins had refusals.
func refusedThroughout(bins []Bin) bool {
	half := len(bins) / 2
	return half >= leastBatches && refusedIn(bins[:half]) >= leastRefused && refusedIn(bins[half:]) >= leastRefused
}

func refusedIn(bins []Bin) float64 {
	var offered, failed int64
	for _, b := range bins {
		offered += b.Offered
		failed += b.Failed
	}
	return float64(failed) / math.Max(1, float64(offered))
}

// leastBudget is the smallest budget of an objective that counts failures.
func (s *Search) leastBudget() float64 {
	least := 1.0
	for _, o := range s.objectives {
		if o.Kind != slo.Mean {
			least = min(least, o.Budget())
		}
	}
	return least
}

// heldRate is the highest rate of a believable trial that met everything.
func (s *Search) heldRate() float64 {
	best := 0.0
	for _, o := range s.open {
		if o.met {
			best = max(best, o.trial.Rate)
		}
	}
	return best
}

// meetAll sets up one criterion for each objective and replays what open-loop
// trials have said so far.
func (s *Search) meetAll() {
	s.criteria = nil
	s.twin = s.newTwin()
	slow := 0
	for i, o := range s.objectives {
		at := -1
		if o.Kind == slo.Quantile {
			at, slow = slow, slow+1
		}
		if !s.implied(i) {
			s.criteria = append(s.criteria, s.newCriterion(i, at))
		}
	}
	open := s.open
	s.open = nil
	for _, o := range open {
		s.assess(o.reading)
	}
}

// implied says that a success objective follows from a quantile objective with
// no larger budget, in which a failure counts as slow. Two estimates from the
// same requests would be no better than one.
func (s *Search) implied(i int) bool {
	if s.objectives[i].Kind != slo.Success {
		return false
	}
	for _, o := range s.objectives {
		if o.Kind == slo.Quantile && o.Budget() <= s.objectives[i].Budget()+1e-12 {
			return true
		}
	}
	return false
}
