package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"plimsoll/proof"
)

// The parts of a JUnit file that readers of continuous integration agree on.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     float64     `xml:"time,attr"`
		Stamp    string      `xml:"timestamp,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the proof that a policy scales as a JUnit test suite: the verdict, each
// part of the scaling objective and each check is a test case. One that warns passes; one
// of which nothing is known is skipped.
func JUnit(w io.Writer, d Document) error {
	v := d.Verification
	if v == nil {
		return errors.New("report: JUnit is for the result of verify")
	}
	suite := junitSuite{Name: "plimsoll verify " + printable(v.On.String()), Time: v.DurationSeconds, Stamp: v.Started.UTC().Format("2006-01-02T15:04:05")}
	verdict := junitCase{Name: "verdict", Out: printable(string(v.Verdict))}
	reasons := printable(strings.Join(append(cleaned(v.Reasons), v.Change), "; "))
	switch v.Verdict {
	case proof.NoScaling, proof.NoProtection:
		verdict.Failure = &junitMessage{Message: string(v.Verdict), Text: reasons}
	case proof.Undecided:
		verdict.Skipped = &junitMessage{Message: string(v.Verdict), Text: reasons}
	default:
	}
	suite.add("verdict", verdict)
	for _, f := range v.Objectives {
		c := junitCase{Name: printable(f.Name + " " + f.Asked), Out: printable(f.Was)}
		switch {
		case !f.Judged:
			c.Skipped = &junitMessage{Message: "not judged", Text: printable(f.Was)}
		case !f.Met:
			c.Failure = &junitMessage{Message: printable(fmt.Sprintf("asked %s, was %s", f.Asked, f.Was))}
		}
		suite.add("objective", c)
	}
	for _, check := range v.Checks {
		c := junitCase{Name: printable(check.ID), Out: printable(check.Title + ": " + check.Evidence)}
		switch check.Outcome {
		case proof.Fail:
			c.Failure = &junitMessage{Message: printable(check.Title), Text: printable(strings.TrimSpace(check.Evidence + " " + check.Remedy))}
		case proof.NotKnown:
			c.Skipped = &junitMessage{Message: printable(check.Evidence)}
		default:
		}
		suite.add("check", c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	return nil
}

func (s *junitSuite) add(class string, c junitCase) {
	c.Class = "plimsoll.verify." + class
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}
