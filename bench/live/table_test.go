package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
)

// recorded are blocks of two servers and runs of one, as a measurement writes them.
func recorded(t *testing.T) []byte {
	t.Helper()
	var text bytes.Buffer
	out := &records{out: &text}
	put := func(r record) {
		if err := out.write(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range blocksOf(400, 40, 20_000, 1, 8, 7) {
		put(record{Block: &block{Server: "mmc/9", Kind: openLoop, Objective: "p99=250ms", Rate: p.rate, Seconds: 60, Requests: int64(p.total), Bad: int64(p.bad), Answers: &lateness{P50: 0.05, P99: 0.4}}})
	}
	put(record{Block: &block{Server: "mmc/9", Kind: openLoop, Objective: "p99=250ms", Rate: 400, Seconds: 60, Requests: 20_000, Bad: 20_000, Doubts: []string{"late"}}})
	for i := range 6 {
		put(record{Block: &block{Server: "satur/11", Kind: closedLoop, Objective: "p99=2s", Parallel: 64, Seconds: 60, Completed: 60 * int64(372+i%3)}})
	}
	for i, peak := range []float64{396, 400, 404, 398, 402} {
		put(record{Run: &run{Server: "mmc/9", Objective: "p99=250ms", Number: i + 1, Peak: peak, Low: peak - 3, High: peak + 3, Cause: capacity.CauseLatency, Valid: true}})
	}
	return text.Bytes()
}

func TestTableOfRecords(t *testing.T) {
	name := filepath.Join(t.TempDir(), "records.jsonl")
	// The crash came in the middle of a line.
	if err := os.WriteFile(name, append(recorded(t), `{"block":{"server":"mm`...), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := readRecords([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(table(all), "\n")
	mmc := strings.Split(lines[2], " | ")
	want := []string{"| mmc/9", "p99=250ms", "385.4 ± 0.4", "", "396.0, 400.0, 404.0, 398.0, 402.0", "2.0 %", "0.8 %", "", "", "5 of 5 |"}
	for i, cell := range want {
		if cell != "" && mmc[i] != cell {
			t.Errorf("cell %d is %q, want %q", i, mmc[i], cell)
		}
	}
	if r := rows(all)[0]; r.why != nil || r.live.peak < 398 || r.live.peak > 402 || r.live.doubts != 1 || r.live.held != 41 || r.covered() != "3 of 5" {
		t.Errorf("live truth %+v (%v), covered %s; want about 400/s from 41 blocks less 1, 3 of 5", r.live, r.why, r.covered())
	}
	// 373/s × the model's peak over its saturation.
	in, err := instance("satur/11")
	if err != nil {
		t.Fatal(err)
	}
	r := rows(all)[1]
	if wanted := 373 * in.Truth().Peak / in.Around; r.why != nil || !near(r.live.peak, wanted) || r.live.used != 6 {
		t.Errorf("live truth %+v (%v), want %.1f/s", r.live, r.why, wanted)
	}
}

func near(a, b float64) bool { return a > b*0.9999 && a < b*1.0001 }

func TestBrokenRecordIsNamed(t *testing.T) {
	_, err := decode(strings.NewReader("{\"run\":{}}\nnonsense\n"), "some.jsonl")
	if err == nil || !strings.HasPrefix(err.Error(), "some.jsonl, line 2: ") {
		t.Errorf("error %v, want file and line", err)
	}
}

func TestMissingRunsAreNotCovered(t *testing.T) {
	r := row{live: truth{peak: 400}, runs: []run{{Peak: 400, Low: 390, High: 410, Valid: true}, {Low: 0, High: 0}}}
	if got := r.covered(); got != "1 of 2" {
		t.Errorf("covered %s, want 1 of 2", got)
	}
	if got := r.spread(); got != unknown {
		t.Errorf("spread of one valid run %s, want none", got)
	}
}

func TestLateAnswersAreDoubted(t *testing.T) {
	for _, each := range []struct {
		late lateness
		want int
	}{{lateness{P50: 0.1, P99: 1}, 0}, {lateness{P50: 0.4, P99: 1}, 1}, {lateness{P50: 0.1, P99: 2.5}, 1}, {lateness{P50: 3, P99: 5}, 2}} {
		if got := each.late.doubts(30 * time.Millisecond); len(got) != each.want {
			t.Errorf("%+v: doubts %q, want %d", each.late, got, each.want)
		}
	}
}

// A round has five rates on both sides of the estimate, whatever is known.
func TestLadder(t *testing.T) {
	all, err := subjects(eight, realServer{slo: "p99=100ms"}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		rates := ladder(s, nil, rand.New(rand.NewPCG(1, 1)))
		if s.ratio > 0 {
			if !slices.Equal(rates, []float64{0}) {
				t.Errorf("%s: rates %v, want a closed loop", s.name, rates)
			}
			continue
		}
		if len(rates) != 5 || slices.Min(rates) >= s.estimate || slices.Max(rates) <= s.estimate || slices.Max(rates) > 1.2*s.estimate {
			t.Errorf("%s: rates %v around %g", s.name, rates, s.estimate)
		}
	}
	if all[0].name != "mmc/9" {
		t.Fatal(all[0].name)
	}
	var have []block
	for _, p := range blocksOf(375, 30, 30_000, 1, 4, 3) {
		have = append(have, block{Kind: openLoop, Rate: p.rate, Requests: int64(p.total), Bad: int64(p.bad)})
	}
	rates := ladder(all[0], have, rand.New(rand.NewPCG(1, 1)))
	slices.Sort(rates)
	if middle := rates[2]; middle < 372 || middle > 378 {
		t.Errorf("the middle rate is %g after blocks with the peak at 375", middle)
	}
}

func TestUnknownServerIsNamed(t *testing.T) {
	for _, name := range []string{"", "mmc", "mmc/12", "mmc/-1", "mmc/x", "nosuch/1", "leak/7"} {
		if _, err := subjects(name, realServer{slo: "p99=100ms"}, 0, nil); err == nil || !strings.Contains(err.Error(), "-servers") {
			t.Errorf("%q: error %v, want one that names the flag", name, err)
		}
	}
	if _, err := subjects(scikit, realServer{slo: "nonsense"}, 0, nil); err == nil || !strings.Contains(err.Error(), "-slo") {
		t.Errorf("error %v, want one that names the flag", err)
	}
}

func TestFlags(t *testing.T) {
	for _, each := range []struct{ args, want string }{
		{"", "-part"},
		{"-part truth", "-out"},
		{"-part table", "files"},
		{"-part runs -out x -budget 0s", "above zero"},
		{"-part runs -out x y", "arguments"},
		{"-part truth -out x -minutes NaN", "above zero"},
		{"-part truth -out x", ""},
		{"-part table x", ""},
	} {
		_, err := parse(strings.Fields(each.args))
		if (err == nil) != (each.want == "") || err != nil && !strings.Contains(err.Error(), each.want) {
			t.Errorf("%q: error %v, want %q", each.args, err, each.want)
		}
	}
}
