package httptarget

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"plimsoll/loadgen"

	"pgregory.net/rapid"
)

func parseFailIf(t testing.TB, text string) FailIf {
	t.Helper()
	f, err := ParseFailIf(text)
	if err != nil {
		t.Fatalf("ParseFailIf(%q): %v", text, err)
	}
	return f
}

func TestFailIf(t *testing.T) {
	for _, tt := range []struct {
		name, condition, body string
		want                  bool
	}{
		{"text", "json:error", `{"error": "out of memory"}`, true},
		{"object", "json:error", `{"ok": 1, "error": {"code": 7}}`, true},
		{"null", "json:error", `{"error": null}`, false},
		{"false", "json:error", `{"error": false}`, false},
		{"true", "json:error", `{"error": true}`, true},
		{"empty text", "json:error", `{"error": ""}`, false},
		{"zero", "json:error", `{"error": 0}`, false},
		{"zero with a point", "json:error", `{"error": -0.0e7}`, false},
		{"a number", "json:error", `{"error": 100}`, true},
		{"empty list", "json:errors", `{"errors": [ ]}`, false},
		{"list", "json:errors", `{"errors": [null]}`, true},
		{"absent", "json:error", `{"errors": 1}`, false},
		{"elsewhere", "json:error", `{"result": {"error": "x"}}`, false},
		{"only as a value", "json:error", `{"result": "error"}`, false},
		{"within", "json:result.error", `{"a": [{}, "}"], "result": {"error": "x"}}`, true},
		{"with the $ of JSONPath", "json:$.result.error", `{"result": {"error": "x"}}`, true},
		{"with the point of jq", "json:.error", `{"error": "x"}`, true},
		{"element", "json:results[1].error", `{"results": [{"error": 1}, {"error": null}]}`, false},
		{"other element", "json:results[0].error", `{"results": [{"error": 1}, {"error": null}]}`, true},
		{"any element", "json:results[*].error", `{"results": [{"error": null}, {"error": 1}]}`, true},
		{"no element", "json:results[*].error", `{"results": []}`, false},
		{"top level", "json:[0].error", `[{"error": 1}]`, true},
		{"quoted name", `json:["a.b"].c`, `{"a.b": {"c": 1}}`, true},
		{"escaped name", "json:café", `{"caf\u00e9": 1}`, true},
		{"quotes within", "json:error", `{"text": "\"error\": 1, \\", "error": 2}`, true},
		{"value", "json:status=failed", `{"status": "failed"}`, true},
		{"other value", "json:status=failed", `{"status": "ok"}`, false},
		{"escaped value", "json:status=a\"b", `{"status": "a\"b"}`, true},
		{"number", "json:code=500", `{"code": 500}`, true},
		{"number written otherwise", "json:code=500", `{"code": 5.0e2}`, true},
		{"number as text", "json:code=500", `{"code": "500"}`, true},
		{"null as a value", "json:result=null", `{"result": null}`, true},
		{"empty as a value", "json:result=", `{"result": ""}`, true},
		{"object is no value", "json:result=x", `{"result": {"x": 1}}`, false},
		{"lines", "json:error", "{\"a\": 1}\n{\"error\": 1}\n", true},
		{"events", "json:error", "event: m\ndata: {\"a\": 1}\n\ndata: {\"error\": 1}\n\ndata: [DONE]\n\n", true},
		{"in a row", "json:error", `{"a":1}{"error":1}`, true},
		{"cut off behind it", "json:error", `{"error": "x", "data": [1, 2`, true},
		{"cut off before it", "json:error", `{"data": {"error": "x"`, false},
		{"no JSON", "json:error", "5.1,3.5\n\"error\": 1\n{error: 1}\n", false},
		{"JSON after a line of none", "json:error", "warning: slow {\n{\"error\": 1}", true},
		{"empty", "json:error", "", false},
		{"expression", "regex:(?i)cuda error", "<html>CUDA Error 2</html>", true},
		{"expression that does not match", "regex:^error", "no error", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if words, got := parseFailIf(t, tt.condition).words([]byte(tt.body)); got != tt.want {
				t.Errorf("%s on %s: got %v (%s), want %v", tt.condition, tt.body, got, words, tt.want)
			}
		})
	}
}

func TestParseFailIfRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"error":         `fail-if "error": no condition; write json:error, json:status=failed or regex:EXPR`,
		"json:":         "no condition",
		"json:$":        "the path names no key",
		"json:=x":       "the path names no key",
		"json:a..b":     "empty name",
		"json:a[":       "without its ]",
		`json:["a"`:     "without its ]",
		"json:a[-1]":    "[-1] in the path is neither an index",
		"json:a[b]":     "[b] in the path is neither an index",
		"regex:":        "no condition",
		"regex:a(":      "missing closing )",
		"xpath:/error":  "no condition",
		"json:a]=value": "empty name",
	} {
		if _, err := ParseFailIf(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseFailIf(%q): got %v, want an error with %q", text, err, want)
		}
	}
}

// TestFailIfFindsWhatTheDecoderFinds: the search in the text agrees with
// encoding/json on every member of every object that there is.
func TestFailIfFindsWhatTheDecoderFinds(t *testing.T) {
	value := rapid.Deferred(func() *rapid.Generator[any] { return anyJSON(3) })
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "ü\"\\"}), value).Draw(t, "object")
		text, err := json.MarshalIndent(object, "", rapid.SampledFrom([]string{"", " "}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		inner, _ := object["a"].(map[string]any)
		for path, want := range map[string]any{"a": object["a"], `["ü\"\\"]`: object["ü\"\\"], "a.b": inner["b"]} {
			f, err := ParseFailIf("json:" + path)
			if err != nil {
				t.Fatal(err)
			}
			if _, got := f.words(text); got != isSomething(want) {
				t.Fatalf("json:%s on %s: got %v, want %v", path, text, got, isSomething(want))
			}
		}
	})
}

func anyJSON(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.IntRange(-2, 2).AsAny(), rapid.SampledFrom([]string{"", "x", "}\"]"}).AsAny(),
	}
	if depth > 0 {
		leaves = append(leaves, rapid.SliceOfN(anyJSON(depth-1), 0, 3).AsAny(), rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), anyJSON(depth-1), 0, 2).AsAny())
	}
	return rapid.OneOf(leaves...)
}

func isSomething(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return false
}

func TestFailIfOverHTTP(t *testing.T) {
	failed := `{"error": "no memory for Bearer s3cr3t-t0ken"}`
	for _, netHTTP := range []bool{false, true} {
		open := func(answer string, conditions ...FailIf) loadgen.Session {
			return openSession(t, Options{
				URL: listen(t, always(answer)).url, NetHTTP: netHTTP, BearerToken: "s3cr3t-t0ken", Follow: FollowFailIf(conditions),
			})
		}
		other, condition := parseFailIf(t, "regex:nothing"), parseFailIf(t, "json:error")
		session := open(reply(200, failed), other, condition)
		for range 2 { // the second judges its own body
			out := session.Do(loadgen.Request{})
			wantClass(t, "Do", out, loadgen.BodyFailed, 200)
			if want := `json:error: "no memory for Bearer ************"}`; string(out.Detail) != want {
				t.Errorf("net/http %v: detail %s, want %s", netHTTP, out.Detail, want)
			}
		}
		chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"err\r\n9\r\nor\": 1  }\r\n0\r\n\r\n"
		wantClass(t, "Do, in two chunks", open(chunked, condition).Do(loadgen.Request{}), loadgen.BodyFailed, 200)
		wantClass(t, "Do, a good one", open(reply(200, `{"error": null}`), condition).Do(loadgen.Request{}), loadgen.OK, 200)
		wantClass(t, "Do, a failure by status", open(reply(500, failed), condition).Do(loadgen.Request{}), loadgen.ServerError, 500)

		late := strings.Repeat("x", MaxJudged-4) + "failed"
		wantClass(t, "Do, beyond what is looked at", open(reply(200, late), parseFailIf(t, "regex:failed")).Do(loadgen.Request{}), loadgen.OK, 200)
		wantClass(t, "Do, within it", open(reply(200, late), parseFailIf(t, "regex:xfail$")).Do(loadgen.Request{}), loadgen.BodyFailed, 200)
	}
}

// TestFailIfKeepsSecretsWhole: the words begin with a word, so that the token in
// which the match is cannot lose the beginning by which it is scrubbed.
func TestFailIfKeepsSecretsWhole(t *testing.T) {
	target := newTarget(t, Options{URL: "http://localhost", BearerToken: "s3cr3t-t0ken"})
	words, _ := parseFailIf(t, "regex:t0ken").words([]byte(`bad "s3cr3t-t0ken"`))
	text := bytes.Clone(words)
	target.scrub(text, nil)
	if string(text) != `************"` {
		t.Errorf("shown: %s", text)
	}
}

func TestGoodAnswersCostNoMemory(t *testing.T) {
	follower := FollowFailIf([]FailIf{parseFailIf(t, "json:error"), parseFailIf(t, "json:items[*].code=500"), parseFailIf(t, "regex:(?i)failed|error [0-9]+")})()
	body := []byte(`{"predictions": [0.97, 0.02], "error": null, "items": [{"code": 200}, {"code": "x"}]}`)
	got := testing.AllocsPerRun(100, func() {
		follower.Start(time.Time{})
		if follower.Feed(body, time.Time{}) != nil || follower.End(loadgen.Outcome{}).Class != loadgen.OK {
			t.Fatal("the body was refused")
		}
	})
	if got != 0 {
		t.Errorf("judging a good body allocates %v times, want none", got)
	}
}

func FuzzFailIf(f *testing.F) {
	f.Add("json:a[*].b", []byte(`{"a": [{"b": 1}]}`))
	f.Add(`json:["\""]=1`, []byte("data: {\"\\\"\": 1}\n"))
	f.Fuzz(func(t *testing.T, condition string, body []byte) {
		c, err := ParseFailIf(condition)
		if err != nil {
			return
		}
		if words, failed := c.words(body); failed && !bytes.HasSuffix(body, words) {
			t.Errorf("%q on %q: %q is no end of the body", condition, body, words)
		}
	})
}
