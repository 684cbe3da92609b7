package proof

import (
	"math"
	"strings"
	"testing"
	"time"

	"plimsoll/slo"

	"pgregory.net/rapid"
)

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		texts     []string
		want, err string
	}{
		{texts: []string{"recover: 6m, errors: 0.5%, back-to-min: 30m, flaps: 0"}, want: "6m0s 0.005 30m0s 0"},
		{texts: []string{"recover=6m", " errors = 0.005 ", "back-to-min=30m", "flaps=2"}, want: "6m0s 0.005 30m0s 2"},
		{texts: []string{"recover"}, err: "has no value"},
		{texts: []string{"recover: 6"}, err: "unit"},
		{texts: []string{"recover: -6m"}, err: "above zero"},
		{texts: []string{"back-to-min: 48h"}, err: "at most"},
		{texts: []string{"errors: 0%"}, err: "excluded"},
		{texts: []string{"errors: 5"}, err: "share"},
		{texts: []string{"errors: NaN"}, err: "share"},
		{texts: []string{"flaps: -1"}, err: "changes of direction"},
		{texts: []string{"flaps: few"}, err: "changes of direction"},
		{texts: []string{"speed: 9m"}, err: `"speed" is unknown`},
		{texts: []string{"flaps: 0", "flaps: 1"}, err: "asked twice"},
		{texts: []string{"flaps: x, recover: y"}, err: "\n"},
	} {
		var o Objective
		err := o.Ask(c.texts...)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || o != (Objective{}) {
				t.Errorf("Ask(%q): %v and %+v, want an error with %q and nothing changed", c.texts, err, o, c.err)
			}
			continue
		}
		if err != nil || !o.AskedByUser {
			t.Errorf("Ask(%q): %v", c.texts, err)
			continue
		}
		got := strings.Join([]string{o.Recover.String(), figure(o.Errors), o.BackToMin.String(), figure(float64(*o.Flaps))}, " ")
		if got != c.want {
			t.Errorf("Ask(%q) = %s, want %s", c.texts, got, c.want)
		}
	}
}

func FuzzAsk(f *testing.F) {
	f.Add("recover: 6m, errors: 0.5%, back-to-min: 30m, flaps: 0")
	f.Add("errors==,")
	f.Fuzz(func(t *testing.T, text string) {
		var o Objective
		if err := o.Ask(text); err != nil && o != (Objective{}) {
			t.Errorf("Ask(%q): %v, and it is %+v", text, err, o)
		}
		if o.Recover < 0 || o.BackToMin < 0 || !(o.Errors >= 0 && o.Errors < 1) || o.Flaps != nil && *o.Flaps < 0 {
			t.Errorf("Ask(%q) = %+v", text, o)
		}
	})
}

func TestObjectiveOf(t *testing.T) {
	quantile, _ := slo.Parse("p99=200ms")
	if o := ObjectiveOf(quantile); o.Name != "p99=200ms" || o.Limit != Span(200*time.Millisecond) || math.Abs(o.BadShare-0.01) > 1e-12 || o.Mean {
		t.Errorf("of p99=200ms it is %+v", o)
	}
	mean, _ := slo.Parse("mean=50ms")
	o := ObjectiveOf(mean)
	if good, slow := (tally{offered: 10, successes: 10, sumMs: 400}), (tally{offered: 10, successes: 10, sumMs: 600}); !o.Mean || !o.keeps(good) || o.keeps(slow) {
		t.Errorf("of mean=50ms it is %+v", o)
	}
}

// Parts of the written objective that were missed, with the verdict that each gives.
func TestUnmetObjective(t *testing.T) {
	for _, c := range []struct {
		asked   string
		verdict Verdict
		met     bool
	}{
		{"recover: 12m", Works, true},
		{"recover: 6m", NoProtection, false},
		{"errors: 3%", Works, true},
		{"errors: 1%", NoProtection, false},
		{"back-to-min: 30m", Works, true},
		{"back-to-min: 10m", WorksSlowly, false},
		{"flaps: 0", Works, true},
	} {
		o := perfect(t, usual())
		if err := o.Objective.Ask(c.asked); err != nil {
			t.Fatal(err)
		}
		r := Judge(o)
		if len(r.Objectives) != 1 || !r.Objectives[0].Judged || r.Objectives[0].Met != c.met || r.Verdict != c.verdict {
			t.Errorf("%s: %+v, %q; want met=%v, %q", c.asked, r.Objectives, r.Verdict, c.met, c.verdict)
		}
	}
}

// What was cut short is not met, and not missed.
func TestObjectiveIsNotJudgedWhenCutShort(t *testing.T) {
	o := perfect(t, usual())
	if err := o.Objective.Ask("errors: 0.5%, back-to-min: 30m, flaps: 0"); err != nil {
		t.Fatal(err)
	}
	o.Phases = o.Phases[:2]
	for _, f := range Judge(o).Objectives {
		if f.Judged || f.Met {
			t.Errorf("%+v, want it not judged", f)
		}
	}
}

// P(X ≥ k) of n = 10, p = 0.5 by counting: 1, 11, 56, 176 of 1024 for 10, 9, 8, 7.
func TestTail(t *testing.T) {
	for k, of1024 := range map[int64]float64{10: 1, 9: 11, 8: 56, 7: 176} {
		if got := tail(10, k, 0.5); math.Abs(got-of1024/1024) > 1e-9 {
			t.Errorf("tail(10, %d, 0.5) = %v, want %v", k, got, of1024/1024)
		}
	}
	// Poisson with mean 1 as the limit: P(X ≥ 4) = 1 − e⁻¹ (1 + 1 + 1/2 + 1/6) = 0.018988.
	if got := tail(1e7, 4, 1e-7); math.Abs(got-0.018988) > 1e-5 {
		t.Errorf("tail(1e7, 4, 1e-7) = %v, want 0.018988", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1e6).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		got, next := tail(n, k, p), tail(n, k+1, p)
		if !(got >= 0 && got <= 1) || next > got+1e-9 {
			t.Fatalf("tail(%d, %d, %v) = %v and of one more %v", n, k, p, got, next)
		}
	})
}
