package capacity_test

import (
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
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
		search := func(budget time.Duration) capacity.Result {
			plan := capacity.DefaultPlan()
			plan.Budget = budget
			s, err := capacity.New(plan)
			if err != nil {
				t.Fatal(err)
			}
			r, _, _ := archetype.Play(s, archetype.NewClient(archetype.NewFIFO(3, c.c, archetype.Lognormal(c.mean, 0.1)), 5))
			return r
		}
		if r := search(c.budget); r.Found || r.Missed || r.Cause != capacity.CauseNone || r.Valid && !strings.Contains(strings.Join(r.Reasons, " "), "would be needed") {
			t.Errorf("%d × %gs in %v: found %v, valid %v, missed %v, cause %q, %.3g/s, reasons %q; want no peak, and the time for one",
				c.c, c.mean, c.budget, r.Found, r.Valid, r.Missed, r.Cause, r.Rate, r.Reasons)
		}
		if r := search(c.enough); !r.Found || r.Low > truth || r.Rate > 1.1*truth || r.Rate < 0.5*truth {
			t.Errorf("%d × %gs in %v: found %v, %.3g/s in [%.3g, %.3g], reasons %q; want a peak below the saturation of %.3g/s",
				c.c, c.mean, c.enough, r.Found, r.Rate, r.Low, r.High, r.Reasons, truth)
		}
	}
}

// TestUnconfirmedIsSaid: the generator held every trial but the confirmation.
func TestUnconfirmedIsSaid(t *testing.T) {
	plan := capacity.DefaultPlan()
	plan.Budget, plan.Objectives = 30*time.Second, objectives(t, "p99=60ms")
	s, err := capacity.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	client := archetype.NewClient(workers(8, 0.005), 5)
	for {
		trial, more := s.Next()
		if !more {
			break
		}
		o := client.Hold(trial)
		if trial.Phase == capacity.Confirm {
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
