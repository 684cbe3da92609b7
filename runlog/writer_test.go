package runlog

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"plimsoll/experiment"
)

// smallDisk takes so many writes and is then full, in the middle of one.
type smallDisk struct {
	storage
	writes int
}

func (d *smallDisk) WriteAt(p []byte, at int64) (int, error) {
	if d.writes--; d.writes >= 0 {
		return d.storage.WriteAt(p, at)
	}
	n, err := d.storage.WriteAt(p[:len(p)/2], at)
	return n, errors.Join(err, &os.PathError{Op: "write", Path: "disk", Err: syscall.ENOSPC})
}

func TestFullDisk(t *testing.T) {
	for _, c := range []struct {
		name string
		file func(*Writer) **appender
		want string
	}{
		{"trials", func(w *Writer) **appender { return &w.trials }, TrialsFile},
		{"histograms", func(w *Writer) **appender { return &w.histograms }, HistogramsFile},
		{"events", func(w *Writer) **appender { return &w.events }, EventsFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			w := create(t, dir)
			a := *c.file(w)
			a.file = &smallDisk{storage: a.file, writes: 1}
			w.Observe(finished(1, 100))
			w.Observe(finished(2, 100))
			w.Observe(finished(3, 100))
			w.Observe(over(&experiment.Result{SchemaVersion: 1, Command: "find", Trials: make([]experiment.Trial, 3)}))
			err := w.Close()
			if !errors.Is(err, syscall.ENOSPC) || !errors.Is(w.Err(), syscall.ENOSPC) {
				t.Fatalf("Close() gave %v and Err() %v, want both to be ENOSPC", err, w.Err())
			}
			for _, want := range []string{filepath.Join(dir, c.want), "free some space", "go on with plimsoll find --resume " + dir} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Close() gave %q, want it to contain %q", err, want)
				}
			}
			checkKept(t, dir)
		})
	}
}

// checkKept wants what was recorded before the disk was full, whole, and the
// result, for which there was room.
func checkKept(t *testing.T, dir string) {
	t.Helper()
	run := read(t, dir)
	if n := len(run.Trials); n != 1 && n != 2 {
		t.Errorf("%d trials are kept, want those before the disk was full", n)
	}
	if run.Result == nil {
		t.Error("the result was not written")
	}
	for _, name := range []string{EventsFile, TrialsFile, HistogramsFile} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasSuffix(string(content), "\n") {
			t.Errorf("%s ends with half a line (error %v)", name, err)
		}
	}
	resumeAndCheck(t, dir, len(run.Trials))
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	unwritable := samplePlan()
	unwritable.Search.Precision = math.NaN() // JSON has no such number: the plan cannot be written
	parent := t.TempDir()
	dir, empty := filepath.Join(parent, "run"), t.TempDir()
	for _, d := range []string{dir, empty} {
		if _, err := Create(d, unwritable); err == nil {
			t.Errorf("Create(%s) with a plan that cannot be written gave no error", d)
		}
	}
	for _, d := range []string{parent, empty} {
		if entries, err := os.ReadDir(d); err != nil || len(entries) != 0 {
			t.Errorf("a failed Create left %v in %s (error %v)", entries, d, err)
		}
	}
}

// blocked is a disk that waits.
type blocked struct {
	storage
	until chan struct{}
}

func (b *blocked) WriteAt(p []byte, at int64) (int, error) {
	<-b.until
	return b.storage.WriteAt(p, at)
}

func TestSlowDiskLeavesOutProgressOnly(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := create(t, dir)
		until := make(chan struct{})
		w.events.file = &blocked{storage: w.events.file, until: until}
		for range 10 * queueLength {
			w.Observe(experiment.Event{SchemaVersion: 1, Kind: experiment.TrialProgress, Live: &experiment.Live{}})
		}
		for i := range queueLength / 4 {
			w.Observe(finished(i+1, 1)) // must find room at once: a deadlock otherwise
		}
		close(until)
		shut(t, w)
	})
	run := read(t, dir)
	if len(run.Trials) != queueLength/4 {
		t.Errorf("%d trials are recorded, want %d", len(run.Trials), queueLength/4)
	}
	kinds := eventKinds(t, dir)
	content, _ := os.ReadFile(filepath.Join(dir, EventsFile))
	if last := kinds[len(kinds)-1]; last != string(experiment.Noted) || !strings.Contains(string(content), "looks at running trials are not in this file") {
		t.Errorf("the last event is %s, want a note of what was left out", last)
	}
}
