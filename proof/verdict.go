package proof

import (
	"fmt"
	"slices"
	"time"
)

// reason is one thing that a verdict rests on, with what would change it.
type reason struct {
	verdict      Verdict
	text, change string
}

// verdict is the worst that what was found leads to; without a fault it is Works, if the
// programme was held to its end. What is wrong under a load that was held counts also
// where the rest was not held, for it would not have been better.
func (j *judging) verdict(answers []answer, r Result) (v Verdict, reasons []string, change string) {
	var faults []reason
	for _, a := range answers {
		if a.missed() {
			faults = append(faults, reason{a.leads, a.ID + ": " + a.Evidence, a.Remedy})
		}
	}
	faults = append(faults, j.unmet(r.Objectives)...)
	faults = append(faults, j.costly(r.Cost)...)
	v = worst(faults)
	if why := j.incomplete(); why != "" && v != NoScaling && v != NoProtection {
		v = Undecided
		faults = append(faults, reason{Undecided, why, "verify again, to the end"})
	}
	slices.SortStableFunc(faults, func(a, b reason) int { return rank(a.verdict, v) - rank(b.verdict, v) })
	if v == Works {
		reasons = j.worked()
	}
	for _, f := range append(faults, warnings(answers)...) {
		reasons = append(reasons, f.text)
		if change == "" {
			change = f.change
		}
	}
	return v, reasons, change
}

// warnings are what is not well, and decides nothing. That AWS did something else than
// the forecast is about the forecast.
func warnings(answers []answer) []reason {
	var out []reason
	for _, a := range answers {
		if a.Outcome == Warn && a.ID != "twin_agreement" {
			out = append(out, reason{"", a.ID + ": " + a.Evidence, a.Remedy})
		}
	}
	return out
}

// order is the verdicts, the worst first. That something else set the policy or the
// capacity comes before all: then nothing can be said of the policy.
func order() []Verdict {
	return []Verdict{Undecided, NoScaling, NoProtection, WorksFlaps, WorksSlowly, WorksCostly}
}

func worst(faults []reason) Verdict {
	for _, v := range order() {
		if slices.ContainsFunc(faults, func(f reason) bool { return f.verdict == v }) {
			return v
		}
	}
	return Works
}

// rank puts what the verdict rests on before what else was found.
func rank(of, verdict Verdict) int {
	if of == verdict {
		return 0
	}
	if at := slices.Index(order(), of); at >= 0 {
		return 1 + at
	}
	return 1 + len(order())
}

// incomplete is why a programme does not tell all that it was for, or "": it was cut
// short, or its load was not held.
func (j *judging) incomplete() string {
	if len(j.Phases) == 0 || len(j.Programme.Phases) == 0 {
		return "no load was held"
	}
	if len(j.Capacity) == 0 {
		return "the endpoint was never looked at"
	}
	for _, p := range j.Programme.Phases {
		if _, why := j.held(p.Kind); why != "" {
			return why
		}
	}
	return ""
}

// unmet are the parts of the written objective that were missed.
func (j *judging) unmet(objectives []Finding) []reason {
	var out []reason
	for _, f := range objectives {
		if !f.Judged || f.Met {
			continue
		}
		text := fmt.Sprintf("%s: %s was asked for; it was %s", f.Name, f.Asked, f.Was)
		switch f.Name {
		case PartFlaps:
			out = append(out, reason{WorksFlaps, text, j.calmer()})
		case PartBackToMin:
			out = append(out, reason{WorksSlowly, text, fmt.Sprintf("a shorter scale-in cooldown than %s; the low alarm alone takes %s",
				lasting(time.Duration(j.Policy.ScaleIn)), j.lookedAt())})
		default:
			out = append(out, reason{NoProtection, text, "a lower safety factor, a higher min or a scheduled action, so that more is in service before the load rises; " + j.quicker()})
		}
	}
	return out
}

// costlier is how many times the forecast a programme may cost; the forecast has the
// rounding, and the time that AWS takes to scale in.
const costlier = 1.25

func (j *judging) costly(c Cost) []reason {
	if !(c.Predicted > 0) || c.InstanceHours <= costlier*c.Predicted || c.InstanceHours <= costlier*c.Oracle {
		return nil
	}
	return []reason{{
		WorksCostly, fmt.Sprintf("cost: %s instance-hours from %s to %s; %s were predicted, and %s are enough at the target",
			figure(c.InstanceHours), clock(j.began()), clock(j.ended()), figure(c.Predicted), figure(c.Oracle)),
		"see overshoot and reaches_min: something holds more instances than the load needs",
	}}
}

// worked says what happened, where all was well.
func (j *judging) worked() []string {
	var out []string
	for _, e := range j.events {
		text := fmt.Sprintf("%s: %s", clock(e.at()), arrow(e))
		if in, ok := e.Stage(InService); ok {
			text += ", in service at " + clock(in.At)
		}
		switch {
		case !e.healed.IsZero():
			text += fmt.Sprintf(", %s kept again at %s, %s after it had been missed first", j.Objective.Name, clock(e.healed), lasting(e.healed.Sub(e.hurt)))
		case e.Direction == "out" && !e.limit.IsZero():
			text += fmt.Sprintf(", %s kept all the while", j.Objective.Name)
		}
		out = append(out, text)
	}
	return out
}
