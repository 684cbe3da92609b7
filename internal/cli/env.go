// Package cli is the command line: it reads flags and the YAML file, wires the
// packages together for each command, and turns outcomes into exit codes.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"
)

// Env is the world as the commands see it.
type Env struct {
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) string
	Signals <-chan os.Signal
	Exit    func(code int) // leaves at once, for the second signal
	Width   int            // columns of the terminal that Stderr is; 0: it is none
	// StdoutTerminal says that results are read by a person.
	StdoutTerminal bool
	// StdinTerminal says that a person answers.
	StdinTerminal bool
}

// System is the real world.
func System() Env {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, append(hangups(), os.Interrupt, syscall.SIGTERM)...)
	ignoreClosedPipes()
	env := Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Signals: signals, Exit: os.Exit,
		StdoutTerminal: term.IsTerminal(int(os.Stdout.Fd())), StdinTerminal: term.IsTerminal(int(os.Stdin.Fd())),
	}
	if fd := int(os.Stderr.Fd()); term.IsTerminal(fd) && os.Getenv("TERM") != "dumb" {
		env.Width = 80
		if width, _, err := term.GetSize(fd); err == nil && width > 0 {
			env.Width = width
		}
	}
	return env
}

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// interruptible is a context that the first signal ends; the second leaves at once.
func (e Env) interruptible() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case <-e.Signals:
			_, _ = io.WriteString(e.Stderr, "\ninterrupted: finishing cleanly and writing what there is; once more to leave at once\n")
			cancel(errInterrupted)
		case <-ctx.Done():
			return
		}
		<-e.Signals
		e.Exit(exitAborted)
	}()
	return ctx, func() { cancel(nil) }
}

// version is the module's version, as the build recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
