package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/loadgen"
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

// TestAnExhaustedClientIsNoUnreachableEndpoint: without files or ports here, nothing is known
// of the endpoint.
func TestAnExhaustedClientIsNoUnreachableEndpoint(t *testing.T) {
	for class, want := range map[loadgen.Class]struct {
		code int
		says string
	}{
		loadgen.Exhausted: {exitClientLimited, "this machine cannot open the connections"},
		loadgen.Refused:   {exitUnreachable, "the endpoint cannot be reached"},
		loadgen.Network:   {exitUnreachable, "the endpoint cannot be reached"},
	} {
		err := &experiment.UnreachableError{Err: fmt.Errorf("opening 60 sessions: %w", &loadgen.OpenError{Class: class, Err: errors.New("why")})}
		if got := codeOf(err); got != want.code || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%v: exit code %d, %v; want %d and %q", class, got, err, want.code, want.says)
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
