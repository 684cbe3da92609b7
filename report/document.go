// Package report renders what came out of a run, for people and for programs:
// one document as a self-contained HTML page, as terminal text and as JSON.
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
)

// Document is what is reported: the result of find or rehearse, or that of load.
type Document struct {
	Result *experiment.Result     // exactly one of Result
	Load   *experiment.LoadResult // and Load is set

	Version   string    // of plimsoll; empty: that of the plan
	Generated time.Time // zero: not said
	Reproduce []string  // command lines that do it again, without secrets
	Files     []string  // of the record, as paths for people
}

// Validate says whether there is one result to report.
func (d Document) Validate() error {
	switch {
	case d.Result == nil && d.Load == nil:
		return errors.New("report: there is no result to report")
	case d.Result != nil && d.Load != nil:
		return errors.New("report: there are two results; a document has one")
	}
	return nil
}

func (d Document) plan() experiment.Plan {
	if d.Result != nil {
		return d.Result.Plan
	}
	return d.Load.Plan
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
	var result any = d.Result
	if d.Result == nil {
		result = d.Load
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(result); err != nil {
		return fmt.Errorf("writing the result as JSON: %w", err)
	}
	return nil
}
