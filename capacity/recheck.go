package capacity

import (
	"fmt"
	"math"
)

// recheck measures the plateau again: an endpoint that has changed meanwhile
// has no one peak.
type recheck struct{ done bool }

const (
	driftNoted   = 0.04
	driftInvalid = 0.15
)

func (k *recheck) next(s *Search) (Trial, bool) {
	if k.done || s.sat.trial.Phase == "" || !s.sat.known {
		return Trial{}, false
	}
	t := s.sat.trial
	t.Phase, t.Why = Recheck, "the plateau again: has the endpoint changed meanwhile?"
	whole := min(s.recheckLength(), s.left())
	t.Settle = seconds(0.15 * whole.Seconds())
	t.Measure = max(leastMeasure, whole-t.Settle)
	t.Patience = min(t.Patience, whole)
	return t, true
}

func (k *recheck) record(s *Search, r reading) {
	k.done = true
	rates := r.successRates()
	rate := mean(rates)
	change := rate/s.sat.rate - 1
	noise := math.Hypot(s.sat.se, batchError(rates)/max(s.sat.rate, 1e-9))
	if math.Abs(change) <= max(driftNoted, 3*noise) {
		return
	}
	s.drift = change
	what := fmt.Sprintf("the endpoint changed during the search: its plateau went from %.4g/s to %.4g/s (%+.0f %%)", s.sat.rate, rate, 100*change)
	if math.Abs(change) > driftInvalid {
		s.broken = append(s.broken, what)
		return
	}
	s.notes = append(s.notes, what+"; the interval is widened by it")
}

// contradicted names a rate at which answers fell further and further behind
// although a higher one met every objective at another time: capacity that was
// away for a while, which a plateau before and after does not show.
func (s *Search) contradicted() string {
	held := s.heldRate()
	for _, o := range s.open {
		if behind := o.grows || o.Overloaded; behind && o.trial.Rate*contradicting <= held {
			return fmt.Sprintf("the endpoint changed during the search: at %s answers fell behind, and at another time %.4g/s met every objective", load(o.trial), held)
		}
	}
	return ""
}

// contradicting is how much higher, as a factor, the rate that held must be.
const contradicting = 1.04

func (k *recheck) giveUp(*Search, Trial) { k.done = true }

func (k *recheck) after(*Search) stage { return nil }
