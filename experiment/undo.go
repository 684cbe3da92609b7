package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Leftover is a change that could not be undone.
type Leftover struct {
	Change  Change `json:"change"`
	Why     string `json:"why"`
	Command string `json:"command"` // of the AWS CLI, that would undo it
}

// Undo takes intents back, the last first, whether or not each was made: it looks how
// things are, so that it may be called again after it was interrupted. A thing that is
// as it was stays so. One that somebody has changed since is left alone, save the number
// of instances, unless force is set. What could not be undone comes back, with an error
// of [ProblemLeftovers].
func (p Plane) Undo(ctx context.Context, v Variant, intents []Intent, force bool) ([]Leftover, error) {
	var left []Leftover
	var first error
	for _, i := range slices.Backward(intents) {
		if i.Undone {
			continue
		}
		if inUse(i.Change, left) { // AWS forgets what an endpoint runs on when its configuration goes first
			left = append(left, Leftover{Change: i.Change, Why: "its endpoint is there still", Command: i.Change.Command(v)})
			continue
		}
		how, err := p.undo(ctx, v, i.Change, force)
		if err == nil {
			p.note("undone: %s: %s", i.Change.thing(), how)
			if err := p.Journal.Undone(i.Number, how); err != nil {
				return left, fmt.Errorf("%s is undone, but the journal cannot say so: %w", i.Change.thing(), err)
			}
			continue
		}
		if ctx.Err() != nil {
			return left, fmt.Errorf("undoing %s of %s: %w", i.Change.thing(), v, context.Cause(ctx))
		}
		if first == nil {
			first = err
		}
		left = append(left, Leftover{Change: i.Change, Why: err.Error(), Command: i.Change.Command(v)})
	}
	if len(left) > 0 {
		return left, &ControlError{
			Problem: ProblemLeftovers, Err: fmt.Errorf("%d of the changes of %s could not be undone: %w", len(left), v, first),
			Remedy: "plimsoll restore tries again; or run the commands that are listed",
		}
	}
	return nil, nil
}

// inUse says whether a configuration's endpoint is among what is left.
func inUse(c Change, left []Leftover) bool {
	return c.What == OneConfig && slices.ContainsFunc(left, func(l Leftover) bool { return l.Change.What == OneEndpoint && l.Change.Name == c.Name })
}

func (p Plane) undo(ctx context.Context, v Variant, c Change, force bool) (how string, err error) {
	if c.What.created() {
		return p.remove(ctx, c)
	}
	e, s, err := p.Look(ctx, v)
	if trouble, ok := errors.AsType[*ControlError](err); ok && (trouble.Problem == ProblemMissing || trouble.Problem == ProblemNoVariant) {
		return "it does not exist any more: " + trouble.Err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if c.What.counted() { // what was begun must end first
		if err := p.await(ctx, v, 0); err != nil {
			return "", err
		}
		if e, err = p.Hosting.Describe(ctx, v.Endpoint); err != nil {
			return "", err
		}
	}
	now := c.now(v, e, s)
	switch {
	case now.Equal(c.Current):
		return fmt.Sprintf("it is %s, as it was", now), nil
	case !now.Equal(c.Desired) && !c.What.counted() && !force:
		return "", fmt.Errorf("somebody has changed it: it was %s, was made %s, and is %s", c.Current, c.Desired, now)
	}
	if err := p.put(ctx, v, c, c.Current); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s → %s", now, c.Current), nil
}
