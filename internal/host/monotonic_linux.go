package host

import (
	"time"

	"golang.org/x/sys/unix"
)

// Monotonic is the time on the machine's monotonic clock, the same for all its
// processes, so that instants noted by two of them can be compared; 0 when unknown.
func Monotonic() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
