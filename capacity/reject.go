package capacity

import (
	"fmt"
	"math"
	"time"
)

// throttle is a rate limit in front of the endpoint: what it lets through does
// not depend on how long requests take, only on how many come.
type throttle struct {
	active  bool
	goodput []float64 // answered well per second, by trial with sustained refusals
}

// Refused shares at which a trial's goodput is the throttle's rate: enough
// refusals that no allowance was left over.
const leastRefused = 0.015

// point is the log rate at which refusals alone use up a budget: a sustained
// goodput G lets through the share 1−q of G/(1−q).
func (t throttle) point(budget float64) (u, sd float64) {
	spread := math.Sqrt(variance(t.goodput) / max(1, float64(len(t.goodput))))
	g := mean(t.goodput)
	if !(g > 0) {
		return 0, 1
	}
	return math.Log(g / (1 - budget)), math.Hypot(0.003, clamp(spread/g, 0, 1))
}

// reject finds out what an endpoint that refuses load can sustain. A refusal is
// quick, so that a closed loop hammers it; the goodput of such a storm is no
// measure. A bounded queue is measured with as many in flight as it has room
// for, a throttle by an open loop somewhat above what it lets through.
type reject struct {
	good    float64
	pieces  []reading
	settled bool
	used    time.Duration
	rate    float64
}

// newReject classifies the refusals of a closed-loop trial.
func newReject(s *Search, failing reading) stage {
	good := latter(failing.successRates())
	room := good * failing.Mean.Seconds() // Little: requests in the system while it refuses
	s.sat.knee = failing.trial.Concurrency
	quick := !s.base.known || failing.Mean.Seconds() < 1.3*s.base.Mean.Seconds()
	if failing.refused() && quick {
		return newThrottleReject(s, good)
	}
	atLeast := 1
	if len(s.levels) > 0 {
		atLeast = s.levels[len(s.levels)-1].n
	}
	n := int(clamp(math.Round(room), float64(atLeast), float64(max(atLeast, failing.trial.Concurrency))))
	n = min(n, s.plan.MaxConcurrency)
	s.sat.room = max(room, float64(n))
	s.notes = append(s.notes, fmt.Sprintf("refuses requests beyond about %.0f in the system", s.sat.room))
	s.sat.knee = n
	return holdPlateau(s, n, max(good, s.best()), fmt.Sprintf("refuses load at %d at once: the throughput with the %d that it has room for", failing.trial.Concurrency, n))
}

func newThrottleReject(s *Search, good float64) *reject {
	s.throttle.active = true
	return &reject{good: good, rate: 1.3 * good}
}

// latter is the mean of the last two thirds: the first may live on an allowance.
func latter(rates []float64) float64 { return mean(rates[len(rates)/3:]) }

func (j *reject) next(s *Search) (Trial, bool) {
	if j.settled || len(j.pieces) >= 6 || j.used >= s.span(0.2, 0.6, 20) || !(j.rate > 0) {
		return Trial{}, false
	}
	rate := round4(j.rate)
	if s.plan.MaxRate > 0 && rate > s.plan.MaxRate {
		rate = s.plan.MaxRate
	}
	return Trial{
		Phase: Plateau, Rate: rate, Measure: s.span(1.0/30, 0.3, 4), Patience: s.patience(seconds(1)),
		Why: "refused by a rate limit: what it lets through when more keeps coming",
	}, true
}

func (j *reject) record(s *Search, r reading) {
	j.used += max(r.Elapsed, r.Window)
	j.pieces = append(j.pieces, r)
	good := latter(r.successRates())
	n := len(j.pieces)
	steady := n >= 2 && math.Abs(good/max(j.good, 1e-9)-1) < 0.03
	j.good = good
	if r.failShare() <= 2*rejecting { // an allowance is left: push harder
		j.rate = max(j.rate, 1.3*good)
		return
	}
	j.rate = 1.3 * good
	j.settled = steady
	if steady || n >= 2 {
		s.throttle.goodput = []float64{good}
	}
}

func (j *reject) giveUp(s *Search, t Trial) {
	j.settled = true
	s.notes = append(s.notes, fmt.Sprintf("the generator did not hold %s", load(t)))
}

func (j *reject) after(s *Search) stage {
	if len(s.throttle.goodput) == 0 {
		s.throttle.goodput = []float64{max(j.good, 1e-3)}
	}
	g := s.throttle.goodput[0]
	s.sat = saturation{rate: g, se: 0.005, known: true, knee: s.sat.knee}
	s.sat.trial = Trial{Phase: Plateau, Rate: round4(1.3 * g)}
	s.notes = append(s.notes, fmt.Sprintf("a rate limit lets through %.4g/s", g))
	return newBracket(s)
}
