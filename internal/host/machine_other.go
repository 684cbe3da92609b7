//go:build !linux

package host

import "time"

// Machine is not known on this platform.
func Machine() (busy, total time.Duration) { return 0, 0 }
