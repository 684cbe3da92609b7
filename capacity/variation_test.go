package capacity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
	"plimsoll/slo"
)

func TestHeavyTailIsSaidAndCovered(t *testing.T) {
	families := archetype.Families()
	heavy := families[slices.IndexFunc(families, func(f archetype.Family) bool { return f.Name == "heavy" })]
	runs, covered, said := 0, 0, 0
	for _, k := range []int{2, 4} {
		in := heavy.Instance(k)
		for seed := range uint64(8) {
			plan := capacity.DefaultPlan()
			plan.Budget, plan.Objectives = time.Minute, []slo.Objective{in.Objective}
			s, err := capacity.New(plan)
			if err != nil {
				t.Fatal(err)
			}
			r, _, _ := archetype.Play(s, archetype.NewClient(in.Start(seed+1, plan.Budget), seed+1))
			runs++
			if peak := in.Truth().Peak; r.Low <= peak && peak <= r.High {
				covered++
			}
			if strings.Contains(fmt.Sprint(r.Reasons), "rare long requests") {
				said++
			}
		}
	}
	t.Logf("of %d runs %d cover the truth and %d name the tail", runs, covered, said)
	if covered < 12 {
		t.Errorf("of %d runs %d cover the truth, want 12 at least: the baseline met too few of the largest requests", runs, covered)
	}
	if said < 8 {
		t.Errorf("of %d runs %d name the heavy tail, want 8 at least", runs, said)
	}
}
