package archetype

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"plimsoll/capacity"

	"pgregory.net/rapid"
)

// TestClientAgainstErlang holds the client and the first-come first-served server
// to queueing theory: together they must give the tail of an M/M/c queue.
func TestClientAgainstErlang(t *testing.T) {
	for _, c := range []struct {
		workers int
		rate    float64
		limit   time.Duration
	}{{1, 70, 100 * time.Millisecond}, {4, 340, 50 * time.Millisecond}} {
		const service, requests = 0.01, 400_000
		client := NewClient(NewFIFO(3, c.workers, Exponential(service)), 5)
		o := client.Hold(capacity.Trial{Rate: c.rate, Settle: 20 * time.Second, Measure: seconds(requests / c.rate), SlowAbove: []time.Duration{c.limit}})
		want := Erlang{c.workers, 1 / service, c.rate}
		if got, want := float64(o.Slow[0])/float64(o.Offered), want.Above(c.limit.Seconds()); math.Abs(got/want-1) > 0.06 {
			t.Errorf("%d workers at %g/s: %.4f above %v, want %.4f", c.workers, c.rate, got, c.limit, want)
		}
		if got, want := o.Mean.Seconds(), want.Mean(); math.Abs(got/want-1) > 0.03 {
			t.Errorf("%d workers at %g/s: mean %.4f s, want %.4f s", c.workers, c.rate, got, want)
		}
	}
}

// TestTruthsAgainstErlang holds the stored truths of the M/M/c family to the
// closed form, to twice 0.2 % at most: all twelve, within three standard errors.
func TestTruthsAgainstErlang(t *testing.T) {
	f := Families()[0]
	for k := range Each {
		in := f.Instance(k)
		r := rand.New(rand.NewPCG(uint64(f.number)*1000+uint64(k), 5)) // the same draws as the family's
		service, workers := logUniform(r, 0.005, 0.05), int(logUniform(r, 2, 16.9))
		want := ErlangPeak(workers, service, func(e Erlang) bool { return e.Above(in.Objective.Limit.Seconds()) <= in.Objective.Budget() })
		if got := in.Truth(); math.Abs(got.Peak/want-1) > 3*got.SE {
			t.Errorf("%s: stored peak %.5g/s ±%.2f %%, Erlang's formula gives %.5g/s", in.Name(), got.Peak, 100*got.SE, want)
		}
	}
}

// TestTruths: every instance has a truth that is precise enough, and the stored
// peak of one instance of each family lies where its long-run share crosses the
// budget. The recipe itself is LongRun.
func TestTruths(t *testing.T) {
	for _, f := range Families() {
		for k := range Each {
			in := f.Instance(k)
			got := in.Truth()
			switch {
			case f.Changes && got != Truth{}:
				t.Errorf("%s changes and has a truth %+v", in.Name(), got)
			case f.Changes:
			case !(got.Peak > 0) || !(got.SE > 0) || got.SE > imprecise(f) || got.Peak > 1.03*got.Saturation:
				t.Errorf("%s: truth %+v, want a peak to 0.1 %% below the saturation", in.Name(), got)
			}
		}
		if f.Changes || f.Name == "satur" { // which takes too long to come to rest
			continue
		}
		in := f.Instance(1)
		const off, requests = 0.05, 3e5
		peak, budget := in.Truth().Peak, in.Objective.Budget()
		if below, above := missed(in, peak*(1-off), requests, 900), missed(in, peak*(1+off), requests, 901); below > budget || above < budget {
			t.Errorf("%s: %.4f missed at 5 %% below the stored peak and %.4f at 5 %% above, want %g between", in.Name(), below, above, budget)
		}
	}
}

// imprecise is the largest standard error, with the rounding of what is stored.
// The speed of noisy servers changes for seconds and the work of heavy ones has a
// long tail; there the recipe ends when its requests are spent.
func imprecise(f Family) float64 {
	if f.Name == "noisy" || f.Name == "heavy" {
		return 5 * Precise
	}
	return 1.05 * Precise
}

// TestLongRun: the recipe finds the peak of a queue that is known.
func TestLongRun(t *testing.T) {
	const service, workers = 0.01, 4
	in := Families()[0].Instance(0)
	in.Around = workers / service
	in.Objective.Limit = 70 * time.Millisecond
	in.build = fifo(workers, Exponential(service))
	want := ErlangPeak(workers, service, func(e Erlang) bool { return e.Above(0.07) <= 0.01 })
	got := LongRun(in, 0.003, 4e6)
	if math.Abs(got.Peak/want-1) > 0.01 || math.Abs(got.Saturation/400-1) > 0.02 {
		t.Errorf("LongRun = %+v, want a peak of %.4g/s of 400/s", got, want)
	}
}

// TestObservationsAddUp: whatever is held, every request has one outcome, bins
// add up to the window, and the same seed gives the same observation.
func TestObservationsAddUp(t *testing.T) {
	families := Families()
	rapid.Check(t, func(rt *rapid.T) {
		in := families[rapid.IntRange(0, len(families)-1).Draw(rt, "family")].Instance(rapid.IntRange(0, Each-1).Draw(rt, "k"))
		seed := rapid.Uint64().Draw(rt, "seed")
		trial := capacity.Trial{
			Settle: 100 * time.Millisecond, Measure: time.Second, Patience: time.Duration(rapid.IntRange(1, 500).Draw(rt, "patience")) * time.Millisecond,
			SlowAbove: []time.Duration{in.Objective.Limit}, MaxInFlight: 200,
		}
		if rapid.Bool().Draw(rt, "open") {
			trial.Rate = in.Around * rapid.Float64Range(0.1, 2).Draw(rt, "load")
		} else {
			trial.Concurrency = rapid.IntRange(1, 100).Draw(rt, "concurrency")
		}
		hold := func() [2]capacity.Observation {
			c := NewClient(in.Start(seed, time.Minute), seed)
			return [2]capacity.Observation{c.Hold(trial), c.Hold(trial)}
		}
		first, again := hold(), hold()
		if !reflect.DeepEqual(first, again) {
			rt.Fatalf("%s: the same seed gave %+v, then %+v", in.Name(), first, again)
		}
		for _, o := range first {
			var offered, successes, failed, slow, completed int64
			for _, b := range o.Bins {
				offered, successes, failed, slow, completed = offered+b.Offered, successes+b.Successes, failed+b.Failed, slow+b.Slow[0], completed+b.Completed
			}
			if o.Offered != o.Successes+o.Failed+o.Unanswered || offered != o.Offered || successes != o.Successes || failed != o.Failed || slow != o.Slow[0] || completed != o.Completed {
				rt.Fatalf("%s %+v: %+v does not add up", in.Name(), trial, o)
			}
		}
	})
}

// TestChangingFamiliesChange: their servers are slower or faster at the end of a
// run than at its beginning, or in the middle.
func TestChangingFamiliesChange(t *testing.T) {
	for _, f := range Families() {
		if !f.Changes {
			continue
		}
		for k := range Each {
			in, length := f.Instance(k), 100*time.Second
			c := NewClient(in.Start(1, length), 1)
			low, high := math.Inf(1), 0.0
			for range 20 {
				o := c.Hold(capacity.Trial{Concurrency: 64, Settle: time.Second, Measure: 4 * time.Second})
				rate := float64(o.Completed) / o.Window.Seconds()
				low, high = min(low, rate), max(high, rate)
			}
			if high < 1.05*low {
				t.Errorf("%s: throughput stays within %.4g and %.4g/s, want a change", in.Name(), low, high)
			}
		}
	}
}
