package capacity

import (
	"strings"
	"testing"
	"time"
)

// TestTooLittleIsNoPeak: an endpoint so slow that a budget has room for a few
// requests gets no peak but the time that would be needed, and in that time a
// peak that is right.
func TestTooLittleIsNoPeak(t *testing.T) {
	for _, c := range []struct {
		mean   float64
		c      int
		budget time.Duration
		enough time.Duration
	}{
		{0.8, 1, 5 * time.Second, 5 * time.Minute},
		{3, 4, 20 * time.Second, 8 * time.Minute},
		{3, 1, 90 * time.Second, 20 * time.Minute},
		{2, 2, 5 * time.Second, 10 * time.Minute},
	} {
		truth := float64(c.c) / c.mean
		search := func(budget time.Duration) Result {
			plan := DefaultPlan()
			plan.Budget = budget
			s, err := New(plan)
			if err != nil {
				t.Fatal(err)
			}
			r, _, _ := play(s, newClient(newFIFO(3, c.c, lognormal(c.mean, 0.1)), 5))
			return r
		}
		if r := search(c.budget); r.Found || r.Missed || r.Cause != CauseNone || r.Valid && !strings.Contains(strings.Join(r.Reasons, " "), "would be needed") {
			t.Errorf("%d × %gs in %v: found %v, valid %v, missed %v, cause %q, %.3g/s, reasons %q; want no peak, and the time for one",
				c.c, c.mean, c.budget, r.Found, r.Valid, r.Missed, r.Cause, r.Rate, r.Reasons)
		}
		if r := search(c.enough); !r.Found || r.Low > truth || r.Rate > 1.1*truth || r.Rate < 0.5*truth {
			t.Errorf("%d × %gs in %v: found %v, %.3g/s in [%.3g, %.3g], reasons %q; want a peak below the saturation of %.3g/s",
				c.c, c.mean, c.enough, r.Found, r.Rate, r.Low, r.High, r.Reasons, truth)
		}
	}
}

func TestOneAtATimeIsNoFasterThanItsAnswers(t *testing.T) {
	slow := reading{Observation: Observation{Successes: 1, Window: 200 * time.Millisecond, Mean: 800 * time.Millisecond}}
	if got := slow.singly(); got != 1.25 {
		t.Errorf("one answer of 800ms in a window of 200ms: %v/s, want 1.25/s", got)
	}
	idle := reading{Observation: Observation{Successes: 10, Window: time.Second, Mean: 10 * time.Millisecond}}
	if got := idle.singly(); got != 10 {
		t.Errorf("ten answers of 10ms in a second: %v/s, want 10/s", got)
	}
}

// TestUnconfirmedIsSaid: the generator held every trial but the confirmation.
func TestUnconfirmedIsSaid(t *testing.T) {
	plan := DefaultPlan()
	plan.Budget, plan.Objectives = 30*time.Second, objectives(t, "p99=60ms")
	s, err := New(plan)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(workers(8, 0.005), 5)
	for {
		trial, more := s.Next()
		if !more {
			break
		}
		o := client.hold(trial)
		if trial.Phase == Confirm {
			o.Doubts = []string{"sent late"}
		}
		if err := s.Record(o); err != nil {
			t.Fatal(err)
		}
	}
	if reasons := strings.Join(s.Result().Reasons, "; "); !strings.Contains(reasons, "not confirmed") {
		t.Errorf("reasons %q do not say that the lower end was not confirmed", reasons)
	}
}
