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

// Document is what is reported: the result of find or rehearse, that of load, or that of
// verify. Exactly one is set.
type Document struct {
	Result       *experiment.Result
	Load         *experiment.LoadResult
	Verification *experiment.Verification

	Version   string    // of plimsoll; empty: that of the plan
	Generated time.Time // zero: not said
	Reproduce []string  // command lines that do it again, without secrets
	Files     []string  // of the record, as paths for people
}

// Validate says whether there is one result to report.
func (d Document) Validate() error {
	results := 0
	for _, there := range []bool{d.Result != nil, d.Load != nil, d.Verification != nil} {
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

func (d Document) plan() experiment.Plan {
	switch {
	case d.Result != nil:
		return d.Result.Plan
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
// published form, described in docs/formats/result.md.
func JSON(w io.Writer, d Document) error {
	if err := d.Validate(); err != nil {
		return err
	}
	var result any
	switch {
	case d.Result != nil:
		result = d.Result
	case d.Load != nil:
		result = d.Load
	default:
		result = d.Verification
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(result); err != nil {
		return fmt.Errorf("writing the result as JSON: %w", err)
	}
	return nil
}
