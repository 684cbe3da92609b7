package metric

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestStatistics(t *testing.T) {
	s := Samples{{Value: 1, Count: 2}, {Value: 4, Count: 1}, {Value: 10, Count: 0.5}}
	for name, got := range map[string][2]float64{
		"Count": {s.Count(), 3.5}, "Sum": {s.Sum(), 11}, "Min": {s.Min(), 1}, "Max": {s.Max(), 10},
		"Percentile(50)": {s.Percentile(50), 1}, "Percentile(60)": {s.Percentile(60), 4}, "Percentile(100)": {s.Percentile(100), 10},
		"Percentile(0) of nothing": {Samples(nil).Percentile(0), 0},
	} {
		if got[0] != got[1] {
			t.Errorf("%s = %v, want %v", name, got[0], got[1])
		}
	}
}

// TestMergeIsAdding holds statistics of a whole to those of its parts.
func TestMergeIsAdding(t *testing.T) {
	samples := rapid.Custom(func(t *rapid.T) Samples {
		var s Samples
		for _, v := range rapid.SliceOfN(rapid.IntRange(-50, 50), 0, 20).Draw(t, "values") {
			s = s.Merge(Single(float64(v)))
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := samples.Draw(t, "a"), samples.Draw(t, "b")
		m := a.Merge(b)
		if math.Abs(m.Sum()-a.Sum()-b.Sum()) > 1e-9 || m.Count() != a.Count()+b.Count() {
			t.Fatalf("%v merged with %v has sum %v and count %v", a, b, m.Sum(), m.Count())
		}
		ascending := slices.IsSortedFunc(m, func(x, y Sample) int {
			if x.Value < y.Value {
				return -1
			}
			return 1
		})
		if !ascending {
			t.Fatalf("%v merged with %v is %v: not strictly ascending", a, b, m)
		}
	})
}

func TestBucketKeepsThreeDigits(t *testing.T) {
	for v, want := range map[float64]float64{40123: 40100, 0.00123456: 0.00123, 999.6: 1000, 5: 5, 0: 0, -3: 0, math.Inf(1): 0} {
		if got := Bucket(v); math.Abs(got-want) > 1e-9*math.Max(1, want) {
			t.Errorf("Bucket(%v) = %v, want %v", v, got, want)
		}
	}
	if got := Bucket(math.NaN()); got != 0 {
		t.Errorf("Bucket(NaN) = %v, want 0", got)
	}
}
