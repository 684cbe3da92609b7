package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// Describe says how an endpoint is now, with what only its configuration tells.
func (c *Control) Describe(ctx context.Context, endpoint string) (experiment.EndpointState, error) {
	out, err := c.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &endpoint})
	if err != nil {
		return experiment.EndpointState{}, explain(fmt.Errorf("describing endpoint %s: %w", endpoint, err))
	}
	e := experiment.EndpointState{
		Name: endpoint, ARN: aws.ToString(out.EndpointArn), Config: aws.ToString(out.EndpointConfigName),
		Status: string(out.EndpointStatus), Failure: aws.ToString(out.FailureReason),
	}
	for _, v := range out.ProductionVariants {
		e.Variants = append(e.Variants, variantState(v))
	}
	if e.Config == "" {
		return e, nil
	}
	config, err := c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: out.EndpointConfigName})
	if missing, ok := errors.AsType[*experiment.ControlError](explain(err)); ok && missing.Problem == experiment.ProblemMissing {
		return e, nil // a configuration may be deleted once the endpoint has it
	}
	if err != nil {
		return experiment.EndpointState{}, explain(fmt.Errorf("describing the configuration of endpoint %s: %w", endpoint, err))
	}
	e.Async = config.AsyncInferenceConfig != nil
	for _, configured := range config.ProductionVariants {
		for i := range e.Variants {
			if v := &e.Variants[i]; v.Name == aws.ToString(configured.VariantName) {
				v.InstanceType = string(configured.InstanceType)
				v.Components = configured.ModelName == nil && configured.ServerlessConfig == nil
			}
		}
	}
	if slices.ContainsFunc(e.Variants, func(v experiment.VariantState) bool { return v.Components }) {
		e.Components, err = c.components(ctx, endpoint)
	}
	return e, err
}

func variantState(v types.ProductionVariantSummary) experiment.VariantState {
	s := experiment.VariantState{
		Name: aws.ToString(v.VariantName), Current: int(aws.ToInt32(v.CurrentInstanceCount)), Desired: int(aws.ToInt32(v.DesiredInstanceCount)),
		Weight:     float64(aws.ToFloat32(v.CurrentWeight)),
		Serverless: v.CurrentServerlessConfig != nil || v.DesiredServerlessConfig != nil,
	}
	for _, p := range v.InstancePools {
		s.Pools = append(s.Pools, string(p.InstanceType))
	}
	if m := v.ManagedInstanceScaling; m != nil && m.Status == types.ManagedInstanceScalingStatusEnabled {
		s.Managed = &experiment.Managed{Min: 1, Max: int(aws.ToInt32(m.MaxInstanceCount))}
		if m.MinInstanceCount != nil {
			s.Managed.Min = int(*m.MinInstanceCount)
		}
	}
	if v.RoutingConfig != nil {
		s.Routing = string(v.RoutingConfig.RoutingStrategy)
	}
	return s
}

// SetInstances asks for so many instances of a variant, or copies of a component; it does
// not wait for them.
func (c *Control) SetInstances(ctx context.Context, v experiment.Variant, n int) error {
	if v.Component != "" {
		return c.setCopies(ctx, v, n)
	}
	_, err := c.sagemaker.UpdateEndpointWeightsAndCapacities(ctx, &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
		EndpointName:                &v.Endpoint,
		DesiredWeightsAndCapacities: []types.DesiredWeightAndCapacity{{VariantName: &v.Name, DesiredInstanceCount: aws.Int32(int32(n))}}, //nolint:gosec // AWS's limit is far below
	})
	if err != nil {
		return explain(fmt.Errorf("asking for %d instances of %s: %w", n, v, err))
	}
	return nil
}
