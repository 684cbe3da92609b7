package latency

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func durations(t *rapid.T, label string) []time.Duration {
	raw := rapid.SliceOfN(rapid.Int64Range(0, int64(Highest)), 1, 300).Draw(t, label)
	out := make([]time.Duration, len(raw))
	for i, v := range raw {
		out[i] = time.Duration(v)
	}
	return out
}

func histogramOf(ds []time.Duration) *Histogram {
	h := New()
	for _, d := range ds {
		h.Record(d)
	}
	return h
}

// tolerance is the width of the bucket that d falls in.
func tolerance(d time.Duration) time.Duration {
	return max(Resolution, time.Duration(float64(d)*0.001))
}

func TestQuantilesBracketTheExactOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := durations(t, "durations")
		h := histogramOf(ds)
		slices.Sort(ds)
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			rank := max(1, int(math.Ceil(q*float64(len(ds)))))
			exact, got := ds[rank-1], h.Quantile(q)
			if got < exact-tolerance(exact) || got > exact+tolerance(exact) {
				t.Fatalf("Quantile(%v) of %d durations = %v, want %v ± %v", q, len(ds), got, exact, tolerance(exact))
			}
		}
		if h.Max() != ds[len(ds)-1] || h.Quantile(1) != h.Max() {
			t.Fatalf("Max() = %v and Quantile(1) = %v, want %v", h.Max(), h.Quantile(1), ds[len(ds)-1])
		}
	})
}

func TestMergeCommutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := durations(t, "a"), durations(t, "b")
		ab, ba := histogramOf(a), histogramOf(b)
		ab.Merge(histogramOf(b))
		ba.Merge(histogramOf(a))
		all := histogramOf(append(slices.Clone(a), b...))
		for _, q := range []float64{0.1, 0.5, 0.99, 1} {
			if ab.Quantile(q) != ba.Quantile(q) || ab.Quantile(q) != all.Quantile(q) {
				t.Fatalf("Quantile(%v): a+b %v, b+a %v, together %v", q, ab.Quantile(q), ba.Quantile(q), all.Quantile(q))
			}
		}
		if ab.Count() != all.Count() || ab.Max() != all.Max() {
			t.Fatalf("a+b has %d up to %v, together %d up to %v", ab.Count(), ab.Max(), all.Count(), all.Max())
		}
		if diff := math.Abs(float64(ab.Mean() - all.Mean())); diff > float64(time.Microsecond) {
			t.Fatalf("mean of a+b = %v, together %v", ab.Mean(), all.Mean())
		}
	})
}

func TestLogRoundTrip(t *testing.T) {
	var log bytes.Buffer
	start := time.Unix(1_700_000_000, 0)
	w := NewLogWriter(&log)
	if err := w.Head("a comment", start); err != nil {
		t.Fatal(err)
	}
	first := histogramOf([]time.Duration{time.Millisecond, 2 * time.Millisecond, 70 * time.Second})
	second := histogramOf([]time.Duration{5 * time.Microsecond})
	for tag, h := range map[string]*Histogram{"t1.response": first} {
		if err := w.Interval(tag, start, start.Add(time.Second), h); err != nil {
			t.Fatal(err)
		}
	}
	// A log is continued by a second writer without a second head.
	if err := NewLogWriter(&log).Interval("t2.service", start, start.Add(time.Second), second); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLog(strings.NewReader(log.String()))
	if err != nil {
		t.Fatalf("ReadLog: %v\n%s", err, log.String())
	}
	if len(got) != 2 || got[0].Tag != "t1.response" || got[1].Tag != "t2.service" {
		t.Fatalf("ReadLog gave %d intervals, want t1.response and t2.service\n%s", len(got), log.String())
	}
	for i, want := range []*Histogram{first, second} {
		for _, q := range []float64{0.3, 0.5, 1} {
			if diff := got[i].Histogram.Quantile(q) - want.Quantile(q); diff.Abs() > tolerance(want.Quantile(q)) {
				t.Errorf("interval %d, Quantile(%v) = %v, want %v", i, q, got[i].Histogram.Quantile(q), want.Quantile(q))
			}
		}
	}
}

func TestReadLogReportsACutLine(t *testing.T) {
	var log bytes.Buffer
	w := NewLogWriter(&log)
	if err := w.Interval("t1", time.Unix(0, 0), time.Unix(1, 0), histogramOf([]time.Duration{1e6, 2e6, 3e6})); err != nil {
		t.Fatal(err)
	}
	whole := log.String()
	got, err := ReadLog(strings.NewReader(whole + whole[:len(whole)-20]))
	if err == nil || len(got) != 1 {
		t.Errorf("ReadLog of a cut log gave %d intervals and error %v, want 1 and an error", len(got), err)
	}
}

func TestOutOfRangeIsKeptAtTheEdge(t *testing.T) {
	h := histogramOf([]time.Duration{-time.Second, time.Hour})
	if h.Count() != 2 || h.Max() != Highest || h.Quantile(0.5) > Resolution {
		t.Errorf("after -1s and 1h: count %d, max %v, median %v; want 2, %v, about 0", h.Count(), h.Max(), h.Quantile(0.5), Highest)
	}
}

func TestQuantileBoundsCover(t *testing.T) {
	const runs, n = 400, 500
	covered := 0
	want := -math.Log(1 - 0.9) // the 0.9-quantile of an exponential of mean 1
	for run := range runs {
		rng, h := rand.New(rand.NewPCG(uint64(run), 1)), New()
		for range n {
			h.Record(time.Duration(rng.ExpFloat64() * float64(time.Second)))
		}
		low, high, ok := h.QuantileBounds(0.9, 0.95)
		if !ok {
			t.Fatalf("QuantileBounds(0.9, 0.95) of %d durations: not ok", n)
		}
		if low.Seconds() <= want && want <= high.Seconds() {
			covered++
		}
	}
	if share := float64(covered) / runs; share < 0.93 || share > 0.99 {
		t.Errorf("bounds covered the true quantile in %.1f %% of %d runs, want about 95 %%", 100*share, runs)
	}
	if _, _, ok := histogramOf([]time.Duration{1, 2, 3}).QuantileBounds(0.99, 0.95); ok {
		t.Error("QuantileBounds(0.99) of three durations: ok, want not")
	}
}

func TestMoments(t *testing.T) {
	rng, h := rand.New(rand.NewPCG(1, 2)), New()
	for range 100_000 {
		h.Record(time.Duration(rng.ExpFloat64() * float64(10*time.Millisecond)))
	}
	if m := h.Mean(); (m - 10*time.Millisecond).Abs() > 100*time.Microsecond {
		t.Errorf("Mean() = %v, want 10ms", m)
	}
	if c := h.SquaredCV(); math.Abs(c-1) > 0.03 {
		t.Errorf("SquaredCV() of exponentials = %v, want 1", c)
	}
	share := float64(h.CountAbove(10*time.Millisecond)) / 100_000
	if math.Abs(share-math.Exp(-1)) > 0.005 {
		t.Errorf("share above the mean = %v, want 1/e", share)
	}
	var n int64
	for _, b := range h.Buckets() {
		n += b.Count
	}
	if n != h.Count() {
		t.Errorf("buckets hold %d, want %d", n, h.Count())
	}
}

func TestEmpty(t *testing.T) {
	h := New()
	if h.Count() != 0 || h.Mean() != 0 || h.Quantile(0.5) != 0 || h.SquaredCV() != 0 || h.Max() != 0 {
		t.Error("an empty histogram is not all zeros")
	}
	h.Record(time.Second)
	c := h.Clone()
	h.Reset()
	if h.Count() != 0 || h.Max() != 0 || c.Count() != 1 {
		t.Errorf("after Reset: count %d, max %v, clone's count %d; want 0, 0s, 1", h.Count(), h.Max(), c.Count())
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	h := New()
	if n := testing.AllocsPerRun(1000, func() { h.Record(3 * time.Millisecond) }); n != 0 {
		t.Errorf("Record allocates %v times, want 0", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	h, d := New(), time.Duration(0)
	for b.Loop() {
		h.Record(d)
		d = (d + 7919) & (1<<24 - 1)
	}
}
