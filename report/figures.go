package report

import (
	"fmt"
	"html/template"
	"slices"

	"plimsoll/experiment"
	"plimsoll/slo"
)

// figure is a chart with what belongs to it: a caption that says what it shows,
// a legend, and its numbers.
type figure struct {
	Title   string
	Caption string
	SVG     template.HTML
	Legend  []legendItem
	Table   grid
	Half    bool // fits beside another one
}

type legendItem struct {
	Swatch template.HTML
	Name   string
}

// grid is a table of texts.
type grid struct {
	Head []string
	Rows [][]string
}

// row adds a row; words of others are made harmless.
func (g *grid) row(cells ...string) { g.Rows = append(g.Rows, cleaned(cells)) }

// Sizes of charts, in pixels at full width.
const (
	fullWidth  = 960
	halfWidth  = 560
	chartHigh  = 400
	chartLow   = 340
	timelineHi = 250
)

// charts draws the figures of one result.
type charts struct {
	r *experiment.Result
	u units
}

// all are the figures for which there is data.
func (c charts) all() []figure {
	var out []figure
	for _, draw := range []func() (figure, bool){c.latency, c.aroundPeak, c.concurrency, c.timeline} {
		if f, ok := draw(); ok {
			out = append(out, f)
		}
	}
	return out
}

func closed(t experiment.Trial) bool { return t.Concurrency > 0 }

// answered says that a trial has quantiles.
func answered(t experiment.Trial) bool { return t.Successes > 0 && t.Response.P99 > 0 }

func (c charts) trials(keep func(experiment.Trial) bool) []experiment.Trial {
	var out []experiment.Trial
	for _, t := range c.r.Trials {
		if keep(t) {
			out = append(out, t)
		}
	}
	return out
}

// latency is the chart of the AWS page: response time as throughput rises.
func (c charts) latency() (figure, bool) {
	trials := c.trials(answered)
	if len(trials) == 0 {
		return figure{}, false
	}
	p := newPlot(fullWidth, chartHigh, c.throughputAxis(trials), c.responseAxis(trials))
	c.drawSaturation(p)
	c.drawPeak(p)
	c.drawObjectives(p)
	c.drawLoops(p, trials)
	f := figure{
		Title:   "Response time against throughput",
		Caption: c.latencyFinding(trials),
		Legend:  c.latencyLegend(trials),
		Table:   grid{Head: []string{"trial", "loop", "load", "achieved " + c.u.suffix, "p50 ms", "p99 ms"}},
	}
	f.SVG = p.svg(f.Title + ". " + f.Caption)
	for _, t := range trials {
		f.Table.row(
			count(int64(t.Number)), loopOf(t), loadOf(t, c.u), c.u.number(t.Achieved), milliseconds(t.Response.P50), milliseconds(t.Response.P99),
		)
	}
	return f, true
}

func loopOf(t experiment.Trial) string {
	if closed(t) {
		return "closed"
	}
	return "open"
}

func (c charts) throughputAxis(trials []experiment.Trial) axis {
	var e extent
	for _, t := range trials {
		e.add(t.Achieved)
	}
	e.add(c.landmarks()...)
	x := linear(0, e.hi*c.u.perSecond*1.06, 9, plain)
	x.title = "achieved, requests per " + c.u.name
	return x
}

// landmarks are the rates that charts point out.
func (c charts) landmarks() []float64 {
	var out []float64
	for _, v := range []*float64{c.r.Peak.Rate, c.r.Peak.Low, c.r.Peak.High} {
		if v != nil {
			out = append(out, *v)
		}
	}
	if s := c.r.Saturation; s != nil {
		out = append(out, s.Rate)
	}
	return out
}

func (c charts) responseAxis(trials []experiment.Trial) axis {
	var e extent
	for _, t := range trials {
		e.add(t.Response.P50, t.Response.P99)
	}
	for _, o := range c.limits() {
		e.add(limitMs(o))
	}
	return timeAxis("response time", e)
}

// timeAxis is an axis of milliseconds, logarithmic when they differ much.
func timeAxis(title string, e extent) axis {
	if e.lo > 0 && e.hi > 8*e.lo {
		y := logarithmic(e.lo*0.9, e.hi*1.05, spanTick)
		y.title = title + ", logarithmic"
		return y
	}
	y := linear(0, e.hi*1.08, 6, spanTick)
	y.title = title
	return y
}

func spanTick(ms float64) string {
	if ms == 0 {
		return "0"
	}
	return span(ms)
}

// limits are the applied objectives that limit a response time.
func (c charts) limits() []slo.Objective {
	var out []slo.Objective
	for _, text := range c.r.Peak.Objectives {
		if o, err := slo.Parse(text); err == nil && o.Limit > 0 {
			out = append(out, o)
		}
	}
	return out
}

func limitMs(o slo.Objective) float64 { return o.Limit.Seconds() * 1000 }

func (c charts) drawObjectives(p *plot) {
	for _, o := range c.limits() {
		p.level("objective", limitMs(o), "objective "+o.String())
	}
}

// drawPeak marks the peak and its interval on the x axis; of a peak that is
// bounded below only, the side on which it lies.
func (c charts) drawPeak(p *plot) {
	peak := c.r.Peak
	switch {
	case peak.Low == nil:
	case peak.High == nil:
		at := *peak.Low * c.u.perSecond
		p.rect("peak-band", p.x.at(at), p.y.to, p.x.to, p.y.from, "the peak lies above "+c.u.rate(*peak.Low))
		p.upright("peak", at, 1, "the peak lies above "+c.u.rate(*peak.Low)+" →")
	default:
		p.rect("peak-band", p.x.at(*peak.Low*c.u.perSecond), p.y.to, p.x.at(*peak.High*c.u.perSecond), p.y.from,
			"peak: "+verdictOf(c.r, c.u).Interval)
		p.upright("peak", *peak.Rate*c.u.perSecond, 1, "peak "+c.u.rate(*peak.Rate))
	}
}

func (c charts) drawSaturation(p *plot) {
	if s := c.r.Saturation; s != nil {
		p.upright("saturation", s.Rate*c.u.perSecond, 0, "saturation "+c.u.rate(s.Rate))
	}
}

// drawLoops draws p50 and p99 of both loops; the climb of the closed loop is a curve.
func (c charts) drawLoops(p *plot, trials []experiment.Trial) {
	climb := c.climb(trials)
	for _, q := range bothQuantiles() {
		var curve []point
		for _, t := range climb {
			curve = append(curve, point{t.Achieved * c.u.perSecond, q.of(t)})
		}
		p.curve("curve closed "+q.name, curve)
	}
	for _, q := range bothQuantiles() {
		for _, t := range trials {
			shape, class := markOf(t, q.fill)
			p.mark(shape, class, point{t.Achieved * c.u.perSecond, q.of(t)}, c.tell(t))
		}
	}
}

// quantile is one of the two that charts show.
type quantile struct {
	name, fill string
	of         func(experiment.Trial) float64
}

func bothQuantiles() [2]quantile {
	return [2]quantile{
		{"p50", "hollow", func(t experiment.Trial) float64 { return t.Response.P50 }},
		{"p99", "full", func(t experiment.Trial) float64 { return t.Response.P99 }},
	}
}

// climb are the closed-loop trials of the climb, by concurrency, one each.
func (c charts) climb(trials []experiment.Trial) []experiment.Trial {
	var out []experiment.Trial
	for _, t := range trials {
		if closed(t) && t.Valid && (t.Phase == "baseline" || t.Phase == "climb") {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b experiment.Trial) int { return a.Concurrency - b.Concurrency })
	return slices.CompactFunc(out, func(a, b experiment.Trial) bool { return a.Concurrency == b.Concurrency })
}

// markOf gives loops and validity their shapes and colours.
func markOf(t experiment.Trial, fill string) (shape, class string) {
	switch {
	case !t.Valid:
		return cross, "bad"
	case closed(t):
		return circle, "closed " + fill
	}
	return diamond, "open " + fill
}

// tell is a trial in one line, for tooltips.
func (c charts) tell(t experiment.Trial) string {
	return fmt.Sprintf("trial %d (%s): %s, %s achieved, response p50 %s, p99 %s, %s succeeded, %s",
		t.Number, t.Phase, loadOf(t, c.u), c.u.rate(t.Achieved), span(t.Response.P50), span(t.Response.P99), percent(t.SuccessRatio), t.Verdict.Outcome)
}

func (c charts) latencyFinding(trials []experiment.Trial) string {
	var e extent
	best := 0.0
	for _, t := range trials {
		e.add(t.Response.P99)
		best = max(best, t.Achieved)
	}
	text := fmt.Sprintf("Over %s up to %s the p99 response time lies between %s and %s.",
		plural(int64(len(trials)), "trial", "trials"), c.u.rate(best), span(e.lo), span(e.hi))
	if len(trials) == 1 {
		text = fmt.Sprintf("One trial, at %s: the p99 response time is %s.", c.u.rate(best), span(e.hi))
	}
	return text + c.peakFinding()
}

func (c charts) peakFinding() string {
	switch p := c.r.Peak; {
	case p.Low == nil:
		return ""
	case p.High == nil:
		return " The peak lies above " + c.u.rate(*p.Low) + "."
	default:
		return fmt.Sprintf(" The peak lies at %s, between %s and %s.", c.u.rate(*p.Rate), c.u.rate(*p.Low), c.u.rate(*p.High))
	}
}

func (c charts) latencyLegend(trials []experiment.Trial) []legendItem {
	var out []legendItem
	add := func(wanted bool, shape, class, name string) {
		if wanted {
			out = append(out, legendItem{swatch(shape, class), name})
		}
	}
	isOpen := func(t experiment.Trial) bool { return t.Valid && !closed(t) }
	isClosed := func(t experiment.Trial) bool { return t.Valid && closed(t) }
	add(slices.ContainsFunc(trials, isClosed), circle, "mark closed full", "closed loop, p99")
	add(slices.ContainsFunc(trials, isClosed), circle, "mark closed hollow", "closed loop, p50")
	add(slices.ContainsFunc(trials, isOpen), diamond, "mark open full", "open loop, p99")
	add(slices.ContainsFunc(trials, isOpen), diamond, "mark open hollow", "open loop, p50")
	add(slices.ContainsFunc(trials, func(t experiment.Trial) bool { return !t.Valid }), cross, "mark bad", "not valid")
	return out
}
