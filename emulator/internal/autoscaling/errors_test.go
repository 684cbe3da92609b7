package autoscaling

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"plimsoll/emulator/internal/wire"
)

const (
	validation = "ValidationException: "
	unfit      = validation + "Unsupported service namespace, resource type or scalable dimension"
)

// tracking is a target-tracking configuration as a change of one that is right.
func tracking(more object) object { return invocations("p", more) }

func stepping(config object) object {
	right := object{"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []any{object{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}}}
	return on(demo, object{"PolicyName": "p", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": merge(right, config)})
}

func custom(spec object) object {
	return tracking(object{"PredefinedMetricSpecification": nil, "CustomizedMetricSpecification": spec})
}

func scheduled(more object) object {
	return on(demo, merge(object{"ScheduledActionName": "a", "Schedule": "rate(1 day)", "ScalableTargetAction": object{"MinCapacity": 2}}, more))
}

func without(in object, member string) object {
	out := merge(in, nil)
	delete(out, member)
	return out
}

// TestRefused has demo as a target with the policy "there"; component is no target.
func TestRefused(t *testing.T) {
	bounds := object{"MinCapacity": 1, "MaxCapacity": 4}
	stat := func(name string) object {
		return object{"Stat": "Sum", "Metric": object{"Namespace": "N", "MetricName": name}}
	}
	math := func(queries ...any) object { return custom(object{"Metrics": queries}) }
	now := float64(begin().Unix())
	tests := []struct {
		name, operation string
		in              object
		want            string // the whole, or with … its beginning
	}{
		{
			"nothing", "RegisterScalableTarget",
			object{},
			validation + "3 validation errors detected: Value null at 'resourceId' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'scalableDimension' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'serviceNamespace' failed to satisfy constraint: Member must not be null",
		},
		{
			"unknown namespace", "DescribeScalableTargets",
			object{"ServiceNamespace": "toaster"},
			validation + "1 validation error detected: Value 'toaster' at 'serviceNamespace' failed to satisfy constraint: Member must satisfy enum value set: [ecs, …",
		},
		{
			"unknown dimension", "DescribeScalingActivities",
			object{"ServiceNamespace": "sagemaker", "ResourceId": demo, "ScalableDimension": "sagemaker:variant:Colour"},
			validation + "1 validation error detected: Value 'sagemaker:variant:Colour' at 'scalableDimension' failed to satisfy constraint: Member must satisfy enum value set: […",
		},
		{
			"another service's namespace", "RegisterScalableTarget",
			object{"ServiceNamespace": "ecs", "ResourceId": "service/a/b", "ScalableDimension": "ecs:service:DesiredCount"},
			validation + "This emulator serves the service namespace sagemaker only, not ecs",
		},
		{
			"another service's namespace, described", "DescribeScalingPolicies",
			object{"ServiceNamespace": "dynamodb"},
			validation + "This emulator serves the service namespace sagemaker only, not dynamodb",
		},
		{"another service's dimension", "RegisterScalableTarget", on(demo, merge(bounds, object{"ScalableDimension": "ecs:service:DesiredCount"})), unfit},
		{"component's dimension", "RegisterScalableTarget", on(demo, merge(bounds, object{"ScalableDimension": copyCount})), unfit},
		{"variant's dimension", "PutScalingPolicy", merge(tracking(nil), object{"ResourceId": component}), unfit},
		{"no variant", "RegisterScalableTarget", on("endpoint/demo", bounds), unfit},
		{"name with an underscore", "RegisterScalableTarget", on("endpoint/de_mo/variant/v", bounds), unfit},
		{"name that ends with a hyphen", "RegisterScalableTarget", on("endpoint/demo-/variant/v", bounds), unfit},
		{"name of 64 characters", "RegisterScalableTarget", on("endpoint/"+strings.Repeat("x", 64)+"/variant/v", bounds), unfit},
		{"endpoint that is not there", "RegisterScalableTarget", on("endpoint/none/variant/v", bounds), validation + "SageMaker endpoint variant doesn't exist: endpoint/none/variant/v"},
		{"component that is not there", "RegisterScalableTarget", merge(on(component, bounds), object{"ResourceId": "inference-component/none"}), validation + "SageMaker inference component doesn't exist: inference-component/none"},
		{"no bounds the first time", "RegisterScalableTarget", on(component, object{"MinCapacity": 1}), validation + "MinCapacity and MaxCapacity must both be given when a scalable target is registered for the first time"},
		{"minimum above maximum", "RegisterScalableTarget", on(demo, object{"MinCapacity": 5}), validation + "Maximum capacity cannot be less than minimum capacity"},
		{"negative minimum", "RegisterScalableTarget", on(demo, object{"MinCapacity": -1}), validation + "Minimum capacity -1 cannot be less than 0"},
		{"role that is no ARN", "RegisterScalableTarget", on(demo, object{"RoleARN": "me"}), validation + "'me' is not a valid ARN"},
		{
			"tags on a known target", "RegisterScalableTarget", on(demo, object{"Tags": object{"a": "b"}}),
			validation + "The scalable target that you tried to tag already exists. To update tags on an existing scalable target, use the TagResource API.",
		},
		{"AWS's tag", "RegisterScalableTarget", on(component, merge(bounds, object{"Tags": object{"AWS:x": "b"}})), validation + "Tag key 'AWS:x' is not allowed: …"},
		{"long tag", "RegisterScalableTarget", on(component, merge(bounds, object{"Tags": object{strings.Repeat("x", 129): "b"}})), validation + "1 validation error detected: …"},
		{"capacity that is text", "RegisterScalableTarget", on(demo, object{"MinCapacity": "two"}), "SerializationException: …"},

		{
			"deregister nothing", "DeregisterScalableTarget", on(component, nil),
			"ObjectNotFoundException: No scalable target found for service namespace: sagemaker, resource ID: inference-component/part, scalable dimension: sagemaker:inference-component:DesiredCopyCount",
		},
		{
			"policy without target", "PutScalingPolicy", on(component, object{"PolicyName": "p", "PolicyType": "StepScaling"}),
			"ObjectNotFoundException: No scalable target registered for service namespace: sagemaker, resource ID: inference-component/part, scalable dimension: sagemaker:inference-component:DesiredCopyCount",
		},
		{"action without target", "PutScheduledAction", merge(scheduled(nil), on(component, nil)), "ObjectNotFoundException: No scalable target registered for service namespace: …"},
		{
			"delete no policy", "DeleteScalingPolicy", on(demo, object{"PolicyName": "none"}),
			"ObjectNotFoundException: No scaling policy found for service namespace: sagemaker, resource ID: endpoint/demo/variant/AllTraffic, scalable dimension: sagemaker:variant:DesiredInstanceCount, policy name: none",
		},
		{"delete a policy of no target", "DeleteScalingPolicy", on(component, object{"PolicyName": "there"}), "ObjectNotFoundException: No scaling policy found for …"},
		{
			"delete no action", "DeleteScheduledAction", on(demo, object{"ScheduledActionName": "none"}),
			"ObjectNotFoundException: No scheduled action found for service namespace: sagemaker, resource ID: endpoint/demo/variant/AllTraffic, scalable dimension: sagemaker:variant:DesiredInstanceCount, scheduled action name: none",
		},
		{
			"dimension without resource", "DescribeScalingActivities",
			object{"ServiceNamespace": "sagemaker", "ScalableDimension": instanceCount},
			validation + "If you specify a scalable dimension, you must also specify a resource ID",
		},
		{
			"dimension without resources", "DescribeScalableTargets",
			object{"ServiceNamespace": "sagemaker", "ScalableDimension": instanceCount},
			validation + "If you specify a scalable dimension, you must also specify a resource ID",
		},
		{"malformed resource, described", "DescribeScalableTargets", object{"ServiceNamespace": "sagemaker", "ResourceIds": []any{"demo"}}, unfit},
		{"page of none", "DescribeScalingPolicies", object{"ServiceNamespace": "sagemaker", "MaxResults": 0}, validation + "MaxResults must be between 1 and 10"},
		{"page of less", "DescribeScalingActivities", object{"ServiceNamespace": "sagemaker", "MaxResults": -1}, validation + "MaxResults must be between 1 and 50"},

		{"policy without type", "PutScalingPolicy", without(tracking(nil), "PolicyType"), validation + "PolicyType must be specified when a scaling policy is created"},
		{"unknown policy type", "PutScalingPolicy", merge(tracking(nil), object{"PolicyType": "Magic"}), validation + "1 validation error detected: Value 'Magic' at 'policyType' failed to satisfy constraint: Member must satisfy enum value set: [StepScaling, TargetTrackingScaling, PredictiveScaling]"},
		{"predictive scaling", "PutScalingPolicy", merge(tracking(nil), object{"PolicyType": "PredictiveScaling"}), validation + "PredictiveScaling policies are not supported for service namespace sagemaker"},
		{"other type than it has", "PutScalingPolicy", on(demo, object{"PolicyName": "there", "PolicyType": "StepScaling"}), validation + "PolicyType of scaling policy there cannot be changed from TargetTrackingScaling to StepScaling. Delete the policy first"},
		{"other configuration than its type", "PutScalingPolicy", merge(tracking(nil), object{"PolicyType": "StepScaling"}), validation + "The configuration of the scaling policy must be that of its PolicyType, StepScaling"},
		{"tracking without configuration", "PutScalingPolicy", without(tracking(nil), "TargetTrackingScalingPolicyConfiguration"), validation + "TargetTrackingScalingPolicyConfiguration must be specified for policy type TargetTrackingScaling"},
		{"step without configuration", "PutScalingPolicy", without(stepping(nil), "StepScalingPolicyConfiguration"), validation + "StepScalingPolicyConfiguration must be specified for policy type StepScaling"},
		{"no target value", "PutScalingPolicy", tracking(object{"TargetValue": nil}), validation + "1 validation error detected: Value null at 'targetTrackingScalingPolicyConfiguration.targetValue' failed to satisfy constraint: Member must not be null"},
		{"target value of 0", "PutScalingPolicy", tracking(object{"TargetValue": 0}), validation + "…"},
		{"negative cooldown", "PutScalingPolicy", tracking(object{"ScaleInCooldown": -1}), validation + "Cooldown -1: must be from 0 to 2147483647 seconds"},
		{"name that does not print", "PutScalingPolicy", merge(tracking(nil), object{"PolicyName": "p\x01"}), validation + "1 validation error detected: …"},
		{"no metric", "PutScalingPolicy", tracking(object{"PredefinedMetricSpecification": nil}), validation + "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified"},
		{"two metrics", "PutScalingPolicy", tracking(object{"CustomizedMetricSpecification": object{"MetricName": "m", "Namespace": "n", "Statistic": "Sum"}}), validation + "Exactly one of …"},
		{"metric taken", "PutScalingPolicy", invocations("other", nil), validation + "Only one TargetTrackingScaling policy for a given metric specification is allowed."},
		{
			"resource label", "PutScalingPolicy", tracking(object{"PredefinedMetricSpecification": object{"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance", "ResourceLabel": "app/x"}}),
			validation + "Resource label should not be specified for predefined metric type SageMakerVariantInvocationsPerInstance",
		},
		{
			"another service's metric", "PutScalingPolicy", tracking(object{"PredefinedMetricSpecification": object{"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}),
			validation + "Predefined metric type ECSServiceAverageCPUUtilization is not supported for scalable dimension sagemaker:variant:DesiredInstanceCount. Use SageMakerVariantInvocationsPerInstance or SageMakerVariantConcurrentRequestsPerModelHighResolution, or a customized metric",
		},
		{"component's metric", "PutScalingPolicy", tracking(object{"PredefinedMetricSpecification": object{"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"}}), validation + "Predefined metric type SageMakerInferenceComponentInvocationsPerCopy is not supported for …"},
		{"customized without statistic", "PutScalingPolicy", custom(object{"MetricName": "m", "Namespace": "n"}), validation + "A customized metric needs MetricName, Namespace and Statistic, or Metrics"},
		{"customized with another statistic", "PutScalingPolicy", custom(object{"MetricName": "m", "Namespace": "n", "Statistic": "p99"}), validation + "1 validation error detected: Value 'p99' at 'targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.statistic' …"},
		{
			"dimension without value", "PutScalingPolicy", custom(object{"MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Dimensions": []any{object{"Name": "a"}}}),
			validation + "1 validation error detected: Value null at 'targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.dimensions.1.member.value' failed to satisfy constraint: Member must not be null",
		},
		{"metrics and a metric", "PutScalingPolicy", custom(object{"MetricName": "m", "Metrics": []any{object{"Id": "a", "MetricStat": stat("m")}}}), validation + "Metrics cannot be combined with …"},
		{"query without id", "PutScalingPolicy", math(object{"MetricStat": stat("m")}), validation + "1 validation error detected: Value null at 'targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.metrics.1.member.id' …"},
		{"query id with a capital", "PutScalingPolicy", math(object{"Id": "M", "MetricStat": stat("m")}), validation + "Metrics: Id 'M' must begin with a lowercase letter and …"},
		{"query id twice", "PutScalingPolicy", math(object{"Id": "m", "MetricStat": stat("m")}, object{"Id": "m", "MetricStat": stat("m")}), validation + "Metrics: Id 'm' must be unique"},
		{"query of nothing", "PutScalingPolicy", math(object{"Id": "m"}), validation + "Metrics: 'm' must have either Expression or MetricStat"},
		{"query without metric", "PutScalingPolicy", math(object{"Id": "m", "MetricStat": object{"Stat": "Sum"}}), validation + "Metrics: the metric of 'm' must have Namespace and MetricName"},
		{"two queries that return data", "PutScalingPolicy", math(object{"Id": "m", "MetricStat": stat("m")}, object{"Id": "e", "Expression": "m*2"}), validation + "Metrics: ReturnData must be true for exactly one of the queries, not 2"},

		{"step without adjustment type", "PutScalingPolicy", stepping(object{"AdjustmentType": ""}), validation + "AdjustmentType must be specified"},
		{"unknown adjustment type", "PutScalingPolicy", stepping(object{"AdjustmentType": "Guess"}), validation + "1 validation error detected: Value 'Guess' at 'stepScalingPolicyConfiguration.adjustmentType' …"},
		{"no steps", "PutScalingPolicy", stepping(object{"StepAdjustments": []any{}}), validation + "At least one step adjustment must be specified"},
		{"step without adjustment", "PutScalingPolicy", stepping(object{"StepAdjustments": []any{object{"MetricIntervalLowerBound": 0}}}), validation + "1 validation error detected: Value null at 'stepScalingPolicyConfiguration.stepAdjustments.1.member.scalingAdjustment' failed to satisfy constraint: Member must not be null"},
		{"steps that overlap", "PutScalingPolicy", stepping(object{"StepAdjustments": []any{
			object{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}, object{"MetricIntervalLowerBound": 5, "ScalingAdjustment": 2},
		}}), validation + "…"},
		{"too many steps", "PutScalingPolicy", stepping(object{"StepAdjustments": manySteps(21)}), "LimitExceededException: Maximum number of step adjustments exceeded: 21 of 20"},
		{"magnitude of 0", "PutScalingPolicy", stepping(object{"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 0}), validation + "MinAdjustmentMagnitude 0: must be at least 1"},
		{"step cooldown", "PutScalingPolicy", stepping(object{"Cooldown": 3_000_000_000}), validation + "Cooldown 3000000000: must be from 0 to 2147483647 seconds"},

		{"action without name", "PutScheduledAction", without(scheduled(nil), "ScheduledActionName"), validation + "1 validation error detected: Value null at 'scheduledActionName' …"},
		{"action with a slash", "PutScheduledAction", scheduled(object{"ScheduledActionName": "a/b"}), validation + "1 validation error detected: Value 'a/b' at 'scheduledActionName' …"},
		{"action that ends with a space", "PutScheduledAction", scheduled(object{"ScheduledActionName": "a "}), validation + "1 validation error detected: Value 'a ' at 'scheduledActionName' …"},
		{"action without schedule", "PutScheduledAction", without(scheduled(nil), "Schedule"), validation + "Schedule must be specified when a scheduled action is created"},
		{"action that does nothing", "PutScheduledAction", scheduled(object{"ScalableTargetAction": object{}}), validation + "ScalableTargetAction must be specified, with MinCapacity, MaxCapacity or both"},
		{"action of nothing", "PutScheduledAction", without(scheduled(nil), "ScalableTargetAction"), validation + "ScalableTargetAction must be specified, with MinCapacity, MaxCapacity or both"},
		{"action with negative bounds", "PutScheduledAction", scheduled(object{"ScalableTargetAction": object{"MaxCapacity": -1}}), validation + "ScalableTargetAction: MinCapacity and MaxCapacity cannot be less than 0"},
		{"action with crossed bounds", "PutScheduledAction", scheduled(object{"ScalableTargetAction": object{"MinCapacity": 3, "MaxCapacity": 2}}), validation + "Maximum capacity cannot be less than minimum capacity"},
		{"schedule that cannot be read", "PutScheduledAction", scheduled(object{"Schedule": "cron(0 25 * * ? *)"}), validation + `Invalid schedule "cron(0 25 * * ? *)": hours "25": want a number from 0 to 23`},
		{"time zone", "PutScheduledAction", scheduled(object{"Timezone": "Mars"}), validation + `Invalid timezone "Mars": want the name of an IANA time zone, such as Europe/Berlin`},
		{"end before start", "PutScheduledAction", scheduled(object{"StartTime": now + 100, "EndTime": now + 100}), validation + "EndTime must be later than StartTime"},
		{"end in the past", "PutScheduledAction", scheduled(object{"EndTime": now - 1}), validation + "EndTime must be in the future"},

		{"tags of no ARN", "ListTagsForResource", object{"ResourceARN": "arn:aws:s3:::x"}, validation + "1 validation error detected: Value 'arn:aws:s3:::x' at 'resourceARN' …"},
		{"no tags", "TagResource", object{"ResourceARN": "arn:aws:application-autoscaling:eu-west-1:1:scalable-target/x"}, validation + "1 validation error detected: Value null at 'tags' …"},
		{"AWS's tag on a target", "TagResource", object{"ResourceARN": "arn:aws:application-autoscaling:eu-west-1:1:scalable-target/x", "Tags": object{"aws:x": ""}}, validation + "Tag key 'aws:x' is not allowed: …"},
		{"forecast", "GetPredictiveScalingForecast", on(demo, object{"PolicyName": "there", "StartTime": now, "EndTime": now + 3600}), "AccessDeniedException: GetPredictiveScalingForecast is not supported."},
		{"forecast of what", "GetPredictiveScalingForecast", on(demo, object{"PolicyName": "there"}), validation + "2 validation errors detected: …"},
		{"unknown operation", "PutMagic", object{}, "UnknownOperationException: <nil>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.register(demo, 1, 4)
			w.track("there", nil)
			if test.operation == "PutScalingPolicy" && test.in["PolicyName"] == "p" {
				w.do("DeleteScalingPolicy", on(demo, object{"PolicyName": "there"}))
			}
			before := fmt.Sprint(w.watch.specs)
			got := w.refused(test.operation, test.in)
			want, open := strings.CutSuffix(test.want, "…")
			if got != want && !(open && strings.HasPrefix(got, want)) {
				t.Errorf("%s(%v): %q, want %q", test.operation, test.in, got, test.want)
			}
			if after := fmt.Sprint(w.watch.specs); after != before {
				t.Errorf("%s was refused and changed the alarms from %s to %s", test.operation, before, after)
			}
		})
	}
}

func manySteps(n int) []any {
	steps := make([]any, n)
	for i := range steps {
		step := object{"MetricIntervalLowerBound": i, "ScalingAdjustment": i + 1}
		if i < n-1 {
			step["MetricIntervalUpperBound"] = i + 1
		}
		steps[i] = step
	}
	return steps
}

// What hosting says of a resource that cannot be a target is said in its own words.
func TestResourceThatHostingRefuses(t *testing.T) {
	const text = "You cannot register a variant with ml.t2.medium instance type as a scalable target. This is because the burstable performance of these instances can lead to unpredictable behavior with Auto Scaling."
	err := resourceError(key{resource: demo, dimension: instanceCount}, wire.Errorf(http.StatusBadRequest, "ValidationException", text))
	if got, want := err.Error(), validation+text; got != want {
		t.Errorf("resourceError: %q, want %q", got, want)
	}
	broken := wire.Errorf(http.StatusInternalServerError, "InternalFailure", "")
	if got := resourceError(key{}, broken); !errors.Is(got, broken) {
		t.Errorf("resourceError of a broken hosting: %v, want it as it is", got)
	}
}
