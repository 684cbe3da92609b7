package report

import (
	"strings"
	"testing"

	"plimsoll/experiment"
)

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
