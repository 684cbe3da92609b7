//go:build !unix

package cli

import "os"

// hangups are the signals of a terminal that went away; there is none here.
func hangups() []os.Signal { return nil }

// ignoreClosedPipes has nothing to do here: no signal comes of a closed pipe.
func ignoreClosedPipes() {}
