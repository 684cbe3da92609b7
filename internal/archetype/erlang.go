package archetype

import "math"

// Erlang is an M/M/c queue, whose sojourn time is known in closed form: an
// answer to hold the models to.
type Erlang struct {
	C          int
	Mu, Lambda float64 // service of one worker and arrivals, per second
}

// waits is Erlang's C formula: the share of arrivals that wait.
func (d Erlang) waits() float64 {
	a, loss := d.Lambda/d.Mu, 1.0
	for n := 1; n <= d.C; n++ {
		loss = a * loss / (float64(n) + a*loss)
	}
	rho := a / float64(d.C)
	return loss / (1 - rho*(1-loss))
}

// Mean is that of the sojourn time (s).
func (d Erlang) Mean() float64 { return 1/d.Mu + d.waits()/(float64(d.C)*d.Mu-d.Lambda) }

// Above is P(sojourn > t): service plus, with the share that waits, an
// exponential wait with the rate cμ−λ.
func (d Erlang) Above(t float64) float64 {
	spare := float64(d.C)*d.Mu - d.Lambda
	w := d.waits()
	if math.Abs(spare-d.Mu) < 1e-9*d.Mu {
		return math.Exp(-d.Mu*t) * (1 + w*d.Mu*t)
	}
	// P = (1−w)·e^(−μt) + w·(hypoexponential tail of rates μ and cμ−λ)
	return (1-w)*math.Exp(-d.Mu*t) + w*(spare*math.Exp(-d.Mu*t)-d.Mu*math.Exp(-spare*t))/(spare-d.Mu)
}

// ErlangPeak is the highest rate at which an M/M/c queue meets something.
func ErlangPeak(c int, service float64, meets func(Erlang) bool) float64 {
	low, high := 0.0, float64(c)/service
	for range 60 {
		mid := (low + high) / 2
		if meets(Erlang{c, 1 / service, mid}) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}
