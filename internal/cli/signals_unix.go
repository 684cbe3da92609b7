//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups are the signals of a terminal that went away, unless the program was
// told to outlive it (nohup).
func hangups() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return nil
	}
	return []os.Signal{syscall.SIGHUP}
}

// ignoreClosedPipes makes writing to a pipe that nobody reads any more an error:
// by default it would end the program, and the run with it (find … | head).
func ignoreClosedPipes() { signal.Ignore(syscall.SIGPIPE) }
