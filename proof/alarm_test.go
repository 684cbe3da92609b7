package proof

import (
	"encoding/json"
	"testing"
	"time"

	"plimsoll/scaling"

	"github.com/google/go-cmp/cmp"
)

func TestAlarmIsPublishedWithUnits(t *testing.T) {
	p := Policy{Name: "p", High: &Alarm{Name: "high", AlarmRule: scaling.AlarmRule{
		Comparison: scaling.Greater, Threshold: 1200, Period: time.Minute, EvaluationPeriods: 3, Missing: scaling.TreatMissing,
	}}}
	text, err := json.Marshal(p.High)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"high","comparison":"GreaterThanThreshold","threshold":1200,"period_seconds":60,"evaluation_periods":3,"treat_missing_data":"missing"}`
	if string(text) != want {
		t.Errorf("published as\n%s\nwant\n%s", text, want)
	}
	var back Policy
	if text, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}
