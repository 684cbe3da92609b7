package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
	"plimsoll/scaling"
)

// stateOfProof is a proof's verdict as a badge.
func stateOfProof(v proof.Verdict) state { return state(strings.ToUpper(printable(string(v)))) }

// proofTitle is the answer in one clause.
func proofTitle(v proof.Verdict) string {
	switch v {
	case proof.Works:
		return "The policy scales out and in as it should"
	case proof.WorksSlowly:
		return "The policy scales, later than it should"
	case proof.WorksCostly:
		return "The policy scales, with more instances than it needs"
	case proof.WorksFlaps:
		return "The policy scales, back and forth under a steady load"
	case proof.NoProtection:
		return "The policy scales, and callers missed their objective all the same"
	case proof.NoScaling:
		return "The policy does not scale"
	case proof.Undecided:
		return "Nothing was decided: the load was cut short, or not held"
	}
	return "Verdict: " + printable(string(v))
}

// helpOf is the change that would help most, without a full stop.
func helpOf(r *proof.Result) string { return strings.TrimRight(printable(r.Change), ". ") }

// proofSummary is the slowest scaling each way and the count of the checks, in one sentence.
func proofSummary(r *proof.Result) string {
	var parts []string
	for _, d := range []struct {
		direction scaling.Direction
		name      string
	}{{scaling.Out, "out"}, {scaling.In, "in"}} {
		if e, ok := slowest(r.Events, d.direction); ok {
			parts = append(parts, fmt.Sprintf("scale-%s %s in %s", d.name, countsOf(e), spanOf(e.Total)))
		} else {
			parts = append(parts, "no scale-"+d.name+" was seen")
		}
	}
	parts = append(parts, checkCount(r.Checks))
	missed := 0
	for _, f := range r.Objectives {
		if f.Judged && !f.Met {
			missed++
		}
	}
	if missed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s missed", missed, plural(int64(len(r.Objectives)), "scaling objective", "scaling objectives")))
	}
	return sentence(strings.Join(parts, "; ") + ".")
}

// sentence begins with a capital; words of ours alone.
func sentence(words string) string { return strings.ToUpper(words[:1]) + words[1:] }

func slowest(events []proof.Event, d scaling.Direction) (proof.Event, bool) {
	var found proof.Event
	for _, e := range events {
		if e.Direction == d && (found.Direction == "" || e.Total > found.Total) {
			found = e
		}
	}
	return found, found.Direction != ""
}

// checkCount tells how many checks came to what.
func checkCount(checks []proof.Check) string {
	if len(checks) == 0 {
		return "no check was made"
	}
	n := map[proof.Outcome]int64{}
	for _, c := range checks {
		n[c.Outcome]++
	}
	judged := int64(len(checks)) - n[proof.Reported]
	parts := []string{fmt.Sprintf("%d of %s passed", n[proof.Pass], plural(judged, "check", "checks"))}
	for _, o := range []struct {
		outcome proof.Outcome
		word    string
	}{{proof.Fail, "failed"}, {proof.Warn, "with a warning"}, {proof.NotKnown, "not known"}} {
		if n[o.outcome] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[o.outcome], o.word))
		}
	}
	return strings.Join(parts, ", ")
}

// countsOf is a scaling event as a change of instances: 1 → 3.
func countsOf(e proof.Event) string { return fmt.Sprintf("%d → %d", e.From, e.To) }

// eventTitle names a scaling event.
func eventTitle(e proof.Event) string {
	name := map[scaling.Direction]string{scaling.Out: "Scale-out ", scaling.In: "Scale-in "}[e.Direction]
	return name + countsOf(e)
}

// stageTitle is a stage in words.
func stageTitle(s proof.StageName) string {
	switch s {
	case proof.LoadCrossed:
		return "load needs another number"
	case proof.MetricVisible:
		return "metric past the threshold"
	case proof.AlarmFired:
		return "alarm"
	case proof.ActivityBegan:
		return "activity begins"
	case proof.InService:
		return "instances in service"
	case proof.FirstServed:
		return "first request served"
	case proof.Recovered:
		return "objective kept again"
	}
	return printable(string(s))
}

// eventStage is a stage of an event for people.
type eventStage struct {
	Title  string
	Clock  string // 15:29:35, the middle of the while in which it lies; empty: not known
	Since  string // the event's first known stage: +5 min 30 s ± 5 s; the first: 0 s
	Source string // how it is known
	Known  bool
}

// boundedWord begins the source of an instant that lies within a known while.
const boundedWord = "bounded: "

func stagesOf(e proof.Event) []eventStage {
	var out []eventStage
	var first time.Time
	for _, s := range e.Stages {
		stage := eventStage{Title: stageTitle(s.Name), Source: printable(s.Source)}
		if s.Known == proof.Missing || s.At.IsZero() {
			stage.Since, stage.Source = "not known", printable(orDefault(s.Source, "nothing tells"))
			out = append(out, stage)
			continue
		}
		if first.IsZero() {
			first = instant(s)
		}
		stage.Known, stage.Clock, stage.Since = true, clock(instant(s)), since(s, first)
		if s.Known == proof.Bounded {
			stage.Source = boundedWord + orDefault(stage.Source, "between two looks")
		}
		out = append(out, stage)
	}
	return out
}

// instant is when a stage was; of one that lies within a while, the middle of it.
func instant(s proof.Stage) time.Time { return s.At.Add(-time.Duration(s.Within / 2)) }

// since writes how long after the first known stage, or before it, another one was, plus or minus half of
// the while in which it lies.
func since(s proof.Stage, first time.Time) string {
	after := "+" + spanOf(proof.Span(instant(s).Sub(first)))
	if before := first.Sub(instant(s)); before > 0 { // such as an alarm that was on already
		after = "−" + spanOf(proof.Span(before))
	}
	if s.Within <= 0 {
		return after
	}
	return after + " ± " + spanOf(s.Within/2)
}

// clock is the time of day, by the services.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// spanOf writes a while for people.
func spanOf(s proof.Span) string {
	seconds := s.Seconds()
	if seconds >= 10 {
		seconds = math.Round(seconds)
	}
	return lasting(seconds)
}

// phaseName is a kind of phase in words.
func phaseName(k proof.Kind) string { return strings.ReplaceAll(printable(string(k)), "_", " ") }

// phaseLoad is the load of a phase: 60/s, or 215 to 400/s.
func phaseLoad(p proof.Phase) string {
	if p.From == p.To {
		return perSecond(p.To)
	}
	return fmt.Sprintf("%s to %s", trim(number(p.From)), perSecond(p.To))
}

func perSecond(rate float64) string { return trim(number(rate)) + "/s" }

// heldWords says whether the load of a phase was held.
func heldWords(h proof.Held) string {
	if h.Valid {
		return "held"
	}
	return "not held: " + strings.Join(cleaned(h.Doubts), "; ")
}

// policyWords is a policy in one sentence.
func policyWords(p *proof.Policy) string {
	if p == nil {
		return ""
	}
	target := trim(number(p.Target))
	if p.Metric == experiment.Metric {
		target = fmt.Sprintf("%s/min for each instance (%s)", plain(p.Target), perSecond(p.Target/60))
	}
	text := fmt.Sprintf("%s: %s at %s, %d to %d instances, cooldowns %s out and %s in",
		printable(p.Name), printable(p.Metric), target, p.Min, p.Max, spanOf(p.ScaleOut), spanOf(p.ScaleIn))
	if p.DisableScaleIn {
		text += ", scale-in disabled"
	}
	return text
}

// costWords is what the programme took.
func costWords(c proof.Cost) string {
	if c.InstanceHours <= 0 {
		return ""
	}
	text := fmt.Sprintf("%s instance-hours", trim(number(c.InstanceHours)))
	if c.Oracle > 0 {
		text += fmt.Sprintf(" (%s with always just enough instances", trim(number(c.Oracle)))
		if c.Predicted > 0 {
			text += fmt.Sprintf(", %s predicted", trim(number(c.Predicted)))
		}
		text += ")"
	}
	if c.Dollars > 0 {
		text += fmt.Sprintf(", $%.2f", c.Dollars)
	}
	return text
}

// speedWords says how the services' time went, where it was not as fast as real time.
func speedWords(speed float64) string {
	if speed <= 0 || speed == 1 {
		return ""
	}
	return fmt.Sprintf("that of the services, %s times as fast as real time", trim(number(speed)))
}

// restoredWords says what became of what was to be put back.
func restoredWords(d Document) string {
	switch {
	case d.restored() == nil:
		return ""
	case *d.restored():
		return "everything that was to be put back was"
	}
	return "not everything could be put back; plimsoll restore undoes what is left"
}

// findingWord is what became of one part of the scaling objective.
func findingWord(f proof.Finding) string {
	switch {
	case !f.Judged:
		return "undecided"
	case f.Met:
		return "held"
	}
	return "missed"
}
