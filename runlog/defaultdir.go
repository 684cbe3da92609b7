package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// DefaultDir is a directory that does not exist yet for a run of a command that
// starts now: plimsoll/runs/2026-11-24T15-04-05Z-find under $XDG_STATE_HOME, or
// under ~/.local/state without it. getenv is os.Getenv.
func DefaultDir(command string, now time.Time, getenv func(string) string) (string, error) {
	state, err := stateDir(getenv)
	if err != nil {
		return "", err
	}
	name := now.UTC().Format("2006-01-02T15-04-05Z") + "-" + command
	dir := filepath.Join(state, "runs", name)
	for n := 2; ; n++ {
		_, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return dir, nil
		}
		if err != nil {
			return "", fmt.Errorf("no place for the record of the run: %w; give --dir", err)
		}
		dir = filepath.Join(state, "runs", fmt.Sprintf("%s-%d", name, n))
	}
}

// stateDir is where Plimsoll keeps what it must remember.
func stateDir(getenv func(string) string) (string, error) {
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // a relative one is to be ignored, by the XDG specification
		home := getenv("HOME")
		if home == "" {
			return "", errors.New("no place for the record of the run: neither XDG_STATE_HOME nor HOME is set; give --dir")
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "plimsoll"), nil
}
