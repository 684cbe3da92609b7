package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// How often a variant is looked at while a programme goes on, in the services' time.
const (
	lookAtCapacity = 10 * time.Second
	looksAtScaling = 6   // every so many looks, what is registered is looked at too
	looksAtMetric  = 180 // and a metric of less than a minute is fetched, which CloudWatch keeps for three hours
)

// look is one look at a variant while the load is held.
type look struct {
	here, there time.Time // when the endpoint was described, by both clocks
	endpoint    EndpointState
	err         error

	scaling    *ScalingState // nil: not looked at
	scalingErr error
	metric     []scaling.Point
}

// watch looks at a variant until the context ends, on a goroutine of its own: a load is
// held meanwhile. What it sees goes to looks.
func (v *verifier) watch(ctx context.Context, looks chan<- look) {
	defer close(looks)
	for n := 1; ; n++ {
		began := time.Now()
		l := v.look(ctx, n)
		if ctx.Err() != nil {
			return // it was broken off, which says nothing of the endpoint
		}
		select {
		case looks <- l:
		case <-ctx.Done():
			return
		}
		if sleep(ctx, v.sight.Clock.Here(lookAtCapacity)-time.Since(began)) != nil {
			return
		}
	}
}

func (v *verifier) look(ctx context.Context, n int) look {
	l := look{}
	l.endpoint, l.err = v.sight.Hosting.Describe(ctx, v.on.Endpoint)
	l.here, l.there = time.Now(), v.sight.Clock.Now()
	if n%looksAtScaling == 0 {
		var s ScalingState
		if s, l.scalingErr = v.sight.Autoscaler.Scaling(ctx, v.on); l.scalingErr == nil {
			l.scaling = &s
		}
	}
	if n%looksAtMetric == 0 && v.reading.Period < time.Minute && v.reading.Metric != "" {
		from := l.there.Add(-2 * looksAtMetric * lookAtCapacity)
		l.metric, _ = v.sight.Metrics.Series(ctx, v.on, v.reading.between(from, l.there)) // it is asked for again
	}
	return l
}

// see takes a look in. It ends the programme when there is nothing left to prove.
func (v *verifier) see(l look) {
	v.metric = merged(v.metric, l.metric)
	switch {
	case l.err != nil:
		v.blind(l.err)
	default:
		v.seeCapacity(l)
	}
	if l.scaling != nil {
		if what := l.scaling.changedSince(v.force.scaling); what != "" {
			v.end(errChanged(what))
		}
	}
	if refused(l.scalingErr) {
		v.end(l.scalingErr)
	}
}

func (v *verifier) seeCapacity(l look) {
	v.line.read(l.here, l.there)
	state, err := l.endpoint.Variant(v.on.Name)
	if err != nil {
		v.end(err)
		return
	}
	if trouble, ok := errors.AsType[*ControlError](l.endpoint.Settled()); ok && trouble.Problem == ProblemFailed {
		v.end(trouble)
	}
	now := proof.Capacity{At: l.there.UTC(), Status: l.endpoint.Status, Current: state.Current, Desired: state.Desired}
	last := len(v.capacity) - 1
	v.capacity = append(v.capacity, now)
	if last < 0 || v.capacity[last].Current != now.Current || v.capacity[last].Desired != now.Desired {
		v.emit(Event{Kind: CapacitySeen, Capacity: &now})
	}
}

// blind is a look that saw nothing. One that may see again is no reason to end.
func (v *verifier) blind(err error) {
	if refused(err) {
		v.end(err)
		return
	}
	if v.unseen++; v.unseen == 1 {
		v.note("the endpoint could not be described, and is looked at again: %v", err)
	}
}

// refused says that looking again will not help.
func refused(err error) bool {
	trouble, ok := errors.AsType[*ControlError](err)
	if !ok {
		return false
	}
	switch trouble.Problem {
	case ProblemMissing, ProblemNoVariant, ProblemFailed, ProblemDenied, ProblemCredentials:
		return true
	default:
		return false
	}
}

// merged adds later points to earlier ones; both are oldest first.
func merged(earlier, later []scaling.Point) []scaling.Point {
	for _, p := range later {
		if n := len(earlier); n == 0 || p.At.After(earlier[n-1].At) {
			earlier = append(earlier, p)
		}
	}
	return earlier
}

// between is the same metric over another time.
func (r Reading) between(from, to time.Time) Reading {
	r.From, r.To = from, to
	return r
}

// trackedReading is how the metric of a policy is read; the metric of a customized one is not.
func trackedReading(p proof.Policy) (Reading, error) {
	m, known := scaling.PredefinedMetric(p.Metric)
	if !known {
		return Reading{}, fmt.Errorf("%s is not read", metricName(p.Metric))
	}
	return Reading{Metric: m.Name, Statistic: m.Statistic, Period: m.Period}, nil
}
