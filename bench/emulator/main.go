// Command emulator measures the emulator under load: what an invocation costs, ten
// thousand at once, memory over millions, and how late modelled answers come.
//
//	go run ./bench/emulator
//
// The server is a child process. Where taskset exists it has a core to itself, and the
// generator another. What counts is the processor time that the child used, as
// getrusage tells it: rates by the wall clock are those of a machine that others use.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"plimsoll/internal/cli"
)

// plan bounds what is measured.
type plan struct {
	Parts       string
	Repeats     int
	Window      time.Duration
	Connections int
	Concurrent  int
	Invocations int64
	AtMost      time.Duration // for Invocations
}

const allParts = "cost,crowd,memory,overshoot,asleep"

func main() {
	var err error
	switch os.Getenv(roleVariable) {
	case roleEmulator:
		env := cli.System()
		env.Signals = answerParent(nil)
		os.Exit(cli.Main(env))
	case roleBare:
		err = serveBare(answerParent(nil))
	case roleNoted:
		err = serveNoted(os.Args[1:])
	default:
		err = run(os.Args[1:], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/emulator:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	var p plan
	fs := flag.NewFlagSet("bench/emulator", flag.ContinueOnError)
	fs.StringVar(&p.Parts, "parts", allParts, "what to measure")
	fs.IntVar(&p.Repeats, "repeats", 5, "times that each figure is measured; the median is shown")
	fs.DurationVar(&p.Window, "window", 3*time.Second, "length of one measurement")
	fs.IntVar(&p.Connections, "connections", 32, "requests in flight where the cost is measured")
	fs.IntVar(&p.Concurrent, "concurrent", 10_000, "requests that sleep in instances at once")
	fs.Int64Var(&p.Invocations, "invocations", 1_000_000, "how many the memory is watched for")
	fs.DurationVar(&p.AtMost, "at-most", 5*time.Minute, "when to stop watching it")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if p.Repeats < 1 || p.Window < time.Second || p.Connections < 1 || p.Concurrent < 1 || p.Invocations < 1 {
		return fmt.Errorf("repeats %d, window %v, connections %d, concurrent %d, invocations %d: want at least 1 of each, and a second",
			p.Repeats, p.Window, p.Connections, p.Concurrent, p.Invocations)
	}
	b := bench{plan: p, out: out}
	parts, err := b.chosen()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if b.apart = keepApart(ctx); !b.apart {
		if _, err := fmt.Fprintln(out, "taskset is not to be had: server and generator share the processors."); err != nil {
			return err
		}
	}
	for _, part := range parts {
		if err := part(b, ctx); err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
	return nil
}

// chosen are the parts that the plan names, looked up before the first takes minutes.
func (b bench) chosen() ([]func(bench, context.Context) error, error) {
	known := map[string]func(bench, context.Context) error{
		"cost": bench.cost, "crowd": bench.crowd, "memory": bench.memory, "overshoot": bench.overshoot, "asleep": bench.asleep,
	}
	var parts []func(bench, context.Context) error
	for name := range strings.SplitSeq(b.Parts, ",") {
		if known[name] == nil {
			return nil, fmt.Errorf("parts %q: want some of %s, separated by commas", name, allParts)
		}
		parts = append(parts, known[name])
	}
	return parts, nil
}
