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

// Load holds the one load of a plan and measures it until every request was
// answered or timed out. When ctx ends, the result is partial and comes with the
// error.
func Load(ctx context.Context, plan Plan, runner Runner, observer Observer) (LoadResult, error) {
	objectives, err := slo.ParseAll(plan.Objectives)
	if err != nil {
		return LoadResult{}, fmt.Errorf("plan: %w", err)
	}
	if plan.Load == nil {
		return LoadResult{}, errors.New("plan: the load is missing")
	}
	l := &loader{plan: plan, objectives: objectives, runner: runner, observer: observer, started: time.Now()}
	l.emit(Event{Kind: RunStarted, Plan: &plan})
	result, err := l.run(ctx)
	l.reconcile(ctx, &result, err)
	l.emit(Event{Kind: RunFinished, Load: &result})
	return result, err
}

type loader struct {
	plan       Plan
	objectives []slo.Objective
	runner     Runner
	observer   Observer
	started    time.Time
	held       time.Time // when the load began
}

func (l *loader) emit(e Event) {
	e.SchemaVersion, e.At = SchemaVersion, time.Now()
	l.observer.Observe(e)
}

func (l *loader) run(ctx context.Context) (LoadResult, error) {
	load := l.load()
	whole := load.Settle + load.Measure
	l.emit(Event{Kind: TrialStarted, Proposed: &Proposed{
		Number: 1, Phase: capacity.Phase("load"), Why: "as asked", Concurrency: load.Concurrency, Rate: l.plan.Load.Rate,
		Seconds: whole.Seconds(), Progress: Progress{RemainingSeconds: whole.Seconds()},
	}})
	m, err := hold(ctx, l.runner, load, func(m loadgen.Measurement) {
		done := min(1, float64(time.Since(l.started))/float64(whole))
		l.emit(Event{Kind: TrialProgress, Live: liveOf(m, Progress{Done: done, RemainingSeconds: (1 - done) * whole.Seconds()})})
	})
	if m.Response == nil { // nothing was held at all
		m = loadgen.Unmeasured(load)
	}
	l.held = m.Start
	result := l.result(m, err)
	if _, refused := errors.AsType[*loadgen.OpenError](err); refused {
		return result, &UnreachableError{Err: err}
	}
	l.finish(m, result)
	if err == nil {
		err = unauthorized(m, 0)
	}
	return result, err
}

// reconcile compares a load that was held with CloudWatch, where the runner keeps the
// books for it.
func (l *loader) reconcile(ctx context.Context, result *LoadResult, stopped error) {
	r, can := l.runner.(reconciling)
	if !can || stopped != nil {
		return
	}
	if s, can := l.runner.(Stopper); can {
		s.Pause()
	}
	trials := []Trial{{
		Number: 1, Started: l.held, SettleSeconds: l.plan.Load.WarmUpSeconds, WindowSeconds: result.WindowSeconds,
		Measured: result.Measured, Verdict: result.Verdict,
	}}
	found := r.reconcile(ctx, trials, l.objectives, func(line string) { l.emit(Event{Kind: Noted, Note: line}) })
	found.doubt(trials)
	result.Measured, result.Verdict, result.Reconciliation = trials[0].Measured, trials[0].Verdict, &found
}

func (l *loader) load() loadgen.Load {
	p := l.plan.Load
	load := loadgen.Load{
		Concurrency: p.Concurrency, Settle: seconds(p.WarmUpSeconds), Measure: seconds(p.DurationSeconds),
	}
	if p.Rate > 0 {
		load.Schedule = scheduleFor(l.plan.Arrivals, p.Rate, l.plan.Seed)
	}
	for _, o := range l.objectives {
		if o.Kind == slo.Quantile && len(load.SlowAbove) < loadgen.MaxSlow {
			load.SlowAbove = append(load.SlowAbove, o.Limit)
		}
	}
	return load
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (l *loader) result(m loadgen.Measurement, err error) LoadResult {
	r := LoadResult{
		SchemaVersion: SchemaVersion, Command: l.plan.Command, Status: Complete, Started: l.started,
		DurationSeconds: time.Since(l.started).Seconds(), WindowSeconds: m.Window.Seconds(),
		Measured: measuredOf(m, lateLimit(l.objectives)), Plan: l.plan,
	}
	r.Verdict = verdictOf(m, r.Valid, l.objectives)
	if err != nil {
		r.Status = Partial
	}
	return r
}

// finish publishes the load as a trial.
func (l *loader) finish(m loadgen.Measurement, r LoadResult) {
	proposed := capacity.Trial{
		Number: 1, Phase: "load", Concurrency: m.Load.Concurrency, Rate: l.plan.Load.Rate,
		Settle: m.Load.Settle, Measure: m.Load.Measure, SlowAbove: m.Load.SlowAbove, Why: "as asked",
	}
	trial := Trial{
		Number: 1, Phase: proposed.Phase, Why: proposed.Why, Concurrency: proposed.Concurrency, Rate: proposed.Rate,
		Started: m.Start, SettleSeconds: m.Load.Settle.Seconds(), WindowSeconds: m.Window.Seconds(), ElapsedSeconds: m.Elapsed.Seconds(),
		Measured: r.Measured, Verdict: r.Verdict,
	}
	if proposed.Rate > 0 {
		trial.Arrivals, trial.Seed = l.plan.Arrivals, l.plan.Seed
	}
	l.emit(Event{Kind: TrialFinished, Trial: &trial, Evidence: &Evidence{
		Proposed: proposed, Observation: observationOf(m, r.Doubts), NextRequest: m.NextRequest, Response: m.Response, Service: m.Service, Lateness: m.Lateness,
	}})
}
