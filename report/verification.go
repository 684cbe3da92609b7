package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
)

// States of a proof; also PARTIAL.
const (
	stateWorks     state = "WORKS"
	stateWorksBut  state = "WORKS, BUT"
	stateNoScaling state = "DOES NOT SCALE"
	stateNoGuard   state = "DOES NOT PROTECT"
)

const verifyMethod = "A load programme made from the policy itself is held with arrivals that do not wait for answers: a baseline, a step up, a ramp to the most instances, a plateau, a step down, a ramp down. What the endpoint, its alarms, its activities and its metrics showed meanwhile is put in order and checked against the policy; all times are those of the services."

func verificationState(v *experiment.Verification) state {
	switch v.Verdict {
	case proof.Works:
		return stateWorks
	case proof.WorksSlowly, proof.WorksCostly, proof.WorksFlaps:
		return stateWorksBut
	case proof.NoScaling:
		return stateNoScaling
	case proof.NoProtection:
		return stateNoGuard
	default:
		if v.Status == experiment.Partial {
			return statePartial
		}
		return stateUndecided
	}
}

func verificationVerdict(v *experiment.Verification) verdict {
	out := verdict{State: verificationState(v), Title: fmt.Sprintf("The policy %s", v.Verdict), Number: string(v.Verdict), Advice: printable(v.Change)}
	if v.Verdict == proof.Undecided {
		out.Title = "It is not decided whether the policy scales"
	}
	if len(v.Reasons) > 0 {
		out.Cause = printable(v.Reasons[0])
		out.Reasons = cleaned(v.Reasons[1:])
	}
	if v.Ended != "" {
		out.Reasons = append([]string{"cut short: " + printable(v.Ended)}, out.Reasons...)
	}
	out.Reasons = append(out.Reasons, cleaned(v.Notes)...)
	out.Reasons = append(out.Reasons, cleaned(v.Programme.Notes)...)
	for _, what := range slices.Sorted(maps.Keys(v.Observed.Unknown)) {
		out.Reasons = append(out.Reasons, printable(what+" not known: "+v.Observed.Unknown[what]))
	}
	return out
}

func (t *text) verification(v *experiment.Verification) {
	answer := verificationVerdict(v)
	fmt.Fprintf(&t.b, "%s  %s\n", t.state(answer.State), t.as(answer.Title, bold))
	t.indented(answer.Cause)
	t.indented(answer.Advice)
	t.insecure(v.Plan.Endpoint)
	t.b.WriteByte('\n')
	for i, line := range eventLines(v) {
		t.field(onFirst(i, "Events"), line)
	}
	for i, c := range v.Checks {
		t.field(onFirst(i, "Checks"), t.as(fmt.Sprintf("%-9s", c.Outcome), checkColor(c.Outcome))+" "+printable(c.Title+": "+c.Evidence))
		if c.Remedy != "" {
			t.field("", "          → "+printable(c.Remedy))
		}
	}
	for i, f := range v.Objectives {
		t.field(onFirst(i, "Asked"), printable(findingLine(f)))
	}
	t.field("Objective", objectiveOf(v))
	t.field("Effort", verificationEffort(v))
	t.list("To know", answer.Reasons)
}

// eventLines are the changes of capacity, each with its stages.
func eventLines(v *experiment.Verification) []string {
	var lines []string
	for _, e := range v.Events {
		stages := make([]string, 0, len(e.Stages))
		for _, s := range e.Stages {
			stages = append(stages, stageOf(s))
		}
		lines = append(lines, fmt.Sprintf("%s %d → %d in %s: %s", e.Direction, e.From, e.To, minutes(e.Total), strings.Join(stages, ", ")))
	}
	return lines
}

func stageOf(s proof.Stage) string {
	name := strings.ReplaceAll(string(s.Name), "_", " ")
	switch {
	case s.Known == proof.Missing:
		return name + " not known"
	case s.Known == proof.Bounded:
		return fmt.Sprintf("%s %s (+%s, within %s)", name, s.At.UTC().Format("15:04:05"), minutes(s.After), minutes(s.Within))
	}
	return fmt.Sprintf("%s %s (+%s)", name, s.At.UTC().Format("15:04:05"), minutes(s.After))
}

// minutes writes a time to the second.
func minutes(s proof.Span) string { return time.Duration(s).Round(time.Second).String() }

func findingLine(f proof.Finding) string {
	word := "missed"
	switch {
	case !f.Judged:
		word = "not judged"
	case f.Met:
		word = "met"
	}
	return fmt.Sprintf("%s %s: %s, it was %s", f.Name, f.Asked, word, f.Was)
}

func objectiveOf(v *experiment.Verification) string {
	if v.Objective.Name == "" {
		return ""
	}
	from := map[string]string{
		experiment.LimitGiven: "as given", experiment.LimitOfRun: "of the run", experiment.LimitBaseline: "derived from the baseline",
	}
	return printable(v.Objective.Name) + ", " + from[v.Plan.Verify.From]
}

func verificationEffort(v *experiment.Verification) string {
	text := fmt.Sprintf("%s requests in %s, %.2f instance-hours", count(v.RequestsSent), lasting(v.DurationSeconds), v.Cost.InstanceHours)
	if v.Cost.Dollars > 0 {
		text += fmt.Sprintf(" (%.2f dollars)", v.Cost.Dollars)
	}
	if v.Speed > 1.5 {
		text += fmt.Sprintf("; the services' time passed %.4g times as fast", v.Speed)
	}
	return text
}

func checkColor(o proof.Outcome) string {
	switch o {
	case proof.Pass:
		return green
	case proof.Fail:
		return red
	case proof.Warn:
		return yellow
	default:
		return dim
	}
}

func (v *view) ofVerification(r *experiment.Verification) {
	v.Kicker, v.Method = "Proof that a policy scales", verifyMethod
	v.Endpoint = printable(r.On.String())
	v.When = "Held " + moment(r.Started)
	v.Verdict = verificationVerdict(r)
	for _, c := range r.Checks {
		v.Findings = append(v.Findings, finding{string(c.Outcome), printable(c.Title), printable(strings.TrimSpace(c.Evidence + " " + c.Remedy))})
	}
	facts := []fact{{"Objective", objectiveOf(r)}, {"Effort", verificationEffort(r)}}
	for _, line := range eventLines(r) {
		facts = append(facts, fact{"Event", line})
	}
	for _, f := range r.Objectives {
		facts = append(facts, fact{"Asked of scaling", printable(findingLine(f))})
	}
	v.Facts = compactFacts(facts)
}
