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
