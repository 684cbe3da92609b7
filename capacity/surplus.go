package capacity

import (
	"math"
	"math/rand/v2"
)

// surplus is how many more bad requests the chance of the arrivals alone made
// of a trial than a Poisson stream of its rate would make on average. It is
// known, because the arrivals are, and can be taken out of the count: a control
// variate. It is computed with a queue that serves everybody equally fast,
//
//	V ← max(0, V + n/X − w)
//
// over the counts n of bins of the width w, and a share of which the wait is too
// long; on average over many streams of the same rate by the same rule. However
// poor a model of the endpoint that queue may be, the difference of the two is
// zero on average, so that a wrong model costs precision and makes no bias.
type surplus struct {
	count  float64   // requests
	blocks []float64 // the same by block of bins
	bad    []float64 // and the bad requests that were counted there
}

const (
	surplusStreams = 128
	surplusBlocks  = 12
)

// arrivalWeight is how much of the surplus to take out: the more the service
// times vary, the less the arrivals decide.
func arrivalWeight(serviceCV2 float64) float64 { return 0.95 / (1 + 2.5*serviceCV2) }

// arrivalShare is the part of the variance of bad requests that the arrivals'
// surplus is expected to explain.
func arrivalShare(serviceCV2 float64) float64 { return 0.8 / (1 + 7*serviceCV2) }

// virtualQueue turns counts by bin into bad requests by bin.
type virtualQueue struct {
	perRequest float64 // s of work
	width      float64 // s
	limit      float64 // s of work ahead beyond which a request is bad
}

// queueFor is the virtual queue of a criterion; false where it has no place.
// Service times that vary make real waits longer than the virtual ones, whose
// limit is so much lower.
func (s *Search) queueFor(c *criterion, width float64) (virtualQueue, bool) {
	wait := c.objective.Limit.Seconds() - s.base.Mean.Seconds()
	if c.slow < 0 || !s.sat.known || !(s.sat.rate > 0) || s.throttle.active || s.sat.room > 0 || s.plan.EvenArrivals || !(wait > 0) || !(width > 0) {
		return virtualQueue{}, false
	}
	return virtualQueue{perRequest: 1 / s.sat.rate, width: width, limit: wait / (1 + 3*s.base.serviceCV2())}, true
}

// add is the work ahead after a bin, and how many of its n requests were bad.
func (q virtualQueue) add(ahead, n float64) (after, bad float64) {
	after = max(0, ahead+n*q.perRequest-q.width)
	if middle := (ahead + after) / 2; middle > q.limit {
		bad = n
	}
	return after, bad
}

// surplusOf compares a trial's arrivals with the average stream of its rate.
func (s *Search) surplusOf(c *criterion, r reading, bins []Bin) (surplus, bool) {
	width := r.binWidth().Seconds()
	q, ok := s.queueFor(c, width)
	if !ok || len(bins) < surplusBlocks || len(r.Bins) < 2*leastBatches {
		return surplus{}, false
	}
	out := surplus{blocks: make([]float64, surplusBlocks), bad: make([]float64, surplusBlocks)}
	block := func(i int) int { return i * surplusBlocks / len(bins) }
	ahead := 0.0
	for i, b := range bins {
		after, bad := q.add(ahead, float64(b.Offered))
		ahead = after
		out.blocks[block(i)] += bad
		out.bad[block(i)] += float64(s.badIn(c, b))
	}
	rng := rand.New(rand.NewPCG(uint64(r.trial.Number), 11))
	mean := r.trial.Rate * width
	for range surplusStreams {
		ahead = 0
		for i := range bins {
			after, bad := q.add(ahead, poisson(rng, mean))
			ahead = after
			out.blocks[block(i)] -= bad / surplusStreams
		}
	}
	for _, b := range out.blocks {
		out.count += b
	}
	return out, true
}

// poisson draws from a Poisson distribution: by multiplying uniforms, or for a
// large mean by a normal with the skewness corrected (Cornish and Fisher), which
// is as good where only sums of many draws matter.
func poisson(rng *rand.Rand, mean float64) float64 {
	if mean > 30 {
		z := rng.NormFloat64()
		return max(0, math.Round(mean+math.Sqrt(mean)*z+(z*z-1)/6))
	}
	n, product, least := 0.0, rng.Float64(), math.Exp(-mean)
	for product > least {
		product *= rng.Float64()
		n++
	}
	return n
}
