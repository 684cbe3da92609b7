package proof

import (
	"math"
	"slices"
	"time"

	"plimsoll/scaling"
)

// Judge says what was observed, in the order in which one asks: what happened at each
// change of capacity, sixteen checks with their evidence, what became of the written
// objective, what it took, and one verdict. What was not observed is not judged.
func Judge(o Observed) Result {
	j := newJudging(o)
	j.findEvents()
	r := Result{
		Programme: o.Programme, Held: o.Phases, Policy: o.Policy, Objective: o.Objective,
		Predicted: j.forecast.Capacity, Cost: j.cost(),
	}
	for _, e := range j.events {
		r.Events = append(r.Events, e.Event)
	}
	answers := j.check()
	for _, a := range answers {
		r.Checks = append(r.Checks, a.Check)
	}
	r.Objectives = j.findings()
	r.Verdict, r.Reasons, r.Change = j.verdict(answers, r)
	return r
}

// judging is what was observed, and what follows from it.
type judging struct {
	Observed

	a        scaling.Assumptions
	load     Load
	pace     pace
	forecast Forecast // through the phases as they were held
	events   []event  // oldest first
}

func newJudging(o Observed) *judging {
	j := &judging{Observed: o, a: o.Assumptions, load: o.Programme.Load}
	if j.a == (scaling.Assumptions{}) {
		j.a = scaling.DefaultAssumptions()
	}
	for _, median := range []time.Duration{time.Duration(o.Programme.Provisioning), o.Provisioning} {
		if median > 0 {
			j.a.ProvisioningMedian = median.Truncate(time.Second)
		}
	}
	if !(j.Speed > 0) || math.IsInf(j.Speed, 0) {
		j.Speed = 1
	}
	j.Poll, j.Period = max(0, o.Poll), max(0, o.Period)
	j.Capacity = inOrder(o.Capacity, func(c Capacity) time.Time { return c.At })
	j.Slices = inOrder(o.Slices, func(s Slice) time.Time { return s.At })
	j.Metric = inOrder(o.Metric, func(p scaling.Point) time.Time { return p.At })
	j.Alarms = inOrder(o.Alarms, func(t Transition) time.Time { return t.At })
	j.Activity = inOrder(o.Activity, func(a Activity) time.Time { return a.Began })
	j.pace = paceOf(o.Policy, j.a.ProvisioningMedian)
	if len(o.Phases) > 0 && j.a.Validate() == nil {
		j.forecast = Foretell(o.Phases[0].Began, j.asHeld(), o.Policy, j.load, j.a)
	}
	return j
}

// inOrder is what is dated, the oldest first: AWS lists the newest first, and readings of
// several pages overlap.
func inOrder[T any](read []T, at func(T) time.Time) []T {
	dated := slices.DeleteFunc(slices.Clone(read), func(x T) bool { return at(x).IsZero() })
	slices.SortStableFunc(dated, func(a, b T) int { return at(a).Compare(at(b)) })
	return dated
}

// asHeld is the programme with the phases as they were held.
func (j *judging) asHeld() Programme {
	p := Programme{Start: j.Programme.Start}
	if len(j.Capacity) > 0 {
		p.Start = lookAt(j.Capacity, j.Phases[0].Began).Current
	}
	for _, h := range j.Phases {
		phase := h.Phase
		phase.To, phase.Length = h.rate(h.Ended), Span(h.length())
		p.Phases = append(p.Phases, phase)
	}
	return p
}

// length is how long the phase was held.
func (h Held) length() time.Duration { return max(0, h.Ended.Sub(h.Began)) }

// rate is what was offered at an instant of the phase.
func (h Held) rate(t time.Time) float64 { return h.at(t.Sub(h.Began)) }

// began and ended are those of the programme; zero when there was none.
func (j *judging) began() time.Time {
	if len(j.Phases) == 0 {
		return time.Time{}
	}
	return j.Phases[0].Began
}

func (j *judging) ended() time.Time {
	if len(j.Phases) == 0 {
		return time.Time{}
	}
	return j.Phases[len(j.Phases)-1].Ended
}

// phaseAt is the phase that was held at an instant.
func (j *judging) phaseAt(t time.Time) (Held, bool) {
	for _, h := range j.Phases {
		if !t.Before(h.Began) && t.Before(h.Ended) {
			return h, true
		}
	}
	return Held{}, false
}

// held is the first phase of a kind, if it may be judged by: it was held to its end, and
// the generator held the load. Else why says what is wrong.
func (j *judging) held(kind Kind) (h Held, why string) {
	for _, h := range j.Phases {
		if h.Kind != kind {
			continue
		}
		if !h.Valid {
			return h, "the load of phase " + string(kind) + " was not held" + because(h.Doubts)
		}
		if h.length() < time.Duration(h.Length)*9/10 {
			return h, "phase " + string(kind) + " was cut short after " + lasting(h.length())
		}
		return h, ""
	}
	for _, p := range j.Programme.Phases {
		if p.Kind == kind {
			return Held{}, "phase " + string(kind) + " was not reached"
		}
	}
	return Held{}, "the programme has no phase " + string(kind)
}

// heldOf are the phases of some kinds that may be judged by.
func (j *judging) heldOf(kinds ...Kind) []Held {
	var out []Held
	for _, kind := range kinds {
		if h, why := j.held(kind); why == "" {
			out = append(out, h)
		}
	}
	return out
}

func because(doubts []string) string {
	if len(doubts) == 0 {
		return ""
	}
	return ": " + doubts[0]
}

// tally counts requests of some slices.
type tally struct {
	offered, successes, failed, bad int64

	length  time.Duration
	sumMs   float64 // of the response times of the successes
	samples int
}

func (t *tally) add(s Slice) {
	t.offered += max(0, s.Offered)
	t.successes += max(0, s.Successes)
	t.failed += max(0, s.Failed)
	t.bad += max(0, s.Bad)
	t.length += time.Duration(max(0, s.Length))
	t.sumMs += float64(max(0, s.Successes)) * s.MeanMs
	t.samples++
}

// badShare is of what was offered; 0 of nothing.
func (t tally) badShare() float64 {
	if t.offered == 0 {
		return 0
	}
	return float64(t.bad) / float64(t.offered)
}

// during counts the slices that began in a while.
func (j *judging) during(from, to time.Time) tally {
	var t tally
	for _, s := range j.Slices {
		if !s.At.Before(from) && s.At.Before(to) {
			t.add(s)
		}
	}
	return t
}

// keeps is whether requests had what the objective asks.
func (o Objective) keeps(t tally) bool {
	if t.offered == 0 {
		return false
	}
	if o.Mean {
		return t.successes > 0 && t.sumMs/float64(t.successes) <= o.Limit.Seconds()*1e3
	}
	return t.badShare() <= o.BadShare+1e-9
}

// known is whether there is an objective to judge by.
func (o Objective) known() bool { return o.Name != "" }

// looksIn are the looks at the capacity in a while, with the one before it.
func (j *judging) looksIn(from, to time.Time) []Capacity {
	var out []Capacity
	for i, c := range j.Capacity {
		last := i+1 == len(j.Capacity) || j.Capacity[i+1].At.After(from)
		if c.At.Before(to) && (!c.At.Before(from) || last) {
			out = append(out, c)
		}
	}
	return out
}

// crossing is the last instant before another at which the load rose above, or fell to, a
// rate, the beginning of the programme when it was there then; zero when the load had
// been on the other side for longer than a reaction takes.
func (j *judging) crossing(rate float64, direction scaling.Direction, before time.Time) time.Time {
	reaction := j.pace.notice
	beyond := func(r float64) bool { return r <= rate }
	if direction == scaling.Out {
		reaction = j.pace.detect
		beyond = func(r float64) bool { return r > rate }
	}
	was, found := false, time.Time{}
	for _, h := range j.Phases {
		for _, at := range []struct {
			when time.Time
			is   bool
		}{{h.Began, beyond(h.rate(h.Began))}, {h.reaches(rate), beyond(h.rate(h.Ended))}} {
			switch {
			case at.is && !was && !at.when.After(before):
				found = at.when
			case !at.is && was && at.when.Before(before.Add(-reaction)):
				found = time.Time{}
			}
			was = at.is
		}
	}
	return found
}

// reaches is when the load of a phase that changes is at a rate: between its ends.
func (h Held) reaches(rate float64) time.Time {
	if h.steady() || !(h.Length > 0) {
		return h.Began
	}
	share := min(1, max(0, (rate-h.From)/(h.To-h.From)))
	if share != share { // not a number: of rates that are none
		share = 0
	}
	return h.Began.Add(time.Duration(share * float64(h.Length)))
}
