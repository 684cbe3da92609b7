package report

import (
	"html/template"
	"math"

	"plimsoll/experiment"
)

// loadline draws the answer on one scale of rates: what the target asks of an
// instance, the peak with its interval, and where the endpoint is saturated.
func (c charts) loadline() template.HTML {
	peak := c.r.Peak
	if peak.Low == nil {
		return ""
	}
	const height, top, bottom = 104, 44, 58
	high := *peak.Low
	for _, v := range c.landmarks() {
		high = max(high, v)
	}
	x := axis{hi: high * 1.12 * c.u.perSecond, from: 4, to: fullWidth - 4}
	p := &plot{width: fullWidth, height: height, x: x}
	at := func(perSecond float64) float64 { return x.at(perSecond * c.u.perSecond) }

	p.rect("scale", x.from, top, x.to, bottom, "")
	p.rect("scale-holds", x.from, top, at(*peak.Low), bottom, "holds the objectives")
	if peak.High != nil {
		p.rect("scale-interval", at(*peak.Low), top-4, at(*peak.High), bottom+4, "peak: "+verdictOf(c.r, c.u).Interval)
		p.line("scale-peak", at(*peak.Rate), top-10, at(*peak.Rate), bottom+4)
		p.text("label peak", anchorNear(at(*peak.Rate), x), at(*peak.Rate), top-17, "peak "+c.u.rate(*peak.Rate))
	} else {
		p.line("scale-peak", at(*peak.Low), top-10, at(*peak.Low), bottom+4)
		p.text("label peak", anchorNear(at(*peak.Low), x), at(*peak.Low), top-17, "the peak lies above "+c.u.rate(*peak.Low)+" →")
	}
	targetAt := math.Inf(-1)
	if t := c.r.Target; t != nil {
		targetAt = at(t.PerSecond)
		p.rect("scale-target", x.from, top, targetAt, bottom, "")
		c.plimsollMark(p, targetAt, (top+bottom)/2)
		p.text("label target", anchorNear(targetAt, x), targetAt, bottom+25, "target "+c.u.rate(t.PerSecond))
	}
	if s := c.r.Saturation; s != nil {
		below := float64(bottom + 25)
		if math.Abs(at(s.Rate)-targetAt) < 150 {
			below += 16
		}
		p.line("saturation", at(s.Rate), top-4, at(s.Rate), bottom+8)
		p.text("label saturation", anchorNear(at(s.Rate), x), at(s.Rate), below, "saturation "+c.u.rate(s.Rate))
	}
	return p.svg("On a scale of rates: " + c.scaleFinding())
}

// plimsollMark is the load line of a ship: a circle with a line through it.
func (c charts) plimsollMark(p *plot, x, y float64) {
	p.rect("scale-mark", x-1.5, y-15, x+1.5, y+15, "target "+c.u.rate(c.r.Target.PerSecond))
	p.b.WriteString(`<circle class="scale-ring" cx="` + px(x) + `" cy="` + px(y) + `" r="8"/>`)
}

func (c charts) scaleFinding() string {
	text := c.peakFinding()
	if t := c.r.Target; t != nil {
		text = "the target is " + c.u.rate(t.PerSecond) + "." + text
	}
	switch s := c.r.Saturation; {
	case s == nil:
	case s.Concurrency == 0:
		text += " A rate limit lets through " + c.u.rate(s.Rate) + "."
	default:
		text += " The closed loop saturates at " + c.u.rate(s.Rate) + "."
	}
	return text
}

// percentiles is the chart of one load: how slow the slowest share is, by both clocks.
func percentiles(r *experiment.LoadResult) (figure, bool) {
	if r.Successes == 0 || r.Response.Max <= 0 {
		return figure{}, false
	}
	var e extent
	rows := quantileRows(r.Measured)[:2]
	for _, row := range rows {
		e.add(row.values[0], row.values[4])
	}
	x := axis{lo: 1.6, hi: 1250, log: true, title: "share of the answers that is faster"}
	ranks := []float64{2, 10, 20, 100, 1000}
	for i, name := range []string{"50 %", "90 %", "95 %", "99 %", "99.9 %"} {
		x.ticks = append(x.ticks, tick{ranks[i], name})
	}
	p := newPlot(fullWidth, chartLow, x, timeAxis("time", e))
	f := figure{
		Title:   "Response time and service time by percentile",
		Caption: "Response time counts from the intended instant, service time from the send: the gap between them was spent waiting to be sent.",
	}
	for i, look := range []struct{ shape, class, name string }{{diamond, "open", "response time"}, {circle, "closed", "service time"}} {
		var curve []point
		for k, v := range rows[i].values[:5] {
			curve = append(curve, point{ranks[k], v})
		}
		p.curve("curve "+look.class+" p99", curve)
		for k, at := range curve {
			p.mark(look.shape, look.class+" full", at, look.name+" p"+trim(number(100-100/ranks[k]))+": "+span(at.y))
		}
		f.Legend = append(f.Legend, legendItem{swatch(look.shape, "mark "+look.class+" full"), look.name})
	}
	f.SVG = p.svg(f.Title + ". p99 response time " + span(r.Response.P99) + ", p99 service time " + span(r.Service.P99) + ".")
	return f, true
}
