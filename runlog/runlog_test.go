package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/experiment"
)

func TestRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "parents", "run")
	w := create(t, dir)
	var events []experiment.Event
	for _, e := range []experiment.Event{
		{SchemaVersion: 1, Kind: experiment.RunStarted, At: began},
		{SchemaVersion: 1, Kind: experiment.TrialProgress, At: began, Live: &experiment.Live{Requests: 3}},
		finished(1, 100), finished(2, 50),
		{SchemaVersion: 1, Kind: experiment.Noted, At: began, Note: "a note"},
	} {
		events = append(events, e)
		w.Observe(e)
	}
	result := experiment.Result{SchemaVersion: 1, Command: "find", Status: experiment.Complete, Started: began, Trials: []experiment.Trial{*events[2].Trial, *events[3].Trial}}
	w.Observe(over(&result))
	shut(t, w)

	run := read(t, dir)
	if diff := cmp.Diff(samplePlan(), run.Plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	want := []experiment.Recorded{recorded(events[2]), recorded(events[3])}
	if diff := cmp.Diff(want, run.Trials); diff != "" {
		t.Errorf("trials (-want +got):\n%s", diff)
	}
	if run.Result == nil || cmp.Diff(result.Trials, run.Result.Trials) != "" || run.Load != nil {
		t.Errorf("result = %+v, load = %v, want the result that was observed", run.Result, run.Load)
	}
	if !run.Finished {
		t.Error("the run is over, and Finished is false")
	}
	if len(run.Notes) != 0 {
		t.Errorf("notes = %q, want none", run.Notes)
	}
	if kinds := strings.Join(eventKinds(t, dir), " "); kinds != "run_started trial_progress trial_finished trial_finished note run_finished" {
		t.Errorf("events file has %s", kinds)
	}
}

func recorded(e experiment.Event) experiment.Recorded {
	return experiment.Recorded{Trial: *e.Trial, Proposed: e.Evidence.Proposed, Observation: e.Evidence.Observation, NextRequest: e.Evidence.NextRequest}
}

// TestARunThatGoesOnIsNotFinished, although the result of its earlier part is there.
func TestARunThatGoesOnIsNotFinished(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w := create(t, dir)
	w.Observe(over(&experiment.Result{SchemaVersion: 1, Command: "find", Status: experiment.Partial}))
	shut(t, w)
	w, _, err := Resume(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.Observe(experiment.Event{SchemaVersion: 1, Kind: experiment.RunStarted, At: began})
	shut(t, w)
	if run := read(t, dir); run.Finished || run.Result == nil {
		t.Errorf("resumed and not ended: finished %v, result %v; want false and that of before", run.Finished, run.Result)
	}
}

func eventKinds(t *testing.T, dir string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, EventsFile))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for line := range bytes.Lines(content) {
		var e experiment.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("line %q of the events: %v", line, err)
		}
		kinds = append(kinds, string(e.Kind))
	}
	return kinds
}

func TestHistograms(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 2)
	got, err := read(t, dir).Histograms()
	if err != nil || len(got) != 6 {
		t.Fatalf("Histograms() gave %d and %v, want six and no error", len(got), err)
	}
	for _, tag := range []string{"0001.response", "0001.service", "0001.lateness", "0002.response"} {
		h := got[tag]
		if h == nil {
			t.Fatalf("Histograms() has no %s", tag)
		}
		if p := h.Quantile(0.5); (p-50*time.Millisecond).Abs() > time.Millisecond || h.Count() != 100 {
			t.Errorf("%s: %d durations with median %v, want 100 with 50ms", tag, h.Count(), p)
		}
	}
}

func TestLoadResult(t *testing.T) {
	dir := t.TempDir()
	plan := samplePlan()
	plan.Command, plan.Search = "load", nil
	w, err := Create(dir, plan)
	if err != nil {
		t.Fatal(err)
	}
	w.Observe(experiment.Event{SchemaVersion: 1, Kind: experiment.RunFinished, Load: &experiment.LoadResult{SchemaVersion: 1, Measured: experiment.Measured{Requests: 12}}})
	shut(t, w)
	if run := read(t, dir); run.Load == nil || run.Load.Requests != 12 || run.Result != nil {
		t.Errorf("load = %+v, result = %v, want 12 requests and none", run.Load, run.Result)
	}
}

func TestCreateRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := samplePlan()
	old.SchemaVersion = 0
	for _, c := range []struct {
		name, dir string
		plan      experiment.Plan
		vacant    bool
		want      []string
	}{
		{"a directory that is not empty", full, samplePlan(), false, []string{full, "--dir", "--resume"}},
		{"a file", filepath.Join(full, "mine.txt"), samplePlan(), false, []string{"mine.txt", "--dir"}},
		{"a place below a file", filepath.Join(full, "mine.txt", "run"), samplePlan(), false, []string{"mine.txt", "--dir"}},
		{"a plan without version", filepath.Join(full, "run"), old, true, []string{"schema version 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := CheckVacant(c.dir); (err == nil) != c.vacant {
				t.Errorf("CheckVacant(%s) = %v", c.dir, err)
			}
			_, err := Create(c.dir, c.plan)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Create gave error %v, want it to contain %q", err, want)
				}
			}
		})
	}
	if entries, _ := os.ReadDir(full); len(entries) != 1 {
		t.Errorf("the refused directory has %d entries, want the one that it had", len(entries))
	}
}

func TestSecondWriterIsRefused(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir)
	w.Observe(finished(1, 10))
	if _, _, err := Resume(dir); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("Resume of a run that is being written: error %v, want one of another process", err)
	}
	w.Observe(finished(2, 10))
	shut(t, w)
	if n := len(read(t, dir).Trials); n != 2 {
		t.Errorf("the run has %d trials, want 2", n)
	}
	again, _, err := Resume(dir)
	if err != nil {
		t.Fatalf("Resume after the writer has ended: %v", err)
	}
	shut(t, again)
}

func TestCrashedRun(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		trials int
		note   string
	}{
		{"whole", func(*testing.T, string) {}, 3, "no result"},
		{"trial line cut", cut(TrialsFile, 40), 2, "cut off"},
		{"newline lost", cut(TrialsFile, 1), 2, "cut off"},
		{"zeros after a power failure", pad(TrialsFile, make([]byte, 100)), 3, "cut off"},
		{"zeros and a newline", pad(TrialsFile, append(make([]byte, 100), '\n')), 3, "cut off"},
		{"event line cut", cut(EventsFile, 5), 3, "no result"},
		{"histogram line cut", cut(HistogramsFile, 30), 3, "no result"},
		{"histograms of a trial that is not there", func(t *testing.T, dir string) {
			cut(TrialsFile, 40)(t, dir)
		}, 2, "cut off"},
		{"no trials yet", remove(TrialsFile, EventsFile, HistogramsFile), 0, "no result"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, 3)
			c.damage(t, dir)
			run := read(t, dir)
			if len(run.Trials) != c.trials || !strings.Contains(strings.Join(run.Notes, "\n"), c.note) {
				t.Errorf("Open found %d trials and notes %q, want %d and a note of %q", len(run.Trials), run.Notes, c.trials, c.note)
			}
			if _, err := run.Histograms(); err != nil {
				t.Errorf("Histograms(): %v", err)
			}
			resumeAndCheck(t, dir, c.trials)
		})
	}
}

// resumeAndCheck goes on after n trials and wants a run without a fault.
func resumeAndCheck(t *testing.T, dir string, n int) {
	t.Helper()
	w, run, err := Resume(dir)
	if err != nil || len(run.Trials) != n {
		t.Fatalf("Resume gave %+v and error %v, want %d trials", run, err, n)
	}
	next := finished(n+1, 70)
	w.Observe(next)
	w.Observe(over(&experiment.Result{SchemaVersion: 1, Command: "find", Trials: make([]experiment.Trial, n+1)}))
	shut(t, w)
	after := read(t, dir)
	if len(after.Trials) != n+1 || len(after.Notes) != 0 {
		t.Fatalf("after the resumption: %d trials, notes %q, want %d and none", len(after.Trials), after.Notes, n+1)
	}
	if diff := cmp.Diff(recorded(next), after.Trials[n]); diff != "" {
		t.Errorf("resumed trial (-want +got):\n%s", diff)
	}
	histograms, err := after.Histograms()
	if h := histograms[Tag(n+1, "response")]; err != nil || h == nil || h.Count() != 70 {
		t.Errorf("histogram of the resumed trial: %v, error %v, want 70 durations", h, err)
	}
	eventKinds(t, dir) // every line must be whole
}

func cut(name string, n int64) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err == nil {
			err = os.Truncate(path, info.Size()-n)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func pad(name string, with []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.Write(with)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(names ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		for _, name := range names {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name, file, content string
		want                []string
	}{
		{"no plan", "", "", []string{"no run directory", PlanFile}},
		{"a newer plan", PlanFile, `{"schema_version": 2}`, []string{PlanFile, "schema version 2", "newer plimsoll"}},
		{"a newer trial", TrialsFile, `{"schema_version": 3}` + "\n", []string{TrialsFile + " line 1", "newer plimsoll"}},
		{"a newer result", ResultFile, `{"schema_version": 2}`, []string{ResultFile, "newer plimsoll"}},
		{"another plan", PlanFile, `{"name": "x"}`, []string{PlanFile, "not a file of plimsoll"}},
		{"damage in the middle", TrialsFile, "{\"sch\n{\"schema_version\":1}\n", []string{TrialsFile + " line 1"}},
		{"a field of the wrong type", TrialsFile, `{"schema_version":1,"trial":{"number":"one"}}` + "\n", []string{TrialsFile + " line 1", "number"}},
		{"trials out of order", TrialsFile, strings.Repeat(`{"schema_version":1,"trial":{"number":2}}`+"\n", 2), []string{"trial 2 after trial 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.file != "" {
				write(t, dir, 0)
				if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before, _ := os.ReadDir(dir)
			_, err := Open(dir)
			_, _, resumed := Resume(dir)
			for _, want := range append(c.want, dir) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Open gave error %v, want it to contain %q", err, want)
				}
			}
			if after, _ := os.ReadDir(dir); resumed == nil || len(after) != len(before) {
				t.Errorf("Resume gave error %v and left %d files of %d", resumed, len(after), len(before))
			}
		})
	}
}

func TestUnknownFieldsAreLeftOut(t *testing.T) {
	got, _, err := parseTrials([]byte(`{"schema_version":1,"new":{"a":1},"trial":{"number":4,"newer":2}}` + "\n"))
	if err != nil || len(got) != 1 || got[0].Trial.Number != 4 {
		t.Errorf("parseTrials of a line with unknown fields gave %v and error %v, want trial 4", got, err)
	}
}

func TestAtomicWrite(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir)
	if err := w.WriteReport(func(out io.Writer) error { _, err := io.WriteString(out, "first"); return err }); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := w.WriteReport(func(out io.Writer) error { _, _ = io.WriteString(out, "sec"); return broken })
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), ReportFile) {
		t.Errorf("WriteReport gave error %v, want one that names the file and wraps the cause", err)
	}
	content, err := os.ReadFile(filepath.Join(dir, ReportFile))
	if err != nil || string(content) != "first" {
		t.Errorf("after a failed write the report is %q (%v), want the one before", content, err)
	}
	shut(t, w)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("a failed write left %s", e.Name())
		}
	}
}

func TestDefaultDir(t *testing.T) {
	state, home := t.TempDir(), t.TempDir()
	now := time.Date(2026, 11, 24, 16, 4, 5, 0, time.FixedZone("", 3600))
	taken := filepath.Join(state, "plimsoll", "runs", "2026-11-24T15-04-05Z-load")
	for _, dir := range []string{taken, taken + "-2"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, command, xdg, home, want string
	}{
		{"state home", "find", state, home, filepath.Join(state, "plimsoll", "runs", "2026-11-24T15-04-05Z-find")},
		{"taken twice", "load", state, home, taken + "-3"},
		{"home", "find", "", home, filepath.Join(home, ".local", "state", "plimsoll", "runs", "2026-11-24T15-04-05Z-find")},
		{"relative state home", "find", "state", home, filepath.Join(home, ".local", "state", "plimsoll", "runs", "2026-11-24T15-04-05Z-find")},
		{"neither", "find", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DefaultDir(c.command, now, func(name string) string {
				return map[string]string{"XDG_STATE_HOME": c.xdg, "HOME": c.home}[name]
			})
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("DefaultDir = %q, error %v, want %q", got, err, c.want)
			}
		})
	}
}

func FuzzTrials(f *testing.F) {
	line, err := json.Marshal(trialLine{SchemaVersion: 1, Recorded: recorded(finished(1, 3))})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(line, '\n'))
	f.Add(line[:len(line)/2])
	f.Add([]byte("{\"schema_version\":1,\"trial\":{\"number\":1}}\n{\"schema_version\":1,\"trial\":{\"number\":2}}\n{"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		trials, whole, err := parseTrials(content)
		if err != nil {
			return
		}
		if whole < 0 || whole > int64(len(content)) {
			t.Fatalf("parseTrials: %d whole bytes of %d", whole, len(content))
		}
		again, size, err := parseTrials(content[:whole])
		if err != nil || size != whole || cmp.Diff(trials, again) != "" {
			t.Fatalf("parseTrials of the whole lines alone: %d trials of %d, %d bytes of %d, error %v", len(again), len(trials), size, whole, err)
		}
	})
}
