package payload

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseLine(t *testing.T) {
	tests := []struct {
		name string
		raw  string
		want line
	}{
		{"an object", `{"instances": [[1, 2]]}`, line{content: []byte(`{"instances": [[1, 2]]}`)}},
		{"an array", `[1, 2]`, line{content: []byte(`[1, 2]`)}},
		{"a string", `"5.1,3.5"`, line{content: []byte(`"5.1,3.5"`)}},
		{"spaces stay", ` 7 `, line{content: []byte(` 7 `)}},
		{
			"wrapped text", `{"body": "5.1,3.5\n", "content_type": "text/csv", "accept": "application/json", "weight": 2.5}`,
			line{content: []byte("5.1,3.5\n"), contentType: "text/csv", accept: "application/json", weight: 2.5},
		},
		{"wrapped bytes", `{"body_base64": "AAH/"}`, line{content: []byte{0, 1, 255}, binary: true}},
		{"wrapped JSON stays as it is written", `{"body_json": {"b": 1,  "a": 1e3}}`, line{content: []byte(`{"b": 1,  "a": 1e3}`)}},
		{"wrapped JSON null", `{"body_json": null}`, line{content: []byte(`null`)}},
		{"null is not given", `{"body": "x", "content_type": null, "accept": null, "weight": null}`, line{content: []byte("x")}},
		{"a field beside makes it a body", `{"body": "x", "id": 1}`, line{content: []byte(`{"body": "x", "id": 1}`)}},
		{"no body makes it a body", `{"weight": 3}`, line{content: []byte(`{"weight": 3}`)}},
		{"keys are case-sensitive", `{"Body": "x"}`, line{content: []byte(`{"Body": "x"}`)}},
		{"an object within is no wrapping", `[{"body": "x"}]`, line{content: []byte(`[{"body": "x"}]`)}},
		{"wrapping of what looks wrapped", `{"body_json": {"body": "x"}}`, line{content: []byte(`{"body": "x"}`)}},
		{"a template as a number", `{"n": {{randInt 1 9}}}`, line{content: []byte(`{"n": {{randInt 1 9}}}`)}},
		{"a template in a string", `{"n": "{{pick \"a\" \"b\"}}"}`, line{content: []byte(`{"n": "{{pick \"a\" \"b\"}}"}`)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseLine([]byte(test.raw), TemplatesAuto, 0)
			if err != nil {
				t.Fatalf("parseLine(%s): %v", test.raw, err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(line{})); diff != "" {
				t.Errorf("parseLine(%s) (-want +got):\n%s", test.raw, diff)
			}
		})
	}
}

func TestParseLineErrors(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"no JSON", `5.1,3.5`, "it is not JSON: invalid character ',' after top-level value at byte 4; put each body on one line, or add ;format=body"},
		{"cut off", `{"a": 1`, "it is not JSON: unexpected end of JSON input at byte 7"},
		{"not UTF-8", "\"caf\xe9\"", "it is not UTF-8; save the file as UTF-8, or give binary bodies as body_base64"},
		{"byte order mark", "\ufeff{}", "it begins with a byte order mark; save the file as UTF-8 without one"},
		{"two bodies", `{"body": "a", "body_json": 1}`, "it has more than one of body, body_base64 and body_json; give one"},
		{"body of another type", `{"body": {"a": 1}}`, `body is not a string; give JSON as body_json, also when the whole object is the body: {"body_json": {"body": …}}`},
		{"null body", `{"body": null}`, "body is not a string"},
		{"no base64", `{"body_base64": "a$"}`, "body_base64 cannot be decoded: illegal base64 data at input byte 1; give standard base64 with padding"},
		{"base64 without padding", `{"body_base64": "AA"}`, "body_base64 cannot be decoded"},
		{"content type", `{"body": "a", "content_type": 1}`, "content_type is 1; give a string or leave it out"},
		{"content type with a line break", `{"body": "a", "content_type": "a/b\r\nX: y"}`, "is not of the form type/subtype"},
		{"accept", `{"body": "a", "accept": []}`, "accept is []; give a string or leave it out"},
		{"zero weight", `{"body": "a", "weight": 0}`, "weight 0 is not a positive number; give one above 0"},
		{"negative weight", `{"body": "a", "weight": -3}`, "weight -3 is not a positive number"},
		{"a word as weight", `{"body": "a", "weight": "3"}`, `weight is "3"; give a number above 0 or leave it out`},
		{"endless weight", `{"body": "a", "weight": 1e999}`, "weight is 1e999; give a number above 0"},
		{"a wrong template", `{"n": {{randInt 1}}}`, "byte 6: template function randInt: it takes 2 arguments and has 1"},
		{"a template that renders no JSON", `{"n": {{uuid}}}`, "it is not JSON: invalid character '{'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseLine([]byte(test.raw), TemplatesAuto, 0)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("parseLine(%q) = %v, want one line with %q", test.raw, err, test.want)
			}
		})
	}
	if _, err := parseLine([]byte(`{"n": {{randInt 1 9}}}`), TemplatesNever, 0); err == nil {
		t.Error("parseLine of a template outside a string, templates off, = nil, want an error")
	}
}

func FuzzParseLine(f *testing.F) {
	for _, seed := range []string{
		`{"body": "x", "weight": 2}`, `{"body_base64": "AAH/", "accept": "a/b"}`, `{"body_json": [1]}`, `{"n": {{randInt 1 9}}}`,
		`[1, 2]`, `{`, "\xff", `{"body": "x", "content_type": "text/csv"}`, `{"body":1}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := parseLine(raw, TemplatesAuto, 1)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n") && !strings.Contains(string(raw), "\n") {
				t.Fatalf("parseLine(%q): the error has several lines: %v", raw, err)
			}
			return
		}
		if !utf8.Valid(raw) {
			t.Fatalf("parseLine(%q) accepts what is not UTF-8", raw)
		}
		if got.weight < 0 || checkHeaders(got.contentType, got.accept) != nil {
			t.Fatalf("parseLine(%q) = %+v, want what can be sent", raw, got)
		}
		// Whatever is valid JSON can be wrapped and comes out as it was.
		if json.Valid(raw) && !strings.ContainsAny(string(raw), "\r\n") {
			wrapped, err := parseLine([]byte(`{"body_json": `+string(raw)+`}`), TemplatesAuto, 1)
			if err != nil || string(wrapped.content) != strings.TrimSpace(string(raw)) {
				t.Fatalf("parseLine of %q wrapped = %q, %v, want it back", raw, wrapped.content, err)
			}
		}
	})
}
