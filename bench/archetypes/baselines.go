package main

import (
	"math"
	"math/rand/v2"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
)

// baselines are the rules that other tools go by, written anew from their
// documentation. They are treated more kindly than by their defaults: all get
// Poisson arrivals in an open loop, 5 s of warming up at a tenth of the range,
// and, where they need one, a range of 1.5 to 4 times the true peak. A trial that
// missed is followed by a pause until its requests are answered, 30 s at most.
func baselines() []method {
	return []method{
		{name: "staircase, concurrency ×2", find: with(staircase)},
		{name: "perf_analyzer's rule", find: with(perfAnalyzer)},
		{name: "bisection, 10 s a step", find: with(func(p *probe) { p.bisect(10 * time.Second) })},
		{name: "bisection, 30 s a step", find: with(func(p *probe) { p.bisect(30 * time.Second) })},
		{name: "linear ramp to the SLO", find: with(ramp)},
		{name: "MLRsearch", find: with(mlrSearch)},
	}
}

// probe holds trials for a baseline and takes its answer.
type probe struct {
	counting
	in     archetype.Instance
	top    float64 // of the range
	missed bool    // the trial before did, and may have left a backlog
	run    run
}

func with(search func(p *probe)) func(archetype.Instance, uint64) run {
	return func(in archetype.Instance, seed uint64) run {
		rng := rand.New(rand.NewPCG(seed, 79))
		p := &probe{in: in, top: in.Truth().Peak * (1.5 + 2.5*rng.Float64())}
		p.Client = archetype.NewClient(in.Start(seed, 4*time.Minute), seed)
		p.open(0.1*p.top, 5*time.Second)
		search(p)
		p.run.in, p.run.valid, p.run.spent, p.run.requests = in, true, p.spent, p.requests
		return p.run
	}
}

// open holds a rate; its first tenth, 2 s at most, is not measured.
func (p *probe) open(rate float64, length time.Duration) capacity.Observation {
	settle := min(length/10, 2*time.Second)
	t := p.trial(capacity.Trial{Rate: rate, Settle: settle, Measure: length - settle})
	if p.missed {
		t.Drain = 30 * time.Second
	}
	o := p.hold(t)
	p.missed = !p.meets(o)
	return o
}

func (p *probe) trial(t capacity.Trial) capacity.Trial {
	t.Patience = 2 * p.in.Objective.Limit
	t.SlowAbove = []time.Duration{p.in.Objective.Limit}
	if t.Rate > 0 {
		t.MaxInFlight = int(20*t.Rate*p.in.Objective.Limit.Seconds()) + 500
	}
	return t
}

// meets says that the trial's own share of bad requests is within the budget.
func (p *probe) meets(o capacity.Observation) bool {
	return !o.Overloaded && o.Offered > 0 && float64(o.Slow[0]) <= p.in.Objective.Budget()*float64(o.Offered)
}

func throughput(o capacity.Observation) float64 { return float64(o.Completed) / o.Window.Seconds() }

// staircase is the procedure of the AWS page: as many requests at once as are
// answered in time, 10 s each, twice as many every time.
func staircase(p *probe) {
	for n, missed := 1, 0; n <= 1024 && missed < 2; n *= 2 {
		o := p.hold(p.trial(capacity.Trial{Concurrency: n, Settle: time.Second, Measure: 9 * time.Second}))
		if !p.meets(o) {
			missed++
			continue
		}
		p.run.rate = max(p.run.rate, throughput(o))
	}
}

// narrow is how close the bounds of a bisection come before it ends.
const narrow = 0.02

// bisect halves the range by the verdict of one trial.
func (p *probe) bisect(length time.Duration) {
	p.halve(func(rate float64) bool { return p.meets(p.open(rate, length)) })
}

// halve bisects the range; the answer is the highest rate that held.
func (p *probe) halve(holds func(rate float64) bool) {
	low, high := 0.0, p.top
	for high-low > narrow*high && high > 0.01*p.top {
		if rate := (low + high) / 2; holds(rate) {
			low = rate
		} else {
			high = rate
		}
	}
	p.run.rate, p.run.low, p.run.high = low, low, high
}

// perfAnalyzer bisects by the rule of Triton's tool: windows of 5 s, up to ten,
// until throughput and p99 of the last three lie within 10 % of each other; a
// rate that does not come to rest does not hold.
func perfAnalyzer(p *probe) {
	const windows, last, within = 10, 3, 1.1
	p.halve(func(rate float64) bool {
		var rates, tails []float64
		for range windows {
			o := p.open(rate, 5*time.Second)
			if o.Overloaded {
				return false
			}
			rates, tails = append(rates, throughput(o)), append(tails, o.P99.Seconds())
			if n := len(rates); n >= last && spread(rates[n-last:]) <= within && spread(tails[n-last:]) <= within {
				return p.meets(o)
			}
		}
		return false
	})
}

func spread(xs []float64) float64 {
	low, high := math.Inf(1), 0.0
	for _, x := range xs {
		low, high = min(low, x), max(high, x)
	}
	return high / math.Max(low, 1e-9)
}

// ramp raises the rate evenly to the top of the range in 5 minutes, in steps of
// 1 s, and stops when the last 10 s missed the objective.
func ramp(p *probe) {
	const steps, window = 300, 10
	var bad, offered []float64
	for step := 1; step <= steps; step++ {
		p.run.rate = p.top * float64(step) / steps
		o := p.hold(p.trial(capacity.Trial{Rate: p.run.rate, Measure: time.Second}))
		bad, offered = append(bad, float64(o.Slow[0])), append(offered, float64(o.Offered))
		from := max(0, step-window)
		if n := sum(offered[from:]); n >= 100 && sum(bad[from:]) > p.in.Objective.Budget()*n {
			return
		}
	}
}

func sum(xs []float64) float64 {
	total := 0.0
	for _, x := range xs {
		total += x
	}
	return total
}

// mlrSearch is draft-ietf-bmwg-mlrsearch with one goal: trials of 5 s, 30 s of
// them at a load, an exceed ratio of a half, a width of 2 %. A load is an upper
// bound when more than half of its time was bad even if what is missing were
// good, and a lower bound the other way round. It begins with what a trial at the
// top of the range lets through.
func mlrSearch(p *probe) {
	const each, whole = 5 * time.Second, 30 * time.Second
	decide := func(rate float64) bool {
		var good, bad time.Duration
		for {
			if p.meets(p.open(rate, each)) {
				good += each
			} else {
				bad += each
			}
			switch {
			case 2*bad > whole:
				return false
			case 2*good >= whole:
				return true
			}
		}
	}
	low, high := 0.0, p.top
	next := min(throughput(p.open(p.top, time.Second)), 0.99*p.top)
	for step := 2 * narrow; high-low > narrow*high && high > 0.01*p.top; {
		if decide(next) {
			low = next
		} else {
			high = next
		}
		switch {
		case low == 0:
			next = high * (1 - step)
			step *= 2
		case high == p.top:
			next = min(low*(1+step), (low+high)/2)
			step *= 2
		default:
			next = (low + high) / 2
		}
		next = max(next, 0.005*p.top)
	}
	p.run.rate, p.run.low, p.run.high = low, low, high
}
