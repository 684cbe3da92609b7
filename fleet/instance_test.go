package fleet

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestOffer(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name     string
		model    string
		arrivals []time.Duration
		want     []Admission
	}{
		{
			"one worker serves in order", "service=10ms",
			[]time.Duration{0, 2 * ms, 3 * ms, 40 * ms},
			[]Admission{
				{Start: 0, Finish: 10 * ms},
				{Start: 10 * ms, Finish: 20 * ms},
				{Start: 20 * ms, Finish: 30 * ms, Waiting: 1},
				{Start: 40 * ms, Finish: 50 * ms},
			},
		},
		{
			"the earliest worker takes the next", "service=10ms,workers=2",
			[]time.Duration{0, 4 * ms, 5 * ms, 6 * ms},
			[]Admission{
				{Start: 0, Finish: 10 * ms},
				{Start: 4 * ms, Finish: 14 * ms},
				{Start: 10 * ms, Finish: 20 * ms},
				{Start: 14 * ms, Finish: 24 * ms, Waiting: 1},
			},
		},
		{
			"a full queue rejects and a start frees its place", "service=10ms,queue=1",
			[]time.Duration{0, 1 * ms, 2 * ms, 10 * ms},
			[]Admission{
				{Start: 0, Finish: 10 * ms},
				{Start: 10 * ms, Finish: 20 * ms},
				{Rejected: true, Waiting: 1},
				{Start: 20 * ms, Finish: 30 * ms},
			},
		},
		{
			"no waiting place", "service=10ms,queue=0",
			[]time.Duration{0, 9 * ms, 10 * ms},
			[]Admission{{Start: 0, Finish: 10 * ms}, {Rejected: true}, {Start: 10 * ms, Finish: 20 * ms}},
		},
		{
			// Alone 10 ms; second in service ×(1+0.5); after a wait, all 2 busy again.
			"contention stretches by the number in service", "service=10ms,workers=2,contention=0.5",
			[]time.Duration{0, 0, 0},
			[]Admission{
				{Start: 0, Finish: 10 * ms},
				{Start: 0, Finish: 15 * ms},
				{Start: 10 * ms, Finish: 25 * ms},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inst := instance(t, parse(t, tt.model), 0)
			for k, at := range tt.arrivals {
				if got := inst.Offer(at); got != tt.want[k] {
					t.Errorf("%s: Offer(%v), arrival %d = %+v, want %+v", tt.model, at, k, got, tt.want[k])
				}
			}
		})
	}
}

// TestOfferLaws holds every admission against definitions that look at all earlier
// admissions again: a queue with c servers starts a request when it has arrived and
// fewer than c earlier ones are unfinished, which is the c-th largest of the earlier
// finishes (the Kiefer-Wolfowitz recursion of a FIFO queue).
func TestOfferLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := models().Draw(t, "model")
		inst, err := NewInstance(m, seeded(rapid.Uint64().Draw(t, "seed")))
		if err != nil {
			t.Fatal(err)
		}
		var at time.Duration
		var served []Admission
		gaps := rapid.SliceOfN(rapid.Int64Range(0, int64(m.Service)), 1, 60).Draw(t, "gaps")
		for _, gap := range gaps {
			at += time.Duration(gap)
			waiting, serving := occupancy(served, at)
			got := inst.Offer(at)
			full := serving == m.Workers && m.Queue != Unbounded && waiting == m.Queue
			if got.Waiting != waiting || got.Rejected != full {
				t.Fatalf("%v: Offer(%v) = %+v, want waiting %d and rejected %v", m, at, got, waiting, full)
			}
			if got.Rejected {
				continue
			}
			if want := earliestStart(served, at, m.Workers); got.Start != want || got.Finish < want {
				t.Fatalf("%v: Offer(%v) = %+v, want the start %v and a finish after it", m, at, got, want)
			}
			if k := len(served) - 1; k >= 0 && got.Start < served[k].Start {
				t.Fatalf("%v: Offer(%v) starts at %v, before the earlier request's %v", m, at, got.Start, served[k].Start)
			}
			served = append(served, got)
			if _, serving := occupancy(served, got.Start); serving > m.Workers {
				t.Fatalf("%v: %d in service at %v, want at most %d", m, serving, got.Start, m.Workers)
			}
		}
	})
}

// occupancy counts the requests that wait and that are in service at an instant.
func occupancy(served []Admission, at time.Duration) (waiting, serving int) {
	for _, a := range served {
		switch {
		case a.Start > at:
			waiting++
		case a.Finish > at:
			serving++
		}
	}
	return waiting, serving
}

func earliestStart(served []Admission, at time.Duration, workers int) time.Duration {
	if len(served) < workers {
		return at
	}
	finishes := make([]time.Duration, len(served))
	for k, a := range served {
		finishes[k] = a.Finish
	}
	slices.Sort(finishes)
	return max(at, finishes[len(finishes)-workers])
}

// TestServiceTimes checks the mean and the spread of each distribution on requests
// that never meet.
func TestServiceTimes(t *testing.T) {
	tests := []struct {
		text   string
		wantCV float64
	}{
		{"service=40ms", 0},
		{"service=40ms,cv=0.3", 0.3},
		{"service=40ms,cv=1", 1},
		{"service=40ms,dist=exp", 1},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			inst := instance(t, parse(t, tt.text), 1)
			const n = 200_000
			var sum, squares float64
			for k := range n {
				a := inst.Offer(time.Duration(k) * time.Hour)
				seconds := (a.Finish - a.Start).Seconds()
				sum += seconds
				squares += seconds * seconds
			}
			mean := sum / n
			cv := math.Sqrt(max(0, squares/n-mean*mean)) / mean
			near(t, "mean service time in seconds of "+tt.text, mean, 0.040, 0.01)
			if math.Abs(cv-tt.wantCV) > 0.03 {
				t.Errorf("coefficient of variation of %s = %v, want %v", tt.text, cv, tt.wantCV)
			}
		})
	}
}

// TestSaturationThroughput offers twice what the instance can serve and compares
// what it completes with the formula.
func TestSaturationThroughput(t *testing.T) {
	for _, text := range []string{
		"service=40ms,workers=4",
		"service=40ms,workers=4,queue=10,cv=0.3",
		"service=40ms,workers=3,dist=exp",
		"service=5ms,workers=32,queue=64,contention=0.02,coherency=0.0005,cv=0.3",
	} {
		t.Run(text, func(t *testing.T) {
			m := parse(t, text)
			run := simulate(t, m, 2*m.Saturation(), 200_000)
			near(t, "completions per second of "+text, run.completed, m.Saturation(), 0.02)
		})
	}
}

// TestDelaySystem checks the waiting of Poisson arrivals at workers with exponential
// service against published figures of Erlang's delay formula,
//
//	C(c, a) = (a^c/c!) c/(c−a) / (Σ_{k<c} a^k/k! + (a^c/c!) c/(c−a)),  a = λ/µ < c
//
// and Little's law Lq = λ Wq.
func TestDelaySystem(t *testing.T) {
	tests := []struct {
		name              string
		workers           int
		load              float64 // a, in erlangs
		wantWait          float64 // probability of waiting
		wantQueue         float64 // mean number waiting
		waitTol, queueTol float64
	}{
		// D. Gross and C. M. Harris, "Fundamentals of Queueing Theory", the eye clinic
		// of the section on M/M/c: 6 patients an hour, three doctors, 20 minutes each;
		// Lq = 8/9, hence C = Lq (c−a)/a = 4/9.
		{"eye clinic", 3, 2, 4.0 / 9, 8.0 / 9, 0.02, 0.04},
		// Call Centre Helper, "Erlang C Formula, Made Simple With an Easy Worked
		// Example": 200 calls an hour of 3 minutes, 14 agents: 17.4 % wait.
		{"call centre", 14, 10, 0.174, 0.174 * 10 / 4, 0.04, 0.08},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Model{Service: 40 * time.Millisecond, Dist: Exponential, Workers: tt.workers, Queue: Unbounded}
			rate := tt.load / m.Service.Seconds()
			run := simulate(t, m, rate, 1_000_000)
			near(t, "probability of waiting", run.waited, tt.wantWait, tt.waitTol)
			near(t, "mean number waiting", run.queue, tt.wantQueue, tt.queueTol)
			near(t, "arrival rate times mean wait", rate*run.wait, run.queue, 0.01)
		})
	}
}

// TestLossSystem checks a queue without waiting places against Erlang's loss
// formula, which holds for every distribution of the service time: 10 lines offered
// 5 erlangs lose 1.84 % (any published table of Erlang B).
func TestLossSystem(t *testing.T) {
	for _, shape := range []string{"cv=0", "cv=1.5", "dist=exp"} {
		t.Run(shape, func(t *testing.T) {
			m := parse(t, "service=40ms,workers=10,queue=0,"+shape)
			run := simulate(t, m, 5/0.040, 1_000_000)
			near(t, "share rejected with "+shape, run.rejected, 0.0184, 0.04)
		})
	}
}

// TestSingleWorkerWait checks the mean wait at one worker against the formula of
// Pollaczek and Khinchine, Wq = ρ S (1+CV²) / (2(1−ρ)).
func TestSingleWorkerWait(t *testing.T) {
	const load, service = 0.7, 0.040
	for _, cv := range []float64{0, 0.5, 1} {
		m := Model{Service: 40 * time.Millisecond, CV: cv, Workers: 1, Queue: Unbounded}
		run := simulate(t, m, load/service, 1_000_000)
		near(t, "mean wait in seconds", run.wait, load*service*(1+cv*cv)/(2*(1-load)), 0.04)
	}
}

// measured is what a long run of Poisson arrivals saw.
type measured struct {
	waited    float64 // share of admitted requests that waited
	rejected  float64 // share of all requests
	queue     float64 // mean number waiting, as the arrivals see it
	wait      float64 // mean of start minus arrival over admitted requests, seconds
	completed float64 // completions per second up to the last finish
}

func simulate(t *testing.T, m Model, rate float64, n int) measured {
	t.Helper()
	inst, chance := instance(t, m, 1), seeded(2)
	var run measured
	var at, last time.Duration
	var clock float64
	admitted := 0
	for range n {
		clock += chance.ExpFloat64() / rate
		at = time.Duration(clock * float64(time.Second))
		a := inst.Offer(at)
		run.queue += float64(a.Waiting)
		if a.Rejected {
			continue
		}
		admitted++
		if a.Start > at {
			run.waited++
		}
		run.wait += (a.Start - at).Seconds()
		last = max(last, a.Finish)
	}
	run.rejected = float64(n-admitted) / float64(n)
	run.queue /= float64(n)
	run.waited /= float64(admitted)
	run.wait /= float64(admitted)
	run.completed = float64(admitted) / last.Seconds()
	return run
}

func TestMemoryFollowsTheQueue(t *testing.T) {
	m := parse(t, "service=10ms,workers=2,queue=10")
	inst := instance(t, m, 0)
	for k := range 100_000 {
		inst.Offer(time.Duration(k) * time.Millisecond)
	}
	if got := cap(inst.waiting) + cap(inst.busy); got > 64 {
		t.Errorf("after 100000 arrivals at %s the instance holds room for %d instants, want at most 64", m, got)
	}
}

// TestLongestServiceTime draws from a tail beyond any that a valid model can reach
// in a test's time: the service time must stay in its range.
func TestLongestServiceTime(t *testing.T) {
	inst := instance(t, Model{Service: MaxService, CV: MaxCV, Workers: 1}, 0)
	inst.mu = 1000
	if a := inst.Offer(0); a.Finish != longest {
		t.Errorf("Offer(0) with a service time of e^1000 s = %+v, want the finish %v", a, longest)
	}
}

func TestNewInstanceRefuses(t *testing.T) {
	tests := []struct {
		name  string
		model Model
		rng   *rand.Rand
		want  string
	}{
		{"model", Model{Workers: 1}, seeded(0), "making an instance: service 0s"},
		{"no generator, lognormal", Model{Service: 1, Workers: 1, CV: 0.1}, nil, "needs a random generator"},
		{"no generator, exponential", Model{Service: 1, Workers: 1, Dist: Exponential}, nil, "needs a random generator"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewInstance(tt.model, tt.rng); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewInstance(%+v) = %v, want an error that says %q", tt.model, err, tt.want)
			}
		})
	}
	if _, err := NewInstance(Model{Service: 1, Workers: 1}, nil); err != nil {
		t.Errorf("NewInstance with a constant service time and no generator = %v, want none", err)
	}
}

func TestOfferPanicsOnTimeGoingBack(t *testing.T) {
	inst := instance(t, parse(t, "service=1ms"), 0)
	inst.Offer(time.Second)
	defer func() {
		if recover() == nil {
			t.Error("Offer(0) after Offer(1s) returned, want a panic")
		}
	}()
	inst.Offer(0)
}

func BenchmarkOffer(b *testing.B) {
	inst, err := NewInstance(Model{Service: 40 * time.Millisecond, CV: 0.3, Workers: 64, Queue: 1000}, seeded(0))
	if err != nil {
		b.Fatal(err)
	}
	var at time.Duration
	for b.Loop() {
		at += 500 * time.Microsecond
		inst.Offer(at)
	}
}

func instance(t *testing.T, m Model, seed uint64) *Instance {
	t.Helper()
	inst, err := NewInstance(m, seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	return inst
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// near fails unless got is within a share of want.
func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*want) {
		t.Errorf("%s = %v, want %v within %v %%", what, got, want, 100*share)
	}
}
