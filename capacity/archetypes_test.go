package capacity

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"plimsoll/slo"
)

// instance is one modelled endpoint with an objective and its true peak.
type instance struct {
	name      string
	objective slo.Objective
	cause     []Cause
	start     func(seed uint64) endpoint // as a run finds it
	steady    func(seed uint64) endpoint // as the truth sees it
	around    float64                    // saturation, roughly
}

func logUniform(r *rand.Rand, low, high float64) float64 {
	return low * math.Exp(r.Float64()*math.Log(high/low))
}

func uniform(r *rand.Rand, low, high float64) float64 { return low + r.Float64()*(high-low) }

func exponential(mean float64) func(*rand.Rand, int) float64 {
	return func(r *rand.Rand, _ int) float64 { return mean * r.ExpFloat64() }
}

func lognormal(mean, cv float64) func(*rand.Rand, int) float64 {
	v := math.Log(1 + cv*cv)
	return func(r *rand.Rand, _ int) float64 { return mean * math.Exp(r.NormFloat64()*math.Sqrt(v)-v/2) }
}

func newFIFO(seed uint64, c int, service func(*rand.Rand, int) float64) *fifo {
	return &fifo{rng: rand.New(rand.NewPCG(seed, 1)), free: make([]float64, c), service: service}
}

// archetypes are the families of the benchmark; each draws its parameters.
var archetypes = []struct {
	name  string
	cause []Cause
	draw  func(r *rand.Rand) (build func(seed uint64, steady bool) endpoint, around float64)
	over  [2]float64 // objective as a multiple of the unloaded p99
}{
	{"mmc", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c := logUniform(r, 0.005, 0.05), int(logUniform(r, 2, 16.9))
		return func(seed uint64, _ bool) endpoint { return newFIFO(seed, c, exponential(mean)) }, float64(c) / mean
	}, [2]float64{1.3, 4}},
	{"mdc", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c, cv := logUniform(r, 0.005, 0.08), int(logUniform(r, 1, 4.9)), logUniform(r, 0.02, 0.2)
		return func(seed uint64, _ bool) endpoint { return newFIFO(seed, c, lognormal(mean, cv)) }, float64(c) / mean
	}, [2]float64{2, 8}},
	{"batch", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		size, fixed := int(logUniform(r, 8, 32.9)), logUniform(r, 0.004, 0.03)
		item, delay, devices := fixed*logUniform(r, 0.03, 0.23), uniform(r, 0, 0.01), 1+r.IntN(2)
		around := float64(devices*size) / (fixed + item*float64(size))
		return func(uint64, bool) endpoint {
			return &batcher{size: size, fixed: fixed, perItem: item, delay: delay, devices: devices}
		}, around
	}, [2]float64{4, 12}},
	{"queue503", []Cause{CauseErrors}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c, queue := logUniform(r, 0.005, 0.05), int(logUniform(r, 1, 8.9)), int(logUniform(r, 4, 32.9))
		return func(seed uint64, _ bool) endpoint {
			f := newFIFO(seed, c, lognormal(mean, 0.5))
			f.room = c + queue
			return f
		}, float64(c) / mean
	}, [2]float64{30, 40}},
	{"gc", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
		pause, every := logUniform(r, 0.02, 0.1), logUniform(r, 1, 5)
		return func(seed uint64, _ bool) endpoint {
			f := newFIFO(seed, c, lognormal(mean, 0.4))
			w := rand.New(rand.NewPCG(seed, 9))
			f.speed = &warp{more: func(i int) (float64, float64) {
				if i%2 == 0 {
					return every * w.ExpFloat64(), 1
				}
				return pause, 0
			}}
			return f
		}, float64(c) / mean
	}, [2]float64{1.6, 4}},
	{"logn", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c, cv := logUniform(r, 0.005, 0.03), int(logUniform(r, 4, 16.9)), uniform(r, 0.8, 1.8)
		return func(seed uint64, _ bool) endpoint { return newFIFO(seed, c, lognormal(mean, cv)) }, float64(c) / mean
	}, [2]float64{1.3, 3}},
	{"ps", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, cores := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
		return func(seed uint64, _ bool) endpoint {
			service := lognormal(mean, 0.5)
			return &sharing{
				rng: rand.New(rand.NewPCG(seed, 1)), service: func(r *rand.Rand) float64 { return service(r, 0) }, threads: 1 << 30,
				speed: func(n int) float64 { return min(1, float64(cores)/float64(n)) },
			}
		}, float64(cores) / mean
	}, [2]float64{2, 8}},
	{"token", []Cause{CauseErrors, CauseLatency}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
		rate, burst := float64(c)/mean*uniform(r, 0.3, 0.8), uniform(r, 1, 5)
		return func(seed uint64, _ bool) endpoint {
			f := newFIFO(seed, c, lognormal(mean, 0.5))
			f.throttleRate, f.burst, f.tokens = rate, burst*rate, burst*rate
			return f
		}, rate
	}, [2]float64{3, 8}},
	{"warmup", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
		load, first, slower := uniform(r, 1, 4), 50+r.IntN(250), uniform(r, 2, 5)
		return func(seed uint64, steady bool) endpoint {
			warm := lognormal(mean, 0.5)
			return newFIFO(seed, c, func(r *rand.Rand, k int) float64 {
				switch {
				case steady || k > first:
					return warm(r, k)
				case k == 0:
					return load
				}
				return slower * warm(r, k)
			})
		}, float64(c) / mean
	}, [2]float64{2, 6}},
	{"usl", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, sigma, peak := logUniform(r, 0.005, 0.03), uniform(r, 0.01, 0.05), uniform(r, 8, 24)
		kappa := (1 - sigma) / (peak * peak)
		stretch := func(n float64) float64 { return 1 + sigma*(n-1) + kappa*n*(n-1) }
		return func(seed uint64, _ bool) endpoint {
			service := lognormal(mean, 0.3)
			return &sharing{
				rng: rand.New(rand.NewPCG(seed, 1)), service: func(r *rand.Rand) float64 { return service(r, 0) }, threads: int(2 * peak),
				speed: func(n int) float64 { return 1 / stretch(float64(n)) },
			}
		}, peak / stretch(peak) / mean
	}, [2]float64{2, 6}},
	{"bimodal", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 4, 12.9))
		share, slower := uniform(r, 0.03, 0.15), uniform(r, 4, 10)
		base := lognormal(mean, 0.2)
		return func(seed uint64, _ bool) endpoint {
			return newFIFO(seed, c, func(r *rand.Rand, k int) float64 {
				if r.Float64() < share {
					return slower * base(r, k)
				}
				return base(r, k)
			})
		}, float64(c) / mean / (1 + share*(slower-1))
	}, [2]float64{1.3, 3}},
	{"noisy", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
		slow, share, dwell := uniform(r, 0.75, 0.9), uniform(r, 0.1, 0.35), uniform(r, 0.5, 2)
		return func(seed uint64, _ bool) endpoint {
			f := newFIFO(seed, c, lognormal(mean, 0.5))
			w := rand.New(rand.NewPCG(seed, 9))
			f.speed = &warp{more: func(i int) (float64, float64) {
				if i%2 == 0 {
					return dwell * (1 - share) / share * w.ExpFloat64(), 1
				}
				return dwell * w.ExpFloat64(), slow
			}}
			return f
		}, float64(c) / mean
	}, [2]float64{2, 6}},
	{"slow1", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, cv := logUniform(r, 0.04, 0.1), uniform(r, 0.1, 0.4)
		return func(seed uint64, _ bool) endpoint { return newFIFO(seed, 1, lognormal(mean, cv)) }, 1 / mean
	}, [2]float64{2, 6}},
	{"satur", []Cause{CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c := logUniform(r, 0.005, 0.02), int(logUniform(r, 2, 8.9))
		return func(seed uint64, _ bool) endpoint { return newFIFO(seed, c, lognormal(mean, 0.5)) }, float64(c) / mean
	}, [2]float64{40, 100}},
	{"fast", []Cause{CauseLatency, CausePlateau}, func(r *rand.Rand) (func(uint64, bool) endpoint, float64) {
		mean, c := logUniform(r, 0.002, 0.006), int(logUniform(r, 4, 8.9))
		return func(seed uint64, _ bool) endpoint { return newFIFO(seed, c, lognormal(mean, 0.6)) }, float64(c) / mean
	}, [2]float64{2, 6}},
}

// instanceOf draws the k-th instance of an archetype.
func instanceOf(a, k int) instance {
	family := archetypes[a]
	r := rand.New(rand.NewPCG(uint64(a)*1000+uint64(k), 5))
	build, around := family.draw(r)
	in := instance{
		name: fmt.Sprintf("%s/%d", family.name, k), cause: family.cause, around: around,
		start:  func(seed uint64) endpoint { return build(seed, false) },
		steady: func(seed uint64) endpoint { return build(seed, true) },
	}
	times := logUniform(r, family.over[0], family.over[1])
	limit := times * unloadedP99(in)
	in.objective = slo.Objective{Kind: slo.Quantile, Level: 0.99, Limit: slo.Round(seconds(limit))}
	return in
}

// unloadedP99 is of 20 000 requests at a thirtieth of the saturation.
func unloadedP99(in instance) float64 {
	c := newClient(in.steady(1), 1)
	o := c.hold(Trial{Rate: in.around / 30, Measure: seconds(20_000 * 30 / in.around)})
	return o.P99.Seconds()
}

// longRunShare is the share of bad requests of a long Poisson stream.
func longRunShare(in instance, rate, requests float64, seed uint64) float64 {
	c := newClient(in.steady(seed), seed)
	length := requests / rate
	limit := in.objective.Limit
	most := int(20*rate*limit.Seconds()) + 500
	o := c.hold(Trial{Rate: rate, Settle: seconds(0.1 * length), Measure: seconds(length), Patience: 2 * limit, SlowAbove: []time.Duration{limit}, MaxInFlight: most})
	if o.Overloaded || c.inflight > most {
		return 1
	}
	return float64(o.Slow[0]) / float64(max(1, o.Offered))
}

// longRunPeak is the recipe of the truths: the rate at which a Poisson stream,
// its first tenth dropped, misses the objective with exactly its budget. It is
// bisected on 60 000 requests a point, then fitted, log share over log rate, to
// five rates within ±2 % with so many requests each.
func longRunPeak(in instance, requests float64, seed uint64) float64 {
	low, high := 0.02*in.around, 1.15*in.around
	for high/low > 1.01 {
		mid := math.Sqrt(low * high)
		if longRunShare(in, mid, 60_000, seed) > in.objective.Budget() {
			high = mid
		} else {
			low = mid
		}
	}
	var xs, ys []float64
	for i := -2; i <= 2; i++ {
		rate := low * (1 + 0.01*float64(i))
		share := longRunShare(in, rate, requests, seed+uint64(i+2))
		if share > 0 && share < 0.3 {
			xs, ys = append(xs, math.Log(rate)), append(ys, math.Log(share/in.objective.Budget()))
		}
	}
	slope := fitLine(xs, ys)
	if len(xs) < 2 || slope <= 0 {
		return low
	}
	return math.Exp(mean(xs) - clamp(mean(ys)/slope, -0.05, 0.05))
}
