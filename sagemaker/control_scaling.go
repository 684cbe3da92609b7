package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

const namespace = types.ServiceNamespaceSagemaker

// dimensionOf is what is scaled: the instances of a variant, or the copies of a component.
func dimensionOf(v experiment.Variant) types.ScalableDimension {
	return types.ScalableDimension(v.Dimension())
}

// Scaling says what is registered for a variant.
func (c *Control) Scaling(ctx context.Context, v experiment.Variant) (experiment.ScalingState, error) {
	var s experiment.ScalingState
	var err error
	if s.Target, err = c.target(ctx, v); err != nil {
		return s, err
	}
	if s.Policies, err = c.policies(ctx, v); err != nil {
		return s, err
	}
	s.Scheduled, err = c.scheduled(ctx, v)
	return s, err
}

func (c *Control) target(ctx context.Context, v experiment.Variant) (*experiment.ScalableTarget, error) {
	out, err := c.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceIds: []string{v.ResourceID()},
	})
	if err != nil {
		return nil, explain(fmt.Errorf("describing the scalable target of %s: %w", v, err))
	}
	if len(out.ScalableTargets) == 0 {
		return nil, nil //nolint:nilnil // not to be registered is a regular state
	}
	t := out.ScalableTargets[0]
	target := &experiment.ScalableTarget{Min: int(aws.ToInt32(t.MinCapacity)), Max: int(aws.ToInt32(t.MaxCapacity))}
	if s := t.SuspendedState; s != nil {
		target.Suspended = experiment.Suspension{
			In: aws.ToBool(s.DynamicScalingInSuspended), Out: aws.ToBool(s.DynamicScalingOutSuspended), Scheduled: aws.ToBool(s.ScheduledScalingSuspended),
		}
	}
	return target, nil
}

func (c *Control) policies(ctx context.Context, v experiment.Variant) ([]experiment.Policy, error) {
	var policies []experiment.Policy
	pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(c.scaling, &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: aws.String(v.ResourceID()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(fmt.Errorf("describing the policies of %s: %w", v, err))
		}
		for _, p := range page.ScalingPolicies {
			policy, err := policyState(p)
			if err != nil {
				return nil, fmt.Errorf("describing policy %s of %s: %w", aws.ToString(p.PolicyName), v, err)
			}
			policies = append(policies, policy)
		}
	}
	return policies, nil
}

func (c *Control) scheduled(ctx context.Context, v experiment.Variant) (n int, err error) {
	pages := applicationautoscaling.NewDescribeScheduledActionsPaginator(c.scaling, &applicationautoscaling.DescribeScheduledActionsInput{
		ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: aws.String(v.ResourceID()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, explain(fmt.Errorf("describing the scheduled actions of %s: %w", v, err))
		}
		n += len(page.ScheduledActions)
	}
	return n, nil
}

// policyState keeps what is not ours to set as it is.
func policyState(p types.ScalingPolicy) (experiment.Policy, error) {
	state := experiment.Policy{Name: aws.ToString(p.PolicyName)}
	for _, a := range p.Alarms {
		state.Alarms = append(state.Alarms, aws.ToString(a.AlarmName))
	}
	var err error
	tracking := p.TargetTrackingScalingPolicyConfiguration
	switch {
	case tracking != nil && tracking.PredefinedMetricSpecification != nil:
		state.Metric = string(tracking.PredefinedMetricSpecification.PredefinedMetricType)
	case tracking != nil && tracking.CustomizedMetricSpecification != nil:
		state.Custom, err = verbatim(tracking.CustomizedMetricSpecification)
	case p.StepScalingPolicyConfiguration != nil:
		state.Step, err = verbatim(p.StepScalingPolicyConfiguration)
	default:
		state.Other, err = verbatim(p)
	}
	if tracking != nil {
		state.Target, state.DisableScaleIn = aws.ToFloat64(tracking.TargetValue), aws.ToBool(tracking.DisableScaleIn)
		state.ScaleOut, state.ScaleIn = seconds(tracking.ScaleOutCooldown), seconds(tracking.ScaleInCooldown)
	}
	return state, err
}

func seconds(given *int32) *int {
	if given == nil {
		return nil
	}
	return aws.Int(int(*given))
}

// verbatim is a structure of the API as JSON, without the members that are not set.
func verbatim(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	return json.Marshal(pruned(tree))
}

// pruned drops what is null or empty: the SDK's structures have many such members.
func pruned(tree any) any {
	switch t := tree.(type) {
	case map[string]any:
		for name, value := range t {
			if value == nil || value == "" {
				delete(t, name)
				continue
			}
			t[name] = pruned(value)
		}
	case []any:
		for i := range t {
			t[i] = pruned(t[i])
		}
	}
	return tree
}

// Put makes a scalable target or a policy what the setting says, or removes it.
func (c *Control) Put(ctx context.Context, v experiment.Variant, what experiment.What, name string, to experiment.Setting) error {
	switch {
	case what == experiment.Bounds && to.Bounds != nil:
		return c.register(ctx, v, *to.Bounds)
	case what == experiment.Bounds:
		return c.deregister(ctx, v)
	case what == experiment.OnePolicy && to.Policy != nil:
		return c.putPolicy(ctx, v, *to.Policy)
	case what == experiment.OnePolicy:
		return c.deletePolicy(ctx, v, name)
	}
	return fmt.Errorf("%q is nothing that Application Auto Scaling has", what)
}

func (c *Control) register(ctx context.Context, v experiment.Variant, t experiment.ScalableTarget) error {
	_, err := c.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: aws.String(v.ResourceID()),
		MinCapacity: aws.Int32(int32(t.Min)), MaxCapacity: aws.Int32(int32(t.Max)), //nolint:gosec // AWS's limits are far below
		SuspendedState: &types.SuspendedState{
			DynamicScalingInSuspended: &t.Suspended.In, DynamicScalingOutSuspended: &t.Suspended.Out, ScheduledScalingSuspended: &t.Suspended.Scheduled,
		},
	})
	if err != nil {
		return explain(fmt.Errorf("registering the scalable target of %s: %w", v, err))
	}
	return nil
}

func (c *Control) deregister(ctx context.Context, v experiment.Variant) error {
	_, err := c.scaling.DeregisterScalableTarget(ctx, &applicationautoscaling.DeregisterScalableTargetInput{
		ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: aws.String(v.ResourceID()),
	})
	if gone(err) {
		return nil
	}
	return explain(fmt.Errorf("deregistering the scalable target of %s: %w", v, err))
}

func (c *Control) deletePolicy(ctx context.Context, v experiment.Variant, name string) error {
	_, err := c.scaling.DeleteScalingPolicy(ctx, &applicationautoscaling.DeleteScalingPolicyInput{
		ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: aws.String(v.ResourceID()), PolicyName: &name,
	})
	if gone(err) {
		return nil
	}
	return explain(fmt.Errorf("deleting policy %s of %s: %w", name, v, err))
}

// gone says that what was to be removed is not there, now or before.
func gone(err error) bool {
	_, missing := errors.AsType[*types.ObjectNotFoundException](err)
	return err == nil || missing
}

func (c *Control) putPolicy(ctx context.Context, v experiment.Variant, p experiment.Policy) error {
	in := &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: aws.String(v.ResourceID()), PolicyName: &p.Name,
	}
	if err := configure(in, p); err != nil {
		return fmt.Errorf("putting policy %s on %s: %w", p.Name, v, err)
	}
	if _, err := c.scaling.PutScalingPolicy(ctx, in); err != nil {
		return explain(fmt.Errorf("putting policy %s on %s: %w", p.Name, v, err))
	}
	return nil
}

// configure writes a policy as the API takes it.
func configure(in *applicationautoscaling.PutScalingPolicyInput, p experiment.Policy) error {
	switch {
	case len(p.Other) > 0:
		return errors.New("it is of a type that Plimsoll does not know")
	case len(p.Step) > 0:
		in.PolicyType = types.PolicyTypeStepScaling
		return json.Unmarshal(p.Step, &in.StepScalingPolicyConfiguration)
	}
	in.PolicyType = types.PolicyTypeTargetTrackingScaling
	tracking := &types.TargetTrackingScalingPolicyConfiguration{
		TargetValue: &p.Target, ScaleOutCooldown: seconds32(p.ScaleOut), ScaleInCooldown: seconds32(p.ScaleIn), DisableScaleIn: &p.DisableScaleIn,
	}
	in.TargetTrackingScalingPolicyConfiguration = tracking
	if p.Metric == "" {
		return json.Unmarshal(p.Custom, &tracking.CustomizedMetricSpecification)
	}
	tracking.PredefinedMetricSpecification = &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricType(p.Metric)}
	return nil
}

func seconds32(given *int) *int32 {
	if given == nil {
		return nil
	}
	return aws.Int32(int32(*given)) //nolint:gosec // checked to fit
}
