package capacity_test

import (
	"math"
	"testing"

	"plimsoll/capacity"

	"pgregory.net/rapid"
)

// TestLawOfAPublishedExample: the throughput of a Cisco benchmark, 1 to 32 in
// flight, from B. Schwartz, Practical Scalability Analysis with the Universal
// Scalability Law (2015), which fits λ = 995.65, σ = 0.02672, κ = 0.000769 and a
// peak of 12341/s with 35 in flight. That fit weighs absolute residuals, this one
// relative ones.
func TestLawOfAPublishedExample(t *testing.T) {
	x := []float64{
		955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71, 8646.7, 9047.84, 9426.55, 9645.37, 9897.24,
		10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806, 12089.37, 12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39,
	}
	n := make([]float64, len(x))
	for i := range n {
		n[i] = float64(i + 1)
	}
	u, ok := capacity.FitLaw(n, x)
	if !ok || math.Abs(u.Lambda/995.65-1) > 0.04 || math.Abs(u.Sigma-0.02672) > 0.007 || math.Abs(u.Kappa-0.000769) > 0.00015 ||
		math.Abs(u.Peak-35) > 2 || math.Abs(u.PeakRate/12341-1) > 0.02 || u.Points != 32 {
		t.Errorf("fit %+v, %v; want that of the paper", u, ok)
	}
	if math.Abs(u.Sigma-0.02672) > 3*u.SigmaSE || math.Abs(u.Kappa-0.000769) > 3*u.KappaSE {
		t.Errorf("the paper's coefficients are not within three standard errors of %+v", u)
	}
}

// TestLawIsRecovered: what follows a law exactly gives it back, and whatever is
// given gives no negative coefficient and no NaN.
func TestLawIsRecovered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		law := capacity.USL{
			Lambda: rapid.Float64Range(0.1, 1e5).Draw(t, "λ"), Sigma: rapid.Float64Range(0, 0.9).Draw(t, "σ"), Kappa: rapid.Float64Range(1e-6, 0.1).Draw(t, "κ"),
		}
		n := []float64{1, 2, 3, 5, 8, 13, 21, 34}
		var exact, wild []float64
		for _, n := range n {
			exact = append(exact, law.At(n))
			wild = append(wild, rapid.Float64Range(0, 1e6).Draw(t, "x"))
		}
		if u, ok := capacity.FitLaw(n, exact); !ok || math.Abs(u.Lambda/law.Lambda-1) > 1e-6 || math.Abs(u.Sigma-law.Sigma) > 1e-6 || math.Abs(u.Kappa/law.Kappa-1) > 1e-4 {
			t.Fatalf("law %+v: fit %+v, %v", law, u, ok)
		}
		u, ok := capacity.FitLaw(n, wild)
		for _, v := range []float64{u.Lambda, u.Sigma, u.Kappa, u.LambdaSE, u.SigmaSE, u.KappaSE, u.Peak, u.PeakRate, u.RMS} {
			if ok && (!(v >= 0) || math.IsInf(v, 0)) {
				t.Fatalf("fit of %v: %+v", wild, u)
			}
		}
	})
}

func TestLawNeedsPoints(t *testing.T) {
	for name, n := range map[string][]float64{"none": nil, "four": {1, 2, 3, 4}, "five of one": {2, 2, 2, 2, 2}} {
		x := make([]float64, len(n))
		for i := range x {
			x[i] = 100
		}
		if u, ok := capacity.FitLaw(n, x); ok {
			t.Errorf("%s: fit %+v, want none", name, u)
		}
	}
	// One worker: throughput does not grow, and never falls.
	if u, ok := capacity.FitLaw([]float64{1, 2, 4, 8, 16}, []float64{10, 10, 10, 10, 10}); !ok || math.Abs(u.Sigma-1) > 1e-6 || u.Peak != 0 {
		t.Errorf("a flat curve: %+v, %v; want σ = 1 and no peak", u, ok)
	}
}

func TestLadder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		top, most := rapid.IntRange(1, 2000).Draw(t, "top"), rapid.IntRange(2, 30).Draw(t, "most")
		rungs := capacity.LadderTo(top, most)
		if rungs[0] != 1 || rungs[len(rungs)-1] != top || len(rungs) > most {
			t.Fatalf("ladder to %d of at most %d: %v", top, most, rungs)
		}
		for i := 1; i < len(rungs); i++ {
			if rungs[i] <= rungs[i-1] {
				t.Fatalf("ladder to %d: %v does not rise", top, rungs)
			}
		}
	})
}

// TestStudentQuantile against the tables of the t distribution.
func TestStudentQuantile(t *testing.T) {
	for free, want := range map[int]float64{2: 4.303, 3: 3.182, 6: 2.447, 30: 2.042} {
		if got := capacity.StudentQuantile(0.95, free); math.Abs(got/want-1) > 0.04 {
			t.Errorf("t of %d degrees of freedom: %.3f, want %.3f", free, got, want)
		}
	}
}
