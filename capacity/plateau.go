package capacity

import (
	"fmt"
	"time"
)

// saturation is the highest throughput of the endpoint.
type saturation struct {
	rate, se float64 // answered well per second; relative standard error
	known    bool    // a plateau was seen, not just the highest level held
	knee     int     // fewest requests in flight that reach it
	shared   float64 // how much requests share the endpoint instead of waiting in line, from 0 to 1
	unsteady float64 // variance of the answers' count over seconds, relative to what service times explain
	room     float64 // requests in the system when it begins to refuse; 0 if it does not
	trial    Trial   // what measured it, for the recheck
}

// plateau holds one load until the mean of its throughput is known well enough.
type plateau struct {
	trial   Trial
	target  float64 // relative standard error wanted
	budget  time.Duration
	rates   [][]float64 // by piece: successes per second of each bin
	pieces  []reading
	used    time.Duration
	se      float64
	refused bool     // it is measured because the endpoint refuses more
	refuses *reading // first piece with refusals where none were expected
	done    bool
}

// newPlateau picks the concurrency: twice the knee, where a queue keeps the
// endpoint busy, or the best level if throughput falls again beyond it.
func newPlateau(s *Search) *plateau {
	best, knee := s.levels[0], 0
	for _, l := range s.levels {
		if l.rate > best.rate {
			best = l
		}
	}
	for _, l := range s.levels {
		if l.rate >= kneeShare*best.rate {
			knee = l.n
			break
		}
	}
	n := min(2*knee, s.plan.MaxConcurrency)
	last := s.levels[len(s.levels)-1]
	change, sigmas := compare(best.last.successRates(), last.last.successRates())
	if change < -retrogradeBy && sigmas > 3 {
		n = best.n
		s.notes = append(s.notes, fmt.Sprintf("retrograde: throughput falls from %.4g/s at %d in flight to %.4g/s at %d", best.rate, best.n, last.rate, last.n))
	}
	s.sat.knee = knee
	return holdPlateau(s, n, best.rate, fmt.Sprintf("throughput is highest around %d at once: measured longer", knee))
}

// holdPlateau measures the throughput at one concurrency.
func holdPlateau(s *Search, n int, rate float64, why string) *plateau {
	gap := s.leastGap(rate)
	p := &plateau{target: clamp(gap/4, 0.006, 0.02), budget: s.span(0.1, 0.6, 12)}
	if gap < 0.03 {
		p.budget = s.span(0.18, 0.8, 25)
	}
	p.trial = Trial{Phase: Plateau, Concurrency: n, Why: why, Measure: s.seesAnswers(s.span(1.0/36, 0.25, 3), float64(n)/max(rate, 1e-3))}
	p.trial.Patience = seconds(clamp(4*float64(n)/max(rate, 1e-3), 0.25, 0.1*s.plan.Budget.Seconds()))
	p.trial.Settle = seconds(clamp(2*float64(n)/max(rate, 1e-3), 0.05, 0.03*s.plan.Budget.Seconds()))
	return p
}

// leastGap is the smallest expected distance between peak and saturation.
func (s *Search) leastGap(rate float64) float64 {
	gap := 1.0
	for _, o := range s.objectives {
		if g, ok := s.expectedGap(o, rate); ok {
			gap = min(gap, g)
		}
	}
	return gap
}

func (p *plateau) next(*Search) (Trial, bool) {
	if p.done || p.used >= p.budget && len(p.pieces) > 0 || len(p.pieces) >= 16 {
		return Trial{}, false
	}
	t := p.trial
	if len(p.pieces) > 0 {
		t.Settle = 0
		t.Why = fmt.Sprintf("the plateau is known to ±%.1f %%: once more", 196*min(p.se, 1))
	}
	return t, true
}

func (p *plateau) record(s *Search, r reading) {
	p.used += max(r.Elapsed, r.Window)
	p.pieces = append(p.pieces, r)
	p.rates = append(p.rates, r.successRates())
	p.forget()
	s.sat.rate, p.se = p.estimate()
	s.sat.se = p.se
	if r.failShare() > rejecting && r.Failed >= 5 && !p.refused {
		p.refuses, p.done = &r, true
		return
	}
	p.done = p.se <= p.target && len(p.rates[0])*len(p.rates) >= 2*leastBatches
}

// forget drops pieces from before a rise: the endpoint was still warming up.
func (p *plateau) forget() {
	n := len(p.rates)
	if n < 2 {
		return
	}
	if change, sigmas := compare(p.rates[n-2], p.rates[n-1]); change > 0.02 && sigmas > steadySigmas {
		p.rates = p.rates[n-1:]
	}
}

// estimate is the mean throughput with its relative standard error.
func (p *plateau) estimate() (rate, se float64) {
	var all []float64
	for _, piece := range p.rates {
		all = append(all, piece...)
	}
	rate = mean(all)
	if rate <= 0 {
		return 0, 1
	}
	if len(all) < leastBatches {
		return rate, 0.1
	}
	return rate, clamp(batchError(all)/rate, 1e-4, 1)
}

func (p *plateau) giveUp(s *Search, t Trial) {
	p.done = true
	s.notes = append(s.notes, fmt.Sprintf("the generator did not hold %s; the saturation throughput is from the climb", load(t)))
}

func (p *plateau) after(s *Search) stage {
	if p.refuses != nil {
		return newReject(*p.refuses)
	}
	s.sat.known = true
	s.sat.trial = p.trial
	if len(p.pieces) == 0 || s.sat.rate <= 0 {
		s.sat.rate, s.sat.se = s.best(), 0.05
		s.sat.trial = Trial{}
	}
	if s.sat.rate <= 0 {
		s.breakOff("nothing was answered well at the plateau")
		return nil
	}
	n := s.answers(p)
	s.sat.unsteady = n * p.se * p.se / max(s.base.serviceCV2(), leastVaried)
	s.sat.se = max(s.sat.se, 2/max(1, n))
	if n := len(p.pieces); n > 0 && p.trial.Concurrency > s.sat.knee {
		s.sat.shared = s.sharedShare(p.pieces[n-1])
	}
	return &baseline{again: true}
}

// leastVaried is the least squared coefficient of variation of service by which
// the plateau's variance is measured: windows cut answers at both ends.
const leastVaried = 0.1

// answers is how many good answers the plateau is known by. Of a deterministic
// server it can be known no better than to one answer at each end.
func (s *Search) answers(p *plateau) float64 {
	total := 0.0
	for _, r := range p.pieces {
		total += float64(r.Successes)
	}
	return total
}
