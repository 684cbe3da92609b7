package autoscaling

import (
	"math"
	"strings"
	"testing"
)

// TestLoop goes through the life of a target with one policy.
func TestLoop(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	high, low := w.track("p", nil)

	// 13 times too much load: from 1 to the maximum in one activity.
	w.fire(high, 20_000)
	w.pass(1)
	w.wantAsked(4)
	cause := "monitor alarm " + high + " in state ALARM triggered policy p"
	w.wantActivities(false, "InProgress: Setting desired instance count to 4. ("+cause+")")
	if got, want := w.described(false)[0]["StatusMessage"], "Successfully set desired instance count to 4. Waiting for change to be fulfilled by sagemaker."; got != want {
		t.Errorf("StatusMessage %q, want %q", got, want)
	}
	w.pass(launchTime)
	newest := w.described(false)[0]
	for member, want := range map[string]any{
		"StatusCode":    "Successful",
		"StatusMessage": "Successfully set desired instance count to 4. Change successfully fulfilled by sagemaker.",
		"Description":   "Setting desired instance count to 4.",
		"Cause":         cause,
		"ResourceId":    demo,
		"StartTime":     float64(begin().Unix() + 1),
		"EndTime":       float64(begin().Unix() + 1 + launchTime),
	} {
		if newest[member] != want {
			t.Errorf("activity's %s is %v, want %v", member, newest[member], want)
		}
	}

	// At the maximum, told once however often the alarm is evaluated.
	for range 5 {
		w.fire(high, 20_000)
		w.pass(60)
	}
	w.wantActivities(true, "not scaled: AlreadyAtMaxCapacity", "Successful: Setting desired instance count to 4. ("+cause+")")
	if got := w.described(true)[0]["NotScaledReasons"].([]any)[0].(object)["MaxCapacity"]; got != 4.0 {
		t.Errorf("MaxCapacity of the reason is %v, want 4", got)
	}
	w.wantActivities(false, "Successful: Setting desired instance count to 4. ("+cause+")")

	// Another stay in ALARM is told again.
	w.calm(high)
	w.fire(high, 20_000)
	w.pass(1)
	w.wantActivities(true, "not scaled: AlreadyAtMaxCapacity", "not scaled: AlreadyAtMaxCapacity")

	// Less load: in at once, since the scale-out's cooldown does not hold that up; then
	// the scale-in's own does.
	w.calm(high)
	w.fire(low, 700)
	w.pass(1 + launchTime)
	w.wantAsked(4, 2)
	w.fire(low, 300)
	w.pass(290)
	w.wantAsked(4, 2)
	w.fire(low, 300)
	w.pass(20)
	w.fire(low, 300)
	w.pass(1 + launchTime)
	w.wantAsked(4, 2, 1)
	w.fire(low, 0)
	w.pass(1)
	w.wantActivities(true, "not scaled: AlreadyAtMinCapacity",
		"Successful: Setting desired instance count to 1. (monitor alarm "+low+" in state ALARM triggered policy p)")

	// Suspended, nothing moves, and nothing is told; resumed, it does.
	w.calm(low)
	w.do("RegisterScalableTarget", on(demo, object{"SuspendedState": object{"DynamicScalingOutSuspended": true}}))
	before := len(w.activities(true))
	w.fire(high, 3000)
	w.pass(1)
	w.wantAsked(4, 2, 1)
	if got := len(w.activities(true)); got != before {
		t.Errorf("%d activities while suspended, want the %d from before", got, before)
	}
	w.do("RegisterScalableTarget", on(demo, object{"SuspendedState": object{"DynamicScalingOutSuspended": false}}))
	w.fire(high, 3000)
	w.pass(1 + launchTime)
	w.wantAsked(4, 2, 1, 2)

	// Deregistered, its alarms are gone and late ones move nothing; its history stays.
	late := Firing{Action: w.watch.specs[high].Action, Alarm: high, Value: 9000, Threshold: 1500}
	w.do("DeregisterScalableTarget", on(demo, nil))
	w.a.AlarmFired(late)
	w.pass(1)
	w.wantAsked(4, 2, 1, 2)
	if len(w.watch.specs) != 0 {
		t.Errorf("alarms %v are left after deregistering", w.watch.specs)
	}
	if w.a.Registered(demo) {
		t.Error("a deregistered target is still registered")
	}
	if got := len(w.activities(false)); got != 4 {
		t.Errorf("%d activities are left after deregistering, want 4", got)
	}
}

func TestScaleInNeedsEveryPolicy(t *testing.T) {
	w := newWorld(t)
	w.hosting.resources[demo] = &resource{current: 4, desired: 4}
	w.register(demo, 1, 4)
	_, low := w.track("invocations", nil)
	_, low2 := w.track("concurrency", object{
		"TargetValue":                   4.0,
		"PredefinedMetricSpecification": object{"PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"},
	})
	w.fire(low, 100)
	w.pass(1)
	w.wantAsked()
	// Both in one second: the largest of what they need.
	w.fire(low, 100)
	w.fire(low2, 1.5)
	w.pass(1 + launchTime)
	w.wantAsked(2)
	// The other one has left ALARM meanwhile.
	w.calm(low2)
	w.fire(low, 100)
	w.pass(600)
	w.fire(low, 100)
	w.pass(1)
	w.wantAsked(2)
}

func TestScaleOutNamesThePolicyThatDecided(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 9)
	high, _ := w.track("invocations", nil)
	high2, _ := w.track("concurrency", object{
		"TargetValue":                   4.0,
		"PredefinedMetricSpecification": object{"PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"},
	})
	w.fire(high, 3000)  // 2
	w.fire(high2, 20.0) // 5
	w.pass(1)
	w.wantAsked(5)
	w.wantActivities(false, "InProgress: Setting desired instance count to 5. (monitor alarm "+high2+" in state ALARM triggered policy concurrency)")
}

func TestStepScaling(t *testing.T) {
	w := newWorld(t)
	w.hosting.resources[component] = &resource{}
	w.register(component, 0, 5)
	out := w.do("PutScalingPolicy", on(component, object{
		"PolicyName": "from-zero", "PolicyType": "StepScaling",
		"StepScalingPolicyConfiguration": object{
			"AdjustmentType": "ChangeInCapacity", "Cooldown": 60, "MetricAggregationType": "Maximum",
			"StepAdjustments": []any{object{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}},
		},
	}))
	if alarms := out["Alarms"].([]any); len(alarms) != 0 {
		t.Errorf("a step policy made the alarms %v", alarms)
	}
	arn := out["PolicyARN"].(string)
	if _, err := w.watch.Put(AlarmSpec{Name: "no-capacity", Action: arn}); err != nil {
		t.Fatal(err)
	}
	w.fire("no-capacity", 1)
	w.pass(1 + launchTime)
	w.wantAsked(2)
	w.wantActivities(false, "Successful: Setting desired copy count to 2. (monitor alarm no-capacity in state ALARM triggered policy from-zero)")
	policies := w.do("DescribeScalingPolicies", object{"ServiceNamespace": "sagemaker", "ResourceId": component})["ScalingPolicies"].([]any)
	if got := policies[0].(object)["Alarms"].([]any); len(got) != 1 || got[0].(object)["AlarmName"] != "no-capacity" {
		t.Errorf("Alarms %v, want no-capacity", got)
	}
	// A deleted step policy leaves the alarm that somebody made.
	w.do("DeleteScalingPolicy", on(component, object{"PolicyName": "from-zero"}))
	if _, there := w.watch.specs["no-capacity"]; !there {
		t.Error("deleting a step policy deleted its alarm")
	}
}

func TestAlarmsThatMeanNothing(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	high, _ := w.track("p", nil)
	action := w.watch.specs[high].Action
	policy, _, _ := strings.Cut(action, ":createdBy/")
	for _, f := range []Firing{
		{Action: action, Alarm: high, Value: math.NaN(), Threshold: 1500},
		{Action: action, Alarm: high, Value: 9000, Threshold: math.Inf(1)},
		{Action: action, Alarm: high, Value: 9000, Recent: []float64{9000, math.NaN()}, Threshold: 1500},
		{Action: action, Alarm: "somebody's", Value: 9000, Threshold: 1500},
		{Action: policy + "2", Alarm: high, Value: 9000, Threshold: 1500},
		{Action: "arn:aws:sns:eu-west-1:123456789012:topic", Alarm: high, Value: 9000, Threshold: 1500},
	} {
		w.a.AlarmFired(f)
		w.pass(1)
	}
	w.wantAsked()
	if got := w.activities(true); len(got) != 0 {
		t.Errorf("alarms that mean nothing made the activities %q", got)
	}
	// The ARN without its creator is the policy too.
	w.a.AlarmFired(Firing{Action: policy, Alarm: high, Value: 3000, Threshold: 1500})
	w.pass(1)
	w.wantAsked(2)
}

func TestDeletedPolicyIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 1)
	high, _ := w.track("p", nil)
	w.fire(high, 9000)
	w.pass(1)
	w.do("DeleteScalingPolicy", on(demo, object{"PolicyName": "p"}))
	if got := w.a.targets[key{demo, instanceCount}].State.Alarms; len(got) != 0 {
		t.Errorf("of a deleted policy the alarms %v are noted", got)
	}
}

// Told twice before a tick, an alarm counts once, as it was last, and as new if it was.
func TestAlarmToldTwice(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 1)
	high, _ := w.track("p", nil)
	for range 2 {
		w.calm(high)
		w.fire(high, 3000)
		w.fire(high, 4000)
		w.pass(1)
	}
	w.wantActivities(true, "not scaled: AlreadyAtMaxCapacity", "not scaled: AlreadyAtMaxCapacity")
	if got := len(w.activities(true)); got != 2 {
		t.Errorf("%d activities, want one for each stay in ALARM", got)
	}
	if got := w.a.targets[key{demo, instanceCount}].State.Alarms; len(got) != 1 || got[0].Value != 4000 {
		t.Errorf("noted are %v, want the newest value, 4000", got)
	}
}

// A scale-out while the endpoint is being changed by somebody else is not possible.
func TestUnscalable(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 10)
	high, _ := w.track("p", nil)
	w.hosting.resources[demo].busy = 10
	w.fire(high, 3000)
	w.pass(1)
	w.wantActivities(true, "not scaled: TargetServicePutResourceAsUnscalable")
	w.pass(60)
	w.fire(high, 3000)
	w.pass(1)
	w.wantAsked(2)
}

func TestDeletedAndRegistered(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	w.register(component, 1, 4)
	w.track("p", nil)
	for resource, want := range map[string]bool{
		"endpoint/demo": true, demo: true, component: true, "endpoint/dem": false, serverless: false,
	} {
		if got := w.a.Registered(resource); got != want {
			t.Errorf("Registered(%q) = %v, want %v", resource, got, want)
		}
	}
	w.a.Deleted("endpoint/demo")
	if w.a.Registered(demo) {
		t.Error("a deleted endpoint is still registered")
	}
	out := w.do("DescribeScalableTargets", object{"ServiceNamespace": "sagemaker"})
	if got := out["ScalableTargets"].([]any); len(got) != 1 || got[0].(object)["ResourceId"] != component {
		t.Errorf("targets after the endpoint was deleted: %v", got)
	}
	if len(w.watch.specs) != 0 {
		t.Errorf("alarms %v are left of a deleted endpoint", w.watch.specs)
	}
	// Made anew under the same name, it can be registered again.
	w.register(demo, 2, 3)
	w.pass(1)
	if !w.a.Registered(demo) {
		t.Error("the new endpoint is not registered")
	}
}

// Hosting and CloudWatch call back from within their own locks: while an operation or a
// tick of this service waits for that lock, it must not hold what the call needs.
func TestCallbacksWhileCalled(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	high, _ := w.track("p", nil)
	action := w.watch.specs[high].Action
	calls := 0
	w.hosting.callback = func() {
		calls++
		w.a.AlarmFired(Firing{Action: action, Alarm: high, Value: 3000})
		w.a.Deleted("endpoint/other")
		w.a.Registered(demo)
	}
	w.register(demo, 2, 4)
	w.pass(5)
	if calls == 0 {
		t.Error("nothing was called")
	}
}
