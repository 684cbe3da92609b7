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
	answers float64 // answered well during sustained refusals
	seconds float64 // how long those lasted
	spells  float64
}

// leastRefused is the share of refusals at which what was let through is the
// throttle's rate: no allowance was left over.
const leastRefused = 0.015

// hear takes bins that were refused throughout.
func (t *throttle) hear(bins []Bin, width time.Duration) {
	for _, b := range bins {
		t.answers += float64(b.Successes)
	}
	t.seconds += float64(len(bins)) * width.Seconds()
	t.spells++
}

// clear is how far above the limit, in log rate, chance leaves no lull within
// so many seconds in which an allowance would build up.
func (t throttle) clear(seconds float64) float64 {
	if !t.known() {
		return 0
	}
	return min(3/math.Sqrt(max(1, t.answers/t.seconds*seconds)), 0.4)
}

func (t throttle) known() bool { return t.answers > 0 && t.seconds > 0 }

// point is the log rate at which refusals alone use up a budget: a sustained
// goodput G lets through the share 1−q of G/(1−q). Counts over a spell are off
// by a few at its ends and by nothing else.
func (t throttle) point(budget float64) (u, sd float64) {
	if !t.known() {
		return 0, 1
	}
	const atEnds = 3
	return math.Log(t.answers / t.seconds / (1 - budget)), math.Hypot(0.003, clamp(atEnds*math.Sqrt(t.spells)/t.answers, 0, 1))
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

// refusal holds a load that was refused once more: it may have begun to be
// refused in the middle, and what refuses it shows only when it goes on.
type refusal struct {
	failing reading
	done    bool
}

func newReject(failing reading) stage { return &refusal{failing: failing} }

func (f *refusal) next(s *Search) (Trial, bool) {
	if f.done || f.failing.trial.Phase == Baseline {
		return Trial{}, false
	}
	t := f.failing.trial
	t.Settle, t.Measure = 0, min(f.failing.trial.Measure, s.span(1.0/60, 0.2, 2))
	t.Why = fmt.Sprintf("%.0f %% were refused: once more, to see what refuses", 100*f.failing.failShare())
	return t, true
}

func (f *refusal) record(_ *Search, r reading) {
	f.done = true
	if r.failShare() > rejecting && r.Successes > 0 {
		f.failing = r
	}
}

func (f *refusal) giveUp(*Search, Trial) { f.done = true }

// after classifies the refusals: by a rate limit, when answers come as quickly
// as unloaded, or by a queue that is full.
func (f *refusal) after(s *Search) stage {
	good := latter(f.failing.successRates())
	response := f.failing.lateResponse()
	s.sat.knee = f.failing.trial.Concurrency
	quick := !s.base.known || response < 1.5*s.base.Mean.Seconds()
	if f.failing.refused() && quick {
		return newThrottleReject(s, good)
	}
	atOnce := f.failing.trial.Concurrency
	fits := 1
	for _, l := range s.levels {
		if l.n < atOnce {
			fits = l.n
		}
	}
	room := good * response // Little: requests in the system while it refuses
	n := min(int(clamp(math.Round(room), float64(fits), float64(max(fits, atOnce)))), s.plan.MaxConcurrency)
	s.sat.room, s.sat.knee = max(room, float64(n)), n
	s.notes = append(s.notes, fmt.Sprintf("refuses requests beyond about %.0f in the system", s.sat.room))
	p := holdPlateau(s, n, max(good, s.best()), fmt.Sprintf("refuses load at %d at once: the throughput with the %d that it has room for", atOnce, n))
	p.refused = true
	return p
}

// lateResponse is the mean response time (s) of the window's second half.
func (r reading) lateResponse() float64 {
	var sum, count float64
	for _, b := range r.Bins[len(r.Bins)/2:] {
		sum += b.Response.Seconds()
		count += float64(b.Successes)
	}
	if count == 0 {
		return r.Mean.Seconds()
	}
	return sum / count
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
	if half := len(r.Bins) / 2; n >= 2 && refusedThroughout(r.Bins[half:]) {
		s.throttle.hear(r.Bins[half:], r.binWidth())
	}
}

func (j *reject) giveUp(s *Search, t Trial) {
	j.settled = true
	s.notes = append(s.notes, fmt.Sprintf("the generator did not hold %s", load(t)))
}

func (j *reject) after(s *Search) stage {
	g := max(j.good, 1e-3)
	if s.throttle.known() {
		g = s.throttle.answers / s.throttle.seconds
	} else {
		s.throttle.answers, s.throttle.seconds, s.throttle.spells = 30, 30/g, 1 // as good as a guess
	}
	s.sat = saturation{rate: g, se: 0.005, known: true, knee: s.sat.knee}
	s.notes = append(s.notes, fmt.Sprintf("a rate limit lets through %.4g/s", g))
	return newBracket(s)
}
