package runlog

import (
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/latency"
)

var began = time.Date(2026, 11, 24, 15, 4, 5, 0, time.UTC)

func samplePlan() experiment.Plan {
	search := capacity.DefaultPlan()
	return experiment.Plan{
		SchemaVersion: experiment.SchemaVersion, Plimsoll: "0.1.0", Command: "find", Created: began,
		Endpoint:   experiment.Endpoint{URL: "http://127.0.0.1:8080/invocations", Method: "POST", TimeoutSeconds: 60},
		Objectives: []string{"p99=200ms"}, Arrivals: experiment.ArrivalsPoisson, Seed: 7,
		Search: &search, Target: &experiment.TargetPlan{SafetyFactor: 0.5, From: experiment.FromLow},
	}
}

// finished is the event of a trial, with three histograms of n durations.
func finished(number, n int) experiment.Event {
	h := latency.New()
	for i := range n {
		h.Record(time.Duration(i+1) * time.Millisecond)
	}
	trial := experiment.Trial{
		Number: number, Phase: capacity.Bracket, Why: "above the peak", Rate: 170, Started: began, SettleSeconds: 1, WindowSeconds: 5,
		Measured: experiment.Measured{Requests: int64(n), Successes: int64(n), Errors: map[string]int64{"http_5xx": 2}, Doubts: []string{}},
		Verdict:  experiment.Verdict{Outcome: experiment.Held, Findings: []experiment.Finding{}},
	}
	return experiment.Event{
		SchemaVersion: experiment.SchemaVersion, Kind: experiment.TrialFinished, At: began, Trial: &trial,
		Evidence: &experiment.Evidence{
			NextRequest: uint64(1000 * number),
			Proposed:    capacity.Trial{Number: number, Phase: capacity.Bracket, Rate: 170, Measure: 5 * time.Second, SlowAbove: []time.Duration{200 * time.Millisecond}},
			Observation: capacity.Observation{Offered: int64(n), Successes: int64(n), Slow: []int64{3}, Window: 5 * time.Second, Bins: []capacity.Bin{{Offered: 9, Slow: []int64{1}}}},
			Response:    h, Service: h, Lateness: h,
		},
	}
}

func over(r *experiment.Result) experiment.Event {
	return experiment.Event{SchemaVersion: experiment.SchemaVersion, Kind: experiment.RunFinished, At: began, Result: r}
}

func create(t *testing.T, dir string) *Writer {
	t.Helper()
	w, err := Create(dir, samplePlan())
	if err != nil {
		t.Fatalf("Create(%s): %v", dir, err)
	}
	return w
}

// write makes a run of trials 1 to n.
func write(t *testing.T, dir string, n int) {
	t.Helper()
	w := create(t, dir)
	for i := range n {
		w.Observe(finished(i+1, 100))
	}
	shut(t, w)
}

func shut(t *testing.T, w *Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatalf("Close(): %v", err)
	}
}

func read(t *testing.T, dir string) *Run {
	t.Helper()
	run, err := Open(dir)
	if err != nil {
		t.Fatalf("Open(%s): %v", dir, err)
	}
	return run
}
