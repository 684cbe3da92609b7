package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"plimsoll/experiment"
	"plimsoll/price"
)

// ends says whether no other type is to be measured after an error: the run was told to end
// or is at a limit, the next would be refused too, or something is left to be deleted.
func ends(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	if _, limited := errors.AsType[*experiment.LimitError](err); limited {
		return true
	}
	switch codeOf(err) {
	case exitCredentials, exitLeftovers, exitRecord, exitInterrupted:
		return true
	}
	return false
}

// outcomeOf is the exit code of a comparison that has been shown: that of its first run, unless
// the peak of a type that meets the objectives was found.
func outcomeOf(c experiment.Comparison, first error) error {
	for _, t := range c.Types {
		if t.Meets && t.Peak.Found {
			return nil
		}
	}
	outcome, ok := errors.AsType[*exitError](first)
	if !ok || !outcome.said {
		return nil // it is among what went wrong
	}
	return outcome
}

// tellTypes prints a comparison.
func (m *making) tellTypes(c experiment.Comparison) error {
	if m.base.settings.Output == outputJSON {
		return printJSON(m.env.Stdout, c)
	}
	w := tabwriter.NewWriter(m.env.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "INSTANCE TYPE\tPEAK OF ONE (INTERVAL)\tTARGET\tPRICE AN HOUR\tA MILLION REQUESTS\tOBJECTIVES") // Flush says what failed
	for _, t := range c.Types {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.InstanceType, peakWords(t.Peak), targetWords(t.Target), hourWords(t.Price), millionWords(t.PerMillion), meetsWords(t))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	conclusion := "none meets the objectives at a known price"
	if c.Cheapest != "" {
		conclusion = "cheapest that meets the objectives: " + c.Cheapest
	}
	for _, d := range c.Doubts {
		conclusion += "\nbut " + d
	}
	_, err := fmt.Fprintf(m.env.Stdout, "\n%s\na million requests: on instances that carry the target, all the time\nrecord: %s\n", conclusion, c.Dir)
	return err
}

const unknown = "-"

func peakWords(p *experiment.Peak) string {
	switch {
	case p == nil || p.Rate == nil || p.Low == nil:
		return unknown
	case p.High == nil:
		return fmt.Sprintf("at least %.4g/s", *p.Low)
	}
	return fmt.Sprintf("%.4g/s (%.4g to %.4g)", *p.Rate, *p.Low, *p.High)
}

func targetWords(t *experiment.Target) string {
	if t == nil {
		return unknown
	}
	return fmt.Sprintf("%.6g/min", t.PerMinute)
}

func hourWords(p *price.Price) string {
	if p == nil {
		return unknown
	}
	about := ""
	if p.Estimated {
		about = "about "
	}
	date := ""
	if p.Date != "" {
		date = " (" + p.Date + ")"
	}
	return fmt.Sprintf("%s%.4g %s%s", about, p.PerHour, p.Currency, date)
}

func millionWords(cost *float64) string {
	if cost == nil {
		return unknown
	}
	return fmt.Sprintf("%.4g %s", *cost, price.Currency)
}

func meetsWords(t experiment.Typed) string {
	switch {
	case t.Cheapest:
		return "met; the cheapest"
	case t.Meets:
		return "met"
	case t.Peak == nil:
		return "not measured"
	case t.Peak.Missed:
		return "missed"
	}
	return "not known"
}
