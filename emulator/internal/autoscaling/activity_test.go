package autoscaling

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator/internal/wire"
)

func TestRefusedByQuota(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 20)
	high, _ := w.track("p", nil)
	w.hosting.refuse = wire.Errorf(http.StatusBadRequest, "ResourceLimitExceeded",
		"The account-level service limit 'ml.m5.xlarge for endpoint usage' is 4 Instances, with current utilization of 1 Instances and a request delta of 9 Instances. Please contact AWS support to request an increase for this limit.")
	w.fire(high, 15_000)
	w.pass(1)
	got := w.described(false)[0]
	want := "Failed to set desired instance count to 10. Reason: The account-level service limit 'ml.m5.xlarge for endpoint usage' is 4 Instances, " +
		"with current utilization of 1 Instances and a request delta of 9 Instances. Please contact AWS support to request an increase for this limit. " +
		"(Service: AmazonSageMaker; Status Code: 400; Error Code: ResourceLimitExceeded; Request ID: "
	if message := got["StatusMessage"].(string); got["StatusCode"] != "Failed" || !strings.HasPrefix(message, want) || got["EndTime"] == nil {
		t.Errorf("activity %v, want Failed and %q", got, want)
	}
	// It is tried again while the alarm lasts.
	w.hosting.refuse = nil
	w.fire(high, 15_000)
	w.pass(1 + launchTime)
	w.wantAsked(10)
}

func TestUnfulfilledAndOverridden(t *testing.T) {
	tests := []struct {
		name    string
		change  func(w *world)
		message string
		asked   []int // also by an alarm that fires afterwards
	}{
		{
			"endpoint goes back to what it was", func(w *world) { w.hosting.resources[demo] = &resource{current: 1, desired: 1} },
			"Overridden: Successfully set desired instance count to 2. Found it was later changed to 1.",
			[]int{2, 4},
		},
		{
			"somebody asks for another capacity", func(w *world) { w.hosting.resources[demo] = &resource{current: 3, desired: 3} },
			"Overridden: Successfully set desired instance count to 2. Found it was later changed to 3.",
			[]int{2, 4},
		},
		{
			"hosting gives up", func(w *world) { w.hosting.resources[demo] = &resource{current: 1, desired: 2} },
			"Unfulfilled: Successfully set desired instance count to 2. Change was not fulfilled by sagemaker: 1 in service.",
			[]int{2, 4},
		},
		{
			"endpoint is deleted", func(w *world) { delete(w.hosting.resources, demo); w.a.Deleted("endpoint/demo") },
			"Unfulfilled: Successfully set desired instance count to 2. Change was not fulfilled by sagemaker: looking for it: the resource does not exist",
			[]int{2},
		},
		{
			"endpoint is stuck", func(w *world) { w.hosting.resources[demo].stuck = true },
			"InProgress: Successfully set desired instance count to 2. Waiting for change to be fulfilled by sagemaker.",
			[]int{2},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.register(demo, 1, 4)
			high, _ := w.track("p", nil)
			w.fire(high, 3000)
			w.pass(1)
			test.change(w)
			w.pass(3000)
			got := w.described(false)[0]
			if message := got["StatusCode"].(string) + ": " + got["StatusMessage"].(string); message != test.message {
				t.Errorf("activity ended as %q, want %q", message, test.message)
			}
			if w.a.Registered(demo) {
				w.fire(high, 9000)
				w.pass(1)
			}
			w.wantAsked(test.asked...)
		})
	}
}

func TestBoundsPullCapacityInside(t *testing.T) {
	w := newWorld(t)
	w.hosting.resources[demo] = &resource{current: 3, desired: 3}
	w.register(demo, 1, 10)
	w.wantAsked()
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 5}))
	w.wantAsked(5)
	w.wantActivities(false, "InProgress: Setting desired instance count to 5. (minimum capacity was set to 5)")
	w.pass(launchTime)
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 1, "MaxCapacity": 2}))
	w.pass(launchTime)
	w.wantAsked(5, 2)
	w.wantActivities(false, "Successful: Setting desired instance count to 2. (maximum capacity was set to 2)")

	// While somebody changes the endpoint, the activity waits.
	w.hosting.resources[demo].busy = 10
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 4, "MaxCapacity": 10}))
	w.pass(5)
	w.wantAsked(5, 2)
	w.wantActivities(false, "Pending: Setting desired instance count to 4. (minimum capacity was set to 4)")
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 3}))
	w.wantActivities(false, "Pending: Setting desired instance count to 3. (minimum capacity was set to 3)",
		"Overridden: Setting desired instance count to 4. (minimum capacity was set to 4)")
	w.pass(5 + launchTime)
	w.wantAsked(5, 2, 3)
	w.wantActivities(false, "Successful: Setting desired instance count to 3. (minimum capacity was set to 3)")

	// An endpoint that was never in service keeps its capacity.
	w.hosting.resources[serverless] = &resource{desired: 1, busy: 20}
	w.register(serverless, 2, 4)
	w.pass(30)
	w.wantAsked(5, 2, 3)
}

func TestPendingThatIsNotNeededAnyMore(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 10)
	w.hosting.resources[demo].busy = 10
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 4}))
	w.hosting.resources[demo].desired = 6 // by hand
	w.pass(11)
	w.wantAsked()
	w.wantActivities(false, "Overridden: Setting desired instance count to 4. (minimum capacity was set to 4)")

	w.hosting.resources[demo].busy = 10
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 8}))
	w.do("DeregisterScalableTarget", on(demo, nil))
	w.pass(11)
	w.wantAsked()
	w.wantActivities(false, "Unfulfilled: Setting desired instance count to 8. (minimum capacity was set to 8)")
}

func TestPendingWhatIsWanted(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *world)
		want   string // the newest two activities
		asked  []int
	}{
		{
			"the other bound is crossed by hand", func(w *world) { w.hosting.resources[demo].desired = 9 },
			"Successful 5. maximum capacity was set to 5, Overridden 4. minimum capacity was set to 4",
			[]int{5},
		},
		{
			"the resource is deleted by itself", func(w *world) { delete(w.hosting.resources, demo) },
			"Unfulfilled 4. minimum capacity was set to 4, Successful 1. maximum capacity was set to 1", nil,
		},
		{
			"the target is registered anew", func(w *world) {
				w.do("DeregisterScalableTarget", on(demo, nil))
				w.register(demo, 1, 5)
			},
			"Unfulfilled 4. minimum capacity was set to 4, Successful 1. maximum capacity was set to 1", nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.hosting.resources[demo] = &resource{current: 2, desired: 2}
			w.register(demo, 1, 1)
			w.pass(launchTime)
			w.hosting.asked = nil
			w.hosting.resources[demo].busy = 5
			w.register(demo, 4, 5)
			test.change(w)
			w.pass(20)
			var got []string
			for _, x := range w.described(false)[:2] {
				got = append(got, fmt.Sprintf("%v %v %v", x["StatusCode"], strings.TrimPrefix(x["Description"].(string), "Setting desired instance count to "), x["Cause"]))
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("activities %q, want %q", got, test.want)
			}
			w.wantAsked(test.asked...)
		})
	}
}

// A change outlives its target: it is followed, but means nothing to the new one.
func TestRegisteredAnewDuringAChange(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	high, _ := w.track("p", nil)
	w.fire(high, 3000)
	w.pass(1)
	w.do("DeregisterScalableTarget", on(demo, nil))
	w.register(demo, 1, 4)
	high, _ = w.track("p", nil)
	w.fire(high, 9000)
	w.pass(1)
	w.wantActivities(true, "not scaled: TargetServicePutResourceAsUnscalable")
	w.pass(launchTime)
	if got := w.described(false)[0]["StatusCode"]; got != "Successful" {
		t.Errorf("the change of the old target ended as %v, want Successful", got)
	}
	if cooldown := w.a.targets[key{demo, instanceCount}].State.Cooldown; !cooldown.Until.IsZero() {
		t.Errorf("the new target has the old one's cooldown: %+v", cooldown)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	w := newWorld(t)
	w.register(component, 2, 20) // a change that never ends, and is kept
	w.hosting.resources[component].stuck = true
	w.register(demo, 1, 20)
	high, _ := w.track("p", nil)
	w.hosting.refuse = wire.Errorf(http.StatusBadRequest, "ResourceLimitExceeded", "no")
	for range maxActivities + 10 {
		w.fire(high, 15_000)
		w.pass(1)
	}
	if got := len(w.a.history.all); got != maxActivities {
		t.Errorf("%d activities are kept, want %d", got, maxActivities)
	}
	if first, second := w.a.history.all[0].Number, w.a.history.all[1].Number; first != 1 || second != 13 {
		t.Errorf("the oldest activities kept are numbers %d and %d, want 1 and 13", first, second)
	}
	// After six weeks they are not described, and the next one drops them.
	w.clock.Advance(activityAge + time.Second)
	if got := w.activities(true); len(got) != 0 {
		t.Errorf("after six weeks there are still %d activities", len(got))
	}
	w.fire(high, 15_000)
	w.pass(1)
	if got := len(w.a.history.all); got != 2 {
		t.Errorf("%d activities are kept after six weeks, want the new one and the one that never ended", got)
	}
}

func TestHighAlarmDuringOwnChangeKeepsOneActivityOpen(t *testing.T) {
	w := newWorld(t)
	a := w.a.opts.Assumptions
	a.UpdatingBlocksScaling = false
	w.a.opts.Assumptions = a
	w.register(demo, 1, 10)
	high, _ := w.track("p", nil)
	w.fire(high, 3000)
	w.pass(1)
	w.fire(high, 9000)
	w.pass(1)
	if got := w.activities(false)[1]; !strings.HasPrefix(got, "Overridden") {
		t.Errorf("while the newer change is in progress, the older is %q, want Overridden", got)
	}
	w.pass(launchTime)
	w.wantAsked(2, 6)
	got := w.activities(false)
	want := []string{"Successful: Setting desired instance count to 6.", "Overridden: Setting desired instance count to 2."}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("activities %q, want %q", got, want)
		}
	}
	if message := w.described(false)[1]["StatusMessage"]; message != "Successfully set desired instance count to 2. Found it was later changed to 6." {
		t.Errorf("the older activity's message is %q", message)
	}
	if n := len(slices.DeleteFunc(slices.Clone(w.a.history.all), func(x *activity) bool { return x.Change == nil })); n != 0 {
		t.Errorf("%d activities are open, want 0", n)
	}
}

// After a change, the same reason in the same stay in ALARM is told again.
func TestReasonIsToldAgainAfterAChange(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 2)
	high, _ := w.track("p", object{"ScaleOutCooldown": 0})
	for highest := 2; highest <= 4; highest++ {
		w.register(demo, 1, highest)
		for range 3 {
			w.fire(high, 9000)
			w.pass(60)
		}
	}
	cause := " (monitor alarm " + high + " in state ALARM triggered policy p)"
	w.wantActivities(true,
		"not scaled: AlreadyAtMaxCapacity", "Successful: Setting desired instance count to 4."+cause,
		"not scaled: AlreadyAtMaxCapacity", "Successful: Setting desired instance count to 3."+cause,
		"not scaled: AlreadyAtMaxCapacity", "Successful: Setting desired instance count to 2."+cause)
}
