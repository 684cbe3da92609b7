package autoscaling

import (
	"slices"
	"strings"
	"time"

	"plimsoll/scaling"
)

// Tick does what is due at an instant of model time: it looks how far changes are, lets
// alarms that fired scale, and runs scheduled actions. It is called for every model
// second, after the resources and the alarms have had theirs.
func (a *Autoscaler) Tick(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now = now.Truncate(time.Millisecond)
	a.bury()
	a.progress(now)
	a.alarms(now)
	if !a.due.IsZero() && !a.due.After(now) {
		a.runDue(now)
	}
}

// bury deregisters the targets of resources that are gone.
func (a *Autoscaler) bury() {
	for _, resource := range a.mail.takeDeleted() {
		for _, t := range a.sorted(key{resource: resource}) {
			_ = a.deleteAlarms(t) // an alarm that stays has no policy left to call
			a.remove(t)
		}
	}
}

// alarms lets the alarms scale that fired since the last tick. All are noted before the
// first decides, for a decision depends on the other policies' alarms too.
func (a *Autoscaler) alarms(now time.Time) {
	type firing struct {
		t     *target
		p     *policy
		point scaling.Datapoint
		alarm string
	}
	var fired []firing
	for _, f := range a.mail.takeAlarms() {
		t, p := a.byAction(f.Action)
		if p == nil {
			continue
		}
		direction, acts := p.direction(f.Alarm)
		if !acts {
			continue
		}
		if !f.Repeated {
			delete(p.Noted, f.Alarm)
		}
		point := scaling.Datapoint{
			Policy: p.Name, Direction: direction,
			Value: f.Value, Recent: f.Recent, Threshold: f.Threshold, At: f.At,
		}
		t.State.Observe(point)
		fired = append(fired, firing{t: t, p: p, point: point, alarm: f.Alarm})
	}
	for _, f := range fired {
		a.decide(f.t, f.p, f.point, f.alarm, now)
	}
}

// decide lets one alarm scale.
func (a *Autoscaler) decide(t *target, p *policy, point scaling.Datapoint, alarm string, now time.Time) {
	if p.Step != nil {
		p.Fired = alarm
	}
	if !a.look(t) {
		return
	}
	a.quiet(t)
	d := scaling.Decide(t.State, t.rules(), point, now, a.opts.Assumptions)
	switch {
	case d.Act:
		if by := t.policy(d.Policy); by != nil && by != p {
			alarm, p = by.alarmFor(d.Direction), by
		}
		a.setCapacity(t, d, triggered(alarm, p), false, now)
	case d.NotScaled != "":
		a.note(t, p, alarm, d, now)
	}
}

// quiet forgets the alarms of a target's policies that have left ALARM.
func (a *Autoscaler) quiet(t *target) {
	for _, d := range slices.Clone(t.State.Alarms) {
		if p := t.policy(d.Policy); p == nil || !a.alarming(t, p, d.Direction) {
			t.State.Clear(d.Policy, d.Direction)
		}
	}
}

// alarming is whether an alarm that lets a policy scale in a direction is in ALARM.
func (a *Autoscaler) alarming(t *target, p *policy, d scaling.Direction) bool {
	return slices.ContainsFunc(a.opts.Alarms.Acting(a.alarmAction(t, p)), func(alarm Alarm) bool {
		direction, acts := p.direction(alarm.AlarmName)
		return alarm.InAlarm && acts && direction == d
	})
}

// look brings what is known of a target's capacity up to date, and says whether there
// is any.
func (a *Autoscaler) look(t *target) bool {
	current, desired, updating, err := a.opts.Capacity.Capacity(t.Resource, t.Dimension)
	if err != nil {
		return false
	}
	t.State.Capacity, t.State.Desired = current, desired
	t.State.Unscalable = updating && !t.State.InProgress
	return true
}

// bound pulls capacity inside the bounds of a target, as soon as the resource is not
// being changed.
func (a *Autoscaler) bound(t *target, now time.Time) {
	if !a.look(t) {
		return
	}
	desired, because, act := scaling.Bound(t.State)
	if because == "" {
		return
	}
	a.setCapacity(t, scaling.Decision{Desired: desired, Act: true, Because: because}, because, !act, now)
}

// byAction finds the policy that an alarm's action names, with or without its creator.
func (a *Autoscaler) byAction(action string) (*target, *policy) {
	for _, t := range a.targets {
		for _, p := range t.Policies {
			rest, found := strings.CutPrefix(action, a.policyARN(t, p))
			if found && (rest == "" || strings.HasPrefix(rest, ":createdBy/")) {
				return t, p
			}
		}
	}
	return nil, nil
}

// direction is which way an alarm asks a policy to scale. Target tracking listens to its
// own alarms alone.
func (p *policy) direction(alarm string) (d scaling.Direction, acts bool) {
	switch {
	case p.Step != nil:
		return "", true
	case alarm == p.High.AlarmName:
		return scaling.Out, true
	case alarm == p.Low.AlarmName:
		return scaling.In, true
	}
	return "", false
}

// alarmFor is the alarm by which a policy scales in a direction.
func (p *policy) alarmFor(d scaling.Direction) string {
	switch {
	case p.Step != nil:
		return p.Fired
	case d == scaling.In:
		return p.Low.AlarmName
	default:
		return p.High.AlarmName
	}
}

// plan notes when the next scheduled action is due.
func (a *Autoscaler) plan() {
	a.due = time.Time{}
	for _, t := range a.targets {
		for _, x := range t.Actions {
			if !x.Next.IsZero() && (a.due.IsZero() || x.Next.Before(a.due)) {
				a.due = x.Next
			}
		}
	}
}

// runDue runs the scheduled actions that are due, in the order in which they are.
func (a *Autoscaler) runDue(now time.Time) {
	type running struct {
		t *target
		x *action
	}
	var due []running
	for _, t := range a.sorted(key{}) {
		for _, x := range t.Actions {
			if !x.Next.IsZero() && !x.Next.After(now) {
				due = append(due, running{t, x})
			}
		}
	}
	slices.SortStableFunc(due, func(p, q running) int { return p.x.Next.Compare(q.x.Next) })
	for _, r := range due {
		r.x.Next = r.x.after(now)
		// What a suspended target misses is not made up for.
		if !r.t.Paused {
			a.run(r.t, r.x, now)
		}
	}
	a.plan()
}
