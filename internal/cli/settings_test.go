package cli

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/experiment"

	"github.com/spf13/pflag"
)

// TestEveryKeyIsAFlag: one word for one thing, on the command line and in the file.
func TestEveryKeyIsAFlag(t *testing.T) {
	measuring := []group{endpointFlags, payloadFlags, objectiveFlags, searchFlags, targetFlags, targetFromFlags, loadFlags, modelFlags, recordFlags}
	var known []string
	for _, groups := range [][]group{measuring, {emulatorFlags}, verifyGroups(), tuneGroups()} {
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags(fs, new(Settings), groups...)
		fs.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	}
	keys := append(slices.DeleteFunc(settingNames(), func(name string) bool { return name == "scaling" }), scalingNames()...)
	for _, name := range keys {
		if !slices.Contains(known, name) {
			t.Errorf("key %q is no flag", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(keys, name) {
			t.Errorf("flag --%s is no key of the file", name)
		}
	}
}

// TestPlanGivesTheSettingsBack is what --resume rests on.
func TestPlanGivesTheSettingsBack(t *testing.T) {
	s := defaults()
	s.URL, s.Method, s.Headers = "http://127.0.0.1:1/x", "PUT", texts{"X-Trace: on"}
	s.Payload, s.ContentType, s.Accept, s.Seed = texts{"testdata/body.json;weight=2"}, "text/csv", "application/json", 99
	s.Objectives, s.Arrivals, s.MaxRate, s.MaxRequests, s.MaxConcurrency = texts{"p99=200ms"}, experiment.ArrivalsConstant, "500/s", 12345, 77
	s.Precision, s.SafetyFactor, s.PerMinute, s.TargetFrom, s.Insecure, s.MaxBody = "5%", 0.7, true, experiment.FromEstimate, true, "1048576B"
	s.Connections, s.PerRequest, s.LocalAddress = 12, true, "127.0.0.1"
	j, err := prepareFind(t.Context(), Env{Getenv: func(string) string { return "" }}, s, "find")
	if err != nil {
		t.Fatal(err)
	}
	back, err := settingsOf(j.plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := prepareFind(t.Context(), Env{Getenv: func(string) string { return "" }}, back, "find")
	if err != nil {
		t.Fatal(err)
	}
	again.plan.Created = j.plan.Created
	if first, second := reproduce(j.plan), reproduce(again.plan); first != second {
		t.Errorf("plan gives back\n%s\nwant\n%s", second, first)
	}
	if strings.Contains(reproduce(j.plan), "--reconcile") {
		t.Errorf("%s: it says what is so by itself", reproduce(j.plan))
	}
	for _, want := range []string{"--method PUT", "--max-rate 500/s", "--per-minute", "--seed 99", "--insecure", "--connections 12", "--connection-per-request", "--local-address 127.0.0.1", "--target-from estimate", "weight=2"} {
		if !strings.Contains(reproduce(j.plan), want) {
			t.Errorf("the command line to reproduce lacks %q: %s", want, reproduce(j.plan))
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	for line, want := range map[string]string{
		"Authorization: Basic Zm9v":    "Authorization: (redacted)",
		"X-Amz-Security-Token: abc":    "X-Amz-Security-Token: (redacted)",
		"Cookie: a=b":                  "Cookie: (redacted)",
		"X-Amzn-SageMaker-Target: abc": "X-Amzn-SageMaker-Target: abc",
	} {
		if got := publicHeader(line); got != want {
			t.Errorf("publicHeader(%q) = %q, want %q", line, got, want)
		}
	}
	shown := publicURL("https://me:hunter2@host/path?model=a&api_key=hunter2")
	if strings.Contains(shown, "hunter2") || !strings.Contains(shown, "model=a") {
		t.Errorf("publicURL shows %q", shown)
	}
	if _, err := url.Parse(shown); err != nil {
		t.Errorf("publicURL gives no URL: %v", err)
	}
}

// TestFailIfUnaskedCostsNothing: without a condition nothing reads the bodies.
func TestFailIfUnaskedCostsNothing(t *testing.T) {
	if follow, err := parseFailIf(nil); err != nil || follow != nil {
		t.Errorf("parseFailIf(nil): a follower %v, %v; want none", follow != nil, err)
	}
	if follow, err := parseFailIf([]string{"json:error", "regex:^$"}); err != nil || follow == nil {
		t.Errorf("parseFailIf: a follower %v, %v", follow != nil, err)
	}
	if _, err := parseFailIf([]string{"json:error", "error"}); err == nil || !strings.HasPrefix(err.Error(), `--fail-if "error": `) {
		t.Errorf("parseFailIf: %v, want an error that names the flag and the value", err)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"25MiB": 25 << 20, "6MB": 6_000_000, "1kB": 1000, "10": 10, "10B": 10, "1.5KiB": 1536, "1GiB": 1 << 30} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "0", "1TB", "huge", "NaN", "2e30B"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d, want an error", text, got)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"payload", "per-minute", "dir", "url"}
	for word, want := range map[string]string{"ulr": `did you mean "url"?`, "pyload": `did you mean "payload"?`, "per-minutes": `did you mean "per-minute"?`, "zzzzzzzzzz": "there are: payload, per-minute, dir, url"} {
		if got := didYouMean(word, names); got != want {
			t.Errorf("didYouMean(%q) = %q, want %q", word, got, want)
		}
	}
	if d := editDistance("kitten", "sitting"); d != 3 {
		t.Errorf("editDistance(kitten, sitting) = %d, want 3", d)
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{"a/b.json": "a/b.json", "": "''", "X: y": "'X: y'", "it's": `'it'\''s'`} {
		if got := quote(word); got != want {
			t.Errorf("quote(%q) = %s, want %s", word, got, want)
		}
	}
}

func TestExitCodesAreDistinct(t *testing.T) {
	seen := map[int]bool{}
	for _, c := range exitCodes() {
		if seen[c.code] {
			t.Errorf("exit code %d means two things", c.code)
		}
		seen[c.code] = true
	}
}

// TestProgressOnATerminal looks at what a terminal of 100 columns would get.
func TestProgressOnATerminal(t *testing.T) {
	var screen bytes.Buffer
	p := &progress{w: &screen, width: 100}
	p.Observe(experiment.Event{Kind: experiment.TrialStarted, Proposed: &experiment.Proposed{
		Number: 1, Phase: "bracket", Rate: 180, Progress: experiment.Progress{Done: 0.5, RemainingSeconds: 65},
	}})
	p.Observe(experiment.Event{Kind: experiment.TrialProgress, Live: &experiment.Live{
		Achieved: 178.2, P50ms: 21, P99ms: 48.7, InFlight: 6, Failed: 2, Progress: experiment.Progress{Done: 0.55, RemainingSeconds: 60},
	}})
	p.Observe(experiment.Event{Kind: experiment.RunFinished})
	want := "██████████░░░░░░░░░░  50 %  1:05 left  bracket 180/s" +
		"\r\x1b[2K███████████░░░░░░░░░  55 %  1:00 left  bracket 180/s: 178.2/s, p50 21 ms, p99 48.7 ms, 6 open, 2 fa" + "\r\x1b[2K"
	if got := screen.String(); got != want {
		t.Errorf("the terminal got\n%q\nwant\n%q", got, want)
	}
	screen.Reset()
	plain := &progress{w: &screen}
	plain.Observe(experiment.Event{Kind: experiment.TrialStarted, Proposed: &experiment.Proposed{}})
	if screen.Len() != 0 {
		t.Errorf("no terminal: got %q, want nothing before a trial ends", screen.String())
	}
}

// TestInvocationsGiveTheSettingsBack is what --resume of a SageMaker endpoint rests on.
func TestInvocationsGiveTheSettingsBack(t *testing.T) {
	i := &experiment.Invocations{Endpoint: "llm", InferenceComponent: "chat", Stream: true, Tokens: "value:usage.completion_tokens", Unreconciled: true}
	line := reproduce(experiment.Plan{Command: "load", Endpoint: experiment.Endpoint{SageMaker: i}})
	for _, want := range []string{"--endpoint llm", "--inference-component chat", "--stream", "--tokens value:usage.completion_tokens", "--reconcile=false"} {
		if !strings.Contains(line, want) {
			t.Errorf("%s\nlacks %s", line, want)
		}
	}
	back := defaults()
	back.invoke(i)
	if back.Tokens != i.Tokens || back.Reconcile || !back.Stream || back.InferenceComponent != "chat" {
		t.Errorf("settings %+v", back)
	}
}

// A report's command line does the same again, with flags that its command has.
func TestReproduceOfTune(t *testing.T) {
	wanted := experiment.Wanted{Min: 1, Max: 3, ScaleOut: time.Minute, ScaleIn: 5 * time.Minute}
	rehearsed := experiment.Plan{
		Command: "rehearse", Seed: 7, Model: "service=5ms,workers=2", Payload: experiment.Payload{Sources: []string{rehearsalPayload}, MaxBody: 25 << 20},
		Endpoint:  experiment.Endpoint{SageMaker: &experiment.Invocations{Endpoint: rehearsalEndpoint, Region: "us-east-1"}, TimeoutSeconds: 60, ConnectSeconds: 5, MaxSessions: 4096},
		Rehearsal: &experiment.RehearsalPlan{Speed: 30, Instances: 2}, Tune: &experiment.TunePlan{Wanted: wanted, TakeBack: true},
	}
	got := reproduce(rehearsed)
	for _, want := range []string{"rehearse ", "--model service=5ms,workers=2", "--speed 30", "--max 3", "--scale-out-cooldown 1m0s", "--seed 7"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	for _, wrong := range []string{"--endpoint", "--region", "--payload", "--max-body", "--instances"} {
		if strings.Contains(got, wrong) {
			t.Errorf("%q has %q", got, wrong)
		}
	}
	tuned := rehearsed
	tuned.Command, tuned.Rehearsal, tuned.Model = "tune", nil, ""
	if got := reproduce(tuned); !strings.Contains(got, "--endpoint rehearsal") || !strings.Contains(got, "--max 3") || strings.Contains(got, "--model") {
		t.Errorf("tune again: %q", got)
	}
}
