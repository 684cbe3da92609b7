package host

import "time"

// Clock is whether a clock is kept in step with others.
type Clock struct {
	Known        bool // the kernel tells
	Synchronized bool
	MaxError     time.Duration // how far it may be off at most, by the kernel's own reckoning
}
