package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Journal keeps what is being changed where it outlives the process. Each method
// returns once that is so.
type Journal interface {
	// Intend writes down a change that is about to be made, and numbers it.
	Intend(c Change) (number int, err error)
	// Made notes that it has been made.
	Made(number int) error
	// Undone notes that it is not there any more, and how that came.
	Undone(number int, how string) error
}

// Intent is a change as a journal has it.
type Intent struct {
	Number int
	Change Change
	Made   bool // without it the process ended before, while or after it was made
	Undone bool
}

// Plane is the control plane of endpoints: with it changes are made and undone, one
// after the other, each written down first.
type Plane struct {
	Hosting    Hosting
	Autoscaler Autoscaler
	Journal    Journal
	Deployer   Deployer // for changes of [Deploy] only
	// Poll is the time between two looks at an endpoint that is changing. Nil: 10 s.
	Poll func() time.Duration
	// Patience is the longest wait for one change of capacity. 0: 40 minutes; launches of
	// more than half an hour have been seen.
	Patience time.Duration
	// Note is told what happens, in a line each. Nil tells nobody.
	Note func(line string)
}

// defaultPatience is long enough for a launch that waits for capacity.
const defaultPatience = 40 * time.Minute

// Make makes changes in their order. It stops at the first that fails; what is made by
// then stays, and is in the journal.
func (p Plane) Make(ctx context.Context, v Variant, changes []Change) error {
	for _, c := range changes {
		if err := p.make(ctx, v, c); err != nil {
			return fmt.Errorf("changing %s of %s: %w", c.thing(), v, err)
		}
	}
	return nil
}

func (p Plane) make(ctx context.Context, v Variant, c Change) error {
	if c.Current.Equal(c.Desired) {
		return p.remember(c)
	}
	now, err := p.now(ctx, v, c)
	if err != nil {
		return err
	}
	if !now.Equal(c.Current) {
		return &ControlError{
			Problem: ProblemChanged, Err: fmt.Errorf("it has been changed since it was looked at: it was %s and is %s", c.Current, now),
			Remedy: "look at who else works on it, and begin again",
		}
	}
	if c.What.counted() {
		if err := p.await(ctx, v, 0); err != nil { // what was begun before must end first
			return err
		}
	}
	number, err := p.Journal.Intend(c)
	if err != nil {
		return fmt.Errorf("writing the journal, so nothing was changed: %w", err)
	}
	p.note("%s: %s → %s (%s)", c.thing(), c.Current, c.Desired, c.Reason)
	if err := p.put(ctx, v, c, c.Desired); err != nil {
		return err
	}
	return p.Journal.Made(number)
}

// remember writes down how a thing is that something else, a policy, will move.
func (p Plane) remember(c Change) error {
	number, err := p.Journal.Intend(c)
	if err != nil {
		return fmt.Errorf("writing the journal, so nothing was changed: %w", err)
	}
	return p.Journal.Made(number)
}

// now is how the thing of a change is at present.
func (p Plane) now(ctx context.Context, v Variant, c Change) (Setting, error) {
	if c.What.created() {
		there, err := p.Deployer.There(ctx, c.What, c.Name)
		if err != nil || !there {
			return Setting{}, err
		}
		return c.Desired, nil
	}
	e, s, err := p.Look(ctx, v)
	return c.now(v, e, s), err
}

// Look says how a variant is and what is registered for it.
func (p Plane) Look(ctx context.Context, v Variant) (EndpointState, ScalingState, error) {
	e, err := p.Hosting.Describe(ctx, v.Endpoint)
	if err != nil {
		return e, ScalingState{}, err
	}
	if _, _, err := e.scaled(v); err != nil {
		return e, ScalingState{}, err
	}
	s, err := p.Autoscaler.Scaling(ctx, v)
	return e, s, err
}

// put gives a thing a setting, and waits for it where it takes a time.
func (p Plane) put(ctx context.Context, v Variant, c Change, to Setting) error {
	if c.What.created() {
		return p.create(ctx, v, c)
	}
	if !c.What.counted() {
		return p.Autoscaler.Put(ctx, v, c.What, c.Name, to)
	}
	if err := p.Hosting.SetInstances(ctx, v, to.Instances); err != nil {
		return err
	}
	return p.await(ctx, v, to.Instances)
}

// await waits until an endpoint is in service and the variant has what it shall have: n
// instances, or with 0 those that were asked for last, by whomever.
func (p Plane) await(ctx context.Context, v Variant, n int) error {
	limit := p.patience()
	limited, cancel := context.WithTimeoutCause(ctx, limit, errTooSlow)
	defer cancel()
	last := "it could not be described"
	for told := ""; ; {
		e, err := p.Hosting.Describe(limited, v.Endpoint)
		if err != nil && !passing(err) {
			return whyEnded(ctx, limited, err, v, limit, last)
		}
		if err == nil {
			current, desired, err := e.scaled(v)
			unsettled := e.settled(v)
			if err != nil && unsettled == nil { // until then it need not have any
				return err
			}
			last = fmt.Sprintf("it is %s with %d of %d %s", e.Status, current, desired, v.Units())
			if isProblem(unsettled, ProblemFailed) {
				return unsettled
			}
			if unsettled == nil && current == desired && (n == 0 || n == current) {
				return nil
			}
			if last != told {
				p.note("waiting for %s: %s", v, last)
				told = last
			}
		}
		if err := sleep(limited, p.poll()); err != nil {
			return whyEnded(ctx, limited, err, v, limit, last)
		}
	}
}

// errTooSlow is the cause of a context whose wait was too long.
var errTooSlow = errors.New("it took too long")

// whyEnded says why a wait has ended without what it waited for.
func whyEnded(ctx, limited context.Context, err error, v Variant, limit time.Duration, last string) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case limited.Err() != nil:
		return &ControlError{
			Problem: ProblemTooSlow, Err: fmt.Errorf("%s was not in service after %v: %s", v, limit, last),
			Remedy: "AWS may have no such instances at the moment; see the endpoint's page and its scaling activities",
		}
	}
	return err
}

// passing says whether an error may be gone at the next look.
func passing(err error) bool {
	return isProblem(err, ProblemThrottled) || isProblem(err, ProblemUnreachable)
}

func (p Plane) patience() time.Duration {
	if p.Patience == 0 {
		return defaultPatience
	}
	return p.Patience
}

func (p Plane) poll() time.Duration {
	const usual = 10 * time.Second
	if p.Poll == nil {
		return usual
	}
	return p.Poll()
}

func (p Plane) note(format string, args ...any) {
	if p.Note != nil {
		p.Note(fmt.Sprintf(format, args...))
	}
}

// sleep waits, or returns the error of a context that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
