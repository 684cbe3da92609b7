package fault

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func TestFaultsAreReadAndWritten(t *testing.T) {
	const text = `{"throttle_per_second":50,"access_denied":["PutScalingPolicy"],"instance_quota":0,"metric_delay":"1m30s"}`
	var f Faults
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	if time.Duration(f.MetricDelay) != 90*time.Second || f.InstanceQuota == nil || *f.InstanceQuota != 0 {
		t.Errorf("read %+v", f)
	}
	if got, err := json.Marshal(f); err != nil || string(got) != text {
		t.Errorf("written as %s, %v, want %s", got, err, text)
	}
	if got, err := json.Marshal(Faults{}); err != nil || string(got) != "{}" {
		t.Errorf("no faults are written as %s, %v, want {}", got, err)
	}
	if err := json.Unmarshal([]byte(`{"control_delay":"soon"}`), &f); err == nil || !strings.Contains(err.Error(), "soon") {
		t.Errorf("reading a delay of %q: %v, want an error that names it", "soon", err)
	}
}

func TestFaultsOutOfRange(t *testing.T) {
	less := -1
	for name, f := range map[string]Faults{
		"server_error_share":  {ServerErrorShare: 1.5},
		"reset_share":         {ResetShare: math.NaN()},
		"metric_loss":         {MetricLoss: -0.1},
		"control_delay":       {ControlDelay: Duration(-time.Second)},
		"throttle_per_second": {ThrottlePerSecond: -5},
		"instance_quota":      {InstanceQuota: &less},
	} {
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s out of range: %v, want an error that names it", name, err)
		}
		if _, err := NewSet(f, 1); err == nil {
			t.Errorf("%s out of range: NewSet took it", name)
		}
	}
}

func TestRefusedFaultsChangeNothing(t *testing.T) {
	s, err := NewSet(Faults{HangShare: 0.5}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store(Faults{HangShare: 2}); err == nil {
		t.Fatal("stored a share of 2")
	}
	if got := s.Load().HangShare; got != 0.5 {
		t.Errorf("after a refused change the share is %v, want 0.5", got)
	}
}

func TestStrikes(t *testing.T) {
	s, err := NewSet(Faults{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	struck := 0
	for range 10_000 {
		if s.Strikes(0.25) {
			struck++
		}
	}
	if struck < 2300 || struck > 2700 {
		t.Errorf("a share of 0.25 struck %d times in 10 000", struck)
	}
	if s.Strikes(0) || !s.Strikes(1) {
		t.Error("a share of 0 struck, or one of 1 did not")
	}
}
