package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plimsoll/scaling"
)

// Pin computes the changes that leave a variant with one instance, or a component with
// one copy, whose number nothing changes: scaling is suspended, then the rest is removed. There are none when it is so
// already. It fails for what cannot be measured so.
func Pin(v Variant, e EndpointState, s ScalingState) ([]Change, error) {
	if err := e.settled(v); err != nil {
		return nil, err
	}
	state, err := e.Variant(v.Name)
	if err != nil {
		return nil, err
	}
	_, desired, err := e.scaled(v)
	if err != nil {
		return nil, err
	}
	if err := state.pinnable(v, desired); err != nil {
		return nil, err
	}
	var changes []Change
	if s.Target != nil {
		frozen := ScalableTarget{Min: min(1, s.Target.Min), Max: max(1, s.Target.Max), Suspended: Suspension{In: true, Out: true, Scheduled: true}}
		if frozen != *s.Target {
			changes = append(changes, Change{
				What: Bounds, Current: Setting{Bounds: s.Target}, Desired: Setting{Bounds: &frozen},
				Reason: "scaling must not change what is measured",
			})
		}
	}
	if desired != 1 {
		changes = append(changes, Change{
			What: v.counts(), Current: Setting{Instances: desired}, Desired: Setting{Instances: 1},
			Reason: "the peak is that of one " + v.Unit(),
		})
	}
	return changes, nil
}

// pinnable says why a variant cannot be measured with one instance, or a component on it
// with one copy.
func (s VariantState) pinnable(v Variant, desired int) error {
	wrong := func(remedy, format string, args ...any) error {
		return &ControlError{Problem: ProblemInvalid, Err: fmt.Errorf(format, args...), Remedy: remedy}
	}
	switch {
	case s.Serverless:
		return wrong("it has no target of requests for an instance", "variant %s is serverless", s.Name)
	case s.Components && v.Component == "":
		return wrong("their copies are scaled, and the instances follow: name one with --inference-component", "variant %s hosts inference components", s.Name)
	case len(s.Pools) > 1:
		return wrong("measure each type on an endpoint of its own", "variant %s has %d instance types, and one instance stands for none of the others", s.Name, len(s.Pools))
	case desired < 1:
		return wrong("start one first", "%s has no %s", v, v.Unit())
	}
	return nil
}

// Traffic is the requests that a variant has answered lately, by its own metrics.
type Traffic struct {
	Requests float64
	Window   time.Duration
}

// LookForTraffic counts what a variant has been invoked in a window that ends now.
func LookForTraffic(ctx context.Context, m Metrics, v Variant, now time.Time, window time.Duration) (Traffic, error) {
	points, err := m.Series(ctx, v, invocations(now.Add(-window), now))
	if err != nil {
		return Traffic{}, fmt.Errorf("looking for traffic on %s: %w", v, err)
	}
	t := Traffic{Window: window}
	for _, p := range points {
		if !p.Missing {
			t.Requests += p.Value
		}
	}
	return t, nil
}

// PerMinute is the mean rate.
func (t Traffic) PerMinute() scaling.PerMinute {
	return scaling.PerMinute(t.Requests / t.Window.Minutes())
}

// restoreWithin bounds what is done after a run was told to end.
const restoreWithin = 90 * time.Minute

// GiveBack undoes intents, also when the run has been told to end.
func (p Plane) GiveBack(ctx context.Context, v Variant, intents []Intent) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreWithin)
	defer cancel()
	_, err := p.Undo(ctx, v, intents, false)
	return err
}

// Pinned makes the changes of [Pin] or of [Deploy], does something, and takes them back, also when it
// fails, panics or is told to end. What could not be taken back stays in the journal.
func (p Plane) Pinned(ctx context.Context, v Variant, changes []Change, do func(context.Context) error) (err error) {
	kept := &remembering{Journal: p.Journal}
	p.Journal = kept
	defer func() {
		// The run may have been interrupted; the endpoint must be given back all the same.
		err = errors.Join(err, p.GiveBack(ctx, v, kept.intents))
	}()
	if err := p.Make(ctx, v, changes); err != nil {
		return err
	}
	return do(ctx)
}

// remembering is a journal that knows what it was told.
type remembering struct {
	Journal

	intents []Intent
	how     map[int]string // they were undone
	keeping bool
	kept    int // the first of those that are to stay
}

func (r *remembering) Intend(c Change) (int, error) {
	number, err := r.Journal.Intend(c)
	if err == nil {
		r.intents = append(r.intents, Intent{Number: number, Change: c})
	}
	return number, err
}

func (r *remembering) Undone(number int, how string) error {
	for n := range r.intents {
		if r.intents[n].Number == number {
			r.intents[n].Undone = true
		}
	}
	if r.how == nil {
		r.how = map[int]string{}
	}
	r.how[number] = how
	return r.Journal.Undone(number, how)
}
