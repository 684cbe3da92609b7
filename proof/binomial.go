package proof

import "math"

// beyondChance is the probability below which chance is not believed.
const beyondChance = 0.01

// tail is the probability that of n requests, each bad with probability p, k or more are
// bad; 1 where k is no more than would be expected.
//
//	P(X ≥ k) = Σ C(n,i) pⁱ (1−p)ⁿ⁻ⁱ,  i = k … n        0 ≤ k ≤ n, 0 < p < 1
//
// From the mean on the terms fall, so that the sum ends early.
func tail(n, k int64, p float64) float64 {
	if float64(k) <= float64(n)*p || k <= 0 || p >= 1 {
		return 1
	}
	if k > n || !(p > 0) {
		return 0
	}
	choose, _ := math.Lgamma(float64(n) + 1)
	below, _ := math.Lgamma(float64(k) + 1)
	rest, _ := math.Lgamma(float64(n-k) + 1)
	term := math.Exp(choose - below - rest + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum := 0.0
	for i := k; i <= n && term > 1e-12*sum; i++ {
		sum += term
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
	}
	return min(1, sum)
}

// misses is whether requests missed the objective by more than chance.
func (j *judging) misses(t tally) bool {
	o := j.Objective
	switch {
	case !o.known() || t.offered == 0 || o.keeps(t):
		return false
	case o.Mean || o.BadShare <= 0:
		return true
	}
	return tail(t.offered, min(t.bad, t.offered), o.BadShare) < beyondChance
}
