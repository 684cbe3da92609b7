package experiment

import (
	"testing"
	"time"

	"plimsoll/loadgen"
)

// TestTookOf: the three ends of a request stay apart, a failure at once too.
func TestTookOf(t *testing.T) {
	for name, c := range map[string]struct {
		took, failed time.Duration
		want         int64
	}{
		"answered":       {took: 5 * time.Millisecond, want: 5000},
		"at once":        {want: 0},
		"failed":         {took: -1, failed: 3 * time.Millisecond, want: -3000},
		"failed at once": {took: -1, failed: time.Nanosecond, want: -2},
		"no outcome":     {took: -1, want: -1},
	} {
		if got := tookOf(loadgen.Single{Took: c.took, Failed: c.failed}); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
