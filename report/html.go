package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
)

//go:embed page.gohtml
var pageTemplate string

//go:embed page.css
var pageStyle string

// HTML writes the document as one self-contained page: no script, nothing
// fetched, charts as inline SVG, light and dark, fit for print.
func HTML(w io.Writer, d Document) error {
	if err := d.Validate(); err != nil {
		return err
	}
	page, err := template.New("page").Parse(pageTemplate)
	if err == nil {
		page, err = page.Parse(proofTemplate)
	}
	if err != nil {
		return fmt.Errorf("rendering the report: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, viewOf(d)); err != nil {
		return fmt.Errorf("rendering the report: %w", err)
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// view is what the page shows, all of it as text.
type view struct {
	Style     template.CSS
	Title     string // of the window
	Kicker    string // what kind of document this is
	Endpoint  string
	When      string
	Version   string
	Insecure  bool
	Verdict   verdict
	Badge     string // class of the verdict's state
	Big       []bigNumber
	NoTarget  string
	Scale     template.HTML
	Facts     []fact
	Findings  []finding
	Quantiles *grid
	Figures   []figure
	Trials    *grid
	Beside    *beside
	Errors    []errorGroup
	Client    []fact
	Plan      []fact
	Reproduce []string
	Files     []string
	Method    string

	Scaling  *proofView // nil: there is no proof
	Changes  []diffLine
	Restored string
	Left     bool // not everything was put back: it is said first
}

// The method, in two sentences.
const (
	findMethod = "A closed loop with a rising number of requests in flight finds where throughput saturates; open-loop trials, whose arrivals do not wait for answers, then bracket the highest rate that meets every objective in the long run. The target is peak × safety factor × 60, after the Amazon SageMaker Developer Guide, “Load testing your auto scaling configuration”."
	loadMethod = "Every request has an intended instant, fixed before its predecessors are answered in an open loop, and is sent once: what is late, dropped or failed is counted and never repeated. Quantiles are of successes alone, from an HdrHistogram of every one of them."
)

// bigNumber is one of the two numbers that matter.
type bigNumber struct {
	Name, Value, Unit, Below, Formula string
	Faint                             bool
}

type fact struct{ Name, Value string }

type finding struct{ Outcome, Objective, Reason string }

// errorGroup is a class of failures over all trials with its samples.
type errorGroup struct {
	Class   string
	Count   string
	Samples []string
}

func viewOf(d Document) view {
	plan := d.plan()
	v := view{
		Style: styleOf(d), Version: printable(d.version()), Endpoint: endpointOf(plan), Insecure: plan.Endpoint.Insecure,
		Reproduce: cleaned(d.Reproduce), Files: cleaned(d.Files), Changes: diffOf(d), Restored: restoredWords(d), Left: d.left(),
	}
	titles := []string{v.Endpoint, "Plimsoll"}
	switch {
	case d.found() != nil:
		v.ofResult(d.found())
	case d.Load != nil:
		v.ofLoad(d.Load)
	}
	if d.found() != nil || d.Load != nil {
		v.Plan, v.Badge = planFacts(plan), badgeOf(v.Verdict.State)
		titles = append([]string{v.Verdict.Title}, titles...)
	}
	if d.proof() != nil {
		v.ofProof(d)
		titles = append([]string{v.Scaling.Title}, titles...)
	}
	v.Title = strings.Join(titles, " · ")
	if !d.Generated.IsZero() {
		v.When = sentence(strings.TrimPrefix(v.When+", reported "+moment(d.Generated), ", "))
	}
	return v
}

// endpointOf is what was loaded, in one line.
func endpointOf(plan experiment.Plan) string {
	if plan.Endpoint.URL == "" {
		return printable(plan.Model)
	}
	return printable(strings.TrimSpace(plan.Endpoint.Method + " " + plan.Endpoint.URL))
}

func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") }

func badgeOf(s state) string {
	switch s {
	case stateValid, stateHeld, stateCurve, stateOfProof(proof.Works):
		return "good"
	case stateInvalid, stateMissed, stateOfProof(proof.NoProtection), stateOfProof(proof.NoScaling):
		return "wrong"
	default:
		return "caution"
	}
}

func (v *view) ofResult(r *experiment.Result) {
	u := unitsOf(r.Plan)
	c := charts{r, u}
	v.Kicker, v.Method = "Peak of one instance", findMethod
	if r.Command == "rehearse" {
		v.Kicker = "Rehearsal: peak of a modelled instance"
	}
	v.When = "Measured " + moment(r.Started)
	v.Verdict = verdictOf(r, u)
	v.Big = bigNumbers(r, u, v.Verdict)
	if r.Target == nil {
		v.NoTarget = noTarget(v.Verdict.State)
	}
	v.Scale = c.loadline()
	v.Figures = c.all()
	if isSweep(r) {
		v.Kicker, v.Method, v.NoTarget, v.Figures = "The curve of one instance", sweepMethod, "", c.ofCurve()
	}
	v.Facts = compactFacts([]fact{
		{"Concurrency", concurrencyOf(r)},
		{"Unloaded", unloadedOf(r)},
		{"Saturation", saturationOf(r, u)},
		{"Stream", streamOfSearch(r, u)},
		{"Objectives", objectivesOf(r)},
		{"Effort", effortOf(r)},
		{"Ended", printable(r.Peak.Ended)},
	})
	v.Trials = c.trialTable()
	v.Beside = besideOf(r.Reconciliation)
	v.Errors = errorsOf(r.Trials)
	v.Client = clientFacts(r.Client, r.Trials)
}

// bigNumbers are the peak and the target.
func bigNumbers(r *experiment.Result, u units, v verdict) []bigNumber {
	if isSweep(r) {
		return throughputNumber(r, u, v)
	}
	peak := bigNumber{Name: "Peak", Value: missing, Below: v.Interval, Faint: v.State == stateInvalid || v.State == statePartial}
	if p := r.Peak.Rate; p != nil {
		peak.Value, peak.Unit = trim(u.number(*p)), "requests per "+u.name
		if r.Peak.High == nil {
			peak.Value, peak.Below = "≥ "+peak.Value, "bounded below only"
		}
		if v.State == statePartial {
			peak.Name = "Peak, so far"
		}
	}
	out := []bigNumber{peak}
	if t := targetOf(r); t != nil {
		out = append(out, bigNumber{
			Name: "Target", Value: t.PerMinute, Unit: "invocations per minute, " + t.PerSecond + "/s",
			Below: t.From + ", for " + t.Metric, Formula: t.Formula,
		})
	}
	return out
}

// throughputNumber is the one number of a sweep.
func throughputNumber(r *experiment.Result, u units, v verdict) []bigNumber {
	best := mostAchieved(r.Curve)
	if best == nil {
		return []bigNumber{{Name: "Highest throughput", Value: missing, Faint: true}}
	}
	below := fmt.Sprintf("with %d in flight", best.Concurrency)
	if v.Interval != "" {
		below += "; " + v.Interval
	}
	return []bigNumber{{Name: "Highest throughput", Value: trim(u.number(*best.Throughput.Value)), Unit: "requests per " + u.name, Below: below, Faint: v.State != stateCurve}}
}

func (v *view) ofLoad(r *experiment.LoadResult) {
	v.Kicker, v.Method = "One load held", loadMethod
	v.When = "Measured " + moment(r.Started)
	v.Verdict = loadVerdictOf(r)
	v.Big = []bigNumber{
		{Name: "Achieved", Value: trim(number(r.Achieved)), Unit: "requests per second", Below: trim(number(r.Offered)) + "/s offered"},
		{Name: "Response time p99", Value: strings.Fields(span(r.Response.P99) + " ")[0], Unit: unitOf(r.Response.P99), Below: "median " + span(r.Response.P50) + ", longest " + span(r.Response.Max)},
		{Name: "Succeeded", Value: strings.TrimSuffix(percent(r.SuccessRatio), " %"), Unit: "percent", Below: count(r.Successes) + " of " + plural(r.Requests, "request", "requests")},
	}
	for _, f := range r.Verdict.Findings {
		v.Findings = append(v.Findings, finding{met(f), printable(f.Objective), printable(f.Reason)})
	}
	v.Facts = compactFacts([]fact{
		{"Asked", askedOf(r)}, {"Held", lasting(r.WindowSeconds) + " measured, " + lasting(r.DurationSeconds) + " in all"}, {"Not sent", missesOf(r.Measured)}, {"Tokens", tokensOf(r.Measured)},
	})
	v.Beside = besideOf(r.Reconciliation)
	v.Quantiles = &grid{Head: append([]string{"ms"}, quantileNames()...)}
	for _, row := range quantileRows(r.Measured) {
		cells := []string{row.name}
		for _, ms := range row.values {
			cells = append(cells, milliseconds(ms))
		}
		v.Quantiles.row(cells...)
	}
	if f, ok := percentiles(r); ok {
		v.Figures = []figure{f}
	}
	trial := experiment.Trial{Measured: r.Measured}
	v.Errors = errorsOf([]experiment.Trial{trial})
	v.Client = clientFacts(r.Client, []experiment.Trial{trial})
}

// unitOf is the unit that span chose.
func unitOf(ms float64) string {
	if _, unit, found := strings.Cut(span(ms), " "); found {
		return map[string]string{"ms": "milliseconds", "s": "seconds", "µs": "microseconds"}[unit]
	}
	return ""
}

// compactFacts leaves out what has no value.
func compactFacts(facts []fact) []fact {
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}

// trialTable has every trial with everything that was measured of it.
func (c charts) trialTable() *grid {
	if len(c.r.Trials) == 0 {
		return nil
	}
	head := []string{
		"#", "phase", "load", "verdict", "offered " + c.u.suffix, "achieved " + c.u.suffix, "success",
		"p50", "p90", "p95", "p99", "p99.9", "max", "service p99",
	}
	_, streams := streamed(c.r)
	if streams {
		head = append(head, "first byte p50", "p99", "parts p50", "p99", "tokens/s")
	}
	g := &grid{Head: append(head, "late", "dropped", "unanswered", "errors")}
	for _, t := range c.r.Trials {
		q := t.Response
		cells := []string{
			count(int64(t.Number)), string(t.Phase), loadOf(t, c.u), t.Verdict.Outcome,
			c.u.number(t.Offered), c.u.number(t.Achieved), percent(t.SuccessRatio),
			milliseconds(q.P50), milliseconds(q.P90), milliseconds(q.P95), milliseconds(q.P99), milliseconds(q.P999), milliseconds(q.Max),
			milliseconds(t.Service.P99),
		}
		if streams {
			cells = append(cells, streamCells(t.Stream)...)
		}
		g.row(append(cells, count(t.Late), count(t.Dropped), count(t.Unanswered), errorCell(t))...)
	}
	return g
}

// streamCells are what a trial's answers were like as streams.
func streamCells(s *experiment.Stream) []string {
	if s == nil {
		return []string{missing, missing, missing, missing, missing}
	}
	tokens := missing
	if s.Tokens != nil {
		tokens = number(s.Tokens.PerSecond)
	}
	return []string{milliseconds(s.FirstByteResponse.P50), milliseconds(s.FirstByteResponse.P99), milliseconds(s.Gaps.P50), milliseconds(s.Gaps.P99), tokens}
}

// errorCell names the classes of a trial's failures and why it is not valid.
func errorCell(t experiment.Trial) string {
	var parts []string
	for _, class := range classesOf(t.Measured) {
		parts = append(parts, printable(class)+" "+count(t.Errors[class]))
	}
	parts = append(parts, cleaned(t.Doubts)...)
	if t.Overloaded {
		parts = append(parts, "ended early: too many in flight")
	}
	return strings.Join(parts, "; ")
}

// errorsOf adds up failures over trials and keeps different samples.
func errorsOf(trials []experiment.Trial) []errorGroup {
	const mostSamples = 5 // of one class: they show what is wrong, not how often
	sum := experiment.Measured{Errors: map[string]int64{}}
	for _, t := range trials {
		for class, n := range t.Errors {
			sum.Errors[class] += n
		}
		sum.ErrorSamples = append(sum.ErrorSamples, t.ErrorSamples...)
	}
	var out []errorGroup
	for _, class := range classesOf(sum) {
		g := errorGroup{Class: printable(class), Count: count(sum.Errors[class])}
		for _, s := range sum.ErrorSamples {
			words := sampleOf(s)
			if s.Class == class && len(g.Samples) < mostSamples && !slices.Contains(g.Samples, words) {
				g.Samples = append(g.Samples, words)
			}
		}
		out = append(out, g)
	}
	return out
}

// clientFacts say whether the generator was at its ease.
func clientFacts(client experiment.Client, trials []experiment.Trial) []fact {
	worst := 0.0
	var late, dropped int64
	for _, t := range trials {
		worst = max(worst, t.Lateness.P99)
		late += t.Late
		dropped += t.Dropped
	}
	return []fact{
		{"Generator", clientOf(client)},
		{"Lateness", fmt.Sprintf("sends left at most %s after their intended instant (p99 of the worst trial); %d sent late, %d dropped", spanOrZero(worst), late, dropped)},
	}
}

func spanOrZero(ms float64) string {
	if ms <= 0 {
		return "0 ms"
	}
	return span(ms)
}
