package sagemaker

import (
	"net/http"
	"testing"
	"time"
)

// TestClockThatIsWrong: AWS dates its answers, and what it dates must not be compared with
// a clock that is minutes off.
func TestClockThatIsWrong(t *testing.T) {
	for name, row := range map[string]struct {
		ahead time.Duration // AWS's clock
		want  time.Duration
	}{
		"right":         {0, 0},
		"a second off":  {time.Second, 0},
		"minutes slow":  {5 * time.Minute, 5 * time.Minute},
		"an hour ahead": {-time.Hour, -time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			var c serviceClock
			at := time.Now()
			c.compare(at.Add(row.ahead).UTC().Format(http.TimeFormat), at, at)
			if got := time.Until(c.now()); (got - row.want).Abs() > 2*time.Second {
				t.Errorf("Now is %v ahead of this machine's clock, want %v", got, row.want)
			}
			if here := c.here(time.Hour); here != time.Hour {
				t.Errorf("an hour takes %v here", here)
			}
		})
	}
}
