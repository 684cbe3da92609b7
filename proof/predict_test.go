package proof

import (
	"slices"
	"testing"
	"time"

	"plimsoll/scaling"
)

// Without a delay of the metric: out as soon as three minutes have been above 1500, in
// as soon as fifteen have been below 1350, as in the hand-written loop of package scaling.
func TestForetellFollowsTheAlarms(t *testing.T) {
	a := scaling.DefaultAssumptions()
	a.MetricDelay, a.ProvisioningMedian = 0, 4*time.Minute
	policy := policyOf(scaling.InvocationsPerInstance, 1500, 1, 10, nil)
	eleven := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	hour := Span(time.Hour)
	f := Foretell(eleven, Programme{Start: 1, Phases: []Phase{
		{From: 1000. / 60, To: 1000. / 60, Length: hour}, {From: 4000. / 60, To: 4000. / 60, Length: hour}, {From: 300. / 60, To: 300. / 60, Length: hour},
	}}, policy, Load{PerInstance: 25}, a)
	at := func(h, m, s int) time.Time { return time.Date(2026, 11, 24, h, m, s, 0, time.UTC) }
	want := []Capacity{
		{at(11, 0, 0), inService, 1, 1},
		{at(12, 3, 0), updating, 1, 3},
		{at(12, 7, 0), inService, 3, 3},
		{at(13, 15, 0), updating, 3, 1},
		{at(13, 15, 1), inService, 1, 1},
		{at(14, 0, 0), inService, 1, 1},
	}
	if !slices.Equal(f.Capacity, want) {
		t.Errorf("capacity %v, want %v", f.Capacity, want)
	}
	var fired []time.Time
	for _, x := range f.Alarms {
		if x.To == scaling.StateAlarm {
			fired = append(fired, x.At)
		}
	}
	if wantFired := []time.Time{at(11, 15, 0), at(12, 3, 0), at(12, 22, 0), at(13, 15, 0)}; !slices.Equal(fired[:1], wantFired[:1]) || !slices.Contains(fired, at(12, 3, 0)) {
		t.Errorf("alarms at %v, want %v", fired, wantFired)
	}
	if got := instanceHours(f.Capacity, at(12, 0, 0), at(13, 0, 0)); got < 2.765 || got > 2.768 {
		t.Errorf("%v instance-hours from 12 to 13, want 7 minutes of one and 53 of three: 2.767", got)
	}
}

func TestForetellStartsWithinTheBounds(t *testing.T) {
	policy := policyOf(scaling.InvocationsPerInstance, 1500, 2, 10, nil)
	looks := Predict(Programme{Start: 1, Phases: []Phase{{Length: Span(10 * time.Minute)}}}, policy, Load{PerInstance: 25}, scaling.DefaultAssumptions())
	if last := looks[len(looks)-1]; last.Current != 2 {
		t.Errorf("after 10 minutes %+v, want the minimum of 2", last)
	}
}

func TestForetellHasNothingToSay(t *testing.T) {
	policy := policyOf(scaling.InvocationsPerInstance, 1500, 1, 10, nil)
	year := Programme{Phases: []Phase{{Length: Span(365 * 24 * time.Hour)}}}
	if f := Foretell(noon(), year, policy, Load{PerInstance: 25}, scaling.DefaultAssumptions()); f.Capacity != nil {
		t.Errorf("of a year: %v", f.Capacity)
	}
	if f := Foretell(noon(), Programme{}, policy, Load{}, scaling.DefaultAssumptions()); f.Capacity != nil {
		t.Errorf("of no load: %v", f.Capacity)
	}
}
