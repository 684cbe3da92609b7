package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
)

// compareLaws is a table of the scalability laws that sweeps recover of servers
// that have one: how far off the coefficients are, and how often within two of
// their standard errors.
func compareLaws(ins []archetype.Instance, seeds int, budget time.Duration) string {
	curves := parallel(len(ins)*seeds, func(i int) capacity.Curve { return drawCurve(ins[i/seeds], uint64(i%seeds)+1, budget) })
	var out strings.Builder
	fmt.Fprintf(&out, "| server, %v, %d seeds | σ | fitted, mean ± standard error | κ | fitted, mean ± standard error | N* | fitted | both within 2 standard errors |\n|---|---|---|---|---|---|---|---|\n", budget, seeds)
	for k, in := range ins {
		law, ok := in.Law()
		if !ok {
			continue
		}
		var sum capacity.USL
		fitted, within := 0.0, 0
		for _, c := range curves[k*seeds : (k+1)*seeds] {
			u := c.USL
			if u == nil {
				continue
			}
			fitted++
			sum.Sigma, sum.SigmaSE, sum.Kappa, sum.KappaSE, sum.Peak = sum.Sigma+u.Sigma, sum.SigmaSE+u.SigmaSE, sum.Kappa+u.Kappa, sum.KappaSE+u.KappaSE, sum.Peak+u.Peak
			if math.Abs(u.Sigma-law.Sigma) <= 2*u.SigmaSE && math.Abs(u.Kappa-law.Kappa) <= 2*u.KappaSE {
				within++
			}
		}
		fmt.Fprintf(&out, "| %s | %.4f | %.4f ± %.4f | %.5f | %.5f ± %.5f | %.1f | %.1f | %d of %d |\n", in.Name(), law.Sigma, sum.Sigma/fitted, sum.SigmaSE/fitted,
			law.Kappa, sum.Kappa/fitted, sum.KappaSE/fitted, law.Peak, sum.Peak/fitted, within, seeds)
	}
	return out.String()
}

// drawCurve plays one sweep.
func drawCurve(in archetype.Instance, seed uint64, budget time.Duration) capacity.Curve {
	plan := capacity.DefaultPlan()
	plan.Budget = budget
	s, err := capacity.NewSweep(plan)
	if err != nil {
		panic(err) // the budget is ours
	}
	client := archetype.NewClient(in.Start(seed, budget), seed)
	for {
		t, more := s.Next()
		if !more {
			return s.Curve()
		}
		if err := s.Record(client.Hold(t)); err != nil {
			panic(err) // a trial is outstanding: the loop has just asked for it
		}
	}
}
