package report

import (
	"strings"
	"testing"

	"plimsoll/capacity"
	"plimsoll/experiment"
)

// TestNoPeakIsNotAlwaysAnObjectiveMissed: too little may have been measured.
func TestNoPeakIsNotAlwaysAnObjectiveMissed(t *testing.T) {
	missed := experiment.Result{Status: experiment.Complete, Peak: experiment.Peak{Cause: capacity.CauseNone, Missed: true}}
	if got := causeOf(&missed); !strings.Contains(got, "not even the lightest") {
		t.Errorf("cause of a missed objective: %q", got)
	}
	short := experiment.Result{Status: experiment.Complete, Peak: experiment.Peak{Cause: capacity.CauseNone}}
	if got := causeOf(&short); strings.Contains(got, "objective") || !strings.Contains(got, "Too little was measured") {
		t.Errorf("cause of a search that ended early: %q, want one that accuses no objective", got)
	}
}

// TestSaturationIsOnlyComparedWhereItCanBe.
func TestSaturationIsOnlyComparedWhereItCanBe(t *testing.T) {
	peak := 100.0
	for name, c := range map[string]struct {
		plateau *experiment.Plateau
		want    []string
		not     []string
	}{
		"not reached":          {nil, nil, []string{"."}},
		"a closed loop":        {&experiment.Plateau{Rate: 125, Concurrency: 8}, []string{"(closed loop)", "80 % of it: a closed loop waits"}, nil},
		"a rate limit":         {&experiment.Plateau{Rate: 96}, []string{"rate limit (open loop)"}, []string{"closed loop", "% of it"}},
		"a peak at or past it": {&experiment.Plateau{Rate: 99, Concurrency: 8}, []string{"(closed loop)"}, []string{"% of it"}},
	} {
		r := &experiment.Result{Peak: experiment.Peak{Rate: &peak, High: &peak}, Saturation: c.plateau}
		got := saturationOf(r, unitsOf(r.Plan))
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %q", name, got, want)
			}
		}
		for _, not := range c.not {
			if strings.Contains(got, not) {
				t.Errorf("%s: %q has %q", name, got, not)
			}
		}
	}
}

// TestALoadDerivesNoObjective, and its report must not say so.
func TestALoadDerivesNoObjective(t *testing.T) {
	if got := noObjectives(experiment.Plan{Load: &experiment.LoadPlan{}}); strings.Contains(got, "derived") {
		t.Errorf("objectives of a load without any: %q", got)
	}
}
