package scaling

import (
	"slices"
	"time"
)

// Direction is which way capacity goes.
type Direction string

// The directions.
const (
	Out Direction = "out" // more capacity; the high alarm of a target-tracking policy
	In  Direction = "in"  // less; the low alarm
)

// Datapoint is an alarm of a policy that is in ALARM, with what its metric says.
type Datapoint struct {
	Policy    string    `json:"policy"`
	Direction Direction `json:"direction,omitempty"` // which alarm of a target-tracking policy; "" for step scaling
	Value     float64   `json:"value"`               // newest
	Recent    []float64 `json:"recent,omitempty"`    // of the evaluation periods, oldest first; may be nil
	Threshold float64   `json:"threshold"`
	At        time.Time `json:"at,omitzero"` // start of the newest period
}

// State is what deciding needs to know of a scalable target. It holds values only,
// so that it can be saved, and is changed only by whoever owns it: Min to
// SuspendedOut, Capacity and Unscalable by hand, the rest by its methods.
type State struct {
	Capacity     int  `json:"capacity"` // in service
	Desired      int  `json:"desired"`  // last asked for, by whomever
	Min          int  `json:"min"`
	Max          int  `json:"max"`
	Unscalable   bool `json:"unscalable,omitempty"` // somebody else is changing the resource: the endpoint is Updating
	SuspendedIn  bool `json:"suspended_in,omitempty"`
	SuspendedOut bool `json:"suspended_out,omitempty"`

	InProgress bool        `json:"in_progress,omitempty"` // Change is being made
	Change     Change      `json:"change,omitzero"`       // the latest
	Cooldown   Cooldown    `json:"cooldown,omitzero"`     // after the latest change that a policy made
	Alarms     []Datapoint `json:"alarms,omitempty"`      // those in ALARM: at most one for each policy and direction
}

// Change is one change of the desired capacity.
type Change struct {
	Policy    string        `json:"policy,omitempty"`    // "" when no policy made it
	Direction Direction     `json:"direction,omitempty"` // "" likewise
	Base      int           `json:"base"`                // capacity in service before it, or before the first of a chain of scale-outs
	Before    int           `json:"before"`              // desired capacity before it
	To        int           `json:"to"`
	Cooldown  time.Duration `json:"cooldown,omitempty"`
	Started   time.Time     `json:"started,omitzero"`
}

// Cooldown is the wait after a change.
type Cooldown struct {
	Policy    string    `json:"policy,omitempty"`
	Direction Direction `json:"direction,omitempty"`
	Base      int       `json:"base"` // as in Change
	Until     time.Time `json:"until,omitzero"`
}

// Observe notes an alarm in ALARM; call it each time such an alarm has been
// evaluated. It replaces what was known of the same policy and direction.
func (s *State) Observe(d Datapoint) {
	s.Clear(d.Policy, d.Direction)
	s.Alarms = append(s.Alarms, d)
}

// Clear notes that an alarm is not in ALARM any more.
func (s *State) Clear(policy string, direction Direction) {
	s.Alarms = without(s.Alarms, func(d Datapoint) bool { return d.Policy == policy && d.Direction == direction })
}

// Forget drops what is known of the alarms of a policy, which was deleted.
func (s *State) Forget(policy string) {
	s.Alarms = without(s.Alarms, func(d Datapoint) bool { return d.Policy == policy })
}

// without copies, because copies of a State share the slice.
func without(alarms []Datapoint, gone func(Datapoint) bool) []Datapoint {
	return slices.DeleteFunc(slices.Clone(alarms), gone)
}

// Started notes that a decision is being carried out. One whose Direction is empty
// was not made by a policy (a scheduled action, new bounds): it neither begins nor
// ends a cooldown.
func (s *State) Started(d Decision, now time.Time) {
	s.Change = Change{
		Policy: d.Policy, Direction: d.Direction, Base: s.Capacity, Before: s.Desired, To: d.Desired,
		Cooldown: d.Cooldown, Started: now,
	}
	if d.Direction == Out {
		s.Change.Base = s.chainBase(now)
		if s.Cooldown.Direction == In {
			s.Cooldown = Cooldown{} // a scale-out stops it for good
		}
	}
	s.Desired, s.InProgress = d.Desired, true
}

// chainBase is the capacity that scale-outs are measured from: what was in service
// before the one that is under way or cooling down, else what is in service.
func (s *State) chainBase(now time.Time) int {
	switch {
	case s.InProgress && s.Change.Direction == Out:
		return s.Change.Base
	case s.cooling(Out, now):
		return s.Cooldown.Base
	default:
		return s.Capacity
	}
}

// cooling is whether the cooldown of a change in this direction lasts.
func (s *State) cooling(direction Direction, now time.Time) bool {
	return s.Cooldown.Direction == direction && now.Before(s.Cooldown.Until)
}

// Succeeded notes that the change in progress is done: all of it is in service, and
// its cooldown begins now.
func (s *State) Succeeded(now time.Time) {
	c := s.Change
	s.InProgress, s.Capacity = false, c.To
	if c.Direction != "" {
		s.Cooldown = Cooldown{Policy: c.Policy, Direction: c.Direction, Base: c.Base, Until: now.Add(c.Cooldown)}
	}
}

// Failed notes that the change in progress came to nothing: the desired capacity is
// what it was, and there is no cooldown.
func (s *State) Failed() {
	s.InProgress, s.Desired = false, s.Change.Before
}
