package capacity

import (
	"math"
	"math/rand/v2"
	"testing"
)

// sharedTrial is what a client sees of an endpoint that requests share, and what
// each asked for.
func sharedTrial(rng *rand.Rand, speed speedCurve, rate float64, requests int) (f First, asked []float64) {
	var inside dues
	progress, now, at := 0.0, 0.0, 0.0
	f.Took = make([]int64, requests)
	for len(f.At) < requests || len(inside) > 0 {
		next := math.Inf(1)
		if len(f.At) < requests {
			next = at
		}
		if n := len(inside); n > 0 {
			pace := speed.at(n) / float64(n)
			if ends := now + (inside[0].at-progress)/pace; ends <= next {
				now, progress = ends, inside[0].at
				i := inside.pop().i
				f.Took[i] = int64(1e6*now) - f.At[i]
				continue
			}
			progress += (next - now) * pace
		}
		now = next
		work := 0.5 + rng.Float64()
		inside.push(due{at: progress + work, i: len(f.At)})
		f.At, asked = append(f.At, int64(1e6*now)), append(asked, work)
		at = now + rng.ExpFloat64()/rate
	}
	return f, asked
}

// retrograde is a curve that falls again beyond six at once.
var retrograde = speedCurve{0, 50, 95, 130, 150, 160, 165, 160, 155, 150}

// TestWorkIsFound: what requests asked for follows from when they came and went,
// whatever the curve.
func TestWorkIsFound(t *testing.T) {
	f, want := sharedTrial(rand.New(rand.NewPCG(1, 1)), retrograde, 110, 3000)
	got, absurd := sharing{retrograde}.services(f, 0)
	if absurd != 0 || len(got) < 2900 {
		t.Fatalf("%d services of 3000, %g absurd", len(got), absurd)
	}
	for i, work := range got {
		if math.Abs(work-want[i]) > 0.002 {
			t.Fatalf("request %d asked for %.4f, found %.4f", i, want[i], work)
		}
	}
}

// TestSharedAreTooLate: played anew, as many are late as the endpoint was late with.
func TestSharedAreTooLate(t *testing.T) {
	f, asked := sharedTrial(rand.New(rand.NewPCG(2, 2)), retrograde, 120, 20_000)
	at := make([]float64, len(f.At))
	late := 0
	for i := range at {
		at[i] = float64(f.At[i]) / 1e6
	}
	for i, bad := range (sharing{retrograde}).bad(at, asked, 0.1) {
		if bad != (f.Took[i] > 100_000) && math.Abs(float64(f.Took[i]-100_000)) > 500 {
			t.Fatalf("request %d took %d µs: late %v", i, f.Took[i], bad)
		}
		if bad {
			late++
		}
	}
	if late < 100 || late > 19_000 {
		t.Errorf("%d late of 20000 tell nothing", late)
	}
}

// TestSpeedIsSharpened: the open loop mends a curve that the closed loop drew wrong,
// and an endpoint that is shared is told from a line.
func TestSpeedIsSharpened(t *testing.T) {
	wrong := make(speedCurve, len(retrograde))
	for n := range wrong {
		wrong[n] = retrograde[n] * (1 + 0.1*math.Pow(-1, float64(n)))
	}
	tw := twin{speed: wrong}
	for w := 1; w <= 12; w++ {
		tw.fits = append(tw.fits, fit{workers: w})
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for range 2 * leastTwinBlocks {
		f, _ := sharedTrial(rng, retrograde, 125, 4000)
		tw.hear(f)
	}
	misfit, ok := tw.settle(150)
	got, shared := tw.plays.(sharing)
	if !ok || !shared || math.Abs(misfit) > 0.01 {
		t.Fatalf("it plays %T, misfit %.3f, %v; want sharing that fits", tw.plays, misfit, ok)
	}
	for n := 1; n <= 6; n++ {
		if math.Abs(got.speed[n]/retrograde[n]-1) > 0.04 {
			t.Errorf("speed with %d: %.1f, want %.1f", n, got.speed[n], retrograde[n])
		}
	}
}
