package autoscaling

import (
	"slices"
	"testing"
	"time"
)

func TestScheduledActionMovesBounds(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	w.do("PutScheduledAction", scheduled(object{"ScheduledActionName": "up", "Schedule": "at(2026-11-23T09:01:00)", "ScalableTargetAction": object{"MinCapacity": 3, "MaxCapacity": 8}}))
	w.do("PutScheduledAction", scheduled(object{"ScheduledActionName": "down", "Schedule": "at(2026-11-23T09:02:00)", "ScalableTargetAction": object{"MinCapacity": 1, "MaxCapacity": 2}}))
	w.pass(59)
	w.wantAsked()
	w.pass(1)
	w.wantAsked(3)
	w.wantActivities(false,
		"InProgress: Setting desired instance count to 3. (minimum capacity was set to 3)",
		"Successful: Setting min capacity to 3 and max capacity to 8 (scheduled action name up was triggered)")
	second := w.described(false)[1]
	if second["StatusMessage"] != "Successfully set min capacity to 3 and max capacity to 8" || second["StartTime"] != float64(begin().Unix()+60) {
		t.Errorf("the activity of the action is %v", second)
	}
	w.pass(60 + launchTime)
	w.wantAsked(3, 2)
	w.wantActivities(false,
		"Successful: Setting desired instance count to 2. (maximum capacity was set to 2)",
		"Successful: Setting min capacity to 1 and max capacity to 2 (scheduled action name down was triggered)")
	got := w.do("DescribeScalableTargets", object{"ServiceNamespace": "sagemaker"})["ScalableTargets"].([]any)[0].(object)
	if got["MinCapacity"] != 1.0 || got["MaxCapacity"] != 2.0 {
		t.Errorf("bounds after the actions: %v to %v, want 1 to 2", got["MinCapacity"], got["MaxCapacity"])
	}
	w.pass(3600)
	w.wantAsked(3, 2)
}

func TestScheduledActionIsDescribed(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	start, end := float64(begin().Unix()+3600), float64(begin().Unix()+7200)
	w.do("PutScheduledAction", scheduled(object{"Schedule": "cron(0 8 ? * MON-FRI *)", "Timezone": "Europe/Berlin", "StartTime": start, "EndTime": end}))
	described := func() object {
		x := w.do("DescribeScheduledActions", object{"ServiceNamespace": "sagemaker", "ResourceId": demo})["ScheduledActions"].([]any)[0].(object)
		delete(x, "ScheduledActionARN")
		return x
	}
	want := object{
		"ServiceNamespace": "sagemaker", "ResourceId": demo, "ScalableDimension": instanceCount, "ScheduledActionName": "a",
		"Schedule": "cron(0 8 ? * MON-FRI *)", "Timezone": "Europe/Berlin", "StartTime": start, "EndTime": end,
		"ScalableTargetAction": object{"MinCapacity": 2.0}, "CreationTime": float64(begin().Unix()),
	}
	same(t, "the action", described(), want)

	// An update keeps what it leaves out, but for start and end.
	w.pass(10)
	w.do("PutScheduledAction", on(demo, object{"ScheduledActionName": "a", "ScalableTargetAction": object{"MaxCapacity": 9}}))
	delete(want, "StartTime")
	delete(want, "EndTime")
	want["ScalableTargetAction"] = object{"MaxCapacity": 9.0}
	same(t, "the updated action", described(), want)

	arn := w.do("DescribeScheduledActions", object{"ServiceNamespace": "sagemaker"})["ScheduledActions"].([]any)[0].(object)["ScheduledActionARN"].(string)
	if got, want := arn, "arn:aws:autoscaling:eu-west-1:123456789012:scheduledAction:"+w.a.targets[key{demo, instanceCount}].Ref+":resource/sagemaker/"+demo+":scheduledActionName/a"; got != want {
		t.Errorf("ScheduledActionARN %q, want %q", got, want)
	}
	w.do("DeleteScheduledAction", on(demo, object{"ScheduledActionName": "a"}))
	if got := w.do("DescribeScheduledActions", object{"ServiceNamespace": "sagemaker"})["ScheduledActions"].([]any); len(got) != 0 {
		t.Errorf("a deleted action is described: %v", got)
	}
}

// TestScheduledActionRuns has when an action runs, by the start of its activities.
func TestScheduledActionRuns(t *testing.T) {
	at := func(clock string) float64 {
		day, err := time.Parse(time.TimeOnly, clock)
		if err != nil {
			t.Fatal(err)
		}
		return float64(begin().Truncate(24*time.Hour).Unix() + int64(day.Hour()*3600+day.Minute()*60+day.Second()))
	}
	tests := []struct {
		name string
		in   object
		want []string
	}{
		{"rate counts from the operation", object{"Schedule": "rate(20 minutes)"}, []string{"09:20:00", "09:40:00", "10:00:00"}},
		{"rate counts from the start", object{"Schedule": "rate(20 minutes)", "StartTime": at("09:07:30")}, []string{"09:07:30", "09:27:30", "09:47:30"}},
		{"rate that started before", object{"Schedule": "rate(20 minutes)", "StartTime": at("08:55:00")}, []string{"09:15:00", "09:35:00", "09:55:00"}},
		{"rate that started in the year 1532", object{"Schedule": "rate(20 minutes)", "StartTime": at("09:10:00") - 13_000_000*20*60}, []string{"09:10:00", "09:30:00", "09:50:00"}},
		{"until the end", object{"Schedule": "rate(20 minutes)", "EndTime": at("09:40:00")}, []string{"09:20:00", "09:40:00"}},
		{"cron", object{"Schedule": "cron(0/30 * * * ? *)"}, []string{"09:30:00", "10:00:00"}},
		{"cron also runs at its start", object{"Schedule": "cron(0/30 * * * ? *)", "StartTime": at("09:12:00")}, []string{"09:12:00", "09:30:00", "10:00:00"}},
		{"cron that starts later", object{"Schedule": "cron(0/30 * * * ? *)", "StartTime": at("11:12:00")}, nil},
		{"at", object{"Schedule": "at(2026-11-23T09:12:00)"}, []string{"09:12:00"}},
		{"at in a zone", object{"Schedule": "at(2026-11-23T10:12:00)", "Timezone": "Europe/Berlin"}, []string{"09:12:00"}},
		{"at before the start", object{"Schedule": "at(2026-11-23T09:12:00)", "StartTime": at("09:30:00")}, nil},
		{"at after the end", object{"Schedule": "at(2026-11-23T09:12:00)", "EndTime": at("09:10:00")}, nil},
		{"at in the past", object{"Schedule": "at(2026-11-23T08:12:00)"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.register(demo, 1, 4)
			w.do("PutScheduledAction", scheduled(test.in))
			w.pass(61 * 60)
			var got []string
			for _, x := range slices.Backward(w.described(false)) {
				if x["Description"] == "Setting min capacity to 2" {
					got = append(got, time.Unix(int64(x["StartTime"].(float64)), 0).UTC().Format(time.TimeOnly))
				}
			}
			same(t, "the times", got, test.want)
		})
	}
}

func TestScheduledActionAcrossTheClockChange(t *testing.T) {
	w := newWorld(t)
	w.clock.Advance(time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC).AddDate(1, 0, 0).Sub(begin())) // Sunday, 31 October 2027, is the change
	w.clock.Advance(6 * 24 * time.Hour)
	w.register(demo, 1, 4)
	w.do("PutScheduledAction", scheduled(object{"Schedule": "cron(0 8 * * ? *)", "Timezone": "Europe/Berlin"}))
	for range 3 * 24 * 60 {
		w.clock.Advance(59 * time.Second)
		w.pass(1)
	}
	var got []string
	for _, x := range w.described(false) {
		if x["Description"] == "Setting min capacity to 2" {
			got = append(got, time.Unix(int64(x["StartTime"].(float64)), 0).UTC().Format("Jan 2 15:04"))
		}
	}
	same(t, "the runs", got, []string{"Nov 1 07:00", "Oct 31 07:00", "Oct 30 06:00"})
}

func TestScheduledActionOfASuspendedTarget(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	w.do("PutScheduledAction", scheduled(object{"Schedule": "at(2026-11-23T09:01:00)"}))
	w.do("RegisterScalableTarget", on(demo, object{"SuspendedState": object{"ScheduledScalingSuspended": true}}))
	w.pass(120)
	// It is not made up for.
	w.do("RegisterScalableTarget", on(demo, object{"SuspendedState": object{"ScheduledScalingSuspended": false}}))
	w.pass(120)
	w.wantAsked()
	if got := w.activities(true); len(got) != 0 {
		t.Errorf("a suspended target has the activities %q", got)
	}
}

func TestScheduledActionThatWouldCrossTheBounds(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 4)
	w.do("PutScheduledAction", scheduled(object{"Schedule": "rate(1 minute)", "ScalableTargetAction": object{"MinCapacity": 5}}))
	w.pass(60)
	w.wantAsked()
	w.wantActivities(false, "Failed: Setting min capacity to 5 (scheduled action name a was triggered)")
	if got, want := w.described(false)[0]["StatusMessage"], "Failed to set min capacity to 5. Reason: Maximum capacity 4 cannot be less than minimum capacity 5"; got != want {
		t.Errorf("StatusMessage %q, want %q", got, want)
	}
}

// A tick that comes late runs what is due, once, in its order.
func TestScheduledActionsThatAreLate(t *testing.T) {
	w := newWorld(t)
	w.register(demo, 1, 9)
	w.do("PutScheduledAction", scheduled(object{"ScheduledActionName": "a", "Schedule": "at(2026-11-23T09:02:00)", "ScalableTargetAction": object{"MinCapacity": 2}}))
	w.do("PutScheduledAction", scheduled(object{"ScheduledActionName": "b", "Schedule": "at(2026-11-23T09:01:00)", "ScalableTargetAction": object{"MinCapacity": 3}}))
	w.do("PutScheduledAction", scheduled(object{"ScheduledActionName": "c", "Schedule": "rate(1 minute)", "ScalableTargetAction": object{"MaxCapacity": 8}}))
	w.clock.Advance(time.Hour)
	w.pass(1)
	w.pass(58)
	if got := w.a.targets[key{demo, instanceCount}].State; got.Min != 2 || got.Max != 8 {
		t.Errorf("bounds %d to %d, want 2 to 8", got.Min, got.Max)
	}
	if got := len(w.a.history.all); got != 4 {
		t.Errorf("%d activities: %q, want those of the three actions and b's scale-out", got, w.activities(false))
	}
}
