package capacity

import (
	"strings"
	"testing"
	"time"
)

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
