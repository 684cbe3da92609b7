package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plimsoll/arrival"
	"plimsoll/loadgen"
	"plimsoll/proof"
	"plimsoll/scaling"
	"plimsoll/slo"
)

// Verify proves that the policy on a variant scales: it holds the plan's programme with
// the runner, looks at the endpoint meanwhile, gathers what the services recorded of it,
// and judges. It changes nothing on the endpoint.
//
//	runner ──────── phase ─ phase ─ … ──┐
//	watch  ── look ─ look ─ look ─ … ───┴→ late metrics → history → proof.Judge → Verification
//
// When ctx ends, the endpoint goes away or somebody changes its scaling, what was observed
// until then is judged, and the Verification is partial and comes with the error. sent is
// how many requests were sent already, such as probes: they count for the plan's limit.
func Verify(ctx context.Context, plan Plan, sent int64, sight Sight, runner Runner, observer Observer) (Verification, error) {
	v, err := newVerifier(plan, sent, sight, runner, observer)
	if err != nil {
		return Verification{}, err
	}
	v.emit(Event{Kind: RunStarted, Plan: &plan})
	err = v.run(ctx)
	result := v.result(ctx, err)
	v.emit(Event{Kind: RunFinished, Verification: &result})
	return result, err
}

type verifier struct {
	plan     Plan
	proving  VerifyPlan
	on       Variant
	sight    Sight
	runner   Runner
	observer Observer
	started  time.Time
	before   int64 // requests that the runner had sent already

	force     force
	reading   Reading // of the policy's metric; its zero value: it is not read
	objective proof.Objective
	line      timeline
	capacity  []proof.Capacity
	metric    []scaling.Point
	held      []heldLoad
	next      uint64 // number of the next request
	earlier   int64  // requests that were sent before
	sent      int64  // with them
	unseen    int    // looks that saw nothing
	notes     []string

	stop  context.CancelCauseFunc // of the load that is held
	ended error                   // why nothing more is held
}

func newVerifier(plan Plan, sent int64, sight Sight, runner Runner, observer Observer) (*verifier, error) {
	if plan.Verify == nil || len(plan.Verify.Programme.Phases) == 0 {
		return nil, errors.New("plan: the programme of the proof is missing")
	}
	v := &verifier{
		plan: plan, proving: *plan.Verify, on: plan.Verify.On, sight: sight, runner: runner, observer: observer, started: time.Now(),
		objective: plan.Verify.Objective, earlier: sent, sent: sent, stop: func(error) {},
	}
	if s, can := runner.(Stopper); can {
		v.before = s.Sent()
	}
	return v, nil
}

func (v *verifier) emit(e Event) {
	e.SchemaVersion, e.At = SchemaVersion, time.Now()
	v.observer.Observe(e)
}

func (v *verifier) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	v.notes = append(v.notes, text)
	v.emit(Event{Kind: Noted, Note: text})
}

// end lets the load that is held be the last.
func (v *verifier) end(why error) {
	if v.ended == nil {
		v.ended = why
		v.stop(why)
	}
}

// run holds the programme.
func (v *verifier) run(ctx context.Context) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	watched, stop := context.WithCancel(ctx)
	looks := make(chan look)
	go v.watch(watched, looks)
	err := v.hold(ctx, looks)
	stop()
	for l := range looks { // until the watch has ended
		v.see(l)
	}
	if s, can := v.runner.(Stopper); can {
		s.Pause()
		v.sent = v.earlier + s.Sent() - v.before
	}
	return err
}

// begin looks whether all is as it was when the programme was designed.
func (v *verifier) begin(ctx context.Context) error {
	plane := Plane{
		Hosting: v.sight.Hosting, Poll: func() time.Duration { return v.sight.Clock.Here(lookAtCapacity) },
		Note: func(line string) { v.emit(Event{Kind: Noted, Note: line}) },
	}
	if err := plane.await(ctx, v.on, 0); err != nil {
		return err
	}
	var err error
	if v.force, err = v.sight.force(ctx, v.on); err != nil {
		return err
	}
	if is, was := v.force.policy, v.proving.Policy; !samePolicy(is, was) {
		return errChanged(fmt.Sprintf("the programme was made for policy %s at %g with %d to %d instances, and it is %s at %g with %d to %d",
			was.Name, was.Target, was.Min, was.Max, is.Name, is.Target, is.Min, is.Max))
	}
	for _, n := range slices.Concat(v.proving.Notes, v.force.idle, v.force.notes) {
		if !slices.Contains(v.notes, n) {
			v.note("%s", n)
		}
	}
	if v.reading, err = trackedReading(v.force.policy); err != nil {
		v.note("the metric is not shown: %v", err)
	}
	return nil
}

// samePolicy says whether the programme for one policy proves the other.
func samePolicy(a, b proof.Policy) bool {
	a.High, a.Low, b.High, b.Low = nil, nil, nil, nil
	return a == b
}

// hold holds the phases, one after the other.
func (v *verifier) hold(ctx context.Context, looks <-chan look) error {
	for i := range v.proving.Programme.Phases {
		if err := v.phase(ctx, i, looks); err != nil {
			return err
		}
	}
	return nil
}

// phase holds one phase: as one load, or as two where the limit of the response time is
// still to be found.
func (v *verifier) phase(ctx context.Context, i int, looks <-chan look) error {
	phase := v.proving.Programme.Phases[i]
	lengths := []time.Duration{time.Duration(phase.Length)}
	if v.objective.Limit == 0 && i == 0 {
		first := min(calibration, lengths[0]/2)
		lengths = []time.Duration{first, lengths[0] - first}
	}
	started := v.proposal(i)
	v.emit(Event{Kind: PhaseStarted, Phase: &started})
	from := phase.From
	for _, length := range lengths {
		part := phase
		part.Length = proof.Span(length)
		part.From = from
		part.To = phase.From + (phase.To-phase.From)*float64(part.Length)/float64(phase.Length)
		if length == lengths[len(lengths)-1] {
			part.To = phase.To
		}
		if err := v.part(ctx, i, part, looks); err != nil {
			return err
		}
		from = part.To
		v.deriveLimit()
	}
	finished := v.finished(i)
	v.emit(Event{Kind: PhaseFinished, Held: &finished})
	return nil
}

// calibration is how much of the baseline tells what is usual, in the services' time.
const calibration = 3 * time.Minute

// part holds one load of a phase.
func (v *verifier) part(ctx context.Context, i int, part proof.Phase, looks <-chan look) error {
	load := v.loadOf(part)
	held, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	v.stop = stop
	began := time.Now()
	type outcome struct {
		m   loadgen.Measurement
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		m, err := v.runner.Run(held, load)
		done <- outcome{m, err}
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case o := <-done:
			return v.keep(ctx, i, part, began, o.m, o.err)
		case l, open := <-looks:
			if !open { // it ends with ctx
				looks = nil
				continue
			}
			v.see(l)
		case <-tick.C:
			v.show(began)
		}
	}
}

// loadOf is a phase, or a part of one, as a load here.
func (v *verifier) loadOf(part proof.Phase) loadgen.Load {
	here := v.sight.Clock.Here(time.Duration(part.Length))
	load := loadgen.Load{
		Measure: here, Bins: max(1, int((time.Duration(part.Length)+lookAtCapacity-1)/lookAtCapacity)),
		Patience: max(v.sight.Clock.Here(lookAtCapacity), time.Duration(v.objective.Limit)), FirstRequest: v.next,
	}
	if limit := v.proving.MaxRequests; limit > 0 {
		load.MaxRequests = v.before + max(1, limit-v.earlier)
	}
	if v.objective.Limit > 0 {
		load.SlowAbove = []time.Duration{time.Duration(v.objective.Limit)}
	}
	seed := v.plan.Seed + uint64(len(v.held)) + 1
	load.Schedule = scheduleFor(v.plan.Arrivals, part.From, seed)
	if part.From != part.To {
		load.Schedule = arrival.Ramp{From: arrival.Rate(part.From), To: arrival.Rate(part.To), Over: here, Seed: seed, Even: v.plan.Arrivals == ArrivalsConstant}
	}
	return load
}

// keep takes in what was measured of a load.
func (v *verifier) keep(ctx context.Context, i int, part proof.Phase, began time.Time, m loadgen.Measurement, err error) error {
	if m.Response == nil {
		m = loadgen.Unmeasured(loadgen.Load{Measure: time.Nanosecond})
		m.Start = began
	}
	v.next = max(v.next, m.NextRequest)
	v.held = append(v.held, heldLoad{phase: i, part: part, m: m})
	switch {
	case v.ended != nil:
		return v.ended
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		if _, closed := errors.AsType[*loadgen.OpenError](err); closed {
			return &UnreachableError{Trials: i, Err: err}
		}
		return fmt.Errorf("phase %d, %s: %w", i+1, part.Kind, err)
	case m.Spent:
		return &ControlError{Problem: ProblemInvalid, Err: fmt.Errorf("the limit of %d requests was reached in phase %d, %s", v.proving.MaxRequests, i+1, part.Kind), Remedy: "allow more with --max-requests"}
	}
	return unauthorized(m, i)
}

// deriveLimit makes an objective of what the first minutes of the baseline were like,
// where none was given: as the search for the peak does, p99 may at most double, or grow
// by four medians where the tail is thin.
func (v *verifier) deriveLimit() {
	if v.objective.Limit > 0 || len(v.held) == 0 {
		return
	}
	r := v.held[0].m.Response
	if r.Count() == 0 {
		v.note("no request of the baseline was answered well, so there is no limit of the response time to derive from it")
		return
	}
	p99 := r.Quantile(0.99)
	limit := slo.Round(max(2*p99, p99+4*r.Quantile(0.5), time.Millisecond))
	v.objective.Limit, v.objective.Name = proof.Span(limit), slo.Objective{Kind: slo.Quantile, Level: 0.99, Limit: limit}.String()
	if v.objective.BadShare == 0 {
		v.objective.BadShare = 0.01
	}
	v.note("no limit of the response time was given: %s is derived from the first %d answers of the baseline", v.objective.Name, r.Count())
}
