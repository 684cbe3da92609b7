package capacity

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// trialOf is what a client sees of so many workers with room for so many, 0 for
// any number, and what each taken request asked for (s).
func trialOf(rng *rand.Rand, workers, room int, rate float64, requests int) (f First, asked []float64) {
	free := make([]int64, workers)
	var inside dues
	at := int64(0)
	for range requests {
		at += int64(1e6 * rng.ExpFloat64() / rate)
		f.At = append(f.At, at)
		if n := inside.leave(float64(at)); room > 0 && n >= room {
			f.Took = append(f.Took, -1000)
			continue
		}
		w := slices.Index(free, slices.Min(free))
		service := int64(10_000 * (0.5 + rng.Float64()))
		free[w] = max(at, free[w]) + service
		inside.push(due{at: float64(free[w])})
		f.Took, asked = append(f.Took, free[w]-at), append(asked, float64(service)/1e6)
	}
	return f, asked
}

// TestRoomIsFound: which requests were refused says how many have room.
func TestRoomIsFound(t *testing.T) {
	for _, c := range []struct{ workers, room int }{{1, 5}, {3, 9}, {8, 40}} {
		rng := rand.New(rand.NewPCG(1, uint64(c.room)))
		saturation := 100 * float64(c.workers)
		tw := twin{bounded: true, refusals: 5000}
		for w := 1; w <= 2*c.workers; w++ {
			tw.fits = append(tw.fits, fit{workers: w})
		}
		for range leastTwinBlocks {
			f, _ := trialOf(rng, c.workers, c.room, 0.97*saturation, 4000)
			tw.hear(f)
		}
		misfit, ok := tw.settle(saturation)
		if got, is := tw.plays.(boundedLine); !ok || !is || got.workers != c.workers || got.room != c.room {
			t.Errorf("%d workers with room for %d: fitted %+v, %v", c.workers, c.room, tw.plays, ok)
		}
		if math.Abs(misfit) > 0.02 {
			t.Errorf("%d workers with room for %d: misfit %.3f", c.workers, c.room, misfit)
		}
	}
}

// TestServicesOfABoundedLine: a request that was refused takes nothing, and one that
// failed in another way ends what is known.
func TestServicesOfABoundedLine(t *testing.T) {
	f, want := trialOf(rand.New(rand.NewPCG(2, 2)), 3, 6, 330, 2000)
	if len(want) == len(f.At) {
		t.Fatal("nothing was refused")
	}
	got, absurd := line{workers: 3}.services(f.told(5000), 0)
	if absurd != 0 || !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
		t.Errorf("%d services, %g of them absurd; want %d as served", len(got), absurd, len(want))
	}
	if got, _ := (line{workers: 3}).services(f.told(500), 0); len(got) >= len(want) {
		t.Error("the line went on behind a request that failed late")
	}
}

// TestBoundedLineRefuses follows the loss formula of M/M/c/K.
func TestBoundedLineRefuses(t *testing.T) {
	const workers, room, load, n = 2, 6, 0.9, 400_000
	rng := rand.New(rand.NewPCG(3, 3))
	at, services := make([]float64, n), make([]float64, n)
	now := 0.0
	for i := range at {
		now += rng.ExpFloat64() / (load * workers)
		at[i], services[i] = now, rng.ExpFloat64()
	}
	lost := 0.0
	for _, bad := range (boundedLine{line{workers}, room}).bad(at, services, math.Inf(1)) {
		if bad {
			lost++
		}
	}
	if got, want := lost/n, lossShare(load, workers, room-workers); math.Abs(got/want-1) > 0.05 {
		t.Errorf("refused %.4f of the requests, want %.4f", got, want)
	}
}
