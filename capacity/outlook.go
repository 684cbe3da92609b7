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

// variability is v, the sum of the squared coefficients of variation of arrivals
// and service. Where requests share the endpoint instead of waiting for each
// other, how long one takes depends on how many there are, whose distribution is
// that of an M/M/1 queue whatever the service time: v is 2.
func (s *Search) variability() float64 {
	v := s.arrivalCV2() + s.base.serviceCV2()
	return v + s.sat.shared*(s.arrivalCV2()+1-v)
}

// sharedShare is how much an endpoint under load looks like one that all
// requests share, from 0 to 1. With twice as many in flight as keep it busy, a
// request that waits in a line takes a time that varies less, relative to its
// mean, than unloaded (the square of its coefficient of variation falls to a half
// or less); one that shares takes so many times its own service time, and it
// varies as much as before.
func (s *Search) sharedShare(r reading) float64 {
	unloaded := s.base.SquaredCV
	if !s.base.known || unloaded < leastShared || r.Successes < leastAnswers || r.Mean.Seconds() < 1.3*s.base.Mean.Seconds() {
		return 0
	}
	return clamp((r.SquaredCV/unloaded-0.5)/0.3, 0, 1)
}

const (
	leastShared  = 0.04 // squared coefficient of variation below which a line and a share look alike
	leastAnswers = 100
)

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

// expectedGap is 1 − peak/saturation if a share ρ = λ/X of the requests waits, and
// waits exponentially:
//
//	ρ·e^(−y·K) = q
//
// solved for ρ by bisection. For a mean, whose wait is v·ρ/(2·X·(1−ρ)), K is the
// number that the allowed mean has room for. A success objective has no such gap.
func (s *Search) expectedGap(o slo.Objective, saturation float64) (gap float64, ok bool) {
	return s.gapAt(o, saturation, s.variability())
}

// gapAt is the gap that a variability v makes.
func (s *Search) gapAt(o slo.Objective, saturation, v float64) (gap float64, ok bool) {
	k := s.queueRoom(o, saturation)
	if o.Kind == slo.Success {
		return 0, false
	}
	if o.Kind == slo.Mean {
		return clamp(v/(v+2*k), 1e-4, mostGap), true
	}
	q := clamp(o.Budget(), 1e-9, 0.9)
	rho := bisect(func(rho float64) bool { return rho*math.Exp(-s.decay(rho, v)*k) > q })
	return clamp(1-rho, 1e-4, mostGap), true
}

// decay is y, how fast the share of waits falls for each request that more fits
// into them. For Poisson arrivals it is the root of the Cramér–Lundberg equation
// with service that is gamma distributed with the squared coefficient of
// variation c²,
//
//	ρ·((1 − y·c²)^(−1/c²) − 1) = y
//
// and in heavy traffic, whatever the arrivals, y ≈ 2·(1−ρ)/v: J. F. C. Kingman,
// Proc. Cambridge Phil. Soc. 57 (1961) 902.
func (s *Search) decay(rho, v float64) float64 {
	if s.plan.EvenArrivals || rho <= 0 || rho >= 1 {
		return max(0, 2*(1-rho)/v)
	}
	c2 := clamp(v-1, 0.01, mostUnseen)
	most := 1 / c2
	if c2 < 0.05 {
		most = 20
	}
	return most * bisect(func(share float64) bool {
		y := share * most
		return rho*(math.Pow(max(1e-12, 1-y*c2), -1/c2)-1) > y
	})
}

// mostGap is the largest gap that is expected beforehand.
const mostGap = 0.9

// bisect is where a condition begins to hold between 0 and 1.
func bisect(holds func(x float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 50 {
		if x := (low + high) / 2; holds(x) {
			high = x
		} else {
			low = x
		}
	}
	return (low + high) / 2
}

// blockingGap is 1 − peak/saturation of an endpoint that refuses when so many
// are in the system, by the loss share of M/M/c/K with c = X·R1 workers, whose
// waiting places count more the steadier arrivals and service are.
func (s *Search) blockingGap(q float64) float64 {
	workers := clamp(math.Round(s.sat.rate*s.base.Mean.Seconds()), 1, max(1, s.sat.room))
	places := math.Round(max(0, s.sat.room-workers) * 2 / s.variability())
	rho := bisect(func(rho float64) bool { return lossShare(rho, workers, min(places, 1e4)) > q })
	return clamp(1-rho, 1e-4, mostGap)
}

// lossShare is the share of arrivals that M/M/c/K refuses at the load ρ per
// worker, with c workers and so many places to wait: Erlang's B formula by its
// recursion, B(n) = aB(n−1)/(n+aB(n−1)) for the workers and the same with n = c
// for the places.
func lossShare(rho, workers, places float64) float64 {
	offered, loss := rho*workers, 1.0
	for n := 1.0; n <= workers+places; n++ {
		loss = offered * loss / (min(n, workers) + offered*loss)
	}
	return loss
}

// newCriterion sets up the belief about one objective before any open-loop trial.
func (s *Search) newCriterion(index, slow int) *criterion {
	o := s.objectives[index]
	c := &criterion{objective: o, index: index, slow: slow, budget: o.Budget(), unloaded: s.base.Mean.Seconds(), burst: 1, serviceCV2: s.base.serviceCV2(), slowBursts: clamp(math.Sqrt(s.sat.unsteady/2), 1, mostTogether)}
	if o.Kind == slo.Quantile {
		l := tailLog(o)
		k := s.queueRoom(o, s.sat.rate)
		c.burst = clamp(1+2/(l*l)*k*k/s.variability(), 1, 2000)
	}
	floors := floorLevels
	if o.Kind == slo.Mean {
		floors = 1
	}
	gap, _ := s.expectedGap(o, s.sat.rate)
	if s.sat.room > 0 && o.Kind != slo.Mean {
		gap = max(gap, s.blockingGap(c.budget))
		c.burst = min(c.burst, max(1, s.sat.room))
	}
	c.gap, c.widest = gap, s.widestGap(o, gap)
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
	near := func(gap, uncertain float64) (centre, sd float64) {
		return math.Log(saturation * (1 - gap)), math.Sqrt(s.sat.se*s.sat.se + 0.005*0.005 + math.Pow(uncertain*gap/(1-gap), 2))
	}
	o.centre, o.sd = near(c.gap, 0.2)
	o.lower, o.lowerSD = near(max(c.widest, min(1.6*c.gap, (c.gap+1)/2)), 0.35)
	o.trust, o.slowed = 0.7, clamp((s.sat.unsteady-2)/4, 0.33, 0.85)
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
