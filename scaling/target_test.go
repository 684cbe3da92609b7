package scaling

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFromPeak(t *testing.T) {
	for _, c := range []struct {
		name   string
		peak   PerMinute
		factor float64
		want   PerMinute
	}{
		{"412 a second by the AWS default", PerSecond(412).PerMinute(), 0.5, 12360},
		{"rounded down", PerSecond(10.33).PerMinute(), 0.5, 309},
		{"measured per minute", 412, 0.5, 206},
		{"hundredths below ten a minute", 12.345, 0.5, 6.17},
		{"exact hundredths stay", 0.58, 0.5, 0.29},
		{"factor 1 stays below a whole peak", PerSecond(412).PerMinute(), 1, 24719},
		{"factor 1 stays below a small peak", 5, 1, 4.99},
		// AWS CDK, scalable-instance-count.ts: safetyFactor × maxRequestsPerSecond × 60, not rounded.
		{"as the CDK construct", PerSecond(30).PerMinute(), 0.5, 900},
	} {
		got, err := FromPeak(c.peak, c.factor)
		if err != nil || got.Value != c.want {
			t.Errorf("%s: FromPeak(%v, %v) = %v, %v; want %v", c.name, c.peak, c.factor, got.Value, err, c.want)
		}
	}
}

// TestFormulaIsTrue: what was taken off to stay below the peak is said.
func TestFormulaIsTrue(t *testing.T) {
	for _, c := range []struct {
		peak      PerMinute
		factor    float64
		perMinute bool
		want      string
	}{
		{PerSecond(412).PerMinute(), 0.5, false, "412/s × 0.5 × 60 = 12360/min"},
		{PerSecond(412).PerMinute(), 1, false, "412/s × 1 × 60 = 24719/min, kept below the peak"},
		{412, 1, true, "412/min × 1 = 411/min, kept below the peak"},
		{PerSecond(10.33).PerMinute(), 1, false, "10.33/s × 1 × 60 = 619/min"},
	} {
		target, err := FromPeak(c.peak, c.factor)
		if err != nil {
			t.Fatal(err)
		}
		if got := target.Formula(c.perMinute); got != c.want {
			t.Errorf("formula %q, want %q", got, c.want)
		}
	}
}

func TestTargetLiesBelowThePeak(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		peak := PerMinute(rapid.Float64Range(0.05, float64(maxPeak)).Draw(t, "peak"))
		factor := rapid.Float64Range(0.5, 1).Draw(t, "factor")
		got, err := FromPeak(peak, factor)
		if err != nil {
			t.Fatalf("FromPeak(%v, %v): %v", peak, factor, err)
		}
		if got.Value >= peak || got.Value > peak*PerMinute(factor)+1e-6 || got.Value <= 0 {
			t.Fatalf("FromPeak(%v, %v) = %v, want it below the peak and at most factor × peak", peak, factor, got.Value)
		}
	})
}

func TestFromPeakRejects(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		peak   PerMinute
		factor float64
		want   string
	}{
		{100, 0, "safety factor 0"},
		{100, 1.01, "safety factor 1.01"},
		{100, nan, "safety factor NaN"},
		{100, -0.5, "safety factor -0.5"},
		{0, 0.5, "peak 0/min"},
		{PerMinute(nan), 0.5, "peak NaN"},
		{PerMinute(math.Inf(1)), 0.5, "peak +Inf"},
		{0.01, 0.5, "round down to zero"},
	} {
		if _, err := FromPeak(c.peak, c.factor); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("FromPeak(%v, %v) error = %v, want %q", c.peak, c.factor, err, c.want)
		}
	}
}

func TestFormula(t *testing.T) {
	target, err := FromPeak(PerSecond(412).PerMinute(), 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := target.Formula(false), "412/s × 0.5 × 60 = 12360/min"; got != want {
		t.Errorf("Formula(false) = %q, want %q", got, want)
	}
	if got, want := target.Formula(true), "24720/min × 0.5 = 12360/min"; got != want {
		t.Errorf("Formula(true) = %q, want %q", got, want)
	}
	if got := PerMinute(90).PerSecond(); got != 1.5 {
		t.Errorf("PerMinute(90).PerSecond() = %v, want 1.5", got)
	}
}
