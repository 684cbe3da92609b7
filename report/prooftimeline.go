package report

import (
	"fmt"
	"html"
	"strings"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// Heights of the picture of a programme, in pixels.
const (
	phaseRows   = 2  // of names above the picture
	rowHigh     = 15 // of names
	eventHigh   = 24
	loadHigh    = 120
	countHigh   = 104
	metricHigh  = 116
	alarmHigh   = 12
	badHigh     = 62
	panelAbove  = 38 // a panel's title and the air above it
	timelineEnd = 46 // the axis of time
)

// programme draws what was observed over the time of the services.
type programme struct {
	*plot

	r     *proof.Result
	start time.Time
	top   float64 // of what is not drawn yet
}

// proofTimeline is the picture of a proof: the load, the instances, the metric with its
// alarms and the bad requests above each other, and every scaling event across them.
func proofTimeline(r *proof.Result) (figure, bool) {
	start, end, ok := observedSpan(r)
	if !ok || len(r.Series.Slices)+len(r.Series.Capacity) == 0 {
		return figure{}, false
	}
	x := linear(0, end.Sub(start).Minutes(), 12, plain)
	x.from, x.to = marginLeft, fullWidth-marginRight
	x.title = "minutes since " + moment(start) + ", the services’ clock"
	g := &programme{plot: &plot{width: fullWidth, x: x}, r: r, start: start, top: rowHigh*phaseRows + 8}
	g.describe()
	lanes := g.packed()
	high := g.heightWith(lanes)
	g.height = high + timelineEnd
	g.phases(high)
	g.marks(high)
	g.events(lanes)
	g.load()
	g.instances()
	g.metric()
	g.alarms()
	g.badRequests()
	g.timeAxis(high)
	f := figure{
		Title: "The policy at work", Caption: timelineCaption(r), Legend: g.legend(), Table: timelineTable(r),
	}
	f.SVG = g.svg(f.Title + ". " + f.Caption)
	return f, true
}

// describe tells the events in words, for readers who do not see them.
func (g *programme) describe() {
	var said []string
	for _, e := range g.r.Events {
		said = append(said, fmt.Sprintf("%s %s, %s in all", eventTitle(e), eventBegan(e), spanOf(e.Total)))
	}
	if len(said) > 0 {
		fmt.Fprintf(&g.b, "<desc>%s.</desc>", html.EscapeString(strings.Join(said, "; ")))
	}
}

// observedSpan is the time that the picture covers.
func observedSpan(r *proof.Result) (start, end time.Time, ok bool) {
	add := func(from, to time.Time) {
		if from.IsZero() || to.Before(from) {
			return
		}
		if !ok || from.Before(start) {
			start = from
		}
		if !ok || to.After(end) {
			end = to
		}
		ok = true
	}
	for _, h := range r.Held {
		add(h.Began, h.Ended)
	}
	for _, s := range r.Series.Slices {
		add(s.At, s.At.Add(time.Duration(s.Length)))
	}
	for _, c := range r.Series.Capacity {
		add(c.At, c.At)
	}
	return start, end, ok && end.After(start)
}

// minute is an instant on the axis of time.
func (g *programme) minute(t time.Time) float64 { return t.Sub(g.start).Minutes() }

// pixel is where an instant is drawn.
func (g *programme) pixel(t time.Time) float64 { return g.x.at(g.minute(t)) }

// heightWith is where the last panel ends.
func (g *programme) heightWith(lanes []eventLane) float64 {
	high := g.top
	if n := lanesOf(lanes); n > 0 {
		high += panelAbove/2 + float64(n)*eventHigh
	}
	panels := []float64{loadHigh, countHigh, metricHigh, badHigh}
	for _, h := range panels {
		high += panelAbove + h
	}
	if n := len(g.alarmNames()); n > 0 {
		high += panelAbove/2 + float64(n)*(alarmHigh+3)
	}
	return high
}

// panel begins a panel below the ones that are drawn: its grid and its title.
func (g *programme) panel(high float64, y axis) {
	g.top += panelAbove
	y.from, y.to = g.top+high, g.top
	g.y = y
	for _, t := range y.ticks {
		at := y.at(t.value)
		g.line("grid", g.x.from, at, g.x.to, at)
		g.text("tick", "end", g.x.from-8, at+4, t.label)
	}
	g.line("axis", g.x.from, y.from, g.x.to, y.from)
	g.text("axis-title", "start", 4, g.top-10, y.title)
	g.top += high
}

// note is a word about a line of the panel, at the right end of its title; it returns
// where the next one to its left ends.
func (g *programme) note(class string, right float64, words string) float64 {
	g.text("label "+class, "end", right, g.y.to-10, words)
	return right - wide(words) - 14
}

// wide is how many pixels words take at most in the font of charts, which is larger on
// small screens.
func wide(words string) float64 { return 8 * float64(len([]rune(words))) }

// phases shades every other phase over the whole height and names them all.
func (g *programme) phases(bottom float64) {
	names := rows{make([]float64, phaseRows)}
	for i, h := range g.r.Held {
		from, to := g.pixel(h.Began), g.pixel(h.Ended)
		class := "phase-band"
		switch {
		case !h.Valid:
			class += " doubtful"
		case i%2 == 1:
			class += " odd"
		}
		name := phaseName(h.Kind)
		g.rect(class, from, g.top, to, bottom, fmt.Sprintf("%s, %s, %s: %s", name, phaseLoad(h.Phase), clock(h.Began), heldWords(h)))
		half := wide(name) / 2
		middle := min(max((from+to)/2, g.x.from+half), g.x.to-half)
		if row, ok := names.place(middle-half, middle+half+8); ok {
			g.text("tick", "middle", middle, float64(row)*rowHigh+rowHigh+4, name)
			g.line("phase", from+1, g.top, to-1, g.top)
		}
	}
}

// rows places labels so that none covers another: how far each row is taken.
type rows struct{ taken []float64 }

// place takes room in the lowest row that has it; not ok: none has.
func (r rows) place(from, to float64) (row int, ok bool) {
	for row := len(r.taken) - 1; row >= 0; row-- {
		if from >= r.taken[row] {
			r.taken[row] = to
			return row, true
		}
	}
	return 0, false
}

// marks are upright lines where an alarm fired, an activity began and instances came
// into service.
func (g *programme) marks(bottom float64) {
	for _, e := range g.r.Events {
		for _, s := range e.Stages {
			if class := markClass(s.Name); class != "" && !s.At.IsZero() {
				at := g.pixel(instant(s))
				g.line("event-line "+class, at, g.top, at, bottom)
			}
		}
	}
}

func markClass(s proof.StageName) string {
	switch s {
	case proof.AlarmFired:
		return "at-alarm"
	case proof.ActivityBegan:
		return "at-activity"
	case proof.InService:
		return "at-service"
	case proof.LoadCrossed, proof.MetricVisible, proof.FirstServed, proof.Recovered:
	}
	return ""
}

// timeAxis ends the picture.
func (g *programme) timeAxis(bottom float64) {
	for _, t := range g.x.ticks {
		at := g.x.at(t.value)
		g.line("stub", at, bottom, at, bottom+5)
		g.text("tick", "middle", at, bottom+19, t.label)
	}
	g.text("axis-title", "end", g.x.to, bottom+timelineEnd-8, g.x.title)
}

// eventLane is a scaling event with the lane and the place of its words.
type eventLane struct {
	proof.Event

	from, to float64 // pixels
	start    float64 // of its first known stage; an alarm may have been on before
	lane     int
	words    string
	left     bool // the words stand before it
}

// packed gives every event of which an instant is known a lane in which it covers none
// of the others.
func (g *programme) packed() []eventLane {
	var out []eventLane
	var ends []float64
	for _, e := range g.r.Events {
		l := eventLane{Event: e, words: fmt.Sprintf("%s, %s", countsOf(e), spanOf(e.Total)), lane: -1}
		for _, s := range e.Stages {
			if s.Known == proof.Missing || s.At.IsZero() {
				continue
			}
			at := g.pixel(instant(s))
			if l.to == 0 {
				l.start, l.from, l.to = at, at, at
			}
			l.from, l.to = min(l.from, at), max(l.to, at)
		}
		if l.to == 0 {
			continue
		}
		room := wide(l.words) + 14
		from, to := l.from, l.to+room
		if l.left = to > g.x.to; l.left {
			from, to = l.from-room, l.to
		}
		for i := range ends {
			if from > ends[i]+10 {
				l.lane = i
				break
			}
		}
		if l.lane < 0 {
			l.lane = len(ends)
			ends = append(ends, 0)
		}
		ends[l.lane] = to
		out = append(out, l)
	}
	return out
}

func lanesOf(events []eventLane) int {
	n := 0
	for _, e := range events {
		n = max(n, e.lane+1)
	}
	return n
}

// Marks of the stages. An alarm stands above the line and an activity below it, because
// the one mostly follows the other at once; so does what follows instances in service.
const (
	alarmMark    = "M0 -2L-4.5 -10H4.5Z"
	activityMark = "M0 2L-4.5 10H4.5Z"
	startMark    = "M0 -6V6"
	seenMark     = "M-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0Z"
	keptMark     = "M-3.5 -8.5L-1 -5.5L4 -12.5"
)

func stageMark(s proof.StageName) (shape, class string) {
	switch s {
	case proof.LoadCrossed:
		return startMark, "at-load bare"
	case proof.MetricVisible:
		return seenMark, "at-load hollow"
	case proof.AlarmFired:
		return alarmMark, "at-alarm full"
	case proof.ActivityBegan:
		return activityMark, "at-activity full"
	case proof.InService:
		return circle, "at-service full"
	case proof.FirstServed:
		return seenMark, "at-service hollow"
	case proof.Recovered:
		return keptMark, "at-service bare"
	}
	return seenMark, "at-load hollow"
}

// events draws each scaling event as a line from the load to the capacity.
func (g *programme) events(lanes []eventLane) {
	n := lanesOf(lanes)
	if n == 0 {
		return
	}
	g.top += panelAbove / 2
	g.y = axis{hi: 1}
	for _, e := range lanes {
		middle := g.top + (float64(e.lane)+0.5)*eventHigh
		g.line("event "+directionClass(e.Direction), e.start, middle, e.to, middle)
		for i, stage := range stagesOf(e.Event) {
			if s := e.Stages[i]; stage.Known {
				shape, class := stageMark(s.Name)
				g.y.from, g.y.to = middle, middle
				g.mark(shape, class, point{g.minute(instant(s)), 0}, fmt.Sprintf("%s: %s, %s, %s", countsOf(e.Event), stage.Title, stage.Clock, stage.Since))
			}
		}
		if e.left {
			g.text("label "+directionClass(e.Direction), "end", e.from-12, middle+4, e.words)
		} else {
			g.text("label "+directionClass(e.Direction), "start", e.to+12, middle+4, e.words)
		}
	}
	g.top += float64(n) * eventHigh
}

func directionClass(d scaling.Direction) string {
	if d == scaling.In {
		return "scale-in"
	}
	return "scale-out"
}
