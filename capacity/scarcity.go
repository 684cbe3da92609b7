package capacity

import (
	"fmt"
	"time"
)

// What the least is that a peak may rest on. An interval from less is not wide
// but wrong: it would come from what the search believes beforehand.
const (
	leastUnloaded = 20 // answers to one request at a time
	leastOffered  = 60 // requests of all open-loop trials
)

// Of the time budget, at most.
const (
	unloadedShare = 0.3  // for the least of the baseline
	windowShare   = 0.25 // for one window of a closed loop
	openShare     = 0.4  // is left for open-loop trials, about
)

// seesAnswers makes a window of a closed loop two response times (s) long at
// least, where the budget has room for that: a shorter one counts requests that
// happen to be intended in it, not a throughput.
func (s *Search) seesAnswers(window time.Duration, response float64) time.Duration {
	return max(window, seconds(min(2*response, windowShare*s.plan.Budget.Seconds())))
}

// scarcity says why too little was measured to believe in a peak; empty when
// there is enough.
func (s *Search) scarcity() string {
	var offered int64
	for _, o := range s.open {
		offered += o.Offered
	}
	var what string
	switch {
	case s.base.answers < leastUnloaded && !s.throttle.active:
		what = fmt.Sprintf("%d answers to one request at a time, and %d are the least", s.base.answers, leastUnloaded)
	case offered < leastOffered:
		what = fmt.Sprintf("%d requests in open-loop trials, and %d are the least", offered, leastOffered)
	default:
		return ""
	}
	return "too little was measured to believe in a peak: " + what
}

// needed is a clause with the budget in which there would be room for the least;
// empty when the search was broken off, or has not ended.
func (s *Search) needed() string {
	if s.ended == "" || len(s.broken) > 0 || !s.base.known {
		return ""
	}
	need := 1.5 * s.plan.Budget.Seconds() // it was too short
	need = max(need, 1.1*leastUnloaded*s.base.Mean.Seconds()/unloadedShare)
	if rate := max(s.sat.rate, s.base.rate); rate > 0 {
		need = max(need, 1.5*leastOffered/rate/openShare)
	}
	return fmt.Sprintf("; a budget of about %v would be needed", seconds(need).Round(5*time.Second))
}
