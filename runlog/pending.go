package runlog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Reminders lie in plimsoll/pending under the state folder: one small file for each
// unfinished journal, with the directory in it. So that journals are found wherever
// --dir has put them.
const pendingDir = "pending"

// Unfinished are the directories whose journals have changes that were neither undone
// nor meant to stay, without those that a living process works on. getenv is os.Getenv.
func Unfinished(getenv func(string) string) ([]Changes, error) {
	state, err := stateDir(getenv)
	if err != nil {
		return nil, nil //nolint:nilerr // without a state folder no journal was begun
	}
	reminders, err := os.ReadDir(filepath.Join(state, pendingDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for unfinished journals: %w", err)
	}
	var found []Changes
	for _, r := range reminders {
		path := filepath.Join(state, pendingDir, r.Name())
		if strings.HasPrefix(r.Name(), ".") {
			continue // one that was being written
		}
		dir, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("looking for unfinished journals: %w", err)
		}
		c, err := ReadJournal(strings.TrimSpace(string(dir)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // it was reminded of and not begun yet, or the directory is gone
		case err != nil:
			return nil, err
		case c.Unfinished() && !inUse(c.Dir):
			found = append(found, c)
		}
	}
	return found, nil
}

// inUse says whether a process works on a journal.
func inUse(dir string) bool {
	release, err := lock(filepath.Join(dir, ChangesFile))
	if err != nil {
		return true
	}
	return release() != nil
}

// remind writes the reminder of a journal, before anything is in the journal.
func remind(dir string, getenv func(string) string) (path string, err error) {
	if path, err = reminderOf(dir, getenv); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), dirPermissions); err != nil {
		return "", err
	}
	return path, writeAtomically(path, func(w io.Writer) error {
		_, err := io.WriteString(w, dir+"\n")
		return err
	})
}

func reminderOf(dir string, getenv func(string) string) (string, error) {
	state, err := stateDir(getenv)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(state, pendingDir, hex.EncodeToString(sum[:8])), nil
}
