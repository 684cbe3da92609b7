package experiment

import (
	"context"
	"strings"
	"testing"
	"time"

	"plimsoll/scaling"

	"pgregory.net/rapid"
)

// gauge is CloudWatch with one series of high resolution.
type gauge struct {
	ledger

	points []scaling.Point
	asked  string
}

func (g *gauge) Series(_ context.Context, v Variant, r Reading) ([]scaling.Point, error) {
	metric, statistic := r.Metric, r.Statistic
	g.asked = metric + " " + statistic + " " + v.Component
	return g.points, g.err
}

func TestCalibrate(t *testing.T) {
	now := time.Now()
	held := func(number int, rate float64, from, window time.Duration) Trial {
		return Trial{Number: number, Rate: rate, Started: now.Add(from), SettleSeconds: 5, WindowSeconds: window.Seconds(), Verdict: Verdict{Outcome: Held}}
	}
	missed := held(4, 99, 200*time.Second, time.Minute)
	missed.Verdict.Outcome = Missed
	closed := Trial{Number: 5, Concurrency: 8, Started: now, WindowSeconds: 60, Verdict: Verdict{Outcome: Held}}
	// A value for each ten seconds: the number of the ten.
	var points []scaling.Point
	for i := range 40 {
		points = append(points, scaling.Point{At: now.Add(time.Duration(10*i) * time.Second), Value: float64(i + 1)})
	}
	for _, tt := range []struct {
		name      string
		component string
		trials    []Trial
		points    []scaling.Point
		want      float64 // 0: none
		says      string
		asked     string
	}{
		{"the nearest below", "", []Trial{held(1, 85, 0, 60*time.Second), held(2, 95, 100*time.Second, 40*time.Second), held(3, 101, 300*time.Second, time.Minute), missed, closed}, points, 6.5, "median of 3, trial 2) × 0.5", "ConcurrentRequestsPerModel Maximum "},
		{"that is too short, so the next", "", []Trial{held(1, 85, 0, 60*time.Second), held(2, 95, 100*time.Second, 8*time.Second)}, points, 2, "trial 1", "ConcurrentRequestsPerModel Maximum "},
		{"all too short", "", []Trial{held(2, 95, 100*time.Second, 8*time.Second)}, points, 0, "the longest lasted 8s): a longer --budget", "ConcurrentRequestsPerModel Maximum "},
		{"none near", "", []Trial{held(1, 60, 0, time.Minute)}, points, 0, "no trial from 80 % of the peak", ""},
		{"it read nothing", "", []Trial{held(1, 90, 0, time.Minute)}, []scaling.Point{{At: now.Add(10 * time.Second)}}, 0, "read 0 at 90/s", "ConcurrentRequestsPerModel Maximum "},
		{"a component", "chat", []Trial{held(1, 90, 0, time.Minute)}, points, 2, "ConcurrentRequestsPerCopy read 4", "ConcurrentRequestsPerCopy Maximum chat"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &gauge{points: tt.points}
			r := &Reconciler{metrics: g, clock: g, on: []Variant{{Endpoint: "e", Name: "v", Component: tt.component}}, began: mark{now.Add(-time.Second), now.Add(-time.Second)}}
			result := Result{Trials: tt.trials, Peak: Peak{Rate: new(100.0)}, Target: &Target{PerMinute: 2850, SafetyFactor: 0.5, Formula: "95/s × 0.5 × 60"}}
			result.Targets = r.calibrate(t.Context(), result)
			if len(result.Targets) != 2 || *result.Targets[0].Value != 2850 || g.asked != tt.asked {
				t.Fatalf("calibrate: %+v after asking for %q, want 2850/min first, and %q", result.Targets, g.asked, tt.asked)
			}
			got, err := result.MetricTarget(r.on[0], OnConcurrency)
			if tt.want == 0 && (err == nil || got.Value != nil) || tt.want > 0 && (err != nil || *got.Value != tt.want) || !strings.Contains(got.How, tt.says) {
				t.Errorf("calibrate: %+v, %v; want %g, …%s…", got, err, tt.want, tt.says)
			}
		})
	}
	if _, err := (Result{}).MetricTarget(one, OnConcurrency); err == nil || !strings.Contains(err.Error(), "--reconcile=false") {
		t.Errorf("a run without targets: %v", err)
	}
}

func TestThreeDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(1e-6, 1e9).Draw(t, "x")
		if got := threeDigits(x); got > x*(1+1e-9) || got < 0.989*x {
			t.Fatalf("threeDigits(%g) = %g", x, got)
		}
	})
	for x, want := range map[float64]float64{3.5: 3.5, 6.5: 6.5, 12.349: 12.3, 0.71349: 0.713, 128: 128, 1289: 1280} {
		if got := threeDigits(x); got < want*(1-1e-9) || got > want*(1+1e-9) {
			t.Errorf("threeDigits(%g) = %g, want %g", x, got, want)
		}
	}
}

func TestMetricFor(t *testing.T) {
	component := Variant{Component: "c"}
	for _, tt := range []struct {
		v          Variant
		name, want string
		unit       string
		policy     string
	}{
		{one, "", Metric, "/min for each instance", scaling.ConsolePolicy},
		{one, "invocations", Metric, "/min for each instance", scaling.ConsolePolicy},
		{one, "concurrency", "SageMakerVariantConcurrentRequestsPerModelHighResolution", " requests in flight for each instance", "PlimsollConcurrentRequestsPerModel"},
		{component, "", "SageMakerInferenceComponentInvocationsPerCopy", "/min for each copy", "PlimsollInvocationsPerCopy"},
		{component, "concurrency", "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution", " requests in flight for each copy", "PlimsollConcurrentRequestsPerCopy"},
		{component, Metric, "", "", ""},
		{one, "SageMakerInferenceComponentInvocationsPerCopy", "", "", ""},
		{one, "cpu", "", "", ""},
	} {
		m, err := MetricFor(tt.v, tt.name)
		if m.Type != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("MetricFor(%v, %q) = %q, %v; want %q", tt.v, tt.name, m.Type, err, tt.want)
		}
		if tt.want != "" && (UnitOfTarget(m.Type) != tt.unit || PolicyName(m.Type) != tt.policy) {
			t.Errorf("%s: unit %q, policy %q; want %q, %q", m.Type, UnitOfTarget(m.Type), PolicyName(m.Type), tt.unit, tt.policy)
		}
	}
}
