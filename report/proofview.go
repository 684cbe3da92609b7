package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

//go:embed proof.css
var proofStyle string

//go:embed proof.gohtml
var proofTemplate string

const proofMethod = "A programme of loads, each held by an open loop, asks the policy to scale out, to stop at its most instances and to scale in again. What AWS did is read from CloudWatch’s alarms and metrics, from Application Auto Scaling’s activities and from the endpoint’s instance counts; what callers met, from the client’s own record. After the Amazon SageMaker Developer Guide, “Load testing your auto scaling configuration”, step 5."

// proofView is a proof as the page shows it.
type proofView struct {
	State, Badge, Title string
	Summary, Help       string
	Big                 []bigNumber
	Reasons             []string
	Findings            []finding
	Facts               []fact
	Figure              *figure
	Events              []eventView
	Checks              []checkView
	Phases              *grid
}

type eventView struct {
	Title, Began, Total, Class string
	Stages                     []eventStage
}

type checkView struct{ Mark, Class, Title, Evidence, Remedy string }

// diffLine is a line of a change: Class says what becomes of it.
type diffLine struct{ Class, Words string }

func (v *view) ofProof(d Document) {
	r := d.proof()
	s := &proofView{
		State: string(stateOfProof(r.Verdict)), Badge: badgeOf(stateOfProof(r.Verdict)), Title: proofTitle(r.Verdict),
		Summary: proofSummary(r), Help: helpOf(r), Big: proofNumbers(r),
		Reasons: slices.Concat(cleaned(r.Reasons), cleaned(r.Programme.Notes)),
		Facts: compactFacts([]fact{
			{"Policy", policyWords(d.policy())},
			{"Objective", proofObjective(r.Objective)},
			{"Cost", costWords(r.Cost)},
			{"Time", speedWords(r.Series.Speed)},
		}),
		Events: eventViews(r.Events), Checks: checkViews(r.Checks), Phases: phaseTable(r),
	}
	for _, f := range r.Objectives {
		s.Findings = append(s.Findings, finding{findingWord(f), printable(f.Name), printable(f.Was + ", asked " + f.Asked)})
	}
	if f, ok := proofTimeline(r); ok {
		s.Figure = &f
	}
	v.Scaling = s
	if d.Result != nil {
		v.Kicker += ", and proof of the policy made from it"
		v.Method += " " + proofMethod
		return
	}
	v.Kicker, v.Method = "Proof of a scaling policy", proofMethod
	if start, _, ok := observedSpan(r); ok {
		v.When = "Measured " + moment(start)
	}
}

// proofNumbers are the numbers that matter: how long scaling takes each way.
func proofNumbers(r *proof.Result) []bigNumber {
	var out []bigNumber
	for _, d := range []struct {
		direction scaling.Direction
		name      string
	}{{scaling.Out, "Scale-out"}, {scaling.In, "Scale-in"}} {
		e, ok := slowest(r.Events, d.direction)
		if !ok {
			out = append(out, bigNumber{Name: d.name, Value: missing, Below: "none was seen", Faint: true})
			continue
		}
		out = append(out, bigNumber{Name: d.name, Value: trim(fmt.Sprintf("%.1f", e.Total.Seconds()/60)), Unit: "minutes", Below: countsOf(e) + " instances, from the load on; the slowest of " + eventCount(r.Events, d.direction)})
	}
	return out
}

func eventCount(events []proof.Event, d scaling.Direction) string {
	n := 0
	for _, e := range events {
		if e.Direction == d {
			n++
		}
	}
	return count(int64(n))
}

func proofObjective(o proof.Objective) string {
	if o.Name == "" {
		return ""
	}
	text := printable(o.Name)
	if o.BadShare > 0 {
		text += fmt.Sprintf(", which %s of the requests may miss", percent(o.BadShare))
	}
	return text
}

func eventViews(events []proof.Event) []eventView {
	var out []eventView
	for _, e := range events {
		out = append(out, eventView{Title: eventTitle(e), Began: eventBegan(e), Total: spanOf(e.Total), Class: directionClass(e.Direction), Stages: stagesOf(e)})
	}
	return out
}

func checkViews(checks []proof.Check) []checkView {
	var out []checkView
	for _, c := range checks {
		mark, _ := checkMark(c.Outcome)
		class := map[proof.Outcome]string{proof.Pass: "held", proof.Warn: "undecided", proof.Fail: "missed"}[c.Outcome]
		out = append(out, checkView{mark, orDefault(class, "invalid"), printable(c.Title), printable(c.Evidence), printable(c.Remedy)})
	}
	return out
}

// phaseTable has every phase as it was held.
func phaseTable(r *proof.Result) *grid {
	if len(r.Held) == 0 {
		return nil
	}
	g := &grid{Head: []string{"phase", "from", "lasted", "load", "instances expected at its end", "why", "load held"}}
	for _, h := range r.Held {
		g.row(phaseName(h.Kind), clock(h.Began), lasting(h.Ended.Sub(h.Began).Seconds()), phaseLoad(h.Phase), count(int64(h.Expect)), h.Why, heldWords(h))
	}
	return g
}

func timelineCaption(r *proof.Result) string {
	most := 0
	for _, c := range r.Series.Capacity {
		most = max(most, c.Current)
	}
	worst := 0.0
	for _, c := range columnsOf(r.Series, mostColumns) {
		worst = max(worst, c.bad)
	}
	phases := fmt.Sprintf("%s held", plural(int64(len(r.Held)), "phase", "phases"))
	if planned := len(r.Programme.Phases); planned > len(r.Held) {
		phases = fmt.Sprintf("%d of %d phases held", len(r.Held), planned)
	}
	eventsWord := "no scaling event"
	if n := len(r.Events); n > 0 {
		eventsWord = plural(int64(n), "scaling event", "scaling events")
	}
	return fmt.Sprintf("%s, %s, at most %s in service; in the worst moment %s of the requests were bad.",
		phases, eventsWord, plural(int64(most), "instance", "instances"), percent(worst))
}

// mostRows of the table of the numbers.
const mostRows = 120

func timelineTable(r *proof.Result) grid {
	g := grid{Head: []string{"time", "offered /s", "in service", "desired", "metric", "bad requests"}}
	for _, c := range columnsOf(r.Series, mostRows) {
		now, desired := missing, missing
		if look, ok := latest(r.Series.Capacity, c.to); ok {
			now, desired = count(int64(look.Current)), count(int64(look.Desired))
		}
		g.row(clock(c.from), number(c.rate), now, desired, metricAt(r.Series, c.from), percent(c.bad))
	}
	return g
}

// latest is the last look at the endpoint before an instant.
func latest(looks []proof.Capacity, before time.Time) (proof.Capacity, bool) {
	var found proof.Capacity
	ok := false
	for _, look := range looks {
		if look.At.Before(before) {
			found, ok = look, true
		}
	}
	return found, ok
}

// metricAt is the datapoint of the period in which an instant lies.
func metricAt(s proof.Series, at time.Time) string {
	for _, d := range s.Metric {
		if d.Value != nil && !at.Before(d.At) && at.Before(d.At.Add(time.Duration(s.Period))) {
			return number(*d.Value)
		}
	}
	return missing
}

func (g *programme) legend() []legendItem {
	var out []legendItem
	add := func(wanted bool, shape, class, name string) {
		if wanted {
			out = append(out, legendItem{swatch(shape, class), name})
		}
	}
	series := g.r.Series
	add(len(series.Slices) > 0, dash, "offered-load", "offered")
	add(len(series.Capacity) > 0 && series.PerInstance > 0, dash, "carried", "carried at the target")
	add(len(series.Capacity) > 0, dash, "current", "instances in service")
	add(len(series.Capacity) > 0, dash, "desired", "desired")
	add(len(g.r.Predicted) > 0, dash, "predicted", "predicted")
	add(len(series.Metric) > 0, dash, "metric", "metric")
	for _, m := range []struct {
		stage              proof.StageName
		shape, class, name string
	}{
		{proof.LoadCrossed, startMark, "at-load bare", "load needs another number"},
		{proof.MetricVisible, seenMark, "at-load hollow", "metric past the threshold"},
		{proof.AlarmFired, "M0 4L-4.5 -4H4.5Z", "at-alarm full", "alarm fires"},
		{proof.ActivityBegan, "M0 -4L-4.5 4H4.5Z", "at-activity full", "activity begins"},
		{proof.InService, circle, "at-service full", "in service"},
		{proof.FirstServed, seenMark, "at-service hollow", "first request served"},
		{proof.Recovered, "M-3.5 0.5L-1 3.5L4 -3.5", "at-service bare", "objective kept again"},
	} {
		add(g.has(m.stage), m.shape, "mark "+m.class, m.name)
	}
	alarms := len(g.alarmNames()) > 0
	add(alarms, square, "state alarm", "in ALARM")
	add(alarms, square, "state calm", "OK")
	add(alarms, square, "state insufficient", "not enough data")
	return out
}

func (g *programme) has(name proof.StageName) bool {
	return slices.ContainsFunc(g.r.Events, func(e proof.Event) bool {
		return slices.ContainsFunc(e.Stages, func(s proof.Stage) bool { return s.Name == name && s.Known != proof.Missing && !s.At.IsZero() })
	})
}

// diffOf shows changes as differences.
func diffOf(d Document) []diffLine {
	var out []diffLine
	for _, c := range d.changes() {
		for _, line := range c.Lines() {
			class := "same"
			switch rest := strings.TrimSpace(line); {
			case strings.HasPrefix(rest, "- "):
				class = "was"
			case strings.HasPrefix(rest, "+ "):
				class = "will"
			}
			out = append(out, diffLine{class, printable(line)})
		}
	}
	return out
}

// styleOf is a page's style: that of proofs only where there is one.
func styleOf(d Document) template.CSS {
	if d.verified() != nil || d.Tuned != nil {
		return template.CSS(pageStyle + proofStyle)
	}
	return template.CSS(pageStyle)
}
