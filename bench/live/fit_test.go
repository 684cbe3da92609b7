package main

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// blocksOf draws blocks whose share of bad requests is budget·(rate/root)^slope, in
// clusters of some requests.
func blocksOf(root, slope, total float64, cluster, rounds int, seed uint64) (out []point) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range rounds {
		for _, times := range []float64{0.5, 0.7, 1, 1.4, 2} {
			rate := root * math.Pow(times, 1/slope)
			p := point{rate: rate, total: total}
			for left := total * 0.01 * times / float64(cluster); ; {
				if left -= r.ExpFloat64(); left < 0 {
					break
				}
				p.bad += float64(cluster)
			}
			out = append(out, p)
		}
	}
	return out
}

func TestFitOfExactSharesIsExact(t *testing.T) {
	var points []point
	for _, rate := range []float64{370, 380, 390, 400, 410, 420} {
		points = append(points, point{rate: rate, total: 1e5, bad: 1e5 * 0.01 * math.Pow(rate/395, 25)})
	}
	c, err := cross(points, 0.01)
	if err != nil || math.Abs(c.rate/395-1) > 1e-9 || math.Abs(c.slope-25) > 1e-6 || c.se > 1e-9 || c.used != 6 {
		t.Errorf("%+v, %v, want 395/s with the slope 25 from 6 blocks", c, err)
	}
}

// The error that is stated is the one that is made, clusters and all, and there is no bias.
func TestStatedErrorIsTheRealOne(t *testing.T) {
	const root, runs = 385.0, 200
	for _, each := range []struct {
		name    string
		slope   float64
		cluster int
	}{{"steep", 100, 1}, {"clusters", 30, 40}, {"flat", 12, 5}} {
		t.Run(each.name, func(t *testing.T) {
			var scores, offs []float64
			for seed := range uint64(runs) {
				c, err := cross(blocksOf(root, each.slope, 20_000, each.cluster, 8, seed), 0.01)
				if err != nil {
					t.Fatal(err)
				}
				offs = append(offs, math.Log(c.rate/root))
				scores = append(scores, math.Log(c.rate/root)/c.se)
			}
			wantStated(t, offs, scores)
		})
	}
}

// Blocks far away, where the line does not hold, have no say.
func TestFarBlocksHaveNoSay(t *testing.T) {
	points := blocksOf(385, 40, 50_000, 1, 6, 1)
	near, err := cross(points, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		points = append(points, point{rate: 385 * 1.2, total: 50_000, bad: 9_000}, point{rate: 385 * 1.3, total: 50_000, bad: 50_000}, point{rate: 385 * 0.7, total: 50_000, bad: 40})
	}
	all, err := cross(points, 0.01)
	if err != nil || math.Abs(math.Log(all.rate/near.rate)) > near.se {
		t.Errorf("%.2f/s with them, %.2f/s ± %.2f %% without: %v", all.rate, near.rate, 100*near.se, err)
	}
}

func TestCrossRefuses(t *testing.T) {
	flat := func(bad float64, rates ...float64) (out []point) {
		for _, r := range rates {
			out = append(out, point{rate: r, total: 1000, bad: bad})
		}
		return out
	}
	below := []point{}
	for _, rate := range []float64{300, 310, 320, 330, 340} {
		below = append(below, point{rate: rate, total: 1e5, bad: 1e3 * math.Pow(rate/395, 10)})
	}
	for _, each := range []struct {
		name   string
		points []point
		want   string
	}{
		{"none", nil, "fewer than"},
		{"not one bad", flat(0, 1, 2, 3, 4, 5, 6), "not one"},
		{"one rate", flat(10, 5, 5, 5, 5, 5, 5), "one rate"},
		{"falling", []point{{1, 1000, 20}, {2, 1000, 15}, {3, 1000, 10}, {4, 1000, 8}, {5, 1000, 4}}, "does not rise"},
		{"all below", below, "outside"},
	} {
		if c, err := cross(each.points, 0.01); err == nil || !strings.Contains(err.Error(), each.want) {
			t.Errorf("%s: %+v, %v, want an error with %q", each.name, c, err, each.want)
		}
	}
}

// With the slope known, rare large clusters and near rates still give the crossing, with
// the error that is stated.
func TestKnownSlopeNeedsNoLadder(t *testing.T) {
	const root, slope, runs = 385.0, 84.0, 300
	var offs, scores []float64
	for seed := range uint64(runs) {
		c, err := crossSteep(blocksOf(root, slope, 23_000, 600, 10, seed), 0.01, slope)
		if err != nil {
			t.Fatal(err)
		}
		offs = append(offs, math.Log(c.rate/root))
		scores = append(scores, math.Log(c.rate/root)/c.se)
	}
	wantStated(t, offs, scores)
	if _, err := crossSteep(blocksOf(root, slope, 0, 1, 2, 1), 0.01, slope); err == nil {
		t.Error("blocks without a bad request have a crossing")
	}
}

// wantStated wants errors, in log rate, without bias, and of the size that was stated.
func wantStated(t *testing.T, offs, scores []float64) {
	t.Helper()
	bias, sd := moments(offs)
	if math.Abs(bias) > 4*sd/math.Sqrt(float64(len(offs)))+0.2*sd {
		t.Errorf("bias %g, standard deviation %g", bias, sd)
	}
	if _, spread := moments(scores); spread < 0.8 || spread > 1.4 {
		t.Errorf("errors are %.2f of the stated standard errors", spread)
	}
}
