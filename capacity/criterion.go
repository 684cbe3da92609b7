package capacity

import (
	"math"

	"plimsoll/slo"
)

// criterion estimates the highest rate at which one objective holds.
//
// For an objective with a budget (quantile, success) the share of bad requests
// rises with the log rate x as
//
//	p = 1 − e^(−h),  h(x) = h₀ + (h_q − h₀)·e^(s·(x−u)),  h_q = −ln(1−q)
//
// so that p is the budget q at x = u and h₀ far below. For a mean R with the
// limit T and the unloaded mean R1,
//
//	ln((R−R1)/(T−R1)) = s·(x−u)
type criterion struct {
	objective  slo.Objective
	index      int     // among the search's objectives
	slow       int     // among the trial's thresholds; -1 for none
	budget     float64 // q; 0 for a mean
	gap        float64 // expected 1 − peak/saturation
	widest     float64 // the same with the variation of service that cannot be ruled out
	unloaded   float64 // R1, s
	burst      float64 // expected dispersion of bad requests
	serviceCV2 float64
	slowBursts float64 // how many bursts come together, because the endpoint's speed changes
	post       *posterior
	evidence   []evidence
	phi        float64 // dispersion in use
	scatter    float64 // of the trials around the curve, relative to phi
}

// evidence is what one trial says about one criterion.
type evidence struct {
	x      float64 // log of the offered rate
	n, k   float64 // requests, and the bad ones among them
	sum    float64 // of bad requests in clusters: Σm
	square float64 // Σm²
	failed float64 // of the bad ones: not slow but failed
	chance surplus // of bad requests, which is not in k any more
	y, se  float64 // of a mean: the log excess and its standard error
	most   float64 // greatest effective number of requests; 0: no limit
	verdict
	drift backlog
	// Log likelihood by cell, to be divided by the dispersion: k·odds + cells for
	// counts, of which k is known only when trials are compared.
	odds, cells []float64
	local       []float64 // log likelihood by u alone, as it is
}

// verdict is a judgement that stands in for counts.
type verdict int

const (
	counted    verdict = iota // by the counts
	overloaded                // beyond the peak, however many were bad
)

// Effective requests of trials that tell little beyond their verdict.
const (
	verdictRequests = 3    // an overload says "beyond" and no more
	farRequests     = 15   // far beyond the peak the start of the trial decides how many were bad
	farErrors       = 60   // unless they were errors, which need no queue to build up
	farShare        = 0.3  // of bad requests
	refusingShare   = 0.12 // of failures
)

// learn adds a trial and brings the belief up to date.
func (c *criterion) learn(e evidence) {
	c.likelihood(&e)
	c.evidence = append(c.evidence, e)
	c.update()
	if lo, span, ok := c.post.refit(); ok {
		c.post.place(lo, span)
		for i := range c.evidence {
			c.likelihood(&c.evidence[i])
		}
		c.update()
	}
}

func (c *criterion) likelihood(e *evidence) {
	switch {
	case c.budget == 0:
		c.meanCells(e)
	default:
		c.doseCells(e)
	}
	c.driftCells(e)
}

// doseCells is k·ln p + (n−k)·ln(1−p) by cell, of which ln(1−p) = −h, with what
// k multiplies apart.
func (c *criterion) doseCells(e *evidence) {
	n := e.n
	if e.verdict == overloaded {
		n = verdictRequests
	}
	p := c.post
	e.cells, e.odds = make([]float64, len(p.prior)), make([]float64, len(p.prior))
	full := -math.Log1p(-c.budget)
	for j := range slopeLevels {
		slope := math.Exp(logSlope(j))
		for i := range gridPoints {
			rise := math.Exp(min(slope*(e.x-p.u(i)), 50))
			for f := range p.floors {
				floor := floorShare(f) * full
				h := clamp(floor+(full-floor)*rise, 1e-12, 40)
				if e.far() { // at least so many: how many more, the queue's start decides
					h = min(h, -math.Log1p(-farShare))
				}
				cell := (i*slopeLevels+j)*p.floors + f
				e.odds[cell], e.cells[cell] = logBad(h)+h, -n*h
			}
		}
	}
}

// far says that so many were bad that how many more says nothing.
func (e *evidence) far() bool { return e.verdict == counted && e.k > farShare*e.n }

// counts are the bad requests that each trial counts with. Chance that is taken
// out may leave fewer than none; what is missing is then taken from the trials
// at the nearest rates, up to nearRate away, so that the sum stays right.
func (c *criterion) counts() []float64 {
	k := make([]float64, len(c.evidence))
	for i, e := range c.evidence {
		switch {
		case e.verdict == overloaded:
			k[i] = verdictRequests
		case e.far():
			k[i] = farShare * e.n
		default:
			k[i] = e.k
		}
	}
	for i := range k {
		for k[i] < 0 {
			near := c.nearest(i, k)
			if near < 0 {
				k[i] = 0
				break
			}
			moved := min(-k[i], k[near])
			k[i] += moved
			k[near] -= moved
		}
	}
	return k
}

// nearRate is how far apart in log rate trials may be to make up for each other.
const nearRate = 0.06

// nearest is the counted trial with bad requests whose rate is nearest to that of
// another; −1 for none.
func (c *criterion) nearest(i int, k []float64) int {
	best, distance := -1, nearRate
	for j, e := range c.evidence {
		if d := math.Abs(e.x - c.evidence[i].x); e.verdict == counted && !e.far() && k[j] > 0 && d < distance {
			best, distance = j, d
		}
	}
	return best
}

// logBad is ln p = ln(1 − e^(−h)).
func logBad(h float64) float64 {
	if h < 1e-4 {
		return math.Log(h) - h/2
	}
	return math.Log(1 - math.Exp(-h))
}

// meanCells is the Gaussian log likelihood of the log excess. The curve is
// straight only near the limit, so that a trial far from it counts less.
func (c *criterion) meanCells(e *evidence) {
	p := c.post
	e.cells = make([]float64, len(p.prior))
	sd := math.Sqrt(e.se*e.se + 0.03*0.03 + 0.15*0.15*e.y*e.y)
	for i := range gridPoints {
		for j := range slopeLevels {
			miss := math.Exp(logSlope(j))*(e.x-p.u(i)) - e.y
			switch {
			case e.verdict == overloaded: // somewhere above the limit
				miss = min(0, miss)
			case e.y <= leastExcess: // somewhere near the unloaded mean
				miss = max(0, miss)
			}
			e.cells[i*slopeLevels+j] = -min(miss*miss/(2*sd*sd), 200)
		}
	}
}

// leastExcess is the log excess below which a mean is as good as unloaded.
const leastExcess = -3.5

// driftCells compares the slope of the response time with the one to expect: at
// x above the saturation behind a hypothetical peak u, answers would fall behind
// by the excess. A trial that does not refutes every such u.
func (c *criterion) driftCells(e *evidence) {
	e.local = nil
	if !e.drift.known || e.verdict == overloaded || e.k > e.n*farShare {
		return
	}
	e.local = make([]float64, gridPoints)
	for i := range e.local {
		excess := e.x - c.post.u(i)
		if short := excess - 2.5*c.widest - 0.01 - e.drift.slope; short > 0 {
			z := short / e.drift.se
			e.local[i] = -min(z*z/2, 50)
		}
		// Next to the saturation, where no wait can tell within a trial, how fast
		// answers fall behind is all that there is to be seen of it.
		if over := e.drift.slope - max(0, excess-c.gap); over > 0 && c.gap < saturating {
			z := over / math.Hypot(e.drift.se, c.gap)
			e.local[i] -= min(z*z/2, 50)
		}
	}
}

// saturating is the gap below which a peak is as good as the saturation.
const saturating = 0.03

// update weighs the evidence by its dispersion and combines it; twice, because
// how far the trials scatter is known only around a curve.
func (c *criterion) update() {
	together := c.slowBursts
	if c.post.outlook.twin.episodic {
		together = max(together, episodicBursts)
	}
	c.phi = max(1, c.controlled()*c.clusterIndex()*together)
	c.scatter = 1
	counts := c.counts()
	c.post.combine(c.evidence, counts, c.weights())
	c.scatter = c.residualScatter()
	if c.scatter != 1 {
		c.post.combine(c.evidence, counts, c.weights())
	}
}

func (c *criterion) weights() []float64 {
	weights := make([]float64, len(c.evidence))
	for i, e := range c.evidence {
		switch {
		case e.verdict == overloaded:
			weights[i] = 1
		case c.budget == 0:
			weights[i] = 1 / c.scatter
		default:
			weights[i] = 1 / (c.phi * c.scatter)
			if e.most > 0 {
				weights[i] = min(weights[i], e.most/e.n)
			}
		}
	}
	return weights
}

// clusterIndex is how much more the number of bad requests varies than a
// binomial one, because they come in bursts: E[m²]/E[m] over the sizes m of the
// bursts, with what theory expects as if burst² bad requests had shown it.
func (c *criterion) clusterIndex() float64 {
	if c.budget == 0 {
		return 1
	}
	var sum, square, failed float64
	for _, e := range c.evidence {
		if e.verdict == counted && e.sum <= farShare*e.n {
			sum += e.sum
			square += e.square
			failed += e.failed
		}
	}
	burst := c.burst
	if 2*failed > sum { // refusals come and go faster than a queue
		burst = min(burst, refusedBurst)
	}
	return max(1, (square+2*burst*burst)/(sum+2*burst))
}

// controlled takes the surplus of chance out of the counts of bad requests, by as
// much as explains most: the regression of the bad requests of all blocks of all
// trials on their surplus, with what is expected of it as if two bursts of the
// expected size had shown it. It is the part of the variance that this leaves.
func (c *criterion) controlled() float64 {
	all, both, chance := 0.0, 0.0, 0.0
	for _, e := range c.evidence {
		if e.verdict != counted || e.sum > farShare*e.n {
			continue
		}
		per := e.sum / max(1, float64(len(e.chance.bad)))
		for i, bad := range e.chance.bad {
			all += (bad - per) * (bad - per)
			both += (bad - per) * e.chance.blocks[i]
			chance += e.chance.blocks[i] * e.chance.blocks[i]
		}
	}
	prior := 2 * c.burst * c.burst
	expected, explains := arrivalWeight(c.serviceCV2), arrivalShare(c.serviceCV2)
	// As if seen: a variance of the bad requests of prior, of which the surplus,
	// taken by its expected weight, explains a share.
	seen := prior * explains / (expected * expected)
	weight := clamp((both+expected*seen)/(chance+seen), 0, mostWeight)
	for i := range c.evidence {
		if e := &c.evidence[i]; len(e.chance.bad) > 0 {
			e.k = e.sum - weight*e.chance.count
		}
	}
	if all == 0 {
		return 1
	}
	left := all + prior - 2*weight*(both+expected*seen) + weight*weight*(chance+seen)
	return clamp(left/(all+prior), leastLeft, 1)
}

// Bounds of what the arrivals may explain.
const (
	mostWeight = 1.2
	leastLeft  = 0.1
)

// refusedBurst is how many refusals are expected to come together.
const refusedBurst = 8

// residualScatter is the mean squared residual of the trials around the most
// probable curve, with five degrees of freedom of belief that it is 1: trials
// that disagree (the endpoint changed speed between them) widen the interval.
func (c *criterion) residualScatter() float64 {
	const belief = 5
	sum, count := float64(belief), float64(belief)
	for _, e := range c.evidence {
		if z, ok := c.residual(e); ok {
			sum += min(z*z, 100)
			count++
		}
	}
	if count < belief+3 {
		return 1
	}
	return clamp(sum/(count-1), 0.7, 50)
}

func (c *criterion) residual(e evidence) (z float64, ok bool) {
	if e.verdict != counted || e.far() {
		return 0, false
	}
	i, j, f := c.post.split(c.post.best)
	excess := math.Exp(logSlope(j)) * (e.x - c.post.u(i))
	if c.budget == 0 {
		if e.y <= leastExcess {
			return 0, false
		}
		return (e.y - excess) / math.Sqrt(e.se*e.se+0.03*0.03+0.15*0.15*e.y*e.y), true
	}
	full := -math.Log1p(-c.budget)
	h := full * (floorShare(f) + (1-floorShare(f))*math.Exp(min(excess, 50)))
	expected := e.n * -math.Expm1(-h)
	return (e.k - expected) / math.Sqrt(max(expected, c.phi*0.5)*c.phi), true
}

// rateFor is the log rate at which the share of bad requests is expected to be
// so many times the budget; for a mean, the excess so many times the allowed one.
func (c *criterion) rateFor(times float64) float64 {
	u, s := c.post.quantile(0.5), math.Exp(c.post.logSlope)
	if c.budget == 0 {
		return u + math.Log(times)/s
	}
	floor := c.post.floor
	return u + math.Log(max(times-floor, 0.1)/(1-floor))/s
}

// held says whether a trial met the objective as far as it goes.
func (c *criterion) held(e evidence) bool {
	if e.verdict == overloaded {
		return false
	}
	if c.budget == 0 {
		return e.y <= 0
	}
	return e.k <= c.budget*e.n
}
