package cloudwatch

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

func TestSnapshot(t *testing.T) {
	w := newWorld(t)
	w.each = w.every(time.Minute, constant(101))
	w.put(high(60))
	w.put(low())
	w.run(5 * time.Minute)
	saved, err := json.Marshal(w.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var loaded Snapshot
	if err := json.Unmarshal(saved, &loaded); err != nil {
		t.Fatal(err)
	}
	again := newWorld(t)
	again.clock.Advance(5 * time.Minute)
	if err := again.Restore(loaded); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w.Snapshot(), again.Snapshot()); d != "" {
		t.Errorf("restored (-saved +restored):\n%s", d)
	}
	// It goes on where it was: in ALARM, and the next call of the policy is due in a minute.
	again.each = again.every(time.Minute, constant(101))
	again.run(time.Minute)
	if len(again.events) != 1 || !again.events[0].Repeated {
		t.Errorf("after a minute more: %+v, want the policy called again", again.events)
	}
	if err := again.Restore(Snapshot{}); err != nil || len(again.Snapshot().Alarms) != 0 || len(again.read(60, again.clock.Now())) != 0 {
		t.Errorf("after Restore of nothing (%v) something is left", err)
	}
}

func TestRestoreRejects(t *testing.T) {
	good := AlarmRecord{Alarm: high(60), State: scaling.StateOK}
	for _, c := range []struct {
		name   string
		change func(*AlarmRecord)
		want   string
	}{
		{"state", func(r *AlarmRecord) { r.State = "FINE" }, `state "FINE"`},
		{"reason data", func(r *AlarmRecord) { r.ReasonData = "{" }, "reason_data"},
		{"alarm", func(r *AlarmRecord) { r.Alarm.Threshold = nil }, "Threshold"},
		{"comparison", func(r *AlarmRecord) { r.Alarm.ComparisonOperator = "x" }, "comparison"},
	} {
		w := newWorld(t)
		w.put(low())
		bad := good
		c.change(&bad)
		err := w.Restore(Snapshot{Alarms: []AlarmRecord{bad}})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `alarm "high"`) {
			t.Errorf("%s: Restore = %v, want it to name alarm and %q", c.name, err, c.want)
		}
		if len(w.Snapshot().Alarms) != 1 {
			t.Errorf("%s: what was there is gone", c.name)
		}
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	w := newWorld(t)
	w.put(high(60))
	w.put(low())
	var group sync.WaitGroup
	group.Go(func() {
		for range 300 {
			w.clock.Advance(time.Second)
			w.Tick(w.clock.Now())
		}
	})
	for range 2 {
		group.Go(func() {
			for range 50 {
				w.Put(datum("Load", w.clock.Now(), time.Second, metric.Single(101)))
				w.ask(wire.JSON, "DescribeAlarms", document{})
				w.ask(wire.JSON, "SetAlarmState", document{"AlarmName": "high", "StateValue": "OK", "StateReason": "r"})
				w.ask(wire.JSON, "GetMetricData", document{
					"StartTime": w.start, "EndTime": w.start.Add(time.Hour), "MetricDataQueries": []document{stat("m1", "Load", 60, "p50")},
				})
				w.Snapshot()
			}
		})
	}
	group.Wait()
}
