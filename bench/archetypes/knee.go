package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
)

// curve is what one server does at rising loads, measured long.
type curve struct {
	rates, tails []float64 // open loop: requests and p99 (s)
	n, x         []float64 // closed loop: in flight and answers per second
	p50, p99     float64   // unloaded (s)
	saturation   float64
}

const curvePoints = 24

func measure(in archetype.Instance, seed uint64) curve {
	c := curve{saturation: in.Truth().Saturation}
	hold := func(t capacity.Trial, requests float64) capacity.Observation {
		t.Settle, t.Measure = secs(requests/4/in.Around), secs(requests/in.Around)
		t.Patience = time.Minute
		return archetype.NewClient(in.Steady(seed), seed).Hold(t)
	}
	unloaded := hold(capacity.Trial{Concurrency: 1}, 20_000)
	c.p50, c.p99 = unloaded.P50.Seconds(), unloaded.P99.Seconds()
	for i := 1; i < curvePoints; i++ {
		rate := c.saturation * float64(i) / curvePoints
		c.rates, c.tails = append(c.rates, rate), append(c.tails, hold(capacity.Trial{Rate: rate}, 20_000).P99.Seconds())
	}
	for n := 1; n <= 96; n += (n + 2) / 3 {
		if o := hold(capacity.Trial{Concurrency: n}, 6000); o.Failed == 0 {
			c.n, c.x = append(c.n, float64(n)), append(c.x, throughput(o))
		}
	}
	return c
}

func secs(x float64) time.Duration { return time.Duration(x * float64(time.Second)) }

// knee is a definition of where a server's limit is when nobody has said what
// it must hold; its answer is a rate, 0 for none.
type knee struct {
	name string
	at   func(c curve) float64
}

func knees() []knee {
	return []knee{
		{"derived limit (Plimsoll): p99 at most max(2·p99(1), p99(1)+4·p50(1))", func(c curve) float64 {
			return c.crossing(func(i int) float64 { return c.tails[i] / max(2*c.p99, c.p99+4*c.p50) })
		}},
		{"Kneedle on p99 over the rate, seen to 96 % of the saturation", func(c curve) float64 { return c.kneedle(len(c.rates)) }},
		{"the same curve seen to 75 %", func(c curve) float64 { return c.kneedle(len(c.rates) * 3 / 4) }},
		{"USL: X at its N_max", usl},
		{"power: X where X²/N is greatest", power},
		{"slope: p99 grows by as many per cent as the rate", func(c curve) float64 {
			return c.crossing(func(i int) float64 {
				a, b := max(0, i-1), min(len(c.rates)-1, i+1)
				return math.Log(c.tails[b]/c.tails[a]) / math.Log(c.rates[b]/c.rates[a])
			})
		}},
	}
}

// crossing is the rate at which something first passes 1, between two points.
func (c curve) crossing(of func(i int) float64) float64 {
	before := 0.0
	for i := range c.rates {
		now := of(i)
		if now >= 1 && i > 0 {
			share := (1 - before) / math.Max(now-before, 1e-9)
			return c.rates[i-1] + share*(c.rates[i]-c.rates[i-1])
		}
		before = now
	}
	return c.rates[len(c.rates)-1]
}

// kneedle is the point of the first so many that lies farthest below the diagonal
// once both axes are scaled to [0, 1].
func (c curve) kneedle(points int) float64 {
	best, at := 0.0, 0.0
	for i := range points {
		x := (c.rates[i] - c.rates[0]) / (c.rates[points-1] - c.rates[0])
		y := (c.tails[i] - c.tails[0]) / math.Max(c.tails[points-1]-c.tails[0], 1e-12)
		if x-y > best {
			best, at = x-y, c.rates[i]
		}
	}
	return at
}

// power is Kleinrock's: throughput over response time, which is N/X.
func power(c curve) float64 {
	best, at := 0.0, 0.0
	for i, x := range c.x {
		if p := x * x / c.n[i]; p > best {
			best, at = p, x
		}
	}
	return at
}

// usl fits N/X = (1 + σ·(N−1) + κ·N·(N−1))/λ by least squares; none when κ is not
// positive, for then the curve has no top.
func usl(c curve) float64 {
	if len(c.n) < 6 {
		return 0
	}
	var normal [3][4]float64
	for i, n := range c.n {
		terms := [4]float64{1, n - 1, n * (n - 1), n / c.x[i]}
		for a := range 3 {
			for b := range 4 {
				normal[a][b] += terms[a] * terms[b]
			}
		}
	}
	for p := range 3 {
		for r := range 3 {
			if r == p || normal[p][p] == 0 {
				continue
			}
			f := normal[r][p] / normal[p][p]
			for b := range 4 {
				normal[r][b] -= f * normal[p][b]
			}
		}
	}
	one, linear, square := normal[0][3]/normal[0][0], normal[1][3]/normal[1][1], normal[2][3]/normal[2][2]
	sigma, kappa := linear/one, square/one
	if !(one > 0) || !(kappa > 0) || sigma >= 1 {
		return 0
	}
	n := math.Sqrt((1 - sigma) / kappa)
	return n / (one * (1 + sigma*(n-1) + kappa*n*(n-1)))
}

// tailAt is p99 at a rate, between two points.
func (c curve) tailAt(rate float64) float64 {
	for i := 1; i < len(c.rates); i++ {
		if rate <= c.rates[i] {
			share := (rate - c.rates[i-1]) / (c.rates[i] - c.rates[i-1])
			return c.tails[i-1] + max(0, share)*(c.tails[i]-c.tails[i-1])
		}
	}
	return math.Inf(1)
}

// compareKnees is a table of the definitions over instances, two seeds each.
func compareKnees(ins []archetype.Instance) string {
	const seeds = 2
	curves := parallel(len(ins)*seeds, func(i int) curve { return measure(ins[i/seeds], uint64(i%seeds)+1) })
	var out strings.Builder
	out.WriteString("| definition | none | rate ÷ saturation: median | 10 to 90 % of servers | p99 ÷ unloaded p99 there | between two runs: median | 90 % |\n|---|---|---|---|---|---|---|\n")
	for _, k := range knees() {
		var shares, tails, apart []float64
		none := 0
		for i, c := range curves {
			at := k.at(c)
			if !(at > 0) {
				none++
				continue
			}
			shares, tails = append(shares, at/c.saturation), append(tails, c.tailAt(at)/c.p99)
			if i%seeds == 1 {
				if before := k.at(curves[i-1]); before > 0 {
					apart = append(apart, math.Abs(at/before-1))
				}
			}
		}
		if len(apart) == 0 {
			continue
		}
		fmt.Fprintf(&out, "| %s | %.0f %% | %.2f | %.2f to %.2f | %s | %.1f %% | %.1f %% |\n", k.name, 100*float64(none)/float64(len(curves)),
			quantile(shares, 0.5), quantile(shares, 0.1), quantile(shares, 0.9), times(quantile(tails, 0.5)), 100*quantile(apart, 0.5), 100*quantile(apart, 0.9))
	}
	return out.String()
}

func times(x float64) string {
	if math.IsInf(x, 1) {
		return "unbounded"
	}
	return fmt.Sprintf("%.1f", x)
}
