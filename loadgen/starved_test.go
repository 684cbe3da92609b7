package loadgen

import (
	"testing"
	"time"

	"plimsoll/arrival"
)

// TestAStarvedGeneratorDoesNotGrow: where its processors have no time left, more sessions
// would only make it later. 50/s of a second each need 50, and an open loop begins with 16.
func TestAStarvedGeneratorDoesNotGrow(t *testing.T) {
	for _, tt := range []struct {
		name string
		used float64 // processor seconds per second, of two processors
		grow bool
	}{
		{"half of the time is left", 1, true},
		{"nothing is left", 1.95, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{service: constant(time.Second)}
			cpu := func() time.Duration { return time.Duration(tt.used * float64(time.Since(s.start))) }
			inBubble(t, s, Options{CPU: cpu, Procs: 2}, func(t *testing.T, g *Generator) {
				time.Sleep(time.Minute)
				m := run(t, g, Load{Schedule: arrival.Constant{Rate: 50}, Settle: 2 * time.Second, Measure: time.Second})
				if n := m.Client.Sessions; tt.grow != (n >= 50) || !tt.grow && n > startSessions+startSessions/4 {
					t.Errorf("%d sessions for 50/s that take a second, growing %v", n, tt.grow)
				}
			})
		})
	}
}
