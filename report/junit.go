package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
)

// JUnit writes the verdicts as a JUnit report, as CI servers read it: a case for the
// validity of the measurement and each objective, and of a proof for its verdict, each
// check and each part of the scaling objective, and one for the endpoint that was to be put
// back. What is not known is skipped; what was cut short is an error.
func JUnit(w io.Writer, d Document) error {
	if err := d.Validate(); err != nil {
		return err
	}
	report := junitReport{Name: "plimsoll"}
	switch {
	case d.found() != nil:
		report.add(peakSuite(d.found()))
	case d.Load != nil:
		report.add(loadSuite(d.Load))
	}
	if d.proof() != nil {
		for _, s := range proofSuites(d.proof()) {
			report.add(s)
		}
	}
	report.add(restoredSuite(d))
	out, err := xml.MarshalIndent(report, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, out)
	}
	if err != nil {
		return fmt.Errorf("writing the JUnit report: %w", err)
	}
	return nil
}

// The elements and attributes are those that the readers of Jenkins, GitLab and GitHub
// have in common: a part of junit-10.xsd of Jenkins' xunit plugin.
type junitReport struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr,omitempty"`      // seconds
	Timestamp string      `xml:"timestamp,attr,omitempty"` // UTC, without a zone, as the schema wants it
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name  string     `xml:"name,attr"`
	Class string     `xml:"classname,attr"`
	Skip  *junitWhy  `xml:"skipped"`
	Error *junitWhy  `xml:"error"`
	Fail  *junitWhy  `xml:"failure"`
	Out   *junitText `xml:"system-out"`
}

type junitWhy struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

type junitText struct {
	Text string `xml:",chardata"`
}

func (r *junitReport) add(s junitSuite) {
	if len(s.Cases) == 0 {
		return
	}
	for i := range s.Cases {
		c := &s.Cases[i]
		c.Class = "plimsoll." + s.Name
		s.Tests++
		switch {
		case c.Skip != nil:
			s.Skipped++
		case c.Error != nil:
			s.Errors++
		case c.Fail != nil:
			s.Failures++
		}
	}
	r.Tests += s.Tests
	r.Failures += s.Failures
	r.Errors += s.Errors
	r.Suites = append(r.Suites, s)
}

func suite(name string, started time.Time, seconds float64) junitSuite {
	s := junitSuite{Name: name}
	if seconds > 0 {
		s.Time = strconv.FormatFloat(seconds, 'f', 3, 64)
	}
	if !started.IsZero() {
		s.Timestamp = started.UTC().Format("2006-01-02T15:04:05")
	}
	return s
}

func passed(name, text string) junitCase {
	c := junitCase{Name: printable(name)}
	if text != "" {
		c.Out = &junitText{printable(text)}
	}
	return c
}

func failure(name, kind, message, text string) junitCase {
	return junitCase{Name: printable(name), Fail: &junitWhy{printable(message), kind, printable(text)}}
}

func skipped(name, message string) junitCase {
	return junitCase{Name: printable(name), Skip: &junitWhy{Message: printable(message)}}
}

func broke(name, kind, message, text string) junitCase {
	return junitCase{Name: printable(name), Error: &junitWhy{printable(message), kind, printable(text)}}
}

// peakSuite judges a search: whether there is a peak to be believed.
func peakSuite(r *experiment.Result) junitSuite {
	s := suite("peak", r.Started, r.DurationSeconds)
	v := verdictOf(r, unitsOf(r.Plan))
	why := strings.Join(v.Reasons, "; ")
	name := "the peak is valid"
	switch v.State {
	case statePartial:
		s.Cases = append(s.Cases, broke(name, "partial", v.Advice, why))
	case stateInvalid:
		s.Cases = append(s.Cases, failure(name, "invalid", v.Title+": "+v.Advice, why))
	case stateNoPeak:
		s.Cases = append(s.Cases, failure(name, "no peak", v.Cause, why))
	default:
		text := strings.TrimSuffix(v.Title+", "+v.Interval, ", ") + ". " + v.Cause
		if t := targetOf(r); t != nil {
			text += " Target: " + t.Formula + "."
		}
		s.Cases = append(s.Cases, passed(name, text))
	}
	return s
}

// loadSuite judges one load: whether it was held, and every objective.
func loadSuite(r *experiment.LoadResult) junitSuite {
	s := suite("load", r.Started, r.DurationSeconds)
	name := "the load was held"
	switch v := loadVerdictOf(r); {
	case r.Status == experiment.Partial:
		s.Cases = append(s.Cases, broke(name, "partial", orDefault(v.Advice, v.Title), strings.Join(v.Reasons, "; ")))
	case !r.Valid:
		s.Cases = append(s.Cases, failure(name, "invalid", orDefault(v.Advice, v.Title), strings.Join(v.Reasons, "; ")))
	default:
		s.Cases = append(s.Cases, passed(name, askedOf(r)))
	}
	for _, f := range r.Verdict.Findings {
		switch met(f) {
		case "missed":
			s.Cases = append(s.Cases, failure(f.Objective, "missed", f.Reason, ""))
		case "undecided":
			s.Cases = append(s.Cases, skipped(f.Objective, f.Reason))
		default:
			s.Cases = append(s.Cases, passed(f.Objective, f.Reason))
		}
	}
	return s
}

// proofSuites judge a policy: the verdict with the checks, and what was asked of scaling.
func proofSuites(r *proof.Result) []junitSuite {
	started, ended, ok := observedSpan(r)
	if !ok {
		ended = started
	}
	checks := suite("scaling", started, ended.Sub(started).Seconds())
	checks.Cases = append(checks.Cases, proofCase(r))
	for _, c := range r.Checks {
		checks.Cases = append(checks.Cases, checkCase(c))
	}
	asked := suite("scaling_objective", started, ended.Sub(started).Seconds())
	for _, f := range r.Objectives {
		text := f.Was + ", asked " + f.Asked
		switch findingWord(f) {
		case "missed":
			asked.Cases = append(asked.Cases, failure(f.Name, "missed", text, ""))
		case "undecided":
			asked.Cases = append(asked.Cases, skipped(f.Name, text))
		default:
			asked.Cases = append(asked.Cases, passed(f.Name, text))
		}
	}
	return []junitSuite{checks, asked}
}

func proofCase(r *proof.Result) junitCase {
	name, why := "the policy scales", strings.Join(r.Reasons, "; ")
	if r.Change != "" {
		why = strings.TrimPrefix(why+"; what would help most: "+r.Change, "; ")
	}
	switch r.Verdict {
	case proof.Works, proof.WorksSlowly, proof.WorksCostly, proof.WorksFlaps:
		return passed(name, string(r.Verdict)+": "+why)
	case proof.NoProtection, proof.NoScaling:
		return failure(name, "verdict", string(r.Verdict), why)
	case proof.Undecided:
	}
	return broke(name, "undecided", string(r.Verdict), why)
}

func checkCase(c proof.Check) junitCase {
	text := c.Evidence
	if c.Remedy != "" {
		text += " → " + c.Remedy
	}
	switch c.Outcome {
	case proof.Fail:
		return failure(c.Title, printable(c.ID), c.Evidence, c.Remedy)
	case proof.NotKnown:
		return skipped(c.Title, text)
	case proof.Warn:
		return passed(c.Title, "warning: "+text)
	case proof.Pass, proof.Reported:
	}
	return passed(c.Title, text)
}

// restoredSuite says whether the endpoint is as it was to be left.
func restoredSuite(d Document) junitSuite {
	s := suite("endpoint", time.Time{}, 0)
	switch name := "the endpoint was put back"; {
	case d.restored() == nil:
	case *d.restored():
		s.Cases = append(s.Cases, passed(name, restoredWords(d)))
	default:
		s.Cases = append(s.Cases, failure(name, "restore", restoredWords(d), ""))
	}
	return s
}
