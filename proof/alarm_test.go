package proof

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scaling"
)

func TestAlarmAsJSON(t *testing.T) {
	alarm := Alarm{"AlarmHigh-1", scaling.AlarmRule{
		Comparison: scaling.Greater, Threshold: 5046, Period: time.Minute, EvaluationPeriods: 3, DatapointsToAlarm: 2, Missing: scaling.TreatMissing,
	}}
	text, err := json.Marshal(alarm)
	want := `{"name":"AlarmHigh-1","comparison":"GreaterThanThreshold","threshold":5046,"period_seconds":60,"evaluation_periods":3,"datapoints_to_alarm":2,"treat_missing_data":"missing"}`
	if err != nil || string(text) != want {
		t.Errorf("the alarm is written as %s (error %v), want %s", text, err, want)
	}
	var back Alarm
	if err := json.Unmarshal(text, &back); err != nil || back != alarm {
		t.Errorf("it is read back with error %v (-want +got):\n%s", err, cmp.Diff(alarm, back))
	}
	if err := json.Unmarshal([]byte(`{"period_seconds":"a minute"}`), &back); err == nil {
		t.Error("a period in words was read")
	}
}
