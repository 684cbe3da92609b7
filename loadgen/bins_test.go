package loadgen

import (
	"testing"
	"time"

	"plimsoll/arrival"
)

func TestBinsDivideTheWindow(t *testing.T) {
	inBubble(t, &server{service: constant(time.Millisecond)}, Options{}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 10}, Measure: 30 * time.Second, Bins: 3})
		if len(m.Bins) != 3 {
			t.Fatalf("%d bins, want 3", len(m.Bins))
		}
		for i, b := range m.Bins {
			if b.Offered != 100 || b.Successes != 100 {
				t.Errorf("bin %d: %d of %d requests, want 100", i, b.Successes, b.Offered)
			}
		}
	})
	if err := (Load{Concurrency: 1, Measure: time.Second, Bins: -1}).Validate(); err == nil {
		t.Error("-1 bins are valid")
	}
}
