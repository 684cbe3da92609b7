package autoscaling

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/wire"
)

// action is a scheduled action. It is replaced, not changed, but for Next.
type action struct {
	Name     string    `json:"name"`
	Schedule string    `json:"schedule"`
	Timezone string    `json:"timezone,omitempty"`
	Start    time.Time `json:"start,omitzero"`
	End      time.Time `json:"end,omitzero"`
	Min      *int      `json:"min,omitempty"`
	Max      *int      `json:"max,omitempty"`
	Created  time.Time `json:"created"`
	Put      time.Time `json:"put"`           // last; a rate without start counts from it
	Next     time.Time `json:"next,omitzero"` // zero: it runs no more
}

// after is when an action runs next after an instant, zero for never. A recurring one
// also runs at its start.
func (x *action) after(now time.Time) time.Time {
	s, err := parseSchedule(x.Schedule, x.Timezone)
	if err != nil {
		return time.Time{} // was refused when it was put
	}
	next := s.next(now, or(x.Start, x.Put))
	if recurs := s.at.IsZero(); recurs && x.Start.After(now) {
		next = x.Start
	}
	if next.Before(x.Start) || !x.End.IsZero() && next.After(x.End) {
		return time.Time{}
	}
	return next
}

func (t *target) findAction(name string) (int, bool) {
	return slices.BinarySearchFunc(t.Actions, name, func(x *action, name string) int { return strings.Compare(x.Name, name) })
}

// run sets the bounds that an action has, and pulls capacity inside.
func (a *Autoscaler) run(t *target, x *action, now time.Time) {
	var parts []string
	for _, bound := range []struct {
		name  string
		value *int
	}{{"min", x.Min}, {"max", x.Max}} {
		if bound.value != nil {
			parts = append(parts, fmt.Sprintf("%s capacity to %d", bound.name, *bound.value))
		}
	}
	what := strings.Join(parts, " and ")
	done := activity{
		Text: "Setting " + what, Cause: fmt.Sprintf("scheduled action name %s was triggered", x.Name),
		Status: successful, Message: "Successfully set " + what,
	}
	lowest, highest := t.State.Min, t.State.Max
	set(&lowest, x.Min)
	set(&highest, x.Max)
	if err := checkBounds(lowest, highest); err != nil {
		done.Status, done.Message = failed, fmt.Sprintf("Failed to set %s. Reason: Maximum capacity %d cannot be less than minimum capacity %d", what, highest, lowest)
		a.add(t, done, now)
		return
	}
	t.State.Min, t.State.Max = lowest, highest
	a.add(t, done, now)
	a.bound(t, now)
}

type scalableTargetAction struct {
	MinCapacity *int `json:"MinCapacity,omitempty"`
	MaxCapacity *int `json:"MaxCapacity,omitempty"`
}

type putScheduledActionInput struct {
	targetRef

	ScheduledActionName  string                `json:"ScheduledActionName,omitempty"`
	Schedule             string                `json:"Schedule,omitempty"`
	Timezone             string                `json:"Timezone,omitempty"`
	StartTime            wire.Time             `json:"StartTime,omitzero"`
	EndTime              wire.Time             `json:"EndTime,omitzero"`
	ScalableTargetAction *scalableTargetAction `json:"ScalableTargetAction,omitempty"`
}

// putScheduledAction makes an action or updates it. What is left out stays as it was,
// but for start and end, which are gone then.
func (a *Autoscaler) putScheduledAction(in *putScheduledActionInput) (*empty, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t, err := a.require(in.targetRef)
	if err != nil {
		return nil, err
	}
	now := a.now()
	i, known := t.findAction(in.ScheduledActionName)
	x := &action{Name: in.ScheduledActionName, Created: now}
	if known {
		*x = *t.Actions[i]
	} else if len(t.Actions) >= maxActions {
		return nil, limitExceeded("Maximum number of scheduled actions for scalable target %s reached: %d. Delete some", t.Resource, maxActions)
	}
	if err := in.apply(x, now); err != nil {
		return nil, err
	}
	x.Next = x.after(now)
	if known {
		t.Actions[i] = x
	} else {
		t.Actions = slices.Insert(t.Actions, i, x)
	}
	a.plan()
	return nil, nil
}

// check refuses what is wrong whatever there is already.
func (in *putScheduledActionInput) check() error {
	var c wire.Checks
	in.require(&c)
	c.Required("scheduledActionName", in.ScheduledActionName != "")
	c.Length("scheduledActionName", in.ScheduledActionName, 1, 256)
	c.Pattern("scheduledActionName", in.ScheduledActionName, actionNamePattern)
	c.Length("schedule", in.Schedule, 1, 1600)
	c.Length("timezone", in.Timezone, 1, 1600)
	return c.Err()
}

// apply changes what is given of an action.
func (in *putScheduledActionInput) apply(x *action, now time.Time) error {
	x.Schedule, x.Timezone = or(in.Schedule, x.Schedule), or(in.Timezone, x.Timezone)
	x.Start, x.End, x.Put = in.StartTime.Time, in.EndTime.Time, now
	if given := in.ScalableTargetAction; given != nil {
		x.Min, x.Max = given.MinCapacity, given.MaxCapacity
	}
	switch {
	case x.Schedule == "":
		return invalid("Schedule must be specified when a scheduled action is created")
	case x.Min == nil && x.Max == nil:
		return invalid("ScalableTargetAction must be specified, with MinCapacity, MaxCapacity or both")
	case x.Min != nil && *x.Min < 0 || x.Max != nil && *x.Max < 0:
		return invalid("ScalableTargetAction: MinCapacity and MaxCapacity cannot be less than 0")
	case x.Min != nil && x.Max != nil && *x.Max < *x.Min:
		return invalid("Maximum capacity cannot be less than minimum capacity")
	case !x.Start.IsZero() && !x.End.IsZero() && !x.End.After(x.Start):
		return invalid("EndTime must be later than StartTime")
	case !x.End.IsZero() && !x.End.After(now):
		return invalid("EndTime must be in the future")
	}
	if _, err := parseSchedule(x.Schedule, x.Timezone); err != nil {
		return invalid("Invalid %v", err)
	}
	return nil
}

type deleteScheduledActionInput struct {
	targetRef

	ScheduledActionName string `json:"ScheduledActionName,omitempty"`
}

func (a *Autoscaler) deleteScheduledAction(in *deleteScheduledActionInput) (*empty, error) {
	var c wire.Checks
	in.require(&c)
	c.Required("scheduledActionName", in.ScheduledActionName != "")
	if err := c.Err(); err != nil {
		return nil, err
	}
	k, err := in.key()
	if err != nil {
		return nil, err
	}
	if t := a.targets[k]; t != nil {
		if i, found := t.findAction(in.ScheduledActionName); found {
			t.Actions = slices.Delete(t.Actions, i, i+1)
			a.plan()
			return nil, nil
		}
	}
	return nil, notFound("No scheduled action found for service namespace: %s, resource ID: %s, scalable dimension: %s, scheduled action name: %s",
		namespace, k.resource, k.dimension, in.ScheduledActionName)
}

type describeScheduledActionsInput struct {
	targetRef
	pageRef

	ScheduledActionNames []string `json:"ScheduledActionNames,omitempty"`
}

type describeScheduledActionsOutput struct {
	ScheduledActions []scheduledAction `json:"ScheduledActions"`
	NextToken        string            `json:"NextToken,omitempty"`
}

type scheduledAction struct {
	targetRef

	ScheduledActionName  string               `json:"ScheduledActionName"`
	ScheduledActionARN   string               `json:"ScheduledActionARN"`
	Schedule             string               `json:"Schedule"`
	Timezone             string               `json:"Timezone,omitempty"`
	StartTime            wire.Time            `json:"StartTime,omitzero"`
	EndTime              wire.Time            `json:"EndTime,omitzero"`
	ScalableTargetAction scalableTargetAction `json:"ScalableTargetAction"`
	CreationTime         wire.Time            `json:"CreationTime"`
}

func (a *Autoscaler) describeScheduledActions(in *describeScheduledActionsInput) (*describeScheduledActionsOutput, error) {
	var c wire.Checks
	in.allow(&c)
	c.Range("scheduledActionNames", float64(len(in.ScheduledActionNames)), 0, selectedNames)
	if err := c.Err(); err != nil {
		return nil, err
	}
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	type placed struct {
		t *target
		x *action
	}
	var found []placed
	for _, t := range a.sorted(filter) {
		for _, x := range t.Actions {
			if len(in.ScheduledActionNames) == 0 || slices.Contains(in.ScheduledActionNames, x.Name) {
				found = append(found, placed{t, x})
			}
		}
	}
	question := append([]string{"DescribeScheduledActions", filter.text()}, in.ScheduledActionNames...)
	found, next, err := page(in.pageRef, actionsPage, question, found, func(f placed) string { return f.t.key().text() + "\x00" + f.x.Name })
	if err != nil {
		return nil, err
	}
	out := &describeScheduledActionsOutput{ScheduledActions: make([]scheduledAction, 0, len(found)), NextToken: next}
	for _, f := range found {
		out.ScheduledActions = append(out.ScheduledActions, scheduledAction{
			targetRef: f.t.key().ref(), ScheduledActionName: f.x.Name, Schedule: f.x.Schedule, Timezone: f.x.Timezone,
			ScheduledActionARN: fmt.Sprintf("arn:aws:autoscaling:%s:%s:scheduledAction:%s:resource/%s/%s:scheduledActionName/%s",
				a.opts.Region, a.opts.Account, f.t.Ref, namespace, f.t.Resource, f.x.Name),
			StartTime: wire.Time{Time: f.x.Start}, EndTime: wire.Time{Time: f.x.End}, CreationTime: wire.Time{Time: f.x.Created},
			ScalableTargetAction: scalableTargetAction{MinCapacity: f.x.Min, MaxCapacity: f.x.Max},
		})
	}
	return out, nil
}
