package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
	"plimsoll/scaling"
)

// mostColumns of a picture: more would be less than two pixels each.
const mostColumns = 440

// column is some slices that follow each other.
type column struct {
	from, to time.Time
	rate     float64 // offered, a second
	bad      float64 // share of the requests
}

// columnsOf joins slices so that there are not too many of them.
func columnsOf(s proof.Series, most int) []column {
	each := max(1, (len(s.Slices)+most-1)/most)
	var out []column
	for part := range slices.Chunk(s.Slices, each) {
		var c column
		var sent, bad, lasted float64
		for i, slice := range part {
			if i == 0 {
				c.from = slice.At
			}
			length := time.Duration(slice.Length)
			c.to = slice.At.Add(length)
			c.rate += float64(s.Offered(slice)) * length.Seconds()
			lasted += length.Seconds()
			sent, bad = sent+float64(slice.Offered), bad+float64(slice.Bad)
		}
		if lasted > 0 {
			c.rate /= lasted
		}
		if sent > 0 {
			c.bad = bad / sent
		}
		out = append(out, c)
	}
	return out
}

// load is what was offered against what the instances in service carry at the target.
func (g *programme) load() {
	columns := columnsOf(g.r.Series, mostColumns)
	per := float64(g.r.Series.PerInstance)
	var e extent
	e.add(0)
	for _, c := range columns {
		e.add(c.rate)
	}
	for _, c := range g.r.Series.Capacity {
		e.add(per * float64(c.Current))
	}
	y := linear(0, e.hi*1.08, 4, plain)
	y.title = "load, requests per second"
	g.panel(loadHigh, y)
	if per > 0 {
		carried := g.steps(g.r.Series.Capacity, func(c proof.Capacity) float64 { return per * float64(c.Current) })
		g.under("carried-area", carried)
		g.curve("carried", carried)
		g.note("carried", g.x.to, "carried at the target: "+perSecond(per)+" for each instance")
	}
	for _, run := range unbroken(columns) {
		var line []point
		for _, c := range run {
			line = append(line, point{g.minute(c.from), c.rate}, point{g.minute(c.to), c.rate})
		}
		g.curve("offered-load", line)
	}
}

// unbroken splits columns where time is missing between them.
func unbroken(columns []column) [][]column {
	var out [][]column
	for i, c := range columns {
		if i == 0 || c.from.Sub(columns[i-1].to) > c.to.Sub(c.from) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], c)
	}
	return out
}

// steps draws looks at the endpoint: each holds until the next.
func (g *programme) steps(looks []proof.Capacity, of func(proof.Capacity) float64) []point {
	var out []point
	for i, look := range looks {
		at, v := g.minute(look.At), of(look)
		if i > 0 {
			out = append(out, point{at, out[len(out)-1].y})
		}
		out = append(out, point{at, v})
	}
	return out
}

// under fills what lies below points.
func (g *programme) under(class string, points []point) {
	if len(points) < 2 {
		return
	}
	area := append([]point{{points[0].x, 0}}, points...)
	g.curve(class, append(area, point{points[len(points)-1].x, 0}))
}

// instances are those in service, those desired, and what was predicted of them.
func (g *programme) instances() {
	looks, most := g.r.Series.Capacity, g.r.Policy.Max
	for _, c := range slices.Concat(looks, g.r.Predicted) {
		most = max(most, c.Current, c.Desired)
	}
	most = max(1, most)
	y := linear(0, float64(most), min(most, 6), plain)
	y.hi, y.title = 1.1*y.hi, "instances"
	g.panel(countHigh, y)
	inTime := slices.DeleteFunc(slices.Clone(g.r.Predicted), func(c proof.Capacity) bool { return g.minute(c.At) > g.x.hi })
	predicted := g.steps(inTime, func(c proof.Capacity) float64 { return float64(c.Current) })
	if n := len(predicted); n > 0 { // it holds until it changes; of what was seen, nobody knows how it went on
		predicted = append(predicted, point{g.x.hi, predicted[n-1].y})
	}
	g.curve("predicted", predicted)
	g.curve("desired", g.steps(looks, func(c proof.Capacity) float64 { return float64(c.Desired) }))
	g.curve("current", g.steps(looks, func(c proof.Capacity) float64 { return float64(c.Current) }))
	if g.r.Policy.Max > 0 {
		g.note("saturation", g.x.to, fmt.Sprintf("the policy allows %d to %d", g.r.Policy.Min, g.r.Policy.Max))
	}
}

// metric is what the policy follows, against its target and the thresholds of its alarms.
func (g *programme) metric() {
	policy, target := g.r.Policy, g.r.Policy.Target
	var e extent
	e.add(0, target)
	for _, d := range g.r.Series.Metric {
		if d.Value != nil {
			e.add(*d.Value)
		}
	}
	y := linear(0, e.hi*1.08, 4, plain)
	y.title = "metric, of one instance"
	if policy.Metric == experiment.Metric {
		y.title = "metric, invocations per minute of one instance"
	}
	g.panel(metricHigh, y)
	right := g.x.to
	if target > 0 {
		g.levelLine("objective", target)
		right = g.note("objective", right, "target "+trim(number(target)))
	}
	if policy.Low != nil {
		g.levelLine("saturation", policy.Low.Threshold)
		g.note("saturation", right, "low alarm below "+trim(number(policy.Low.Threshold)))
	}
	var line []point
	for _, d := range g.r.Series.Metric {
		middle := g.minute(d.At.Add(time.Duration(g.r.Series.Period) / 2))
		if d.Value == nil || middle < 0 || middle > g.x.hi {
			g.curve("metric", line)
			line = nil
			continue
		}
		line = append(line, point{middle, *d.Value})
	}
	g.curve("metric", line)
}

func (g *programme) levelLine(class string, v float64) {
	at := g.y.at(v)
	g.line(class, g.x.from, at, g.x.to, at)
}

// alarmNames are the alarms of which transitions are known, the policy's high one first.
func (g *programme) alarmNames() []string {
	var names []string
	if g.r.Policy.High != nil {
		names = append(names, g.r.Policy.High.Name)
	}
	if g.r.Policy.Low != nil {
		names = append(names, g.r.Policy.Low.Name)
	}
	for _, t := range g.r.Series.Alarms {
		if !slices.Contains(names, t.Alarm) {
			names = append(names, t.Alarm)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(g.r.Series.Alarms, func(t proof.Transition) bool { return t.Alarm == name })
	})
}

// alarms are bars of the states that each alarm had.
func (g *programme) alarms() {
	names := g.alarmNames()
	if len(names) == 0 {
		return
	}
	g.top += panelAbove / 2
	for _, name := range names {
		g.text("tick", "end", g.x.from-8, g.top+alarmHigh-1, g.alarmTitle(name))
		var before *proof.Transition
		for i, t := range g.r.Series.Alarms {
			if t.Alarm == name {
				g.alarmBar(before, t.From, &t)
				before = &g.r.Series.Alarms[i]
			}
		}
		g.alarmBar(before, before.To, nil)
		g.top += alarmHigh + 3
	}
}

func (g *programme) alarmTitle(name string) string {
	switch {
	case g.r.Policy.High != nil && g.r.Policy.High.Name == name:
		return "high"
	case g.r.Policy.Low != nil && g.r.Policy.Low.Name == name:
		return "low"
	}
	return cut(printable(name[strings.LastIndexByte(name, '/')+1:]), 8)
}

// alarmBar is a state from one transition to another; without one, from or to the end of
// the picture.
func (g *programme) alarmBar(from *proof.Transition, s scaling.AlarmState, to *proof.Transition) {
	left, right, when := g.x.from, g.x.to, ""
	if from != nil {
		left, when = g.pixel(from.At), " from "+clock(from.At)
	}
	if to != nil {
		right, when = g.pixel(to.At), when+" to "+clock(to.At)
	}
	if right > left {
		g.rect("state "+alarmClass(s), left, g.top, right, g.top+alarmHigh, string(s)+when)
	}
}

func alarmClass(s scaling.AlarmState) string {
	switch s {
	case scaling.StateAlarm:
		return "alarm"
	case scaling.StateOK:
		return "calm"
	case scaling.StateInsufficient:
	}
	return "insufficient"
}

// badRequests are the share of the requests that failed or were slower than the objective.
func (g *programme) badRequests() {
	columns := columnsOf(g.r.Series, mostColumns)
	worst := 2 * g.r.Objective.BadShare
	for _, c := range columns {
		worst = max(worst, c.bad)
	}
	y := linear(0, max(worst, 0.01)*1.05*100, 2, func(v float64) string { return plain(v) + " %" })
	y.title = "bad requests: failed, or slower than the objective allows"
	if g.r.Objective.Mean || g.r.Objective.Limit <= 0 {
		y.title = "bad requests: failed"
	}
	g.panel(badHigh, y)
	for _, run := range unbroken(columns) {
		var top []point
		for _, c := range run {
			top = append(top, point{g.minute(c.from), 100 * c.bad}, point{g.minute(c.to), 100 * c.bad})
		}
		g.under("bad-area", top)
	}
	if share := g.r.Objective.BadShare; share > 0 {
		g.levelLine("objective", 100*share)
		g.note("objective", g.x.to, strings.TrimSpace(printable(g.r.Objective.Name)+" allows "+percent(share)))
	}
}
