package proof

import (
	"maps"
	"testing"
	"time"

	"plimsoll/scaling"
)

// noon is when the programmes of the tests begin: not on a full minute.
func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 20, 0, time.UTC) }

// perfect is what would be observed if AWS did what the forecast says: a look at the
// endpoint and a slice of the load each ten seconds; requests are bad while there are
// more than the instances in service carry at their peak.
func perfect(t testing.TB, o Options) Observed {
	t.Helper()
	p, err := Design(o)
	if err != nil {
		t.Fatal(err)
	}
	f := Foretell(noon(), p, o.Policy, o.Load, o.Assumptions)
	after := o.Policy
	seen := Observed{
		Programme: p, Policy: o.Policy, After: &after, Poll: 10 * time.Second, Period: o.Policy.High.Period, Speed: 1, Price: 0.2,
		Metric: f.Metric, Alarms: f.Alarms, Activity: f.Activity,
		Objective: Objective{Name: "p99=200ms", Limit: Span(200 * time.Millisecond), BadShare: 0.01},
	}
	for _, phase := range p.Phases {
		h := Held{Phase: phase, Began: noon(), Valid: true}
		if n := len(seen.Phases); n > 0 {
			h.Began = seen.Phases[n-1].Ended
		}
		h.Ended = h.Began.Add(time.Duration(phase.Length))
		seen.Phases = append(seen.Phases, h)
		for at := h.Began; at.Before(h.Ended); at = at.Add(10 * time.Second) {
			look := lookAt(f.Capacity, at)
			look.At = at
			seen.Capacity = append(seen.Capacity, look)
			seen.Slices = append(seen.Slices, slice(at, h.rate(at.Add(5*time.Second)), float64(o.Load.Peak)*float64(look.Current)))
		}
	}
	for _, point := range f.Metric {
		point.Value *= float64(lookAt(f.Capacity, point.At).Current)
		seen.Invoked = append(seen.Invoked, point)
	}
	return seen
}

// slice is ten seconds at a rate on instances that carry so much.
func slice(at time.Time, rate, carries float64) Slice {
	s := Slice{At: at, Length: Span(10 * time.Second), Offered: int64(rate*10 + 0.5), MeanMs: 20}
	if rate > carries {
		s.MeanMs = 3000
		s.Bad = s.Offered
		s.Failed = int64((rate - carries) * 10)
	}
	s.Successes = s.Offered - s.Failed
	return s
}

func outcomes(r Result) map[string]Outcome {
	out := map[string]Outcome{}
	for _, c := range r.Checks {
		out[c.ID] = c.Outcome
	}
	return out
}

// everyOther is the outcomes of a perfect run.
func everyOther() map[string]Outcome {
	out := map[string]Outcome{"time_to_ready": Reported, "error_budget": Reported}
	for _, id := range []string{
		"policy_as_asked", "metric_agrees", "detect_time", "scale_out_size", "recovery", "overshoot", "steady_state", "flapping",
		"limits", "scale_in_starts", "scale_in_safety", "reaches_min", "failed_activities", "twin_agreement",
	} {
		out[id] = Pass
	}
	return out
}

func TestPerfectRunWorks(t *testing.T) {
	for _, metric := range []string{scaling.InvocationsPerInstance, highResolution} {
		o := usual()
		o.Policy = policyOf(metric, 1500, 1, 4, nil)
		r := Judge(perfect(t, o))
		if got := outcomes(r); r.Verdict != Works || !maps.Equal(got, everyOther()) {
			t.Errorf("%s: %q, %v", metric, r.Verdict, got)
		}
	}
}
