package autoscaling

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Snapshot is everything that an [Autoscaler] knows. It can be written as JSON.
type Snapshot struct {
	Targets    []*target   `json:"targets,omitempty"`
	Activities []*activity `json:"activities,omitempty"` // oldest first
	Count      uint64      `json:"count"`                // of activities so far
}

// Snapshot is what is known now.
func (a *Autoscaler) Snapshot() Snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bury()
	return Snapshot{Targets: a.sorted(key{}), Activities: a.history.all, Count: a.history.count}.clone()
}

// clone shares nothing that is ever changed.
func (s Snapshot) clone() Snapshot {
	out := Snapshot{Count: s.Count}
	for _, t := range s.Targets {
		own := *t
		own.Tags = maps.Clone(t.Tags)
		own.Policies, own.Actions = nil, nil
		for _, p := range t.Policies {
			copied := *p
			copied.Noted = maps.Clone(p.Noted)
			own.Policies = append(own.Policies, &copied)
		}
		for _, x := range t.Actions {
			copied := *x
			own.Actions = append(own.Actions, &copied)
		}
		out.Targets = append(out.Targets, &own)
	}
	for _, x := range s.Activities {
		copied := *x
		out.Activities = append(out.Activities, &copied)
	}
	return out
}

// Restore makes the service know what a snapshot does, and nothing else: with the zero
// Snapshot it forgets everything. It changes nothing when the snapshot is not valid.
// Alarms and capacity are restored by those who keep them.
func (a *Autoscaler) Restore(from Snapshot) error {
	if err := from.check(); err != nil {
		return fmt.Errorf("restoring the autoscaler: %w", err)
	}
	from = from.clone()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.targets = map[key]*target{}
	a.mail.reset()
	for _, t := range from.Targets {
		a.targets[t.key()] = t
		a.mail.count(t.Resource, 1)
	}
	open := slices.DeleteFunc(slices.Clone(from.Activities), func(x *activity) bool { return x.Change == nil })
	a.history = history{all: from.Activities, open: open, count: from.Count}
	a.plan()
	return nil
}

// check refuses what the service could not have come to know.
func (s Snapshot) check() error {
	seen := map[key]bool{}
	for i, t := range s.Targets {
		switch {
		case t == nil || !t.key().valid() || t.ID == "" || t.Ref == "":
			return fmt.Errorf("target %d: want a resource of SageMaker, a dimension that it has, id and ref", i)
		case seen[t.key()]:
			return fmt.Errorf("target %s: is there twice", t.Resource)
		}
		seen[t.key()] = true
		if err := errors.Join(checkBounds(t.State.Min, t.State.Max), t.checkPolicies(), t.checkActions()); err != nil {
			return fmt.Errorf("target %s: %w", t.Resource, err)
		}
	}
	last := uint64(0)
	for i, x := range s.Activities {
		if x == nil || x.Number <= last || x.Number > s.Count {
			return fmt.Errorf("activity %d: want numbers that rise to at most the count, %d", i, s.Count)
		}
		if (x.Change != nil) != (x.Status == pending || x.Status == inProgress) {
			return fmt.Errorf("activity %d: want a change if and only if its status is %s or %s", i, pending, inProgress)
		}
		last = x.Number
	}
	return nil
}

func (t *target) checkPolicies() error {
	before := ""
	for i, p := range t.Policies {
		if p == nil || p.Name <= before || (p.Tracking == nil) == (p.Step == nil) {
			return fmt.Errorf("policy %d: want names that rise, and either tracking or step", i)
		}
		before = p.Name
		check := p.Step.check
		if c := p.Tracking; c != nil {
			if c.TargetValue == nil || c.ScaleInCooldown == nil || c.ScaleOutCooldown == nil || c.DisableScaleIn == nil {
				return fmt.Errorf("policy %s: want the target value, both cooldowns and whether scale-in is disabled", p.Name)
			}
			check = func() error { return c.check(t.Dimension) }
		}
		if err := check(); err != nil {
			return fmt.Errorf("policy %s: %w", p.Name, err)
		}
	}
	return nil
}

func (t *target) checkActions() error {
	before := ""
	for i, x := range t.Actions {
		if x == nil || x.Name <= before {
			return fmt.Errorf("scheduled action %d: want names that rise", i)
		}
		before = x.Name
		if _, err := parseSchedule(x.Schedule, x.Timezone); err != nil {
			return fmt.Errorf("scheduled action %s: %w", x.Name, err)
		}
	}
	return nil
}
