package capacity

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"plimsoll/slo"
)

func TestWilson(t *testing.T) {
	for _, c := range []struct{ k, n, low, high float64 }{
		{0, 0, 0, 1},
		{0, 100, 0, 0.0370},
		{5, 100, 0.0215, 0.1118},
		{100, 100, 0.9630, 1},
	} {
		low, high := wilson(c.k, c.n, 1.96)
		if math.Abs(low-c.low) > 1e-3 || math.Abs(high-c.high) > 1e-3 {
			t.Errorf("wilson(%g, %g, 1.96) = %.4f, %.4f, want %.4f, %.4f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

// TestBatchErrorSeesCorrelation: a series that wanders has a far larger error of
// its mean than its bins, taken one by one, would have it.
func TestBatchErrorSeesCorrelation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	white, wander := make([]float64, 960), make([]float64, 960)
	last := 0.0
	for i := range white {
		white[i] = rng.NormFloat64()
		last = 0.95*last + rng.NormFloat64()
		wander[i] = last
	}
	if got, want := batchError(white), 1/math.Sqrt(960); got < want*0.9 || got > want*2 {
		t.Errorf("batchError(white noise) = %.4f, want about %.4f", got, want)
	}
	naive := math.Sqrt(variance(wander) / 960)
	if got := batchError(wander); got < 3*naive {
		t.Errorf("batchError(AR(0.95)) = %.4f, want at least three times the naive %.4f", got, naive)
	}
}

func TestRound4(t *testing.T) {
	for _, c := range []struct{ in, want float64 }{{0, 0}, {math.NaN(), 0}, {-1, 0}, {123.456, 123.5}, {0.0012345, 0.001235}, {98765, 98770}} {
		if got := round4(c.in); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("round4(%g) = %g, want %g", c.in, got, c.want)
		}
	}
}

// TestLossShare compares with Erlang's B formula and the M/M/1/K queue.
func TestLossShare(t *testing.T) {
	for _, c := range []struct{ rho, workers, places, want float64 }{
		{0.5, 1, 0, 0.5 / 1.5},
		{0.5, 2, 0, 0.2}, // B(2, 1) = 1/5
		{0.5, 1, 3, 0.5 * math.Pow(0.5, 4) / (1 - math.Pow(0.5, 5))},
	} {
		if got := lossShare(c.rho, c.workers, c.places); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("lossShare(%g, %g, %g) = %.6f, want %.6f", c.rho, c.workers, c.places, got, c.want)
		}
	}
}

// TestExpectedGap: the prior of the peak is near that of an M/M/1 queue, whose
// share of waits beyond t is ρ·e^(−(1−ρ)·t/service).
func TestExpectedGap(t *testing.T) {
	s := modelled()
	s.base.SquaredCV = 1
	o := slo.Objective{Kind: slo.Quantile, Level: 0.99, Limit: 500 * time.Millisecond}
	const service = 0.01
	gap, ok := s.expectedGap(o, 1/service)
	want := 1 - service*erlangPeak(1, service, func(d mmc) bool { return d.above(0.5) <= 0.01 })
	if !ok || math.Abs(gap-want) > 0.01 {
		t.Errorf("expectedGap(%v) = %.3f, want about %.3f", o, gap, want)
	}
}

// TestBacklogIsJudgedByItsSlope: with a limit too generous to be missed, answers
// that fall behind show in the slope of the response time, and a busy but stable
// endpoint does not.
func TestBacklogIsJudgedByItsSlope(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		grows bool
	}{{300, false}, {380, false}, {440, true}, {500, true}} {
		c2 := newClient(workers(4, 0.01), 5) // saturates at 400/s
		tr := Trial{Rate: c.rate, Settle: time.Second, Measure: 10 * time.Second, Patience: 30 * time.Second}
		b := read(tr, c2.hold(tr)).backlog(1, 0.25)
		if !b.known || b.grows != c.grows {
			t.Errorf("backlog at %g/s of 400/s: %+v, want grows %v", c.rate, b, c.grows)
		}
		if want := c.rate/400 - 1; c.grows && math.Abs(b.slope-want) > 0.05 {
			t.Errorf("slope at %g/s = %.3f, want about %.3f", c.rate, b.slope, want)
		}
	}
}

// TestLeftoversAreNotTheNextTrials: an overload is followed by a pause, and a
// trial that met the backlog of another is held again instead of believed.
func TestLeftoversAreNotTheNextTrials(t *testing.T) {
	plan := DefaultPlan()
	plan.Objectives = objectives(t, "p99=80ms")
	s, err := New(plan)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(workers(4, 0.01), 5)
	tr, _ := s.Next()
	for ; tr.Phase != Bracket; tr, _ = s.Next() {
		record(t, s, c.hold(tr))
	}
	if tr.Drain != 0 {
		t.Errorf("trial %+v waits for silence without an overload before it", tr)
	}
	o := c.hold(tr)
	o.Overloaded, o.Window = true, tr.Measure/20
	record(t, s, o)
	if len(s.open) != 0 {
		t.Error("a trial given up at once was believed, want it held again")
	}
	again, _ := s.Next()
	if again.Rate != tr.Rate || again.Drain == 0 || !strings.Contains(again.Why, "backlog") {
		t.Errorf("after a trial that met a backlog: %+v, want the same rate after a pause", again)
	}
	record(t, s, o)
	if len(s.open) != 1 {
		t.Error("the same after a pause was not believed")
	}
	if next, _ := s.Next(); next.Drain == 0 {
		t.Errorf("after an overload: %+v, want a pause first", next)
	}
}

func record(t *testing.T, s *Search, o Observation) {
	t.Helper()
	if err := s.Record(o); err != nil {
		t.Fatal(err)
	}
}
