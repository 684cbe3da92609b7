package scaling

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestChangeSucceeds(t *testing.T) {
	s := having(2, 1, 10)
	s.Started(Decision{Desired: 5, Policy: "p", Direction: Out, Cooldown: time.Minute}, at(12, 0, 0))
	if !s.InProgress || s.Desired != 5 || s.Capacity != 2 {
		t.Fatalf("started: %+v", s)
	}
	s.Succeeded(at(12, 4, 0))
	want := Cooldown{Policy: "p", Direction: Out, Base: 2, Until: at(12, 5, 0)}
	if s.InProgress || s.Capacity != 5 || s.Cooldown != want {
		t.Fatalf("succeeded: %+v, want the cooldown %+v", s, want)
	}
}

func TestChangeFails(t *testing.T) {
	s := having(2, 1, 10)
	s.Started(Decision{Desired: 5, Policy: "p", Direction: Out, Cooldown: time.Minute}, at(12, 0, 0))
	s.Failed()
	if s.InProgress || s.Desired != 2 || s.Capacity != 2 || s.Cooldown != (Cooldown{}) {
		t.Errorf("failed: %+v, want everything as before", s)
	}
}

func TestScaleOutEndsTheCooldownOfAScaleIn(t *testing.T) {
	s := having(6, 1, 10)
	s.Started(Decision{Desired: 4, Policy: "p", Direction: In, Cooldown: time.Hour}, at(12, 0, 0))
	s.Succeeded(at(12, 1, 0))
	s.Started(Decision{Desired: 8, Policy: "p", Direction: Out}, at(12, 2, 0))
	s.Failed()
	if s.Cooldown != (Cooldown{}) {
		t.Errorf("cooldown %+v, want none: the scale-in's does not complete", s.Cooldown)
	}
}

// What no policy made neither begins nor ends a cooldown: Application Auto Scaling
// User Guide, "Cooldown period".
func TestScheduledChangeLeavesTheCooldown(t *testing.T) {
	s := having(6, 1, 10)
	s.Started(Decision{Desired: 4, Policy: "p", Direction: In, Cooldown: time.Hour}, at(12, 0, 0))
	s.Succeeded(at(12, 1, 0))
	want := s.Cooldown
	s.Started(Decision{Desired: 8}, at(12, 2, 0))
	s.Succeeded(at(12, 3, 0))
	if s.Cooldown != want || s.Capacity != 8 {
		t.Errorf("cooldown %+v at %d, want %+v at 8", s.Cooldown, s.Capacity, want)
	}
}

// In a chain of scale-outs each is measured from before the first: else +3 in the
// cooldown of +3 would be three more each minute.
func TestChainOfScaleOutsKeepsItsBase(t *testing.T) {
	s := having(4, 1, 20)
	for i, to := range []int{6, 7, 9} {
		s.Started(Decision{Desired: to, Policy: "p", Direction: Out, Cooldown: time.Hour}, at(12, 10*i, 0))
		s.Succeeded(at(12, 10*i+5, 0))
		if s.Cooldown.Base != 4 || s.Capacity != to {
			t.Errorf("after the change to %d: base %d at %d, want 4 at %d", to, s.Cooldown.Base, s.Capacity, to)
		}
	}
	s.Started(Decision{Desired: 12, Policy: "p", Direction: Out, Cooldown: time.Hour}, at(13, 30, 0))
	if s.Change.Base != 9 {
		t.Errorf("after the last cooldown the base is %d, want 9", s.Change.Base)
	}
}

func TestAlarmsAreKeptByPolicyAndDirection(t *testing.T) {
	var s State
	s.Observe(high("p", 1))
	s.Observe(low("q", 2))
	s.Observe(Datapoint{Policy: "s", Value: 3})
	before := s
	s.Observe(high("p", 4))
	if len(s.Alarms) != 3 || s.Alarms[2].Value != 4 {
		t.Errorf("alarms %+v, want p's replaced by the newer one", s.Alarms)
	}
	s.Clear("q", Out)
	s.Clear("p", Out)
	if len(s.Alarms) != 2 || s.Alarms[0].Policy != "q" {
		t.Errorf("alarms %+v, want q's low one and s's", s.Alarms)
	}
	s.Forget("q")
	s.Forget("s")
	if len(s.Alarms) != 0 {
		t.Errorf("alarms %+v, want none", s.Alarms)
	}
	if len(before.Alarms) != 3 || before.Alarms[0].Value != 1 {
		t.Errorf("a copy of the state changed with it: %+v", before.Alarms)
	}
}

func TestBound(t *testing.T) {
	busy, updating := having(1, 2, 4), having(9, 2, 4)
	busy.InProgress, updating.Unscalable = true, true
	for _, c := range []struct {
		name    string
		state   State
		desired int
		because string
		act     bool
	}{
		{"inside", having(3, 2, 4), 3, "", false},
		{"below", having(1, 2, 4), 2, "minimum capacity was set to 2", true},
		{"above", having(9, 2, 4), 4, "maximum capacity was set to 4", true},
		{"to none", having(1, 0, 0), 0, "maximum capacity was set to 0", true},
		{"below, but busy", busy, 2, "minimum capacity was set to 2", false},
		{"above, but updated by somebody else", updating, 4, "maximum capacity was set to 4", false},
	} {
		desired, because, act := Bound(c.state)
		if desired != c.desired || because != c.because || act != c.act {
			t.Errorf("%s: Bound = %d, %q, %v; want %d, %q, %v", c.name, desired, because, act, c.desired, c.because, c.act)
		}
	}
}

func TestStateIsSavedWhole(t *testing.T) {
	want := having(2, 1, 10)
	want.SuspendedIn, want.SuspendedOut, want.Unscalable = true, true, true
	want.Observe(Datapoint{Policy: "p", Direction: Out, Value: 1520.5, Recent: []float64{1510, 1520.5}, Threshold: 1500, At: at(12, 0, 0)})
	want.Started(Decision{Desired: 5, Policy: "p", Direction: Out, Cooldown: time.Minute}, at(12, 1, 0))
	want.Succeeded(at(12, 4, 0))
	want.Started(Decision{Desired: 6, Policy: "p", Direction: Out, Cooldown: time.Minute}, at(12, 4, 30))
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got State
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("saved as %s\nread back as %+v, %v, want\n%+v", text, got, err, want)
	}
}
