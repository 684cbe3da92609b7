package capacity

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestPoisson: mean and variance are right for small and large means, on both
// sides of where the method changes.
func TestPoisson(t *testing.T) {
	for _, mean := range []float64{0, 0.3, 5, 29, 31, 400} {
		rng := rand.New(rand.NewPCG(1, 2))
		const n = 200_000
		sum, squares := 0.0, 0.0
		for range n {
			x := poisson(rng, mean)
			sum, squares = sum+x, squares+x*x
		}
		got := sum / n
		variance := squares/n - got*got
		if math.Abs(got-mean) > 4*math.Sqrt(mean/n)+1e-9 || math.Abs(variance-mean) > 0.02*mean+1e-9 {
			t.Errorf("poisson(%g): mean %.4g and variance %.4g, want %g", mean, got, variance, mean)
		}
	}
}

// streamed is a trial at a rate whose arrivals are a Poisson process.
func streamed(rng *rand.Rand, number int, rate float64) reading {
	r := reading{trial: Trial{Number: number, Rate: rate}, Observation: Observation{Window: 12 * time.Second, Slow: []int64{0}}}
	for range 120 {
		n := int64(poisson(rng, rate*0.1))
		r.Bins = append(r.Bins, Bin{Offered: n, Successes: n, Slow: []int64{0}})
		r.Offered += n
	}
	r.Successes = r.Offered
	return r
}

// TestSurplusIsFair: over many streams the surplus is nothing on average, though
// it varies, and though the queue by which it is computed may be wrong.
func TestSurplusIsFair(t *testing.T) {
	s := modelled()
	for _, saturation := range []float64{380, 400, 440} {
		s.sat.rate = saturation
		c := s.newCriterion(0, 0)
		rng := rand.New(rand.NewPCG(3, 4))
		sum, squares, n := 0.0, 0.0, 800.0
		for i := range int(n) {
			r := streamed(rng, i, 350)
			chance, ok := s.surplusOf(c, r, r.Bins)
			if !ok {
				t.Fatal("no surplus")
			}
			sum, squares = sum+chance.count, squares+chance.count*chance.count
		}
		mean := sum / n
		se := math.Sqrt((squares/n - mean*mean) / n)
		if math.Abs(mean) > 3.5*se || se == 0 {
			t.Errorf("saturation %g/s: mean surplus %.2f ±%.2f, want 0", saturation, mean, se)
		}
	}
}

// TestCountsKeepTheirSum: what chance leaves below nothing is taken from trials
// at near rates, never from far ones, and no count ends below nothing.
func TestCountsKeepTheirSum(t *testing.T) {
	trial := func(rate, k float64) evidence { return evidence{x: math.Log(rate), n: 1000, k: k} }
	for _, c := range []struct {
		name string
		all  []evidence
		want []float64
	}{
		{"nothing below", []evidence{trial(100, 3), trial(101, 5)}, []float64{3, 5}},
		{"taken from the nearest", []evidence{trial(100, -3), trial(101, 5), trial(103, 9)}, []float64{0, 2, 9}},
		{"and from the next", []evidence{trial(100, -7), trial(101, 5), trial(103, 9)}, []float64{0, 0, 7}},
		{"not from far away", []evidence{trial(100, -7), trial(120, 5)}, []float64{0, 5}},
		{"not from what counts as much as it can", []evidence{trial(100, -7), trial(101, 900)}, []float64{0, 300}},
	} {
		got := (&criterion{evidence: c.all}).counts()
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-9 {
				t.Errorf("%s: counts %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// TestSharedShare: an endpoint under twice the load that keeps it busy is told
// from a line by how much response times vary.
func TestSharedShare(t *testing.T) {
	for _, c := range []struct {
		name string
		cv2  float64
		mean time.Duration
		want float64
	}{
		{"a line", 0.1, 20 * time.Millisecond, 0},
		{"shared", 0.5, 20 * time.Millisecond, 1},
		{"between", 0.325, 20 * time.Millisecond, 0.5},
		{"hardly loaded", 0.5, 11 * time.Millisecond, 0},
	} {
		r := reading{Observation: Observation{Successes: 500, SquaredCV: c.cv2, Mean: c.mean}}
		if got := modelled().sharedShare(r); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: sharedShare = %.2f, want %.2f", c.name, got, c.want)
		}
	}
}
