//go:build !unix

package host

import "time"

// CPU is not known on this platform.
func CPU() time.Duration { return 0 }

// OpenFiles is not known on this platform.
func OpenFiles() uint64 { return 0 }

// hardFiles is not known on this platform.
func hardFiles() uint64 { return 0 }
