package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"plimsoll/emulator/internal/autoscaling"
	"plimsoll/emulator/internal/cloudwatch"
	"plimsoll/emulator/internal/hosting"
)

// stateVersion is that of the state file, docs/formats/emulator-state.md.
const stateVersion = 1

// state is what outlives the process.
type state struct {
	SchemaVersion int                  `json:"schema_version"`
	ModelTime     time.Time            `json:"model_time"`
	Hosting       hosting.Snapshot     `json:"hosting"`
	CloudWatch    cloudwatch.Snapshot  `json:"cloudwatch"`
	AutoScaling   autoscaling.Snapshot `json:"autoscaling"`
}

// readState reads the state file; one that is not there is a new beginning.
func readState(file string) (s state, err error) {
	if file == "" {
		return s, nil
	}
	removeUnfinished(file)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("reading the state: %w", err)
	}
	var head struct { // another version may have other types
		SchemaVersion int `json:"schema_version"`
	}
	err = json.Unmarshal(text, &head)
	if err == nil && head.SchemaVersion != stateVersion {
		return s, fmt.Errorf("state file %s: has version %d, and this program reads %d; give another file", file, head.SchemaVersion, stateVersion)
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok { // else it tells of types of this program
		err = fmt.Errorf("%s: %s is of the wrong type", cmp.Or(wrong.Field, "the whole"), wrong.Value)
	}
	if err != nil {
		return s, fmt.Errorf("state file %s: %w; repair it, or give another", file, err)
	}
	return s, nil
}

// restore takes a state over, as far as there is one.
func (p *parts) restore(s state) error {
	if s.SchemaVersion == 0 {
		return nil
	}
	return errors.Join(p.hosting.Restore(s.Hosting), p.cloudwatch.Restore(s.CloudWatch), p.autoscaling.Restore(s.AutoScaling))
}

// keep saves where nobody waits for the error.
func (e *Emulator) keep() {
	if err := e.save(); err != nil {
		e.opts.Log(err.Error())
	}
}

// save writes the state file if there is one and something has changed, model time by the
// minute. A crash leaves the old file or the new one.
func (e *Emulator) save() error {
	if e.opts.StateFile == "" {
		return nil
	}
	e.saving.Lock()
	defer e.saving.Unlock()
	p := e.parts.Load()
	s := state{
		SchemaVersion: stateVersion,
		ModelTime:     e.Now().Truncate(time.Minute).Add(time.Minute), // not told to anybody yet: what goes on from there never runs backwards
		Hosting:       p.hosting.Snapshot(), CloudWatch: p.cloudwatch.Snapshot(), AutoScaling: p.autoscaling.Snapshot(),
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("saving the state: %w", err)
	}
	if bytes.Equal(text, e.saved) {
		return nil
	}
	if err := replaceFile(e.opts.StateFile, text); err != nil {
		return fmt.Errorf("saving the state in %s: %w", e.opts.StateFile, err)
	}
	e.saved = text
	return nil
}

// removeUnfinished removes what a process that was killed while it replaced a file has
// left: "." + the file's name + "-" + digits, beside it.
func removeUnfinished(name string) {
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		return // writing the file says what is wrong
	}
	for _, entry := range entries {
		digits, ours := strings.CutPrefix(entry.Name(), "."+filepath.Base(name)+"-")
		if ours && digits != "" && strings.Trim(digits, "0123456789") == "" && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(name), entry.Name())) // it does no harm
		}
	}
}

// replaceFile writes a file as a whole or not at all. A kill leaves another beside it,
// for removeUnfinished.
func replaceFile(name string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}
