package capacity_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
)

// sweep plays a sweep to its end against a server in virtual time.
func sweep(t testing.TB, server archetype.Server, seed uint64, change func(*capacity.Plan)) (capacity.Curve, []capacity.Trial) {
	t.Helper()
	plan := capacity.DefaultPlan()
	if change != nil {
		change(&plan)
	}
	s, err := capacity.NewSweep(plan)
	if err != nil {
		t.Fatal(err)
	}
	client := archetype.NewClient(server, seed)
	var trials []capacity.Trial
	var spent time.Duration
	for {
		trial, more := s.Next()
		if !more {
			break
		}
		if again, _ := s.Next(); again.Number != trial.Number {
			t.Fatalf("trial %d was proposed, and then %d before it was recorded", trial.Number, again.Number)
		}
		o := client.Hold(trial)
		spent += o.Elapsed
		trials = append(trials, trial)
		if err := s.Record(o); err != nil {
			t.Fatal(err)
		}
	}
	if most := plan.Budget + plan.Budget/10 + 2*time.Second; spent > most {
		t.Errorf("the sweep took %v of %v", spent, plan.Budget)
	}
	return s.Curve(), trials
}

// shared is an endpoint with a scalability law of its own.
func shared(seed uint64, mean, sigma, kappa float64) *archetype.Sharing {
	return archetype.NewSharing(seed, 256, archetype.Lognormal(mean, 0.3), func(n int) float64 {
		return 1 / (1 + sigma*float64(n-1) + kappa*float64(n*(n-1)))
	})
}

// TestSweepRecoversTheLaw: of an endpoint that has a scalability law the sweep
// finds its coefficients, and says how well.
func TestSweepRecoversTheLaw(t *testing.T) {
	for _, c := range []struct{ mean, sigma, kappa float64 }{
		{0.01, 0.02, 0.002}, {0.005, 0.05, 0.004}, {0.03, 0.01, 0.01}, {0.01, 0.1, 0.0005},
	} {
		const seeds = 5
		within := 0
		for seed := range uint64(seeds) {
			curve, _ := sweep(t, shared(seed, c.mean, c.sigma, c.kappa), seed, nil)
			u := curve.USL
			if u == nil || !curve.Valid || curve.Changed {
				t.Fatalf("σ %v, κ %v: law %v, valid %v, changed %v (%q)", c.sigma, c.kappa, u, curve.Valid, curve.Changed, curve.Reasons)
			}
			peak := math.Sqrt((1 - c.sigma) / c.kappa)
			if math.Abs(u.Lambda*c.mean-1) > 0.06 || math.Abs(u.Sigma-c.sigma) > 0.02 || math.Abs(u.Kappa/c.kappa-1) > 0.25 || math.Abs(u.Peak/peak-1) > 0.12 {
				t.Errorf("λ %.4g, σ %.4g, κ %.4g, N* %.3g, residual %.3g; want %.4g, %v, %v, %.3g", u.Lambda, u.Sigma, u.Kappa, u.Peak, u.RMS, 1/c.mean, c.sigma, c.kappa, peak)
			}
			if strings.Contains(strings.Join(curve.Reasons, "\n"), "does not describe") {
				t.Errorf("σ %v, κ %v: %q", c.sigma, c.kappa, curve.Reasons)
			}
			if math.Abs(u.Sigma-c.sigma) <= 3*u.SigmaSE && math.Abs(u.Kappa-c.kappa) <= 3*u.KappaSE {
				within++
			}
		}
		if within < seeds-1 {
			t.Errorf("σ %v, κ %v: within three standard errors in %d of %d runs", c.sigma, c.kappa, within, seeds)
		}
	}
}

// TestSweepDrawsTheCurve of four workers: M/M/4-like below, a wall at 400/s.
func TestSweepDrawsTheCurve(t *testing.T) {
	curve, trials := sweep(t, workers(4, 0.01), 1, func(p *capacity.Plan) { p.Budget = 3 * time.Minute })
	if !curve.Valid || curve.Ended == "" {
		t.Fatalf("valid %v, ended %q, reasons %q", curve.Valid, curve.Ended, curve.Reasons)
	}
	var closed, open []capacity.Point
	for _, p := range curve.Points {
		if p.Concurrency > 0 {
			closed = append(closed, p)
		} else {
			open = append(open, p)
		}
	}
	if len(closed) < 5 || len(open) < 6 {
		t.Fatalf("%d points of the closed loop, %d of the open", len(closed), len(open))
	}
	for _, p := range closed {
		if want := math.Min(400, 100*float64(p.Concurrency)); math.Abs(p.Throughput.Value/want-1) > 0.05 {
			t.Errorf("%d in flight: %.4g/s, want about %.4g", p.Concurrency, p.Throughput.Value, want)
		}
	}
	before := 0.0
	for _, p := range open {
		if p.Rounds == 3 && !p.Behind && !(p.Mean.Low < p.Mean.Value && p.Mean.Value < p.Mean.High) {
			t.Errorf("%.4g/s: no band around the mean: %+v", p.Rate, p.Mean)
		}
		if !p.Behind && (p.Mean.Value < 0.95*before || p.P99.Value > 0 && p.P99.Value < p.P50.Value) {
			t.Errorf("%.4g/s: mean %.4g s after %.4g s, p50 %.4g, p99 %.4g", p.Rate, p.Mean.Value, before, p.P50.Value, p.P99.Value)
		}
		before = p.Mean.Value
	}
	if last := open[len(open)-1]; last.Rate < 370 || last.Rate > 400 {
		t.Errorf("the highest rate is %.4g/s, want just below 400/s", last.Rate)
	}
	if !strings.Contains(strings.Join(curve.Reasons, "\n"), "does not describe this endpoint") {
		t.Errorf("a server with a corner: reasons %q, want that the law does not describe it", curve.Reasons)
	}
	for i, trial := range trials {
		if trial.Number != i+1 || trial.Why == "" || trial.Measure <= 0 || (trial.Rate > 0) == (trial.Concurrency > 0) {
			t.Errorf("trial %d: %+v", i+1, trial)
		}
	}
}

// TestSweepBandsCover: the band of a mean holds the long-run mean as often as it says.
func TestSweepBandsCover(t *testing.T) {
	const mean = 0.01
	inside, all := 0, 0
	for seed := range uint64(12) {
		curve, _ := sweep(t, archetype.NewFIFO(seed, 1, archetype.Exponential(mean)), seed, nil)
		for _, p := range curve.Points {
			if p.Rate == 0 || p.Behind || p.Mean.High == 0 || p.Rate > 90 {
				continue // M/M/1 near saturation is in no steady state within seconds
			}
			want := mean / (1 - p.Rate*mean)
			all++
			if p.Mean.Low <= want && want <= p.Mean.High {
				inside++
			}
		}
	}
	if share := float64(inside) / float64(all); share < 0.87 {
		t.Errorf("%d of %d bands hold the mean 1/(μ−λ) of M/M/1, want about 95 %%", inside, all)
	}
}

func TestSweepTrouble(t *testing.T) {
	plain := func() *archetype.FIFO { return workers(4, 0.01) }
	for _, c := range []struct {
		name    string
		server  func() archetype.Server
		change  func(*capacity.Plan)
		valid   bool
		changed bool
		law     bool
		reason  string
		check   func(p capacity.Point) bool // of each point
	}{
		{
			name: "dies in the middle", reason: "stopped answering", law: true,
			server: func() archetype.Server { f := plain(); f.DieAt = 50; return f },
		},
		{
			name: "never answers", reason: "one at a time, none was answered well",
			server: func() archetype.Server { f := plain(); f.DieAt = 1e-9; return f },
		},
		{
			name: "refuses beyond a room", valid: true, law: true,
			server: func() archetype.Server { f := plain(); f.Room = 24; return f },
			check:  func(p capacity.Point) bool { return !p.Fitted || p.FailShare < 0.03 },
		},
		{
			name: "a limit of the rate", valid: true, change: func(p *capacity.Plan) { p.MaxRate = 250 }, reason: "the curve ends at the plan's limit of 250/s",
			server: func() archetype.Server { return plain() },
			check:  func(p capacity.Point) bool { return p.Rate <= 250 },
		},
		{
			name: "a limit of the requests", valid: true, change: func(p *capacity.Plan) { p.MaxRequests = 4000 },
			server: func() archetype.Server { return plain() },
		},
		{
			name: "a slow endpoint", valid: true,
			server: func() archetype.Server { return workers(4, 0.8) },
			check:  func(p capacity.Point) bool { return p.P99.Value == 0 },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			curve, _ := sweep(t, c.server(), 1, c.change)
			if curve.Valid != c.valid || curve.Changed != c.changed || c.law && curve.USL == nil {
				t.Errorf("valid %v, changed %v, law %v; want %v, %v, %v; %q", curve.Valid, curve.Changed, curve.USL, c.valid, c.changed, c.law, curve.Reasons)
			}
			if !strings.Contains(strings.Join(curve.Reasons, "\n"), c.reason) {
				t.Errorf("reasons %q, want one with %q", curve.Reasons, c.reason)
			}
			for _, p := range curve.Points {
				if c.check != nil && !c.check(p) {
					t.Errorf("point %+v", p)
				}
			}
		})
	}
}
