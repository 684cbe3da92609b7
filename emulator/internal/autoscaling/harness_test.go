package autoscaling

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator/internal/modeltime"
	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

const (
	demo       = "endpoint/demo/variant/AllTraffic"
	component  = "inference-component/part"
	serverless = "endpoint/cheap/variant/v1"
)

// launchTime is how many ticks the fake hosting takes for a change.
const launchTime = 4

// resource is something that can be scaled in the fake hosting.
type resource struct {
	current, desired int
	busy             int // ticks until a change is done
	stuck            bool
}

// hosting is a Capacity in memory.
type hosting struct {
	resources map[string]*resource
	refuse    error
	asked     []int
	callback  func()
}

func (h *hosting) Capacity(id, _ string) (current, desired int, updating bool, err error) {
	if h.callback != nil {
		h.callback()
	}
	r := h.resources[id]
	if r == nil {
		return 0, 0, false, fmt.Errorf("looking for it: %w", ErrNoResource)
	}
	return r.current, r.desired, r.busy > 0, nil
}

func (h *hosting) SetCapacity(id, _ string, n int) error {
	if h.callback != nil {
		h.callback()
	}
	if h.refuse != nil {
		return h.refuse
	}
	h.asked = append(h.asked, n)
	r := h.resources[id]
	r.desired, r.busy = n, launchTime
	return nil
}

func (h *hosting) tick() {
	for _, r := range h.resources {
		if r.busy > 0 && !r.stuck {
			if r.busy--; r.busy == 0 {
				r.current = r.desired
			}
		}
	}
}

// watch is an Alarms in memory.
type watch struct {
	specs   map[string]AlarmSpec
	firing  map[string]bool
	refuse  error
	only    string // alarms that are refused have this in their names
	deleted []string
}

func (w *watch) Put(spec AlarmSpec) (string, error) {
	if w.refuse != nil && strings.Contains(spec.Name, w.only) {
		return "", w.refuse
	}
	w.specs[spec.Name] = spec
	return "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:" + spec.Name, nil
}

func (w *watch) Delete(names ...string) error {
	for _, name := range names {
		delete(w.specs, name)
		delete(w.firing, name)
	}
	w.deleted = append(w.deleted, names...)
	return nil
}

func (w *watch) Acting(action string) []Alarm {
	var found []Alarm
	for _, name := range slices.Sorted(maps.Keys(w.specs)) {
		if w.specs[name].Action == action {
			found = append(found, Alarm{AlarmName: name, AlarmARN: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:" + name, InAlarm: w.firing[name]})
		}
	}
	return found
}

// world is the service with everything around it, at an instant of virtual time.
type world struct {
	t       fataler
	clock   *modeltime.Clock
	hosting *hosting
	watch   *watch
	a       *Autoscaler
	server  *wire.Server
	ids     int // made so far
}

// fataler is what *testing.T and *rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// begin is a Monday morning.
func begin() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

func newWorld(t fataler) *world {
	t.Helper()
	clock, err := modeltime.New(begin(), 0)
	if err != nil {
		t.Fatalf("%v", err)
	}
	w := &world{
		t: t, clock: clock,
		hosting: &hosting{resources: map[string]*resource{
			demo: {current: 1, desired: 1}, component: {current: 1, desired: 1}, serverless: {current: 1, desired: 1},
		}},
		watch: &watch{specs: map[string]AlarmSpec{}, firing: map[string]bool{}},
	}
	w.a = w.fresh()
	w.server = w.serve(w.a)
	return w
}

// fresh is another service on the same hosting and alarms.
func (w *world) fresh() *Autoscaler {
	w.t.Helper()
	a, err := New(Options{
		Region: "eu-west-1", Account: "123456789012", Clock: w.clock, Assumptions: scaling.DefaultAssumptions(),
		Alarms: w.watch, Capacity: w.hosting,
		NewID: func() string { w.ids++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", w.ids) },
	})
	if err != nil {
		w.t.Fatalf("New: %v", err)
	}
	return a
}

func (w *world) serve(a *Autoscaler) *wire.Server {
	w.t.Helper()
	server, err := wire.NewServer(wire.ServerOptions{}, a.Wire())
	if err != nil {
		w.t.Fatalf("NewServer: %v", err)
	}
	return server
}

// object is JSON.
type object = map[string]any

// ask sends an operation in awsJson 1.1.
func ask(t fataler, server *wire.Server, operation string, in object) (status int, out object) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatalf("%v", err)
	}
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
	request.Header.Set("X-Amz-Target", "AnyScaleFrontendService."+operation)
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, request)
	if err := json.Unmarshal(answer.Body.Bytes(), &out); err != nil {
		t.Fatalf("%s: answer %q: %v", operation, answer.Body, err)
	}
	return answer.Code, out
}

// do asks and wants success.
func (w *world) do(operation string, in object) object {
	w.t.Helper()
	status, out := ask(w.t, w.server, operation, in)
	if status != http.StatusOK {
		w.t.Fatalf("%s(%v) = %d %v, want 200", operation, in, status, out)
	}
	return out
}

// refused asks and wants an error; it is the code and the message.
func (w *world) refused(operation string, in object) string {
	w.t.Helper()
	status, out := ask(w.t, w.server, operation, in)
	if status != http.StatusBadRequest {
		w.t.Fatalf("%s(%v) = %d %v, want 400", operation, in, status, out)
	}
	return fmt.Sprintf("%v: %v", out["__type"], out["message"])
}

// on names a target, with more members.
func on(id string, more object) object {
	in := object{"ServiceNamespace": "sagemaker", "ResourceId": id, "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
	if id == component {
		in["ScalableDimension"] = "sagemaker:inference-component:DesiredCopyCount"
	}
	maps.Copy(in, more)
	return in
}

func (w *world) register(id string, lowest, highest int) {
	w.t.Helper()
	w.do("RegisterScalableTarget", on(id, object{"MinCapacity": lowest, "MaxCapacity": highest}))
}

// invocations is a target-tracking policy for 1500 invocations a minute.
func invocations(name string, more object) object {
	config := object{
		"TargetValue":                   1500.0,
		"PredefinedMetricSpecification": object{"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
	}
	maps.Copy(config, more)
	return on(demo, object{"PolicyName": name, "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": config})
}

// track puts such a policy and returns the names of its alarms.
func (w *world) track(name string, more object) (high, low string) {
	w.t.Helper()
	for _, alarm := range w.do("PutScalingPolicy", invocations(name, more))["Alarms"].([]any) {
		alarmName := alarm.(object)["AlarmName"].(string)
		if strings.Contains(alarmName, "AlarmHigh") {
			high = alarmName
		} else {
			low = alarmName
		}
	}
	return high, low
}

// fire lets an alarm fire with a value; the first time, it comes into ALARM.
func (w *world) fire(alarm string, value float64) {
	w.t.Helper()
	spec, known := w.watch.specs[alarm]
	if !known {
		w.t.Fatalf("there is no alarm %q", alarm)
	}
	repeated := w.watch.firing[alarm]
	w.watch.firing[alarm] = true
	w.a.AlarmFired(Firing{
		Action: spec.Action, Alarm: alarm, Repeated: repeated, Value: value, Threshold: spec.Rule.Threshold, At: w.clock.Now(),
	})
}

func (w *world) calm(alarm string) { w.watch.firing[alarm] = false }

// pass lets so many model seconds pass.
func (w *world) pass(seconds int) {
	for range seconds {
		w.clock.Advance(time.Second)
		w.hosting.tick()
		w.a.Tick(w.clock.Now())
	}
}

// activities are the newest activities first, as "status: description (cause)".
func (w *world) activities(notScaled bool) []string {
	w.t.Helper()
	var lines []string
	for _, x := range w.described(notScaled) {
		line := fmt.Sprintf("%v: %v (%v)", x["StatusCode"], x["Description"], x["Cause"])
		if reasons, ok := x["NotScaledReasons"].([]any); ok {
			line = fmt.Sprintf("not scaled: %v", reasons[0].(object)["Code"])
		}
		lines = append(lines, line)
	}
	return lines
}

func (w *world) described(notScaled bool) []object {
	w.t.Helper()
	out := w.do("DescribeScalingActivities", object{"ServiceNamespace": "sagemaker", "IncludeNotScaledActivities": notScaled})
	var all []object
	for _, x := range out["ScalingActivities"].([]any) {
		all = append(all, x.(object))
	}
	return all
}

// wantActivities compares the newest activities.
func (w *world) wantActivities(notScaled bool, want ...string) {
	w.t.Helper()
	got := w.activities(notScaled)
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		w.t.Errorf("activities, newest first:\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func (w *world) wantAsked(want ...int) {
	w.t.Helper()
	if !slices.Equal(w.hosting.asked, want) {
		w.t.Errorf("hosting was asked for %v, want %v", w.hosting.asked, want)
	}
}

var _ fataler = (*testing.T)(nil)
