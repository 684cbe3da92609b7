package capacity

import (
	"fmt"
	"math"
	"time"
)

// ceiling is the highest rate that may be, or could be, offered.
type ceiling struct {
	rate  float64 // 0: none, unless cause is set
	cause Cause
	why   string
}

// lower sets a ceiling if it is the lowest so far.
func (c *ceiling) lower(rate float64, cause Cause, why string) {
	if c.cause == "" || rate < c.rate {
		*c = ceiling{rate: rate, cause: cause, why: why}
	}
}

func (c ceiling) exists() bool { return c.cause != "" && c.rate > 0 }

// bracket hovers around the peak with an open loop, without gaps, so that each
// trial finds the endpoint about as busy as it will be: first where the peak is
// believed, then on both sides, of which the higher carries most information
// and the lower pins how steep the curve is.
type bracket struct {
	n       int
	high    bool
	gaveUp  int
	used    time.Duration
	refused *reading // first one with refusals nobody expected
	push    float64  // how far above a rate limit to try
	last    reading
}

const (
	leastTrials = 3
	located     = 0.06 // sd of the log rate below which both sides are tried
	mostShort   = 6    // short trials to locate it: where few requests come, many would tell no more, and cost a pause each
	farSide     = 0.05
	highSide    = 2.5 // times the budget
	lowSide     = 0.6
	mostGiveUps = 6
	leastPush   = 0.06
	boundedAt   = 0.9 // belief that the peak lies above a ceiling
)

func newBracket(s *Search) *bracket {
	if s.plan.MaxRate > 0 {
		s.ceiling.lower(s.plan.MaxRate, CauseLimit, fmt.Sprintf("the plan's limit of %.4g/s", s.plan.MaxRate))
	}
	s.meetAll()
	return &bracket{push: leastPush, high: s.throttle.active}
}

// fullLength is how long a trial near the peak should last: several relaxation
// times of the queue, τ ≈ 0.76·K·(t−R1)/(c_a²+c_s²), within what the budget allows.
func (s *Search) fullLength() float64 {
	tau := 0.0
	for _, o := range s.objectives {
		if o.Limit > 0 {
			wait := max(0, o.Limit.Seconds()-s.base.Mean.Seconds())
			tau = max(tau, 0.76*s.queueRoom(o, s.sat.rate)*wait/s.variability())
			if s.sat.room > 0 {
				tau = min(tau, 0.76*s.sat.room*s.sat.room/s.sat.rate/s.variability())
			}
		}
	}
	budget := s.plan.Budget.Seconds()
	return clamp(8*tau, 5, 15) * math.Min(1, math.Pow(budget/90, 0.75))
}

// longestWait is how long a request near the peak may take, in seconds: the
// longest limit, or what a bounded queue has room for.
func (s *Search) longestWait() float64 {
	longest := 0.0
	for _, o := range s.objectives {
		longest = max(longest, o.Limit.Seconds())
	}
	if s.sat.room > 0 && s.sat.rate > 0 {
		longest = min(longest, 5*s.base.Mean.Seconds()+3*s.sat.room/s.sat.rate)
	}
	return longest
}

// patience is how long answers are waited for: until the longest limit has
// passed, unless that is out of proportion to the trial.
func (s *Search) patience(measure time.Duration) time.Duration {
	return seconds(clamp(1.02*s.longestWait()+0.01, 0.02, max(0.05, 0.25*measure.Seconds())))
}

// settle is how long a new rate is held before it is measured.
func (s *Search) settle(measure time.Duration) time.Duration {
	return seconds(clamp(2*s.longestWait(), min(0.3, 0.1*measure.Seconds()), 0.3*measure.Seconds()))
}

// reserve is the time kept for confirming and rechecking.
func (s *Search) reserve() time.Duration { return s.confirmLength() + s.recheckLength() }

func (s *Search) confirmLength() time.Duration { return s.span(0.15, 0.7, 20) }
func (s *Search) recheckLength() time.Duration { return s.span(0.045, 0.25, 4) }

func (b *bracket) next(s *Search) (Trial, bool) {
	room := s.left() - s.reserve()
	if b.refused != nil || b.finished(s) || b.gaveUp >= mostGiveUps || b.n > 0 && room < seconds(0.4*s.fullLength()) {
		return Trial{}, false
	}
	rate, length, why := b.choose(s)
	if rate < s.lowestRate() {
		b.lowest(s)
		return Trial{}, false
	}
	whole := clamp(length, 120/rate, max(length, 0.25*s.plan.Budget.Seconds()))
	whole = clamp(min(whole, room.Seconds()), 0.2, whole)
	t := Trial{Phase: Bracket, Rate: rate, Why: why}
	t.Patience = s.patience(seconds(whole))
	t.Settle = s.settle(seconds(whole))
	t.Measure = seconds(max(0.2, whole-t.Settle.Seconds()-t.Patience.Seconds()))
	t.MaxInFlight = s.mostInFlight(rate)
	return t, true
}

// choose is the next rate, the length of the trial and the reason.
func (b *bracket) choose(s *Search) (rate, length float64, why string) {
	e := s.estimate()
	length = s.fullLength()
	if s.throttle.active && e.throttled {
		x, why := e.mid-0.02, "just below what the rate limit lets through"
		if b.high {
			x, why = e.mid+max(b.push, s.throttle.clear(length/2)), "above what the rate limit lets through"
		}
		return b.within(s, x), length, why
	}
	c := s.criteria[e.criterion]
	if c.post.sd > located && b.n < mostShort {
		return b.within(s, c.post.quantile(0.5)), max(length/2, min(4, length)), fmt.Sprintf("where the peak is believed, ±%.0f %%", 100*math.Expm1(2*c.post.sd))
	}
	middle := c.post.quantile(0.5)
	if b.high {
		return b.within(s, clamp(c.rateFor(highSide), middle+0.002, middle+farSide)), length, "just above where the peak is believed"
	}
	return b.within(s, clamp(c.rateFor(lowSide), middle-farSide, middle-0.002)), length, "just below where the peak is believed"
}

// within keeps a log rate inside the limits of the plan, what the generator can
// do, and one step above what has held while the saturation is unknown.
func (b *bracket) within(s *Search, x float64) float64 {
	rate := math.Exp(clamp(x, -20, 20))
	if !s.sat.known {
		start := 0.8 * s.sat.rate
		rate = min(rate, max(start, 1.5*s.heldRate()))
	}
	if s.ceiling.exists() {
		rate = min(rate, s.ceiling.rate)
	}
	return round4(rate)
}

// lowestRate is where a search downwards ends: a load so light that requests
// hardly meet.
func (s *Search) lowestRate() float64 { return 0.02 * s.sat.rate }

func (b *bracket) lowest(s *Search) {
	what := fmt.Sprintf("below %.3g/s, where requests hardly meet, trials still missed one", s.lowestRate())
	if b.n == 0 {
		what = fmt.Sprintf("the limits leave at most %.3g/s", s.ceiling.rate)
	}
	s.miss(what, b.last)
}

// mostInFlight is when a trial has failed beyond doubt: four times as many in
// flight as the limit allows at this rate.
func (s *Search) mostInFlight(rate float64) int {
	longest := 0.0
	for _, o := range s.objectives {
		longest = max(longest, o.Limit.Seconds())
	}
	n := max(4*rate*longest, 8*float64(s.sat.knee), 64)
	return int(min(n, max(4*float64(s.plan.MaxConcurrency), 64)))
}

// finished says that the answer is precise enough, or known to lie above what
// can be offered.
func (b *bracket) finished(s *Search) bool {
	if b.n == 0 {
		return false
	}
	e := s.estimate()
	if s.ceiling.exists() && s.heldRate() >= 0.93*s.ceiling.rate && s.above(math.Log(s.ceiling.rate)) > boundedAt {
		return true
	}
	return b.n >= leastTrials && e.halfWidth() <= s.plan.Precision
}

func (b *bracket) record(s *Search, r reading) {
	b.n++
	b.used += max(r.Elapsed, r.Window)
	spells := s.throttle.spells
	s.assess(r)
	if b.high && s.throttle.spells == spells { // an allowance was left
		b.push = min(2*b.push, 0.5)
	}
	b.high = !b.high
	b.last = r
	if !s.throttle.active && s.sat.room == 0 && !s.sought && s.sat.known && r.failShare() > rejecting && r.Failed >= 10 {
		b.refused = &r
	}
}

func (b *bracket) giveUp(s *Search, t Trial) {
	b.gaveUp++
	s.ceiling.lower(0.9*t.Rate, CauseClient, fmt.Sprintf("the generator did not hold %s", load(t)))
}

func (b *bracket) after(s *Search) stage {
	switch {
	case b.refused != nil && b.refused.refused():
		return newThrottleReject(s, latter(b.refused.successRates()))
	case b.refused != nil:
		return newSeek(s)
	case len(s.open) == 0:
		return nil
	}
	return &confirm{from: b}
}

// expected is how much longer the hovering will take at the pace of narrowing.
func (b *bracket) expected(s *Search) time.Duration {
	room := max(0, s.left()-s.reserve())
	if b.n < 2 {
		return room
	}
	ratio := s.estimate().halfWidth() / s.plan.Precision
	return min(room, seconds(b.used.Seconds()*max(0, ratio*ratio-1)))
}

// confirm holds the lower end of the answer. It is evidence like any other; an
// answer that it moves goes back to the bracket if there is time.
type confirm struct {
	from  *bracket
	done  bool
	moved bool
}

func (c *confirm) next(s *Search) (Trial, bool) {
	length := min(max(s.confirmLength(), min(seconds(s.fullLength()), s.span(0.2, 0.5, 20))), s.left()-s.recheckLength())
	if c.done || length < leastMeasure {
		return Trial{}, false
	}
	rate := c.from.within(s, s.estimateAt(0.05).mid)
	if !(rate > 0) {
		return Trial{}, false
	}
	t := Trial{Phase: Confirm, Rate: rate, Why: "the lower end of the answer, held"}
	t.Patience = s.patience(length)
	t.Settle = s.settle(length)
	t.Measure = max(leastMeasure, length-t.Settle-t.Patience)
	t.MaxInFlight = s.mostInFlight(rate)
	return t, true
}

func (c *confirm) record(s *Search, r reading) {
	before := s.estimate()
	s.assess(r)
	after := s.estimate()
	s.unconfirmed = ""
	c.moved = math.Abs(after.mid-before.mid) > (before.high-before.low)/4 || after.halfWidth() > s.plan.Precision
	c.done = true
}

func (c *confirm) giveUp(s *Search, t Trial) {
	c.done = true
	s.ceiling.lower(0.9*t.Rate, CauseClient, fmt.Sprintf("the generator did not hold %s", load(t)))
}

func (c *confirm) after(s *Search) stage {
	if c.moved && s.left()-s.reserve() > seconds(0.4*s.fullLength()) {
		again := *c.from
		again.refused = nil
		return &again
	}
	return &recheck{}
}
