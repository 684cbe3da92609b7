package report

import (
	"fmt"

	"plimsoll/experiment"
)

// ofCurve are the figures of a sweep.
func (c charts) ofCurve() []figure {
	var out []figure
	for _, draw := range []func() (figure, bool){c.curveLatency, c.scalability, c.timeline} {
		if f, ok := draw(); ok {
			out = append(out, f)
		}
	}
	return out
}

// points are those of one loop that have a throughput.
func (c charts) points(open bool) []experiment.Point {
	var out []experiment.Point
	for _, p := range c.r.Curve {
		if p.Throughput.Value != nil && (p.Concurrency == 0) == open {
			out = append(out, p)
		}
	}
	return out
}

// curveLatency is response time against throughput, of both loops, with bands.
func (c charts) curveLatency() (figure, bool) {
	var rates, times extent
	for _, p := range c.r.Curve {
		if p.Behind || p.Throughput.Value == nil || p.P50.Value == nil {
			continue
		}
		rates.add(*p.Throughput.Value * c.u.perSecond)
		for _, v := range []*float64{p.P50.Value, p.P50.Low, p.P99.Value, p.P99.High} {
			if v != nil {
				times.add(*v)
			}
		}
	}
	if !times.ok {
		return figure{}, false
	}
	x, y := linear(0, rates.hi*1.06, 9, plain), timeAxis("response time", times)
	x.title = "achieved, requests per " + c.u.name
	p := newPlot(fullWidth, chartHigh, x, y)
	c.drawObjectives(p)
	f := figure{Title: "Response time against throughput, with bands", Table: grid{Head: append([]string{"loop"}, curveHead(c.u)...)}}
	for _, loop := range []struct {
		open        bool
		name, shape string
	}{{false, "closed", circle}, {true, "open", diamond}} {
		for _, q := range []struct {
			name, fill string
			of         func(experiment.Point) experiment.Band
		}{
			{"p50", "hollow", func(p experiment.Point) experiment.Band { return p.P50 }},
			{"p99", "full", func(p experiment.Point) experiment.Band { return p.P99 }},
		} {
			if c.drawBand(p, c.points(loop.open), loop.name, loop.shape, q.name, q.fill, q.of) {
				f.Legend = append(f.Legend, legendItem{swatch(loop.shape, "mark "+loop.name+" "+q.fill), loop.name + " loop, " + q.name})
			}
		}
		for _, at := range c.points(loop.open) {
			f.Table.row(append([]string{loop.name}, curveRow(at, c.u)...)...)
		}
	}
	f.Caption = fmt.Sprintf("Shaded: the band in which the mean of many rounds lies with %s confidence. %s", percent(c.r.Peak.Confidence), loopsDiffer)
	f.SVG = p.svg(f.Title + ". " + f.Caption)
	return f, true
}

// drawBand draws one quantile of one loop; false when there is nothing of it.
func (c charts) drawBand(p *plot, points []experiment.Point, loop, shape, name, fill string, of func(experiment.Point) experiment.Band) bool {
	var line, low, high []point
	for _, at := range points {
		b := of(at)
		if at.Behind || b.Value == nil {
			continue
		}
		x := *at.Throughput.Value * c.u.perSecond
		line = append(line, point{x, *b.Value})
		if b.Low != nil && b.High != nil {
			low, high = append(low, point{x, *b.Low}), append(high, point{x, *b.High})
		}
	}
	p.area("band "+loop, low, high)
	p.curve("curve "+loop+" "+name, line)
	for _, at := range points {
		if b := of(at); !at.Behind && b.Value != nil {
			p.mark(shape, loop+" "+fill, point{*at.Throughput.Value * c.u.perSecond, *b.Value}, tellPoint(at, c.u))
		}
	}
	return len(line) > 0
}

// tellPoint is a point in one line, for tooltips.
func tellPoint(p experiment.Point, u units) string {
	row := curveRow(p, u)
	return fmt.Sprintf("%s: %s%s achieved, p50 %s ms, p99 %s ms, in %s", row[0], row[1], u.suffix, row[2], row[3], plural(int64(p.Rounds), "round", "rounds"))
}

// scalability is the closed loop's throughput with the fitted law.
func (c charts) scalability() (figure, bool) {
	points := c.points(false)
	if len(points) < 2 {
		return figure{}, false
	}
	var rates extent
	most := 0
	for _, p := range points {
		rates.add(*p.Throughput.Value)
		if p.Throughput.High != nil {
			rates.add(*p.Throughput.High)
		}
		most = max(most, p.Concurrency)
	}
	law := c.r.USL
	if law != nil {
		rates.add(law.At(float64(most)))
	}
	if law != nil && law.PeakRate != nil && *law.Peak <= float64(most) {
		rates.add(*law.PeakRate)
	}
	x, y := doubling(float64(most)), linear(0, rates.hi*c.u.perSecond*1.08, 6, plain)
	x.title, y.title = "concurrency, requests in flight", "achieved, requests per "+c.u.name
	p := newPlot(fullWidth, chartLow, x, y)
	f := figure{
		Title: "Throughput against concurrency, and the scalability law", Caption: lawOf(c.r, c.u),
		Legend: []legendItem{{swatch(circle, "mark closed full"), "measured, with its band"}},
		Table:  grid{Head: curveHead(c.u)},
	}
	if law != nil {
		c.drawLaw(p, *law, float64(most))
		f.Legend = append(f.Legend, legendItem{swatch(dash, "curve peak"), "law"}, legendItem{swatch(circle, "mark closed hollow"), "measured, not fitted"})
	}
	for _, at := range points {
		c.drawThroughput(p, at)
		f.Table.row(curveRow(at, c.u)...)
	}
	f.SVG = p.svg(f.Title + ". " + f.Caption)
	return f, true
}

func (c charts) drawThroughput(p *plot, at experiment.Point) {
	n := float64(at.Concurrency)
	if low, high := at.Throughput.Low, at.Throughput.High; low != nil && high != nil {
		p.line("whisker closed", p.x.at(n), p.y.at(*low*c.u.perSecond), p.x.at(n), p.y.at(*high*c.u.perSecond))
	}
	fill := "hollow"
	if at.Residual != nil {
		fill = "full"
	}
	p.mark(circle, "closed "+fill, point{n, *at.Throughput.Value * c.u.perSecond}, tellPoint(at, c.u))
}

func (c charts) drawLaw(p *plot, law experiment.USL, most float64) {
	const steps = 96
	var curve []point
	for i := range steps + 1 {
		n := 1 + (most-1)*float64(i*i)/(steps*steps) // denser where the axis is wider
		curve = append(curve, point{n, law.At(n) * c.u.perSecond})
	}
	p.curve("curve peak", curve)
	if law.Peak != nil && *law.Peak <= most {
		p.upright("saturation", *law.Peak, 1, "N* = "+trim(number(*law.Peak)))
	}
}
