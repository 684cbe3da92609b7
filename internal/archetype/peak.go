package archetype

import (
	"math"
	"math/rand/v2"

	"plimsoll/capacity"
)

// Truth is what an instance does in the long run.
type Truth struct {
	Peak       float64 // per second
	SE         float64 // of the peak, relative
	Saturation float64 // good answers per second with very many in flight, or the most at any concurrency
}

// Truth is the stored one; zero for a family that changes.
func (in Instance) Truth() Truth { return truths()[in.Name()] }

// Precise is the relative standard error to which the stored truths are
// computed: twice as much, 0.2 %, holds 95 % of the errors.
const Precise = 0.001

// LongRun computes a truth: the rate at which a Poisson stream misses the
// objective with exactly its budget. It is bisected to 0.2 % with runs of 1e5
// requests; the slope of the log share over the log rate is taken between 2 %
// less and more, or nearer where the curve is steep; then runs of 2e5 requests
// at one rate, each with its own seed, are added until the standard error of
// their mean share, divided by the slope, is small enough, or most requests are
// spent. The first tenth of each run is dropped. A rate that turns out more than
// 0.15 % off is moved, and counted anew.
//
// Where so many requests fit into the limit that a queue takes longer than such
// a run to come to rest, the curve is so steep that bisection alone, with runs of
// 30 times its relaxation, finds the rate to 0.05 %.
func LongRun(in Instance, precise, most float64) Truth {
	if k := in.Around * in.Objective.Limit.Seconds(); k > longQueue && !in.Family.errors {
		return Truth{Peak: bisected(in, 30*k*k), SE: 0.0005, Saturation: saturation(in)}
	}
	low, high := 0.02*in.Around, 1.15*in.Around
	for seed := uint64(1); high/low > 1.002; seed++ {
		mid := math.Sqrt(low * high)
		if missed(in, mid, 1e5, seed) > in.Objective.Budget() {
			high = mid
		} else {
			low = mid
		}
	}
	t := Truth{Peak: math.Sqrt(low * high), SE: 1, Saturation: saturation(in)}
	slope, apart := 0.0, 0.0
	for moves := uint64(1); moves <= 8; moves++ {
		if slope == 0 || t.SE == 1 {
			slope, apart = steepness(in, t.Peak, 100*moves)
		}
		offset, se := refine(in, t.Peak, slope, apart, precise, most, 100*moves)
		t.Peak, t.SE = t.Peak*math.Exp(offset), se
		if math.Abs(offset) < 0.0015 && se < 1 {
			break
		}
	}
	return t
}

// longQueue is how many requests fit into such a limit.
const longQueue = 250

// bisected is the peak near the saturation by runs of so many requests.
func bisected(in Instance, requests float64) float64 {
	low, high := 0.95*in.Around, 1.01*in.Around
	for seed := uint64(1); high/low > 1.0005; seed++ {
		if mid := math.Sqrt(low * high); missed(in, mid, requests, seed) > in.Objective.Budget() {
			high = mid
		} else {
			low = mid
		}
	}
	return math.Sqrt(low * high)
}

const (
	eachRun = 2e5 // requests
	fewest  = 20  // runs: their shares are skewed, and a few low ones would look sure of themselves
)

// refine is how far from a rate the peak lies, in log rate, and the standard
// error of that; 1 if none can be told.
func refine(in Instance, rate, slope, apart, precise, most float64, seed uint64) (offset, se float64) {
	budget := in.Objective.Budget()
	var sum, squares, n float64
	for i := uint64(0); ; i++ {
		share := missed(in, rate, eachRun, seed+10+i)
		sum, squares, n = sum+share, squares+share*share, n+1
		if n < fewest {
			continue
		}
		mean := sum / n
		if mean <= budget/1000 {
			return apart, 1
		}
		se = math.Sqrt(max(0, squares/n-mean*mean)/(n-1)) / mean / slope
		if se <= precise || n*eachRun >= most {
			return max(-2*apart, min(-math.Log(mean/budget)/slope, 2*apart)), se
		}
	}
}

// steepness is the slope of the log share over the log rate, and how far apart
// in log rate it was taken.
func steepness(in Instance, rate float64, seed uint64) (slope, apart float64) {
	for apart = 0.02; ; apart /= 2 {
		above, below := 0.0, 0.0
		for i := range uint64(8) {
			above += missed(in, rate*math.Exp(apart), eachRun, seed+i) / 8
			below += missed(in, rate*math.Exp(-apart), eachRun, seed+i) / 8
		}
		if above < 0.1 && below > in.Objective.Budget()/20 || apart < 0.001 {
			return max(1, math.Log(max(above, 1e-6)/max(below, 1e-6))/(2*apart)), apart
		}
	}
}

// missed is the share of requests that miss the objective in a Poisson stream.
func missed(in Instance, rate, requests float64, seed uint64) float64 {
	s, rng := in.Steady(seed), rand.New(rand.NewPCG(seed, 78))
	limit := in.Objective.Limit.Seconds()
	most := int(20*rate*limit) + 500
	intended := make([]float64, 4<<int(math.Ceil(math.Log2(float64(most)+2)))) // requests overtake each other
	total, skip := int(requests*10/9), int(requests/9)
	sent, inside, bad := 0, 0, 0
	arrival := rng.ExpFloat64() / rate
	var due []Answer
	for sent < total || inside > 0 {
		at := s.Next()
		if sent < total && arrival < at {
			intended[sent&(len(intended)-1)] = arrival
			s.Arrive(arrival, sent)
			sent++
			inside++
			arrival += rng.ExpFloat64() / rate
			if inside > most {
				return 1
			}
			continue
		}
		due = s.Step(at, due[:0])
		for _, a := range due {
			inside--
			if a.ID >= skip && (!a.OK || at-intended[a.ID&(len(intended)-1)] > limit) {
				bad++
			}
		}
	}
	return float64(bad) / float64(total-skip)
}

// saturation is the most good answers per second of a long closed loop, over
// concurrencies that double; a throttled server's is what it lets through.
func saturation(in Instance) float64 {
	if f, ok := in.Steady(1).(*FIFO); ok && f.ThrottleRate > 0 {
		return f.ThrottleRate
	}
	best, most := 0.0, 512
	if f, ok := in.Steady(1).(*FIFO); ok && f.Room > 0 {
		most = f.Room // beyond it, a closed loop is a storm of refusals
	}
	for n := 1; n <= most; n *= 2 {
		c := NewClient(in.Steady(7), 7)
		o := c.Hold(capacity.Trial{Concurrency: n, Settle: seconds(4000 / in.Around), Measure: seconds(60_000 / in.Around)})
		best = max(best, float64(o.Completed)/o.Window.Seconds())
	}
	return best
}
