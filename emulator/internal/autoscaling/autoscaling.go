// Package autoscaling is the emulator's Application Auto Scaling for the namespace
// sagemaker: scalable targets, scaling policies with their alarms, scheduled actions,
// scaling activities, and the loop that moves capacity.
//
// What an alarm does to capacity is decided by [scaling.Decide], never here. Where
// capacity and alarms are kept is behind [Capacity] and [Alarms]. Start at [New]; serve
// [Autoscaler.Wire] and call [Autoscaler.Tick] for every model second.
package autoscaling

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"plimsoll/emulator/internal/modeltime"
	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

// ErrNoResource is what a [Capacity] answers for an endpoint, variant or inference
// component that does not exist.
var ErrNoResource = errors.New("the resource does not exist")

// Capacity is the resources that are scaled: SageMaker's hosting.
type Capacity interface {
	// Capacity tells what is in service, what was last asked for, and whether the
	// resource is being changed, by whomever.
	Capacity(resourceID, dimension string) (current, desired int, updating bool, err error)
	// SetCapacity asks for a capacity. A refusal is a *wire.Error in the words of the
	// operation that AWS would call.
	SetCapacity(resourceID, dimension string, n int) error
}

// Alarms is where alarms are kept: CloudWatch.
type Alarms interface {
	// Put creates an alarm, or replaces the one of that name.
	Put(alarm AlarmSpec) (arn string, err error)
	// Delete removes alarms; one that is not there is no error.
	Delete(names ...string) error
	// Acting is the alarms that have an action for the state ALARM.
	Acting(action string) []Alarm
}

// Alarm is an alarm's name and ARN, and whether it is in ALARM now.
type Alarm struct {
	AlarmName string `json:"AlarmName"`
	AlarmARN  string `json:"AlarmARN"`
	InAlarm   bool   `json:"-"`
}

// Options are what an [Autoscaler] is made of. All are needed.
type Options struct {
	Region      string
	Account     string           // 12 digits
	Clock       *modeltime.Clock // dates what operations do; Tick is given its time
	Assumptions scaling.Assumptions
	Alarms      Alarms
	Capacity    Capacity
	NewID       func() string // a UUID
}

// Validate says everything that is missing.
func (o Options) Validate() error {
	var problems []error
	for name, missing := range map[string]bool{
		"Region": o.Region == "", "Account": o.Account == "", "Clock": o.Clock == nil,
		"Alarms": o.Alarms == nil, "Capacity": o.Capacity == nil, "NewID": o.NewID == nil,
	} {
		if missing {
			problems = append(problems, fmt.Errorf("%s: must be given", name))
		}
	}
	if err := o.Assumptions.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("assumptions: %w", err))
	}
	return errors.Join(problems...)
}

// Autoscaler is the service. It is safe for concurrent use.
//
// Capacity and Alarms are called with mu held. So that they may call back from within
// their own locks, what they call ([Autoscaler.AlarmFired], [Autoscaler.Deleted],
// [Autoscaler.Registered]) takes the lock of the mailbox alone.
type Autoscaler struct {
	opts Options
	mail mailbox

	mu      sync.Mutex
	targets map[key]*target
	history history
	due     time.Time // of the next scheduled action; zero if there is none
}

// New makes an Autoscaler without targets.
func New(opts Options) (*Autoscaler, error) {
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("making an autoscaler: %w", err)
	}
	return &Autoscaler{opts: opts, targets: map[key]*target{}}, nil
}

// Wire is the service's operations.
func (a *Autoscaler) Wire() wire.Service {
	return wire.Service{
		Name:    "Application Auto Scaling",
		Signing: "application-autoscaling",
		Target:  "AnyScaleFrontendService",
		JSON:    "1.1",
		Operations: []wire.Operation{
			handle(a, "RegisterScalableTarget", a.registerScalableTarget),
			handle(a, "DeregisterScalableTarget", a.deregisterScalableTarget),
			handle(a, "DescribeScalableTargets", a.describeScalableTargets),
			handle(a, "PutScalingPolicy", a.putScalingPolicy),
			handle(a, "DeleteScalingPolicy", a.deleteScalingPolicy),
			handle(a, "DescribeScalingPolicies", a.describeScalingPolicies),
			handle(a, "DescribeScalingActivities", a.describeScalingActivities),
			handle(a, "PutScheduledAction", a.putScheduledAction),
			handle(a, "DeleteScheduledAction", a.deleteScheduledAction),
			handle(a, "DescribeScheduledActions", a.describeScheduledActions),
			handle(a, "TagResource", a.tagResource),
			handle(a, "UntagResource", a.untagResource),
			handle(a, "ListTagsForResource", a.listTagsForResource),
			handle(a, "GetPredictiveScalingForecast", a.getPredictiveScalingForecast),
		},
	}
}

// Firing is an alarm that is in ALARM and has a scaling policy as its action.
type Firing struct {
	Action    string    // the ARN of a policy, with or without its creator
	Alarm     string    // the alarm's name
	Repeated  bool      // it was told already, and the alarm has not left ALARM since
	Value     float64   // of the newest period
	Recent    []float64 // of the evaluation periods, oldest first; may be nil
	Threshold float64
	At        time.Time // start of the newest period
}

// AlarmFired tells that an alarm has come into ALARM or is still there. The next Tick
// decides what to do.
func (a *Autoscaler) AlarmFired(f Firing) {
	for _, v := range append([]float64{f.Value, f.Threshold}, f.Recent...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return // no capacity follows from it
		}
	}
	a.mail.alarm(f)
}

// Deleted tells that a resource is gone: an endpoint with all its variants, a variant,
// or an inference component. Its targets are deregistered.
func (a *Autoscaler) Deleted(resourceID string) { a.mail.gone(resourceID) }

// Registered is whether a resource is a scalable target; for an endpoint, whether any of
// its variants is.
func (a *Autoscaler) Registered(resourceID string) bool { return a.mail.knows(resourceID) }
