package cli

import (
	"errors"
	"fmt"
	"strings"
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

// TestAFullDiskIsSaidOnce: the error of the record that stopped the run is the
// one that its closing gives again.
func TestAFullDiskIsSaidOnce(t *testing.T) {
	full := errors.New("recording trial 3: no space left on device")
	stopped := fmt.Errorf("trial 3: %w", coded(exitRecord, full))
	err := afterWriting(stopped, full)
	if n := strings.Count(err.Error(), "no space left"); n != 1 || codeOf(err) != exitRecord {
		t.Errorf("said %d times with exit code %d, want once with %d: %v", n, codeOf(err), exitRecord, err)
	}
	if err := afterWriting(errInterrupted, full); !strings.Contains(err.Error(), "interrupted") || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("two problems: %v, want both", err)
	}
	if err := afterWriting(nil, nil); err != nil {
		t.Errorf("no problem: %v", err)
	}
}
