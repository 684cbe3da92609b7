//go:build !linux

package host

import "time"

// Sleeper sleeps by the runtime's timers on this platform.
type Sleeper struct{}

// Until sleeps until an instant; it returns at once when that has passed.
func (*Sleeper) Until(instant time.Time) { time.Sleep(time.Until(instant)) }

// Close does nothing.
func (*Sleeper) Close() {}
