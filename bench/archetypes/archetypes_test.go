package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/internal/archetype"
)

func instance(t *testing.T, family string, k int) archetype.Instance {
	t.Helper()
	for _, f := range archetype.Families() {
		if f.Name == family {
			return f.Instance(k)
		}
	}
	t.Fatalf("no family %q", family)
	return archetype.Instance{}
}

// TestMethodsAnswer: each method ends with an answer to an easy server, the same
// one for the same seed, and the search with the one that is best.
func TestMethodsAnswer(t *testing.T) {
	in := instance(t, "fast", 0)
	for _, m := range append(baselines(), search(60*time.Second)) {
		first, again := m.find(in, 5), m.find(in, 5)
		if !reflect.DeepEqual(first.rate, again.rate) || first.spent != again.spent {
			t.Errorf("%s: %.5g/s in %v, then %.5g/s in %v, want the same for one seed", m.name, first.rate, first.spent, again.rate, again.spent)
		}
		most := 0.6
		if strings.HasPrefix(m.name, "plimsoll") {
			most = 0.05
		}
		if m.name != "perf_analyzer's rule" && first.miss() > most {
			t.Errorf("%s: %.4g/s, truth %.4g/s", m.name, first.rate, in.Truth().Peak)
		}
		if first.spent <= 0 || first.requests <= 0 {
			t.Errorf("%s: cost %v and %.0f requests", m.name, first.spent, first.requests)
		}
	}
}

func TestSummarize(t *testing.T) {
	in := instance(t, "fast", 0)
	truth := in.Truth().Peak
	at := func(share float64, wide, valid bool) run {
		return run{in: in, rate: truth * share, low: truth * share * 0.95, high: truth * share * 1.05, wide: wide, valid: valid, cause: capacity.CauseErrors, spent: 10 * time.Second}
	}
	got := summarize([]run{at(1.01, false, true), at(1.1, true, true), at(0.9, false, false), at(1.02, false, true), {in: in, spent: 10 * time.Second, valid: true, wide: true}})
	want := summary{runs: 5, median: 0.1, p95: 1, within: 0.4, over: 0.2, fail: 0.2, covered: 0.4, worst: 0.02, wide: 0.4, noticed: 0.2, seconds: 10, because: 0, half: 0.05}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"median", got.median, want.median},
		{"p95", got.p95, want.p95},
		{"within", got.within, want.within},
		{"over", got.over, want.over},
		{"fail", got.fail, want.fail},
		{"covered", got.covered, want.covered},
		{"worst", got.worst, want.worst},
		{"wide", got.wide, want.wide},
		{"noticed", got.noticed, want.noticed},
		{"seconds", got.seconds, want.seconds},
		{"because", got.because, want.because},
		{"half", got.half, want.half},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s = %.4g, want %.4g", c.name, c.got, c.want)
		}
	}
}

// TestKnees: the definitions on curves whose answers are known.
func TestKnees(t *testing.T) {
	c := curve{saturation: 100, p50: 0.01, p99: 0.02}
	for i := 1; i < curvePoints; i++ { // p99 = 0.02/(1−ρ)
		rho := float64(i) / curvePoints
		c.rates, c.tails = append(c.rates, 100*rho), append(c.tails, 0.02/(1-rho))
	}
	for n := 1.0; n <= 40; n++ { // USL with σ = 0.1, κ = 0.002, λ = 10
		c.n, c.x = append(c.n, n), append(c.x, 10*n/(1+0.1*(n-1)+0.002*n*(n-1)))
	}
	top := math.Sqrt(0.9 / 0.002)
	for _, k := range []struct {
		name      string
		got, want float64
	}{
		{"derived", knees()[0].at(c), 100 * (1 - 0.02/0.06)}, // p99 at most 0.06
		{"usl", usl(c), 10 * top / (1 + 0.1*(top-1) + 0.002*top*(top-1))},
		{"slope", knees()[5].at(c), 50}, // ρ/(1−ρ) = 1
	} {
		if math.Abs(k.got/k.want-1) > 0.03 {
			t.Errorf("%s = %.4g/s, want %.4g/s", k.name, k.got, k.want)
		}
	}
	if whole, part := c.kneedle(len(c.rates)), c.kneedle(len(c.rates)*3/4); whole <= part {
		t.Errorf("kneedle = %.4g/s, and %.4g/s on a part of the curve: want it to move with the part that is seen", whole, part)
	}
}

// TestReport: what is written replaces what was between the marks, and the plot
// is well-formed.
func TestReport(t *testing.T) {
	name := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(name, []byte("a\n"+begin+"old\n"+end+"b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replacePart(name, "new"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(name); string(got) != "a\n"+begin+"\nnew\n"+end+"b\n" {
		t.Errorf("replacePart wrote %q", got)
	}
	if err := os.WriteFile(name, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replacePart(name, "new"); err == nil {
		t.Error("replacePart of a page without marks: no error, want one")
	}
	in := instance(t, "fast", 0)
	svg := drawPlot([]outcome{{name: "a & b", runs: []run{{in: in, rate: in.Truth().Peak, spent: time.Minute}}}, {name: "1m0s", ours: true, runs: []run{{in: in, rate: 1.02 * in.Truth().Peak, spent: time.Minute}}}})
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the plot is not well-formed: %v\n%s", err, svg)
		}
	}
}

// TestSweepsRecoverLaws of the archetype that has one.
func TestSweepsRecoverLaws(t *testing.T) {
	in := instance(t, "usl", 4)
	law, ok := in.Law()
	if !ok {
		t.Fatal("the archetype usl has no law")
	}
	if u := drawCurve(in, 1, 90*time.Second).USL; u == nil || math.Abs(u.Kappa/law.Kappa-1) > 0.1 || math.Abs(u.Sigma-law.Sigma) > 0.01 {
		t.Errorf("the law is %+v, a sweep finds %+v", law, u)
	}
	if table := compareLaws([]archetype.Instance{in}, 1, 20*time.Second); strings.Count(table, "\n") != 3 || strings.Contains(table, "NaN") {
		t.Errorf("the table is\n%s", table)
	}
}
