package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"plimsoll/capacity"
	"plimsoll/experiment"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares an output with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./report -update makes it)", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; go test ./report -update accepts it):\n%s", path, diff)
	}
}

func render(t *testing.T, write func(io.Writer, Document) error, d Document) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, d); err != nil {
		t.Fatalf("rendering: %v", err)
	}
	return out.String()
}

func plainText(width int) func(io.Writer, Document) error {
	return func(w io.Writer, d Document) error { return Text(w, d, false, width) }
}

func TestTextGolden(t *testing.T) {
	for name, d := range states() {
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", render(t, plainText(80), d)) })
	}
	t.Run("colour", func(t *testing.T) {
		colored := func(w io.Writer, d Document) error { return Text(w, d, true, 0) }
		golden(t, "found-colour.txt", render(t, colored, found()))
	})
}

func TestHTMLGolden(t *testing.T) {
	for _, name := range []string{"found", "client-limited", "load-missed"} {
		t.Run(name, func(t *testing.T) { golden(t, name+".html", render(t, HTML, states()[name])) })
	}
}

// TestEveryForm holds every form of every document to what it must say.
func TestEveryForm(t *testing.T) {
	want := map[string][]string{
		"found":            {"VALID", "171.3", "168.2 to 174.5/s", "95 %", "5046", "168.2/s × 0.5 × 60 = 5046/min", "lower end of the peak’s interval", "Limited by latency", "p99=104ms", "198.1", "86 %"},
		"per-minute":       {"VALID", "10279", "10093 to 10469/min", "5046", "10092.6/min × 0.5"},
		"wide":             {"VALID", "±15 %", "Limited by errors", "from the estimate of the peak, as asked"},
		"changed":          {"VALID", "The endpoint changed while it was measured", "-7 %"},
		"plateau":          {"VALID", "a backlog grows"},
		"client-limited":   {"LOWER BOUND", "168.2", "The peak lies above this rate", "Limited by the client", "the highest rate that was shown to hold"},
		"limit-reached":    {"LOWER BOUND", "100", "Limited by the plan"},
		"invalid":          {"INVALID", "must not be used", "slowed down by 12 %", "No target is made from an invalid result."},
		"no-peak":          {"NO PEAK", "not even the lightest", "limit 15ms", "There is no peak to make a target from."},
		"partial":          {"PARTIAL", "stopped before its end", "interrupted", "No target is made from a run that was stopped."},
		"nothing":          {"PARTIAL", "connection refused", "not measured", "INSECURE", "ertificates were not checked"},
		"rehearse":         {"VALID"},
		"load":             {"HELD", "Every objective was met", "100.1", "p99=50ms", "41.7"},
		"load-missed":      {"MISSED", "99.23 %", "http_5xx", "timeout", "status 500", "4 sent late, 1 not answered"},
		"load-interrupted": {"PARTIAL", "The load was stopped before its end"},
		"load-invalid":     {"INVALID", "312 requests were dropped", "312 dropped"},
		"load-nothing":     {"PARTIAL", "0 requests"},
	}
	for name, d := range states() {
		t.Run(name, func(t *testing.T) {
			if len(want[name]) == 0 {
				t.Fatal("nothing is expected of this document")
			}
			text, page := strings.Join(strings.Fields(render(t, plainText(0), d)), " "), render(t, HTML, d)
			for _, words := range want[name] {
				if !strings.Contains(text, words) {
					t.Errorf("Text lacks %q:\n%s", words, text)
				}
				if !strings.Contains(page, words) && !strings.Contains(page, strings.ReplaceAll(words, "'", "&#39;")) {
					t.Errorf("HTML lacks %q", words)
				}
			}
			checkPage(t, page)
		})
	}
}

// checkPage wants a page that fetches nothing, runs nothing, is well formed and
// says in words what its charts show.
func checkPage(t *testing.T, page string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?i)\b(src|href|srcset|action|data|poster)\s*=\s*"([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if m[2] != "data:," {
			t.Errorf("the page refers to %s", m[0])
		}
	}
	for _, forbidden := range []string{"<script", "<iframe", "<img", "<object", "@import", "url(", "javascript:", "ZgotmplZ", "<no value>", "NaN", "Inf"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
	if !strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`) {
		t.Error("the page has no content security policy")
	}
	if n, labelled := strings.Count(page, `role="img"`), len(regexp.MustCompile(`role="img" aria-label="[^"]{20,}"`).FindAllString(page, -1)); n != labelled {
		t.Errorf("%d of %d charts have a label that says something", labelled, n)
	}
	if strings.Contains(page, "<figure") && strings.Count(page, "<figure") != strings.Count(page, "<figcaption") {
		t.Error("a figure has no caption")
	}
	dec := xml.NewDecoder(strings.NewReader(page))
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
	}
}

func TestHostileWordsAreHarmless(t *testing.T) {
	d := found()
	r := d.Result
	r.Plan.Endpoint.URL, r.Plan.Endpoint.Headers, r.Plan.Payload.Sources, r.Plan.Payload.ContentType = hostile, []string{hostile}, []string{hostile}, hostile
	r.Peak.Reasons, r.Peak.Ended, r.Peak.Objectives, r.Peak.Binding = []string{hostile}, hostile, []string{hostile}, hostile
	r.Trials[3].Errors, r.Trials[3].Doubts, r.Trials[3].Valid = map[string]int64{hostile: 1}, []string{hostile}, false
	r.Trials[3].ErrorSamples = []experiment.ErrorSample{{Class: hostile, Detail: hostile}}
	r.Trials[3].Phase, r.Trials[3].Verdict.Outcome = capacity.Phase(hostile), hostile
	d.Files, d.Reproduce, d.Version = []string{hostile}, []string{hostile}, hostile
	for name, doc := range map[string]Document{"find": d, "load": load(missed)} {
		t.Run(name, func(t *testing.T) {
			page, text := render(t, HTML, doc), render(t, plainText(80), doc)
			checkPage(t, page)
			for _, bad := range []string{"alert(1)</script>", `" onload="`} {
				if strings.Contains(page, bad) {
					t.Errorf("HTML contains %q", bad)
				}
			}
			if !strings.Contains(page, "&lt;script&gt;alert(1)") {
				t.Error("HTML does not show the words")
			}
			row := TrialRow(r.Trials[3], false)
			for _, bad := range []string{"\x1b", "\u202e"} {
				if strings.Contains(text, bad) || strings.Contains(row, bad) {
					t.Errorf("the terminal gets %q", bad)
				}
			}
		})
	}
}

func TestTextWraps(t *testing.T) {
	for name, d := range states() {
		for _, width := range []int{40, 60, 100} {
			for line := range strings.Lines(render(t, plainText(width), d)) {
				line = strings.TrimRight(line, "\n")
				table := regexp.MustCompile(`\d\s+\d|p50\s+p90|–\s+–`).MatchString(line)
				first := strings.HasPrefix(line, "[")
				if words := strings.Fields(line); utf8.RuneCountInString(line) > width && len(words) > 2 && !table && !first {
					t.Errorf("%s at %d columns has a line of %d: %q", name, width, utf8.RuneCountInString(line), line)
				}
			}
		}
	}
}

func TestJSON(t *testing.T) {
	for name, d := range states() {
		got := render(t, JSON, d)
		dec := json.NewDecoder(strings.NewReader(got))
		var diff string
		var err error
		if d.Result != nil {
			var back experiment.Result
			err = dec.Decode(&back)
			diff = cmp.Diff(*d.Result, back)
		} else {
			var back experiment.LoadResult
			err = dec.Decode(&back)
			diff = cmp.Diff(*d.Load, back)
		}
		if err != nil || diff != "" {
			t.Errorf("JSON of %s read back: error %v (-want +got):\n%s", name, err, diff)
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) || !strings.HasSuffix(got, "}\n") || strings.HasSuffix(got, "\n\n") {
			t.Errorf("JSON of %s is not one document and a newline (%v)", name, err)
		}
	}
}

func TestDocumentIsOneResult(t *testing.T) {
	both := found()
	both.Load = load(missed).Load
	for name, d := range map[string]Document{"none": {}, "both": both} {
		for form, write := range map[string]func(io.Writer, Document) error{"HTML": HTML, "Text": plainText(0), "JSON": JSON} {
			if err := write(io.Discard, d); err == nil {
				t.Errorf("%s of a document with %s of the results gave no error", form, name)
			}
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteErrorsAreReturned(t *testing.T) {
	for form, write := range map[string]func(io.Writer, Document) error{"HTML": HTML, "Text": plainText(0), "JSON": JSON} {
		if err := write(broken{}, found()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s to a closed pipe gave error %v, want it wrapped", form, err)
		}
	}
}
