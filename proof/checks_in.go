package proof

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/scaling"
)

// ins are the scale-ins.
func (j *judging) ins() []event { return j.of(scaling.In) }

// down is the step down with what there was to take away, or why scale-in is not judged.
func (j *judging) down() (h Held, from int, why string) {
	h, why = j.held(StepDown)
	switch {
	case why != "":
		return h, 0, why
	case len(j.Capacity) == 0:
		return h, 0, "the endpoint was never looked at"
	}
	if from = max(lookAt(j.Capacity, h.Began).Current, lookAt(j.Capacity, h.Began).Desired); from <= h.Expect && !j.Policy.DisableScaleIn {
		return h, from, fmt.Sprintf("the load fell to what needs %d, and there were %d: nothing to take away", h.Expect, from)
	}
	return h, from, ""
}

// firstIn is the first removal after the load fell.
func (j *judging) firstIn(h Held) (event, bool) {
	for _, e := range j.ins() {
		if !e.at().Before(h.Began) && e.at().Before(h.Ended) {
			return e, true
		}
	}
	return event{}, false
}

// inAllowed is by when scale-in must begin: twice the time that the low alarm looks at,
// 30 minutes for one of fifteen; it has been seen to take more than 25.
func (j *judging) inAllowed() time.Duration {
	rule, ok := j.Policy.Low.rule()
	if !ok {
		return 2 * 15 * time.Minute
	}
	return max(2*time.Duration(rule.EvaluationPeriods)*rule.Period, j.pace.notice)
}

func (j *judging) scaleInStarts() answer {
	h, from, why := j.down()
	if why != "" {
		return unknown("%s", why)
	}
	e, came := j.firstIn(h)
	allowed := j.inAllowed()
	switch {
	case j.Policy.DisableScaleIn && came:
		return found(Fail, "at %s it went %s, though scale-in is disabled", clock(e.at()), arrow(e)).dated(e.at()).
			remedied("see what else takes capacity away: another policy, a scheduled action, a person").leading(Undecided)
	case j.Policy.DisableScaleIn:
		return found(Reported, "scale-in is disabled: %s stayed, as they should", instances(from))
	case !came && h.length() < allowed:
		return unknown("nothing was taken away in %s, and scale-in may take %s", lasting(h.length()), lasting(allowed))
	case !came:
		return found(Fail, "nothing was taken away from %s, when the load fell, to %s: %s", clock(h.Began), clock(h.Ended), j.whyNotIn(h)).
			dated(h.Ended).remedied("%s", j.letIn(h)).leading(NoScaling)
	}
	took := e.at().Sub(h.Began)
	c := found(Pass, "%s at %s, %s after the load had fallen; up to %s is usual", arrow(e), clock(e.at()), lasting(took), lasting(allowed)).dated(e.at())
	if took > allowed {
		c.Outcome = Fail
		return c.remedied("a shorter scale-in cooldown than %s; that the low alarm looks at %s cannot be changed", lasting(time.Duration(j.Policy.ScaleIn)), j.lookedAt())
	}
	return c
}

// lookedAt is how far back the low alarm looks.
func (j *judging) lookedAt() string {
	if rule, ok := j.Policy.Low.rule(); ok {
		return lasting(time.Duration(rule.EvaluationPeriods) * rule.Period)
	}
	return "a quarter of an hour"
}

// whyNotIn is why scale-in did not come, as far as it is known.
func (j *judging) whyNotIn(h Held) string {
	if codes := j.notScaled(h.Began, h.Ended); len(codes) > 0 {
		return "AWS says " + strings.Join(codes, ", ")
	}
	switch j.lowAlarm(h) {
	case scaling.StateAlarm:
		return "the low alarm was in ALARM, and nothing came of it"
	case scaling.StateInsufficient:
		return "the low alarm had no data"
	case scaling.StateOK:
		return "the low alarm did not fire"
	}
	return "what the low alarm said is not known"
}

// lowAlarm is the state of the low alarm at the end of a phase, "" when it is not known.
func (j *judging) lowAlarm(h Held) scaling.AlarmState {
	state := scaling.AlarmState("")
	for _, t := range j.Alarms {
		if j.Policy.Low != nil && t.Alarm == j.Policy.Low.Name && t.At.Before(h.Ended) {
			state = t.To
		}
	}
	return state
}

func (j *judging) letIn(h Held) string {
	switch codes := j.notScaled(h.Began, h.Ended); {
	case slices.Contains(codes, scaling.AnticipatedFlapping):
		return "the load is too near what one instance less carries at the target: see the note of autoscaling on whole numbers; another safety factor moves it away"
	case j.lowAlarm(h) == scaling.StateInsufficient:
		return "make the metric arrive when traffic is low: the low alarm scales nothing without data"
	}
	return "see that the low alarm of the policy exists, that its actions are enabled, and that no other policy holds capacity up"
}

// around is how long before and after a removal requests are looked at.
const around = 2 * time.Minute

// scaleInSafety asks whether, around each removal, more requests were bad than chance
// makes of the baseline's share (one-sided binomial test; the share is taken half a
// request too high, for a baseline without a bad one proves no 0).
func (j *judging) scaleInSafety() answer {
	base, why := j.held(Baseline)
	if why != "" {
		return unknown("there is nothing to compare with: %s", why)
	}
	usual := j.during(base.Began.Add(around), base.Ended)
	if usual.offered == 0 {
		return unknown("there is no record of the client in the baseline")
	}
	share := (float64(usual.bad) + 0.5) / (float64(usual.offered) + 1)
	var all tally
	removals := 0
	for _, e := range j.ins() {
		in, known := e.Stage(InService)
		h, within := j.phaseAt(e.at())
		if !known || !within || !h.Valid {
			continue
		}
		t := j.during(e.at().Add(-around), in.At.Add(around))
		if t.offered == 0 {
			continue
		}
		removals++
		all.offered, all.bad = all.offered+t.offered, all.bad+t.bad
		if chance := tail(t.offered, min(t.bad, t.offered), share); chance < beyondChance {
			c := found(Warn, "around %s, when it went %s, %d of %d requests were bad; of the baseline %s (chance %.2g)",
				clock(e.at()), arrow(e), t.bad, t.offered, percent(usual.badShare()), chance).dated(e.at())
			if j.misses(t) || !j.Objective.known() {
				c.Outcome = Fail
			}
			return c.remedied("let the container finish its requests on SIGTERM before it exits; a longer scale-in cooldown than %s makes removals rarer", lasting(time.Duration(j.Policy.ScaleIn)))
		}
	}
	if removals == 0 {
		return unknown("no removal was seen with requests around it")
	}
	return found(Pass, "around %s %d of %d requests were bad, no more than the baseline's %s explains", counted(int64(removals), "removal"), all.bad, all.offered, percent(usual.badShare()))
}

func (j *judging) reachesMin() answer {
	h, from, why := j.down()
	if why != "" {
		return unknown("%s", why)
	}
	if j.Policy.DisableScaleIn {
		return found(Reported, "scale-in is disabled: %s stay until somebody takes them away", instances(from))
	}
	final := lookAt(j.Capacity, h.Ended).Current
	if final > h.Expect {
		c := found(Fail, "%s at %s, %s after the load had fallen; %d were expected", instances(final), clock(h.Ended), lasting(h.length()), h.Expect).dated(h.Ended)
		return c.remedied("a shorter scale-in cooldown than %s, where removals come one by one; else see scale_in_starts", lasting(time.Duration(j.Policy.ScaleIn)))
	}
	if final < h.Expect {
		return found(Warn, "%s at %s; %d were expected", instances(final), clock(h.Ended), h.Expect).dated(h.Ended).
			remedied("see what else takes capacity away")
	}
	at, _ := j.backAtMin(h)
	return found(Pass, "%s at %s, %s after the load had fallen", instances(final), clock(at), lasting(at.Sub(h.Began))).dated(at)
}

// backAtMin is the look from which on no more than expected were in service to the end
// of the step down.
func (j *judging) backAtMin(h Held) (at time.Time, ok bool) {
	for _, c := range j.looksIn(h.Began, h.Ended) {
		switch {
		case c.Current > h.Expect:
			ok = false
		case !ok:
			at, ok = later(c.At, h.Began), true
		}
	}
	return at, ok
}
