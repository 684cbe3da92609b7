package sagemaker

import (
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"
	"plimsoll/proof"
	"plimsoll/scaling"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestHistoryOfAScaleOut looks at what the services tell of a load that asks for three
// instances more: the alarm's states, the activity, the metric.
func TestHistoryOfAScaleOut(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		for _, c := range []experiment.Change{
			{What: experiment.Bounds, Desired: experiment.Setting{Bounds: &experiment.ScalableTarget{Min: 1, Max: 4}}},
			{What: experiment.OnePolicy, Name: scaling.ConsolePolicy, Desired: experiment.Setting{Policy: &experiment.Policy{
				Name: scaling.ConsolePolicy, Metric: scaling.InvocationsPerInstance, Target: 100,
			}}},
		} {
			if err := a.control.Put(t.Context(), demo, c.What, c.Name, c.Desired); err != nil {
				t.Fatal(err)
			}
		}
		began := a.control.Now().Add(-time.Minute)
		for range 20 { // model minutes
			if err := a.emulator.Record("demo", "AllTraffic", 350, 10*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		s, err := a.control.Scaling(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		names := s.Policies[0].Alarms
		alarms, err := a.control.Alarms(t.Context(), names)
		if err != nil {
			t.Fatal(err)
		}
		rules := []scaling.AlarmRule{alarms[0].Rule, alarms[1].Rule}
		want := []scaling.AlarmRule{
			{Comparison: scaling.Greater, Threshold: 100, Period: time.Minute, EvaluationPeriods: 3, Missing: scaling.TreatMissing},
			{Comparison: scaling.Less, Threshold: 90, Period: time.Minute, EvaluationPeriods: 15, Missing: scaling.TreatMissing},
		}
		if diff := cmp.Diff(want, rules); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}

		history, err := a.control.AlarmHistory(t.Context(), names[:1], began)
		if err != nil {
			t.Fatal(err)
		}
		states := []proof.Transition{
			{Alarm: names[0], From: scaling.StateInsufficient, To: scaling.StateAlarm},
			{Alarm: names[0], From: scaling.StateAlarm, To: scaling.StateOK},
		}
		if diff := cmp.Diff(states, history, cmpopts.IgnoreFields(proof.Transition{}, "At", "Reason")); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		for i, h := range history {
			if h.Reason == "" || h.At.Before(began) || i > 0 && !h.At.After(history[i-1].At) {
				t.Errorf("transition %d: %+v", i, h)
			}
		}
		if later, err := a.control.AlarmHistory(t.Context(), names, a.control.Now().Add(time.Hour)); err != nil || len(later) != 0 {
			t.Errorf("history of the future: %+v, %v", later, err)
		}

		activities, err := a.control.Activities(t.Context(), demo, began)
		if err != nil {
			t.Fatal(err)
		}
		last := activities[len(activities)-1] // the oldest
		if last.Wanted != 4 || last.Status != "Successful" || last.Failed || !last.Ended.After(last.At) || last.Cause == "" || last.Why == "" {
			t.Errorf("activity %+v, want a successful one to 4", last)
		}

		points, err := a.control.Series(t.Context(), demo, experiment.Reading{
			Metric: "InvocationsPerInstance", Statistic: "Sum", Period: 5 * time.Minute, From: began, To: a.control.Now(),
		})
		if err != nil || len(points) < 3 || points[1].At.Sub(points[0].At) != 5*time.Minute {
			t.Errorf("points of five minutes: %+v, %v", points, err)
		}
	})
}

func TestAlarmHistoryThatIsNoJSON(t *testing.T) {
	if _, err := transition(historyItem("{")); err == nil {
		t.Error("half a text was read")
	}
}

// TestHistoryInPages has more transitions than a page.
func TestHistoryInPages(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		a.alarm(t, "mine")
		const changes = 230 // a page has a hundred
		for i := range changes {
			a.setState(t, "mine", []scaling.AlarmState{scaling.StateAlarm, scaling.StateOK}[i%2])
			time.Sleep(100 * time.Millisecond)
		}
		history, err := a.control.AlarmHistory(t.Context(), []string{"mine"}, a.emulator.Now().Add(-24*time.Hour))
		if err != nil || len(history) < changes {
			t.Fatalf("%d transitions, %v, want %d", len(history), err, changes)
		}
		for i := range history[1:] {
			if history[i+1].From != history[i].To || history[i+1].At.Before(history[i].At) {
				t.Fatalf("transition %d: %+v after %+v", i+1, history[i+1], history[i])
			}
		}
	})
}
