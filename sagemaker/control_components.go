package sagemaker

import (
	"context"
	"fmt"

	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// components describes the inference components of an endpoint, in the order of their names.
func (c *Control) components(ctx context.Context, endpoint string) ([]experiment.ComponentState, error) {
	pages := sagemaker.NewListInferenceComponentsPaginator(c.sagemaker, &sagemaker.ListInferenceComponentsInput{
		EndpointNameEquals: &endpoint, SortBy: types.InferenceComponentSortKeyName, SortOrder: types.OrderKeyAscending,
	})
	var found []experiment.ComponentState
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(fmt.Errorf("listing the inference components of endpoint %s: %w", endpoint, err))
		}
		for _, summary := range page.InferenceComponents {
			state, err := c.component(ctx, aws.ToString(summary.InferenceComponentName))
			if err != nil {
				return nil, err
			}
			found = append(found, state)
		}
	}
	return found, nil
}

func (c *Control) component(ctx context.Context, name string) (experiment.ComponentState, error) {
	out, err := c.sagemaker.DescribeInferenceComponent(ctx, &sagemaker.DescribeInferenceComponentInput{InferenceComponentName: &name})
	if err != nil {
		return experiment.ComponentState{}, explain(fmt.Errorf("describing inference component %s: %w", name, err))
	}
	state := experiment.ComponentState{
		Name: name, Variant: aws.ToString(out.VariantName), Status: string(out.InferenceComponentStatus), Failure: aws.ToString(out.FailureReason),
	}
	if r := out.RuntimeConfig; r != nil {
		state.Current, state.Desired = int(aws.ToInt32(r.CurrentCopyCount)), int(aws.ToInt32(r.DesiredCopyCount))
	}
	return state, nil
}

// setCopies asks for so many copies of a component; it does not wait for them.
func (c *Control) setCopies(ctx context.Context, v experiment.Variant, n int) error {
	_, err := c.sagemaker.UpdateInferenceComponentRuntimeConfig(ctx, &sagemaker.UpdateInferenceComponentRuntimeConfigInput{
		InferenceComponentName: &v.Component, DesiredRuntimeConfig: &types.InferenceComponentRuntimeConfig{CopyCount: aws.Int32(int32(n))}, //nolint:gosec // AWS's limit is far below
	})
	if err != nil {
		return explain(fmt.Errorf("asking for %d copies of %s: %w", n, v, err))
	}
	return nil
}
