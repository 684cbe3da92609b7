package runlog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll/experiment"

	"github.com/google/go-cmp/cmp"
)

// state is an environment whose state folder is a test's own.
func state(t *testing.T) func(string) string {
	t.Helper()
	dir := t.TempDir()
	return func(name string) string { return map[string]string{"XDG_STATE_HOME": dir}[name] }
}

func changed() Changed {
	return Changed{
		Command: "apply", Variant: experiment.Variant{Endpoint: "demo", Name: "AllTraffic"},
		ARN: "arn:aws:sagemaker:us-east-1:123456789012:endpoint/demo", Region: "us-east-1",
	}
}

func change(n int) experiment.Change {
	return experiment.Change{
		What: experiment.Instances, Current: experiment.Setting{Instances: n}, Desired: experiment.Setting{Instances: n + 1}, Reason: "a <test> of \"quotes\"",
	}
}

func begin(t *testing.T, dir string, getenv func(string) string) *Journal {
	t.Helper()
	j, err := CreateJournal(dir, changed(), getenv)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func intend(t *testing.T, j *Journal, n int) int {
	t.Helper()
	number, err := j.Intend(change(n))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestJournalIsReadBackAsWritten(t *testing.T) {
	getenv, dir := state(t), t.TempDir()
	j := begin(t, dir, getenv)
	first, second := intend(t, j, 1), intend(t, j, 2)
	check(t, j.Made(first))
	check(t, j.Undone(first, "by hand"))
	check(t, j.Close())

	got, err := ReadJournal(dir)
	check(t, err)
	want := Changes{Dir: dir, Changed: changed(), Intents: []experiment.Intent{
		{Number: first, Change: change(1), Made: true, Undone: true}, {Number: second, Change: change(2)},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if !got.Unfinished() {
		t.Error("a journal with a change that is not undone counts as finished")
	}
}

func TestUnfinishedJournalsAreFoundWhereverTheyAre(t *testing.T) {
	getenv := state(t)
	found := func() (dirs []string) {
		t.Helper()
		all, err := Unfinished(getenv)
		check(t, err)
		for _, c := range all {
			dirs = append(dirs, c.Dir)
		}
		return dirs
	}
	if got := found(); got != nil {
		t.Errorf("before any journal, found %v", got)
	}
	crashed, kept, undone, working := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{crashed, kept, undone} {
		j := begin(t, dir, getenv)
		n := intend(t, j, 1)
		switch dir {
		case kept:
			check(t, j.Keep())
		case undone:
			check(t, j.Undone(n, "it was"))
		}
		check(t, j.Close())
	}
	j := begin(t, working, getenv)
	intend(t, j, 1)
	if diff := cmp.Diff([]string{crashed}, found()); diff != "" {
		t.Errorf("unfinished (-want +got):\n%s", diff)
	}
	check(t, j.Close())

	j, err := OpenJournal(crashed, getenv)
	check(t, err)
	check(t, j.Undone(1, "restored"))
	check(t, j.Close())
	if diff := cmp.Diff([]string{working}, found()); diff != "" {
		t.Errorf("unfinished after one was undone (-want +got):\n%s", diff)
	}
}

// TestJournalCutOffAnywhere stops the disk at every byte: what is read is a beginning of
// what was written, and going on from there works.
func TestJournalCutOffAnywhere(t *testing.T) {
	getenv, dir := state(t), t.TempDir()
	j := begin(t, dir, getenv)
	var ends []int64 // of the file, after each call
	ended := func() { ends = append(ends, j.file.size) }
	ended()
	intend(t, j, 1)
	ended()
	check(t, j.Made(1))
	ended()
	intend(t, j, 2)
	ended()
	check(t, j.Undone(2, "it was so"))
	ended()
	check(t, j.Close())
	whole, err := os.ReadFile(filepath.Join(dir, ChangesFile))
	check(t, err)
	full, err := ReadJournal(dir)
	check(t, err)

	for cut := range whole {
		check(t, os.WriteFile(filepath.Join(dir, ChangesFile), whole[:cut], filePermissions))
		got, err := ReadJournal(dir)
		check(t, err)
		lines := 0
		for _, end := range ends {
			if int64(cut) >= end {
				lines++
			}
		}
		want := min(max(0, lines-1), 1) // intended 1 is the second line
		if lines >= 4 {
			want = 2
		}
		if len(got.Intents) != want {
			t.Fatalf("cut off after %d bytes, %d lines: %d intents, want %d", cut, lines, len(got.Intents), want)
		}
		if lines >= 1 && got.Changed != full.Changed {
			t.Fatalf("cut off after %d bytes: it is about %+v", cut, got.Changed)
		}
	}
	// Going on behind half a line.
	check(t, os.WriteFile(filepath.Join(dir, ChangesFile), whole[:len(whole)-3], filePermissions))
	j, err = OpenJournal(dir, getenv)
	check(t, err)
	check(t, j.Undone(2, "again"))
	check(t, j.Undone(1, "again"))
	check(t, j.Close())
	got, err := ReadJournal(dir)
	check(t, err)
	if got.Unfinished() {
		t.Errorf("after undoing all: %+v is unfinished", got)
	}
}

func TestJournalRefuses(t *testing.T) {
	getenv, dir := state(t), t.TempDir()
	j := begin(t, dir, getenv)
	intend(t, j, 1)
	if _, err := CreateJournal(dir, changed(), getenv); err == nil || !strings.Contains(err.Error(), "there is one already") {
		t.Errorf("a second journal in one directory: %v", err)
	}
	if _, err := OpenJournal(dir, getenv); err == nil || !strings.Contains(err.Error(), errBusy.Error()) {
		t.Errorf("opening a journal that is in use: %v, want %v", err, errBusy)
	}
	check(t, j.Close())
	if _, err := OpenJournal(t.TempDir(), getenv); err == nil {
		t.Error("a directory without a journal was opened")
	}
	if err := os.WriteFile(filepath.Join(dir, ChangesFile), []byte(`{"schema_version":1,"entry":"made","number":7}`+"\n"), filePermissions); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadJournal(dir); err == nil || !strings.Contains(err.Error(), "change 7 does not fit") {
		t.Errorf("a journal that makes no sense: %v", err)
	}
}

func TestJournalWithoutChangesLeavesNothing(t *testing.T) {
	getenv := state(t)
	dir := filepath.Join(t.TempDir(), "new")
	j := begin(t, dir, getenv)
	check(t, j.Close())
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}
