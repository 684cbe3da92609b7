package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"plimsoll/capacity"
	"plimsoll/experiment"
)

func TestTrialRowsGolden(t *testing.T) {
	rows := []string{TrialHeader()}
	trials := runTrials()
	overloaded := trials[8]
	overloaded.Overloaded, overloaded.Errors, overloaded.Late, overloaded.Dropped, overloaded.Unanswered = true, map[string]int64{"http_5xx": 1200, "timeout": 4}, 31, 12, 55
	overloaded.Response.P99, overloaded.Rate, overloaded.Offered, overloaded.SuccessRatio = 12345, 12345.678, 12345.678, 0.99999
	silent := trials[0]
	silent.Response, silent.Service, silent.Successes, silent.SuccessRatio, silent.Verdict.Outcome = experiment.Quantiles{}, experiment.Quantiles{}, 0, 0, experiment.Invalid
	for _, trial := range append(trials, overloaded, silent) {
		rows = append(rows, TrialRow(trial, false))
	}
	rows = append(rows, TrialRow(trials[8], true))
	golden(t, "rows.txt", strings.Join(rows, "\n")+"\n")
}

func TestTrialRowFitsItsColumns(t *testing.T) {
	const widest = 110
	if n := utf8.RuneCountInString(TrialHeader()); n > widest {
		t.Errorf("TrialHeader() has %d columns, want at most %d", n, widest)
	}
	verdict := strings.Index(TrialHeader(), "verdict")
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0, 1e6)
		ms := rapid.Float64Range(0, 600_000)
		outcome := rapid.SampledFrom([]string{experiment.Held, experiment.Missed, experiment.Undecided, experiment.Invalid}).Draw(t, "outcome")
		trial := experiment.Trial{
			Number: rapid.IntRange(1, 999).Draw(t, "number"), Phase: rapid.SampledFrom([]capacity.Phase{capacity.Baseline, capacity.Bracket, "load"}).Draw(t, "phase"),
			Concurrency: rapid.IntRange(0, 100_000).Draw(t, "concurrency"), Rate: rate.Draw(t, "rate"),
			Measured: experiment.Measured{
				Offered: rate.Draw(t, "offered"), Achieved: rate.Draw(t, "achieved"), SuccessRatio: rapid.Float64Range(0, 1).Draw(t, "ratio"),
				Response: experiment.Quantiles{P50: ms.Draw(t, "p50"), P99: ms.Draw(t, "p99")}, Service: experiment.Quantiles{P99: ms.Draw(t, "service")},
				Late: rapid.Int64Range(0, 1e9).Draw(t, "late"), Dropped: rapid.Int64Range(0, 1e9).Draw(t, "dropped"),
				Errors: map[string]int64{"http_5xx": rapid.Int64Range(0, 1e9).Draw(t, "failed")},
			},
			Verdict: experiment.Verdict{Outcome: outcome},
		}
		row := []rune(TrialRow(trial, false))
		if len(row) > widest || string(row[verdict:]) != outcome {
			t.Fatalf("TrialRow is %d columns wide with %q in the verdict's: %s", len(row), string(row[min(verdict, len(row)):]), string(row))
		}
	})
}
