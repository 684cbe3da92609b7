package loadgen

import (
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/arrival"
)

// TestAFixedNumberOfSessions: an open loop has what it is given, no more when it is not
// enough, no fewer when it is too much, and no more after a closed loop that opened more.
func TestAFixedNumberOfSessions(t *testing.T) {
	s := &server{service: constant(100 * time.Millisecond)}
	inBubble(t, s, Options{Sessions: 20}, func(t *testing.T, g *Generator) {
		idle := run(t, g, Load{Schedule: arrival.Constant{Rate: 10}, Measure: time.Second})
		if c := idle.Client; c.Sessions != 20 || c.Grown != 0 {
			t.Errorf("10/s of 100ms: %d sessions, of which %d opened meanwhile; want 20 and 0", c.Sessions, c.Grown)
		}
		run(t, g, Load{Concurrency: 40, Measure: time.Second})
		from := len(s.arrivals())
		busy := run(t, g, Load{Schedule: arrival.Constant{Rate: 1000}, Measure: time.Second, Drain: time.Second})
		if busy.Client.Grown != 0 || busy.Counts.Late == 0 {
			t.Errorf("1000/s of 100ms: %d sessions opened, %d sends late; want 0, and some", busy.Client.Grown, busy.Counts.Late)
		}
		sent := s.arrivals()[from:]
		slices.Sort(sent)
		for i := 20; i < len(sent); i++ {
			if sent[i]-sent[i-20] < 100*time.Millisecond {
				t.Fatalf("21 requests arrived within %v of each other, want at most 20 within 100ms", sent[i]-sent[i-20])
			}
		}
	})
}

func TestMoreSessionsThanTheMostAreRefused(t *testing.T) {
	for _, o := range []Options{{Sessions: 5, MaxSessions: 4}, {Sessions: -1}} {
		o.Target, o.Bodies = nullTarget{}, oneBody{}
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "sessions") {
			t.Errorf("Validate with %d of %d sessions: got error %v, want one about sessions", o.Sessions, o.MaxSessions, err)
		}
	}
}
