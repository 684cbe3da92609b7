package hosting

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestPickFollowsWeights routes many requests: each variant gets its share, one without
// weight gets none.
func TestPickFollowsWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(0, 10), 1, 6).Draw(t, "weights")
		weights[rapid.IntRange(0, len(weights)-1).Draw(t, "some")] = 1
		seed := rapid.Uint64().Draw(t, "seed")
		r := &route{}
		for _, weight := range weights {
			r.variants = append(r.variants, &group{weight: weight})
			r.total += weight
		}
		const n = 4000
		got := map[*group]int{}
		for k := range uint64(n) {
			got[r.pick(draw(seed, k))]++
		}
		for k, g := range r.variants {
			p := g.weight / r.total
			if d := math.Abs(float64(got[g]) - n*p); d > 6*math.Sqrt(n*p*(1-p))+1 {
				t.Fatalf("weights %v: variant %d got %d of %d, want about %v", weights, k, got[g], n, n*p)
			}
			if g.weight == 0 && got[g] > 0 {
				t.Fatalf("weights %v: variant %d has no weight and got %d", weights, k, got[g])
			}
		}
	})
}

func TestDrawsAreUniform(t *testing.T) {
	const n, bins = 100_000, 10
	var counts [bins]float64
	for k := range uint64(n) {
		x := draw(1, k)
		if x < 0 || x >= 1 {
			t.Fatalf("draw(1, %d) = %v, want from 0 to 1", k, x)
		}
		counts[int(x*bins)]++
	}
	chi := 0.0
	for _, c := range counts {
		chi += (c - n/bins) * (c - n/bins) / (n / bins)
	}
	if chi > 27.9 { // 99.9 % of χ² with 9 degrees of freedom
		t.Errorf("χ² of 10 bins = %v, want below 27.9: %v", chi, counts)
	}
}

func TestChoose(t *testing.T) {
	units := func(inFlight ...int64) []*unit {
		all := make([]*unit, len(inFlight))
		for k, n := range inFlight {
			all[k] = newUnit(failed{})
			all[k].inFlight.Store(n)
		}
		return all
	}
	g := &group{units: units(3, 1, 4, 1)}
	seen := map[*unit]int{}
	for k := range uint64(4000) {
		seen[g.choose(draw(1, k))]++
	}
	for k, u := range g.units {
		if seen[u] < 900 || seen[u] > 1100 {
			t.Errorf("RANDOM sent %d of 4000 to unit %d, want about 1000", seen[u], k)
		}
	}
	g.least = true
	clear(seen)
	for k := range uint64(4000) {
		seen[g.choose(draw(1, k))]++
	}
	if seen[g.units[0]] > 0 || seen[g.units[2]] > 0 || seen[g.units[1]] < 800 || seen[g.units[3]] < 800 {
		t.Errorf("LEAST_OUTSTANDING_REQUESTS = %d, %d, %d, %d of 4000; want only the two with one, both", seen[g.units[0]], seen[g.units[1]], seen[g.units[2]], seen[g.units[3]])
	}
	if got := (&group{}).choose(0.5); got != nil {
		t.Errorf("choose of nothing = %v, want nil", got)
	}
}

// TestUnitLeavesOnce has a unit that leaves take no more and empty exactly when the last
// request goes.
func TestUnitLeavesOnce(t *testing.T) {
	u := newUnit(failed{})
	for range 2 {
		if !u.enter() {
			t.Fatal("a unit in service takes nothing")
		}
	}
	u.leaving.Store(true)
	if u.enter() {
		t.Error("a unit that leaves takes a request")
	}
	u.leave()
	select {
	case <-u.empty:
		t.Error("empty with a request in flight")
	default:
	}
	u.leave()
	<-u.empty
}
