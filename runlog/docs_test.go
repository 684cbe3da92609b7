package runlog

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/proof"
)

// TestEveryFieldIsDocumented wants each JSON field of each published type in a
// table of the page that describes it, and nothing in a table that no type has.
func TestEveryFieldIsDocumented(t *testing.T) {
	for page, types := range map[string][]any{
		"plan.md":         {experiment.Plan{}},
		"events.md":       {experiment.Event{}},
		"trials.md":       {trialLine{}, capacity.Trial{}, capacity.Observation{}},
		"result.md":       {experiment.Result{}, experiment.LoadResult{}, experiment.Tuned{}},
		"verification.md": {experiment.Verification{}},
		"types.md":        {experiment.Comparison{}},
	} {
		t.Run(page, func(t *testing.T) {
			documented := documentedFields(t, page)
			exist := map[string]bool{}
			for _, value := range types {
				for _, field := range fieldsOf(reflect.TypeOf(value), page) {
					exist[field] = true
					if !documented[field] {
						t.Errorf("%s does not describe the field %q of %T", page, field, value)
					}
				}
			}
			for field := range documented {
				if !exist[field] {
					t.Errorf("%s describes %q, which no type has", page, field)
				}
			}
		})
	}
}

// documentedFields are the names in the first columns of the tables of fields.
func documentedFields(t *testing.T, page string) map[string]bool {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "docs", "formats", page))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]bool{}
	inTable := false
	for line := range strings.Lines(string(content)) {
		switch row := regexp.MustCompile("^\\| `([^`]+)` \\|").FindStringSubmatch(line); {
		case strings.HasPrefix(line, "| field |"):
			inTable = true
		case row != nil && inTable:
			fields[strings.TrimPrefix(row[1], "findings[].")] = true
		case !strings.HasPrefix(line, "|"):
			inTable = false
		}
	}
	for _, q := range regexp.MustCompile("(?m)^`p50`.*$").FindAllString(string(content), -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(q, -1) {
			fields[name[1]] = true
		}
	}
	return fields
}

// fieldsOf are the names of all JSON fields that a type has, at any depth. What
// has a page of its own is left to that page.
func fieldsOf(typ reflect.Type, page string) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return nil
	}
	var names []string
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name != "" {
			names = append(names, name)
		}
		inner := field.Type
		if inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		ofResult := typ == reflect.TypeFor[experiment.Typed]() && (inner == reflect.TypeFor[experiment.Peak]() || inner == reflect.TypeFor[experiment.Target]())
		if home, has := homes()[inner]; !ofResult && (!has || home == page) {
			names = append(names, fieldsOf(field.Type, page)...)
		}
	}
	return names
}

// homes are the pages of types that other pages point to.
func homes() map[reflect.Type]string {
	pages := map[reflect.Type]string{
		reflect.TypeFor[experiment.Verification](): "verification.md", reflect.TypeFor[experiment.Change](): "changes.md",
		reflect.TypeFor[experiment.Plan](): "plan.md", reflect.TypeFor[experiment.Trial](): "result.md", reflect.TypeFor[experiment.Measured](): "result.md",
	}
	for _, t := range []reflect.Type{
		reflect.TypeFor[proof.Programme](), reflect.TypeFor[proof.Phase](), reflect.TypeFor[proof.Policy](), reflect.TypeFor[proof.Objective](),
		reflect.TypeFor[proof.Capacity](), reflect.TypeFor[experiment.HeldPhase](),
	} {
		pages[t] = "verification.md"
	}
	return pages
}

func TestEveryNameIsDocumented(t *testing.T) {
	for _, c := range []struct {
		page  string
		names []string
	}{
		{"result.md", classes()},
		{"result.md", []string{string(capacity.CauseLatency), string(capacity.CauseErrors), string(capacity.CausePlateau), string(capacity.CauseClient), string(capacity.CauseLimit), string(capacity.CauseNone)}},
		{"result.md", []string{string(capacity.Baseline), string(capacity.Climb), string(capacity.Plateau), string(capacity.Bracket), string(capacity.Confirm), string(capacity.Recheck)}},
		{"result.md", []string{experiment.Held, experiment.Missed, experiment.Undecided, experiment.Invalid, string(experiment.Complete), string(experiment.Partial)}},
		{"events.md", []string{string(experiment.RunStarted), string(experiment.TrialStarted), string(experiment.TrialProgress), string(experiment.TrialFinished), string(experiment.Noted), string(experiment.RunFinished)}},
		{"events.md", []string{string(experiment.PhaseStarted), string(experiment.PhaseProgress), string(experiment.PhaseFinished), string(experiment.CapacitySeen)}},
		{"verification.md", []string{string(proof.Baseline), string(proof.StepUp), string(proof.RampUp), string(proof.Plateau), string(proof.StepDown), string(proof.RampDown)}},
		{"verification.md", []string{string(proof.Works), string(proof.WorksSlowly), string(proof.WorksCostly), string(proof.WorksFlaps), string(proof.NoProtection), string(proof.NoScaling), string(proof.Undecided)}},
		{"verification.md", []string{string(proof.Pass), string(proof.Warn), string(proof.Fail), string(proof.Reported), string(proof.NotKnown), string(proof.Measured), string(proof.Bounded), string(proof.Missing)}},
		{"verification.md", []string{string(proof.LoadCrossed), string(proof.MetricVisible), string(proof.AlarmFired), string(proof.ActivityBegan), string(proof.InService), string(proof.FirstServed), string(proof.Recovered)}},
		{"run-directory.md", []string{PlanFile, EventsFile, TrialsFile, HistogramsFile, ResultFile, ReportFile}},
		{"histograms.md", []string{Tag(7, "response"), Tag(7, "service"), Tag(7, "lateness")}},
	} {
		content, err := os.ReadFile(filepath.Join("..", "docs", "formats", c.page))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range c.names {
			if !strings.Contains(string(content), "`"+name+"`") {
				t.Errorf("%s does not have the name %q", c.page, name)
			}
		}
	}
}

func classes() []string {
	var names []string
	for c := range loadgen.NumClasses {
		if c != loadgen.OK {
			names = append(names, c.String())
		}
	}
	return names
}
