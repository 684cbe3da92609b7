package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"plimsoll/experiment"
	"plimsoll/proof"
)

// proved writes a proof: the answer in five lines, for tune with the peak and the target,
// then what it rests on.
func (t *text) proved(d Document) {
	r := d.proof()
	fmt.Fprintf(&t.b, "%s  %s\n", t.state(stateOfProof(r.Verdict)), t.as(proofTitle(r.Verdict), bold))
	if found := d.found(); found != nil {
		t.peakLine(found)
	}
	t.indented(proofSummary(r))
	if help := helpOf(r); help != "" {
		t.indented(t.as("What would help most:", bold) + " " + help + ".")
	}
	t.b.WriteByte('\n')
	t.list("Because", r.Reasons)
	t.list("To know", r.Programme.Notes)
	t.field("Policy", policyWords(d.policy()))
	for i, f := range r.Objectives {
		t.field(onFirst(i, "Objective"), t.as(findingWord(f), findingColor(f))+" "+printable(f.Name+": "+f.Was+", asked "+f.Asked))
	}
	t.field("Cost", costWords(r.Cost))
	t.field("Time", speedWords(r.Series.Speed))
	t.events(r.Events)
	t.checks(r.Checks)
	if d.Result != nil || len(d.Files) > 0 {
		t.b.WriteByte('\n')
	}
}

// peakLine is the answer of find in one line, or two.
func (t *text) peakLine(r *experiment.Result) {
	v := verdictOf(r, unitsOf(r.Plan))
	line := t.state(v.State) + "  " + t.as(v.Title, bold)
	if v.Interval != "" {
		line += " (" + v.Interval + ")"
	}
	if goal := targetOf(r); goal != nil {
		line += "; target " + t.as(goal.PerMinute+"/min", bold) + " per instance"
	} else {
		line += ". " + noTarget(v.State)
	}
	t.wrapped("", 0, line)
}

// events writes the stages of every scaling event, from the load that called for it.
func (t *text) events(events []proof.Event) {
	for _, e := range events {
		fmt.Fprintf(&t.b, "\n%s  %s, %s in all\n", t.as(eventTitle(e), bold), eventBegan(e), spanOf(e.Total))
		stages := stagesOf(e)
		widest := 0
		for _, s := range stages {
			widest = max(widest, utf8.RuneCountInString(s.Since))
		}
		for _, s := range stages {
			when := s.Since + strings.Repeat(" ", widest-utf8.RuneCountInString(s.Since))
			if !s.Known {
				when = t.as(when, yellow)
			}
			head := fmt.Sprintf("  %s  %-8s  %-26s ", when, orDefault(s.Clock, missing+"       "), s.Title)
			columns := 2 + widest + 2 + 8 + 2 + 26 + 1
			source := s.Source
			if strings.Contains(s.Since, "±") {
				source = strings.TrimPrefix(source, boundedWord) // the ± says so
			}
			if s.Known && t.width > columns {
				source = cut(source, t.width-columns) // the page has all of it
			}
			t.wrapped(head, columns, t.dimmed(source))
		}
	}
}

// dimmed and bolded paint every word, so that they can be wrapped.
func (t *text) dimmed(sentence string) string { return t.painted(sentence, dim) }
func (t *text) bolded(sentence string) string { return t.painted(sentence, bold) }

func (t *text) painted(sentence, code string) string {
	words := strings.Fields(sentence)
	for i, w := range words {
		words[i] = t.as(w, code)
	}
	return strings.Join(words, " ")
}

// eventBegan is when an event's first known stage was.
func eventBegan(e proof.Event) string {
	for _, s := range e.Stages {
		if s.Known != proof.Missing && !s.At.IsZero() {
			return "from " + clock(instant(s))
		}
	}
	return "at a time that is not known"
}

// checks writes each check after its mark, with what to do below it.
func (t *text) checks(checks []proof.Check) {
	if len(checks) == 0 {
		return
	}
	t.b.WriteString("\n" + t.as("Checks", bold) + "\n")
	for _, c := range checks {
		mark, color := checkMark(c.Outcome)
		head := "  " + t.as(fmt.Sprintf("%-9s", mark), color) + "  "
		t.wrapped(head, labelWidth, t.bolded(printable(c.Title)+":")+" "+printable(c.Evidence))
		if c.Remedy != "" {
			t.wrapped(strings.Repeat(" ", labelWidth)+t.as("→ ", color), labelWidth+2, printable(c.Remedy))
		}
	}
}

// checkMark is an outcome as people look for it, and its colour.
func checkMark(o proof.Outcome) (mark, color string) {
	switch o {
	case proof.Pass:
		return "pass", green
	case proof.Warn:
		return "warn", yellow
	case proof.Fail:
		return "FAIL", red
	case proof.Reported:
		return "figure", dim
	case proof.NotKnown:
		return "not known", yellow
	}
	return printable(string(o)), yellow
}

func findingColor(f proof.Finding) string {
	switch {
	case !f.Judged:
		return yellow
	case f.Met:
		return green
	}
	return red
}

// changes writes what was changed as a difference, and what became of it.
func (t *text) changes(d Document) {
	if len(d.changes()) > 0 {
		t.b.WriteString("\n" + t.as("Changes", bold) + "\n")
	}
	for _, c := range d.changes() {
		for _, line := range c.Lines() {
			line = printable(line)
			switch rest := strings.TrimSpace(line); {
			case strings.HasPrefix(rest, "- "):
				line = t.as(line, red)
			case strings.HasPrefix(rest, "+ "):
				line = t.as(line, green)
			}
			t.b.WriteString(line + "\n")
		}
	}
	if d.restored() != nil {
		yes := t.as("yes:", green)
		if d.left() {
			yes = t.as("NO:", red)
		}
		t.field("Put back", yes+" "+restoredWords(d))
	}
	if len(d.changes()) > 0 || d.restored() != nil {
		t.b.WriteByte('\n')
	}
}
