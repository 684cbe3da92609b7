package sagemaker

import (
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"
	"plimsoll/scaling"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// TestLintFindsWhatOnlyTheHistoryTells overloads an endpoint whose quota is too small, and
// deletes and edits nothing but what a user could.
func TestLintFindsWhatOnlyTheHistoryTells(t *testing.T) {
	quota := 2
	inAccount(t, 2, emulator.Options{Faults: emulator.Faults{InstanceQuota: &quota}}, func(t *testing.T, a *account) {
		for _, p := range []experiment.Change{
			{What: experiment.Bounds, Desired: experiment.Setting{Bounds: &experiment.ScalableTarget{Min: 1, Max: 8}}},
			{What: experiment.OnePolicy, Name: scaling.ConsolePolicy, Desired: experiment.Setting{Policy: &experiment.Policy{
				Name: scaling.ConsolePolicy, Metric: scaling.InvocationsPerInstance, Target: 100,
			}}},
		} {
			if err := a.control.Put(t.Context(), demo, p.What, p.Name, p.Desired); err != nil {
				t.Fatal(err)
			}
		}
		for range 12 { // model minutes, each with 450 requests to each instance
			if err := a.emulator.Record("demo", "AllTraffic", 900, 10*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		e, s, err := a.plane(nil).Look(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		names := s.Policies[0].Alarms
		alarms, err := a.control.Alarms(t.Context(), names)
		if err != nil || len(alarms) != 2 || alarms[0].Rule != (scaling.AlarmRule{Comparison: scaling.Greater, Threshold: 100, Period: time.Minute, EvaluationPeriods: 3, Missing: scaling.TreatMissing}) || alarms[0].State != scaling.StateAlarm || alarms[0].Disabled {
			t.Fatalf("alarms %+v, %v", alarms, err)
		}
		activities, err := a.control.Activities(t.Context(), demo, a.control.Now().Add(-time.Hour))
		if err != nil || len(activities) == 0 || !activities[0].Failed || !strings.Contains(activities[0].Why, "ResourceLimitExceeded") {
			t.Fatalf("activities %+v, %v, want one that failed for the quota", activities, err)
		}
		if later, err := a.control.Activities(t.Context(), demo, a.control.Now().Add(time.Hour)); err != nil || len(later) != 0 {
			t.Errorf("activities of the future: %+v, %v", later, err)
		}

		if _, err := a.control.cloudwatch.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: names[:1]}); err != nil {
			t.Fatal(err)
		}
		if alarms, err = a.control.Alarms(t.Context(), names); err != nil {
			t.Fatal(err)
		}
		found, err := experiment.Lint(demo, e, s, experiment.Known{Alarms: alarms, Activities: activities})
		if err != nil {
			t.Fatal(err)
		}
		rules := map[string]bool{}
		for _, f := range found {
			rules[f.Rule] = true
		}
		if !rules["alarm-missing"] || !rules["failed-activity"] {
			t.Errorf("found %+v, want alarm-missing and failed-activity", found)
		}
	})
}
