// Command peers measures Plimsoll beside other load generators, on the same server, and
// the generator's own schedule.
//
//	go run ./bench/peers                 # from the root of the module; about 55 minutes
//	go run ./bench/peers -parts lateness # 12 minutes
//	go run ./bench/peers -parts truth    # 16 minutes
//	go run ./bench/peers -parts cost -loads "1 kB on 1000 connections,1 kB on 10 000 connections,6 MB on 4 connections,1 kB with a connection each"   # 11 minutes
//
// It says itself how many minutes the parts that were chosen take before it begins. All
// of it wants a machine that does nothing else.
//
// The server is a child process with a processor of its own, and notes its own times.
// Every client is its own command in a process of its own, on another processor. Its cost is
// the processor time that the kernel counts for it, over a window in which it does
// nothing but send, divided by the requests that the server counted in that window. Clients
// take turns, and figures are medians.
//
// Peers that are Go modules are built into bin/peers at the versions of peers.mod. One that
// cannot be had is left out, and its line says what would bring it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// plan bounds what is measured.
type plan struct {
	Parts   []string
	Loads   []string
	Only    []string
	Repeats int
	Window  time.Duration
	Hold    time.Duration
	Long    bool
	Install bool
}

// bench prints a table for each question.
type bench struct {
	plan

	out    io.Writer
	dir    string // for what clients write
	server *child
	peers  []peer
}

func main() {
	var err error
	switch os.Getenv(roleVariable) {
	case roleServer:
		err = serve()
	case roleGenerator:
		err = generate(os.Args[1:])
	case roleBusy:
		busy()
	default:
		err = run(os.Args[1:], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/peers:", err)
		os.Exit(1)
	}
}

func parse(args []string) (p plan, err error) {
	fs := flag.NewFlagSet("bench/peers", flag.ContinueOnError)
	parts := fs.String("parts", "cost,truth,frozen,lateness,held", "what to measure; also memory, which -long adds, and profile")
	only := fs.String("peers", "", "only clients whose names have one of these")
	loads := fs.String("loads", "", "only these loads of the cost and these surroundings of the lateness, by their names in the tables; named, a load is measured without -long")
	fs.IntVar(&p.Repeats, "repeats", 5, "times that each figure is measured; the median is shown")
	fs.DurationVar(&p.Window, "window", 1500*time.Millisecond, "length of one measurement")
	fs.DurationVar(&p.Hold, "hold", 10*time.Second, "how long an open loop of the truth and the lateness is held; at 1000/s and 10s, a hundred requests decide a 99th percentile")
	fs.BoolVar(&p.Long, "long", false, "more loads, and the memory over ten million requests")
	fs.BoolVar(&p.Install, "install", true, "build Plimsoll and the peers into bin/peers first")
	if err := fs.Parse(args); err != nil {
		return p, err
	}
	if p.Repeats < 1 || p.Window < 200*time.Millisecond || p.Hold < time.Second {
		return p, fmt.Errorf("repeats %d, window %v, hold %v: want at least 1, 200ms and 1s", p.Repeats, p.Window, p.Hold)
	}
	p.Parts, p.Loads, p.Only = words(*parts), words(*loads), words(*only)
	if err := p.checkLoads(); err != nil {
		return p, err
	}
	if p.Long {
		p.Parts = append(p.Parts, "memory")
	}
	return p, nil
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func run(args []string, out io.Writer) (err error) {
	p, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{plan: p, out: out}
	if runtime.GOOS != "linux" || runtime.NumCPU() < 2 {
		return errors.New("client and server must not share a processor: this needs Linux and two of them")
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		return fmt.Errorf("client and server must not share a processor: %w (util-linux has it)", err)
	}
	if err := raiseFiles(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "peers-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.findPeers(ctx); err != nil {
		return err
	}
	if b.server, err = startServer(ctx, serverCore); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.stop()) }()
	if err := b.writeAuthority(); err != nil {
		return err
	}
	if err := b.writeBodies(); err != nil {
		return err
	}
	return errors.Join(b.announce(), b.measure(ctx))
}

func (b *bench) measure(ctx context.Context) error {
	parts := map[string]func(context.Context) error{
		"cost": b.cost, "truth": b.truth, "frozen": b.frozen, "lateness": b.lateness, "held": b.held, "memory": b.constant, "profile": b.profile,
	}
	for _, name := range b.Parts {
		part := parts[name]
		if part == nil {
			return fmt.Errorf("parts %q: want some of cost, truth, frozen, lateness, held, memory and profile, separated by commas", name)
		}
		if err := part(ctx); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", name, err), context.Cause(ctx))
		}
	}
	return nil
}

// findPeers builds what it can and says what is missing.
func (b *bench) findPeers(ctx context.Context) error {
	tools, err := filepath.Abs(filepath.Join("bin", "peers"))
	if err != nil {
		return err
	}
	if b.Install {
		if err := install(ctx, tools); err != nil {
			return err
		}
	}
	for _, p := range peers(tools) {
		if p.program == "" {
			if err := b.say(strings.Trim(p.name, "*") + " is missing: " + p.missing); err != nil {
				return err
			}
		} else if chosen(b.Only, p.name) {
			b.peers = append(b.peers, p)
		}
	}
	if len(b.peers) == 0 {
		return fmt.Errorf("peers %q: no client that is there has such a name", strings.Join(b.Only, ","))
	}
	return nil
}

// body is a file of so many bytes.
func (b *bench) body(bytes int) string { return filepath.Join(b.dir, fmt.Sprintf("body-%d", bytes)) }

func (b *bench) writeBodies() error {
	for _, c := range cells() {
		text := strings.Repeat("5.1,3.5,1.4,0.2\n", (c.bytes+15)/16)
		if err := os.WriteFile(b.body(c.bytes), []byte(text[:c.bytes]), 0o600); err != nil {
			return err
		}
	}
	return nil
}
