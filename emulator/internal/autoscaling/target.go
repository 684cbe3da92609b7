package autoscaling

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

// Application Auto Scaling's quotas, each for one account and Region, or one target.
const (
	maxTargets    = 500 // of each resource type
	maxPolicies   = 50
	maxActions    = 200
	maxSteps      = 20
	targetsPage   = 50
	policiesPage  = 10
	actionsPage   = 50
	activityPage  = 50
	selectedNames = 50 // in a filter
)

// target is a scalable target with everything that is on it.
type target struct {
	Resource  string            `json:"resource"`
	Dimension string            `json:"dimension"`
	ID        string            `json:"id"`  // the end of its ARN
	Ref       string            `json:"ref"` // what the ARNs of its policies and actions have instead
	Role      string            `json:"role"`
	Created   time.Time         `json:"created"`
	Paused    bool              `json:"paused,omitempty"` // scheduled scaling is suspended
	State     scaling.State     `json:"state"`
	Tags      map[string]string `json:"tags,omitempty"`
	Policies  []*policy         `json:"policies,omitempty"` // by name
	Actions   []*action         `json:"actions,omitempty"`  // by name
}

func (t *target) key() key { return key{resource: t.Resource, dimension: t.Dimension} }

func (a *Autoscaler) targetARN(t *target) string {
	return "arn:aws:application-autoscaling:" + a.opts.Region + ":" + a.opts.Account + ":scalable-target/" + t.ID
}

// suspendedState is whether parts of scaling are suspended; nil is unchanged.
type suspendedState struct {
	DynamicScalingInSuspended  *bool `json:"DynamicScalingInSuspended,omitempty"`
	DynamicScalingOutSuspended *bool `json:"DynamicScalingOutSuspended,omitempty"`
	ScheduledScalingSuspended  *bool `json:"ScheduledScalingSuspended,omitempty"`
}

type registerScalableTargetInput struct {
	targetRef

	MinCapacity    *int              `json:"MinCapacity,omitempty"`
	MaxCapacity    *int              `json:"MaxCapacity,omitempty"`
	RoleARN        string            `json:"RoleARN,omitempty"`
	SuspendedState *suspendedState   `json:"SuspendedState,omitempty"`
	Tags           map[string]string `json:"Tags,omitempty"`
}

type registerScalableTargetOutput struct {
	ScalableTargetARN string `json:"ScalableTargetARN,omitempty"`
}

// registerScalableTarget makes a target, or changes what is given of one, and pulls the
// capacity inside the bounds at once.
func (a *Autoscaler) registerScalableTarget(in *registerScalableTargetInput) (*registerScalableTargetOutput, error) {
	var c wire.Checks
	in.require(&c)
	c.Length("roleARN", in.RoleARN, 1, 1600)
	checkTags(&c, in.Tags)
	if err := c.Err(); err != nil {
		return nil, err
	}
	k, err := in.key()
	if err != nil {
		return nil, err
	}
	t, known := a.targets[k]
	if err := a.mayRegister(k, in, known); err != nil {
		return nil, err
	}
	if !known {
		t = a.newTarget(k)
	}
	lowest, highest, err := bounds(t.State.Min, t.State.Max, known, in.MinCapacity, in.MaxCapacity)
	if err != nil {
		return nil, err
	}
	current, _, updating, err := a.opts.Capacity.Capacity(k.resource, k.dimension)
	if err != nil {
		return nil, resourceError(k, err)
	}

	t.State.Min, t.State.Max = lowest, highest
	t.Role = or(in.RoleARN, t.Role)
	t.suspend(in.SuspendedState)
	if len(in.Tags) > 0 {
		t.Tags = maps.Clone(in.Tags)
	}
	if !known {
		a.targets[k] = t
		a.mail.count(k.resource, 1)
	}
	// A resource that is not active yet keeps its capacity.
	if current > 0 || !updating {
		a.bound(t, a.now())
	}
	return &registerScalableTargetOutput{ScalableTargetARN: a.targetARN(t)}, nil
}

// mayRegister refuses what does not depend on the capacity.
func (a *Autoscaler) mayRegister(k key, in *registerScalableTargetInput, known bool) error {
	if in.RoleARN != "" && (!strings.HasPrefix(in.RoleARN, "arn:") || strings.Count(in.RoleARN, ":") < 5) {
		return invalid("'%s' is not a valid ARN", in.RoleARN)
	}
	if known && len(in.Tags) > 0 {
		return invalid("The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.")
	}
	if err := checkReserved(in.Tags); err != nil {
		return err
	}
	if len(in.Tags) > maxTags {
		return invalid("A scalable target can have at most %d tags, not %d", maxTags, len(in.Tags))
	}
	if !known {
		same := 0
		for other := range a.targets {
			if other.dimension == k.dimension {
				same++
			}
		}
		if same >= maxTargets {
			return limitExceeded("Maximum number of scalable targets for %s reached: %d. Deregister some, or ask for a higher limit", k.dimension, maxTargets)
		}
	}
	return nil
}

// newTarget is a target that nothing was said of yet.
func (a *Autoscaler) newTarget(k key) *target {
	return &target{
		Resource: k.resource, Dimension: k.dimension,
		// 056m is what begins the ids of SageMaker's targets on AWS.
		ID:  "056m" + strings.ToLower(strings.ReplaceAll(a.opts.NewID(), "-", "")),
		Ref: a.opts.NewID(),
		Role: "arn:aws:iam::" + a.opts.Account + ":role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/" +
			"AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
		Created: a.now(),
	}
}

// bounds are the limits of capacity after a change to some of them.
func bounds(lowest, highest int, known bool, newLowest, newHighest *int) (low, high int, err error) {
	if !known && (newLowest == nil || newHighest == nil) {
		return 0, 0, invalid("MinCapacity and MaxCapacity must both be given when a scalable target is registered for the first time")
	}
	if newLowest != nil {
		lowest = *newLowest
	}
	if newHighest != nil {
		highest = *newHighest
	}
	return lowest, highest, checkBounds(lowest, highest)
}

func checkBounds(lowest, highest int) error {
	switch {
	case lowest < 0:
		return invalid("Minimum capacity %d cannot be less than 0", lowest)
	case highest < lowest:
		return invalid("Maximum capacity cannot be less than minimum capacity")
	}
	return nil
}

// resourceError says in AWS's words why a resource has no capacity.
func resourceError(k key, err error) error {
	var refused *wire.Error
	switch {
	case errors.Is(err, ErrNoResource) && k.dimension == copyCount:
		return invalid("SageMaker inference component doesn't exist: %s", k.resource)
	case errors.Is(err, ErrNoResource):
		return invalid("SageMaker endpoint variant doesn't exist: %s", k.resource)
	case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
		return invalid("%s", refused.Message)
	}
	return err
}

func (t *target) suspend(s *suspendedState) {
	if s == nil {
		return
	}
	set(&t.State.SuspendedIn, s.DynamicScalingInSuspended)
	set(&t.State.SuspendedOut, s.DynamicScalingOutSuspended)
	set(&t.Paused, s.ScheduledScalingSuspended)
}

func set[T any](into, value *T) {
	if value != nil {
		*into = *value
	}
}

func or[T comparable](value, otherwise T) T {
	var none T
	if value == none {
		return otherwise
	}
	return value
}

type deregisterScalableTargetInput struct {
	targetRef
}

type empty struct{}

func (a *Autoscaler) deregisterScalableTarget(in *deregisterScalableTargetInput) (*empty, error) {
	var c wire.Checks
	in.require(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	k, err := in.key()
	if err != nil {
		return nil, err
	}
	t := a.targets[k]
	if t == nil {
		return nil, notFound("No scalable target found for service namespace: %s, resource ID: %s, scalable dimension: %s",
			namespace, k.resource, k.dimension)
	}
	if err := a.deleteAlarms(t); err != nil {
		return nil, err
	}
	a.remove(t)
	return nil, nil
}

// deleteAlarms deletes the alarms that belong to a target's policies.
func (a *Autoscaler) deleteAlarms(t *target) error {
	var alarms []string
	for _, p := range t.Policies {
		alarms = append(alarms, p.ownAlarms()...)
	}
	if len(alarms) == 0 {
		return nil
	}
	return a.opts.Alarms.Delete(alarms...)
}

// remove forgets a target with its policies and scheduled actions. Its activities stay.
func (a *Autoscaler) remove(t *target) {
	delete(a.targets, t.key())
	a.mail.count(t.Resource, -1)
	a.plan()
}

type describeScalableTargetsInput struct {
	targetRef
	pageRef

	ResourceIDs []string `json:"ResourceIds,omitempty"`
}

type describeScalableTargetsOutput struct {
	ScalableTargets []scalableTarget `json:"ScalableTargets"`
	NextToken       string           `json:"NextToken,omitempty"`
}

type scalableTarget struct {
	targetRef

	MinCapacity       int            `json:"MinCapacity"`
	MaxCapacity       int            `json:"MaxCapacity"`
	RoleARN           string         `json:"RoleARN"`
	CreationTime      wire.Time      `json:"CreationTime"`
	SuspendedState    suspendedState `json:"SuspendedState"`
	ScalableTargetARN string         `json:"ScalableTargetARN"`
}

func (a *Autoscaler) describeScalableTargets(in *describeScalableTargetsInput) (*describeScalableTargetsOutput, error) {
	var c wire.Checks
	in.allow(&c)
	c.Range("resourceIds", float64(len(in.ResourceIDs)), 0, selectedNames)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := in.serves(); err != nil {
		return nil, err
	}
	for _, resource := range in.ResourceIDs {
		ref := targetRef{ServiceNamespace: namespace, ResourceID: resource, ScalableDimension: in.ScalableDimension}
		if _, err := ref.filter(); err != nil {
			return nil, err
		}
	}
	if in.ScalableDimension != "" && len(in.ResourceIDs) == 0 {
		_, err := targetRef{ServiceNamespace: namespace, ScalableDimension: in.ScalableDimension}.filter()
		return nil, err
	}
	found := a.sorted(key{dimension: in.ScalableDimension})
	if len(in.ResourceIDs) > 0 {
		found = slices.DeleteFunc(found, func(t *target) bool { return !slices.Contains(in.ResourceIDs, t.Resource) })
	}
	question := append([]string{"DescribeScalableTargets", in.ScalableDimension}, in.ResourceIDs...)
	found, next, err := page(in.pageRef, targetsPage, question, found, func(t *target) string { return t.key().text() })
	if err != nil {
		return nil, err
	}
	out := &describeScalableTargetsOutput{ScalableTargets: make([]scalableTarget, 0, len(found)), NextToken: next}
	for _, t := range found {
		in, outward, scheduled := t.State.SuspendedIn, t.State.SuspendedOut, t.Paused
		out.ScalableTargets = append(out.ScalableTargets, scalableTarget{
			targetRef: t.key().ref(), MinCapacity: t.State.Min, MaxCapacity: t.State.Max, RoleARN: t.Role,
			CreationTime: wire.Time{Time: t.Created}, ScalableTargetARN: a.targetARN(t),
			SuspendedState: suspendedState{
				DynamicScalingInSuspended: &in, DynamicScalingOutSuspended: &outward, ScheduledScalingSuspended: &scheduled,
			},
		})
	}
	return out, nil
}

// now dates what an operation does. AWS dates in milliseconds.
func (a *Autoscaler) now() time.Time { return a.opts.Clock.Now().Truncate(time.Millisecond) }
