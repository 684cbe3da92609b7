package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"plimsoll/experiment"
)

// rowFormat has the columns of a trial, 108 in all with the verdict.
const rowFormat = "%3s  %-8s %-13s %9s %10s %7s %7s %7s %7s  %-17s "

// TrialHeader is the heading of the rows that [TrialRow] writes.
func TrialHeader() string {
	return fmt.Sprintf(rowFormat+"%s", "#", "phase", "load", "offered/s", "achieved/s", "p50", "p99", "svc p99", "success", "notes", "verdict")
}

// TrialRow is one trial in one line of fixed columns, at most 110 wide: what was
// asked, what came of it, response time (p50, p99) and service time (svc p99),
// what went wrong, and the verdict.
func TrialRow(t experiment.Trial, color bool) string {
	row := fmt.Sprintf(rowFormat, count(int64(t.Number)), cut(printable(string(t.Phase)), 8), cut(loadOf(t, units{1, "/s", "second"}), 13),
		number(t.Offered), number(t.Achieved), compact(t.Response.P50), compact(t.Response.P99), compact(t.Service.P99),
		strings.ReplaceAll(percent(t.SuccessRatio), " ", ""), cut(notesOf(t.Measured), 17))
	return row + paint(color).as(printable(t.Verdict.Outcome), outcomeColor(t.Verdict.Outcome))
}

// compact writes milliseconds in seven columns: 20.4ms, 1.24s.
func compact(ms float64) string { return strings.ReplaceAll(span(ms), " ", "") }

// notesOf names what went wrong in a trial, the gravest first.
func notesOf(m experiment.Measured) string {
	var notes []string
	for _, part := range []struct {
		n    int64
		what string
	}{{failed(m), "failed"}, {m.Unanswered, "unanswered"}, {m.Dropped, "dropped"}, {m.Late, "late"}} {
		if part.n > 0 {
			notes = append(notes, count(part.n)+" "+part.what)
		}
	}
	if m.Overloaded {
		notes = append(notes, "overload")
	}
	return strings.Join(notes, ", ")
}

// cut shortens a text to n columns.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func outcomeColor(outcome string) string {
	switch outcome {
	case experiment.Held:
		return green
	case experiment.Missed:
		return red
	case experiment.Invalid:
		return yellow
	}
	return dim
}
