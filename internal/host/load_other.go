//go:build !linux

package host

import "time"

// Load is not known on this platform.
func Load() (load float64, ok bool) { return 0, false }

// Stolen is not known on this platform.
func Stolen() time.Duration { return 0 }

// Memory is not known on this platform.
func Memory() (available uint64) { return 0 }

// ClockState is not known on this platform.
func ClockState() Clock { return Clock{} }
