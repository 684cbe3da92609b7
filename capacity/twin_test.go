package capacity

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestServicesAreFound: what workers took for each request follows from when it
// came and was answered; under too few workers some would be below zero.
func TestServicesAreFound(t *testing.T) {
	rng, free := rand.New(rand.NewPCG(1, 1)), make([]int64, 3)
	var f First
	var want []float64
	at := int64(0)
	for range 2000 {
		at += int64(4000 * rng.ExpFloat64())
		w := slices.Index(free, slices.Min(free))
		service := int64(10_000 * rng.ExpFloat64())
		free[w] = max(at, free[w]) + service
		f.At, f.Took = append(f.At, at), append(f.Took, free[w]-at)
		want = append(want, float64(service)/1e6)
	}
	got, absurd := line{workers: 3}.services(f, 0)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-9 {
			t.Fatalf("service %d is %g, want %g", i, got[i], want[i])
		}
	}
	if absurd != 0 {
		t.Errorf("%g services below zero", absurd)
	}
	if _, absurd := (line{workers: 2}).services(f, 0); absurd < 0.01*2000 {
		t.Errorf("only %g impossible services under too few workers", absurd)
	}
}

// TestEpisodesAreSeen: services that are slower for a second now and then are told
// from ones that vary as much without order.
func TestEpisodesAreSeen(t *testing.T) {
	const rate, trials, each = 200, 6, 1500
	for _, tc := range []struct {
		name    string
		service func(rng *rand.Rand, at float64) float64
		want    bool
	}{
		{"alike", func(rng *rand.Rand, _ float64) float64 { return math.Exp(0.5 * rng.NormFloat64()) }, false},
		{"exponential", func(rng *rand.Rand, _ float64) float64 { return rng.ExpFloat64() }, false},
		{"a tenth five times as long", func(rng *rand.Rand, _ float64) float64 {
			if rng.Float64() < 0.1 {
				return 5
			}
			return 1
		}, false},
		{"slower in every tenth second", func(rng *rand.Rand, at float64) float64 {
			if int(at)%10 == 7 {
				return 1.3 * math.Exp(0.5*rng.NormFloat64())
			}
			return math.Exp(0.5 * rng.NormFloat64())
		}, true},
		{"slower once for two seconds", func(rng *rand.Rand, at float64) float64 {
			if at > 20 && at < 22 {
				return 1.3 * math.Exp(0.5*rng.NormFloat64())
			}
			return math.Exp(0.5 * rng.NormFloat64())
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wrong := 0
			for seed := range uint64(20) {
				rng, n := rand.New(rand.NewPCG(seed, 3)), 0
				var twin twin
				for range trials {
					block := make([]float64, each)
					for i := range block {
						block[i] = tc.service(rng, float64(n)/rate)
						n++
					}
					twin.blocks = append(twin.blocks, block)
				}
				if twin.episodic(rate) != tc.want {
					wrong++
				}
			}
			if wrong > 2 {
				t.Errorf("wrong in %d of 20 runs", wrong)
			}
		})
	}
}

// TestForecastIsSkewed: of a twin that has not met the longest services, the peak is
// likelier below than above, and the belief still adds up to one.
func TestForecastIsSkewed(t *testing.T) {
	f := forecast{u: 4, sd: 0.02, below: 0.06, known: true}
	under, over := 0.0, 0.0
	for u := 2.0; u < 6; u += 0.0005 {
		if u < f.u {
			under += f.density(u) * 0.0005
		} else {
			over += f.density(u) * 0.0005
		}
	}
	if math.Abs(under+over-1) > 0.01 || under < 2*over {
		t.Errorf("the belief is %.3f below and %.3f above", under, over)
	}
}
