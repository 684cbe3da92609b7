package main

import (
	"math"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
	"plimsoll/slo"
)

// method is a way to find a peak.
type method struct {
	name string
	find func(in archetype.Instance, seed uint64) run
}

// run is one search against one instance.
type run struct {
	in         archetype.Instance
	rate       float64 // 0: no result
	low, high  float64 // 0: no interval
	wide       bool
	valid      bool
	changed    bool // it says that the endpoint changed, or that trials disagree
	cause      capacity.Cause
	spent      time.Duration
	requests   float64
	reasons    []string
	saturation float64
}

// miss is the relative error; no result counts as all of it.
func (r run) miss() float64 {
	if !(r.rate > 0) {
		return 1
	}
	return math.Abs(r.rate/r.in.Truth().Peak - 1)
}

// covers says that the interval holds the truth.
func (r run) covers() bool { return r.low <= r.in.Truth().Peak && r.in.Truth().Peak <= r.high }

// half is the relative half-width of the interval.
func (r run) half() float64 { return (r.high - r.low) / 2 / math.Max(r.rate, 1e-9) }

// search is this project's, with a time budget.
func search(budget time.Duration) method {
	return method{name: "plimsoll, " + budget.String(), find: func(in archetype.Instance, seed uint64) run {
		plan := capacity.DefaultPlan()
		plan.Budget, plan.Objectives = budget, []slo.Objective{in.Objective}
		s, err := capacity.New(plan)
		if err != nil {
			panic(err) // a budget that the flags have let through
		}
		c := &counting{Client: archetype.NewClient(in.Start(seed, budget), seed)}
		for {
			t, ok := s.Next()
			if !ok {
				break
			}
			if err := s.Record(c.hold(t)); err != nil {
				panic(err) // a trial is outstanding: the loop has just asked for it
			}
		}
		r := s.Result()
		return run{
			in: in, rate: r.Rate, low: r.Low, high: r.High, wide: r.Wide, valid: r.Valid, changed: r.Changed, cause: r.Cause,
			spent: c.spent, requests: c.requests, reasons: r.Reasons, saturation: r.Saturation,
		}
	}}
}

// counting adds up what the trials cost.
type counting struct {
	*archetype.Client
	spent    time.Duration
	requests float64
}

func (c *counting) hold(t capacity.Trial) capacity.Observation {
	o := c.Hold(t)
	c.spent += o.Elapsed
	c.requests += float64(o.Offered) * o.Elapsed.Seconds() / math.Max(o.Window.Seconds(), 1e-3)
	return o
}
