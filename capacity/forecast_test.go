package capacity_test

import (
	"slices"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
	"plimsoll/slo"
)

// TestServicesNarrowTheAnswer plays searches with and without what the client tells
// of its first requests: with it, one slow worker is known clearly better.
func TestServicesNarrowTheAnswer(t *testing.T) {
	const budget = 60 * time.Second
	family := slices.IndexFunc(archetype.Families(), func(f archetype.Family) bool { return f.Name == "slow1" })
	in := archetype.Families()[family].Instance(0)
	width := func(seed uint64, told bool) float64 {
		plan := capacity.DefaultPlan()
		plan.Budget, plan.Objectives = budget, []slo.Objective{in.Objective}
		s, err := capacity.New(plan)
		if err != nil {
			t.Fatal(err)
		}
		client := archetype.NewClient(in.Start(seed, budget), seed)
		for {
			trial, ok := s.Next()
			if !ok {
				r := s.Result()
				return (r.High - r.Low) / r.Rate
			}
			o := client.Hold(trial)
			if !told {
				o.First = capacity.First{}
			}
			if err := s.Record(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	var with, without float64
	for seed := range uint64(6) {
		with += width(seed+200, true)
		without += width(seed+200, false)
	}
	if with > 0.85*without {
		t.Errorf("the interval is %.3g of the peak wide with the services and %.3g without", with/6, without/6)
	}
}
