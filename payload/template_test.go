package payload

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTemplates(t *testing.T) {
	tests := []struct {
		name string
		body string
		mode Templates
		want string // regular expression of the rendering for request 7; empty: no template
	}{
		{"no braces", `{"a": {"b": 1}}`, TemplatesAlways, ""},
		{"seq", `{"id": {{seq}}}`, TemplatesAuto, `\{"id": 7\}`},
		{"spaces", "a {{  seq\n }} b", TemplatesAuto, `a 7 b`},
		{"several", `{{seq}}-{{seq}},{{randInt 5 5}}`, TemplatesAuto, `7-7,5`},
		{"three braces begin with a literal one", `{{{seq}}: 1}`, TemplatesAuto, `\{7: 1\}`},
		{"uuid", `{{uuid}}`, TemplatesAuto, `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`},
		{"randInt", `{{randInt -3 12}}`, TemplatesAuto, `-[123]|\d|1[012]`},
		{"randInt, whole range", `{{randInt -9223372036854775808 9223372036854775807}}`, TemplatesAuto, `-?\d+`},
		{"randFloat", `{{randFloat 0 1}}`, TemplatesAuto, `0\.\d+|\d\.?\d*e-\d+`},
		{"randFloat of one value", `{{randFloat 2.5 2.5}}`, TemplatesAuto, `2\.5`},
		{"pick, double quotes", `{{pick "a b" "a b"}}`, TemplatesAuto, `a b`},
		{"pick, single quotes", `{{pick 'say "hi"'}}`, TemplatesAuto, `say "hi"`},
		{"pick, quotes inside a JSON string", `{"c": "{{pick \"a b\" \"a b\"}}"}`, TemplatesAuto, `\{"c": "a b"\}`},
		{"pick, words", `{{pick red red}}`, TemplatesAuto, `red`},
		{"pick, braces in a string", `{{pick "}}"}}`, TemplatesAuto, `\}\}`},
		{"pick, a backslash is itself", `{{pick 'a\n'}}`, TemplatesAuto, `a\\n`},
		{"pick of nothing", `{{pick ''}}`, TemplatesAuto, ``},
		{"escape beside a call", `{{seq}} {{'{{'}}seq}}`, TemplatesAuto, `7 \{\{seq\}\}`},
		{"escape alone", `{{"{{"}}uuid}}`, TemplatesAuto, `\{\{uuid\}\}`},
		{"escape inside a JSON string", `{"prompt": "{{\"{{\"}} x }}"}`, TemplatesAuto, `\{"prompt": "\{\{ x \}\}"\}`},
		{"unknown functions are left alone", `{{name}} and {{ user.id }}`, TemplatesAuto, ""},
		{"a known name inside a longer one", `{{uuid4}} {{sequence}}`, TemplatesAuto, ""},
		{"a quoted name is no call", `{{"uuid"}}`, TemplatesAuto, ""},
		{"unclosed is left alone", `{{`, TemplatesAuto, ""},
		{"never", `{{uuid}}`, TemplatesNever, ""},
		{"binary", "{{uuid}}\xff", TemplatesAlways, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parsed, err := parseTemplate([]byte(test.body), test.mode)
			if err != nil {
				t.Fatalf("parseTemplate(%q, %v): %v", test.body, test.mode, err)
			}
			if test.want == "" && test.name != "pick of nothing" {
				if parsed != nil {
					t.Errorf("parseTemplate(%q, %v) is a template, want none", test.body, test.mode)
				}
				return
			}
			got := parsed.render(nil, 1, 7)
			if !regexp.MustCompile(`\A(?:` + test.want + `)\z`).Match(got) {
				t.Errorf("%q renders %q, want it to match %s", test.body, got, test.want)
			}
			if got == nil {
				t.Errorf("%q renders nil, which means that the body is fixed", test.body)
			}
		})
	}
}

func TestTemplateErrors(t *testing.T) {
	tests := []struct {
		name string
		body string
		mode Templates
		want string
	}{
		{"unknown, always", `ab {{name}}`, TemplatesAlways, `byte 3: unknown template function "name"; the functions are pick, randFloat, randInt, seq and uuid, and {{'{{'}} is a literal {{`},
		{"unknown beside a known one", `{{uuid}} {{randint 1 2}}`, TemplatesAuto, `byte 9: unknown template function "randint"`},
		{"nothing", `{{}}`, TemplatesAlways, `byte 0: unknown template function ""`},
		{"a string", `{{'a'}}`, TemplatesAlways, `byte 0: unknown template function "a"`},
		{"not closed", `xx {{seq`, TemplatesAuto, `byte 3: a template is not closed; close it with }}`},
		{"string not closed", `{{pick "a}}`, TemplatesAuto, `byte 0: a template has a string without its closing "; close it`},
		{"uuid with an argument", `{{uuid 4}}`, TemplatesAuto, `byte 0: template function uuid: it takes 0 arguments and has 1; the functions are pick,`},
		{"seq with an argument", `{{seq 4}}`, TemplatesAuto, `template function seq: it takes 0 arguments and has 1`},
		{"randInt of one", `{{randInt 4}}`, TemplatesAuto, `template function randInt: it takes 2 arguments and has 1`},
		{"randInt reversed", `{{randInt 9 1}}`, TemplatesAuto, `"9" to "1" is no range; give two whole numbers, the smaller first, as in {{randInt 1 100}}`},
		{"randInt of no number", `{{randInt 1 x}}`, TemplatesAuto, `"1" to "x" is no range`},
		{"randInt too large", `{{randInt 0 9223372036854775808}}`, TemplatesAuto, `is no range`},
		{"randFloat reversed", `{{randFloat 1 0}}`, TemplatesAuto, `"1" to "0" is no range; give two numbers`},
		{"randFloat without end", `{{randFloat 0 Inf}}`, TemplatesAuto, `is no range`},
		{"randFloat of no number", `{{randFloat NaN 1}}`, TemplatesAuto, `is no range`},
		{"randFloat too wide", `{{randFloat -1e308 1e308}}`, TemplatesAuto, `is no range`},
		{"randFloat of one", `{{randFloat 1}}`, TemplatesAuto, `it takes 2 arguments and has 1`},
		{"pick of nothing", `{{pick}}`, TemplatesAuto, `there is nothing to pick from; give at least one`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseTemplate([]byte(test.body), test.mode)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("parseTemplate(%q, %v) = %v, want an error with %q", test.body, test.mode, err, test.want)
			}
		})
	}
}

// The list in the error messages is the list of the parser.
func TestFunctionNamesAreKnown(t *testing.T) {
	names := strings.FieldsFunc(strings.ReplaceAll(functionNames, " and ", ","), func(r rune) bool { return r == ',' || r == ' ' })
	if len(names) != 5 {
		t.Errorf("functionNames lists %d names, want 5", len(names))
	}
	for _, name := range names {
		if builder(name) == nil {
			t.Errorf("functionNames lists %s, which builder does not know", name)
		}
	}
}

func TestUUIDsAreDistinct(t *testing.T) {
	parsed, err := parseTemplate([]byte("{{uuid}}{{uuid}}"), TemplatesAuto)
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]uint64{}
	for k := range uint64(20000) {
		both := string(parsed.render(nil, 5, k))
		if other := string(parsed.render(nil, 6, k)); other == both {
			t.Fatalf("request %d has uuids %s with seeds 5 and 6, want others", k, both)
		}
		for _, id := range []string{both[:36], both[36:]} {
			if !form.MatchString(id) {
				t.Fatalf("request %d has uuid %q, want version 4 of RFC 9562", k, id)
			}
			if earlier, ok := seen[id]; ok {
				t.Fatalf("requests %d and %d have one uuid %s", earlier, k, id)
			}
			seen[id] = k
		}
	}
}

func TestRandIntReachesBothEndsEvenly(t *testing.T) {
	parsed, err := parseTemplate([]byte("{{randInt -2 3}}"), TemplatesAuto)
	if err != nil {
		t.Fatal(err)
	}
	const requests = 60000
	seen := map[string]int{}
	for k := range uint64(requests) {
		seen[string(parsed.render(nil, 5, k))]++
	}
	for _, value := range []string{"-2", "-1", "0", "1", "2", "3"} {
		// Six standard deviations about 10000; the seed is fixed.
		if count := seen[value]; count < 9400 || count > 10600 {
			t.Errorf("{{randInt -2 3}} rendered %s %d times in %d, want about 10000", value, count, requests)
		}
	}
	if len(seen) != 6 {
		t.Errorf("{{randInt -2 3}} rendered %v, want only -2 to 3", seen)
	}
}

func TestPickReachesAll(t *testing.T) {
	parsed, err := parseTemplate([]byte("{{pick a b c}}"), TemplatesAuto)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for k := range uint64(3000) {
		seen[string(parsed.render(nil, 5, k))]++
	}
	for _, value := range []string{"a", "b", "c"} {
		if count := seen[value]; count < 830 || count > 1170 {
			t.Errorf("{{pick a b c}} rendered %s %d times in 3000, want about 1000", value, count)
		}
	}
}

// Renderings stay in their range and within the length that was promised.
func TestRenderingsStayInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low, high := rapid.Int64().Draw(t, "low"), rapid.Int64().Draw(t, "high")
		from, to := rapid.Float64Range(-1e300, 1e300).Draw(t, "from"), rapid.Float64Range(-1e300, 1e300).Draw(t, "to")
		low, high, from, to = min(low, high), max(low, high), min(from, to), max(from, to)
		body := "{{randInt " + strconv.FormatInt(low, 10) + " " + strconv.FormatInt(high, 10) + "}} {{randFloat " +
			strconv.FormatFloat(from, 'g', -1, 64) + " " + strconv.FormatFloat(to, 'g', -1, 64) + "}}"
		parsed, err := parseTemplate([]byte(body), TemplatesAuto)
		if err != nil {
			t.Fatal(err)
		}
		seed, k := rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "k")
		got := string(parsed.render(nil, seed, k))
		first, second, _ := strings.Cut(got, " ")
		n, errInt := strconv.ParseInt(first, 10, 64)
		x, errFloat := strconv.ParseFloat(second, 64)
		if errInt != nil || n < low || n > high || errFloat != nil || x < from || x > to {
			t.Fatalf("%s renders %s, out of range", body, got)
		}
		if len(got) > parsed.longest {
			t.Fatalf("%s renders %d bytes, want at most %d", body, len(got), parsed.longest)
		}
		if again := string(parsed.render(make([]byte, 3), seed, k)); again != got {
			t.Fatalf("%s renders %s and then %s for one request", body, got, again)
		}
	})
}

func TestRenderingDoesNotAllocate(t *testing.T) {
	body := `{"id": "{{uuid}}", "n": {{randInt 1 100}}, "x": {{randFloat 0 1}}, "k": {{seq}}, "c": "{{pick 'a' 'b'}}"}`
	parsed, err := parseTemplate([]byte(body), TemplatesAuto)
	if err != nil {
		t.Fatal(err)
	}
	scratch := parsed.render(nil, 1, 0)
	k := uint64(0)
	allocations := testing.AllocsPerRun(1000, func() {
		scratch = parsed.render(scratch, 1, k)
		k++
	})
	if allocations != 0 {
		t.Errorf("rendering into enough scratch allocates %v times, want 0", allocations)
	}
}

// escape writes a text so that a template renders it.
func escape(text []byte) []byte { return bytes.ReplaceAll(text, []byte("{{"), []byte("{{'{{'}}")) }

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"", "{{", "}}", "{{uuid}}", `{"a": {{randInt 1 9}}}`, "{{{seq}}}", `{{pick "a" 'b' \"c\" d}}`, "{{'{{'}}seq}}",
		"{{randFloat 0 1}}{{", "{{ seq", "{{pick '", "\xff{{seq}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, mode := range []Templates{TemplatesAuto, TemplatesAlways, TemplatesNever} {
			parsed, err := parseTemplate(body, mode)
			if err != nil || parsed == nil {
				continue
			}
			if mode == TemplatesNever {
				t.Fatalf("%q is a template, want none", body)
			}
			got := parsed.render(nil, 1, 2)
			if len(got) > parsed.longest || !utf8.Valid(got) {
				t.Fatalf("%q renders %q, want at most %d bytes of UTF-8", body, got, parsed.longest)
			}
			if again := parsed.render(got, 1, 2); !bytes.Equal(again, parsed.render(nil, 1, 2)) {
				t.Fatalf("%q renders %q into its own memory", body, again)
			}
		}
		escaped, err := parseTemplate(escape(body), TemplatesAlways)
		if err != nil {
			t.Fatalf("escaping %q: %v", body, err)
		}
		if escaped == nil {
			return // without {{, or not UTF-8
		}
		if got, ok := escaped.fixed(); !ok || !bytes.Equal(got, body) {
			t.Fatalf("%q escaped renders %q, want itself", body, got)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	parsed, err := parseTemplate([]byte(`{"id": "{{uuid}}", "n": {{randInt 1 100}}}`), TemplatesAuto)
	if err != nil {
		b.Fatal(err)
	}
	var scratch []byte
	k := uint64(0)
	for b.Loop() {
		scratch = parsed.render(scratch, 1, k)
		k++
	}
}
