package arrival

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func take(s Schedule, n int) []time.Duration {
	c, out := s.Cursor(), make([]time.Duration, 0, n)
	for range n {
		at, ok := c.Next()
		if !ok {
			break
		}
		out = append(out, at)
	}
	return out
}

func TestConstantSpacesEvenlyWithoutDrift(t *testing.T) {
	got := take(Constant{Rate: 3}, 3_000_001)
	if last, want := got[len(got)-1], time.Duration(1_000_000)*time.Second; last != want {
		t.Errorf("offset 3,000,000 at 3/s = %v, want %v", last, want)
	}
	if got[1] != 333333333*time.Nanosecond {
		t.Errorf("offset 1 at 3/s = %v, want a third of a second", got[1])
	}
}

func TestPoissonGapsAreExponential(t *testing.T) {
	const n, rate = 200_000, 1000.0
	got := take(Poisson{Rate: rate, Seed: 7}, n)
	var sum, squares float64
	prev := time.Duration(0)
	over := 0
	for _, at := range got {
		gap := (at - prev).Seconds() * rate
		prev = at
		sum += gap
		squares += gap * gap
		if gap > 1 {
			over++
		}
	}
	mean := sum / n
	if math.Abs(mean-1) > 0.01 {
		t.Errorf("mean gap = %.4f of 1/rate, want 1", mean)
	}
	if cv2 := squares/n/mean/mean - 1; math.Abs(cv2-1) > 0.03 {
		t.Errorf("squared coefficient of variation of gaps = %.3f, want 1", cv2)
	}
	if share := float64(over) / n; math.Abs(share-math.Exp(-1)) > 0.005 {
		t.Errorf("share of gaps above the mean = %.4f, want 1/e = %.4f", share, math.Exp(-1))
	}
}

func TestSchedulesRepeatAndNeverGoBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule(t)
		first, second := take(s, 500), take(s, 500)
		for k := range first {
			if first[k] != second[k] {
				t.Fatalf("%#v: offset %d differs between two cursors: %v and %v", s, k, first[k], second[k])
			}
			if k > 0 && first[k] < first[k-1] {
				t.Fatalf("%#v: offset %d = %v lies before %v", s, k, first[k], first[k-1])
			}
		}
	})
}

func TestSharesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := anySchedule(t)
		of := rapid.IntRange(1, 9).Draw(t, "of")
		want := take(whole, 10*of)
		var rate Rate
		for i := range of {
			share, err := NewShare(whole, i, of)
			if err != nil {
				t.Fatal(err)
			}
			rate += share.RateAt(0)
			for k, at := range take(share, 10) {
				if at != want[k*of+i] {
					t.Fatalf("share %d of %d, offset %d = %v, want the whole's %v", i, of, k, at, want[k*of+i])
				}
			}
		}
		if math.Abs(float64(rate/whole.RateAt(0)-1)) > 1e-9 {
			t.Fatalf("rates of the shares add up to %v, want %v", rate, whole.RateAt(0))
		}
	})
}

func anySchedule(t *rapid.T) Schedule {
	rate := Rate(rapid.Float64Range(0.01, 1e6).Draw(t, "rate"))
	if rapid.Bool().Draw(t, "poisson") {
		return Poisson{Rate: rate, Seed: rapid.Uint64().Draw(t, "seed")}
	}
	return Constant{Rate: rate}
}

func TestNewShareRejects(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {-1, 2}, {2, 2}} {
		if _, err := NewShare(Constant{Rate: 1}, c[0], c[1]); err == nil {
			t.Errorf("NewShare(_, %d, %d) gave no error", c[0], c[1])
		}
	}
}

func TestScheduleEndsBeforeTimeOverflows(t *testing.T) {
	c := Constant{Rate: 1e-10}.Cursor()
	c.Next()
	if at, ok := c.Next(); ok {
		t.Errorf("second offset at one request in 317 years = %v, want the end", at)
	}
}

func TestParseRate(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Rate
		err  string
	}{
		{in: "100/s", want: 100},
		{in: "6000/min", want: 100},
		{in: " 50 / 100ms ", want: 500},
		{in: "3600/h", want: 1},
		{in: "0.5/s", want: 0.5},
		{in: "100", err: "no unit: write 100/s"},
		{in: "0/s", err: "above zero"},
		{in: "-1/s", err: "above zero"},
		{in: "NaN/s", err: "above zero"},
		{in: "ten/s", err: "not a number"},
		{in: "10/fortnight", err: "fortnight"},
		{in: "10/-1s", err: "unit"},
		{in: "1e300/ns", err: "unit"},
		{in: "1e300/1ns", err: "no generator can hold"},
	} {
		got, err := ParseRate(c.in)
		switch {
		case c.err == "" && err != nil:
			t.Errorf("ParseRate(%q): %v", c.in, err)
		case c.err == "" && math.Abs(float64(got-c.want)) > 1e-9:
			t.Errorf("ParseRate(%q) = %v, want %v", c.in, got, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("ParseRate(%q) error = %v, want one with %q", c.in, err, c.err)
		}
	}
}

func TestRateString(t *testing.T) {
	for _, c := range []struct {
		rate Rate
		want string
	}{{412.5, "412.5/s"}, {100, "100/s"}, {1234.56, "1235/s"}, {123456, "123456/s"}, {0.012345, "0.01235/s"}, {0, "0/s"}} {
		if got := c.rate.String(); got != c.want {
			t.Errorf("Rate(%v).String() = %q, want %q", float64(c.rate), got, c.want)
		}
	}
	if got := PerMinute(90).PerMinute(); got != 90 {
		t.Errorf("PerMinute(90).PerMinute() = %v, want 90", got)
	}
	if got := Rate(0).Gap(); got != 0 {
		t.Errorf("Rate(0).Gap() = %v, want 0", got)
	}
	if got := Rate(50).Gap(); got != 20*time.Millisecond {
		t.Errorf("Rate(50).Gap() = %v, want 20ms", got)
	}
}
