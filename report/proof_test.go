package report

import (
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"plimsoll/experiment"
	"plimsoll/proof"
	"plimsoll/scaling"
)

func scalingState(s string) scaling.AlarmState { return scaling.AlarmState(s) }

func TestProofGolden(t *testing.T) {
	for name, d := range proofStates() {
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", render(t, plainText(100), d)) })
	}
	golden(t, "verify.xml", render(t, JUnit, proofStates()["verify"]))
}

// TestProofInEveryForm holds every form of a proof to what it must say.
func TestProofInEveryForm(t *testing.T) {
	want := map[string][]string{
		"tune": {
			"WORKS, BUT SLOW", "171.3", "5046", "What would help most:", "a high-resolution metric", "Put back",
			"- 3", "+ target value 5046/min for each instance (84.1/s)", "168.2/s × 0.5 × 60 = 5046/min",
		},
		"verify": {
			"WORKS, BUT SLOW", "later than it should", "SageMakerEndpointInvocationScalingPolicy", "1 to 5 instances", "10 min 14 s, asked within 6 min",
			"Scale-out 1 → 3", "+3 min 40 s ± 30 s", "SageMaker does not say which instance answered", "not known", "FAIL", "recovery",
			"5.43 instance-hours (4.71 with always just enough instances, 5.2 predicted), $1.25", "5 of 8 checks passed, 1 failed, 1 with a warning, 1 not known",
			"the ramp down was left out",
		},
		"tune-stopped": {"PARTIAL", "NOT PUT BACK", "ot everything could be", "- 3", "+ 1", "not everything could be put back; plimsoll restore undoes what is left"},
		"works":        {"20 times as fast as real time", "WORKS", "The policy scales out and in as it should", "4 of 4 checks passed"},
		"no-scaling":   {"DOES NOT SCALE", "The policy does not scale", "o scale-out was seen; no scale-in was seen", "it is suspended on the scalable target"},
		"undecided":    {"NOT DECIDED", "Nothing was decided", "interrupted", "no check was made"},
	}
	for name, d := range proofStates() {
		t.Run(name, func(t *testing.T) {
			if len(want[name]) == 0 {
				t.Fatal("nothing is expected of this document")
			}
			text, page := words(render(t, plainText(0), d)), render(t, HTML, d)
			seen := words(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(strings.ReplaceAll(page, "&#43;", "+"), ""))
			for _, w := range want[name] {
				if !strings.Contains(text, w) {
					t.Errorf("Text lacks %q:\n%s", w, text)
				}
				if !strings.Contains(seen, w) {
					t.Errorf("HTML lacks %q", w)
				}
			}
			checkPage(t, page)
		})
	}
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// TestAnswerComesFirst wants verdict, peak, target and course within the first five lines.
func TestAnswerComesFirst(t *testing.T) {
	lines := strings.Split(render(t, plainText(100), proofStates()["tune"]), "\n")
	head := words(strings.Join(lines[:5], " "))
	for _, w := range []string{"[WORKS, BUT SLOW]", "[VALID] Peak 171.3/s", "target 5046/min", "scale-in 5 → 1 in 21 min 30 s", "What would help most"} {
		if !strings.Contains(head, w) {
			t.Errorf("the first five lines lack %q:\n%s", w, strings.Join(lines[:5], "\n"))
		}
	}
}

func TestProofWraps(t *testing.T) {
	for name, d := range proofStates() {
		for line := range strings.Lines(render(t, plainText(100), d)) {
			if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > 100 {
				t.Errorf("%s has a line of %d columns: %q", name, utf8.RuneCountInString(line), line)
			}
		}
	}
}

func TestHostileWordsOfAProof(t *testing.T) {
	d := hostileProof()
	page := render(t, HTML, d)
	checkPage(t, page)
	if strings.Contains(page, "alert(1)</script>") || strings.Contains(page, `" onload="`) {
		t.Error("HTML contains the words as they are")
	}
	for form, text := range map[string]string{"Text": render(t, plainText(100), d), "JUnit": render(t, JUnit, d), "HTML": page} {
		for _, bad := range []string{"\x1b", "\u202e"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s contains %q", form, bad)
			}
		}
	}
}

// TestProofJSON holds the published form: find's own fields at the top, the proof beside.
func TestProofJSON(t *testing.T) {
	d := proofStates()["tune"]
	var back experiment.Tuned
	if err := json.Unmarshal([]byte(render(t, JSON, d)), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*d.Tuned, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}

	for name, want := range map[string][]string{
		"found":  {"schema_version", "command", "peak", "plan"},
		"verify": {"schema_version", "command", "on", "verdict", "checks", "events", "policy", "plan"},
		"tune":   {"schema_version", "peak", "target", "trials", "verify", "policy", "changes", "restored"},
	} {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(render(t, JSON, allStates()[name])), &fields); err != nil {
			t.Fatal(err)
		}
		for _, field := range want {
			if _, ok := fields[field]; !ok {
				t.Errorf("JSON of %s lacks %s", name, field)
			}
		}
		if _, ok := fields["verify"]; ok && name == "found" {
			t.Error("the result of find has a field verify")
		}
	}
	if s := render(t, JSON, proofStates()["tune-stopped"]); !strings.Contains(s, "\n  \"verify\": null,\n  \"policy\": null,\n") {
		t.Errorf("a run that was stopped before its proof has one:\n%s", s[len(s)-400:])
	}
}

func TestDocumentTakesAProof(t *testing.T) {
	d := load(missed)
	d.Verification = verification(proved())
	for form, write := range map[string]func(io.Writer, Document) error{"HTML": HTML, "Text": plainText(0), "JSON": JSON, "JUnit": JUnit} {
		if err := write(io.Discard, d); err == nil {
			t.Errorf("%s of a load with a proof gave no error", form)
		}
		if err := write(broken{}, proofStates()["verify"]); err == nil {
			t.Errorf("%s to a closed pipe gave no error", form)
		}
	}
}

// TestStages wants a bounded instant as the middle of where it lies, plus or minus half.
func TestStages(t *testing.T) {
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	e := proof.Event{Stages: []proof.Stage{
		{Name: proof.LoadCrossed, Known: proof.Missing, Source: "nobody looked"},
		{Name: proof.AlarmFired, At: at(60), Known: proof.Measured, Source: "history"},
		{Name: proof.InService, At: at(300), Within: proof.Span(20 * time.Second), Known: proof.Bounded, Source: "polls"},
		{Name: proof.Recovered, Known: proof.Missing},
		{Name: proof.MetricVisible, At: at(40), Known: proof.Measured, Source: "early"},
	}}
	want := []eventStage{
		{"load needs another number", "", "not known", "nobody looked", false},
		{"alarm", "15:05:05", "+0 s", "history", true},
		{"instances in service", "15:08:55", "+3 min 50 s ± 10 s", "bounded: polls", true},
		{"objective kept again", "", "not known", "nothing tells", false},
		{"metric past the threshold", "15:04:45", "−20 s", "early", true},
	}
	if diff := cmp.Diff(want, stagesOf(e)); diff != "" {
		t.Errorf("stagesOf (-want +got):\n%s", diff)
	}
}
