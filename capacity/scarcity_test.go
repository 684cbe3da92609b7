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

func TestScarcity(t *testing.T) {
	for _, c := range []struct {
		answers int64
		offered []int64
		want    string // "": enough
	}{
		{19, []int64{1000}, "19 answers to one request at a time"},
		{20, []int64{20, 20, 19}, "59 requests in open-loop trials"},
		{20, []int64{20, 20, 20}, ""},
		{40, []int64{5000, 3}, ""},
	} {
		s := &Search{base: baseLine{answers: c.answers}}
		for _, n := range c.offered {
			s.open = append(s.open, openTrial{reading: reading{Observation: Observation{Offered: n}}})
		}
		if got := s.scarcity(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%d unloaded answers and %v requests in trials: %q, want %q", c.answers, c.offered, got, c.want)
		}
	}
}

// TestOneAnswerIsNoRate: the climb starts from what one at a time can be.
func TestOneAnswerIsNoRate(t *testing.T) {
	s, err := New(DefaultPlan())
	if err != nil {
		t.Fatal(err)
	}
	const mean = 800 * time.Millisecond
	b := &baseline{pieces: []reading{{Observation: Observation{
		Offered: 1, Successes: 1, Window: 200 * time.Millisecond, Mean: mean, P50: mean, P99: mean,
	}}}}
	b.after(s)
	if s.base.rate != 1.25 || s.levels[0].rate != 1.25 {
		t.Errorf("one answer of %v in a window of 200ms: baseline %v/s, first level %v/s; want 1.25/s", mean, s.base.rate, s.levels[0].rate)
	}
}
