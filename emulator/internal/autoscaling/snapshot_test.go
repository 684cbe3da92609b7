package autoscaling

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"plimsoll/emulator/internal/wire"
)

// questions are all descriptions of the service.
func (w *world) questions(server *wire.Server) string {
	w.t.Helper()
	var all strings.Builder
	for _, operation := range []string{"DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions", "DescribeScalingActivities"} {
		in := object{"ServiceNamespace": "sagemaker"}
		if operation == "DescribeScalingActivities" {
			in["IncludeNotScaledActivities"] = true
		}
		status, out := ask(w.t, server, operation, in)
		fmt.Fprintln(&all, operation, status, out)
		if targets, ok := out["ScalableTargets"].([]any); ok {
			for _, target := range targets {
				arn := target.(object)["ScalableTargetARN"]
				_, tags := ask(w.t, server, "ListTagsForResource", object{"ResourceARN": arn})
				fmt.Fprintln(&all, "tags", arn, tags)
			}
		}
	}
	return all.String()
}

// restored is another service that was restored from a saved state of w's.
func (w *world) restored() *Autoscaler {
	w.t.Helper()
	text, err := json.Marshal(w.a.Snapshot())
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	var s Snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		w.t.Fatalf("%v", err)
	}
	a := w.fresh()
	if err := a.Restore(s); err != nil {
		w.t.Fatalf("Restore(%s): %v", text, err)
	}
	return a
}

// machine takes the service through anything that may happen to it.
type machine struct {
	*world

	names []string
}

func (m *machine) check(t *rapid.T) {
	for k, target := range m.a.targets {
		if target.State.Min > target.State.Max || target.State.Min < 0 {
			t.Fatalf("%v has the bounds %d to %d", k, target.State.Min, target.State.Max)
		}
	}
	open := map[key]int{}
	for _, x := range m.a.history.all {
		if x.Change != nil && x.Status == inProgress {
			open[x.key()]++
		}
	}
	for k, n := range open {
		if n > 1 {
			t.Fatalf("%v has %d changes in progress", k, n)
		}
	}
	for _, target := range m.a.targets {
		if target.State.InProgress != (open[target.key()] == 1) && target.ID == m.openTarget(target.key()) {
			t.Fatalf("%v: in progress is %v with %d such activities", target.key(), target.State.InProgress, open[target.key()])
		}
	}
}

// openTarget is the id of the target whose change is in progress, or that of the present
// one if none is.
func (m *machine) openTarget(k key) string {
	for _, x := range m.a.history.open {
		if x.key() == k && x.Status == inProgress {
			return x.Change.Target
		}
	}
	return m.a.targets[k].ID
}

// TestAnythingGoes holds the service to this, whatever is asked of it in whatever order:
// capacity is asked for within the bounds of its target only, at most one change is in
// progress, and a saved and restored service answers and acts as the one that was saved.
func TestAnythingGoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{world: newWorld(t), names: []string{"a", "b"}}
		ids := []string{demo, component}
		id := func(t *rapid.T) string { return rapid.SampledFrom(ids).Draw(t, "id") }
		name := func(t *rapid.T) string { return rapid.SampledFrom(m.names).Draw(t, "name") }
		number := func(t *rapid.T, low, high int, label string) int { return rapid.IntRange(low, high).Draw(t, label) }
		try := func(operation string, in object) {
			if status, out := ask(t, m.server, operation, in); status != http.StatusOK && status != http.StatusBadRequest {
				t.Fatalf("%s(%v) = %d %v", operation, in, status, out)
			}
		}
		bounded := &bounded{hosting: m.hosting, a: func() *Autoscaler { return m.a }, t: t}
		m.a.opts.Capacity = bounded

		t.Repeat(map[string]func(*rapid.T){
			"": m.check,
			"register": func(t *rapid.T) {
				low := number(t, 0, 3, "min")
				try("RegisterScalableTarget", on(id(t), object{"MinCapacity": low, "MaxCapacity": low + number(t, -1, 6, "width")}))
			},
			"suspend": func(t *rapid.T) {
				try("RegisterScalableTarget", on(id(t), object{"SuspendedState": object{
					"DynamicScalingInSuspended": rapid.Bool().Draw(t, "in"), "DynamicScalingOutSuspended": rapid.Bool().Draw(t, "out"), "ScheduledScalingSuspended": rapid.Bool().Draw(t, "scheduled"),
				}}))
			},
			"deregister": func(t *rapid.T) { try("DeregisterScalableTarget", on(id(t), nil)) },
			"track": func(t *rapid.T) {
				id, metric := id(t), "SageMakerVariantInvocationsPerInstance"
				if id == component {
					metric = "SageMakerInferenceComponentInvocationsPerCopy"
				}
				try("PutScalingPolicy", on(id, object{"PolicyName": name(t), "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": object{
					"TargetValue": 100, "PredefinedMetricSpecification": object{"PredefinedMetricType": metric},
					"ScaleOutCooldown": number(t, 0, 30, "out"), "ScaleInCooldown": number(t, 0, 30, "in"), "DisableScaleIn": rapid.Bool().Draw(t, "disable"),
				}}))
			},
			"step": func(t *rapid.T) {
				id, name := id(t), name(t)
				status, out := ask(t, m.server, "PutScalingPolicy", on(id, object{"PolicyName": name, "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": object{
					"AdjustmentType": rapid.SampledFrom([]string{"ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"}).Draw(t, "type"),
					"Cooldown":       number(t, 0, 30, "cooldown"),
					"StepAdjustments": []any{
						object{"MetricIntervalUpperBound": 0, "ScalingAdjustment": number(t, -2, 9, "below")},
						object{"MetricIntervalLowerBound": 0, "ScalingAdjustment": number(t, 0, 200, "above")},
					},
				}}))
				if status == http.StatusOK {
					if _, err := m.watch.Put(AlarmSpec{Name: "user " + id + name, Action: out["PolicyARN"].(string)}); err != nil {
						t.Fatal(err)
					}
				}
			},
			"delete policy": func(t *rapid.T) { try("DeleteScalingPolicy", on(id(t), object{"PolicyName": name(t)})) },
			"schedule": func(t *rapid.T) {
				action := object{}
				if rapid.Bool().Draw(t, "with min") {
					action["MinCapacity"] = number(t, 0, 6, "min")
				}
				if rapid.Bool().Draw(t, "with max") {
					action["MaxCapacity"] = number(t, 0, 6, "max")
				}
				try("PutScheduledAction", on(id(t), object{
					"ScheduledActionName": name(t), "ScalableTargetAction": action,
					"Schedule": rapid.SampledFrom([]string{"rate(1 minute)", "cron(* * * * ? *)", "at(2026-11-23T09:02:00)"}).Draw(t, "schedule"),
				}))
			},
			"delete schedule": func(t *rapid.T) {
				try("DeleteScheduledAction", on(id(t), object{"ScheduledActionName": name(t)}))
			},
			"tag": func(t *rapid.T) {
				id := id(t)
				for _, target := range m.a.targets {
					if target.Resource == id {
						try("TagResource", object{"ResourceARN": m.a.targetARN(target), "Tags": object{name(t): "x"}})
					}
				}
			},
			"fire": func(t *rapid.T) {
				for _, alarm := range slices.Sorted(keys(m.watch.specs)) {
					if rapid.Bool().Draw(t, "this") {
						m.fire(alarm, float64(number(t, 0, 900, "value")))
					}
				}
			},
			"calm": func(*rapid.T) { clear(m.watch.firing) },
			"by hand": func(t *rapid.T) {
				if r := m.hosting.resources[id(t)]; r != nil {
					r.desired, r.busy = number(t, 0, 9, "desired"), number(t, 0, 9, "busy")
				}
			},
			"stuck": func(t *rapid.T) {
				if r := m.hosting.resources[id(t)]; r != nil {
					r.stuck = !r.stuck
				}
			},
			"quota": func(t *rapid.T) {
				m.hosting.refuse = nil
				if rapid.Bool().Draw(t, "refuse") {
					m.hosting.refuse = wire.Errorf(http.StatusBadRequest, "ResourceLimitExceeded", "no more")
				}
			},
			"delete": func(t *rapid.T) {
				id := id(t)
				delete(m.hosting.resources, id)
				m.a.Deleted(id)
			},
			"create": func(t *rapid.T) {
				if id := id(t); m.hosting.resources[id] == nil {
					m.hosting.resources[id] = &resource{current: number(t, 0, 3, "current"), desired: 1, busy: 2}
				}
			},
			"pass": func(t *rapid.T) { m.pass(rapid.SampledFrom([]int{1, 1, 2, 6, 90}).Draw(t, "seconds")) },
			"restore": func(t *rapid.T) {
				other := m.restored()
				server := m.serve(other)
				if got, want := m.questions(server), m.questions(m.server); got != want {
					t.Fatalf("restored, the service answers\n%s\nand before\n%s", got, want)
				}
				m.a, m.server = other, server
				m.a.opts.Capacity = bounded
			},
		})
	})
}

func keys(specs map[string]AlarmSpec) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range specs {
			if !yield(name) {
				return
			}
		}
	}
}

// bounded fails when a capacity outside the target's bounds is asked for.
type bounded struct {
	*hosting

	a func() *Autoscaler
	t *rapid.T
}

func (b *bounded) SetCapacity(id, dimension string, n int) error {
	target := b.a().targets[key{id, dimension}]
	if target == nil || n < target.State.Min || n > target.State.Max {
		b.t.Fatalf("SetCapacity(%q, %d) for the target %+v", id, n, target)
	}
	return b.hosting.SetCapacity(id, dimension, n)
}

func TestSnapshotSharesNothing(t *testing.T) {
	w := newWorld(t)
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 1, "MaxCapacity": 4, "Tags": object{"a": "b"}}))
	high, _ := w.track("p", nil)
	w.do("PutScheduledAction", scheduled(object{"Schedule": "rate(1 minute)"}))
	w.fire(high, 1500)
	w.pass(1)
	s := w.a.Snapshot()
	before, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	w.calm(high)
	w.fire(high, 9000)
	w.pass(200)
	w.track("p", object{"TargetValue": 20})
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 2}))
	for _, target := range w.a.targets {
		w.do("UntagResource", object{"ResourceARN": w.a.targetARN(target), "TagKeys": []any{"a"}})
	}
	after, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Errorf("the snapshot was\n%s\nand has become\n%s", before, after)
	}
}

// TestRestoredGoesOn has a change, a schedule and a cooldown that outlive the process.
func TestRestoredGoesOn(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	high, low := w.track("p", nil)
	w.do("PutScheduledAction", scheduled(object{"Schedule": "at(2026-11-23T09:02:00)", "ScalableTargetAction": object{"MinCapacity": 3}}))
	w.fire(high, 3000)
	w.pass(2)
	w.a = w.restored()
	w.server = w.serve(w.a)
	if !w.a.Registered("endpoint/demo") {
		t.Error("a restored target is not registered")
	}
	w.pass(launchTime)
	w.wantActivities(false, "Successful: Setting desired instance count to 2. (monitor alarm "+high+" in state ALARM triggered policy p)")
	w.pass(120)
	w.wantAsked(2, 3)
	w.a = w.restored()
	w.server = w.serve(w.a)
	w.do("RegisterScalableTarget", on(demo, object{"MinCapacity": 1}))
	w.calm(high)
	w.fire(low, 100)
	w.pass(1 + launchTime)
	w.wantAsked(2, 3, 1)
}

func TestRestoreRefuses(t *testing.T) {
	good := func() Snapshot {
		w := newWorld(t)
		w.register(demo, 1, 4)
		high, _ := w.track("p", nil)
		w.do("PutScheduledAction", scheduled(nil))
		w.fire(high, 3000)
		w.pass(1)
		return w.a.Snapshot()
	}
	tests := []struct {
		name  string
		spoil func(s *Snapshot)
	}{
		{"target that is null", func(s *Snapshot) { s.Targets[0] = nil }},
		{"resource of another service", func(s *Snapshot) { s.Targets[0].Resource = "service/a/b" }},
		{"target twice", func(s *Snapshot) { s.Targets = append(s.Targets, s.Targets[0]) }},
		{"crossed bounds", func(s *Snapshot) { s.Targets[0].State.Min = 9 }},
		{"policy that is null", func(s *Snapshot) { s.Targets[0].Policies[0] = nil }},
		{"policy of no type", func(s *Snapshot) { s.Targets[0].Policies[0].Tracking = nil }},
		{"policy without target value", func(s *Snapshot) { s.Targets[0].Policies[0].Tracking.TargetValue = nil }},
		{"policy of nothing", func(s *Snapshot) { s.Targets[0].Policies[0].Tracking.PredefinedMetricSpecification = nil }},
		{"step without adjustment", func(s *Snapshot) {
			s.Targets[0].Policies[0].Tracking, s.Targets[0].Policies[0].Step = nil, &stepConfig{AdjustmentType: "ChangeInCapacity", StepAdjustments: []stepAdjustment{{}}}
		}},
		{"action that is null", func(s *Snapshot) { s.Targets[0].Actions[0] = nil }},
		{"action without schedule", func(s *Snapshot) { s.Targets[0].Actions[0].Schedule = "" }},
		{"activity that is null", func(s *Snapshot) { s.Activities[0] = nil }},
		{"activity beyond the count", func(s *Snapshot) { s.Count = 0 }},
		{"activity that is over and has a change", func(s *Snapshot) { s.Activities[0].Status = successful }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.register(component, 2, 3)
			before := w.questions(w.server)
			s := good()
			test.spoil(&s)
			if err := w.a.Restore(s); err == nil || !strings.HasPrefix(err.Error(), "restoring the autoscaler: ") {
				t.Errorf("Restore: %v, want an error", err)
			}
			if after := w.questions(w.server); after != before {
				t.Errorf("a restore that was refused changed the answers from\n%s\nto\n%s", before, after)
			}
		})
	}
	if err := newWorld(t).a.Restore(good()); err != nil {
		t.Errorf("Restore of what was not spoilt: %v", err)
	}
}

func FuzzRestore(f *testing.F) {
	w := newWorld(f)
	w.register(demo, 1, 4)
	high, _ := w.track("p", nil)
	w.do("PutScheduledAction", scheduled(nil))
	w.fire(high, 3000)
	w.pass(1)
	text, err := json.Marshal(w.a.Snapshot())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"targets":[{"resource":"endpoint/demo/variant/AllTraffic","dimension":"sagemaker:variant:DesiredInstanceCount","id":"x","ref":"y","actions":[{"name":"a","schedule":"rate(1 day)","next":"2026-11-23T09:00:01Z"}],"state":{}}],"count":0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Snapshot
		if json.Unmarshal(text, &s) != nil {
			return
		}
		w := newWorld(t)
		if w.a.Restore(s) != nil {
			return
		}
		w.pass(3)
		w.questions(w.server)
	})
}
