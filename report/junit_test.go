package report

import (
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/proof"
)

func allStates() map[string]Document {
	out := states()
	maps.Copy(out, proofStates())
	return out
}

// TestJUnitCases wants every verdict as the case that CI servers show for it.
func TestJUnitCases(t *testing.T) {
	for name, want := range map[string][]string{
		"found":   {"ok the peak is valid"},
		"partial": {"error the peak is valid: The run was stopped before its end. This is what it had measured until then."},
		"invalid": {"failure the peak is valid: Peak 171.3/s: This result must not be used. The reasons are below."},
		"no-peak": {"failure the peak is valid: No load was shown to meet the objectives, not even the lightest."},
		"tune-stopped": {
			"error the peak is valid: The run was stopped before its end. This is what it had measured until then.",
			"failure the endpoint was put back: not everything could be put back; plimsoll restore undoes what is left",
		},
		"load-missed": {
			"ok the load was held", "ok p99=50ms",
			"failure success=99.9%: 99.23 % of 3006 requests succeeded, at least 99.9 % must",
		},
		"works": {
			"ok the policy scales", "ok policy as asked", "ok metric agrees", "ok detection", "ok scale-out size", "ok time to ready",
		},
		"no-scaling": {
			"failure the policy scales: does not scale", "ok policy as asked", "ok metric agrees", "ok detection", "ok scale-out size", "ok time to ready",
			"failure recovery: 10 min 14 s until p99 kept 104 ms again at 15:34:19; 6 min were asked", "ok overshoot", "ok flapping",
			"skipped scale-in safety: too few requests around the removal to tell: 38",
			"failure recover: 10 min 14 s, asked within 6 min", "failure errors: 2.4 %, asked at most 0.5 %", "ok back-to-min",
			"skipped flaps: the alarm history could not be read, asked at most 0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range readJUnit(t, render(t, JUnit, allStates()[name])).Suites {
				for _, c := range s.Cases {
					got = append(got, outcomeOf(c))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("cases (-want +got):\n%s", diff)
			}
		})
	}
	tune := readJUnit(t, render(t, JUnit, allStates()["tune"]))
	if len(tune.Suites) != 4 || tune.Suites[3].Name != "endpoint" || tune.Suites[0].Name != "peak" || tune.Suites[1].Name != "scaling" || tune.Suites[2].Name != "scaling_objective" {
		t.Errorf("tune has other suites than peak, scaling, scaling_objective and endpoint: %+v", tune.Suites)
	}
}

func outcomeOf(c junitCase) string {
	for _, o := range []struct {
		word string
		why  *junitWhy
	}{{"skipped", c.Skip}, {"error", c.Error}, {"failure", c.Fail}} {
		if o.why != nil {
			return o.word + " " + c.Name + ": " + o.why.Message
		}
	}
	return "ok " + c.Name
}

func readJUnit(t *testing.T, text string) junitReport {
	t.Helper()
	var back junitReport
	if err := xml.Unmarshal([]byte(text), &back); err != nil {
		t.Fatalf("reading it back: %v\n%s", err, text)
	}
	return back
}

// junitSchema has the attributes and children that junit-10.xsd of Jenkins' xunit plugin
// allows, as far as GitLab's and GitHub's readers know them too; children in the order of
// Ant, which older readers want.
func junitSchema() map[string]struct{ attributes, children, required []string } {
	type element = struct{ attributes, children, required []string }
	why := element{attributes: []string{"message", "type"}}
	return map[string]element{
		"testsuites": {attributes: []string{"name", "tests", "failures", "errors", "time"}, children: []string{"testsuite"}},
		"testsuite": {
			attributes: []string{"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
			children:   []string{"testcase"}, required: []string{"name", "tests", "failures", "errors"},
		},
		"testcase":   {attributes: []string{"name", "classname", "time"}, children: []string{"skipped", "error", "failure", "system-out"}, required: []string{"name", "classname"}},
		"skipped":    {attributes: []string{"message"}},
		"error":      why,
		"failure":    why,
		"system-out": {},
	}
}

// TestJUnitKeepsItsSchema holds every document to what CI servers read.
func TestJUnitKeepsItsSchema(t *testing.T) {
	docs := allStates()
	docs["hostile"] = hostileProof()
	for name, d := range docs {
		t.Run(name, func(t *testing.T) {
			text := render(t, JUnit, d)
			checkSchema(t, text)
			back := readJUnit(t, text)
			var tests, failures, errs int
			for _, s := range back.Suites {
				if s.Tests != len(s.Cases) || s.Timestamp != "" && !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`).MatchString(s.Timestamp) {
					t.Errorf("suite %s has %d cases, says %d; timestamp %q", s.Name, len(s.Cases), s.Tests, s.Timestamp)
				}
				if _, err := strconv.ParseFloat(s.Time, 64); s.Time != "" && err != nil {
					t.Errorf("suite %s has time %q", s.Name, s.Time)
				}
				tests, failures, errs = tests+s.Tests, failures+s.Failures, errs+s.Errors
			}
			if tests == 0 || back.Tests != tests || back.Failures != failures || back.Errors != errs {
				t.Errorf("the totals are %d, %d, %d; those of the suites %d, %d, %d", back.Tests, back.Failures, back.Errors, tests, failures, errs)
			}
		})
	}
}

func checkSchema(t *testing.T, text string) {
	t.Helper()
	schema := junitSchema()
	var path []string
	var at []int // of each open element: the place of its latest child
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			rule, known := schema[e.Name.Local]
			if !known {
				t.Fatalf("the schema has no element %s", e.Name.Local)
			}
			if len(path) > 0 {
				place := slices.Index(schema[path[len(path)-1]].children, e.Name.Local)
				if place < at[len(at)-1] {
					t.Errorf("%s has no place for %s", path[len(path)-1], e.Name.Local)
				}
				at[len(at)-1] = place
			}
			var has []string
			for _, a := range e.Attr {
				if has = append(has, a.Name.Local); !slices.Contains(rule.attributes, a.Name.Local) {
					t.Errorf("%s has no attribute %s", e.Name.Local, a.Name.Local)
				}
			}
			for _, name := range rule.required {
				if !slices.Contains(has, name) {
					t.Errorf("%s lacks %s", e.Name.Local, name)
				}
			}
			path, at = append(path, e.Name.Local), append(at, 0)
		case xml.EndElement:
			path, at = path[:len(path)-1], at[:len(at)-1]
		}
	}
}

// hostileProof has foreign words wherever a proof can have them.
func hostileProof() Document {
	d := proofStates()["tune"]
	r := d.proof()
	r.Reasons, r.Change, r.Verdict, r.Programme.Notes = []string{hostile}, hostile, proof.Verdict(hostile), []string{hostile}
	r.Checks[0] = proof.Check{ID: hostile, Title: hostile, Outcome: proof.Outcome(hostile), Evidence: hostile, Remedy: hostile}
	r.Checks[1] = proof.Check{ID: hostile, Title: hostile, Outcome: proof.Fail, Evidence: hostile, Remedy: hostile}
	r.Objectives[0] = proof.Finding{Name: hostile, Asked: hostile, Was: hostile}
	r.Events[0].Stages[1].Name, r.Events[0].Stages[1].Source = proof.StageName(hostile), hostile
	r.Held[1].Kind, r.Held[1].Why, r.Held[1].Valid, r.Held[1].Doubts = proof.Kind(hostile), hostile, false, []string{hostile}
	r.Policy.Name, r.Policy.Metric, r.Policy.High, r.Objective.Name = hostile, hostile, nil, hostile
	r.Series.Alarms[1].Alarm, r.Series.Alarms[1].To = hostile, scalingState(hostile)
	d.Tuned.Changes[1].Name, d.Tuned.Changes[1].Reason = hostile, hostile
	return d
}
