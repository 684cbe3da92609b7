package autoscaling

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

func TestPolicyAlarms(t *testing.T) {
	endpoint := []Dimension{{Name: "EndpointName", Value: "demo"}, {Name: "VariantName", Value: "AllTraffic"}}
	tests := []struct {
		metric, resource, dimension string
		name, statistic             string
		period                      int // of the high alarm, in seconds
		dimensions                  []Dimension
	}{
		{"SageMakerVariantInvocationsPerInstance", demo, instanceCount, "InvocationsPerInstance", "Sum", 60, endpoint},
		{"SageMakerVariantConcurrentRequestsPerModelHighResolution", demo, instanceCount, "ConcurrentRequestsPerModel", "Maximum", 10, endpoint},
		{"SageMakerInferenceComponentInvocationsPerCopy", component, copyCount, "InvocationsPerCopy", "Sum", 60, []Dimension{{Name: "InferenceComponentName", Value: "part"}}},
		{"SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution", component, copyCount, "ConcurrentRequestsPerCopy", "Maximum", 10, []Dimension{{Name: "InferenceComponentName", Value: "part"}}},
		{
			"SageMakerVariantProvisionedConcurrencyUtilization", serverless, provisionedConcurrency, "ServerlessProvisionedConcurrencyUtilization", "Maximum", 60,
			[]Dimension{{Name: "EndpointName", Value: "cheap"}, {Name: "VariantName", Value: "v1"}},
		},
	}
	if len(tests) != len(scaling.PredefinedMetrics()) {
		t.Errorf("%d metrics are tested of %d", len(tests), len(scaling.PredefinedMetrics()))
	}
	for _, test := range tests {
		t.Run(test.metric, func(t *testing.T) {
			w := newWorld(t)
			target := object{"ScalableDimension": test.dimension}
			w.do("RegisterScalableTarget", on(test.resource, merge(target, object{"MinCapacity": 1, "MaxCapacity": 4})))
			out := w.do("PutScalingPolicy", on(test.resource, merge(target, object{
				"PolicyName": "p", "PolicyType": "TargetTrackingScaling",
				"TargetTrackingScalingPolicyConfiguration": object{"TargetValue": 10, "PredefinedMetricSpecification": object{"PredefinedMetricType": test.metric}},
			})))
			arn := out["PolicyARN"].(string)
			if !strings.HasPrefix(arn, "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:") || !strings.HasSuffix(arn, ":resource/sagemaker/"+test.resource+":policyName/p") {
				t.Errorf("PolicyARN %q", arn)
			}
			alarms := out["Alarms"].([]any)
			if len(alarms) != 2 || len(w.watch.specs) != 2 {
				t.Fatalf("Alarms %v and %v, want two", alarms, w.watch.specs)
			}
			for i, kind := range []string{"AlarmHigh", "AlarmLow"} {
				name := alarms[i].(object)["AlarmName"].(string)
				if !strings.HasPrefix(name, "TargetTracking-"+test.resource+"-"+kind+"-") {
					t.Errorf("alarm name %q, want %s", name, kind)
				}
				if got := alarms[i].(object)["AlarmARN"]; got != "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"+name {
					t.Errorf("AlarmARN %v of %s", got, name)
				}
				spec := w.watch.specs[name]
				if !strings.HasPrefix(spec.Action, arn+":createdBy/") {
					t.Errorf("%s has the action %q", kind, spec.Action)
				}
				if want := "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + spec.Action + "."; spec.Description != want {
					t.Errorf("%s is described as %q, want %q", kind, spec.Description, want)
				}
				if spec.Namespace != "AWS/SageMaker" || spec.Metric != test.name || spec.Statistic != test.statistic || !slices.Equal(spec.Dimensions, test.dimensions) {
					t.Errorf("%s watches %s %s %s %v, want %s %s of %v", kind, spec.Namespace, spec.Metric, spec.Statistic, spec.Dimensions, test.name, test.statistic, test.dimensions)
				}
				wantThreshold, wantPeriods, wantPeriod := 10.0, 3, test.period
				if kind == "AlarmLow" {
					wantThreshold, wantPeriods, wantPeriod = 9, 15, 60
				}
				if r := spec.Rule; r.Threshold != wantThreshold || r.EvaluationPeriods != wantPeriods || r.Period != seconds(wantPeriod) {
					t.Errorf("%s has the rule %+v, want threshold %v, %d periods of %d s", kind, r, wantThreshold, wantPeriods, wantPeriod)
				}
			}
			w.do("DeleteScalingPolicy", on(test.resource, merge(target, object{"PolicyName": "p"})))
			if len(w.watch.specs) != 0 {
				t.Errorf("deleting the policy left the alarms %v", w.watch.specs)
			}
		})
	}
}

func TestPolicyIsDescribedWithDefaults(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	high, low := w.track("p", nil)
	got := w.do("DescribeScalingPolicies", object{"ServiceNamespace": "sagemaker"})["ScalingPolicies"].([]any)[0].(object)
	alarmARN := "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"
	delete(got, "PolicyARN")
	same(t, "the policy", got, object{
		"ServiceNamespace": "sagemaker", "ResourceId": demo, "ScalableDimension": instanceCount,
		"PolicyName": "p", "PolicyType": "TargetTrackingScaling", "CreationTime": float64(begin().Unix()),
		"TargetTrackingScalingPolicyConfiguration": object{
			"TargetValue": 1500.0, "PredefinedMetricSpecification": object{"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
			"ScaleOutCooldown": 300.0, "ScaleInCooldown": 300.0, "DisableScaleIn": false,
		},
		"Alarms": []any{object{"AlarmName": high, "AlarmARN": alarmARN + high}, object{"AlarmName": low, "AlarmARN": alarmARN + low}},
	})
}

func TestPolicyIsUpdatedInPlace(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	high, low := w.track("p", nil)
	w.pass(5)

	// The target alone: metric and alarms stay.
	w.do("PutScalingPolicy", on(demo, object{"PolicyName": "p", "TargetTrackingScalingPolicyConfiguration": object{"TargetValue": 70.0, "ScaleInCooldown": 0}}))
	if got := w.watch.specs[high]; got.Rule.Threshold != 70 || got.Metric != "InvocationsPerInstance" {
		t.Errorf("the high alarm is %+v, want 70 of InvocationsPerInstance", got)
	}
	if got := w.watch.specs[low].Rule.Threshold; got != 63 {
		t.Errorf("the low alarm's threshold is %v, want 63", got)
	}
	// Nothing at all is a policy as it was.
	w.do("PutScalingPolicy", on(demo, object{"PolicyName": "p"}))
	config := w.do("DescribeScalingPolicies", object{"ServiceNamespace": "sagemaker"})["ScalingPolicies"].([]any)[0].(object)["TargetTrackingScalingPolicyConfiguration"].(object)
	if config["TargetValue"] != 70.0 || config["ScaleInCooldown"] != 0.0 || config["ScaleOutCooldown"] != 300.0 {
		t.Errorf("configuration %v, want 70 with cooldowns 300 and 0", config)
	}

	// Without scale-in there is no low alarm; with it again there is a new one.
	if _, gone := w.track("p", object{"DisableScaleIn": true}); gone != "" || len(w.watch.specs) != 1 {
		t.Errorf("with scale-in disabled the alarms are %v", w.watch.specs)
	}
	if again, newLow := w.track("p", nil); again != high || newLow == "" || newLow == low {
		t.Errorf("alarms %q and %q, want the old high one and a new low one", again, newLow)
	}

	// Another metric under the same names.
	w.track("p", object{"TargetValue": 50, "PredefinedMetricSpecification": nil, "CustomizedMetricSpecification": object{
		"Namespace": "/aws/sagemaker/Endpoints", "MetricName": "CPUUtilization", "Statistic": "Average", "Unit": "Percent",
		"Dimensions": []any{object{"Name": "EndpointName", "Value": "demo"}},
	}})
	spec := w.watch.specs[high]
	if spec.Namespace != "/aws/sagemaker/Endpoints" || spec.Metric != "CPUUtilization" || spec.Statistic != "Average" || spec.Unit != "Percent" ||
		len(spec.Dimensions) != 1 || spec.Rule.Period != seconds(60) {
		t.Errorf("the alarm of a customized metric is %+v", spec)
	}
}

func TestMetricMath(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	queries := []any{
		object{"Id": "m1", "ReturnData": false, "MetricStat": object{"Stat": "Sum", "Metric": object{
			"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": []any{object{"Name": "EndpointName", "Value": "demo"}},
		}}},
		object{"Id": "e1", "Expression": "m1 / 60", "Label": "per second"},
	}
	high, _ := w.track("p", object{"TargetValue": 25, "PredefinedMetricSpecification": nil, "CustomizedMetricSpecification": object{"Metrics": queries}})
	spec := w.watch.specs[high]
	if len(spec.Queries) != 2 || spec.Queries[1].Expression != "m1 / 60" || spec.Queries[0].MetricStat.Metric.MetricName != "Invocations" || spec.Metric != "" {
		t.Errorf("the alarm watches %+v", spec)
	}
	slices.Reverse(queries)
	got := w.refused("PutScalingPolicy", invocations("same", object{"PredefinedMetricSpecification": nil, "CustomizedMetricSpecification": object{"Metrics": queries}}))
	if want := "ValidationException: Only one TargetTrackingScaling policy for a given metric specification is allowed."; got != want {
		t.Errorf("the same queries in another order: %q, want %q", got, want)
	}
}

func TestCustomizedMetricTakenInAnotherOrder(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	dimensions := []any{object{"Name": "EndpointName", "Value": "demo"}, object{"Name": "VariantName", "Value": "AllTraffic"}}
	spec := object{"Namespace": "AWS/SageMaker", "MetricName": "ModelLatency", "Statistic": "Average", "Dimensions": dimensions}
	customized := func(name string, more object) object {
		return invocations(name, object{"PredefinedMetricSpecification": nil, "CustomizedMetricSpecification": merge(spec, more)})
	}
	w.do("PutScalingPolicy", customized("p", nil))
	slices.Reverse(dimensions)
	if got := w.refused("PutScalingPolicy", customized("q", nil)); !strings.HasPrefix(got, "ValidationException: Only one TargetTrackingScaling policy") {
		t.Errorf("the same metric: %q", got)
	}
	w.do("PutScalingPolicy", customized("q", object{"Statistic": "Maximum"}))
	w.do("PutScalingPolicy", customized("r", object{"Dimensions": dimensions[:1]}))
	w.do("PutScalingPolicy", customized("q", object{"Statistic": "Minimum"}))
}

func TestStepPolicyIsUpdated(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	w.do("PutScalingPolicy", stepping(object{"AdjustmentType": "ExactCapacity", "Cooldown": 5, "MetricAggregationType": "Maximum"}))
	w.do("PutScalingPolicy", on(demo, object{"PolicyName": "p", "StepScalingPolicyConfiguration": object{"Cooldown": 7}}))
	w.do("PutScalingPolicy", on(demo, object{"PolicyName": "p", "PolicyType": "StepScaling"}))
	got := w.do("DescribeScalingPolicies", object{"ServiceNamespace": "sagemaker"})["ScalingPolicies"].([]any)[0].(object)
	same(t, "the policy", got["StepScalingPolicyConfiguration"], object{
		"AdjustmentType": "ExactCapacity", "Cooldown": 7.0, "StepAdjustments": []any{object{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1.0}},
	})
}

func TestAlarmsThatAreRefused(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{wire.Errorf(http.StatusBadRequest, "ValidationError", "Unknown function"), "ValidationException: The alarms of the scaling policy were refused: Unknown function"},
		{wire.Errorf(http.StatusBadRequest, "LimitExceeded", "too many"), "LimitExceededException: too many"},
		{errors.New("down"), "FailedResourceAccessException: Failed to put the alarms of the scaling policy: down"},
	}
	for i, test := range tests {
		w := newWorld(t)
		w.register(demo, 1, 4)
		w.watch.refuse = test.err
		if i > 0 {
			w.watch.only = "AlarmLow" // the high one is there already
		}
		if got := w.refused("PutScalingPolicy", invocations("p", nil)); got != test.want {
			t.Errorf("PutScalingPolicy with %v: %q, want %q", test.err, got, test.want)
		}
		if got := w.do("DescribeScalingPolicies", object{"ServiceNamespace": "sagemaker"})["ScalingPolicies"].([]any); len(got) != 0 {
			t.Errorf("a policy whose alarms were refused is there: %v", got)
		}
		if len(w.watch.specs) != 0 {
			t.Errorf("a policy that was refused left the alarms %v", w.watch.specs)
		}
	}
}
