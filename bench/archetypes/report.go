package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"plimsoll/internal/archetype"
)

// published are the budgets of the published tables; the middle ones are by family.
func published() []time.Duration {
	return []time.Duration{45 * time.Second, 60 * time.Second, 90 * time.Second, 170 * time.Second, 300 * time.Second}
}

const (
	page  = "docs/benchmarks.md"
	plot  = "docs/search-error.svg"
	begin = "<!-- written by go run ./bench/archetypes -write -->\n"
	end   = "<!-- end of what is written -->\n"
)

// outcome is a method with its runs against stationary servers.
type outcome struct {
	name string
	ours bool
	runs []run
}

// writeAll measures everything and puts it into the documentation.
func writeAll(ins []archetype.Instance, seeds int) error {
	var out strings.Builder
	var all []outcome
	var changing strings.Builder
	steady := steadyOnes(ins)
	moving := slices.DeleteFunc(slices.Clone(ins), func(in archetype.Instance) bool { return !in.Family.Changes })
	for _, budget := range published() {
		all = append(all, outcome{name: budget.String(), ours: true, runs: runAll(search(budget), steady, seeds)})
		if budget == 90*time.Second || budget == 170*time.Second {
			changing.WriteString(noticed(budget, runAll(search(budget), moving, seeds)))
		}
	}
	for _, m := range baselines() {
		all = append(all, outcome{name: m.name, runs: runAll(m, steady, seeds)})
	}
	fmt.Fprintf(&out, "All %d families that have a peak, %d instances and %d seeds each:\n\n", len(steady)/archetype.Held, archetype.Each-archetype.Held, seeds)
	fmt.Fprintf(&out, searchHead, "budget")
	for _, o := range all {
		if o.ours {
			out.WriteString(summarize(o.runs).searchRow(o.name))
			out.WriteString(summarize(lightTailed(o.runs)).searchRow(o.name + ", without heavy"))
		}
	}
	out.WriteString("\nThe same servers, seeds and truths by other rules:\n\n" + methodHead)
	for _, o := range all {
		name := o.name
		if o.ours {
			name = "**plimsoll, " + name + "**"
		}
		out.WriteString(summarize(o.runs).methodRow(name))
	}
	out.WriteString("\n![error against time](search-error.svg)\n")
	for _, o := range all {
		if o.name == "1m0s" || o.name == "2m50s" || o.name == "5m0s" {
			out.WriteString("\n" + byFamily("budget "+o.name, o.runs))
		}
	}
	out.WriteString("\nServers that change during the run, where the right answer is to say so:\n\n| budget, family | runs | noticed | INVALID |\n|---|---|---|---|\n" + changing.String())
	out.WriteString("\nWhere no objective is given: definitions of a knee on the same servers, from curves of 20 000 requests a point:\n\n" + compareKnees(steady))
	if err := os.WriteFile(plot, []byte(drawPlot(all)), 0o644); err != nil {
		return fmt.Errorf("writing the plot: %w", err)
	}
	return replacePart(page, out.String())
}

// lightTailed are the runs without the family whose payloads have a heavy tail,
// of which a search of minutes sees too few of the largest.
func lightTailed(runs []run) []run {
	return slices.DeleteFunc(slices.Clone(runs), func(r run) bool { return r.in.Family.Name == "heavy" })
}

const methodHead = "| method | runs | median error | 95 % of errors | within 3 % | more than 5 % too high | fails | interval covers | seconds | thousand requests |\n|---|---|---|---|---|---|---|---|---|---|\n"

func (s summary) methodRow(name string) string {
	return fmt.Sprintf("| %s | %d | %.1f %% | %.1f %% | %.0f %% | %.0f %% | %.0f %% | %.0f %% | %.0f | %.1f |\n",
		name, s.runs, 100*s.median, 100*s.p95, 100*s.within, 100*s.over, 100*s.fail, 100*s.covered, s.seconds, s.kilo)
}

// noticed is one row for each family that changes.
func noticed(budget time.Duration, runs []run) string {
	var out strings.Builder
	for len(runs) > 0 {
		name := runs[0].in.Family.Name
		n := slices.IndexFunc(runs, func(r run) bool { return r.in.Family.Name != name })
		if n < 0 {
			n = len(runs)
		}
		seen, invalid := 0, 0
		for _, r := range runs[:n] {
			if r.changed || !r.valid {
				seen++
			}
			if !r.valid {
				invalid++
			}
		}
		fmt.Fprintf(&out, "| %v, %s | %d | %.0f %% | %.0f %% |\n", budget, name, n, 100*float64(seen)/float64(n), 100*float64(invalid)/float64(n))
		runs = runs[n:]
	}
	return out.String()
}

// replacePart puts text between the marks of a page.
func replacePart(name, text string) error {
	old, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading the page to write into, from the root of the module: %w", err)
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s: lacks the marks %q and %q", name, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(name, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644)
}
