package proof

import (
	"math"
	"strings"
	"time"

	"plimsoll/scaling"
)

// outs are the scale-outs.
func (j *judging) outs() []event { return j.of(scaling.Out) }

func (j *judging) of(direction scaling.Direction) []event {
	var out []event
	for _, e := range j.events {
		if e.Direction == direction {
			out = append(out, e)
		}
	}
	return out
}

// calls are the phases whose load, all at once, needed more than there was.
func (j *judging) calls() []Held {
	var out []Held
	for _, h := range j.heldOf(StepUp, RampDown) {
		if h.From > float64(lookAt(j.Capacity, h.Began).Current)*float64(j.load.PerInstance)*j.Policy.highRatio() {
			out = append(out, h)
		}
	}
	return out
}

// answerTo is the scale-out that a phase called for.
func (j *judging) answerTo(h Held) (event, bool) {
	for _, e := range j.outs() {
		if s, ok := e.Stage(LoadCrossed); ok && s.At.Equal(h.Began) {
			return e, true
		}
	}
	return event{}, false
}

// noCall says why no load called for a scale-out.
func (j *judging) noCall() string {
	_, why := j.held(StepUp)
	switch {
	case why != "":
		return why
	case len(j.Capacity) == 0:
		return "the endpoint was never looked at"
	}
	return "the load of the step up needed no more than was in service"
}

// detectTime is from a step of the load to the high alarm; a ramp has no such instant.
func (j *judging) detectTime() answer {
	calls, allowed := j.calls(), j.pace.detect
	if len(calls) == 0 || allowed == 0 {
		return unknown("%s", j.noCall())
	}
	worst, when, what := time.Duration(-1), time.Time{}, ""
	for _, h := range calls {
		e, ok := j.answerTo(h)
		if !ok {
			return j.notDetected(h)
		}
		alarm, known := e.Stage(AlarmFired)
		began, _ := e.Stage(ActivityBegan)
		name := "the alarm"
		if !known {
			if alarm, name = began, "the activity"; began.At.Sub(h.Began) > allowed {
				return unknown("the load rose at %s and capacity followed at %s; when the alarm fired in between is not known: %s", clock(h.Began), clock(began.At), e.why(AlarmFired))
			}
		}
		if took := max(0, alarm.At.Sub(h.Began)); took > worst {
			worst, when, what = took, alarm.At, name
		}
	}
	c := found(Pass, "from the step to %s at %s took %s, up to %s is usual for %s", what, clock(when), lasting(worst), lasting(allowed), j.Policy.High.words()).dated(when)
	if worst > allowed {
		c.Outcome = Fail
		return c.remedied("%s", j.quicker())
	}
	return c
}

// notDetected is of a load that nothing answered.
func (j *judging) notDetected(h Held) answer {
	if j.Unknown["alarms"] != "" {
		return unknown("nothing answered the load from %s on, and the history of alarms is not known: %s", clock(h.Began), j.Unknown["alarms"])
	}
	for _, t := range j.Alarms {
		if t.Alarm == j.Policy.High.Name && t.To == scaling.StateAlarm && t.At.After(h.Began) && t.At.Before(h.Ended) {
			c := found(Pass, "%s fired at %s, %s after the step", t.Alarm, clock(t.At), lasting(t.At.Sub(h.Began))).dated(t.At)
			if t.At.Sub(h.Began) > j.pace.detect {
				c.Outcome = Fail
				return c.remedied("%s", j.quicker())
			}
			return c
		}
	}
	return found(Fail, "%s did not fire between %s and %s, though the load needed %s", j.Policy.High.Name, clock(h.Began), clock(h.Ended), instances(j.Policy.needs(h.From, j.load))).
		dated(h.Ended).leading(NoScaling).remedied("see whether the metric arrives (metric_agrees) and whether the target of %s is in its unit: invocations are counted per minute and instance", figure(j.Policy.Target))
}

// quicker is what makes a policy notice sooner.
func (j *judging) quicker() string {
	if j.Policy.High != nil && j.Policy.High.Period < time.Minute {
		return "keep instances in reserve: a lower safety factor, a higher min, or a scheduled action before the load is known to rise"
	}
	return "track the high-resolution metric SageMakerVariantConcurrentRequestsPerModelHighResolution: its alarm looks at three times 10s instead of three minutes"
}

// why says why a stage is not known.
func (e Event) why(name StageName) string {
	for _, s := range e.Stages {
		if s.Name == name {
			return s.Source
		}
	}
	return "there is no such stage"
}

// scaleOutSize holds each scale-out to the range that the formula gives for the
// datapoints its alarm may have seen, from what was in service or asked for.
func (j *judging) scaleOutSize() answer {
	for _, h := range j.calls() {
		if _, ok := j.answerTo(h); !ok {
			return found(Fail, "from %s to %s the load needed %s, and no more than %d were ever asked for", clock(h.Began), clock(h.Ended), instances(j.Policy.needs(h.From, j.load)), lookAt(j.Capacity, h.Began).Desired).
				dated(h.Began).leading(NoScaling).remedied("%s", j.obstacle(j.whyNotOut(h)))
		}
	}
	if why := j.Unknown["metric"]; why != "" {
		return unknown("the metric is not known: %s", why)
	}
	judged, last := []string{}, time.Time{}
	for _, e := range j.outs() {
		least, most, ok := j.sizes(e)
		if !ok {
			continue
		}
		last = e.at()
		switch {
		case e.to < least:
			c := found(Fail, "at %s it went from %d to %d, and the metric asked for %d at least", clock(e.at()), e.from, e.to, least).dated(e.at())
			return c.remedied("%s", j.smaller(e))
		case e.to > most:
			return found(Fail, "at %s it went from %d to %d, and the metric asked for %d at most", clock(e.at()), e.from, e.to, most).dated(e.at()).
				remedied("see what else sets the capacity: another policy, a scheduled action, a person")
		}
		judged = append(judged, clock(e.at())+": "+arrow(e))
	}
	if len(judged) == 0 {
		return unknown("no scale-out has datapoints to hold it to")
	}
	return found(Pass, "each as ceil(instances × metric / %s) says: %s", figure(j.Policy.Target), strings.Join(judged, ", ")).dated(last)
}

// whyNotOut is what AWS says of a load that nothing answered.
func (j *judging) whyNotOut(h Held) string {
	if codes := j.notScaled(h.Began, h.Ended); len(codes) > 0 {
		return "AWS says why: " + strings.Join(codes, ", ")
	}
	return "see that the alarm of the policy fires (detect_time), that its actions are enabled, and that scaling out is not suspended"
}

func (j *judging) smaller(e event) string {
	if codes := j.notScaled(e.at().Add(-skew), e.at().Add(10*time.Minute)); len(codes) > 0 {
		return "AWS says why: " + strings.Join(codes, ", ")
	}
	return "scaling took several steps: a lower target value (safety factor) starts them earlier, a higher min makes them fewer"
}

// sizes is the range of capacities that the formula allows for a scale-out.
func (j *judging) sizes(e event) (least, most int, ok bool) {
	rule, has := j.Policy.High.rule()
	if !has || !(j.Policy.Target > 0) {
		return 0, 0, false
	}
	counts := []int{e.from}
	chain := time.Duration(rule.EvaluationPeriods)*rule.Period + time.Duration(j.Policy.ScaleOut) // a cooldown counts from before it
	for _, c := range j.looksIn(e.at().Add(-chain), e.at()) {
		counts = append(counts, c.Current)
	}
	from := e.at().Add(-time.Duration(rule.EvaluationPeriods+1)*rule.Period - lateness(j.Policy))
	least, most = math.MaxInt, 0
	for _, p := range j.Metric {
		if p.Missing || !rule.Breaches(p.Value) || p.At.Before(from) || p.At.Add(j.Period).After(e.at().Add(skew)) {
			continue
		}
		for _, n := range counts {
			size := max(j.Policy.needs(float64(n)*p.Value/j.Policy.Target, Load{PerInstance: 1}), e.from)
			least, most, ok = min(least, size), max(most, size), true
		}
	}
	return least, most, ok
}

// timeToReady reports how long launches took.
func (j *judging) timeToReady() answer {
	var longest, within time.Duration
	var when time.Time
	n := 0
	for _, e := range j.outs() {
		in, known := e.Stage(InService)
		if !known {
			if j.replaced(e) || e.activity != nil && e.activity.came() == inProgress && j.ended().Sub(e.at()) < j.patience() {
				continue
			}
			return found(Fail, "%s was asked for at %s and not seen in service until %s", instances(e.to), clock(e.at()), clock(j.ended())).dated(e.at()).
				remedied("see the failed activities and the endpoint's failure reason; ask for another instance type or a quota")
		}
		n++
		if took := max(0, in.At.Sub(e.at())); took > longest {
			longest, within, when = took, time.Duration(in.Within), in.At
		}
	}
	if n == 0 {
		return unknown("no scale-out was seen to its end")
	}
	expected := j.a.ProvisioningMedian
	c := found(Reported, "%s from the activity until in service at %s at the most (known to %s), of %s; %s was expected",
		lasting(longest), clock(when), lasting(within), counted(int64(n), "scale-out"), lasting(expected)).dated(when)
	if longest-within > j.patience() {
		c.Outcome = Warn
		return c.remedied("instances take more than twice as long as expected: a smaller image or model, container caching, or a higher min while load may rise")
	}
	return c
}

// patience is how long a launch may take before it is worth a warning.
func (j *judging) patience() time.Duration { return 2 * j.a.ProvisioningMedian }

// replaced is whether something else was asked for before a scale-out was done.
func (j *judging) replaced(e event) bool {
	for _, other := range j.events {
		if other.at().After(e.at()) && (other.to > e.to || other.at().Sub(e.at()) < j.patience()) {
			return true
		}
	}
	return false
}

// recovery is whether the objective was kept again after each scale-out whose load the
// bounds let it carry.
func (j *judging) recovery() answer {
	if !j.Objective.known() {
		return unknown("there is no objective to judge by")
	}
	var longest time.Duration
	var when time.Time
	judged, held := 0, false
	for _, e := range j.outs() {
		crossed, known := e.Stage(LoadCrossed)
		if h, ok := j.phaseAt(crossed.At); !known || !ok || !h.Valid || e.limit.IsZero() {
			continue
		}
		switch {
		case e.hurt.IsZero():
			held = true
		case e.healed.IsZero():
			if e.limit.Sub(e.hurt) < j.pace.react() {
				continue // it was not given the time
			}
			return found(Fail, "%s was missed from %s on and not kept again for a minute until %s", j.Objective.Name, clock(e.hurt), clock(e.limit)).
				dated(e.hurt).remedied("%s", j.carryMore())
		default:
			judged++
			if took := e.healed.Sub(e.hurt); took > longest {
				longest, when = took, e.healed
			}
		}
	}
	switch {
	case judged > 0:
		return found(Pass, "%s was kept again at %s, %s after it had been missed first, at the latest", j.Objective.Name, clock(when), lasting(longest)).dated(when)
	case held:
		return found(Pass, "%s was kept all the while", j.Objective.Name)
	}
	return j.unanswered()
}

// unanswered is of a load that nothing answered: did it hurt?
func (j *judging) unanswered() answer {
	for _, h := range j.calls() {
		if _, ok := j.answerTo(h); ok {
			continue
		}
		if t := j.during(later(h.Began, h.Ended.Add(-settled)), h.Ended); j.misses(t) {
			return found(Fail, "%s was missed to the end of the step at %s: %s of the requests were bad", j.Objective.Name, clock(h.Ended), percent(t.badShare())).
				dated(h.Ended).remedied("make it scale first: see detect_time and failed_activities")
		}
		return found(Pass, "%s was kept, though nothing was added", j.Objective.Name).dated(h.Ended)
	}
	return unknown("%s", j.noCall())
}

func (j *judging) carryMore() string {
	return "lower the safety factor, so that an instance has less to do at the target of " + figure(j.Policy.Target) + ", or raise the max if it was reached"
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// errorBudget says what scaling out cost in bad requests: an overload while instances
// come up is expected, and fails only what was asked for.
func (j *judging) errorBudget() answer {
	total := j.during(j.began(), j.ended().Add(time.Nanosecond))
	if !j.Objective.known() || total.offered == 0 {
		return unknown("there is no objective, or no record of the client")
	}
	var lost tally
	until := time.Time{}
	for _, e := range j.outs() {
		if crossed, ok := e.Stage(LoadCrossed); ok && !e.hurt.IsZero() {
			end := e.healed
			if end.IsZero() {
				end = e.limit
			}
			t := j.during(later(crossed.At, until), end)
			lost.bad, lost.failed, lost.offered = lost.bad+t.bad, lost.failed+t.failed, lost.offered+t.offered
			until = later(until, end)
		}
	}
	text := "from rising load to recovery %d of %d requests were bad, %d of them failed"
	args := []any{lost.bad, lost.offered, lost.failed}
	if j.Objective.BadShare > 0 {
		text += "; that is %s times the %s that %s allows over all %d requests"
		args = append(args, figure(float64(lost.bad)/(j.Objective.BadShare*float64(total.offered))), percent(j.Objective.BadShare), j.Objective.Name, total.offered)
	}
	c := found(Reported, text, args...).dated(until)
	if j.Objective.Errors == 0 {
		return c
	}
	share := float64(total.failed) / float64(total.offered)
	c.Outcome = Pass
	c.Evidence += "; " + percent(share) + " of all failed, " + percent(j.Objective.Errors) + " were asked for at most"
	switch {
	case share > j.Objective.Errors:
		c.Outcome = Fail
		return c.remedied("have more in service before the load rises: a lower safety factor, a higher min or a scheduled action; %s", j.quicker())
	case share > nearly*j.Objective.Errors:
		c.Outcome = Warn
	}
	return c
}

// nearly is the share of a budget from which on it is worth a warning.
const nearly = 0.8
