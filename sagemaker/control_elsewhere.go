package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// What counting an account's instances may take: a call for each page, and two for each
// endpoint, as the types of its instances stand in its configuration only.
const (
	mostPages    = 3
	endpointPage = 100
	mostCounted  = 50
	atOnce       = 5 // well below where AWS throttles a few seconds of calls, as is assumed
)

// Elsewhere is how many instances of a type the account has besides those of a variant, in
// its newest endpoints.
func (c *Control) Elsewhere(ctx context.Context, instanceType string, v experiment.Variant) experiment.Elsewhere {
	names, more, err := c.running(ctx)
	if err != nil {
		return experiment.Elsewhere{Gap: uncounted(err)}
	}
	n, err := c.count(ctx, names, instanceType, v)
	switch {
	case err != nil:
		return experiment.Elsewhere{Instances: n, Gap: uncounted(err)}
	case more:
		return experiment.Elsewhere{Instances: n, Gap: fmt.Sprintf("not counted beyond the %d newest endpoints", len(names))}
	}
	return experiment.Elsewhere{Instances: n}
}

// running are the newest endpoints that have instances; more says that there may be others.
func (c *Control) running(ctx context.Context) (names []string, more bool, err error) {
	pages := sagemaker.NewListEndpointsPaginator(c.sagemaker, &sagemaker.ListEndpointsInput{
		SortBy: types.EndpointSortKeyCreationTime, SortOrder: types.OrderKeyDescending, MaxResults: aws.Int32(endpointPage),
	})
	for range mostPages {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, false, explain(fmt.Errorf("listing the endpoints: %w", err))
		}
		for _, e := range page.Endpoints {
			if !hasInstances(e.EndpointStatus) {
				continue
			}
			if len(names) == mostCounted {
				return names, true, nil
			}
			names = append(names, aws.ToString(e.EndpointName))
		}
		if !pages.HasMorePages() {
			return names, false, nil
		}
	}
	return names, true, nil
}

// hasInstances tells the endpoints that run from those that ended, or never began to.
func hasInstances(s types.EndpointStatus) bool {
	return !slices.Contains([]types.EndpointStatus{types.EndpointStatusFailed, types.EndpointStatusOutOfService, types.EndpointStatusDeleting}, s)
}

// count adds up what endpoints have of a type. What keeps one from being counted keeps all
// that are left, unless it is the configuration of that one.
func (c *Control) count(ctx context.Context, endpoints []string, instanceType string, v experiment.Variant) (sum int, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	counts, errs := make([]int, len(endpoints)), make([]error, len(endpoints))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(atOnce, len(endpoints)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(endpoints)); i = next.Add(1) - 1 {
				counts[i], errs[i] = c.instances(ctx, endpoints[i], instanceType, v)
				if errs[i] != nil && !problemIs(errs[i], experiment.ProblemMissing) {
					stop()
				}
			}
		})
	}
	workers.Wait()
	for i, n := range counts {
		sum += n
		if e := errs[i]; err == nil && e != nil && !errors.Is(e, context.Canceled) {
			err = explain(e)
		}
	}
	if err == nil && len(errs) > 0 {
		err = errors.Join(errs...) // the caller has ended it
	}
	return sum, err
}

// instances is how many of a type an endpoint has or is getting, apart from a variant's own.
// While a configuration takes another's place, the instances of both are there.
func (c *Control) instances(ctx context.Context, endpoint, instanceType string, apart experiment.Variant) (int, error) {
	e, err := c.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &endpoint})
	if err != nil {
		if problemIs(err, experiment.ProblemMissing) {
			return 0, nil // it was deleted since it was listed
		}
		return 0, fmt.Errorf("describing endpoint %s: %w", endpoint, err)
	}
	kinds, err := c.kinds(ctx, e.EndpointConfigName)
	if err != nil {
		return 0, fmt.Errorf("describing the configuration of endpoint %s: %w", endpoint, err)
	}
	other := func(variant *string) bool { return endpoint != apart.Endpoint || aws.ToString(variant) != apart.Name }
	now, coming := 0, 0
	for _, v := range slices.Concat(e.ProductionVariants, e.ShadowProductionVariants) {
		if other(v.VariantName) {
			now += ofType(instanceType, kinds[aws.ToString(v.VariantName)], v.CurrentInstanceCount, v.DesiredInstanceCount, v.InstancePools)
		}
	}
	if p := e.PendingDeploymentSummary; p != nil {
		for _, v := range slices.Concat(p.ProductionVariants, p.ShadowProductionVariants) {
			if other(v.VariantName) {
				coming += ofType(instanceType, string(v.InstanceType), v.CurrentInstanceCount, v.DesiredInstanceCount, v.InstancePools)
			}
		}
	}
	if e.EndpointStatus == types.EndpointStatusCreating {
		return max(now, coming), nil // a first configuration takes no other's place
	}
	return now + coming, nil
}

// kinds are the instance types of a configuration's variants, by their names.
func (c *Control) kinds(ctx context.Context, config *string) (map[string]string, error) {
	kinds := map[string]string{}
	if config == nil { // as of an endpoint that is being created
		return kinds, nil
	}
	out, err := c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: config})
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Concat(out.ProductionVariants, out.ShadowProductionVariants) {
		kinds[aws.ToString(v.VariantName)] = string(v.InstanceType)
	}
	return kinds, nil
}

// ofType is how many instances of a type a variant has: those that end are there until they
// have ended, and those that are asked for count before they are there.
func ofType(wanted, kind string, current, desired *int32, pools []types.InstancePoolSummary) int {
	if kind == wanted {
		return int(max(aws.ToInt32(current), aws.ToInt32(desired)))
	}
	n := 0
	for _, p := range pools {
		if string(p.InstanceType) == wanted {
			n += int(aws.ToInt32(p.CurrentInstanceCount))
		}
	}
	return n
}

// uncounted says why instances were not counted.
func uncounted(err error) string {
	refused, _ := errors.AsType[*experiment.ControlError](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "not counted: the time to look ran out"
	case refused != nil && refused.Problem == experiment.ProblemDenied:
		return "not counted: " + refused.Remedy
	}
	return "not counted: " + err.Error()
}
