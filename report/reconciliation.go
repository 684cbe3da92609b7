package report

import (
	"fmt"
	"slices"

	"plimsoll/experiment"
)

// reconciled are the sentences on a run beside CloudWatch; the warnings are among what is
// to know. None where the run has none.
func reconciled(r *experiment.Reconciliation) []string {
	switch {
	case r == nil:
		return nil
	case !r.Done:
		return []string{"not reconciled: " + printable(r.Why)}
	}
	return cleaned(r.Findings)
}

// concurrencyOf is the target of the metric of concurrency, or why there is none.
func concurrencyOf(r *experiment.Result) string {
	if len(r.Targets) < 2 {
		return ""
	}
	t := r.Targets[1]
	if t.Value == nil {
		return "no target for " + t.Metric + ": " + printable(t.How)
	}
	return "or " + plain(*t.Value) + t.Unit + " (" + t.Metric + "): " + printable(t.How)
}

// warningsOf are what a load's reconciliation adds to what is to know.
func warningsOf(r *experiment.Reconciliation) []string {
	if r == nil {
		return nil
	}
	return cleaned(r.Warnings)
}

// beside is the section on CloudWatch: sentences, and a table by minute.
type beside struct {
	Sentences []string
	Minutes   *grid
}

func besideOf(r *experiment.Reconciliation) *beside {
	if r == nil {
		return nil
	}
	b := &beside{Sentences: append(reconciled(r), warningsOf(r)...)}
	if len(r.Minutes) == 0 {
		return b
	}
	b.Minutes = &grid{Head: []string{
		"minute (UTC)", "sent /s", "CloudWatch /s", "bound ± /s", "verdict", "service ms", "model ms", "overhead ms", "network and client ms",
	}}
	for _, c := range r.Minutes {
		verdict := string(c.Verdict)
		if c.Partial {
			verdict += ", not all of it"
		}
		b.Minutes.row(c.Minute.UTC().Format("15:04"), number(c.Sent), optional(c.Seen, number), number(c.Bound), verdict,
			optional(c.Service, milliseconds), optional(c.Model, milliseconds), optional(c.Overhead, milliseconds), optional(networkOf(c), milliseconds))
	}
	return b
}

// mostMinutes is how many minutes a summary shows: all where there are so few, and else
// those that do not agree.
const mostMinutes = 10

// beside writes a short table of minutes.
func (t *text) beside(r *experiment.Reconciliation) {
	t.list("CloudWatch", reconciled(r))
	if r == nil || !r.Done {
		return
	}
	shown := r.Minutes
	if len(shown) > mostMinutes {
		shown = slices.DeleteFunc(slices.Clone(shown), func(c experiment.MinuteCheck) bool { return c.Verdict == experiment.Agrees })
	}
	for i, c := range shown[:min(len(shown), mostMinutes)] {
		if i == 0 {
			fmt.Fprintf(&t.b, "%*s%-8s%10s%14s%12s%10s%13s\n", labelWidth, "", "minute", "sent/s", "CloudWatch/s", "service ms", "model ms", "network ms")
		}
		fmt.Fprintf(&t.b, "%*s%-8s%10s%14s%12s%10s%13s  %s\n", labelWidth, "", c.Minute.UTC().Format("15:04"), number(c.Sent), optional(c.Seen, number),
			optional(c.Service, milliseconds), optional(c.Model, milliseconds), optional(networkOf(c), milliseconds), c.Verdict)
	}
}

// networkOf is what is left of a minute's service time.
func networkOf(c experiment.MinuteCheck) *float64 {
	if c.Service == nil || c.Model == nil || c.Overhead == nil {
		return nil
	}
	return new(*c.Service - *c.Model - *c.Overhead)
}

func optional(x *float64, write func(float64) string) string {
	if x == nil {
		return missing
	}
	return write(*x)
}

// streamOf says in a sentence how the answers of a measurement streamed in.
func streamOf(m experiment.Measured) string {
	s := m.Stream
	if s == nil {
		return ""
	}
	text := fmt.Sprintf("first byte p50 %s, p99 %s; between parts p50 %s, p99 %s",
		span(s.FirstByteResponse.P50), span(s.FirstByteResponse.P99), span(s.Gaps.P50), span(s.Gaps.P99))
	if tokens := tokensOf(m); tokens != "" {
		text += "; " + tokens
	}
	return text
}

// tokensOf says how many tokens came, and how fast.
func tokensOf(m experiment.Measured) string {
	if m.Stream == nil || m.Stream.Tokens == nil {
		return ""
	}
	t := m.Stream.Tokens
	if t.Count == 0 {
		return "no token was found in " + plural(t.Tokenless, "answer", "answers") + ": look at --tokens"
	}
	text := fmt.Sprintf("%s tokens/s of all answers; of one, half have at least %s/s, 99 %% at least %s/s", trim(number(t.PerSecond)), trim(number(t.Median)), trim(number(t.Slow)))
	if t.Tokenless > 0 {
		text += "; none was found in " + plural(t.Tokenless, "answer", "answers")
	}
	return text
}

// streamed is the trial whose streams a search shows: the last that held an open loop,
// or else the last with streams.
func streamed(r *experiment.Result) (t experiment.Trial, found bool) {
	for _, trial := range r.Trials {
		if trial.Stream == nil {
			continue
		}
		better := trial.Rate > 0 && trial.Verdict.Outcome == experiment.Held
		if better || !found || t.Rate == 0 {
			t, found = trial, true
		}
	}
	return t, found
}

// streamOfSearch is [streamOf] of that trial.
func streamOfSearch(r *experiment.Result, u units) string {
	t, found := streamed(r)
	if !found {
		return ""
	}
	return "at " + loadOf(t, u) + ": " + streamOf(t.Measured)
}
