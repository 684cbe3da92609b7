package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plimsoll/arrival"
	"plimsoll/capacity"
	"plimsoll/loadgen"
	"plimsoll/slo"
)

// stepper is what proposes the loads: a search for the peak, or a sweep.
type stepper interface {
	Next() (capacity.Trial, bool)
	Record(o capacity.Observation) error
	Progress() capacity.Progress
}

var (
	_ stepper = (*capacity.Search)(nil)
	_ stepper = (*capacity.Sweep)(nil)
)

// Find searches for the peak of the endpoint behind a runner and makes the
// target from it; in the mode [ModeSweep] it measures the whole curve instead.
//
//	search.Next → hold → measure → observation → search.Record → … → Result
//	     └─ TrialStarted   └─ TrialProgress        └─ TrialFinished    └─ RunFinished
//
// earlier is what went before: the search goes on after the trials of an
// interrupted run of the same plan. When ctx ends, the endpoint cannot be reached
// any more, or credentials are refused, the Result is partial and comes with the
// error. No more requests are sent than the plan allows, those of earlier
// included, if the runner keeps to the limits of a loadgen.Load.
func Find(ctx context.Context, plan Plan, earlier Earlier, runner Runner, observer Observer) (Result, error) {
	f, err := newFinder(plan, earlier, runner, observer)
	if err != nil {
		return Result{}, err
	}
	f.emit(Event{Kind: RunStarted, Plan: &plan})
	err = f.replay(earlier.Trials)
	for err == nil {
		proposed, more := f.steps.Next()
		if !more {
			break
		}
		err = f.try(ctx, proposed)
	}
	if s, can := runner.(Stopper); can {
		s.Pause() // what the result counts as sent is all that was
	}
	reconciliation := f.reconcile(ctx, err)
	result := f.result(err)
	result.Reconciliation = reconciliation
	if c, can := f.runner.(calibrating); can && err == nil {
		result.Targets = c.calibrate(ctx, result)
	}
	f.emit(Event{Kind: RunFinished, Result: &result})
	return result, err
}

// Earlier is what happened before a search begins or goes on.
type Earlier struct {
	Trials []Recorded // of the interrupted run
	Sent   int64      // requests that were sent already: probes, and all of the interrupted run
}

// Recorded is a trial of an earlier run.
type Recorded struct {
	Trial       Trial                `json:"trial"`
	Proposed    capacity.Trial       `json:"proposed"`
	Observation capacity.Observation `json:"observation"`
	NextRequest uint64               `json:"next_request"` // number of the request after it
}

type finder struct {
	plan     Plan
	steps    stepper
	search   *capacity.Search // steps, unless it is
	sweep    *capacity.Sweep  // a sweep
	runner   Runner
	observer Observer

	began    time.Time     // this process
	started  time.Time     // the run, in an earlier process perhaps
	before   time.Duration // that trials of earlier processes took
	trials   []Trial
	notes    []string
	next     uint64 // number of the next request
	resumed  bool   // the next trial is the first after a pause
	refused  bool   // all connections of the trial before were refused
	requests int64
	earlier  int64 // requests sent before this process's trials
	held     int64 // requests sent by the runner, as far as trials told
	told     int64 // requests that the search has been told of
}

func newFinder(plan Plan, earlier Earlier, runner Runner, observer Observer) (*finder, error) {
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
	now := time.Now()
	f := &finder{plan: plan, runner: runner, observer: observer, began: now, started: now, trials: []Trial{}, earlier: earlier.Sent}
	switch plan.Mode {
	case "":
		f.search, err = capacity.New(asked)
		f.steps = f.search
	case ModeSweep:
		f.sweep, err = capacity.NewSweep(asked)
		f.steps = f.sweep
	default:
		err = fmt.Errorf("mode %q: it is %q, or nothing for a search", plan.Mode, ModeSweep)
	}
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return f, nil
}

// objectives are those by which trials are judged.
func (f *finder) objectives() []slo.Objective {
	if f.sweep != nil {
		return f.sweep.Objectives()
	}
	return f.search.Result().Objectives
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
		proposed, more := f.steps.Next()
		if !more || proposed.Phase != r.Proposed.Phase || proposed.Concurrency != r.Proposed.Concurrency || proposed.Rate != r.Proposed.Rate {
			return fmt.Errorf("resuming: trial %d of the record is not what the plan leads to; it was made by another version, so start a new run", r.Proposed.Number)
		}
		if err := f.steps.Record(r.Observation); err != nil {
			return fmt.Errorf("resuming at trial %d: %w", r.Proposed.Number, err)
		}
		f.trials = append(f.trials, r.Trial)
		f.requests += r.Trial.Requests
		f.told += r.Observation.Sent
		f.before += seconds(r.Trial.ElapsedSeconds)
		f.next = max(f.next, r.NextRequest)
		f.resumed = true
	}
	if f.resumed {
		f.started = startOf(f.trials, f.started)
		// What the earlier process sent after its last trial is not known: the
		// numbers go on in a block of their own.
		f.next = (f.next>>numberBlock + 1) << numberBlock
		f.note("resumed after %d trials; the time in between is not known to the search, so the endpoint may have changed", len(recorded))
	}
	return nil
}

// startOf is when the first of some trials that was held began.
func startOf(trials []Trial, otherwise time.Time) time.Time {
	for _, t := range trials {
		if !t.Started.IsZero() {
			return t.Started
		}
	}
	return otherwise
}

// numberBlock is the length, as a power of two, of the blocks in which requests
// are numbered: more than any process sends.
const numberBlock = 32

// sent is how many requests have left so far, of earlier processes too.
func (f *finder) sent() int64 {
	if s, can := f.runner.(Stopper); can {
		return f.earlier + s.Sent()
	}
	return f.earlier + f.held
}

// resumeWarmUp is how much longer the first trial after a pause settles: what it
// follows in the search was not what the endpoint carried just before.
const resumeWarmUp = 3 * time.Second

// try holds one proposed trial and tells the search.
func (f *finder) try(ctx context.Context, proposed capacity.Trial) error {
	load := f.loadOf(proposed)
	f.emit(Event{Kind: TrialStarted, Proposed: f.proposal(proposed)})
	if limit := f.plan.Search.MaxRequests; limit > 0 && f.sent() >= limit {
		f.finish(proposed, loadgen.Unmeasured(load), []string{fmt.Sprintf("the limit of %d requests was reached before it", limit)})
		return nil
	}
	began := time.Now()
	m, err := hold(ctx, f.runner, load, func(m loadgen.Measurement) {
		f.emit(Event{Kind: TrialProgress, Live: liveOf(m, f.progress(time.Since(began)))})
	})
	f.next = max(f.next, m.NextRequest)
	f.held = max(f.held, m.Sent)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return f.unopened(proposed, load, err)
	}
	if err := unauthorized(m, len(f.trials)); err != nil {
		return err
	}
	f.finish(proposed, m, f.cutShort(m))
	return f.gone(m)
}

// gone says that nothing listens any more: all requests of two trials in a row,
// of which the search has made the second to see whether the endpoint is alive,
// were refused a connection.
func (f *finder) gone(m loadgen.Measurement) error {
	refused := m.Counts.Errors[loadgen.Refused]
	all := refused > 0 && refused+m.Counts.Dropped+m.Counts.Unanswered == m.Counts.Requests
	twice := all && f.refused
	if f.refused = all; !twice {
		return nil
	}
	detail := "connection refused"
	for _, s := range m.Samples {
		if s.Class == loadgen.Refused && s.Detail != "" {
			detail = s.Detail
		}
	}
	return &UnreachableError{Trials: len(f.trials), Err: &loadgen.OpenError{Class: loadgen.Refused, Err: errors.New(detail)}}
}

// reconcile compares a run that has come to its end with CloudWatch, where the runner
// keeps the books for it. Trials that are doubted then have moved the search already:
// that is said beside the peak.
func (f *finder) reconcile(ctx context.Context, stopped error) *Reconciliation {
	r, can := f.runner.(reconciling)
	if !can || stopped != nil {
		return nil
	}
	result := r.reconcile(ctx, f.trials, f.search.Result().Objectives, func(line string) { f.emit(Event{Kind: Noted, Note: line}) })
	result.doubt(f.trials)
	for _, warning := range result.Warnings {
		f.note("%s", warning)
	}
	return &result
}

// cutShort doubts a trial that the limit of the requests left too little of.
func (f *finder) cutShort(m loadgen.Measurement) []string {
	if !m.Spent || 2*m.Window >= m.Load.Measure {
		return nil
	}
	return []string{fmt.Sprintf("the limit of %d requests was reached after %v of %v", f.plan.Search.MaxRequests, slo.Round(m.Window), slo.Round(m.Load.Measure))}
}

func (f *finder) loadOf(proposed capacity.Trial) loadgen.Load {
	load := loadgen.Load{
		Concurrency: proposed.Concurrency, Settle: proposed.Settle, Measure: proposed.Measure, Patience: proposed.Patience,
		Drain: proposed.Drain, SlowAbove: proposed.SlowAbove, MaxInFlight: proposed.MaxInFlight, FirstRequest: f.next,
		Singles: capacity.MostFirst,
	}
	if limit := f.plan.Search.MaxRequests; limit > 0 {
		load.MaxRequests = limit - f.earlier
	}
	if proposed.Concurrency > 0 {
		load.MaxRate = arrival.Rate(f.plan.Search.MaxRate)
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
	p := f.steps.Progress()
	left := max(0, p.Left-into)
	done := p.Share
	if p.Left > 0 {
		done += (1 - p.Share) * float64(p.Left-left) / float64(p.Left)
	}
	return Progress{Done: done, RemainingSeconds: left.Seconds()}
}

// finish publishes a measurement and tells the search of it.
func (f *finder) finish(proposed capacity.Trial, m loadgen.Measurement, doubts []string) {
	objectives := f.objectives()
	measured := measuredOf(m, lateLimit(objectives))
	measured.Doubts = append(measured.Doubts, doubts...)
	measured.Valid = len(measured.Doubts) == 0
	observation := observationOf(m, measured.Doubts)
	observation.Sent = f.sent() - f.told
	f.told += observation.Sent
	trial := Trial{
		Number: proposed.Number, Phase: proposed.Phase, Why: proposed.Why, Concurrency: proposed.Concurrency, Rate: proposed.Rate,
		Started: m.Start, SettleSeconds: m.Load.Settle.Seconds(), WindowSeconds: m.Window.Seconds(), ElapsedSeconds: m.Elapsed.Seconds(),
		Measured: measured, Verdict: verdictOf(m, measured.Valid, objectives),
	}
	if proposed.Rate > 0 {
		trial.Arrivals, trial.Seed = f.plan.Arrivals, f.seed(proposed)
	}
	if err := f.steps.Record(observation); err != nil {
		// Unreachable: the trial was proposed and not yet recorded.
		panic(err)
	}
	f.trials = append(f.trials, trial)
	f.requests += trial.Requests
	f.emit(Event{Kind: TrialFinished, Trial: &trial, Evidence: &Evidence{
		Proposed: proposed, Observation: observation, NextRequest: f.next, Response: m.Response, Service: m.Service, Lateness: m.Lateness,
	}})
}

// lateLimit bounds the lateness of sends by the tightest latency objective: 5 %
// of it, and 2 ms at least, which is what an ordinary machine can promise.
func lateLimit(objectives []slo.Objective) loadgen.Limits {
	const least = 2 * time.Millisecond
	return loadgen.Limits{Lateness: max(least, tightest(objectives)/20)}
}

// unopened deals with a load for which no connections could be had. A client
// that has run out of files or ports is a limit of the client; an endpoint that
// does not take connections any more ends the run.
func (f *finder) unopened(proposed capacity.Trial, load loadgen.Load, err error) error {
	var open *loadgen.OpenError
	if !errors.As(err, &open) {
		return fmt.Errorf("trial %d: %w", proposed.Number, err)
	}
	if open.Class != loadgen.Exhausted || len(f.trials) == 0 {
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
	if e.OfClient() {
		return "this machine cannot open the connections: " + e.Err.Error() + "; plimsoll doctor shows its limits"
	}
	if e.Trials == 0 {
		return "the endpoint cannot be reached: " + e.Err.Error()
	}
	return fmt.Sprintf("the endpoint stopped taking connections after %d trials: %v", e.Trials, e.Err)
}

// OfClient says that it is this machine which has no files or ports left: nothing is known
// of the endpoint.
func (e *UnreachableError) OfClient() bool {
	open, ok := errors.AsType[*loadgen.OpenError](e.Err)
	return ok && open.Class == loadgen.Exhausted
}

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }
