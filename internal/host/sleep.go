package host

import (
	"context"
	"time"
)

// rest is what is left to the precise timer: the runtime's, which costs less and can be
// interrupted, wakes a millisecond late at most when there is a processor.
const rest = 2 * time.Millisecond

// Wait sleeps until an instant or until the context is done: by the runtime's timer
// until shortly before the instant, and precisely for the rest.
func (s *Sleeper) Wait(ctx context.Context, instant time.Time) {
	if coarse := time.Until(instant) - rest; coarse > 0 {
		timer := time.NewTimer(coarse)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	s.Until(instant)
}
