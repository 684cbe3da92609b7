package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plimsoll/capacity"
	"plimsoll/loadgen"
	"plimsoll/slo"
)

// Find searches for the peak of the endpoint behind a runner and makes the
// target from it.
//
//	search.Next → hold → measure → observation → search.Record → … → Result
//	     └─ TrialStarted   └─ TrialProgress        └─ TrialFinished    └─ RunFinished
//
// recorded are the trials of an earlier, interrupted run of the same plan; the
// search goes on after them. When ctx ends, the endpoint cannot be reached any
// more, or credentials are refused, the Result is partial and comes with the error.
func Find(ctx context.Context, plan Plan, recorded []Recorded, runner Runner, observer Observer) (Result, error) {
	f, err := newFinder(plan, runner, observer)
	if err != nil {
		return Result{}, err
	}
	f.emit(Event{Kind: RunStarted, Plan: &plan})
	err = f.replay(recorded)
	for err == nil {
		proposed, more := f.search.Next()
		if !more {
			break
		}
		err = f.try(ctx, proposed)
	}
	result := f.result(err)
	f.emit(Event{Kind: RunFinished, Result: &result})
	return result, err
}

// Recorded is a trial of an earlier run.
type Recorded struct {
	Trial       Trial                `json:"trial"`
	Proposed    capacity.Trial       `json:"proposed"`
	Observation capacity.Observation `json:"observation"`
}

type finder struct {
	plan     Plan
	search   *capacity.Search
	runner   Runner
	observer Observer

	started  time.Time
	trials   []Trial
	notes    []string
	next     uint64 // number of the next request
	resumed  bool   // the next trial is the first after a pause
	requests int64
}

func newFinder(plan Plan, runner Runner, observer Observer) (*finder, error) {
	if plan.Search == nil || plan.Target == nil {
		return nil, errors.New("plan: the search and the target are missing")
	}
	objectives, err := slo.ParseAll(plan.Objectives)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	asked := *plan.Search
	asked.Objectives = objectives
	asked.EvenArrivals = plan.Arrivals == ArrivalsConstant
	search, err := capacity.New(asked)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return &finder{plan: plan, search: search, runner: runner, observer: observer, started: time.Now(), trials: []Trial{}}, nil
}

func (f *finder) emit(e Event) {
	e.SchemaVersion, e.At = SchemaVersion, time.Now()
	f.observer.Observe(e)
}

func (f *finder) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	f.notes = append(f.notes, text)
	f.emit(Event{Kind: Noted, Note: text})
}

// replay feeds the search what an earlier run observed.
func (f *finder) replay(recorded []Recorded) error {
	for _, r := range recorded {
		proposed, more := f.search.Next()
		if !more || proposed.Phase != r.Proposed.Phase || proposed.Concurrency != r.Proposed.Concurrency || proposed.Rate != r.Proposed.Rate {
			return fmt.Errorf("resuming: trial %d of the record is not what the plan leads to; it was made by another version, so start a new run", r.Proposed.Number)
		}
		if err := f.search.Record(r.Observation); err != nil {
			return fmt.Errorf("resuming at trial %d: %w", r.Proposed.Number, err)
		}
		f.trials = append(f.trials, r.Trial)
		f.requests += r.Trial.Requests
		f.resumed = true
	}
	if f.resumed {
		f.note("resumed after %d trials; the time in between is not known to the search, so the endpoint may have changed", len(recorded))
	}
	return nil
}

// resumeWarmUp is how much longer the first trial after a pause settles: what it
// follows in the search was not what the endpoint carried just before.
const resumeWarmUp = 3 * time.Second

// try holds one proposed trial and tells the search.
func (f *finder) try(ctx context.Context, proposed capacity.Trial) error {
	load := f.loadOf(proposed)
	f.emit(Event{Kind: TrialStarted, Proposed: f.proposal(proposed)})
	began := time.Now()
	m, err := hold(ctx, f.runner, load, func(m loadgen.Measurement) {
		f.emit(Event{Kind: TrialProgress, Live: liveOf(m, f.progress(time.Since(began)))})
	})
	f.next = max(f.next, m.NextRequest)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return f.unopened(proposed, load, err)
	}
	if err := unauthorized(m, len(f.trials)); err != nil {
		return err
	}
	f.finish(proposed, m, nil)
	return nil
}

func (f *finder) loadOf(proposed capacity.Trial) loadgen.Load {
	load := loadgen.Load{
		Concurrency: proposed.Concurrency, Settle: proposed.Settle, Measure: proposed.Measure, Patience: proposed.Patience,
		Drain: proposed.Drain, SlowAbove: proposed.SlowAbove, MaxInFlight: proposed.MaxInFlight, FirstRequest: f.next,
	}
	if proposed.Rate > 0 {
		load.Schedule = scheduleFor(f.plan.Arrivals, proposed.Rate, f.seed(proposed))
	}
	if f.resumed {
		load.Settle += resumeWarmUp
		f.resumed = false
	}
	return load
}

// seed gives each trial arrivals of its own.
func (f *finder) seed(proposed capacity.Trial) uint64 {
	return f.plan.Seed + uint64(proposed.Number)
}

func (f *finder) proposal(t capacity.Trial) *Proposed {
	return &Proposed{
		Number: t.Number, Phase: t.Phase, Why: t.Why, Concurrency: t.Concurrency, Rate: t.Rate,
		Seconds: (t.Settle + t.Measure).Seconds(), Progress: f.progress(0),
	}
}

// progress is the search's own, moved on by the time that the present trial has taken.
func (f *finder) progress(into time.Duration) Progress {
	p := f.search.Progress()
	left := max(0, p.Left-into)
	done := p.Share
	if p.Left > 0 {
		done += (1 - p.Share) * float64(p.Left-left) / float64(p.Left)
	}
	return Progress{Done: done, RemainingSeconds: left.Seconds()}
}

// finish publishes a measurement and tells the search of it.
func (f *finder) finish(proposed capacity.Trial, m loadgen.Measurement, doubts []string) {
	objectives := f.search.Result().Objectives
	measured := measuredOf(m, lateLimit(objectives))
	measured.Doubts = append(measured.Doubts, doubts...)
	measured.Valid = len(measured.Doubts) == 0
	observation := observationOf(m, measured.Doubts)
	trial := Trial{
		Number: proposed.Number, Phase: proposed.Phase, Why: proposed.Why, Concurrency: proposed.Concurrency, Rate: proposed.Rate,
		Started: m.Start, SettleSeconds: m.Load.Settle.Seconds(), WindowSeconds: m.Window.Seconds(), ElapsedSeconds: m.Elapsed.Seconds(),
		Measured: measured, Verdict: verdictOf(m, measured.Valid, objectives),
	}
	if proposed.Rate > 0 {
		trial.Arrivals, trial.Seed = f.plan.Arrivals, f.seed(proposed)
	}
	if err := f.search.Record(observation); err != nil {
		// Unreachable: the trial was proposed and not yet recorded.
		panic(err)
	}
	f.trials = append(f.trials, trial)
	f.requests += trial.Requests
	f.emit(Event{Kind: TrialFinished, Trial: &trial, Evidence: &Evidence{
		Proposed: proposed, Observation: observation, Response: m.Response, Service: m.Service, Lateness: m.Lateness,
	}})
}

// lateLimit bounds the lateness of sends by the tightest latency objective: 5 %
// of it, and 2 ms at least, which is what an ordinary machine can promise.
func lateLimit(objectives []slo.Objective) loadgen.Limits {
	const least = 2 * time.Millisecond
	tightest := time.Duration(0)
	for _, o := range objectives {
		if o.Limit > 0 && (tightest == 0 || o.Limit < tightest) {
			tightest = o.Limit
		}
	}
	return loadgen.Limits{Lateness: max(least, tightest/20)}
}

// unopened deals with a load for which no connections could be had. A client
// that has run out of files or ports is a limit of the client; an endpoint that
// does not take connections any more ends the run.
func (f *finder) unopened(proposed capacity.Trial, load loadgen.Load, err error) error {
	var open *loadgen.OpenError
	if !errors.As(err, &open) {
		return fmt.Errorf("trial %d: %w", proposed.Number, err)
	}
	if open.Class != loadgen.Network || len(f.trials) == 0 {
		return &UnreachableError{Trials: len(f.trials), Err: err}
	}
	f.finish(proposed, loadgen.Unmeasured(load), []string{err.Error()})
	return nil
}

// UnreachableError is an endpoint to which no connection could be made.
type UnreachableError struct {
	Trials int // that were held before
	Err    error
}

// Error says when it happened and why.
func (e *UnreachableError) Error() string {
	if e.Trials == 0 {
		return "the endpoint cannot be reached: " + e.Err.Error()
	}
	return fmt.Sprintf("the endpoint stopped taking connections after %d trials: %v", e.Trials, e.Err)
}

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }
