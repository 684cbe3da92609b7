package emulator

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// replacing names the file that a child process is to replace until it is killed.
const replacing = "PLIMSOLL_TEST_REPLACING"

// TestReplaceFileKilled kills a process that replaces a file again and again: what is
// there is always one of its contents, as a whole.
func TestReplaceFileKilled(t *testing.T) {
	if file := os.Getenv(replacing); file != "" {
		for k := byte('a'); ; k = 'a' + (k-'a'+1)%26 {
			if err := replaceFile(file, bytes.Repeat([]byte{k}, 1<<20)); err != nil {
				t.Fatal(err)
			}
			fmt.Println("replaced")
		}
	}
	file := filepath.Join(t.TempDir(), "state.json")
	for range 5 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReplaceFileKilled$")
		child.Env = append(os.Environ(), replacing+"="+file)
		told, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(told)
		for range 3 {
			if !lines.Scan() {
				t.Fatalf("the child ended by itself: %v", lines.Err())
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if child.Wait() == nil {
			t.Fatal("the child ended by itself")
		}
		removeUnfinished(file)
		if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
			t.Fatalf("a kill has left %v, %v", left, err)
		}
		content, err := os.ReadFile(file)
		if err != nil || len(content) != 1<<20 || bytes.Count(content, content[:1]) != len(content) {
			t.Fatalf("after a kill the file has %d bytes (%v), not one whole content", len(content), err)
		}
	}
}

// TestNewRemovesUnfinishedStates begins beside what a killed process has left, and what
// others have.
func TestNewRemovesUnfinishedStates(t *testing.T) {
	directory := t.TempDir()
	for _, name := range []string{".state.json-123", ".state.json-notes", ".state.json-", ".other.json-123"} {
		if err := os.WriteFile(filepath.Join(directory, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := readState(filepath.Join(directory, "state.json")); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(directory)
	if err != nil || len(left) != 3 || left[2].Name() != ".state.json-notes" {
		t.Errorf("there are %v, %v; want all but .state.json-123", left, err)
	}
}

// TestReplaceFileFails leaves nothing behind when the new file cannot take its place.
func TestReplaceFileFails(t *testing.T) {
	directory := t.TempDir()
	taken := filepath.Join(directory, "state.json")
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(taken, []byte("{}")); err == nil {
		t.Error("a file has replaced a directory")
	}
	left, err := os.ReadDir(directory)
	if err != nil || len(left) != 1 {
		t.Errorf("a failure left %v, %v", left, err)
	}
}

// TestReplaceFileIsAnother reads on in the old file while a new one takes its place: nothing
// is ever written into the file that is there.
func TestReplaceFileIsAnother(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	if err := replaceFile(file, []byte("old")); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := replaceFile(file, []byte("new")); err != nil {
		t.Fatal(err)
	}
	before, err := io.ReadAll(old)
	if err != nil || string(before) != "old" {
		t.Errorf("the old file has become %q, %v", before, err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != "new" {
		t.Errorf("the new file is %q, %v", now, err)
	}
}
