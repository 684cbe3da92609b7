package cli

import (
	"testing"

	"plimsoll/capacity"
	"plimsoll/experiment"
)

// TestPeakCode: only an objective that was missed is one.
func TestPeakCode(t *testing.T) {
	for name, c := range map[string]struct {
		peak experiment.Peak
		want int
	}{
		"found":                       {experiment.Peak{Found: true, Valid: true, Cause: capacity.CauseLatency}, exitOK},
		"missed at the lightest load": {experiment.Peak{Valid: true, Cause: capacity.CauseNone, Missed: true}, exitMissed},
		"ended before a rate":         {experiment.Peak{Valid: true, Cause: capacity.CauseNone}, exitInconclusive},
		"died":                        {experiment.Peak{Cause: capacity.CauseNone}, exitInconclusive},
		"client limited":              {experiment.Peak{Valid: true, Cause: capacity.CauseClient}, exitClientLimited},
		"limit reached":               {experiment.Peak{Valid: true, Cause: capacity.CauseLimit}, exitLimitReached},
	} {
		if got, _ := peakCode(c.peak); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
	}
}
