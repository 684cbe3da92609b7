package report

import (
	"fmt"

	"plimsoll/experiment"
)

// States of a load; also VALID, INVALID and PARTIAL.
const (
	stateHeld      state = "HELD"
	stateMissed    state = "MISSED"
	stateUndecided state = "UNDECIDED"
)

// loadVerdictOf says what one held load is worth.
func loadVerdictOf(r *experiment.LoadResult) verdict {
	v := verdict{State: loadStateOf(r), Reasons: append(cleaned(r.Doubts), warningsOf(r.Reconciliation)...)}
	v.Title = fmt.Sprintf("%s achieved of %s offered", trim(number(r.Achieved))+"/s", trim(number(r.Offered))+"/s")
	v.Number = trim(number(r.Achieved)) + "/s"
	v.Cause = fmt.Sprintf("%s in a window of %s, %s succeeded (%s).",
		plural(r.Requests, "request", "requests"), lasting(r.WindowSeconds), count(r.Successes), percent(r.SuccessRatio))
	switch v.State {
	case stateInvalid:
		v.Advice = "This measurement must not be used: the generator did not hold the load. The reasons are below."
		if c := r.Reconciliation; c != nil && len(c.Doubted) > 0 && len(r.Doubts) == 1 {
			v.Advice = "This measurement is doubted: what CloudWatch counted is not what was sent. The reasons are below."
		}
	case statePartial:
		v.Advice = "The load was stopped before its end. This is what it had measured until then."
	case stateMissed:
		v.Advice = "An objective was missed at this load."
	case stateHeld:
		v.Advice = "Every objective was met at this load."
	case stateUndecided:
		v.Advice = "There were too few requests to judge every objective. A longer duration would do."
	default:
	}
	return v
}

func loadStateOf(r *experiment.LoadResult) state {
	switch {
	case r.Status == experiment.Partial:
		return statePartial
	case !r.Valid:
		return stateInvalid
	case len(r.Verdict.Findings) == 0 && r.Verdict.Outcome == experiment.Held:
		return stateValid
	case r.Verdict.Outcome == experiment.Held:
		return stateHeld
	case r.Verdict.Outcome == experiment.Missed:
		return stateMissed
	}
	return stateUndecided
}

// askedOf says what load was asked for.
func askedOf(r *experiment.LoadResult) string {
	p := r.Plan.Load
	switch {
	case p == nil:
		return ""
	case p.Concurrency > 0:
		return fmt.Sprintf("%d in flight (closed loop) for %s", p.Concurrency, lasting(p.DurationSeconds))
	}
	return fmt.Sprintf("%s, %s arrivals (open loop), for %s", trim(number(p.Rate))+"/s", r.Plan.Arrivals, lasting(p.DurationSeconds))
}
