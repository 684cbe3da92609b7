package proof

import (
	"fmt"
	"time"
)

// answer is what a check found, and the verdict that it leads to when it failed: "" for
// one that says nothing about scaling by itself.
type answer struct {
	Check

	leads Verdict
}

// check asks the sixteen questions, in the order of what happens.
func (j *judging) check() []answer {
	questions := []struct {
		id, title string
		leads     Verdict // unless the answer says otherwise
		ask       func() answer
	}{
		{"policy_as_asked", "The policy is what was asked for", Undecided, j.policyAsAsked},
		{"metric_agrees", "The metric agrees with what was sent", "", j.metricAgrees},
		{"detect_time", "The load is noticed in time", WorksSlowly, j.detectTime},
		{"scale_out_size", "Scale-outs have the size that the metric asks for", WorksSlowly, j.scaleOutSize},
		{"time_to_ready", "New instances come into service", NoScaling, j.timeToReady},
		{"recovery", "The objective is kept again", NoProtection, j.recovery},
		{"error_budget", "Requests lost while scaling out", NoProtection, j.errorBudget},
		{"overshoot", "No more instances than the load needs", WorksCostly, j.overshoot},
		{"steady_state", "The metric and the objective hold at a steady load", NoProtection, j.steadyState},
		{"flapping", "No going up and down at a steady load", WorksFlaps, j.flapping},
		{"limits", "Capacity stays within its bounds, and they suffice", NoScaling, j.limits},
		{"scale_in_starts", "Capacity comes down when the load has gone", WorksSlowly, j.scaleInStarts},
		{"scale_in_safety", "Removals lose no requests", NoProtection, j.scaleInSafety},
		{"reaches_min", "Capacity comes back to the fewest instances", WorksSlowly, j.reachesMin},
		{"failed_activities", "No attempt to scale failed", "", j.failedActivities},
		{"twin_agreement", "AWS did what the model of it predicts", "", j.twinAgreement},
	}
	answers := make([]answer, len(questions))
	for i, q := range questions {
		a := q.ask()
		a.ID, a.Title = q.id, q.title
		if a.leads == "" {
			a.leads = q.leads
		}
		answers[i] = a
	}
	return answers
}

// found is an answer with its evidence.
func found(outcome Outcome, evidence string, args ...any) answer {
	return answer{Check: Check{Outcome: outcome, Evidence: fmt.Sprintf(evidence, args...)}}
}

// unknown says why something is not judged.
func unknown(why string, args ...any) answer { return found(NotKnown, why, args...) }

// remedied adds what to change.
func (a answer) remedied(remedy string, args ...any) answer {
	a.Remedy = fmt.Sprintf(remedy, args...)
	return a
}

// dated says when what decided it was.
func (a answer) dated(t time.Time) answer {
	a.At = t
	return a
}

// leading is of a failure that means more, or less, than another of its check.
func (a answer) leading(v Verdict) answer {
	a.leads = v
	return a
}

// missed says whether a check found something wrong.
func (a answer) missed() bool { return a.Outcome == Fail }
