package experiment

import (
	"strings"
	"testing"
	"time"

	"plimsoll/latency"
	"plimsoll/loadgen"
	"plimsoll/proof"
	"plimsoll/scaling"
)

func TestWhatSomebodyHasChanged(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*ScalingState)
		want   string
	}{
		"nothing":              {func(*ScalingState) {}, ""},
		"alarms made anew":     {func(s *ScalingState) { s.Policies[0].Alarms = []string{"another"} }, ""},
		"the maximum":          {func(s *ScalingState) { s.Target = &ScalableTarget{Min: s.Target.Min, Max: 99} }, "the scalable target was"},
		"deregistered":         {func(s *ScalingState) { s.Target = nil }, "the scalable target was"},
		"the target value":     {func(s *ScalingState) { s.Policies[0].Target = 999 }, "target value 999/min"},
		"the policy's removal": {func(s *ScalingState) { s.Policies = nil }, "is gone"},
		"a policy more": {func(s *ScalingState) {
			s.Policies = append(s.Policies, Policy{Name: "more", Metric: "CPU", Target: 1})
		}, "policy more is new"},
	} {
		t.Run(name, func(t *testing.T) {
			before, now := scaled(), scaled()
			row.change(&now)
			if got := now.changedSince(before); (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
				t.Errorf("changedSince = %q, want …%s…", got, row.want)
			}
		})
	}
}

func TestMergedPointsAreThoseThatCameLater(t *testing.T) {
	at := func(s int) scaling.Point { return scaling.Point{At: time.Unix(int64(s), 0), Value: float64(s)} }
	got := merged([]scaling.Point{at(10), at(20)}, []scaling.Point{at(10), at(20), at(30)})
	if len(got) != 3 || got[2].Value != 30 {
		t.Errorf("merged = %v, want 10, 20, 30", got)
	}
	if got := merged(nil, []scaling.Point{at(10)}); len(got) != 1 {
		t.Errorf("merged with nothing = %v", got)
	}
}

// TestOverloadIsTheEndpoints: sends that are late are the client's fault, unless the
// endpoint keeps its connections busy.
func TestOverloadIsTheEndpoints(t *testing.T) {
	v := &verifier{objective: proof.Objective{Limit: proof.Span(200 * time.Millisecond)}}
	late := func(slow int64) loadgen.Measurement {
		m := loadgen.Unmeasured(loadgen.Load{Schedule: scheduleFor(ArrivalsConstant, 100, 1), Measure: time.Second, SlowAbove: []time.Duration{200 * time.Millisecond}, Bins: 1})
		m.Counts.Requests, m.Counts.Successes, m.Counts.Dropped = 1000, 900, 100
		m.Bins[0] = loadgen.Bin{Offered: 1000, Successes: 900, Failed: 100, Slow: [loadgen.MaxSlow]int64{slow}}
		m.Lateness = latency.New()
		for range 1000 {
			m.Lateness.Record(300 * time.Millisecond)
		}
		return m
	}
	if doubts := v.doubts(late(10)); len(doubts) != 2 {
		t.Errorf("doubts %v, want late and dropped sends", doubts)
	}
	if doubts := v.doubts(late(500)); len(doubts) != 0 {
		t.Errorf("doubts %v although half of the requests were slow", doubts)
	}
}

func TestSlicesEndWithTheWindow(t *testing.T) {
	began := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	m := loadgen.Unmeasured(loadgen.Load{Measure: 40 * time.Second, Bins: 4})
	m.Start, m.Window = began, 25*time.Second // cut short
	for i := range m.Bins {
		m.Bins[i] = loadgen.Bin{Offered: 10, Successes: 8, Failed: 2, Response: 80 * time.Millisecond}
	}
	v := &verifier{held: []heldLoad{{m: m}}}
	for i := range 3 { // ten seconds there are one here
		v.line.read(began.Add(time.Duration(i)*time.Second), began.Add(time.Duration(i)*10*time.Second))
	}
	slices := v.slices()
	if len(slices) != 3 {
		t.Fatalf("%d slices, want the 3 that were begun", len(slices))
	}
	last := slices[2]
	if !last.At.Equal(began.Add(200*time.Second)) || last.Length != proof.Span(50*time.Second) || last.Bad != 2 || last.MeanMs != 10 {
		t.Errorf("the last slice is %+v", last)
	}
}
