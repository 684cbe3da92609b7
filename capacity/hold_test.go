package capacity_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
)

// TestBacklogIsJudgedByItsSlope: with a limit too generous to be missed, answers
// that fall behind show in the slope of the response time, and a busy but stable
// endpoint does not.
func TestBacklogIsJudgedByItsSlope(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		grows bool
	}{{300, false}, {380, false}, {440, true}, {500, true}} {
		c2 := archetype.NewClient(workers(4, 0.01), 5) // saturates at 400/s
		tr := capacity.Trial{Rate: c.rate, Settle: time.Second, Measure: 10 * time.Second, Patience: 30 * time.Second}
		slope, known, grows := capacity.BacklogOf(tr, c2.Hold(tr), 1, 0.25)
		if !known || grows != c.grows {
			t.Errorf("backlog at %g/s of 400/s: known %v, grows %v, want true, %v", c.rate, known, grows, c.grows)
		}
		if want := c.rate/400 - 1; c.grows && math.Abs(slope-want) > 0.05 {
			t.Errorf("slope at %g/s = %.3f, want about %.3f", c.rate, slope, want)
		}
	}
}

// TestLeftoversAreNotTheNextTrials: an overload is followed by a pause, and a
// trial that met the backlog of another is held again instead of believed.
func TestLeftoversAreNotTheNextTrials(t *testing.T) {
	plan := capacity.DefaultPlan()
	plan.Objectives = objectives(t, "p99=80ms")
	s, err := capacity.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	c := archetype.NewClient(workers(4, 0.01), 5)
	tr, _ := s.Next()
	for ; tr.Phase != capacity.Bracket; tr, _ = s.Next() {
		record(t, s, c.Hold(tr))
	}
	if tr.Drain != 0 {
		t.Errorf("trial %+v waits for silence without an overload before it", tr)
	}
	o := c.Hold(tr)
	o.Overloaded, o.Window = true, tr.Measure/20
	record(t, s, o)
	if s.Believed() != 0 {
		t.Error("a trial given up at once was believed, want it held again")
	}
	again, _ := s.Next()
	if again.Rate != tr.Rate || again.Drain == 0 || !strings.Contains(again.Why, "backlog") {
		t.Errorf("after a trial that met a backlog: %+v, want the same rate after a pause", again)
	}
	record(t, s, o)
	if s.Believed() != 1 {
		t.Error("the same after a pause was not believed")
	}
	if next, _ := s.Next(); next.Drain == 0 {
		t.Errorf("after an overload: %+v, want a pause first", next)
	}
}

func record(t *testing.T, s *capacity.Search, o capacity.Observation) {
	t.Helper()
	if err := s.Record(o); err != nil {
		t.Fatal(err)
	}
}
