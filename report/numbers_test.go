package report

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"rate", units{1, "/s", "second"}.rate(171.32), "171.3/s"},
		{"whole rate", units{1, "/s", "second"}.rate(100), "100/s"},
		{"small rate", units{1, "/s", "second"}.rate(0.034), "0.03/s"},
		{"tiny rate", units{1, "/s", "second"}.rate(0.00012), "0.00012/s"},
		{"large rate", units{1, "/s", "second"}.rate(123456.7), "123457/s"},
		{"rate per minute", units{60, "/min", "minute"}.rate(2), "120/min"},
		{"column", number(100), "100.0"},
		{"no number", number(math.NaN()), "–"},
		{"all", percent(1), "100 %"},
		{"nearly all", percent(0.999999), "99.99 %"},
		{"half", percent(0.5), "50 %"},
		{"microseconds", span(0.24), "240 µs"},
		{"milliseconds", span(20.41), "20.4 ms"},
		{"seconds", span(1240), "1.24 s"},
		{"nothing", span(0), "–"},
		{"rounds up to a second", span(999.7), "1 s"},
		{"column of nothing", milliseconds(0), "–"},
		{"column of much", milliseconds(12345.6), "12346"},
		{"short", lasting(4.25), "4.2 s"},
		{"rounds up to a minute", lasting(59.97), "1 min"},
		{"minutes", lasting(91.4), "1 min 31 s"},
		{"hours", lasting(7500), "2 h 5 min"},
		{"control characters", printable("a\x1b[2Jb\nc\u202ed"), "a�[2Jb c�d"},
		{"cut", cut("abcdef", 4), "abc…"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestAxes(t *testing.T) {
	label := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Float64Range(1e-3, 1e5).Draw(t, "lo")
		hi := lo * rapid.Float64Range(1.001, 1e6).Draw(t, "ratio")
		for name, a := range map[string]axis{
			"linear": linear(0, hi, 6, label), "near": linear(lo, hi, 6, label), "logarithmic": logarithmic(lo, hi, label), "doubling": doubling(hi),
		} {
			a.from, a.to = 60, 900
			if len(a.ticks) < 1 || len(a.ticks) > 60 {
				t.Fatalf("%s axis over %g to %g has %d ticks", name, lo, hi, len(a.ticks))
			}
			last := math.Inf(-1)
			for _, tick := range a.ticks {
				if at := a.at(tick.value); at <= last || at < a.from-1e-6 || at > a.to+1e-6 || math.IsNaN(at) {
					t.Fatalf("%s axis over %g to %g: tick %s lies at %g after %g", name, lo, hi, tick.label, at, last)
				} else {
					last = at
				}
			}
			if at := a.at(hi); at < a.from-1e-6 || at > a.to+1e-6 {
				t.Fatalf("%s axis over %g to %g does not reach its end: %g", name, lo, hi, at)
			}
		}
		if a := logarithmic(lo, hi, label); a.lo > lo*(1+1e-9) || a.hi < hi*(1-1e-9) {
			t.Fatalf("logarithmic(%g, %g) spans %g to %g", lo, hi, a.lo, a.hi)
		}
	})
}
