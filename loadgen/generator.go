package loadgen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Options are how a generator works. The zero values that are named are the defaults.
type Options struct {
	Target Target // required
	Bodies Bodies // required
	// MaxSessions bounds the sessions that an open loop may hold; 0 is 4096. Sends
	// that find every session busy leave late, or are dropped after DropAfter.
	MaxSessions int
	// Sessions, unless zero, is how many sessions an open loop has, no more and no fewer:
	// they are opened before it starts. Zero begins with a few and grows to the load.
	Sessions int
	// LateAfter is the lateness from which a send counts as late; 0 is 1 ms.
	LateAfter time.Duration
	// DropAfter is the lateness from which a request is dropped instead of sent;
	// 0 is 1 s.
	DropAfter time.Duration
	// BackOff is how long a closed loop's session rests after a failure, so that
	// an endpoint that refuses quickly is not stormed; 0 is 10 ms.
	BackOff time.Duration
	// Sleep returns as close to the instant as it can, and is asked for two
	// milliseconds at most. Nil uses the runtime's timers, which are about half a
	// millisecond late.
	Sleep func(until time.Time)
	// CPU is the processor time that this process has used. Nil leaves it unknown.
	CPU func() time.Duration
	// Machine is the processor time that the whole machine has spent busy, and the
	// time that all its processors had. Nil leaves it unknown.
	Machine func() (busy, total time.Duration)
	// Procs is the number of processors that the process may use, for the share
	// of CPU; 0 is 1.
	Procs int
}

// Validate reports every problem of the options.
func (o Options) Validate() error {
	var problems []error
	if o.Target == nil || o.Bodies == nil {
		problems = append(problems, errors.New("target and bodies are required"))
	}
	if o.Sessions < 0 || o.MaxSessions > 0 && o.Sessions > o.MaxSessions {
		problems = append(problems, fmt.Errorf("sessions %d of at most %d: must be from 0 to that", o.Sessions, o.MaxSessions))
	}
	if o.MaxSessions < 0 || o.LateAfter < 0 || o.DropAfter < 0 || o.BackOff < 0 || o.Procs < 0 {
		problems = append(problems, fmt.Errorf("max sessions %d, late after %v, drop after %v, back-off %v, procs %d: none may be negative",
			o.MaxSessions, o.LateAfter, o.DropAfter, o.BackOff, o.Procs))
	}
	return errors.Join(problems...)
}

func (o Options) withDefaults() Options {
	o.MaxSessions = orDefault(o.MaxSessions, 4096)
	if o.Sessions > 0 {
		o.MaxSessions = o.Sessions
	}
	o.LateAfter = orDefault(o.LateAfter, time.Millisecond)
	o.DropAfter = orDefault(o.DropAfter, time.Second)
	o.BackOff = orDefault(o.BackOff, 10*time.Millisecond)
	o.Procs = orDefault(o.Procs, 1)
	return o
}

func orDefault[T int | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// Generator holds loads, one after another, over a pool of sessions that it
// keeps open between them. Its methods are for one goroutine, except Snapshot,
// Sent and Answered. End it with Close.
type Generator struct {
	opts    Options
	context context.Context //nolint:containedctx // sessions are opened by workers that outlive the call which started them
	cancel  context.CancelFunc
	current atomic.Pointer[epoch]
	workers sync.WaitGroup

	books    books
	inFlight atomic.Int64 // requests sent and unanswered, of any epoch
	pool     pool
}

// New makes a generator that sends nothing yet. ctx bounds its whole life.
func New(ctx context.Context, opts Options) (*Generator, error) {
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	g := &Generator{opts: opts.withDefaults()}
	g.context, g.cancel = context.WithCancel(ctx)
	g.pool.sessions = map[int]Session{}
	g.current.Store(newPause())
	return g, nil
}

// Run holds a load and measures it. After it returns, the load goes on
// unmeasured until the next Run, Pause or Close. It fails when no session can be
// opened (the error wraps an *OpenError) and when ctx ends; what was measured
// until then comes with the error, marked as interrupted.
func (g *Generator) Run(ctx context.Context, load Load) (Measurement, error) {
	if err := load.Validate(); err != nil {
		return Measurement{}, fmt.Errorf("load: %w", err)
	}
	asked := time.Now()
	if load.Drain > 0 {
		if err := g.drain(ctx, load.Drain); err != nil {
			return Measurement{}, err
		}
	}
	if err := g.open(ctx, load.sessions(g.opts)); err != nil {
		return Measurement{}, err
	}
	e := newEpoch(load, g.opts, &g.books)
	g.play(e)
	err := e.await(ctx, &g.inFlight)
	if err != nil || e.overloaded.Load() || e.spent.Load() {
		g.Pause()
	}
	m := e.seal(time.Since(asked))
	m.Client.Sessions = g.pool.size()
	return m, err
}

// play replaces what is being played.
func (g *Generator) play(e *epoch) {
	g.current.Swap(e).leave()
}

// Pause stops sending: when it returns, nothing more leaves. Requests in flight
// are still answered.
func (g *Generator) Pause() { g.play(newPause()) }

// Sent is how many requests were sent so far, over all loads.
func (g *Generator) Sent() int64 { return g.books.sent.Load() }

// Answered is how many requests were answered well so far, over all loads and
// measured or not, and the sum of their service times.
func (g *Generator) Answered() (n int64, service time.Duration) {
	return g.books.answered.Load(), time.Duration(g.books.service.Load())
}

// Snapshot is what was measured so far of the load that is being held, for a
// live view; ok is false between loads. Of the histograms it has Response alone. It may
// be called while Run is under way, and takes some milliseconds, in which it mostly waits.
func (g *Generator) Snapshot() (m Measurement, ok bool) {
	e := g.current.Load()
	if e.load.Measure == 0 {
		return Measurement{}, false
	}
	m = e.glance()
	m.Client.Sessions, m.Client.InFlight = g.pool.size(), g.inFlight.Load()
	return m, true
}

// drain sends nothing until all is answered, at most for the given time.
func (g *Generator) drain(ctx context.Context, limit time.Duration) error {
	g.Pause()
	deadline := time.Now().Add(limit)
	for g.inFlight.Load() > 0 && time.Now().Before(deadline) {
		if err := sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Close stops sending, closes every session and waits for the workers.
func (g *Generator) Close() {
	g.cancel()
	g.Pause()
	g.pool.close()
	g.workers.Wait()
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
