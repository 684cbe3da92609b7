package cloudwatch

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/metric"
)

// read is the statistics of the test's metric by period since the start.
func (w *world) read(period int64, asOf time.Time) []bucket {
	w.t.Helper()
	id := identify(metric.SageMaker, "Load", dimensions())
	readings := w.store.read(id, "", windowOf(w.start.Unix(), asOf.Add(time.Hour).Unix(), period), asOf, true)
	if len(readings) == 0 {
		return nil
	}
	return readings[0].periods
}

func TestVisibility(t *testing.T) {
	delays := func(o *Options) {
		o.Assumptions.MetricDelay, o.Assumptions.HighResMetricDelay = 150*time.Second, 18*time.Second
	}
	for _, c := range []struct {
		name       string
		resolution time.Duration
		fault      time.Duration
		want       time.Duration // after the start of the period
	}{
		{"a minute", time.Minute, 0, 60*time.Second + 150*time.Second},
		{"ten seconds", 10 * time.Second, 0, 10*time.Second + 18*time.Second},
		{"one second", time.Second, 0, time.Second + 18*time.Second},
		{"five minutes", 5 * time.Minute, 0, 300*time.Second + 150*time.Second},
		{"late", time.Minute, 45 * time.Second, 60*time.Second + 150*time.Second + 45*time.Second},
	} {
		w := newWorld(t, delays)
		w.set(fault.Faults{MetricDelay: fault.Duration(c.fault)})
		w.Put(datum("Load", w.start, c.resolution, metric.Single(7)))
		w.set(fault.Faults{}) // what was published late stays late
		if got := w.read(60, w.start.Add(c.want-1)); got != nil {
			t.Errorf("%s: visible %v after the start of its period, want not before %v", c.name, c.want-1, c.want)
		}
		if got := w.read(60, w.start.Add(c.want)); len(got) != 1 || got[0].sum != 7 {
			t.Errorf("%s: %v after the start of its period there is %v, want 7", c.name, c.want, got)
		}
	}
}

func TestMetricLoss(t *testing.T) {
	w := newWorld(t)
	w.set(fault.Faults{MetricLoss: 0.5})
	for i := range 1000 {
		w.Put(datum("Load", w.start.Add(time.Duration(i)*time.Second), time.Second, metric.Single(1)))
	}
	got := 0
	for _, b := range w.read(60, w.start.Add(time.Hour)) {
		got += int(b.count)
	}
	if got < 430 || got > 570 { // more than four standard deviations
		t.Errorf("%d of 1000 datapoints came with a loss of one half", got)
	}
}

func TestAggregation(t *testing.T) {
	w := newWorld(t)
	at := func(seconds int) time.Time { return w.start.Add(time.Duration(seconds) * time.Second) }
	w.Put(datum("Load", at(70), 10*time.Second, metric.Samples{{Value: 1, Count: 2}, {Value: 9, Count: 1}})) // out of order
	w.Put(datum("Load", at(0), 10*time.Second, metric.Single(4)))
	w.Put(datum("Load", at(3), 10*time.Second, metric.Single(6))) // the same period as the one before
	w.Put(datum("Load", at(50), 10*time.Second, metric.Single(2)))
	w.Put(datum("Load", at(130), 10*time.Second, nil)) // nothing measured
	later := at(3600)
	for _, c := range []struct {
		name                        string
		period                      int64
		index                       int
		at                          int
		count, sum, low, high, half float64
	}{
		{"ten seconds", 10, 0, 0, 2, 10, 4, 6, 4},
		{"ten seconds, later", 10, 2, 70, 3, 11, 1, 9, 1},
		{"a minute", 60, 0, 0, 3, 12, 2, 6, 4},
		{"the next minute", 60, 1, 60, 3, 11, 1, 9, 1},
		{"two minutes", 120, 0, 0, 6, 23, 1, 9, 2},
	} {
		periods := w.read(c.period, later)
		if c.index >= len(periods) {
			t.Errorf("%s: %d periods have data, want more than %d", c.name, len(periods), c.index)
			continue
		}
		got := periods[c.index]
		if got.at != at(c.at).Unix() || got.count != c.count || got.sum != c.sum || got.low != c.low || got.high != c.high {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c)
		}
		if half, ok := (statistic{isRank: true, percentile: 50}).of(got.summary); !ok || half != c.half {
			t.Errorf("%s: median %v, %v; want %v", c.name, half, ok, c.half)
		}
	}
	if n := len(w.read(10, later)); n != 3 {
		t.Errorf("%d periods of ten seconds have data, want 3", n)
	}
}

func TestUnitsAreApart(t *testing.T) {
	w := newWorld(t)
	for unit, v := range map[string]float64{"Seconds": 1, "Milliseconds": 60_000, "": 5} {
		d := datum("Load", w.start, time.Minute, metric.Single(v))
		d.Unit = unit
		w.Put(d)
	}
	id := identify(metric.SageMaker, "Load", dimensions())
	all := windowOf(w.start.Unix(), w.start.Unix()+60, 60)
	got := w.store.read(id, "", all, w.start.Add(time.Hour), false)
	if len(got) != 3 || got[0].unit != "Milliseconds" || got[1].unit != noUnit || got[2].unit != "Seconds" {
		t.Fatalf("read %v, want the three units in order", got)
	}
	if got = w.store.read(id, "Seconds", all, w.start.Add(time.Hour), false); len(got) != 1 || got[0].periods[0].sum != 1 {
		t.Errorf("read in seconds: %v, want 1", got)
	}
}

func TestDimensionsHaveNoOrder(t *testing.T) {
	d := dimensions()
	reversed := []metric.Dimension{d[1], d[0]}
	if a, b := identify("N", "M", d).key(), identify("N", "M", reversed).key(); a != b {
		t.Errorf("%q and %q, want one key", a, b)
	}
	if a, b := identify("N", "M", d).key(), identify("N", "M", d[:1]).key(); a == b {
		t.Errorf("%q for one dimension and for two", a)
	}
}

// TestRetention lets a metric of ten seconds grow old.
func TestRetention(t *testing.T) {
	w := newWorld(t)
	for i := range 6 * 60 {
		w.Put(datum("Load", w.start.Add(time.Duration(i)*10*time.Second), 10*time.Second, metric.Single(float64(i))))
	}
	whole := w.read(3600, w.start.Add(2*time.Hour))
	median := statistic{isRank: true, percentile: 50}
	for _, c := range []struct {
		age              time.Duration
		tens, minutes    int
		hour, percentile bool
	}{
		{2 * time.Hour, 360, 60, true, true},
		{5 * time.Hour, 0, 60, true, true},
		{26 * time.Hour, 0, 60, true, false},
		{16 * 24 * time.Hour, 0, 0, false, false},
	} {
		now := w.start.Add(c.age)
		w.store.trim(now)
		if n := len(w.read(10, now)); n != c.tens {
			t.Errorf("after %v: %d datapoints of ten seconds, want %d", c.age, n, c.tens)
		}
		if n := len(w.read(60, now)); n != c.minutes {
			t.Errorf("after %v: %d minutes, want %d", c.age, n, c.minutes)
		}
		hours := w.read(3600, now)
		if !c.hour {
			if len(hours) != 0 || len(w.store.series) != 0 {
				t.Errorf("after %v: %v is left", c.age, hours)
			}
			continue
		}
		if h := hours[0]; h.count != whole[0].count || h.sum != whole[0].sum || h.low != whole[0].low || h.high != whole[0].high {
			t.Errorf("after %v: %+v, want it as it was: %+v", c.age, h, whole[0])
		}
		if _, ok := median.of(hours[0].summary); ok != c.percentile {
			t.Errorf("after %v: there is a percentile: %v, want %v", c.age, ok, c.percentile)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	w := newWorld(t)
	at := w.start
	most := 0
	for range 40 * 24 { // forty days, one hour after the other
		for range 60 {
			at = at.Add(time.Minute)
			w.Put(datum("Load", at, time.Minute, metric.Single(1)))
		}
		w.store.trim(at)
		for _, m := range w.store.series {
			most = max(most, len(m.streams[0].points))
		}
	}
	if limit := int(retention/time.Minute) + 60; most > limit {
		t.Errorf("%d points were kept, want at most %d", most, limit)
	}
	values := make(metric.Samples, 100_000)
	for i := range values {
		values[i] = metric.Sample{Value: float64(i), Count: 1}
	}
	s := summarize(values)
	if len(s.values) > maxDistinct || s.values.Count() != s.count || math.Abs(s.values.Sum()-s.sum) > 1e-6*s.sum {
		t.Errorf("%d values with count %v and sum %v, want at most %d with %v and %v", len(s.values), s.values.Count(), s.values.Sum(), maxDistinct, s.count, s.sum)
	}
	if p := s.values.Percentile(99); math.Abs(p-99_000) > 200 {
		t.Errorf("p99 of the joined values is %v, want about 99000", p)
	}
}

// TestSplitLaw: however measurements are split into datapoints and these into periods,
// the statistics over the whole are the same.
func TestSplitLaw(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type measurement struct {
			second int
			value  float64
		}
		all := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) measurement {
			return measurement{rapid.IntRange(0, 3599).Draw(r, "second"), float64(rapid.IntRange(-50, 50).Draw(r, "value"))}
		}), 1, 40).Draw(r, "measurements")
		resolution := rapid.SampledFrom([]int{1, 10, 60}).Draw(r, "resolution")
		w := newWorld(t)
		want := summary{low: math.Inf(1), high: math.Inf(-1)}
		for _, m := range all {
			w.Put(datum("Load", w.start.Add(time.Duration(m.second)*time.Second), time.Duration(resolution)*time.Second, metric.Single(m.value)))
			want.count, want.sum, want.low, want.high = want.count+1, want.sum+m.value, min(want.low, m.value), max(want.high, m.value)
		}
		later := w.start.Add(2 * time.Hour)
		for _, period := range []int64{1, 5, 10, 20, 30, 60, 120, 300, 3600} {
			var parts []summary
			for _, b := range w.read(period, later) {
				parts = append(parts, b.summary)
			}
			got := sumUp(parts, true)
			if got.count != want.count || got.sum != want.sum || got.low != want.low || got.high != want.high || got.values.Count() != want.count {
				r.Fatalf("in periods of %d s: %+v, want %+v", period, got, want)
			}
		}
	})
}
