package report

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// TestColumns joins slices without losing a request.
func TestColumns(t *testing.T) {
	slice := func(i int, offered, bad int64) proof.Slice {
		return proof.Slice{At: began.Add(time.Duration(i) * 10 * time.Second), Length: proof.Span(10 * time.Second), Offered: offered, Bad: bad}
	}
	s := proof.Series{Speed: 1, Slices: []proof.Slice{slice(0, 100, 0), slice(1, 300, 40), slice(2, 50, 50), slice(3, 0, 0), slice(4, 10, 5)}}
	type flat struct {
		From, To  float64 // seconds
		Rate, Bad float64
	}
	for most, want := range map[int][]flat{
		5: {{0, 10, 10, 0}, {10, 20, 30, 40.0 / 300}, {20, 30, 5, 1}, {30, 40, 0, 0}, {40, 50, 1, 0.5}},
		3: {{0, 20, 20, 0.1}, {20, 40, 2.5, 1}, {40, 50, 1, 0.5}},
		1: {{0, 50, 9.2, 95.0 / 460}},
	} {
		var got []flat
		for _, c := range columnsOf(s, most) {
			got = append(got, flat{c.from.Sub(began).Seconds(), c.to.Sub(began).Seconds(), c.rate, c.bad})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at most %d columns (-want +got):\n%s", most, diff)
		}
	}
}

func TestRowsPlaceLabels(t *testing.T) {
	r := rows{make([]float64, 2)}
	for _, step := range []struct {
		from, to float64
		row      int
		ok       bool
	}{{0, 50, 1, true}, {40, 90, 0, true}, {45, 60, 0, false}, {60, 80, 1, true}, {85, 95, 1, true}, {90, 99, 0, true}} {
		if row, ok := r.place(step.from, step.to); row != step.row || ok != step.ok {
			t.Errorf("a label from %v to %v is put into row %d (%v), want %d (%v)", step.from, step.to, row, ok, step.row, step.ok)
		}
	}
}

// TestStepsHold wants a look at the endpoint to hold until the next.
func TestStepsHold(t *testing.T) {
	g := &programme{plot: &plot{}, start: began}
	looks := []proof.Capacity{{At: began, Current: 1}, {At: began.Add(time.Minute), Current: 3}, {At: began.Add(3 * time.Minute), Current: 2}}
	got := g.steps(looks, func(c proof.Capacity) float64 { return float64(c.Current) })
	want := []point{{0, 1}, {1, 1}, {1, 3}, {3, 3}, {3, 2}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(point{})); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestTimelineDraws looks for what was observed in the picture.
func TestTimelineDraws(t *testing.T) {
	r := proved()
	r.Series.Metric[40].Value = nil
	r.Held[2].Valid, r.Held[2].Doubts = false, []string{"312 requests were dropped"}
	f, ok := proofTimeline(r)
	if !ok {
		t.Fatal("there is no picture")
	}
	svg := string(f.SVG)
	for _, want := range []string{
		`<desc>Scale-out 1 → 3 from 15:24:05, 9 min 50 s in all; `,
		`<title>step up, 215/s, 15:24:05: held</title>`,
		`<rect class="phase-band doubtful"`, `not held: 312 requests were dropped</title>`,
		`<title>ALARM from 15:29:35 to 15:36:35</title>`,
		`<title>1 → 3: alarm, 15:29:35, +5 min 30 s</title>`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture lacks %s", want)
		}
	}
	for class, want := range map[string]int{
		`class="event scale-out"`: 3, `class="event scale-in"`: 1, `class="event-line at-alarm"`: 4, `class="event-line at-service"`: 4,
		`class="current"`: 1, `class="desired"`: 1, `class="predicted"`: 1, `class="carried"`: 1, `class="offered-load"`: 1, `class="bad-area"`: 1,
		`class="metric"`:      2, // a datapoint is missing
		`class="state alarm"`: 4, `class="phase-band`: 5,
	} {
		if n := strings.Count(svg, class); n != want {
			t.Errorf("the picture has %s %d times, want %d", class, n, want)
		}
	}
	if !strings.Contains(f.Caption, "5 phases held, 4 scaling events, at most 5 instances in service; in the worst moment 21.") {
		t.Errorf("the caption is %q", f.Caption)
	}
	if row := f.Table.Rows[len(f.Table.Rows)-1]; len(f.Table.Rows) > mostRows || row[2] != "1" || row[5] != "0 %" {
		t.Errorf("the table has %d rows and ends with %v", len(f.Table.Rows), row)
	}
	if _, ok := proofTimeline(&proof.Result{Held: r.Held}); ok {
		t.Error("there is a picture of nothing observed")
	}
}

// TestAnyProofIsShown wants every form of whatever a proof can hold.
func TestAnyProofIsShown(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := func() time.Time {
			return began.Add(time.Duration(rapid.IntRange(-3600, 36000).Draw(rt, "second")) * time.Second)
		}
		n := func() int { return rapid.IntRange(0, 5).Draw(rt, "n") }
		r := proved()
		r.Held, r.Predicted, r.Events = r.Held[:rapid.IntRange(0, 5).Draw(rt, "phases")], nil, nil
		r.Verdict = rapid.SampledFrom([]proof.Verdict{proof.Works, proof.WorksFlaps, proof.NoScaling, proof.Undecided, "something new"}).Draw(rt, "verdict")
		s := proof.Series{Speed: rapid.Float64Range(0, 60).Draw(rt, "speed"), PerInstance: scaling.PerSecond(rapid.Float64Range(0, 1e6).Draw(rt, "per instance"))}
		for range n() {
			s.Slices = append(s.Slices, proof.Slice{At: at(), Length: proof.Span(rapid.IntRange(0, 60).Draw(rt, "length")) * 1e9, Offered: int64(n()), Bad: int64(n())})
		}
		for range n() {
			s.Capacity = append(s.Capacity, proof.Capacity{At: at(), Current: n(), Desired: 300 * n()})
			r.Predicted = append(r.Predicted, proof.Capacity{At: at(), Current: n()})
		}
		for range n() {
			value := rapid.Ptr(rapid.Float64Range(0, 1e9), true).Draw(rt, "value")
			s.Metric = append(s.Metric, proof.Datapoint{At: at(), Value: value})
		}
		for range n() {
			name := rapid.SampledFrom([]string{"", "a/b", r.Policy.High.Name}).Draw(rt, "alarm")
			s.Alarms = append(s.Alarms, proof.Transition{At: at(), Alarm: name, From: scaling.StateOK, To: scaling.StateAlarm})
		}
		for range n() {
			e := proof.Event{Direction: rapid.SampledFrom([]scaling.Direction{scaling.Out, scaling.In}).Draw(rt, "direction"), From: n(), To: n()}
			for _, name := range []proof.StageName{proof.LoadCrossed, proof.AlarmFired, proof.InService, proof.Recovered} {
				stage := proof.Stage{Name: name, Known: proof.Missing}
				if rapid.Bool().Draw(rt, "known") {
					stage = proof.Stage{Name: name, At: at(), Within: proof.Span(n()) * 1e9, Known: proof.Bounded}
				}
				e.Stages = append(e.Stages, stage)
			}
			r.Events = append(r.Events, e)
		}
		r.Series = s
		d := Document{Verification: verification(r)}
		checkPage(t, render(t, HTML, d))
		checkSchema(t, render(t, JUnit, d))
		if text := render(t, plainText(100), d); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			rt.Fatalf("the text has a number that is none:\n%s", text)
		}
	})
}

func TestChangesAreShownAsADifference(t *testing.T) {
	page := render(t, HTML, proofStates()["tune"])
	for _, want := range []string{
		`<span class="was">    - target value 70/min`, `<span class="will">    &#43; target value 5046/min`, `<span class="same">      scale-in enabled`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// TestTimelineKeepsLabelsApart looks at the places of the phases' and events' names.
func TestTimelineKeepsLabelsApart(t *testing.T) {
	r := proved()
	for i := range 12 { // a fleet that flaps: one event every five minutes
		e := r.Events[0]
		e.Stages = append([]proof.Stage(nil), e.Stages...)
		for k := range e.Stages {
			if !e.Stages[k].At.IsZero() {
				e.Stages[k].At = e.Stages[k].At.Add(time.Duration(i) * 5 * time.Minute)
			}
		}
		r.Events = append(r.Events, e)
	}
	f, ok := proofTimeline(r)
	if !ok {
		t.Fatal("there is no picture")
	}
	type label struct{ from, to, y float64 }
	var seen []label
	texts := regexp.MustCompile(`<text class="([^"]*)" text-anchor="(\w+)" x="([\d.]+)" y="([\d.]+)">([^<]*)<`)
	for _, m := range texts.FindAllStringSubmatch(string(f.SVG), -1) {
		x, y, w := float(t, m[3]), float(t, m[4]), 6.2*float64(utf8.RuneCountInString(m[5]))
		l := label{x, x + w, y}
		switch m[2] {
		case "end":
			l.from, l.to = x-w, x
		case "middle":
			l.from, l.to = x-w/2, x+w/2
		}
		if l.from < 0 || l.to > fullWidth {
			t.Errorf("%q lies beyond the picture, %.0f to %.0f", m[5], l.from, l.to)
		}
		for _, other := range seen {
			if l.from < other.to && other.from < l.to && l.y < other.y+11 && other.y < l.y+11 {
				t.Errorf("%q at %.0f,%.0f covers another label", m[5], x, y)
			}
		}
		seen = append(seen, l)
	}
	if len(seen) < 30 {
		t.Errorf("only %d labels were found", len(seen))
	}
}

func float(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
