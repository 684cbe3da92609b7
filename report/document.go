// Package report renders what came out of a run, for people and for programs:
// one document as a self-contained HTML page, as terminal text, as JSON and as a
// JUnit report.
//
// All forms read the same [Document], so that none can show a number that the
// others lack. The package measures and judges nothing, and reads no files.
// Start with [HTML].
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
)

// Document is what is reported: the result of find or rehearse, that of load, the proof
// of a scaling policy, or, for tune, a result of find with the proof of the policy that
// came of it.
type Document struct {
	Result *experiment.Result     // that of find; beside Proof: of tune
	Load   *experiment.LoadResult // that of load, alone
	Proof  *proof.Result          // that of verify; beside Result: of tune

	Endpoint string              // what was proved; empty: that of the result's plan
	Policy   *proof.Policy       // that was put; nil: that of the proof
	Changes  []experiment.Change // made on the endpoint
	Restored *bool               // what was to be put back was; nil: nothing was to be

	Version   string    // of plimsoll; empty: that of the plan
	Generated time.Time // zero: not said
	Reproduce []string  // command lines that do it again, without secrets
	Files     []string  // of the record, as paths for people
}

// Validate says whether there is one thing to report.
func (d Document) Validate() error {
	switch {
	case d.Result == nil && d.Load == nil && d.Proof == nil:
		return errors.New("report: there is no result to report")
	case d.Load != nil && (d.Result != nil || d.Proof != nil):
		return errors.New("report: there are two results; a document has one, or that of find with a proof")
	}
	return nil
}

// plan is what was asked; empty for a proof alone.
func (d Document) plan() experiment.Plan {
	switch {
	case d.Result != nil:
		return d.Result.Plan
	case d.Load != nil:
		return d.Load.Plan
	}
	return experiment.Plan{}
}

func (d Document) policy() *proof.Policy {
	if d.Policy == nil && d.Proof != nil {
		return &d.Proof.Policy
	}
	return d.Policy
}

func (d Document) version() string {
	if d.Version != "" {
		return d.Version
	}
	return d.plan().Plimsoll
}

// JSON writes the result as one indented JSON document and a newline: the
// published form, described in docs/formats/result.md.
func JSON(w io.Writer, d Document) error {
	if err := d.Validate(); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d.published()); err != nil {
		return fmt.Errorf("writing the result as JSON: %w", err)
	}
	return nil
}

// published is the document of docs/formats/result.md.
func (d Document) published() any {
	switch {
	case d.Load != nil:
		return d.Load
	case !d.scaled():
		return d.Result
	}
	s := scaled{Verify: d.Proof, Policy: d.policy(), Changes: d.Changes, Restored: d.Restored}
	if s.Changes == nil {
		s.Changes = []experiment.Change{}
	}
	if d.Result != nil {
		return tuned{d.Result, s}
	}
	return verified{experiment.SchemaVersion, "verify", d.version(), d.Endpoint, s}
}

// left says that something was to be put back and was not.
func (d Document) left() bool { return d.Restored != nil && !*d.Restored }

// scaled says that there is more than a measurement: a proof, or changes.
func (d Document) scaled() bool {
	return d.Proof != nil || d.Policy != nil || len(d.Changes) > 0 || d.Restored != nil
}

// scaled is what tune adds to what find prints.
type scaled struct {
	Verify   *proof.Result       `json:"verify"`
	Policy   *proof.Policy       `json:"policy"`
	Changes  []experiment.Change `json:"changes"`
	Restored *bool               `json:"restored"`
}

type tuned struct {
	*experiment.Result
	scaled
}

type verified struct {
	SchemaVersion int    `json:"schema_version"`
	Command       string `json:"command"`
	Plimsoll      string `json:"plimsoll_version"`
	Endpoint      string `json:"endpoint"`

	scaled
}
