package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"plimsoll/loadgen"
	"plimsoll/proof"
)

// result gathers what happened and judges it; stopped is why the programme was cut short.
func (v *verifier) result(ctx context.Context, stopped error) Verification {
	ended := time.Now()
	r := Verification{
		SchemaVersion: SchemaVersion, Command: v.plan.Command, Status: Complete, Started: v.started, On: v.on, RequestsSent: v.sent,
		Loads: v.loads(), Plan: v.plan,
	}
	began := v.line.at(v.started)
	if len(v.held) > 0 {
		began = v.line.at(v.held[0].m.Start)
	}
	g := v.gather(context.WithoutCancel(ctx), began, v.line.at(ended), stopped == nil)
	seen := proof.Observed{
		Programme: v.proving.Programme, Asked: v.proving.Asked, Run: v.proving.Run, Policy: v.force.policy, After: g.after, Objective: v.objective,
		Capacity: v.capacity, Poll: lookAtCapacity, Slices: v.slices(), Metric: g.metric, Period: v.reading.Period, Invoked: g.invoked,
		Alarms: g.alarms, Activity: g.activity, Speed: v.line.speed(), Price: v.proving.Price, Unknown: maps.Clone(g.unknown),
	}
	if v.force.policy.Name == "" { // it was not even read
		seen.Policy = v.proving.Policy
	}
	for _, l := range r.Loads {
		seen.Phases = append(seen.Phases, l.Held)
	}
	r.Result = proof.Judge(seen)
	r.Speed, r.DurationSeconds = seen.Speed, time.Since(v.started).Seconds()
	r.Observed = Observations{
		Invocations: datapoints(g.invoked), Activities: g.activity, Unknown: g.unknown,
	}
	if stopped != nil {
		r.Status, r.Ended = Partial, why(stopped)
	}
	r.Notes = v.notes
	r.fill()
	return r
}

// why says why a programme ended before its end, without what to do.
func why(stopped error) string {
	if trouble, ok := errors.AsType[*ControlError](stopped); ok {
		return trouble.Err.Error()
	}
	return stopped.Error()
}

// fill makes lists of what is nothing, as the published form has it.
func (r *Verification) fill() {
	list(&r.Reasons)
	list(&r.Checks)
	list(&r.Events)
	list(&r.Held)
	list(&r.Predicted)
	list(&r.Objectives)
	list(&r.Loads)
	list(&r.Notes)
	list(&r.Observed.Activities)
}

func list[T any](s *[]T) {
	if *s == nil {
		*s = []T{}
	}
}

// loads are the phases as they were held.
func (v *verifier) loads() []HeldPhase {
	var out []HeldPhase
	for i := range v.proving.Programme.Phases {
		if h := v.finished(i); !h.Began.IsZero() {
			out = append(out, h)
		}
	}
	return out
}

// finished is a phase as it was held; it has no beginning when it was not.
func (v *verifier) finished(i int) HeldPhase {
	h := HeldPhase{Number: i + 1, Held: proof.Held{Phase: v.proving.Programme.Phases[i], Valid: true}}
	whole := loadgen.Unmeasured(loadgen.Load{Measure: 1})
	for _, l := range v.held {
		if l.phase != i {
			continue
		}
		if h.Began.IsZero() {
			h.Began = v.line.at(l.m.Start).UTC()
		}
		h.Ended = v.line.at(l.m.Start.Add(l.m.Window)).UTC()
		h.Doubts = append(h.Doubts, v.doubts(l.m)...)
		whole = joined(whole, l.m)
	}
	h.Valid = len(h.Doubts) == 0
	h.Measured = measuredOf(whole, loadgen.Limits{})
	h.Measured.Valid, h.Measured.Doubts = h.Valid, append([]string{}, h.Doubts...)
	return h
}

// joined is two loads, one after the other, as one.
func joined(a, b loadgen.Measurement) loadgen.Measurement {
	a.Response.Merge(b.Response)
	a.Service.Merge(b.Service)
	a.Lateness.Merge(b.Lateness)
	requests, unanswered := a.Counts.Requests+b.Counts.Requests, a.Counts.Unanswered+b.Counts.Unanswered
	for class := range b.Counts.Errors {
		b.Counts.Errors[class] += a.Counts.Errors[class]
	}
	b.Counts.Successes, b.Counts.Dropped, b.Counts.Late = a.Counts.Successes+b.Counts.Successes, a.Counts.Dropped+b.Counts.Dropped, a.Counts.Late+b.Counts.Late
	b.Counts.Completed, b.Counts.Received, b.Counts.Reconnects = a.Counts.Completed+b.Counts.Completed, a.Counts.Received+b.Counts.Received, a.Counts.Reconnects+b.Counts.Reconnects
	b.Counts.Requests, b.Counts.Unanswered = requests, unanswered
	b.Window += a.Window
	b.Response, b.Service, b.Lateness, b.Samples = a.Response, a.Service, a.Lateness, append(a.Samples, b.Samples...)
	return b
}

// overloaded is the share of bad requests from which an endpoint is taken for overloaded.
const overloaded = 0.05

// mostLate is the share of sends that may be late by half the limit of the response time.
const mostLate = 0.05

// doubts are why a load says more about the client than about the endpoint. Sends need not
// be as punctual as in a search for the peak: the rate of a minute is what the policy
// sees, and a late send only lengthens the response. An endpoint that is overloaded keeps
// every connection busy, so that sends are late and dropped for its sake.
func (v *verifier) doubts(m loadgen.Measurement) []string {
	limits := loadgen.Limits{Lateness: time.Hour}
	var offered, bad int64
	for _, b := range m.Bins {
		offered, bad = offered+b.Offered, bad+v.bad(m, b)
	}
	if float64(bad) > overloaded*float64(offered) {
		limits.Held = 1e-9
		return m.Doubts(limits)
	}
	doubts := m.Doubts(limits)
	const least = 25 * time.Millisecond
	punctual := max(least, time.Duration(v.objective.Limit)/2)
	if n, late := m.Lateness.Count(), m.Lateness.CountAbove(punctual); float64(late) > mostLate*float64(n) {
		doubts = append(doubts, fmt.Sprintf("%.3g %% of %d sends left more than %v late (limit %g %%)", 100*float64(late)/float64(n), n, punctual, 100*mostLate))
	}
	return doubts
}

// bad is how many requests of a slice failed or took longer than the limit.
func (v *verifier) bad(m loadgen.Measurement, b loadgen.Bin) int64 {
	if len(m.Load.SlowAbove) > 0 {
		return b.Slow[0]
	}
	return b.Offered - b.Successes
}

// slices are the client's own record in the services' time.
func (v *verifier) slices() []proof.Slice {
	var out []proof.Slice
	speed := v.line.speed()
	for _, l := range v.held {
		length := l.m.Load.Measure / time.Duration(max(1, len(l.m.Bins)))
		for i, b := range l.m.Bins {
			from := time.Duration(i) * length
			lasted := min(length, l.m.Window-from)
			if lasted <= 0 {
				break
			}
			s := proof.Slice{
				At: v.line.at(l.m.Start.Add(from)).UTC(), Length: proof.Span(float64(lasted) * speed),
				Offered: b.Offered, Successes: b.Successes, Failed: b.Failed, Bad: v.bad(l.m, b),
			}
			if b.Successes > 0 {
				s.MeanMs = float64(b.Response) / float64(b.Successes) / float64(time.Millisecond)
			}
			out = append(out, s)
		}
	}
	return out
}

// proposal is a phase that is about to be held.
func (v *verifier) proposal(i int) ProposedPhase {
	phase := v.proving.Programme.Phases[i]
	return ProposedPhase{
		Number: i + 1, Of: len(v.proving.Programme.Phases), Phase: phase,
		Seconds: v.sight.Clock.Here(time.Duration(phase.Length)).Seconds(), Progress: v.progress(0),
	}
}

// progress is how far the programme is, some time here into the load that is held.
func (v *verifier) progress(into time.Duration) Progress {
	var done, whole time.Duration
	for _, l := range v.held {
		done += time.Duration(l.part.Length)
	}
	for _, p := range v.proving.Programme.Phases {
		whole += time.Duration(p.Length)
	}
	here := v.sight.Clock.Here(whole)
	was := v.sight.Clock.Here(done) + into
	return Progress{Done: min(1, float64(was)/float64(here)), RemainingSeconds: max(0, here-was).Seconds()}
}

// show tells of the load that is held.
func (v *verifier) show(began time.Time) {
	s, can := v.runner.(Snapshotter)
	if !can {
		return
	}
	if m, ok := s.Snapshot(); ok {
		v.emit(Event{Kind: PhaseProgress, Live: liveOf(m, v.progress(time.Since(began)))})
	}
}
