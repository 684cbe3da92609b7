package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("reading the state: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("state file %s: %w; repair it, or give another", file, err)
	}
	if s.SchemaVersion != stateVersion {
		return s, fmt.Errorf("state file %s: has version %d, and this program reads %d; give another file", file, s.SchemaVersion, stateVersion)
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

// save writes the state file if there is one and something has changed. A crash leaves
// the old file or the new one.
func (e *Emulator) save() error {
	if e.opts.StateFile == "" {
		return nil
	}
	e.saving.Lock()
	defer e.saving.Unlock()
	p := e.parts.Load()
	s := state{
		SchemaVersion: stateVersion,
		Hosting:       p.hosting.Snapshot(), CloudWatch: p.cloudwatch.Snapshot(), AutoScaling: p.autoscaling.Snapshot(),
	}
	content, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("saving the state: %w", err)
	}
	if bytes.Equal(content, e.saved) {
		return nil
	}
	s.ModelTime = e.Now()
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("saving the state: %w", err)
	}
	if err := replaceFile(e.opts.StateFile, text); err != nil {
		return fmt.Errorf("saving the state: %w", err)
	}
	e.saved = content
	return nil
}

// replaceFile writes a file as a whole or not at all.
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
