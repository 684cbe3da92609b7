package slo

import (
	"fmt"
	"math"
	"time"

	"plimsoll/latency"
)

// Sample is what was measured of one load.
type Sample struct {
	Requests  int64              // all that were asked for, the failed, dropped and unanswered ones included
	Successes int64              // answered well
	Response  *latency.Histogram // response times of the successes
}

// Finding is the outcome of judging one objective.
type Finding struct {
	Objective Objective
	Met       bool
	// Enough is false when the sample is too small for the objective to be
	// judged: fewer than 1/budget requests, of which not so many missed it that
	// more could not make up for them. Met is then false as well.
	Enough bool
	Reason string // one clause with the measured value, the limit and the sample size
}

// Judge says whether the objective held for a sample. A quantile objective
// holds when the share of requests that were not answered well within the limit
// does not exceed its budget, so that a failure counts as infinitely slow.
func (o Objective) Judge(s Sample) Finding {
	f := Finding{Objective: o}
	if need := o.Needs(); s.Requests < need && float64(o.misses(s)) <= o.Budget()*float64(need)+1e-9 {
		f.Reason = fmt.Sprintf("%d requests are too few to judge %v: at least %d are needed", s.Requests, o, need)
		return f
	}
	f.Enough = true
	switch o.Kind {
	case Quantile:
		f.judgeQuantile(s)
	case Mean:
		mean := s.Response.Mean()
		f.Met = s.Successes > 0 && mean <= o.Limit
		f.Reason = fmt.Sprintf("mean response time %v of %d successes, limit %v", Round(mean), s.Successes, o.Limit)
	case Success:
		share := float64(s.Successes) / float64(s.Requests)
		f.Met = share >= o.Level
		f.Reason = fmt.Sprintf("%.4g %% of %d requests succeeded, at least %s %% must", 100*share, s.Requests, percent(o.Level))
	}
	return f
}

// misses is the number of requests that miss the objective each by itself; none
// does so of a mean.
func (o Objective) misses(s Sample) int64 {
	switch o.Kind {
	case Quantile:
		return s.Requests - s.Successes + s.Response.CountAbove(o.Limit)
	case Success:
		return s.Requests - s.Successes
	default:
		return 0
	}
}

func (f *Finding) judgeQuantile(s Sample) {
	o := f.Objective
	failed := s.Requests - s.Successes
	f.Met = float64(o.misses(s)) <= o.Budget()*float64(s.Requests)+1e-9
	f.Reason = fmt.Sprintf("p%s %s of %d requests, limit %v", percent(o.Level), quantileOfAll(o.Level, s), s.Requests, o.Limit)
	if failed > 0 {
		f.Reason += fmt.Sprintf(" (%d not answered well count as infinitely slow)", failed)
	}
}

// quantileOfAll is the quantile over all requests, failures being the slowest.
func quantileOfAll(level float64, s Sample) string {
	rank := math.Ceil(level * float64(s.Requests))
	if rank > float64(s.Successes) {
		return "beyond every success"
	}
	return Round(s.Response.Quantile(rank / float64(s.Successes))).String()
}

// Needs is the smallest number of requests by which the objective can be judged.
func (o Objective) Needs() int64 {
	if o.Kind == Mean {
		return 1
	}
	return int64(math.Ceil(1/o.Budget() - 1e-6))
}

// Round shortens a duration to three significant digits for people to read.
func Round(d time.Duration) time.Duration {
	for unit := time.Duration(1); unit < time.Hour; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
	return d
}
