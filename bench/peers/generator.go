package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"time"

	"plimsoll/arrival"
	"plimsoll/httptarget"
	"plimsoll/internal/host"
	"plimsoll/loadgen"
)

const roleGenerator = "generator"

// held is what a generator in a process of its own tells of its load.
type held struct {
	Started          time.Duration // on the machine's monotonic clock
	Requests, Failed int64
	Dropped, Late    int64
	PerSecond        float64 // answered well
	P50, P99         time.Duration
	CPU              float64 // processor seconds per second
	Doubts           []string
}

// generate holds one load with the generator itself, each request with its number as its
// body. A rate of zero is a closed loop.
func generate(args []string) error {
	fs := flag.NewFlagSet(roleGenerator, flag.ContinueOnError)
	url := fs.String("url", "", "")
	rate := fs.Float64("rate", 0, "")
	parallel := fs.Int("parallel", 64, "")
	warm := fs.Duration("settle", 0, "")
	measure := fs.Duration("measure", time.Second, "")
	profile := fs.String("profile", "", "")
	sessions := fs.Int("sessions", 0, "")
	if err := fs.Parse(args); err != nil {
		return err
	}
	target, err := httptarget.New(httptarget.Options{URL: *url, Bodies: []httptarget.Body{{Content: numbered(0, nil)}}})
	if err != nil {
		return err
	}
	var sleeper host.Sleeper
	defer sleeper.Close()
	ctx := context.Background()
	g, err := loadgen.New(ctx, loadgen.Options{
		Target: target, Bodies: numbers{}, Sessions: *sessions, Sleep: sleeper.Until, CPU: host.CPU, Machine: host.Machine, Procs: runtime.GOMAXPROCS(0),
	})
	if err != nil {
		return err
	}
	defer g.Close()
	load := loadgen.Load{Settle: *warm, Measure: *measure, Patience: 5 * time.Second}
	if *rate > 0 {
		load.Schedule = arrival.Constant{Rate: arrival.Rate(*rate)}
	} else {
		load.Concurrency = *parallel
	}
	stop, err := startProfile(*profile)
	if err != nil {
		return err
	}
	m, err := g.Run(ctx, load)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	g.Pause()
	return json.NewEncoder(os.Stdout).Encode(held{
		Started:  host.Monotonic() - time.Since(m.Start),
		Requests: m.Counts.Requests, Failed: m.Counts.Failed(), Dropped: m.Counts.Dropped, Late: m.Counts.Late, PerSecond: m.AchievedPerSecond(),
		P50: m.Lateness.Quantile(0.5), P99: m.Lateness.Quantile(0.99), CPU: m.Client.CPU, Doubts: m.Doubts(loadgen.Limits{}),
	})
}

// startProfile writes a profile of the processor time into a file, if one is named,
// until it is stopped.
func startProfile(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// numbers is a corpus of bodies that say which request they are.
type numbers struct{}

// Body is the number of a request.
func (numbers) Body(k uint64, scratch []byte) (index int, content []byte) {
	return 0, numbered(k, scratch)
}

const numberLength = 16

// numbered writes a number into 16 bytes, blanks in front.
func numbered(k uint64, scratch []byte) []byte {
	if cap(scratch) < numberLength {
		scratch = make([]byte, numberLength)
	}
	scratch = scratch[:numberLength]
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], k, 10)
	for i := range scratch {
		scratch[i] = ' '
	}
	copy(scratch[numberLength-len(text):], text)
	return scratch
}

// runGenerator starts a generator on a processor, or on any, and waits for its word.
func (b *bench) runGenerator(ctx context.Context, core string, rate float64, settling, measure time.Duration, more ...string) (h held, err error) {
	args := []string{"-url", "http://" + b.server.Plain + requestPath, "-rate", fmt.Sprint(rate), "-settle", settling.String(), "-measure", measure.String()}
	cmd, err := itself(ctx, core, roleGenerator, append(args, more...)...)
	if err != nil {
		return h, err
	}
	out, err := cmd.Output()
	if err != nil {
		return h, fmt.Errorf("the generator: %w", err)
	}
	return h, json.Unmarshal(out, &h)
}

// busy counts for ever: something else that wants a processor.
func busy() {
	for x := 0; ; x++ {
		runtime.KeepAlive(x)
	}
}
