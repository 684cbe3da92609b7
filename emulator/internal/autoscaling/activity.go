package autoscaling

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

// How long and how many activities are kept. AWS states the time; the number bounds
// memory, and is what a target that is refused every minute for a week makes.
const (
	activityAge   = 6 * 7 * 24 * time.Hour
	maxActivities = 10_000
)

// The states of an activity.
const (
	pending     = "Pending" // not yet asked for
	inProgress  = "InProgress"
	successful  = "Successful"
	overridden  = "Overridden"
	unfulfilled = "Unfulfilled"
	failed      = "Failed"
)

// activity is something that was done to a target, or not done.
type activity struct {
	Number    uint64           `json:"number"` // counts activities; newer is higher
	ID        string           `json:"id"`
	Resource  string           `json:"resource"`
	Dimension string           `json:"dimension"`
	Text      string           `json:"text"`
	Cause     string           `json:"cause"`
	Details   string           `json:"details,omitempty"`
	Start     time.Time        `json:"start"`
	End       time.Time        `json:"end,omitzero"`
	Status    string           `json:"status"`
	Message   string           `json:"message,omitempty"`
	NotScaled *notScaledReason `json:"not_scaled,omitempty"`

	Change *change `json:"change,omitempty"` // while it is pending or in progress
}

// change is a capacity that an activity asks for.
type change struct {
	Target   string           `json:"target"` // id of the scalable target, which may be registered anew meanwhile
	Decision scaling.Decision `json:"decision"`
}

type notScaledReason struct {
	Code            string `json:"Code"`
	MaxCapacity     *int   `json:"MaxCapacity,omitempty"`
	MinCapacity     *int   `json:"MinCapacity,omitempty"`
	CurrentCapacity *int   `json:"CurrentCapacity,omitempty"`
}

func (x *activity) key() key { return key{resource: x.Resource, dimension: x.Dimension} }

// history is the activities, oldest first.
type history struct {
	all   []*activity
	open  []*activity // those with a change, oldest first
	count uint64
}

// add appends an activity of a target that starts now, and forgets what is too old.
func (a *Autoscaler) add(t *target, x activity, now time.Time) *activity {
	h := &a.history
	h.count++
	x.Number, x.ID, x.Resource, x.Dimension, x.Start = h.count, a.opts.NewID(), t.Resource, t.Dimension, now
	h.all = append(h.all, &x)
	if x.Change != nil {
		h.open = append(h.open, &x)
	}
	h.forget(now)
	return &x
}

// forget drops activities that are over: the old ones, and the oldest of too many.
func (h *history) forget(now time.Time) {
	excess := len(h.all) - maxActivities
	if excess <= 0 && now.Sub(h.all[0].Start) <= activityAge {
		return
	}
	h.all = slices.DeleteFunc(h.all, func(x *activity) bool {
		drop := x.Change == nil && (excess > 0 || now.Sub(x.Start) > activityAge)
		if drop {
			excess--
		}
		return drop
	})
}

// finish ends an activity.
func (h *history) finish(x *activity, status, message string, now time.Time) {
	x.Status, x.Message, x.End, x.Change = status, message, now, nil
	h.open = slices.DeleteFunc(h.open, func(other *activity) bool { return other == x })
}

// setCapacity begins an activity that asks for a capacity, now or once nobody is
// changing the resource any more.
func (a *Autoscaler) setCapacity(t *target, d scaling.Decision, cause string, wait bool, now time.Time) {
	x := a.add(t, activity{
		Text:  fmt.Sprintf("Setting %s to %d.", t.key().capacityName(), d.Desired),
		Cause: cause, Details: d.Because, Status: pending,
		Change: &change{Target: t.ID, Decision: d},
	}, now)
	for _, other := range slices.Clone(a.history.open) {
		if other != x && other.key() == x.key() && other.Status == pending {
			a.override(other, d.Desired, now)
		}
	}
	if !wait {
		a.ask(t, x, now)
	}
}

// ask asks the resource for the capacity of a pending activity.
func (a *Autoscaler) ask(t *target, x *activity, now time.Time) {
	wanted, name := x.Change.Decision.Desired, x.key().capacityName()
	if err := a.opts.Capacity.SetCapacity(t.Resource, t.Dimension, wanted); err != nil {
		a.history.finish(x, failed, fmt.Sprintf("Failed to set %s to %d. Reason: %s", name, wanted, a.reason(err)), now)
		return
	}
	for _, other := range slices.Clone(a.history.open) {
		if other != x && other.key() == x.key() {
			a.override(other, wanted, now)
		}
	}
	x.Status = inProgress
	x.Message = fmt.Sprintf("Successfully set %s to %d. Waiting for change to be fulfilled by %s.", name, wanted, namespace)
	t.State.Started(x.Change.Decision, now)
	for _, p := range t.Policies {
		clear(p.Noted)
	}
}

// override ends an activity in whose place a newer one asks for another capacity.
func (a *Autoscaler) override(x *activity, later int, now time.Time) {
	a.history.finish(x, overridden, fmt.Sprintf("Successfully set %s to %d. Found it was later changed to %d.",
		x.key().capacityName(), x.Change.Decision.Desired, later), now)
}

// reason is a refusal of SageMaker as activities show it.
func (a *Autoscaler) reason(err error) string {
	var refused *wire.Error
	if !errors.As(err, &refused) {
		return err.Error()
	}
	return fmt.Sprintf("%s (Service: AmazonSageMaker; Status Code: %d; Error Code: %s; Request ID: %s).",
		refused.Message, refused.Status, refused.Code, a.opts.NewID())
}

// progress brings the activities forward that have a change.
func (a *Autoscaler) progress(now time.Time) {
	for _, x := range slices.Clone(a.history.open) {
		if x.Change == nil {
			continue // overridden by one before it
		}
		t := a.targets[x.key()]
		if t != nil && t.ID != x.Change.Target {
			t = nil
		}
		switch {
		case x.Status == inProgress:
			a.follow(t, x, now)
		case t == nil:
			a.history.finish(x, unfulfilled, "The scalable target was deregistered before the change could be made.", now)
		default:
			a.retry(t, x, now)
		}
	}
}

// retry looks whether a change that pulls capacity inside the bounds can be made now, and
// whether it still has to be.
func (a *Autoscaler) retry(t *target, x *activity, now time.Time) {
	if !a.look(t) {
		a.history.finish(x, unfulfilled, "The resource was deleted before the change could be made.", now)
		return
	}
	wanted, because, act := scaling.Bound(t.State)
	switch {
	case because == "":
		a.override(x, t.State.Desired, now)
	case wanted != x.Change.Decision.Desired:
		a.bound(t, now)
	case act:
		a.ask(t, x, now)
	}
}

// follow looks how far a change in progress is; its target may be deregistered.
func (a *Autoscaler) follow(t *target, x *activity, now time.Time) {
	wanted, name := x.Change.Decision.Desired, x.key().capacityName()
	current, desired, updating, err := a.opts.Capacity.Capacity(x.Resource, x.Dimension)
	switch {
	case err != nil:
		a.history.finish(x, unfulfilled, fmt.Sprintf("Successfully set %s to %d. Change was not fulfilled by %s: %v", name, wanted, namespace, err), now)
	case updating:
		return
	case desired != wanted:
		a.override(x, desired, now)
	case current != wanted:
		a.history.finish(x, unfulfilled, fmt.Sprintf("Successfully set %s to %d. Change was not fulfilled by %s: %d in service.", name, wanted, namespace, current), now)
	default:
		a.history.finish(x, successful, fmt.Sprintf("Successfully set %s to %d. Change successfully fulfilled by %s.", name, wanted, namespace), now)
		if t != nil {
			t.State.Succeeded(now)
		}
		return
	}
	if t != nil {
		t.State.Failed()
	}
}

// note records that an alarm did not change capacity: once for each reason, until the
// alarm leaves ALARM or capacity is changed. AWS shows such a stay as one activity too.
func (a *Autoscaler) note(t *target, p *policy, alarm string, d scaling.Decision, now time.Time) {
	if p.Noted[alarm] == d.NotScaled {
		return
	}
	if p.Noted == nil || len(p.Noted) > maxPolicies {
		p.Noted = map[string]string{} // a step policy whose alarms have changing names
	}
	p.Noted[alarm] = d.NotScaled
	reason := notScaledReason{Code: d.NotScaled}
	lowest, highest, current := t.State.Min, t.State.Max, t.State.Capacity
	switch d.NotScaled {
	case scaling.AlreadyAtMaxCapacity:
		reason.MaxCapacity = &highest
	case scaling.AlreadyAtMinCapacity:
		reason.MinCapacity = &lowest
	case scaling.AlreadyAtDesiredCapacity:
		reason.CurrentCapacity = &current
	}
	a.add(t, activity{
		Text: "Attempting to scale due to alarm triggered", Cause: triggered(alarm, p), Details: d.Because,
		Status: failed, NotScaled: &reason,
	}, now)
}

func triggered(alarm string, p *policy) string {
	return fmt.Sprintf("monitor alarm %s in state ALARM triggered policy %s", alarm, p.Name)
}

type describeScalingActivitiesInput struct {
	targetRef
	pageRef

	IncludeNotScaledActivities bool `json:"IncludeNotScaledActivities,omitempty"`
}

type describeScalingActivitiesOutput struct {
	ScalingActivities []scalingActivity `json:"ScalingActivities"`
	NextToken         string            `json:"NextToken,omitempty"`
}

type scalingActivity struct {
	targetRef

	ActivityID       string            `json:"ActivityId"`
	Description      string            `json:"Description"`
	Cause            string            `json:"Cause"`
	StartTime        wire.Time         `json:"StartTime"`
	EndTime          wire.Time         `json:"EndTime,omitzero"`
	StatusCode       string            `json:"StatusCode"`
	StatusMessage    string            `json:"StatusMessage,omitempty"`
	Details          string            `json:"Details,omitempty"`
	NotScaledReasons []notScaledReason `json:"NotScaledReasons,omitempty"`
}

// describeScalingActivities lists activities, newest first.
func (a *Autoscaler) describeScalingActivities(in *describeScalingActivitiesInput) (*describeScalingActivitiesOutput, error) {
	var c wire.Checks
	in.allow(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	now := a.now()
	var found []*activity
	for _, x := range slices.Backward(a.history.all) {
		if now.Sub(x.Start) <= activityAge && x.key().matches(filter) && (x.NotScaled == nil || in.IncludeNotScaledActivities) {
			found = append(found, x)
		}
	}
	question := []string{"DescribeScalingActivities", filter.text(), fmt.Sprint(in.IncludeNotScaledActivities)}
	found, next, err := page(in.pageRef, activityPage, question, found, func(x *activity) string {
		return fmt.Sprintf("%020d", math.MaxUint64-x.Number) // so that the newest comes first
	})
	if err != nil {
		return nil, err
	}
	out := &describeScalingActivitiesOutput{ScalingActivities: make([]scalingActivity, 0, len(found)), NextToken: next}
	for _, x := range found {
		described := scalingActivity{
			targetRef: x.key().ref(), ActivityID: x.ID, Description: x.Text, Cause: x.Cause, StartTime: wire.Time{Time: x.Start},
			EndTime: wire.Time{Time: x.End}, StatusCode: x.Status, StatusMessage: x.Message, Details: x.Details,
		}
		if x.NotScaled != nil {
			described.NotScaledReasons = []notScaledReason{*x.NotScaled}
		}
		out.ScalingActivities = append(out.ScalingActivities, described)
	}
	return out, nil
}
