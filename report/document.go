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

// Document is what is reported: what came of find, of load, of verify, or of tune, which
// has found a peak and may have proved the policy that follows. Exactly one is set.
type Document struct {
	Result       *experiment.Result
	Load         *experiment.LoadResult
	Verification *experiment.Verification
	Tuned        *experiment.Tuned

	Version   string    // of plimsoll; empty: that of the plan
	Generated time.Time // zero: not said
	Reproduce []string  // command lines that do it again, without secrets
	Files     []string  // of the record, as paths for people
}

// Validate says whether there is one result to report.
func (d Document) Validate() error {
	results := 0
	for _, there := range []bool{d.Result != nil, d.Load != nil, d.Verification != nil, d.Tuned != nil} {
		if there {
			results++
		}
	}
	switch results {
	case 0:
		return errors.New("report: there is no result to report")
	case 1:
		return nil
	}
	return fmt.Errorf("report: there are %d results; a document has one", results)
}

// found is what a search for the peak has found; nil: there was none.
func (d Document) found() *experiment.Result {
	if d.Tuned != nil {
		return &d.Tuned.Result
	}
	return d.Result
}

// verified is a proof with what it rests on; nil: nothing was proved.
func (d Document) verified() *experiment.Verification {
	if d.Tuned != nil {
		return d.Tuned.Verify
	}
	return d.Verification
}

// proof is the proof of a policy; nil: there was none.
func (d Document) proof() *proof.Result {
	if v := d.verified(); v != nil {
		return &v.Result
	}
	return nil
}

// policy is that which was applied or proved; nil: there is none.
func (d Document) policy() *proof.Policy {
	switch p := d.proof(); {
	case p != nil:
		return &p.Policy
	case d.Tuned != nil:
		return d.Tuned.Policy
	}
	return nil
}

// changes are those that were made on the endpoint.
func (d Document) changes() []experiment.Made {
	if d.Tuned == nil {
		return nil
	}
	return d.Tuned.Changes
}

// restored says whether what was to be put back was; nil: nothing was to be.
func (d Document) restored() *bool {
	if d.Tuned == nil || len(d.Tuned.Changes) == 0 {
		return nil
	}
	return &d.Tuned.Restored
}

// left says that something was not put back that was to be.
func (d Document) left() bool {
	restored := d.restored()
	return restored != nil && !*restored
}

// plan is what was asked.
func (d Document) plan() experiment.Plan {
	switch {
	case d.found() != nil:
		return d.found().Plan
	case d.Load != nil:
		return d.Load.Plan
	}
	return d.Verification.Plan
}

func (d Document) version() string {
	if d.Version != "" {
		return d.Version
	}
	return d.plan().Plimsoll
}

// JSON writes the result as one indented JSON document and a newline: the
// published form, described in docs/formats/result.md and verification.md.
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

// published is the one result that is set.
func (d Document) published() any {
	switch {
	case d.Result != nil:
		return d.Result
	case d.Load != nil:
		return d.Load
	case d.Verification != nil:
		return d.Verification
	}
	return d.Tuned
}
