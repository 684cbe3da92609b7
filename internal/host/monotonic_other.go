//go:build !linux

package host

import "time"

// Monotonic is not known on this platform.
func Monotonic() time.Duration { return 0 }
