package capacity_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
	"plimsoll/slo"
)

// workers is an endpoint of c workers with lognormal service and a peak near
// four fifths of c/mean for the objective p99=8·mean.
func workers(c int, mean float64) *archetype.FIFO {
	return archetype.NewFIFO(3, c, archetype.Lognormal(mean, 0.5))
}

func objectives(t *testing.T, texts ...string) []slo.Objective {
	t.Helper()
	all, err := slo.ParseAll(texts)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// trap is an endpoint or a plan that misleads a naive search.
type trap struct {
	name   string
	end    func() archetype.Server
	change func(*capacity.Plan)
	maxGen float64 // the generator's own limit
	slos   []string

	found   bool
	valid   bool
	cause   []capacity.Cause
	near    float64 // the peak or bound, 0: not checked
	within  float64
	reasons []string // each must occur
}

func TestTraps(t *testing.T) {
	const mean = 0.01
	plain := func() archetype.Server { return workers(4, mean) } // saturates at 400/s
	markov := func() archetype.Server { return archetype.NewFIFO(3, 4, archetype.Exponential(mean)) }
	for _, c := range []trap{
		{
			name: "plain", end: plain, slos: []string{"p99=80ms"},
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseLatency}, near: 357, within: 0.05,
		},
		{
			name: "no objective: one is derived", end: plain,
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseLatency}, near: 348, within: 0.08, reasons: []string{"derived from the unloaded latency"},
		},
		{
			name: "an objective missed at the lightest load", end: plain, slos: []string{"p99=15ms"},
			valid: true, cause: []capacity.Cause{capacity.CauseNone}, reasons: []string{"not met even at the lightest load", "p99 was", "15ms"},
		},
		{
			name: "a mean missed at the lightest load", end: plain, slos: []string{"mean=8ms"},
			valid: true, cause: []capacity.Cause{capacity.CauseNone}, reasons: []string{"not met even at the lightest load", "the mean was"},
		},
		{
			name: "a twentieth fails at any load", slos: []string{"p99=80ms"}, end: func() archetype.Server {
				f := workers(4, mean)
				f.Failing = 0.05
				return f
			},
			valid: true, cause: []capacity.Cause{capacity.CauseNone}, reasons: []string{"not met even at the lightest load"},
		},
		{
			name: "refuses everything", end: func() archetype.Server {
				f := workers(4, mean)
				f.ThrottleRate, f.Burst = 1e-9, 0.5
				return f
			},
			valid: true, cause: []capacity.Cause{capacity.CauseNone}, reasons: []string{"not met even at the lightest load", "rate limit"},
		},
		{
			name: "throttles from the first request", slos: []string{"p99=80ms"}, end: func() archetype.Server {
				f := workers(4, mean)
				f.ThrottleRate, f.Burst, f.Tokens = 50, 10, 10
				return f
			},
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseErrors}, near: 50.5, within: 0.03, reasons: []string{"a rate limit lets through"},
		},
		{
			name: "fails fast: refusals are not throughput", slos: []string{"p99=200ms"}, end: func() archetype.Server {
				f := workers(4, mean)
				f.Room = 8
				return f
			},
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseErrors}, near: 268, within: 0.08,
		},
		{
			name: "no objective can be missed, only a backlog grows", slos: []string{"p99=30s"}, end: plain,
			found: true, valid: true, cause: []capacity.Cause{capacity.CausePlateau}, near: 398, within: 0.03,
		},
		{
			name: "dies in the middle", slos: []string{"p99=80ms"}, end: func() archetype.Server {
				f := workers(4, mean)
				f.DieAt = 40
				return f
			},
			found: true, cause: []capacity.Cause{capacity.CauseLatency, capacity.CausePlateau, capacity.CauseErrors}, near: 357, within: 0.15, reasons: []string{"stopped answering"},
		},
		{
			name: "dies in the climb", slos: []string{"p99=80ms"}, end: func() archetype.Server {
				f := workers(4, mean)
				f.DieAt = 4
				return f
			},
			cause: []capacity.Cause{capacity.CauseNone}, reasons: []string{"stopped answering"},
		},
		{
			name: "the generator gives out first", slos: []string{"p99=80ms"}, end: plain, maxGen: 230,
			valid: true, cause: []capacity.Cause{capacity.CauseClient}, near: 215, within: 0.12, reasons: []string{"lower bound", "generator did not hold"},
		},
		{
			name: "the generator gives out past the peak", slos: []string{"p99=80ms"}, end: plain, maxGen: 390,
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseLatency, capacity.CausePlateau}, near: 357, within: 0.08,
		},
		{
			name: "the generator holds nothing", slos: []string{"p99=80ms"}, end: plain, maxGen: 1,
			cause: []capacity.Cause{capacity.CauseClient}, reasons: []string{"not hold even one request"},
		},
		{
			name: "limit of the rate", slos: []string{"p99=80ms"}, end: plain, change: func(p *capacity.Plan) { p.MaxRate = 200 },
			valid: true, cause: []capacity.Cause{capacity.CauseLimit}, near: 200, within: 0.001, reasons: []string{"lower bound"},
		},
		{
			name: "limit of the rate above the peak", slos: []string{"p99=80ms"}, end: plain, change: func(p *capacity.Plan) { p.MaxRate = 390 },
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseLatency}, near: 357, within: 0.08,
		},
		{
			name: "limit of the concurrency", slos: []string{"p99=80ms"}, end: plain, change: func(p *capacity.Plan) { p.MaxConcurrency = 2 },
			valid: true, cause: []capacity.Cause{capacity.CauseLimit}, near: 200, within: 0.1, reasons: []string{"lower bound", "2 requests in flight"},
		},
		{
			name: "limit of the requests", slos: []string{"p99=80ms"}, end: plain, change: func(p *capacity.Plan) { p.MaxRequests = 1200 },
			valid: true, cause: []capacity.Cause{capacity.CauseLimit}, reasons: []string{"1200 requests"},
		},
		{
			name: "speeds up as it warms", slos: []string{"p99=80ms"}, end: func() archetype.Server {
				warm := archetype.Lognormal(mean, 0.5)
				return archetype.NewFIFO(3, 4, func(r *rand.Rand, k int) float64 {
					if k < 300 {
						return 4 * warm(r, k)
					}
					return warm(r, k)
				})
			},
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseLatency}, near: 357, within: 0.06,
		},
		{
			name: "slows down a little during the search", slos: []string{"p99=80ms"}, end: func() archetype.Server {
				f := workers(4, mean)
				f.Speed = archetype.NewWarp(func(i int) (float64, float64) { return 1, 1 - min(0.0014*float64(i), 0.5) })
				return f
			},
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseLatency, capacity.CausePlateau}, reasons: []string{"changed during the search", "widened"},
		},
		{
			name: "an instance is added in the middle", slos: []string{"p99=80ms"}, end: func() archetype.Server {
				f := workers(4, mean)
				f.Speed = archetype.NewWarp(func(i int) (float64, float64) {
					if i < 1 {
						return 45, 1
					}
					return 1000, 2
				})
				return f
			},
			found: true, cause: []capacity.Cause{capacity.CauseLatency, capacity.CausePlateau}, reasons: []string{"changed during the search"},
		},
		{
			name: "a mean objective", slos: []string{"mean=25ms"}, end: markov,
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseLatency}, near: archetype.ErlangPeak(4, mean, func(d archetype.Erlang) bool { return d.Mean() <= 0.025 }), within: 0.05,
		},
		{
			name: "several objectives, the mean binds", slos: []string{"p99=300ms", "p50=100ms", "mean=18ms", "success=99.9%"}, end: markov,
			found: true, valid: true, cause: []capacity.Cause{capacity.CauseLatency}, near: archetype.ErlangPeak(4, mean, func(d archetype.Erlang) bool { return d.Mean() <= 0.018 }), within: 0.06,
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
}

func (c trap) check(t *testing.T) {
	t.Helper()
	plan := capacity.DefaultPlan()
	plan.Objectives = objectives(t, c.slos...)
	if c.change != nil {
		c.change(&plan)
	}
	s, err := capacity.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	client := archetype.NewClient(c.end(), 5)
	client.MaxRate = c.maxGen
	r, spent, trials := archetype.Play(s, client)
	t.Logf("%v %.4g [%.4g %.4g] %v binding %d, %d trials in %v, ended: %s; %s", r.Found, r.Rate, r.Low, r.High, r.Cause, r.Binding, len(trials), spent.Round(time.Second), r.Ended, strings.Join(r.Reasons, "; "))
	if r.Found != c.found || r.Valid != c.valid {
		t.Errorf("found %v, valid %v; want %v, %v", r.Found, r.Valid, c.found, c.valid)
	}
	right := false
	for _, cause := range c.cause {
		right = right || cause == r.Cause
	}
	if !right {
		t.Errorf("cause %q, want one of %q", r.Cause, c.cause)
	}
	if c.near > 0 && (r.Rate < c.near*(1-c.within) || r.Rate > c.near*(1+c.within)) {
		t.Errorf("rate %.4g, want %.4g ±%.0f %%", r.Rate, c.near, 100*c.within)
	}
	all := strings.Join(r.Reasons, "; ")
	for _, want := range c.reasons {
		if !strings.Contains(all, want) {
			t.Errorf("reasons %q do not say %q", all, want)
		}
	}
	if last := trials[len(trials)-1]; spent > plan.Budget+whole(last) {
		t.Errorf("spent %v of %v; at most one trial (%v) over", spent, plan.Budget, whole(last))
	}
}

func whole(t capacity.Trial) time.Duration {
	patience := t.Patience
	if patience == 0 {
		patience = time.Minute
	}
	return t.Drain + t.Settle + t.Measure + patience
}
