package loadgen

import (
	"strings"
	"testing"
)

// TestAnExhaustedClientIsADoubt: what failed for want of files or ports here is no failure
// of the target, however few there are.
func TestAnExhaustedClientIsADoubt(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Measurement)
		want   string // empty: no doubt
	}{
		{"all is well", func(*Measurement) {}, ""},
		{"another failure", func(m *Measurement) { m.Counts.Errors[Network] = 5 }, ""},
		{"a request without a port", func(m *Measurement) { m.Counts.Errors[Exhausted] = 1 }, "1 requests found no file or local port left"},
		{"a connection that could not be opened", func(m *Measurement) {
			m.Client.OpenFailures, m.Client.OpenFailure = 3, "client_exhausted: too many open files"
		}, "3 connections could not be opened: client_exhausted: too many open files"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := Unmeasured(Load{})
			tt.change(&m)
			doubts := strings.Join(m.Doubts(Limits{}), "; ")
			if (doubts == "") != (tt.want == "") || !strings.Contains(doubts, tt.want) {
				t.Errorf("Doubts = %q, want %q", doubts, tt.want)
			}
		})
	}
}
