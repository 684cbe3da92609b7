package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// Hosting is where endpoints live. Its errors are [ControlError] where AWS refused.
type Hosting interface {
	// Describe says how an endpoint is now.
	Describe(ctx context.Context, endpoint string) (EndpointState, error)
	// SetInstances asks for so many instances of a variant, or copies of a component; it
	// does not wait for them.
	SetInstances(ctx context.Context, v Variant, n int) error
}

// Autoscaler scales variants. Its errors are [ControlError] where AWS refused.
type Autoscaler interface {
	// Scaling says what is registered for a variant.
	Scaling(ctx context.Context, v Variant) (ScalingState, error)
	// Put makes a scalable target or a policy what the setting says; one that is not
	// there is removed. Settings of instances are not for it.
	Put(ctx context.Context, v Variant, what What, name string, to Setting) error
	// Activities are the attempts to scale a variant since an instant, the newest first,
	// with those for which nothing was done.
	Activities(ctx context.Context, v Variant, since time.Time) ([]scaling.Activity, error)
}

// Metrics are the series that a variant publishes. Its errors are [ControlError] where
// AWS refused.
type Metrics interface {
	// Series fetches a metric of a variant, or of a component, one point for each period
	// that has one, oldest first.
	Series(ctx context.Context, v Variant, r Reading) ([]scaling.Point, error)
	// Alarms says how alarms are, in the order of their names.
	Alarms(ctx context.Context, names []string) ([]scaling.OwnAlarm, error)
	// AlarmHistory is the changes of alarms' states since an instant, oldest first.
	AlarmHistory(ctx context.Context, names []string, since time.Time) ([]proof.Transition, error)
}

// Reading is what is asked of a metric.
type Reading struct {
	Metric, Statistic string
	Period            time.Duration
	From, To          time.Time
}

// invocations reads a variant's requests of each minute.
func invocations(from, to time.Time) Reading {
	return everyMinute("Invocations", "Sum", from, to)
}

// everyMinute reads a statistic of each minute.
func everyMinute(metric, statistic string, from, to time.Time) Reading {
	return Reading{Metric: metric, Statistic: statistic, Period: time.Minute, From: from, To: to}
}

// Variant is what is scaled: one variant of one endpoint, or one inference component on it.
type Variant struct {
	Endpoint  string `json:"endpoint"`
	Name      string `json:"variant"`
	Component string `json:"inference_component,omitzero"` // whose copies are scaled, not the variant's instances
}

// String is the endpoint, the variant and the component.
func (v Variant) String() string {
	if v.Component == "" {
		return v.Endpoint + "/" + v.Name
	}
	return v.Endpoint + "/" + v.Name + "/" + v.Component
}

// The states of an endpoint that are told apart, in SageMaker's spelling.
const (
	InService = "InService"
	Creating  = "Creating"
	Failed    = "Failed"
)

// EndpointState is how an endpoint is.
type EndpointState struct {
	Name     string         `json:"name"`
	ARN      string         `json:"arn"`
	Config   string         `json:"config"`
	Status   string         `json:"status"`           // in SageMaker's spelling
	Failure  string         `json:"failure,omitzero"` // why it failed
	Async    bool           `json:"async,omitzero"`   // invoked asynchronously
	Variants []VariantState `json:"variants"`

	Components []ComponentState `json:"inference_components,omitempty"`
}

// VariantState is how a variant is.
type VariantState struct {
	Name         string   `json:"name"`
	InstanceType string   `json:"instance_type,omitzero"` // "" for a serverless variant and for instance pools
	Current      int      `json:"current_instances"`
	Desired      int      `json:"desired_instances"`
	Weight       float64  `json:"weight"` // its share of the traffic is this over the sum of all
	Pools        []string `json:"instance_pools,omitempty"`
	Serverless   bool     `json:"serverless,omitzero"`
	Components   bool     `json:"inference_components,omitzero"` // it hosts inference components
	Routing      string   `json:"routing,omitzero"`
	Managed      *Managed `json:"managed_instance_scaling,omitempty"` // nil: it is not
}

// Variant finds a variant; the error of one that is not there names those that are.
// An empty name is the only variant of the endpoint.
func (e EndpointState) Variant(name string) (VariantState, error) {
	var names []string
	for _, v := range e.Variants {
		if v.Name == name || name == "" && len(e.Variants) == 1 {
			return v, nil
		}
		names = append(names, v.Name)
	}
	remedy := "it has " + strings.Join(names, ", ")
	if len(names) == 0 {
		remedy = fmt.Sprintf("it has none while it is %s", e.Status)
	}
	if name == "" {
		return VariantState{}, &ControlError{Problem: ProblemNoVariant, Err: fmt.Errorf("endpoint %s has several variants", e.Name), Remedy: "name one with --variant: " + remedy}
	}
	return VariantState{}, &ControlError{Problem: ProblemNoVariant, Err: fmt.Errorf("endpoint %s has no variant %q", e.Name, name), Remedy: remedy}
}

// Settled says why an endpoint takes no change at the moment; nil if it does.
func (e EndpointState) Settled() error {
	wrong := func(problem Problem, remedy, format string, args ...any) error {
		return &ControlError{Problem: problem, Err: fmt.Errorf(format, args...), Remedy: remedy}
	}
	switch e.Status {
	case InService:
		return nil
	case Creating:
		return wrong(ProblemBusy, "wait until it is InService", "endpoint %s is still being created", e.Name)
	case Failed:
		return wrong(ProblemFailed, "delete it and create it anew, or update it to a configuration that works", "endpoint %s has failed: %s", e.Name, e.Failure)
	case "OutOfService", "UpdateRollbackFailed", "Deleting":
		return wrong(ProblemFailed, "it must be InService", "endpoint %s is %s", e.Name, e.Status)
	default: // Updating, SystemUpdating, RollingBack, and what AWS may add
		return wrong(ProblemBusy, "somebody, or its autoscaling, is changing it: wait until it is InService", "endpoint %s is %s", e.Name, e.Status)
	}
}

// ScalingState is what is registered with Application Auto Scaling for a variant.
type ScalingState struct {
	Target    *ScalableTarget `json:"scalable_target,omitempty"` // nil: it is not registered
	Policies  []Policy        `json:"policies,omitempty"`
	Scheduled int             `json:"scheduled_actions,omitzero"`
}

// ScalableTarget is the bounds of a variant's capacity, and what is suspended.
type ScalableTarget struct {
	Min       int        `json:"min"`
	Max       int        `json:"max"`
	Suspended Suspension `json:"suspended"`
}

// Suspension is which parts of scaling are suspended.
type Suspension struct {
	In        bool `json:"scale_in"`
	Out       bool `json:"scale_out"`
	Scheduled bool `json:"scheduled"`
}

// Policy is a scaling policy. Custom, Step and Other hold what Plimsoll does not
// set itself, in the adapter's own form, so that it can be put back as it was.
type Policy struct {
	Name           string          `json:"name"`
	Metric         string          `json:"metric,omitzero"` // PredefinedMetricType; "" for a customized metric and for steps
	Target         float64         `json:"target_value,omitzero"`
	ScaleOut       *int            `json:"scale_out_cooldown_seconds,omitempty"` // nil: AWS's default
	ScaleIn        *int            `json:"scale_in_cooldown_seconds,omitempty"`
	DisableScaleIn bool            `json:"disable_scale_in,omitzero"`
	Custom         json.RawMessage `json:"customized_metric,omitempty"`
	Step           json.RawMessage `json:"step_scaling,omitempty"`
	Other          json.RawMessage `json:"other,omitempty"` // of a type that Plimsoll does not know: it is left alone

	Alarms []string `json:"alarms,omitempty"` // names; AWS makes and renames them
}

// Tracks says that the policy is one of target tracking.
func (p Policy) Tracks() bool { return p.Metric != "" || len(p.Custom) > 0 }

// Problem is a kind of trouble with the control plane.
type Problem string

// The problems that are told apart.
const (
	ProblemMissing     Problem = "missing"     // the endpoint does not exist
	ProblemNoVariant   Problem = "no_variant"  // the endpoint does, the variant does not
	ProblemBusy        Problem = "busy"        // somebody else is changing it
	ProblemFailed      Problem = "failed"      // it is broken
	ProblemDenied      Problem = "denied"      // no permission
	ProblemCredentials Problem = "credentials" // none, unknown or expired
	ProblemThrottled   Problem = "throttled"   // too many calls, also after retries
	ProblemQuota       Problem = "quota"       // an account limit
	ProblemIdle        Problem = "idle"        // what is registered cannot scale anything
	ProblemInvalid     Problem = "invalid"     // refused for what was asked
	ProblemUnreachable Problem = "unreachable" // no connection
	ProblemChanged     Problem = "changed"     // it is not as it was when the change was computed
	ProblemTooSlow     Problem = "too_slow"    // a change did not end in time
	ProblemUnconfirmed Problem = "unconfirmed" // the user did not agree
	ProblemLeftovers   Problem = "leftovers"   // changes that could not be undone
	ProblemOther       Problem = "other"       // none of these
)

// ControlError is trouble with an endpoint's control plane, with what to do about it.
type ControlError struct {
	Problem Problem
	Err     error
	Remedy  string
}

// Error is what happened and what to do.
func (e *ControlError) Error() string {
	if e.Remedy == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + "; " + e.Remedy
}

// Unwrap is what happened.
func (e *ControlError) Unwrap() error { return e.Err }
