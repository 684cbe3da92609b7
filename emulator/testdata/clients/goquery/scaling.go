package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

const (
	policyName = "SageMakerEndpointInvocationScalingPolicy"
	sageMaker  = types.ServiceNamespaceSagemaker
	dimension  = types.ScalableDimensionSageMakerVariantDesiredInstanceCount
)

func (s suite) register() {
	out, err := s.scaling.RegisterScalableTarget(s.ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: sageMaker, ResourceId: aws.String(resource), ScalableDimension: dimension, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(3),
	})
	must("register the variant", err)
	check("the target has an ARN", strings.Contains(aws.ToString(out.ScalableTargetARN), ":scalable-target/"), out.ScalableTargetARN)
	var found []types.ScalableTarget
	for pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(s.scaling, &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: sageMaker, ResourceIds: []string{resource}, MaxResults: aws.Int32(1),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			must("page through the targets", err)
		}
		found = append(found, page.ScalableTargets...)
	}
	check("the target has its bounds", len(found) == 1 && aws.ToInt32(found[0].MinCapacity) == 1 && aws.ToInt32(found[0].MaxCapacity) == 3, found)
}

// policy puts one and returns the names of its alarms.
func (s suite) policy() (high, low string) {
	out, err := s.scaling.PutScalingPolicy(s.ctx, &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String(policyName), PolicyType: types.PolicyTypeTargetTrackingScaling,
		ServiceNamespace: sageMaker, ResourceId: aws.String(resource), ScalableDimension: dimension,
		TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(100), ScaleInCooldown: aws.Int32(60), ScaleOutCooldown: aws.Int32(60),
			PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeSageMakerVariantInvocationsPerInstance},
		},
	})
	must("put a policy", err)
	for _, a := range out.Alarms {
		switch name := aws.ToString(a.AlarmName); {
		case strings.HasPrefix(name, "TargetTracking-"+resource+"-AlarmHigh-"):
			high = name
		case strings.HasPrefix(name, "TargetTracking-"+resource+"-AlarmLow-"):
			low = name
		}
	}
	check("it has made two alarms", high != "" && low != "" && len(out.Alarms) == 2, out.Alarms)
	var found []types.ScalingPolicy
	for pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(s.scaling, &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: sageMaker, ResourceId: aws.String(resource), MaxResults: aws.Int32(1),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			must("page through the policies", err)
		}
		found = append(found, page.ScalingPolicies...)
	}
	check("the paginator finds it", len(found) == 1 && is(found[0].PolicyARN, aws.ToString(out.PolicyARN)), found)
	return high, low
}

// scaleOutAndIn loads the endpoint until it has scaled out, then waits for it to scale in.
func (s suite) scaleOutAndIn(high string) {
	ctx, stop := context.WithCancel(s.ctx)
	var load sync.WaitGroup
	load.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
			if _, err := s.runtime.InvokeEndpoint(s.ctx, request()); err != nil {
				must("an invocation under load", err)
			}
		}
	})
	until("the high alarm fires", func() bool { return s.state(high) == "ALARM" })
	until("capacity is scaled out to the maximum", func() bool { return s.instances() == 3 })
	stop()
	load.Wait()
	until("it is scaled in to the minimum when idle", func() bool { return s.instances() == 1 })
}

// activities looks for why capacity moved.
func (s suite) activities(high string) {
	why := map[string]string{}
	for pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(s.scaling, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: sageMaker, ResourceId: aws.String(resource), MaxResults: aws.Int32(1),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			must("page through the activities", err)
		}
		for _, a := range page.ScalingActivities {
			why[aws.ToString(a.Description)] = string(a.StatusCode) + " " + aws.ToString(a.Cause)
		}
	}
	check("the activities tell why it scaled out", why["Setting desired instance count to 3."] ==
		"Successful monitor alarm "+high+" in state ALARM triggered policy "+policyName, why)
	check("and why in", strings.Contains(why["Setting desired instance count to 1."], "AlarmLow"), why)
}

func (s suite) removePolicy(alarms []string) {
	_, err := s.scaling.DeleteScalingPolicy(s.ctx, &applicationautoscaling.DeleteScalingPolicyInput{
		PolicyName: aws.String(policyName), ServiceNamespace: sageMaker, ResourceId: aws.String(resource), ScalableDimension: dimension,
	})
	must("delete the policy", err)
	check("its alarms went with it", len(s.described(alarms...)) == 0, alarms)
	target := &applicationautoscaling.DeregisterScalableTargetInput{ServiceNamespace: sageMaker, ResourceId: aws.String(resource), ScalableDimension: dimension}
	_, err = s.scaling.DeregisterScalableTarget(s.ctx, target)
	must("deregister the variant", err)
	_, err = s.scaling.DeregisterScalableTarget(s.ctx, target)
	refused("a target that is not there", "ObjectNotFoundException", err)
}
