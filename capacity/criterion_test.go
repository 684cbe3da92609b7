package capacity

import (
	"math"
	"testing"
	"time"

	"plimsoll/slo"

	"pgregory.net/rapid"
)

// modelled is a search past its closed-loop phases, without trials.
func modelled() *Search {
	s, err := New(DefaultPlan())
	if err != nil {
		panic(err)
	}
	s.objectives = []slo.Objective{{Kind: slo.Quantile, Level: 0.99, Limit: 100 * time.Millisecond}}
	s.base = baseLine{reading: reading{Observation: Observation{Mean: 10 * time.Millisecond, SquaredCV: 0.5}}, known: true}
	s.sat = saturation{rate: 400, se: 0.01, known: true}
	return s
}

// TestMoreBadNeverRaises: a trial with more bad requests gives no higher peak,
// but for a little that a steeper curve, crossing elsewhere, can make of it.
func TestMoreBadNeverRaises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := modelled()
		x := math.Log(rapid.Float64Range(250, 420).Draw(rt, "rate"))
		n := float64(rapid.IntRange(500, 5000).Draw(rt, "n"))
		k := math.Floor(n * rapid.Float64Range(0, 0.1).Draw(rt, "share"))
		more := math.Floor(n * rapid.Float64Range(0, 0.1).Draw(rt, "more"))
		few, many := s.newCriterion(0, 0), s.newCriterion(0, 0)
		few.learn(evidence{x: x, n: n, k: k, sum: k, square: 4 * k})
		many.learn(evidence{x: x, n: n, k: k + more, sum: k, square: 4 * k})
		if a, b := few.post.quantile(0.5), many.post.quantile(0.5); b > a+0.03 {
			rt.Fatalf("peak %.4g/s with %.0f bad of %.0f, %.4g/s with %.0f", math.Exp(a), k, n, math.Exp(b), k+more)
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	c := modelled().newCriterion(0, 0)
	for range 40 {
		c.learn(evidence{x: math.Log(340), n: 5000, k: 50, sum: 50, square: 1000})
	}
	for b.Loop() {
		c.evidence = c.evidence[:40]
		c.learn(evidence{x: math.Log(345), n: 5000, k: 50, sum: 50, square: 1000})
	}
}
