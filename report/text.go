package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"plimsoll/experiment"
)

// Text writes a summary for a terminal: the verdict, the target with its
// formula, what else was learnt, and where the record is. The trials are not in
// it: [TrialRow] shows each as it ends. Sentences are wrapped to width columns;
// 0 wraps nothing.
func Text(w io.Writer, d Document, color bool, width int) error {
	if err := d.Validate(); err != nil {
		return err
	}
	t := &text{paint: paint(color), width: width}
	if d.left() {
		t.wrapped("", 0, t.as("NOT PUT BACK:", bold, red)+" "+restoredWords(d)+".")
	}
	if d.proof() != nil {
		t.proved(d)
	}
	switch {
	case d.found() != nil:
		t.result(d.found())
	case d.Load != nil:
		t.load(d.Load)
	}
	t.changes(d)
	t.list("Record", d.Files)
	if _, err := io.WriteString(w, t.b.String()); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// paint colours words, or does not.
type paint bool

const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	reverse = "7"
)

func (p paint) as(s string, codes ...string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + strings.Join(codes, ";") + "m" + s + "\x1b[0m"
}

func (p paint) state(s state) string {
	word := " " + string(s) + " "
	if !p {
		return "[" + string(s) + "]"
	}
	switch badgeOf(s) {
	case "good":
		return p.as(word, reverse, green)
	case "wrong":
		return p.as(word, reverse, red)
	}
	return p.as(word, reverse, yellow)
}

// text is a summary under construction.
type text struct {
	b strings.Builder
	paint
	width int
}

// labelWidth is the column at which values begin.
const labelWidth = 13

func (t *text) result(r *experiment.Result) {
	u := unitsOf(r.Plan)
	v := verdictOf(r, u)
	fmt.Fprintf(&t.b, "%s  %s\n", t.state(v.State), t.as(v.Title, bold))
	if v.Interval != "" {
		t.indented(v.Interval)
	}
	t.indented(v.Cause)
	t.indented(v.Advice)
	t.insecure(r.Plan.Endpoint)
	t.b.WriteByte('\n')
	t.curve(r)
	if goal := targetOf(r); goal != nil {
		t.field("Target", t.as(goal.PerMinute+" invocations per minute", bold)+fmt.Sprintf(" per instance (%s/s)", goal.PerSecond))
		t.field("", goal.Formula+", "+goal.From)
		t.field("", "for "+goal.Metric)
	} else if !isSweep(r) {
		t.field("Target", noTarget(v.State))
	}
	t.field("", concurrencyOf(r))
	t.field("Unloaded", unloadedOf(r))
	t.field("Saturation", saturationOf(r, u))
	t.field("Stream", streamOfSearch(r, u))
	t.field("Objectives", objectivesOf(r))
	t.field("Effort", effortOf(r))
	t.field("Ended", printable(r.Peak.Ended))
	t.beside(r.Reconciliation)
	t.list("To know", v.Reasons)
}

func (t *text) load(r *experiment.LoadResult) {
	v := loadVerdictOf(r)
	fmt.Fprintf(&t.b, "%s  %s\n", t.state(v.State), t.as(v.Title, bold))
	t.indented(v.Advice)
	t.indented(v.Cause)
	t.insecure(r.Plan.Endpoint)
	t.b.WriteByte('\n')
	t.quantiles(r.Measured)
	t.b.WriteByte('\n')
	t.field("Asked", askedOf(r))
	for i, f := range r.Verdict.Findings {
		t.field(onFirst(i, "Objectives"), t.as(met(f), metColor(f))+" "+printable(f.Objective+": "+f.Reason))
	}
	t.field("Not sent", missesOf(r.Measured))
	for i, line := range errorLines(r.Measured) {
		t.field(onFirst(i, "Errors"), line)
	}
	t.field("Tokens", tokensOf(r.Measured))
	t.field("Client", clientOf(r.Client))
	t.beside(r.Reconciliation)
	t.list("To know", v.Reasons)
}

// quantiles writes the table of the two clocks.
func (t *text) quantiles(m experiment.Measured) {
	fmt.Fprintf(&t.b, "%-*s", labelWidth, "ms")
	for _, name := range quantileNames() {
		fmt.Fprintf(&t.b, "%9s", name)
	}
	t.b.WriteByte('\n')
	for _, row := range quantileRows(m) {
		fmt.Fprintf(&t.b, "%-*s", labelWidth, row.name)
		for _, v := range row.values {
			fmt.Fprintf(&t.b, "%9s", milliseconds(v))
		}
		t.b.WriteByte('\n')
	}
}

// insecure says loudly that certificates were not checked.
func (t *text) insecure(e experiment.Endpoint) {
	if e.Insecure {
		t.indented(t.as("INSECURE:", bold, red) + " certificates were not checked: whoever answered may not have been the endpoint.")
	}
}

// list writes one item a line under a label.
func (t *text) list(label string, items []string) {
	for i, item := range items {
		t.field(onFirst(i, label), printable(item))
	}
}

func onFirst(i int, label string) string {
	if i == 0 {
		return label
	}
	return ""
}

// field writes a label and a wrapped value; nothing for no value.
func (t *text) field(label, value string) {
	if value == "" {
		return
	}
	label += strings.Repeat(" ", max(1, labelWidth-len(label)))
	t.wrapped(t.as(label, dim), labelWidth, value)
}

func (t *text) indented(sentence string) {
	if sentence != "" {
		t.wrapped("  ", 2, sentence)
	}
}

// wrapped writes a sentence after a head of so many columns, and its further
// lines below each other.
func (t *text) wrapped(head string, columns int, sentence string) {
	t.b.WriteString(head)
	at := columns
	for i, word := range strings.Fields(sentence) {
		n := visible(word)
		switch {
		case i == 0:
		case t.width > 0 && at+1+n > t.width && at > columns:
			t.b.WriteString("\n" + strings.Repeat(" ", columns))
			at = columns
		default:
			t.b.WriteByte(' ')
			at++
		}
		t.b.WriteString(word)
		at += n
	}
	t.b.WriteByte('\n')
}

// visible is the number of columns that a word takes, colours left out.
func visible(word string) int {
	n := utf8.RuneCountInString(word)
	for rest := word; ; {
		_, after, found := strings.Cut(rest, "\x1b[")
		if !found {
			return n
		}
		codes, tail, _ := strings.Cut(after, "m")
		n -= len("\x1b[") + len(codes) + len("m")
		rest = tail
	}
}

// quantileRow is one clock's quantiles in the order of quantileNames.
type quantileRow struct {
	name   string
	values []float64
}

func quantileNames() []string { return []string{"p50", "p90", "p95", "p99", "p99.9", "max", "mean"} }

func quantileRows(m experiment.Measured) []quantileRow {
	row := func(name string, q experiment.Quantiles) quantileRow {
		return quantileRow{name, []float64{q.P50, q.P90, q.P95, q.P99, q.P999, q.Max, q.Mean}}
	}
	rows := []quantileRow{row("response", m.Response), row("service", m.Service), row("lateness", m.Lateness)}
	if s := m.Stream; s != nil {
		rows = append(rows, row("first byte", s.FirstByteResponse), row("… from send", s.FirstByteService), row("between parts", s.Gaps))
	}
	return rows
}

// errorLines tells of failures by class, the most frequent first, each with the
// server's words.
func errorLines(m experiment.Measured) []string {
	var lines []string
	for _, class := range classesOf(m) {
		parts := []string{count(m.Errors[class]) + " " + printable(class)}
		for _, s := range m.ErrorSamples {
			if s.Class == class {
				parts = append(parts, sampleOf(s))
			}
		}
		lines = append(lines, strings.Join(parts, ", "))
	}
	return lines
}

func classesOf(m experiment.Measured) []string {
	var classes []string
	for class := range m.Errors {
		classes = append(classes, class)
	}
	slices.SortFunc(classes, func(a, b string) int {
		if m.Errors[a] != m.Errors[b] {
			return int(m.Errors[b] - m.Errors[a])
		}
		return strings.Compare(a, b)
	})
	return classes
}

func sampleOf(s experiment.ErrorSample) string {
	words := fmt.Sprintf("“%s”", printable(strings.TrimSpace(s.Detail)))
	if s.Status > 0 {
		return fmt.Sprintf("status %d: %s", s.Status, words)
	}
	return words
}

// missesOf tells what was not sent, sent late or not answered.
func missesOf(m experiment.Measured) string {
	return fmt.Sprintf("%d dropped, %d sent late, %d not answered", m.Dropped, m.Late, m.Unanswered)
}

func met(f experiment.Finding) string {
	switch {
	case !f.Enough:
		return "undecided"
	case f.Met:
		return "held"
	}
	return "missed"
}

func metColor(f experiment.Finding) string {
	switch {
	case !f.Enough:
		return yellow
	case f.Met:
		return green
	}
	return red
}
