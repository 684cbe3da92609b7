package experiment

import (
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/loadgen"
)

// TestSaturationThatWasNotReached is none: throughput still grew at the limit.
func TestSaturationThatWasNotReached(t *testing.T) {
	inBubble(t, "service=20ms,cv=0.3,workers=64", func(t *testing.T, _ *modelled, g *loadgen.Generator) {
		plan := findPlan(20 * time.Second)
		plan.Search.MaxConcurrency = 4
		r, err := Find(t.Context(), plan, Earlier{}, g, &journal{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Saturation != nil {
			t.Errorf("saturation %+v with at most 4 of 64 workers busy in the closed loop, want none", *r.Saturation)
		}
	})
	inBubble(t, "service=20ms,cv=0.3,workers=4", func(t *testing.T, _ *modelled, g *loadgen.Generator) {
		r, err := Find(t.Context(), findPlan(20*time.Second), Earlier{}, g, &journal{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Saturation == nil || r.Saturation.Concurrency == 0 {
			t.Errorf("saturation %+v of 4 workers, want one with the requests in flight", r.Saturation)
		}
	})
}

// TestARateLimitIsNoClosedLoop: what it lets through is measured in an open one.
func TestARateLimitIsNoClosedLoop(t *testing.T) {
	p := plateauOf(capacity.Result{Saturation: 96, Saturated: true, Throttled: true, Knee: 8})
	if p == nil || p.Rate != 96 || p.Concurrency != 0 {
		t.Errorf("plateau of a rate limit %+v, want 96/s with 0 in flight", p)
	}
}
