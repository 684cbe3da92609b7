package archetype

import (
	"math"
	"math/rand/v2"
)

// stationary are the families that have a peak. Their order and the order of
// their draws make the instances: a new family goes to the end of Families.
func stationary() []Family {
	return []Family{
		{Name: "mmc", over: [2]float64{1.3, 4}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.005, 0.05), int(logUniform(r, 2, 16.9))
			return fifo(c, Exponential(mean)), float64(c) / mean
		}},
		{Name: "mdc", over: [2]float64{2, 8}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c, cv := logUniform(r, 0.005, 0.08), int(logUniform(r, 1, 4.9)), logUniform(r, 0.02, 0.2)
			return fifo(c, Lognormal(mean, cv)), float64(c) / mean
		}},
		{Name: "batch", over: [2]float64{4, 12}, draw: func(r *rand.Rand) (builder, float64) {
			size, fixed := int(logUniform(r, 8, 32.9)), logUniform(r, 0.004, 0.03)
			item, delay, devices := fixed*logUniform(r, 0.03, 0.23), uniform(r, 0, 0.01), 1+r.IntN(2)
			around := float64(devices*size) / (fixed + item*float64(size))
			return func(setting) Server {
				return &Batcher{Size: size, Fixed: fixed, PerItem: item, Delay: delay, Devices: devices}
			}, around
		}},
		{Name: "queue503", errors: true, over: [2]float64{30, 40}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c, queue := logUniform(r, 0.005, 0.05), int(logUniform(r, 1, 8.9)), int(logUniform(r, 4, 32.9))
			return func(s setting) Server {
				f := NewFIFO(s.seed, c, Lognormal(mean, 0.5))
				f.Room = c + queue
				return f
			}, float64(c) / mean
		}},
		{Name: "gc", over: [2]float64{1.6, 4}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
			pause, every := logUniform(r, 0.02, 0.1), logUniform(r, 1, 5)
			return func(s setting) Server {
				f := NewFIFO(s.seed, c, Lognormal(mean, 0.4))
				f.Speed = alternating(s.rng, every, 1, func(*rand.Rand) float64 { return pause }, 0)
				return f
			}, float64(c) / mean
		}},
		{Name: "logn", over: [2]float64{1.3, 3}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c, cv := logUniform(r, 0.005, 0.03), int(logUniform(r, 4, 16.9)), uniform(r, 0.8, 1.8)
			return fifo(c, Lognormal(mean, cv)), float64(c) / mean
		}},
		{Name: "ps", over: [2]float64{2, 8}, draw: func(r *rand.Rand) (builder, float64) {
			mean, cores := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
			speed := func(n int) float64 { return min(1, float64(cores)/float64(n)) }
			return func(s setting) Server { return NewSharing(s.seed, 1<<30, Lognormal(mean, 0.5), speed) }, float64(cores) / mean
		}},
		{Name: "token", errors: true, over: [2]float64{3, 8}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
			rate, burst := float64(c)/mean*uniform(r, 0.3, 0.8), uniform(r, 1, 5)
			return func(s setting) Server {
				f := NewFIFO(s.seed, c, Lognormal(mean, 0.5))
				f.ThrottleRate, f.Burst, f.Tokens = rate, burst*rate, burst*rate
				return f
			}, rate
		}},
		{Name: "warmup", over: [2]float64{2, 6}, draw: drawWarmUp},
		{Name: "usl", over: [2]float64{2, 6}, law: drawLaw, draw: func(r *rand.Rand) (builder, float64) {
			l := drawLaw(r)
			speed := func(n int) float64 { return 1 / l.stretch(float64(n)) }
			return func(s setting) Server { return NewSharing(s.seed, int(2*l.Peak), Lognormal(l.Mean, 0.3), speed) }, l.Peak / l.stretch(l.Peak) / l.Mean
		}},
		{Name: "bimodal", over: [2]float64{1.3, 3}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 4, 12.9))
			share, slower := uniform(r, 0.03, 0.15), uniform(r, 4, 10)
			base := Lognormal(mean, 0.2)
			return fifo(c, func(r *rand.Rand, k int) float64 {
				if r.Float64() < share {
					return slower * base(r, k)
				}
				return base(r, k)
			}), float64(c) / mean / (1 + share*(slower-1))
		}},
		{Name: "noisy", over: [2]float64{2, 6}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
			slow, share, dwell := uniform(r, 0.75, 0.9), uniform(r, 0.1, 0.35), uniform(r, 0.5, 2)
			return func(s setting) Server {
				f := NewFIFO(s.seed, c, Lognormal(mean, 0.5))
				f.Speed = alternating(s.rng, dwell*(1-share)/share, 1, func(w *rand.Rand) float64 { return dwell * w.ExpFloat64() }, slow)
				return f
			}, float64(c) / mean
		}},
		{Name: "slow1", over: [2]float64{2, 6}, draw: func(r *rand.Rand) (builder, float64) {
			mean, cv := logUniform(r, 0.04, 0.1), uniform(r, 0.1, 0.4)
			return fifo(1, Lognormal(mean, cv)), 1 / mean
		}},
		{Name: "satur", over: [2]float64{40, 100}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.005, 0.02), int(logUniform(r, 2, 8.9))
			return fifo(c, Lognormal(mean, 0.5)), float64(c) / mean
		}},
		{Name: "fast", over: [2]float64{2, 6}, draw: func(r *rand.Rand) (builder, float64) {
			mean, c := logUniform(r, 0.002, 0.006), int(logUniform(r, 4, 8.9))
			return fifo(c, Lognormal(mean, 0.6)), float64(c) / mean
		}},
		{Name: "heavy", over: [2]float64{1.2, 2.5}, draw: func(r *rand.Rand) (builder, float64) {
			low, c, alpha := logUniform(r, 0.003, 0.01), int(logUniform(r, 4, 16.9)), uniform(r, 1.2, 1.8)
			high := low * logUniform(r, 100, 400)
			mean := alpha / (alpha - 1) * low * (1 - math.Pow(low/high, alpha-1)) / (1 - math.Pow(low/high, alpha))
			return fifo(c, BoundedPareto(low, high, alpha)), float64(c) / mean
		}},
	}
}

func fifo(c int, service Service) builder {
	return func(s setting) Server { return NewFIFO(s.seed, c, service) }
}

func drawWarmUp(r *rand.Rand) (builder, float64) {
	mean, c := logUniform(r, 0.005, 0.03), int(logUniform(r, 2, 8.9))
	load, first, slower := uniform(r, 1, 4), 50+r.IntN(250), uniform(r, 2, 5)
	return func(s setting) Server {
		warm := Lognormal(mean, 0.5)
		return NewFIFO(s.seed, c, func(r *rand.Rand, k int) float64 {
			switch {
			case s.steady || k > first:
				return warm(r, k)
			case k == 0:
				return load
			}
			return slower * warm(r, k)
		})
	}, float64(c) / mean
}

// alternating is a speed that changes between two, the first of them for
// exponential spells of a mean length.
func alternating(w *rand.Rand, spell, speed float64, other func(*rand.Rand) float64, otherSpeed float64) *Warp {
	return NewWarp(func(i int) (float64, float64) {
		if i%2 == 0 {
			return spell * w.ExpFloat64(), speed
		}
		return other(w), otherSpeed
	})
}

// Law is the scalability law of a server whose requests share it: alone one takes
// Mean (s); throughput is highest with Peak in flight.
type Law struct{ Mean, Sigma, Kappa, Peak float64 }

func drawLaw(r *rand.Rand) Law {
	l := Law{Mean: logUniform(r, 0.005, 0.03), Sigma: uniform(r, 0.01, 0.05), Peak: uniform(r, 8, 24)}
	l.Kappa = (1 - l.Sigma) / (l.Peak * l.Peak)
	return l
}

func (l Law) stretch(n float64) float64 { return 1 + l.Sigma*(n-1) + l.Kappa*n*(n-1) }
