package autoscaling

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"plimsoll/emulator/internal/modeltime"
)

func TestOptionsAreChecked(t *testing.T) {
	_, err := New(Options{})
	for _, want := range []string{"Region", "Account", "Clock", "Alarms", "Capacity", "NewID", "assumption"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New without options: %v, want it to name %s", err, want)
		}
	}
}

func TestScalableTarget(t *testing.T) {
	w := newWorld(t)
	out := w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 1, "MaxCapacity": 4, "Tags": object{"team": "ml"}}))
	arn := out["ScalableTargetARN"].(string)
	if !regexp.MustCompile(`^arn:aws:application-autoscaling:eu-west-1:123456789012:scalable-target/056m[0-9a-f]{32}$`).MatchString(arn) {
		t.Errorf("ScalableTargetARN %q", arn)
	}
	described := func() object {
		targets := w.do("DescribeScalableTargets", object{"ServiceNamespace": "sagemaker", "ResourceIds": []any{demo}})["ScalableTargets"].([]any)
		return targets[0].(object)
	}
	want := object{
		"ServiceNamespace": "sagemaker", "ResourceId": demo, "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
		"MinCapacity": 1.0, "MaxCapacity": 4.0, "CreationTime": float64(begin().Unix()), "ScalableTargetARN": arn,
		"RoleARN":        "arn:aws:iam::123456789012:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
		"SuspendedState": object{"DynamicScalingInSuspended": false, "DynamicScalingOutSuspended": false, "ScheduledScalingSuspended": false},
	}
	same(t, "the new target", described(), want)

	// What is left out stays.
	w.pass(1)
	w.do("RegisterScalableTarget", on(demo, object{"MaxCapacity": 6}))
	w.do("RegisterScalableTarget", on(demo, object{"SuspendedState": object{"DynamicScalingInSuspended": true}}))
	w.do("RegisterScalableTarget", on(demo, object{"SuspendedState": object{"ScheduledScalingSuspended": true}}))
	w.do("RegisterScalableTarget", on(demo, object{"RoleARN": "arn:aws:iam::123456789012:role/mine"}))
	w.do("RegisterScalableTarget", on(demo, nil))
	maps.Copy(want, object{
		"MaxCapacity": 6.0, "RoleARN": "arn:aws:iam::123456789012:role/mine",
		"SuspendedState": object{"DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": false, "ScheduledScalingSuspended": true},
	})
	same(t, "the changed target", described(), want)
}

// same compares JSON by how it prints, which sorts members.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s is\n\t%s\nwant\n\t%s", what, g, w)
	}
}

func merge(a, b object) object {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func TestCapacityNames(t *testing.T) {
	for dimension, want := range map[string]string{
		instanceCount: "desired instance count", copyCount: "desired copy count", provisionedConcurrency: "desired provisioned concurrency",
	} {
		if got := (key{dimension: dimension}).capacityName(); got != want {
			t.Errorf("capacity of %s is called %q, want %q", dimension, got, want)
		}
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	w.register(component, 1, 4)
	for i := range 23 {
		w.do("PutScalingPolicy", on(demo, object{
			"PolicyName": fmt.Sprintf("p%02d", i), "PolicyType": "StepScaling",
			"StepScalingPolicyConfiguration": object{"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []any{object{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}}},
		}))
	}
	for i := range 120 {
		w.do("PutScheduledAction", on(demo, object{
			"ScheduledActionName": fmt.Sprintf("a%03d", i), "Schedule": fmt.Sprintf("at(2026-11-23T09:00:%02d)", 1+i%50), "ScalableTargetAction": object{"MinCapacity": 1},
		}))
	}
	w.pass(60)
	tests := []struct {
		operation, list string
		more            object
		pages           []int
	}{
		{"DescribeScalableTargets", "ScalableTargets", nil, []int{2}},
		{"DescribeScalableTargets", "ScalableTargets", object{"MaxResults": 1}, []int{1, 1}},
		{"DescribeScalingPolicies", "ScalingPolicies", nil, []int{10, 10, 3}},
		{"DescribeScalingPolicies", "ScalingPolicies", object{"MaxResults": 8}, []int{8, 8, 7}},
		{"DescribeScalingPolicies", "ScalingPolicies", object{"MaxResults": 50}, []int{10, 10, 3}},
		{"DescribeScalingPolicies", "ScalingPolicies", object{"ResourceId": component}, []int{0}},
		{"DescribeScalingPolicies", "ScalingPolicies", object{"PolicyNames": []any{"p03", "p21", "none"}}, []int{2}},
		{"DescribeScheduledActions", "ScheduledActions", nil, []int{50, 50, 20}},
		{"DescribeScheduledActions", "ScheduledActions", object{"ResourceId": demo, "ScheduledActionNames": []any{"a003"}}, []int{1}},
		{"DescribeScalingActivities", "ScalingActivities", nil, []int{50, 50, 20}},
		{"DescribeScalingActivities", "ScalingActivities", object{"ResourceId": demo, "ScalableDimension": instanceCount}, []int{50, 50, 20}},
		{"DescribeScalingActivities", "ScalingActivities", object{"ResourceId": component}, []int{0}},
	}
	for _, test := range tests {
		in := merge(object{"ServiceNamespace": "sagemaker"}, test.more)
		var sizes []int
		seen := map[string]bool{}
		for {
			out := w.do(test.operation, in)
			items := out[test.list].([]any)
			sizes = append(sizes, len(items))
			for _, item := range items {
				seen[fmt.Sprint(item)] = true
			}
			next, more := out["NextToken"]
			if !more {
				break
			}
			in["NextToken"] = next
		}
		total := 0
		for _, n := range test.pages {
			total += n
		}
		if !slices.Equal(sizes, test.pages) || len(seen) != total {
			t.Errorf("%s %v: pages of %v with %d different items, want %v", test.operation, test.more, sizes, len(seen), test.pages)
		}
	}
	// A token is good for the question that it came with.
	token := w.do("DescribeScalingPolicies", object{"ServiceNamespace": "sagemaker"})["NextToken"]
	for _, in := range []object{
		{"ServiceNamespace": "sagemaker", "NextToken": token, "ResourceId": demo},
		{"ServiceNamespace": "sagemaker", "NextToken": "x"},
		{"ServiceNamespace": "sagemaker", "NextToken": "e30="},
	} {
		if got, want := w.refused("DescribeScalingPolicies", in), "InvalidNextTokenException: The next token supplied was invalid"; got != want {
			t.Errorf("DescribeScalingPolicies(%v): %q, want %q", in, got, want)
		}
	}
	// What is deleted between two pages breaks none of them.
	w.do("DeleteScalingPolicy", on(demo, object{"PolicyName": "p09"}))
	if got := w.do("DescribeScalingPolicies", object{"ServiceNamespace": "sagemaker", "NextToken": token})["ScalingPolicies"].([]any)[0].(object)["PolicyName"]; got != "p10" {
		t.Errorf("the second page begins with %v, want p10", got)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	arn := w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 1, "MaxCapacity": 4, "Tags": object{"team": "ml", "cost": ""}}))["ScalableTargetARN"]
	list := func() any { return w.do("ListTagsForResource", object{"ResourceARN": arn})["Tags"] }
	same(t, "tags", list(), object{"team": "ml", "cost": ""})
	w.do("TagResource", object{"ResourceARN": arn, "Tags": object{"team": "nlp", "stage": "test"}})
	w.do("UntagResource", object{"ResourceARN": arn, "TagKeys": []any{"cost", "none"}})
	same(t, "tags", list(), object{"team": "nlp", "stage": "test"})

	many := object{}
	for i := range 49 {
		many[fmt.Sprintf("k%d", i)] = "v"
	}
	status, out := ask(t, w.server, "TagResource", object{"ResourceARN": arn, "Tags": many})
	if status != http.StatusBadRequest || out["__type"] != "TooManyTagsException" || out["ResourceName"] != arn {
		t.Errorf("51 tags: %d %v", status, out)
	}
	same(t, "tags after too many", list(), object{"team": "nlp", "stage": "test"})
	status, out = ask(t, w.server, "ListTagsForResource", object{"ResourceARN": arn.(string) + "0"})
	if status != http.StatusBadRequest || out["__type"] != "ResourceNotFoundException" || out["message"] != "Scalable Target not found" || out["ResourceName"] != arn.(string)+"0" {
		t.Errorf("tags of no target: %d %v", status, out)
	}
}

func TestQuotas(t *testing.T) {
	w := newWorld(t)
	for i := range maxTargets {
		id := fmt.Sprintf("endpoint/e%d/variant/v", i)
		w.hosting.resources[id] = &resource{current: 1, desired: 1}
		w.register(id, 1, 2)
	}
	got := w.refused("RegisterScalableTarget", on(demo, object{"MinCapacity": 1, "MaxCapacity": 4}))
	if !strings.HasPrefix(got, "LimitExceededException: Maximum number of scalable targets for sagemaker:variant:DesiredInstanceCount reached: 500") {
		t.Errorf("target 501: %q", got)
	}
	// Known ones can still be changed, and another dimension has its own quota.
	w.register("endpoint/e7/variant/v", 1, 3)
	w.register(component, 1, 3)

	step := func(name string) object {
		return on(component, object{
			"PolicyName": name, "PolicyType": "StepScaling",
			"StepScalingPolicyConfiguration": object{"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []any{object{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}}},
		})
	}
	for i := range maxPolicies {
		w.do("PutScalingPolicy", step(fmt.Sprint("p", i)))
	}
	if got := w.refused("PutScalingPolicy", step("more")); !strings.HasPrefix(got, "LimitExceededException: Maximum number of scaling policies") {
		t.Errorf("policy 51: %q", got)
	}
	w.do("PutScalingPolicy", step("p7"))

	action := func(name string) object {
		return on(component, object{"ScheduledActionName": name, "Schedule": "rate(1 day)", "ScalableTargetAction": object{"MinCapacity": 1}})
	}
	for i := range maxActions {
		w.do("PutScheduledAction", action(fmt.Sprint("a", i)))
	}
	if got := w.refused("PutScheduledAction", action("more")); !strings.HasPrefix(got, "LimitExceededException: Maximum number of scheduled actions") {
		t.Errorf("scheduled action 201: %q", got)
	}
	w.do("PutScheduledAction", action("a7"))
}

func TestDatesAreModelTime(t *testing.T) {
	clock, err := modeltime.New(begin(), 0)
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(1_234_567_890) // 1.23456789 s
	w := newWorld(t)
	w.a.opts.Clock = clock
	w.register(demo, 1, 4)
	got := w.do("DescribeScalableTargets", object{"ServiceNamespace": "sagemaker"})["ScalableTargets"].([]any)[0].(object)["CreationTime"]
	if want := float64(begin().Unix()) + 1.234; got != want {
		t.Errorf("CreationTime %v, want %v", got, want)
	}
}
