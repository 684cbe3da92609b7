package report

import (
	"fmt"
	"math"

	"plimsoll/experiment"
)

// aroundPeak is the open loop alone, from near: these trials decide the peak.
func (c charts) aroundPeak() (figure, bool) {
	trials := c.trials(func(t experiment.Trial) bool { return answered(t) && !closed(t) })
	if len(trials) < 2 {
		return figure{}, false
	}
	p := newPlot(halfWidth, chartLow, c.offeredAxis(trials), c.responseAxis(trials))
	c.drawPeak(p)
	c.drawObjectives(p)
	for _, q := range bothQuantiles() {
		for _, t := range trials {
			shape, class := outcomeMark(t)
			if q.name == "p50" {
				class += " faint"
			}
			p.mark(shape, class, point{t.Offered * c.u.perSecond, q.of(t)}, c.tell(t))
		}
	}
	f := figure{
		Title: "Open loop: the trials around the peak", Half: true,
		Caption: c.aroundFinding(trials),
		Table:   grid{Head: []string{"trial", "offered " + c.u.suffix, "p50 ms", "p99 ms", "success", "verdict"}},
	}
	f.SVG = p.svg(f.Title + ". " + f.Caption)
	seen := map[string]bool{}
	for _, t := range trials {
		f.Table.row(
			count(int64(t.Number)), c.u.number(t.Offered), milliseconds(t.Response.P50), milliseconds(t.Response.P99), percent(t.SuccessRatio), t.Verdict.Outcome,
		)
		if o := t.Verdict.Outcome; !seen[o] {
			seen[o] = true
			shape, class := outcomeMark(t)
			f.Legend = append(f.Legend, legendItem{swatch(shape, "mark "+class), printable(o)})
		}
	}
	return f, true
}

func (c charts) offeredAxis(trials []experiment.Trial) axis {
	var e extent
	for _, t := range trials {
		e.add(t.Offered)
	}
	for _, v := range []*float64{c.r.Peak.Low, c.r.Peak.High} {
		if v != nil {
			e.add(*v)
		}
	}
	room := max((e.hi-e.lo)*0.08, e.hi*0.01)
	x := linear(max(0, e.lo-room)*c.u.perSecond, (e.hi+room)*c.u.perSecond, 6, plain)
	x.title = "offered, requests per " + c.u.name
	return x
}

// outcomeMark gives the outcomes of open-loop trials their shapes and colours.
func outcomeMark(t experiment.Trial) (shape, class string) {
	switch t.Verdict.Outcome {
	case experiment.Held:
		return diamond, "held full"
	case experiment.Missed:
		return square, "missed hollow"
	case experiment.Invalid:
		return cross, "bad"
	}
	return circle, "undecided hollow"
}

func (c charts) aroundFinding(trials []experiment.Trial) string {
	var held, missed extent
	for _, t := range trials {
		switch t.Verdict.Outcome {
		case experiment.Held:
			held.add(t.Offered)
		case experiment.Missed:
			missed.add(t.Offered)
		}
	}
	text := fmt.Sprintf("%s with arrivals that do not wait for answers; faint marks are p50.", plural(int64(len(trials)), "trial", "trials"))
	if held.ok {
		text += fmt.Sprintf(" The objectives were met up to %s", c.u.rate(held.hi))
		if missed.ok {
			text += fmt.Sprintf(" and missed from %s on", c.u.rate(missed.lo))
		}
		return text + "."
	}
	if missed.ok {
		text += fmt.Sprintf(" The objectives were missed from %s on.", c.u.rate(missed.lo))
	}
	return text
}

// concurrency is the closed loop's throughput as more requests are kept in flight.
func (c charts) concurrency() (figure, bool) {
	trials := c.trials(closed)
	if len(trials) < 2 {
		return figure{}, false
	}
	var e extent
	most := 0
	for _, t := range trials {
		e.add(t.Achieved)
		most = max(most, t.Concurrency)
	}
	e.add(c.landmarks()...)
	x, y := doubling(float64(most)), linear(0, e.hi*c.u.perSecond*1.08, 6, plain)
	x.title, y.title = "concurrency, requests in flight", "achieved, requests per "+c.u.name
	p := newPlot(halfWidth, chartLow, x, y)
	c.drawLevels(p)
	var curve []point
	for _, t := range c.climb(trials) {
		curve = append(curve, point{float64(t.Concurrency), t.Achieved * c.u.perSecond})
	}
	p.curve("curve closed p99", curve)
	f := figure{
		Title: "Closed loop: throughput against concurrency", Half: true,
		Caption: c.concurrencyFinding(most),
		Legend:  []legendItem{{swatch(circle, "mark closed full"), "closed loop"}},
		Table:   grid{Head: []string{"trial", "phase", "in flight", "achieved " + c.u.suffix, "p50 ms", "p99 ms"}},
	}
	for _, t := range trials {
		shape, class := markOf(t, "full")
		p.mark(shape, class, point{float64(t.Concurrency), t.Achieved * c.u.perSecond}, c.tell(t))
		f.Table.row(
			count(int64(t.Number)), string(t.Phase), count(int64(t.Concurrency)), c.u.number(t.Achieved), milliseconds(t.Response.P50), milliseconds(t.Response.P99),
		)
	}
	f.SVG = p.svg(f.Title + ". " + f.Caption)
	return f, true
}

// drawLevels marks peak and saturation where the rate is upright.
func (c charts) drawLevels(p *plot) {
	if peak := c.r.Peak; peak.Low != nil && peak.High != nil {
		p.rect("peak-band", p.x.from, p.y.at(*peak.Low*c.u.perSecond), p.x.to, p.y.at(*peak.High*c.u.perSecond), "peak: "+verdictOf(c.r, c.u).Interval)
		at := p.y.at(*peak.Rate * c.u.perSecond)
		p.line("peak", p.x.from, at, p.x.to, at)
		p.text("label peak", "start", p.x.from+6, p.y.at(*peak.Low*c.u.perSecond)+15, "peak "+c.u.rate(*peak.Rate)+" (open loop)")
	}
	if s := c.r.Saturation; s != nil {
		p.level("saturation", s.Rate*c.u.perSecond, "saturation "+c.u.rate(s.Rate))
	}
}

func (c charts) concurrencyFinding(most int) string {
	if s := c.r.Saturation; s != nil && s.Concurrency > 0 {
		return fmt.Sprintf("Throughput stops rising at %s, with %d in flight. %s", c.u.rate(s.Rate), s.Concurrency, loopsDiffer)
	}
	return fmt.Sprintf("Throughput up to %d in flight.", most)
}

// timeline is every trial in its order, as long as it was held.
func (c charts) timeline() (figure, bool) {
	trials := c.r.Trials
	if len(trials) < 2 {
		return figure{}, false
	}
	var e extent
	total := 0.0
	for _, t := range trials {
		e.add(t.Offered, t.Achieved)
		total += heldFor(t)
	}
	e.add(c.landmarks()...)
	if total <= 0 {
		return figure{}, false
	}
	x, y := linear(0, total, 10, lasting), linear(0, e.hi*c.u.perSecond*1.05, 5, plain)
	x.title, y.title = "time under load", "requests per "+c.u.name
	p := newPlot(fullWidth, timelineHi, x, y)
	f := figure{
		Title:   "The run, trial by trial",
		Caption: c.timelineFinding(total),
		Legend:  c.timelineLegend(),
		Table:   grid{Head: []string{"trial", "phase", "held for s", "offered " + c.u.suffix, "achieved " + c.u.suffix, "verdict"}},
	}
	c.drawTimeline(p)
	f.SVG = p.svg(f.Title + ". " + f.Caption)
	for _, t := range trials {
		f.Table.row(
			count(int64(t.Number)), string(t.Phase), number(heldFor(t)), c.u.number(t.Offered), c.u.number(t.Achieved), t.Verdict.Outcome,
		)
	}
	return f, true
}

// heldFor is how long a trial loaded the endpoint, in seconds.
func heldFor(t experiment.Trial) float64 { return max(0, t.SettleSeconds+t.WindowSeconds) }

func (c charts) drawTimeline(p *plot) {
	if peak := c.r.Peak; peak.Low != nil && peak.High != nil {
		p.rect("peak-band", p.x.from, p.y.at(*peak.Low*c.u.perSecond), p.x.to, p.y.at(*peak.High*c.u.perSecond), "peak: "+verdictOf(c.r, c.u).Interval)
	}
	at, phaseFrom := 0.0, 0.0
	for i, t := range c.r.Trials {
		from, to := p.x.at(at), p.x.at(at+heldFor(t))
		to = max(from+1, to-1)
		p.rect("bar "+outcomeClass(t), from, p.y.at(t.Achieved*c.u.perSecond), to, p.y.from, c.tell(t))
		offered := p.y.at(t.Offered * c.u.perSecond)
		p.line("offered", from, offered, to, offered)
		at += heldFor(t)
		if i+1 == len(c.r.Trials) || c.r.Trials[i+1].Phase != t.Phase {
			c.namePhase(p, string(t.Phase), p.x.at(phaseFrom), p.x.at(at))
			phaseFrom = at
		}
	}
}

// namePhase names a stretch of the timeline if there is room.
func (c charts) namePhase(p *plot, name string, from, to float64) {
	const letter = 6.6
	above := p.row(1) + 4
	p.line("phase", from, above+4, math.Max(from, to-2), above+4)
	if float64(len(name))*letter <= to-from {
		p.text("tick", "middle", (from+to)/2, above, name)
	}
}

func outcomeClass(t experiment.Trial) string {
	switch t.Verdict.Outcome {
	case experiment.Held, experiment.Missed, experiment.Undecided:
		return t.Verdict.Outcome
	}
	return "bad"
}

func (c charts) timelineFinding(total float64) string {
	var good, bad int64
	for _, t := range c.r.Trials {
		if t.Valid {
			good++
		} else {
			bad++
		}
	}
	worth := "All are valid."
	if bad > 0 {
		worth = count(bad) + " not valid."
	}
	return fmt.Sprintf("%s in %s under load; bars are what was achieved, lines what was offered. %s",
		plural(good+bad, "trial", "trials"), lasting(total), worth)
}

func (c charts) timelineLegend() []legendItem {
	out := []legendItem{{swatch(dash, "offered"), "offered"}}
	for _, o := range []string{experiment.Held, experiment.Missed, experiment.Undecided, experiment.Invalid} {
		for _, t := range c.r.Trials {
			if t.Verdict.Outcome == o {
				out = append(out, legendItem{swatch(square, "bar "+outcomeClass(t)), o})
				break
			}
		}
	}
	return out
}
