package proof

import (
	"fmt"
	"time"

	"plimsoll/scaling"
)

// event is a scaling event with what checks ask of it.
type event struct {
	Event

	move
	hurt   time.Time // when requests first missed the objective; zero: they did not
	healed time.Time // when they kept it again; zero: not
	limit  time.Time // until when it should have
}

// Stage is one of the event's stages, if it is known when it was.
func (e Event) Stage(name StageName) (Stage, bool) {
	for _, s := range e.Stages {
		if s.Name == name {
			return s, s.Known != Missing
		}
	}
	return Stage{}, false
}

// findEvents makes an event of each move, with its stages in their order.
func (j *judging) findEvents() {
	moves := j.moves()
	for i, m := range moves {
		next := j.ended()
		if i+1 < len(moves) && moves[i+1].direction() != m.direction() {
			next = moves[i+1].at()
		}
		e := event{move: m, Event: Event{Direction: m.direction(), From: m.from, To: m.to}}
		e.Stages = []Stage{j.loadCrossed(m)}
		crossed := e.Stages[0]
		alarm := j.alarmFired(m, crossed)
		e.Stages = append(e.Stages, j.metricVisible(m, crossed, alarm), alarm, activityBegan(m, j.Unknown["activities"]))
		in := j.inService(m, next)
		e.Stages = append(e.Stages, in)
		if m.direction() == scaling.Out {
			j.follow(&e, crossed, in)
			recovered := j.recovered(e)
			e.Stages = append(e.Stages, j.firstServed(e, crossed, in, recovered), recovered)
		}
		e.measure()
		j.events = append(j.events, e)
	}
}

// measure writes how long after the one before it each stage came. Stages whose clocks
// disagree are not put into the past.
func (e *event) measure() {
	var first, last time.Time
	for i := range e.Stages {
		s := &e.Stages[i]
		if s.Known == Missing {
			continue
		}
		if first.IsZero() {
			first, last = s.At, s.At
		}
		s.After = Span(max(0, s.At.Sub(last)))
		if s.At.After(last) {
			last = s.At
		}
	}
	e.Total = Span(last.Sub(first))
}

func missing(name StageName, why string, args ...any) Stage {
	return Stage{Name: name, Known: Missing, Source: fmt.Sprintf(why, args...)}
}

// loadCrossed is when the load began to need another number: above the high threshold
// with what there was, or so little that one instance less would do.
func (j *judging) loadCrossed(m move) Stage {
	one := float64(j.load.PerInstance)
	if !(one > 0) {
		return missing(LoadCrossed, "what one instance carries at the target is not known")
	}
	rate := float64(m.from) * one * j.Policy.highRatio()
	if m.direction() == scaling.In {
		rate = min(float64(m.from-1)*one, float64(m.from)*one*j.Policy.lowRatio())
	}
	at := j.crossing(rate, m.direction(), m.at())
	if at.IsZero() {
		return missing(LoadCrossed, "no load of the programme called for it: %s/s with %s is the border", figure(rate), instances(m.from))
	}
	return Stage{Name: LoadCrossed, At: at, Known: Measured, Source: fmt.Sprintf("the generator: past %s/s, the border with %s", figure(rate), instances(m.from))}
}

// alarm is the one that a direction listens to.
func (j *judging) alarm(direction scaling.Direction) *Alarm {
	if direction == scaling.Out {
		return j.Policy.High
	}
	return j.Policy.Low
}

// alarmFired is the last time that the alarm went to ALARM before the move, if it stayed.
func (j *judging) alarmFired(m move, crossed Stage) Stage {
	alarm := j.alarm(m.direction())
	switch {
	case alarm == nil:
		return missing(AlarmFired, "the policy has no such alarm")
	case j.Unknown["alarms"] != "":
		return missing(AlarmFired, "the history of alarms is not known: %s", j.Unknown["alarms"])
	}
	var fired time.Time
	for _, t := range j.Alarms {
		switch {
		case t.Alarm != alarm.Name || t.At.After(m.at().Add(skew)):
		case t.To == scaling.StateAlarm:
			fired = t.At
		case t.At.Before(m.at().Add(-skew)):
			fired = time.Time{}
		}
	}
	if fired.IsZero() {
		return missing(AlarmFired, "the history of %s has no change to ALARM before it", alarm.Name)
	}
	s := Stage{Name: AlarmFired, At: fired, Known: Measured, Source: "history of " + alarm.Name}
	if crossed.Known != Missing && fired.Before(crossed.At) {
		s.Source += ": it had been in ALARM since before this load"
	}
	return s
}

// metricVisible is bounded: CloudWatch dates a datapoint by its period, and tells nobody
// when it could be seen. It was after the period, and in time for the alarm to see as
// many as it needs.
func (j *judging) metricVisible(m move, crossed, fired Stage) Stage {
	rule, ok := j.alarm(m.direction()).rule()
	switch {
	case !ok:
		return missing(MetricVisible, "the policy has no such alarm")
	case j.Unknown["metric"] != "":
		return missing(MetricVisible, "the metric is not known: %s", j.Unknown["metric"])
	case crossed.Known == Missing:
		return missing(MetricVisible, "no load of the programme called for it")
	}
	for _, p := range j.Metric {
		end := p.At.Add(max(j.Period, time.Second))
		if p.Missing || !rule.Breaches(p.Value) || !end.After(crossed.At) || end.After(m.at().Add(skew)) {
			continue
		}
		if fired.Known == Missing || fired.At.Before(end) {
			return missing(MetricVisible, "the period that began at %s is the first past the threshold; when it could be seen is not known without an alarm after it", clock(p.At))
		}
		needs := rule.DatapointsToAlarm
		if needs == 0 {
			needs = rule.EvaluationPeriods
		}
		at := fired.At.Add(-time.Duration(needs-1) * rule.Period)
		if at.Before(end) {
			at = fired.At
		}
		return Stage{
			Name: MetricVisible, At: at, Within: Span(at.Sub(end)), Known: Bounded,
			Source: fmt.Sprintf("the period that began at %s is the first past the threshold; it was seen after its end and in time for the alarm", clock(p.At)),
		}
	}
	return missing(MetricVisible, "no period past the threshold %s was read between the load and the change", figure(rule.Threshold))
}

func activityBegan(m move, unknown string) Stage {
	switch {
	case m.activity != nil:
		return Stage{Name: ActivityBegan, At: m.activity.Began, Known: Measured, Source: "scaling activities"}
	case unknown != "":
		return Stage{
			Name: ActivityBegan, At: m.seen, Within: Span(m.seen.Sub(m.before)), Known: Bounded,
			Source: "two looks at the endpoint; the activities are not known: " + unknown,
		}
	}
	return Stage{
		Name: ActivityBegan, At: m.seen, Within: Span(m.seen.Sub(m.before)), Known: Bounded,
		Source: "two looks at the endpoint; no activity asked for it: somebody else changed the capacity, or AWS does not list it",
	}
}

// inService is the first look that shows the new number, which it had had since the look
// before at the most.
func (j *judging) inService(m move, next time.Time) Stage {
	reached := func(n int) bool {
		return m.direction() == scaling.Out && n >= m.to || m.direction() == scaling.In && n <= m.to
	}
	for i, c := range j.Capacity {
		if c.At.Before(m.at().Add(-skew)) || !m.before.IsZero() && c.At.Before(m.seen) || !reached(c.Current) {
			continue
		}
		if c.At.After(next) {
			break
		}
		within := j.Poll
		if i > 0 {
			within = min(c.At.Sub(j.Capacity[i-1].At), max(0, c.At.Sub(m.at()))+j.Poll)
		}
		return Stage{Name: InService, At: c.At, Within: Span(within), Known: Bounded, Source: "looks at the endpoint"}
	}
	if a := m.activity; a != nil && a.came() == successful && a.Status == successful && a.Ended.After(a.Began) {
		return Stage{
			Name: InService, At: a.Ended, Within: Span(a.Ended.Sub(a.Began)), Known: Bounded,
			Source: "end of the activity; no look at the endpoint showed the number",
		}
	}
	return missing(InService, "no look at the endpoint showed %s", instances(m.to))
}
