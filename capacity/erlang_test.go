package capacity

import (
	"math"
	"testing"
	"time"

	"plimsoll/slo"
)

// mmc is an M/M/c queue, whose sojourn time is known in closed form.
type mmc struct {
	c          int
	mu, lambda float64
}

// waits is Erlang's C formula: the share of arrivals that wait.
func (d mmc) waits() float64 {
	a, loss := d.lambda/d.mu, 1.0
	for n := 1; n <= d.c; n++ {
		loss = a * loss / (float64(n) + a*loss)
	}
	rho := a / float64(d.c)
	return loss / (1 - rho*(1-loss))
}

func (d mmc) mean() float64 { return 1/d.mu + d.waits()/(float64(d.c)*d.mu-d.lambda) }

// above is P(sojourn > t): service plus, with the share that waits, an
// exponential wait with the rate cμ−λ.
func (d mmc) above(t float64) float64 {
	spare := float64(d.c)*d.mu - d.lambda
	w := d.waits()
	if math.Abs(spare-d.mu) < 1e-9*d.mu {
		return math.Exp(-d.mu*t) * (1 + w*d.mu*t)
	}
	// P = (1−w)·e^(−μt) + w·(hypoexponential tail of rates μ and cμ−λ)
	return (1-w)*math.Exp(-d.mu*t) + w*(spare*math.Exp(-d.mu*t)-d.mu*math.Exp(-spare*t))/(spare-d.mu)
}

// erlangPeak is the highest rate at which an M/M/c queue meets something.
func erlangPeak(c int, service float64, meets func(mmc) bool) float64 {
	low, high := 0.0, float64(c)/service
	for range 60 {
		mid := (low + high) / 2
		if meets(mmc{c, 1 / service, mid}) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// TestBenchAgainstErlang holds the bench itself to queueing theory: its client
// and its first-come first-served endpoint must give the peak of an M/M/c queue.
func TestBenchAgainstErlang(t *testing.T) {
	for _, c := range []struct {
		workers int
		service float64
		limit   time.Duration
	}{{1, 0.01, 100 * time.Millisecond}, {4, 0.01, 70 * time.Millisecond}} {
		in := instance{
			objective: slo.Objective{Kind: slo.Quantile, Level: 0.99, Limit: c.limit}, around: float64(c.workers) / c.service,
			steady: func(seed uint64) endpoint { return newFIFO(seed, c.workers, exponential(c.service)) },
		}
		want := erlangPeak(c.workers, c.service, func(d mmc) bool { return d.above(c.limit.Seconds()) <= 0.01 })
		if got := longRunPeak(in, 2e5, 7); math.Abs(got/want-1) > 0.01 {
			t.Errorf("longRunPeak(%d workers, %v) = %.4g/s, want %.4g/s ±1 %%", c.workers, c.limit, got, want)
		}
	}
}
