package proof

import (
	"fmt"
	"slices"
	"time"
)

// Recovered means this long within the objective, with so many slices at least: of an
// emulator at 60 times the speed, a second is a minute.
const (
	calm        = time.Minute
	calmSamples = 2
)

// follow finds when requests missed the objective after the load had crossed, and when
// they kept it again: for a minute, and not before the new number was in service.
func (j *judging) follow(e *event, crossed, in Stage) {
	if crossed.Known == Missing || !j.Objective.known() {
		return
	}
	e.limit = j.relieved(crossed.At)
	from := slices.IndexFunc(j.Slices, func(s Slice) bool { return !s.At.Before(crossed.At) })
	if from < 0 {
		return
	}
	for i := from; i < len(j.Slices) && j.Slices[i].At.Before(e.limit); i++ {
		keeps, full := j.keepsFor(i, e.limit)
		switch {
		case !full:
			return
		case e.hurt.IsZero() && !keeps:
			e.hurt = j.firstBad(i)
		case !e.hurt.IsZero() && keeps && (in.Known == Missing || !j.Slices[i].At.Before(in.At.Add(-time.Duration(in.Within)))):
			e.healed = j.Slices[i].At
			return
		}
	}
}

// relieved is when, after an instant, the load goes down again, and what is better is no
// merit of the new instances; or when it goes beyond what the most instances carry at the
// target, and what is worse is not their fault.
func (j *judging) relieved(t time.Time) time.Time {
	beyond := j.mostAtTarget()
	for _, h := range j.Phases {
		switch {
		case h.Began.After(t) && (h.Kind == StepDown || h.Kind == RampDown):
			return h.Began
		case h.Ended.After(t) && h.From <= beyond && h.To > beyond:
			return later(t, h.reaches(beyond))
		case h.Began.After(t) && h.From > beyond:
			return h.Began
		}
	}
	return j.ended()
}

// mostAtTarget is the rate that the most instances carry at the target.
func (j *judging) mostAtTarget() float64 {
	return float64(j.Policy.Max) * float64(j.load.PerInstance)
}

// keepsFor is whether a minute from slice i on keeps the objective; full is false when
// there is no whole minute any more.
func (j *judging) keepsFor(i int, limit time.Time) (keeps, full bool) {
	var t tally
	for ; i < len(j.Slices) && j.Slices[i].At.Before(limit) && (t.length < calm || t.samples < calmSamples); i++ {
		t.add(j.Slices[i])
	}
	return j.Objective.keeps(t), t.length >= calm
}

// firstBad is when the first slice from i on does not keep the objective by itself.
func (j *judging) firstBad(i int) time.Time {
	for _, s := range j.Slices[i:] {
		var t tally
		if t.add(s); !j.Objective.keeps(t) {
			return s.At
		}
	}
	return j.Slices[i].At
}

// recovered is when response times kept the objective again.
func (j *judging) recovered(e event) Stage {
	switch {
	case !j.Objective.known():
		return missing(Recovered, "there is no objective to judge by")
	case e.limit.IsZero() || len(j.Slices) == 0:
		return missing(Recovered, "it is not known since when the load called for it")
	case e.hurt.IsZero():
		return missing(Recovered, "they kept the objective all the while: there was nothing to recover from")
	case e.healed.IsZero():
		return missing(Recovered, "from %s to %s there was no minute that kept the objective after the new number was in service", clock(e.hurt), clock(e.limit))
	}
	return Stage{
		Name: Recovered, At: e.healed, Within: Span(j.sliceAt(e.healed)), Known: Bounded,
		Source: fmt.Sprintf("the client: beginning of the first minute that kept %s, in slices of %s", j.Objective.Name, lasting(j.sliceAt(e.healed))),
	}
}

// sliceAt is the length of the slice that began at an instant.
func (j *judging) sliceAt(t time.Time) time.Duration {
	for _, s := range j.Slices {
		if s.At.Equal(t) {
			return time.Duration(max(0, s.Length))
		}
	}
	return 0
}

// moreThanBefore is by how much a slice must exceed the best of the old capacity to show
// that new capacity served.
const moreThanBefore = 1.05

// firstServed is bounded at best: SageMaker does not say which instance answered. Where
// the old ones were overloaded, a slice in which more was answered than they ever did
// shows that new ones did; else it was between in service and recovery.
func (j *judging) firstServed(e event, crossed, in, recovered Stage) Stage {
	const untold = "SageMaker does not say which instance answered"
	switch {
	case in.Known == Missing || crossed.Known == Missing:
		return missing(FirstServed, "%s, and it is not known when the new number was in service under this load", untold)
	case e.hurt.IsZero():
		return missing(FirstServed, "%s, and the old ones kept up", untold)
	}
	earliest := in.At.Add(-time.Duration(in.Within))
	best := 0.0
	for _, s := range j.Slices {
		if s.At.After(e.hurt) && s.end().Before(earliest) {
			best = max(best, j.answered(s))
		}
	}
	until := e.limit // recovery after it was in service is the new capacity's work, too
	if recovered.Known != Missing && !recovered.At.Before(earliest) && recovered.At.Before(until) {
		until = recovered.At
	}
	for _, s := range j.Slices {
		if best > 0 && !s.At.Before(earliest) && s.At.Before(e.limit) && !s.At.After(until) && j.answered(s) > moreThanBefore*best {
			return Stage{
				Name: FirstServed, At: s.end(), Within: Span(s.end().Sub(earliest)), Known: Bounded,
				Source: fmt.Sprintf("the client: the first slice with more answers (%s/s) than the old number gave (%s/s at most); %s", figure(j.answered(s)), figure(best), untold),
			}
		}
	}
	if recovered.Known == Missing || recovered.At.Before(earliest) {
		return missing(FirstServed, "%s, and no slice shows more answers than before", untold)
	}
	return Stage{
		Name: FirstServed, At: recovered.At, Within: Span(recovered.At.Sub(earliest)), Known: Bounded,
		Source: "between in service and recovery; " + untold,
	}
}

func (s Slice) end() time.Time { return s.At.Add(time.Duration(max(0, s.Length))) }

// answered is the rate of successes in a slice, as the services count it.
func (j *judging) answered(s Slice) float64 {
	if s.Length <= 0 {
		return 0
	}
	return float64(max(0, s.Successes)) * j.Speed / s.Length.Seconds()
}
