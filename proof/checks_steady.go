package proof

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"plimsoll/scaling"
)

// overshoot compares, while a load is steady, the most that was asked for with what the
// load needs: one more, or a tenth, is rounding.
func (j *judging) overshoot() answer {
	phases := j.heldOf(StepUp, Plateau)
	if len(phases) == 0 || len(j.Capacity) == 0 {
		return unknown("%s", j.noCall())
	}
	var seen []string
	for _, h := range phases {
		needed := max(h.Expect, lookAt(j.Capacity, h.Began).Desired)
		most, when := j.mostDesired(h)
		if most-needed > max(1, needed/10) {
			return found(Fail, "%s were asked for at %s in phase %s, whose load needs %d", instances(most), clock(when), h.Kind, h.Expect).dated(when).
				remedied("a longer scale-out cooldown than the %s now, so that new instances count before the next decision; launches took up to %s",
					lasting(time.Duration(j.Policy.ScaleOut)), lasting(j.slowest()))
		}
		seen = append(seen, fmt.Sprintf("%s: %d at most, %d needed", h.Kind, most, h.Expect))
	}
	return found(Pass, "%s", strings.Join(seen, "; "))
}

// mostDesired is the most that was asked for in a phase, and when.
func (j *judging) mostDesired(h Held) (most int, when time.Time) {
	for _, c := range j.looksIn(h.Began, h.Ended) {
		if c.Desired > most {
			most, when = c.Desired, c.At
		}
	}
	for _, e := range j.events {
		if !e.at().Before(h.Began) && e.at().Before(h.Ended) && e.to > most {
			most, when = e.to, e.at()
		}
	}
	return most, when
}

// slowest is the longest launch that was seen.
func (j *judging) slowest() time.Duration {
	longest := time.Duration(0)
	for _, e := range j.outs() {
		if in, ok := e.Stage(InService); ok {
			longest = max(longest, in.At.Sub(e.at()))
		}
	}
	return longest
}

// steadyState looks at the last ten minutes of each steady load: the metric where it
// should be with so many instances, and the objective kept.
func (j *judging) steadyState() answer {
	phases := j.heldOf(Baseline, StepUp, Plateau)
	if len(phases) == 0 {
		_, why := j.held(StepUp)
		return unknown("%s", why)
	}
	var seen []string
	for _, h := range phases {
		from := later(h.Began, h.Ended.Add(-settled))
		t := j.during(from, h.Ended)
		if j.misses(t) && h.To <= j.mostAtTarget() { // else see limits
			return found(Fail, "%s was missed from %s to %s in phase %s, with %s at %s/s: %s of %d requests were bad",
				j.Objective.Name, clock(from), clock(h.Ended), h.Kind, instances(lookAt(j.Capacity, h.Ended).Current), figure(h.To), percent(t.badShare()), t.offered).
				dated(h.Ended).remedied("%s", j.carryMore())
		}
		c, text := j.steadyMetric(h, from)
		if c.missed() {
			return c
		}
		if text != "" {
			seen = append(seen, text)
		}
	}
	if len(seen) == 0 {
		return unknown("no datapoint of the metric in the last minutes of a steady load%s", after(": ", j.Unknown["metric"]))
	}
	return found(Pass, "%s", strings.Join(seen, "; "))
}

// after puts something before a text, if there is one.
func after(lead, text string) string {
	if text == "" {
		return ""
	}
	return lead + text
}

// steadyMetric holds the mean of the metric to what it should be with n instances:
// at the target or below, and not so low that one less would do by a tenth. At the
// fewest there is no lower bound, and at the most none above what the load gives.
func (j *judging) steadyMetric(h Held, from time.Time) (c answer, text string) {
	sum, points := 0.0, 0
	for _, p := range j.Metric {
		if !p.Missing && !math.IsNaN(p.Value) && !p.At.Before(from) && !p.At.Add(j.Period).After(h.Ended) {
			sum, points = sum+p.Value, points+1
		}
	}
	n := lookAt(j.Capacity, h.Ended).Current
	if points == 0 || n == 0 || !(j.load.PerInstance > 0) || j.Unknown["metric"] != "" {
		return answer{}, ""
	}
	mean, target := sum/float64(points), j.Policy.Target
	lower, upper := usualLowRatio*target*float64(n-1)/float64(n), target*j.Policy.highRatio()
	if n <= max(1, j.Policy.Min) || j.Policy.DisableScaleIn {
		lower = 0
	}
	if n >= j.Policy.Max {
		upper = max(upper, h.To/float64(j.load.PerInstance)/float64(n)*target*(1+2*agreement))
	}
	text = fmt.Sprintf("%s: metric %s with %s, between %s and %s", h.Kind, figure(mean), instances(n), figure(lower), figure(upper))
	switch {
	case mean > upper:
		return found(Fail, "from %s to %s %s is too much: capacity did not follow", clock(from), clock(h.Ended), text).dated(h.Ended).
			remedied("%s", j.obstacle("see what kept it from growing: scale_out_size, detect_time")).leading(NoScaling), text
	case mean < lower:
		return found(Fail, "from %s to %s %s is too little: fewer would do", clock(from), clock(h.Ended), text).dated(h.Ended).
			remedied("see overshoot; a shorter scale-in cooldown than %s takes away sooner", lasting(time.Duration(j.Policy.ScaleIn))).leading(WorksCostly), text
	}
	return answer{}, text
}

// flapping counts changes of direction under steady loads. What answers an earlier load
// late is none.
func (j *judging) flapping() answer {
	if len(j.heldOf(Baseline, StepUp, Plateau, StepDown)) == 0 || len(j.Capacity) == 0 {
		return unknown("no steady load was held")
	}
	turns := j.turns()
	switch len(turns) {
	case 0:
		return found(Pass, "%s in all, none back and forth at a steady load", counted(int64(len(j.events)), "change"))
	case 1:
		return found(Warn, "%s", turns[0].words).dated(turns[0].at).remedied("%s", j.calmer())
	}
	var words []string
	for _, turn := range turns {
		words = append(words, turn.words)
	}
	return found(Fail, "%d changes of direction at steady loads: %s", len(turns), strings.Join(words, "; ")).dated(turns[0].at).remedied("%s", j.calmer())
}

func (j *judging) calmer() string {
	return fmt.Sprintf("a scale-in cooldown longer than %s; or a slightly other safety factor, where the load divided by the target of %s is near a whole number",
		lasting(time.Duration(j.Policy.ScaleIn)), figure(j.Policy.Target))
}

// turn is a change of direction.
type turn struct {
	at    time.Time
	words string
}

func (j *judging) turns() []turn {
	var turns []turn
	for _, h := range j.heldOf(Baseline, StepUp, Plateau, StepDown) {
		var last *event
		for i := range j.events {
			e := &j.events[i]
			if e.at().Before(h.Began) || !e.at().Before(h.Ended) || j.belated(e, h) {
				continue
			}
			if last != nil && last.Direction != e.Direction {
				turns = append(turns, turn{e.at(), fmt.Sprintf("%s after %s, at %s in phase %s", arrow(*e), arrow(*last), clock(e.at()), h.Kind)})
			}
			last = e
		}
	}
	return turns
}

// limits is whether capacity stayed within its bounds, reached what the plateau needs,
// and sufficed there.
func (j *judging) limits() answer {
	if len(j.Capacity) == 0 {
		return unknown("the endpoint was never looked at")
	}
	for i, c := range j.looksIn(j.began(), j.ended()) {
		if i == 0 {
			continue // as it was before
		}
		if c.Desired < j.Policy.Min || c.Desired > j.Policy.Max {
			return found(Fail, "%s were asked for at %s: outside %d to %d", instances(c.Desired), clock(c.At), j.Policy.Min, j.Policy.Max).dated(c.At).
				remedied("see what else sets the capacity: a scheduled action, a deployment, a person").leading(Undecided)
		}
	}
	h, why := j.held(Plateau)
	if why != "" {
		return found(Pass, "always between %d and %d; the limit was not tried: %s", j.Policy.Min, j.Policy.Max, why)
	}
	current := lookAt(j.Capacity, h.Ended).Current
	if current < h.Expect {
		return found(Fail, "%s were in service at %s, and the load of %s/s needs %d", instances(current), clock(h.Ended), figure(h.To), h.Expect).dated(h.Ended).
			remedied("%s", j.obstacle("see detect_time and time_to_ready: it did not follow the ramp"))
	}
	t := j.during(later(h.Began, h.Ended.Add(-settled)), h.Ended)
	c := found(Pass, "%s at %s/s, always between %d and %d; %s of the requests were bad at the end", instances(current), figure(h.To), j.Policy.Min, j.Policy.Max, percent(t.badShare())).dated(h.Ended)
	most := j.mostAtTarget()
	switch told := slices.Contains(j.notScaled(j.began(), j.ended()), scaling.AlreadyAtMaxCapacity); {
	case j.misses(t):
		c.Outcome = Warn
		return c.remedied("the max of %d is too low for this load: raise it, or accept that above %s/s callers wait", j.Policy.Max, figure(most))
	case h.To <= most || j.Unknown["activities"] != "":
		return c
	case !told:
		c.Outcome = Warn
		c.Evidence += "; AWS did not say " + scaling.AlreadyAtMaxCapacity + ", as it should above the maximum"
		return c.remedied("see that not-scaled activities are read, and that the alarm of the policy still calls it")
	}
	c.Evidence += "; AWS said " + scaling.AlreadyAtMaxCapacity
	return c
}

// obstacle says what AWS gave as a reason for not growing, or something else.
func (j *judging) obstacle(otherwise string) string {
	if f := j.failures(); len(f) > 0 {
		return remedyOf(f[0])
	}
	return otherwise
}

// belated is whether an event answers, in the time that an answer takes, the load before
// a phase.
func (j *judging) belated(e *event, h Held) bool {
	reaction := j.pace.notice
	if e.Direction == scaling.Out {
		reaction = j.pace.detect
	}
	crossed, known := e.Stage(LoadCrossed)
	return known && crossed.At.Before(h.Began) && e.at().Sub(h.Began) < reaction
}
