package main

import (
	"fmt"
	"slices"
	"strings"
)

// summary of some runs; shares are of the runs, errors relative.
type summary struct {
	runs                            int
	median, p95, within, over, fail float64
	covered, worst, half, because   float64
	noticed, wide, seconds, kilo    float64
}

// wrong is the error beyond which a result is a failure.
const wrong = 0.25

func summarize(runs []run) summary {
	s := summary{runs: len(runs)}
	if len(runs) == 0 {
		return s
	}
	var errs, halves, seconds []float64
	part := func(yes bool) float64 {
		if yes {
			return 1 / float64(len(runs))
		}
		return 0
	}
	for _, r := range runs {
		e := r.miss()
		errs, halves, seconds = append(errs, e), append(halves, r.half()), append(seconds, r.spent.Seconds())
		s.within += part(e <= 0.03)
		s.over += part(r.rate/r.in.Truth().Peak > 1.05)
		s.fail += part(e > wrong)
		s.covered += part(r.covers())
		s.because += part(r.in.Cause(r.cause))
		s.noticed += part(r.changed || !r.valid)
		s.wide += part(r.wide)
		s.kilo += r.requests / 1000 / float64(len(runs))
		if !r.wide && r.valid {
			s.worst = max(s.worst, e)
		}
	}
	s.median, s.p95, s.half, s.seconds = quantile(errs, 0.5), quantile(errs, 0.95), quantile(halves, 0.5), quantile(seconds, 0.5)
	return s
}

func quantile(xs []float64, q float64) float64 {
	slices.Sort(xs)
	return xs[min(len(xs)-1, int(q*float64(len(xs))))]
}

const searchHead = "| %s | runs | median error | 95 %% of errors | within 3 %% | covered | worst not wide | half-width | wide | right cause | false alarm | seconds |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n"

func (s summary) searchRow(name string) string {
	return fmt.Sprintf("| %s | %d | %.1f %% | %.1f %% | %.0f %% | %.0f %% | %.1f %% | ±%.1f %% | %.0f %% | %.0f %% | %.0f %% | %.0f |\n",
		name, s.runs, 100*s.median, 100*s.p95, 100*s.within, 100*s.covered, 100*s.worst, 100*s.half, 100*s.wide, 100*s.because, 100*s.noticed, s.seconds)
}

// byFamily is one row for each family of the runs, and one for all.
func byFamily(head string, runs []run) string {
	var out strings.Builder
	fmt.Fprintf(&out, searchHead, head)
	for len(runs) > 0 {
		name := runs[0].in.Family.Name
		end := slices.IndexFunc(runs, func(r run) bool { return r.in.Family.Name != name })
		if end < 0 {
			end = len(runs)
		}
		out.WriteString(summarize(runs[:end]).searchRow(name))
		runs = runs[end:]
	}
	return out.String()
}
