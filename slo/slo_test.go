package slo

import (
	"strings"
	"testing"
	"time"

	"plimsoll/latency"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, want, err string
	}{
		{in: "p99=200ms", want: "p99=200ms"},
		{in: " p99.9 = 1s ", want: "p99.9=1s"},
		{in: "mean=50ms", want: "mean=50ms"},
		{in: "success=99.9%", want: "success=99.9%"},
		{in: "success=0.999", want: "success=99.9%"},
		{in: "p99", err: "no value"},
		{in: "p99=", err: "no value"},
		{in: "p99=200", err: "unit"},
		{in: "p99=-1ms", err: "above zero"},
		{in: "p99=1h", err: "at most"},
		{in: "p100=1s", err: "percentile"},
		{in: "px=1s", err: "percentile"},
		{in: "success=100%", err: "excluded"},
		{in: "success=99.9", err: "share"},
		{in: "latency=1s", err: "unknown"},
	} {
		got, err := Parse(c.in)
		switch {
		case c.err == "" && err != nil:
			t.Errorf("Parse(%q): %v", c.in, err)
		case c.err == "" && got.String() != c.want:
			t.Errorf("Parse(%q) = %v, want %s", c.in, got, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("Parse(%q) error = %v, want one with %q", c.in, err, c.err)
		}
	}
}

func TestParseAllRejectsTwoOfOneKind(t *testing.T) {
	if _, err := ParseAll([]string{"p99=200ms", "p99=100ms", "bad"}); err == nil ||
		!strings.Contains(err.Error(), "two for p99") || !strings.Contains(err.Error(), `"bad"`) {
		t.Errorf("ParseAll with two p99 and a bad one: error %v, want both problems", err)
	}
	got, err := ParseAll([]string{"p99=200ms", "p95=100ms", "success=99%"})
	if err != nil || len(got) != 3 {
		t.Errorf("ParseAll of three = %v, %v", got, err)
	}
}

func TestStringIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Objective{Kind: Kind(rapid.IntRange(0, 2).Draw(t, "kind"))}
		if o.Kind != Mean {
			o.Level = float64(rapid.IntRange(1, 99999).Draw(t, "level")) / 100000
		}
		if o.Kind != Success {
			o.Limit = time.Duration(rapid.Int64Range(1, int64(latency.Highest)).Draw(t, "limit"))
		}
		back, err := Parse(o.String())
		if err != nil || back.String() != o.String() {
			t.Fatalf("Parse(%q) = %v, %v", o.String(), back, err)
		}
	})
}

func sample(requests, successes, slow int) Sample {
	h := latency.New()
	for i := range successes {
		if i < slow {
			h.Record(time.Second)
		} else {
			h.Record(10 * time.Millisecond)
		}
	}
	return Sample{Requests: int64(requests), Successes: int64(successes), Response: h}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name      string
		objective string
		sample    Sample
		met       bool
		enough    bool
		reason    string
	}{
		{"p99 held", "p99=200ms", sample(1000, 1000, 10), true, true, "10ms of 1000"},
		{"p99 missed by slow answers", "p99=200ms", sample(1000, 1000, 11), false, true, "p99 1s"},
		{"p99 missed by failures alone", "p99=200ms", sample(1000, 989, 0), false, true, "beyond every success"},
		{"p99 missed by both together", "p99=200ms", sample(1000, 994, 5), false, true, "infinitely slow"},
		{"too few for p99", "p99=200ms", sample(99, 99, 0), false, false, "at least 100"},
		{"p99.9 needs a thousand", "p99.9=1s", sample(999, 999, 0), false, false, "at least 1000"},
		{"few, but beyond repair", "success=99%", sample(50, 0, 0), false, true, "0 %"},
		{"few, one slow", "p99=200ms", sample(50, 50, 1), false, false, "at least 100"},
		{"few, two slow", "p99=200ms", sample(50, 50, 2), false, true, "p99 1s"},
		{"success held", "success=99%", sample(1000, 990, 0), true, true, "99 %"},
		{"success missed", "success=99%", sample(1000, 989, 0), false, true, "98.9 %"},
		{"mean held", "mean=15ms", sample(100, 100, 0), true, true, "10ms"},
		{"mean missed", "mean=15ms", sample(100, 100, 50), false, true, "505ms"},
		{"mean of nothing", "mean=15ms", sample(10, 0, 0), false, true, "0 successes"},
	} {
		o, err := Parse(c.objective)
		if err != nil {
			t.Fatal(err)
		}
		f := o.Judge(c.sample)
		if f.Met != c.met || f.Enough != c.enough || !strings.Contains(f.Reason, c.reason) {
			t.Errorf("%s: Judge = met %v, enough %v, %q; want %v, %v, with %q", c.name, f.Met, f.Enough, f.Reason, c.met, c.enough, c.reason)
		}
	}
}

func TestFailuresNeverHelp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, _ := Parse("p95=100ms")
		n := rapid.IntRange(20, 400).Draw(t, "requests")
		ok := rapid.IntRange(0, n).Draw(t, "successes")
		slow := rapid.IntRange(0, ok).Draw(t, "slow")
		if o.Judge(sample(n, ok, slow)).Met && !o.Judge(sample(n, n, slow)).Met {
			t.Fatalf("p95 met with %d of %d answered, %d slow, and missed with all answered", ok, n, slow)
		}
	})
}

func TestRound(t *testing.T) {
	if got := Round(12345678 * time.Nanosecond); got != 12300*time.Microsecond {
		t.Errorf("Round(12.345678ms) = %v, want 12.3ms", got)
	}
}
