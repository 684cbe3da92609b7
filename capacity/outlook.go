package capacity

import (
	"math"

	"plimsoll/slo"
)

// arrivalCV2 is the squared coefficient of variation of the gaps between
// requests: 1 for a Poisson process, next to 0 for even spacing.
func (s *Search) arrivalCV2() float64 {
	if s.plan.EvenArrivals {
		return 0.05
	}
	return 1
}

func (s *Search) variability() float64 { return s.arrivalCV2() + s.base.serviceCV2() }

// tailLog is ln(1/q): how many factors e the tail must fall.
func tailLog(o slo.Objective) float64 {
	if o.Kind == slo.Mean {
		return 1
	}
	return math.Log(1 / clamp(o.Budget(), 1e-9, 0.9))
}

// queueRoom is K = X·(t − R1), how many requests can wait within the limit.
func (s *Search) queueRoom(o slo.Objective, saturation float64) float64 {
	return max(0, saturation*(o.Limit.Seconds()-s.base.Mean.Seconds()))
}

// expectedGap is 1 − peak/saturation by Kingman's heavy-traffic approximation,
// in which the wait is exponential:
//
//	1 − ρ* ≈ ln(1/q)·(c_a² + c_s²)/(2·K)
//
// It holds for small gaps; larger ones are compressed towards 0.8. A success
// objective has no such gap. J. F. C. Kingman, Proc. Cambridge Phil. Soc. 57
// (1961) 902.
func (s *Search) expectedGap(o slo.Objective, saturation float64) (gap float64, ok bool) {
	if o.Kind == slo.Success {
		return 0, false
	}
	k := s.queueRoom(o, saturation)
	if k <= 0 {
		return 0.8, true
	}
	gap = tailLog(o) * s.variability() / (2 * k)
	if gap > 0.5 {
		gap = 0.5 + 0.3*(1-math.Exp(-(gap-0.5)/0.3))
	}
	return gap, true
}

// blockingGap is 1 − peak/saturation of an endpoint that refuses when so many
// are in the system, by the loss share of a single server,
//
//	q = (1−r)·r^k/(1−r^(k+1))·(c_a²+c_s²)/2,  k = 2·room/(c_a²+c_s²)
//
// solved for r by bisection.
func (s *Search) blockingGap(q float64) float64 {
	v := s.variability()
	k := 2 * s.sat.room / v
	low, high := 0.01, 0.9999
	for range 50 {
		r := (low + high) / 2
		if (1-r)*math.Pow(r, k)/(1-math.Pow(r, k+1))*v/2 > q {
			high = r
		} else {
			low = r
		}
	}
	return 1 - low
}

// newCriterion sets up the belief about one objective before any open-loop trial.
func (s *Search) newCriterion(index, slow int) *criterion {
	o := s.objectives[index]
	c := &criterion{objective: o, index: index, slow: slow, budget: o.Budget(), unloaded: s.base.Mean.Seconds(), burst: 1}
	if o.Kind == slo.Quantile {
		l := tailLog(o)
		k := s.queueRoom(o, s.sat.rate)
		c.burst = clamp(1+2/(l*l)*k*k/s.variability(), 1, 2000)
	}
	floors := len(floorShare)
	if o.Kind == slo.Mean {
		floors = 1
	}
	gap, _ := s.expectedGap(o, s.sat.rate)
	if s.sat.room > 0 && o.Kind != slo.Mean {
		gap = max(gap, s.blockingGap(c.budget))
		c.burst = min(c.burst, max(1, s.sat.room))
	}
	c.gap = gap
	c.post = newPosterior(s.newOutlook(c), floors)
	c.update()
	return c
}

// newOutlook turns saturation, baseline and objective into a prior.
func (s *Search) newOutlook(c *criterion) outlook {
	saturation := max(s.sat.rate, 1e-6)
	o := outlook{spread: 0.35, cap: math.Inf(1), capSD: 1, slopeSD: 0.5}
	l := tailLog(c.objective)
	o.slope = func(u float64) float64 {
		rho := min(math.Exp(u)/saturation, 0.985)
		slope := max(5, l*rho/(1-rho))
		if s.sat.room > 0 {
			slope = min(slope, max(5, 0.85*s.sat.room))
		}
		return slope
	}
	o.centre = math.Log(saturation * (1 - c.gap))
	o.sd = math.Sqrt(s.sat.se*s.sat.se + 0.005*0.005 + math.Pow(0.4*c.gap/(1-c.gap), 2))
	o.trust = 0.7
	if s.sat.known && !s.throttle.active {
		o.cap, o.capSD = math.Log(saturation), 0.01+1.5*s.sat.se
		if s.sat.room > 0 && c.budget > 0 {
			o.cap, o.capSD = math.Log(saturation/(1-c.budget)), 0.006+s.sat.se
		}
	} else {
		o.trust, o.spread, o.slopeSD = 0, 1, 1
		o.centre = math.Log(saturation) + 0.2
		o.slope = func(float64) float64 { return 20 }
	}
	if c.objective.Kind == slo.Success && s.sat.room == 0 {
		o.trust, o.slopeSD = 0, 1
		o.slope = func(float64) float64 { return 40 }
	}
	return o
}
