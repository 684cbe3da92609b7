package capacity

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"plimsoll/slo"
)

func TestWilson(t *testing.T) {
	for _, c := range []struct{ k, n, low, high float64 }{
		{0, 0, 0, 1},
		{0, 100, 0, 0.0370},
		{5, 100, 0.0215, 0.1118},
		{100, 100, 0.9630, 1},
	} {
		low, high := wilson(c.k, c.n, 1.96)
		if math.Abs(low-c.low) > 1e-3 || math.Abs(high-c.high) > 1e-3 {
			t.Errorf("wilson(%g, %g, 1.96) = %.4f, %.4f, want %.4f, %.4f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

// TestBatchErrorSeesCorrelation: a series that wanders has a far larger error of
// its mean than its bins, taken one by one, would have it.
func TestBatchErrorSeesCorrelation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	white, wander := make([]float64, 960), make([]float64, 960)
	last := 0.0
	for i := range white {
		white[i] = rng.NormFloat64()
		last = 0.95*last + rng.NormFloat64()
		wander[i] = last
	}
	if got, want := batchError(white), 1/math.Sqrt(960); got < want*0.9 || got > want*2 {
		t.Errorf("batchError(white noise) = %.4f, want about %.4f", got, want)
	}
	naive := math.Sqrt(variance(wander) / 960)
	if got := batchError(wander); got < 3*naive {
		t.Errorf("batchError(AR(0.95)) = %.4f, want at least three times the naive %.4f", got, naive)
	}
}

func TestRound4(t *testing.T) {
	for _, c := range []struct{ in, want float64 }{{0, 0}, {math.NaN(), 0}, {-1, 0}, {123.456, 123.5}, {0.0012345, 0.001235}, {98765, 98770}} {
		if got := round4(c.in); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("round4(%g) = %g, want %g", c.in, got, c.want)
		}
	}
}

// TestLossShare compares with Erlang's B formula and the M/M/1/K queue.
func TestLossShare(t *testing.T) {
	for _, c := range []struct{ rho, workers, places, want float64 }{
		{0.5, 1, 0, 0.5 / 1.5},
		{0.5, 2, 0, 0.2}, // B(2, 1) = 1/5
		{0.5, 1, 3, 0.5 * math.Pow(0.5, 4) / (1 - math.Pow(0.5, 5))},
	} {
		if got := lossShare(c.rho, c.workers, c.places); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("lossShare(%g, %g, %g) = %.6f, want %.6f", c.rho, c.workers, c.places, got, c.want)
		}
	}
}

// TestExpectedGap: the prior of the peak is near that of an M/M/1 queue, whose
// sojourn times are exponential with the rate μ−λ.
func TestExpectedGap(t *testing.T) {
	s := modelled()
	s.base.SquaredCV = 1
	o := slo.Objective{Kind: slo.Quantile, Level: 0.99, Limit: 500 * time.Millisecond}
	const service = 0.01
	gap, ok := s.expectedGap(o, 1/service)
	want := 1 - service*(1/service-math.Log(100)/0.5) // sojourn times are exponential with the rate μ−λ
	if !ok || math.Abs(gap-want) > 0.01 {
		t.Errorf("expectedGap(%v) = %.3f, want about %.3f", o, gap, want)
	}
}
