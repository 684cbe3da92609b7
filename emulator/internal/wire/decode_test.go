package wire

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
)

func TestWrongTypesAreToldInAWSsWords(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	for body, want := range map[string]string{
		`{"Name":1}`:                    "NUMBER_VALUE can not be converted to a String (Name)",
		`{"Name":true}`:                 "TRUE_VALUE can not be converted to a String (Name)",
		`{"Name": false }`:              "FALSE_VALUE can not be converted to a String (Name)",
		`{"Name":[]}`:                   "Start of list found where not expected (Name)",
		`{"Name":{}}`:                   "Start of structure or map found where not expected. (Name)",
		`{"Small":"1"}`:                 "STRING_VALUE can not be converted to an Integer (Small)",
		`{"Small":300}`:                 "NUMBER_VALUE can not be converted to an Integer (Small)",
		`{"Count":1.5}`:                 "NUMBER_VALUE can not be converted to an Integer (Count)",
		`{"Height":"NaN"}`:              "STRING_VALUE can not be converted to a Double (Height)",
		`{"Rows":"a"}`:                  "STRING_VALUE can not be converted to a list (Rows)",
		`{"Rows":[{"Labels":[{}, 1]}]}`: "NUMBER_VALUE can not be converted to a structure (Rows.Labels)",
		`{"Planted":"noon"}`:            "STRING_VALUE can not be converted to a Timestamp (Planted)",
		`{"Planted":1e99}`:              "NUMBER_VALUE can not be converted to a Timestamp (Planted)",
		`{"Planted":[1]}`:               "Start of list found where not expected (Planted)",
		`[]`:                            "Start of list found where not expected",
		`1`:                             "NUMBER_VALUE can not be converted to a structure",
		`{"Name":`:                      "The request body is not valid JSON: unexpected end of JSON input",
		`{} {}`:                         "The request body is not valid JSON: ",
		"\xff":                          "The request body is not valid JSON: ",
	} {
		r := jsonRequest("Echo", nothing{})
		r.Body = bodyWith(body)
		answer := ask(t, s, r)
		var got struct{ Message string }
		if err := json.Unmarshal(bodyOf(t, answer), &got); err != nil || answer.StatusCode != http.StatusBadRequest || !strings.HasPrefix(got.Message, want) {
			t.Errorf("%s: got %d %q, want 400 %q", body, answer.StatusCode, got.Message, want)
		}
		if got := answer.Header.Get("x-amzn-ErrorType"); got != "SerializationException" {
			t.Errorf("%s: error type %q", body, got)
		}
	}
}

func bodyWith(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

func planOf(t *testing.T, v any) *plan {
	t.Helper()
	p, err := newPlanner().plan(reflect.TypeOf(v))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWrongTypesInCBOR(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	for _, c := range []struct {
		in   any
		want string
	}{
		{map[string]any{"Name": 1}, "NUMBER_VALUE can not be converted to a String (Name)"},
		{map[string]any{"Name": []byte{1}}, "BLOB_VALUE can not be converted to a String (Name)"},
		{map[string]any{"Name": []int{1}}, "Start of list found where not expected (Name)"},
		{map[string]any{"Name": map[string]int{}}, "Start of structure or map found where not expected. (Name)"},
		{map[string]any{"Count": "1"}, "STRING_VALUE can not be converted to an Integer (Count)"},
		{map[string]any{"Page": true}, "SIMPLE_VALUE can not be converted to an Integer (Page)"},
		{map[string]any{"Rows": 1}, "NUMBER_VALUE can not be converted to a list (Rows)"},
		{map[string]any{"Spot": 1}, "NUMBER_VALUE can not be converted to a structure (Spot)"},
		{map[string]any{"Seed": "a"}, "STRING_VALUE can not be converted to a Blob (Seed)"},
		{map[string]any{"Planted": "noon"}, "STRING_VALUE can not be converted to a Timestamp (Planted)"},
		{map[string]any{"Planted": cbor.Tag{Number: 0, Content: "x"}}, "TAG_VALUE can not be converted to a Timestamp (Planted)"},
		{map[string]any{"Planted": 1e99}, "NUMBER_VALUE can not be converted to a Timestamp (Planted)"},
		{map[string]any{"Height": math.NaN()}, "The request body is not valid CBOR: "},
		{map[string]any{"Numbers": []float64{math.Inf(1)}}, "The request body is not valid CBOR: "},
		{"\xa1", "The request body is not valid CBOR: "},
		{"\xa1dName" + strings.Repeat("\x81", 40) + "\x01", "The request body is not valid CBOR: "},
	} {
		r := cborRequest("Echo", c.in)
		if raw, ok := c.in.(string); ok {
			r.Body = bodyWith(raw)
		}
		answer := ask(t, s, r)
		var got struct {
			Type    string `cbor:"__type"`
			Message string `cbor:"message"`
		}
		if err := cbor.Unmarshal(bodyOf(t, answer), &got); err != nil || answer.StatusCode != http.StatusBadRequest || !strings.HasPrefix(got.Message, c.want) ||
			got.Type != "com.example.orchard#SerializationException" {
			t.Errorf("%v: got %d %s %q, want 400 %q", c.in, answer.StatusCode, got.Type, got.Message, c.want)
		}
	}
}

func TestWrongTypesInQuery(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	for form, want := range map[string]string{
		"Count=a":                               "STRING_VALUE can not be converted to an Integer (Count)",
		"Small=256":                             "STRING_VALUE can not be converted to an Integer (Small)",
		"Height=NaN":                            "STRING_VALUE can not be converted to a Double (Height)",
		"Height=1e999":                          "STRING_VALUE can not be converted to a Double (Height)",
		"Height=Inf":                            "STRING_VALUE can not be converted to a Double (Height)",
		"Dry=perhaps":                           "STRING_VALUE can not be converted to a Boolean (Dry)",
		"Seed=!":                                "STRING_VALUE can not be converted to a Blob (Seed)",
		"Planted=noon":                          "STRING_VALUE can not be converted to a Timestamp (Planted)",
		"Name.x=1":                              "Start of structure or map found where not expected. (Name)",
		"Rows=1":                                "STRING_VALUE can not be converted to a list (Rows)",
		"Rows.member.1.Spots.member.1.X":        "STRING_VALUE can not be converted to a Double (Rows.member.1.Spots.member.1.X)",
		"Numbers.member.0=1":                    "The index in &#34;Numbers.member.0&#34; is not a number from 1 on.",
		"Numbers.member.-1=1":                   "is not a number from 1 on.",
		"Numbers.member.=1":                     "is not a number from 1 on.",
		"Numbers.member.99999999999999999999=1": "is not a number from 1 on.",
		"Yields=1":                              "STRING_VALUE can not be converted to a map (Yields)",
		"Yields.entry.1.value=1":                "The entry Yields.entry.1 has no key.",
		"Yields.entry.x.key=1":                  "is not a number from 1 on.",
		"Name=%zz":                              "The query string has an invalid escape in &#34;Name=%zz&#34;.",
	} {
		answer := ask(t, s, formRequest("Action=Echo&Version=2010-08-01&"+form))
		if body := string(bodyOf(t, answer)); answer.StatusCode != http.StatusBadRequest || !strings.Contains(body, "<Code>MalformedInput</Code><Message>") || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %s, want 400 with %q", form, answer.StatusCode, body, want)
		}
	}
}

func TestQueryForms(t *testing.T) {
	for _, c := range []struct {
		name, form string
		want       garden
	}{
		{"nothing", "", garden{}},
		{"empty pairs", "&&Name=a&&", garden{Name: "a"}},
		{"escapes", "N%61me=a+b%2Bc%26", garden{Name: "a b+c&"}},
		{"the first of two counts", "Name=a&Name=b", garden{Name: "a"}},
		{"unknown members", "Nam=a&Names.member.1=b&Name-x=c&Name/y=d&Spot.Z=1&Name=e&Spot.X=2&Spot/Y=3", garden{Name: "e", Spot: &spot{X: 2}}},
		{"another separator", "Spot/X=3", garden{}},
		{"by number, not by text", "Seasons.member.10=j&Seasons.member.9=i&Seasons.member.1=a", garden{Seasons: []season{"a", "i", "j"}}},
		{"a hostile index", "Seasons.member.1000000000=z", garden{Seasons: []season{"z"}}},
		{"not a member list", "Seasons.1=z", garden{Seasons: []season{}}},
		{"an empty list", "Seasons=&Name=a", garden{Seasons: []season{}, Name: "a"}},
		{"a map", "Yields.entry.2.key=b&Yields.entry.2.value=2&Yields.entry.10.value=3&Yields.entry.10.key=a.b", garden{Yields: map[string]float64{"b": 2, "a.b": 3}}},
		{"a key twice", "Yields.entry.1.key=b&Yields.entry.1.value=1&Yields.entry.2.key=b&Yields.entry.2.value=2", garden{Yields: map[string]float64{"b": 2}}},
		{"a map without entries, a key without a value", "Yields=&Rows.member.1.Name=a&Yields.entry.1.key=k", garden{Yields: map[string]float64{"k": 0}, Rows: []row{{Name: "a"}}}},
		{"true in words", "Dry=true", garden{Dry: new(true)}},
		{"a zone", "Planted=2024-11-24T15:04:05%2B02:00", garden{Planted: at(1732453445, 0)}},
		{"no zone", "Planted=2024-11-24T15:04:05.250", garden{Planted: at(1732460645, 250)}},
		{"a day", "Planted=2024-11-24", garden{Planted: at(1732406400, 0)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := parseForm(c.form)
			if err != nil {
				t.Fatal(err)
			}
			var got garden
			var r formReader
			if err := r.fill(planOf(t, got), reflect.ValueOf(&got).Elem(), f, 0); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(garden{}), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.form, diff)
			}
		})
	}
}

// A small body must not become a large allocation, whatever it says.
func TestHostileInputsAllocateLittle(t *testing.T) {
	s := toyServer(t, ServerOptions{})
	const mib = 1 << 20
	for _, c := range []struct {
		name, protocol, body string
		want                 string
	}{
		{"JSON objects", "awsJson", `{"Rows":[` + strings.Repeat(`{},`, mib) + `{}]}`, "structures"},
		{"JSON numbers for objects", "awsJson", `{"Rows":[` + strings.Repeat(`1,`, mib) + `1]}`, "values"},
		{"CBOR nulls for maps", "cbor", "\xbfdRows\x9f" + strings.Repeat("\xf6", mib) + "\xff\xff", "values"},
		{"CBOR maps", "cbor", "\xbfdRows\x9f" + strings.Repeat("\xa0", 3*mib) + "\xff\xff", "structures"},
		{"CBOR array that claims much", "cbor", "\xa1dRows\x9b\x00\xff\xff\xff\xff\xff\xff\xff", "not valid CBOR"},
		{"CBOR string that claims much", "cbor", "\xa1dName\x7b\x00\x00\x00\x00\xff\xff\xff\xff", "not valid CBOR"},
		{"form parameters", "query", strings.Repeat("&a=", mib), "parameters"},
		{"form structures", "query", manyRows(100_000), "structures"},
		{"form structures, two by two", "query", manyRows(100) + strings.ReplaceAll(manyRows(40_000), "Rows", "Rows.member.1.Labels") + strings.ReplaceAll(manyRows(40_000), "Rows", "Rows.member.2.Labels"), "structures"},
		{"form entries", "query", manyEntries(80_000), "structures"},
		{"deep key", "query", strings.Repeat("Rows.member.1.", mib/8) + "=1", ""},
		{"deep JSON", "awsJson", strings.Repeat(`[`, 3*mib), "not valid JSON"},
		{"deep unknown JSON", "awsJson", `{"x":` + strings.Repeat(`[`, 3*mib), "not valid JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := formRequest("Action=Echo&Version=2010-08-01&" + c.body)
			switch c.protocol {
			case "awsJson":
				request = jsonRequest("Echo", nothing{})
				request.Body = bodyWith(c.body)
			case "cbor":
				request = cborRequest("Echo", nothing{})
				request.Body = bodyWith(c.body)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			answer := ask(t, s, request)
			runtime.ReadMemStats(&after)
			body := string(bodyOf(t, answer))
			if c.want != "" && (answer.StatusCode == http.StatusOK || !strings.Contains(body, c.want)) {
				t.Errorf("got %d %.300s, want 400 with %q", answer.StatusCode, body, c.want)
			}
			// Reading the body costs about five times its length, all growth counted.
			if spent, most := after.TotalAlloc-before.TotalAlloc, uint64(6*len(c.body)+64*mib); spent > most {
				t.Errorf("%d bytes of body made %d MiB of allocations, more than %d MiB", len(c.body), spent/mib, most/mib)
			}
		})
	}
}

func TestABombIsNotUnpacked(t *testing.T) {
	s := toyServer(t, ServerOptions{MaxBody: 64 << 10})
	r := jsonRequest("Echo", nothing{})
	r.Body = bodyWith(strings.Repeat(" ", 4<<20))
	compress(t, r)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answer := ask(t, s, r)
	runtime.ReadMemStats(&after)
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", answer.StatusCode)
	}
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20 {
		t.Errorf("%d bytes allocated for a limit of 64 KiB", spent)
	}
}

func manyRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Rows.member.%d.Name=&", i+1)
	}
	return b.String()
}

func manyEntries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Yields.entry.%d.key=%d&", i+1, i)
	}
	return b.String()
}

// A pattern is compiled where it is declared: each request has several.
func TestAPatternThatHoldsAllocatesNothing(t *testing.T) {
	var c Checks
	letters := regexp.MustCompile(Whole("[a-z](-*[a-z]){0,62}"))
	if n := testing.AllocsPerRun(100, func() { c.Pattern("name", "a-b", letters) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestContentIsCountedWithoutWhatIsQuoted(t *testing.T) {
	for body, want := range map[string]content{
		`{"a":"{\"{,","b":[{},{}]}`: {3, 2}, `"\\"{,`: {1, 1}, `"{,`: {}, "": {},
	} {
		if got := jsonContent([]byte(body)); got != want {
			t.Errorf("jsonContent(%s) = %v, want %v", body, got, want)
		}
	}
	for body, want := range map[string]content{
		"\xa1aa\xa0": {2, 3}, "\xbfaa\x82\xa0\xa0\xff": {3, 6}, "\x64\xa0\xa0\xa0\xa0\xa0": {1, 2},
		"\xfb\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0": {1, 2}, "\x7f\x61\xa0\xff\xa0": {1, 4},
		"\x7b\xa0": {0, 1}, "\x44\xa0": {0, 1}, "": {}, "\xc1\xa0": {1, 2},
	} {
		if got := cborContent([]byte(body)); got != want {
			t.Errorf("cborContent(%x) = %v, want %v", body, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]Time{
		"1732460645":             at(1732460645, 0),
		"1732460645.5":           at(1732460645, 500),
		"1.732460645123E9":       at(1732460645, 123),
		"-1.5":                   at(-2, 500),
		`"2024-11-24T15:04:05Z"`: at(1732460645, 0),
		"null":                   {},
	} {
		var got Time
		if err := json.Unmarshal([]byte(text), &got); err != nil || !got.Equal(want.Time) {
			t.Errorf("%s: got %v %v, want %v", text, got, err, want)
		}
	}
	for at, want := range map[Time]string{at(1732460645, 0): "1732460645", at(1732460645, 5): "1732460645.005", at(-2, 500): "-1.5"} {
		if got, err := json.Marshal(at); err != nil || string(got) != want {
			t.Errorf("%v: got %s %v, want %s", at, got, err, want)
		}
	}
	for body, want := range map[string]Time{
		"\xc1\x1a\x67\x43\x40\x65":                 at(0x67434065, 0),
		"\xc1\x20":                                 at(-1, 0),
		"\xfb\x41\xd9\xd0\xd0\x19\x40\x00\x00":     at(1732460645, 0),
		"\xc1\xfb\x41\xd9\xd0\xd0\x19\x60\x00\x00": at(1732460645, 500),
		"\xf6":             {},
		"\xc1\xf9\x3e\x00": at(1, 500),
	} {
		var got Time
		if err := cbor.Unmarshal([]byte(body), &got); err != nil || !got.Equal(want.Time) {
			t.Errorf("%x: got %v %v, want %v", body, got, err, want)
		}
	}
}

func TestChecksSpeakLikeAWS(t *testing.T) {
	var c Checks
	letters := regexp.MustCompile(Whole("[a-z](-*[a-z]){0,62}"))
	if err := c.Err(); err != nil {
		t.Errorf("nothing checked: %v", err)
	}
	c.Required("name", true)
	c.Length("name", "", 1, 3)
	c.Length("name", "ééé", 1, 3)
	c.Pattern("name", "", letters)
	c.Pattern("name", "a-b", letters)
	c.Range("n", 3, 3, 3)
	c.Enum("kind", "", "A")
	c.Enum("kind", "A", "A", "B")
	if err := c.Err(); err != nil {
		t.Errorf("all is well: %v", err)
	}
	c.Required("endpointName", false)
	c.Length("name", "a", 2, 0)
	c.Length("name", "abcd", 2, 3)
	c.Pattern("name", "a-", letters)
	c.Pattern("name", "-a", letters)
	c.Range("maxResults", 101, 1, 100)
	c.Range("maxResults", 0.5, 1, 100)
	c.Enum("serviceNamespace", "x", "ecs", "sagemaker")
	want := "ValidationException: 8 validation errors detected: " + strings.Join([]string{
		"Value null at 'endpointName' failed to satisfy constraint: Member must not be null",
		"Value 'a' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2",
		"Value 'abcd' at 'name' failed to satisfy constraint: Member must have length less than or equal to 3",
		"Value 'a-' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z](-*[a-z]){0,62}",
		"Value '-a' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z](-*[a-z]){0,62}",
		"Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
		"Value '0.5' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
		"Value 'x' at 'serviceNamespace' failed to satisfy constraint: Member must satisfy enum value set: [ecs, sagemaker]",
	}, "; ")
	if err := c.Err(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestParametersSpeakLikeCloudWatch(t *testing.T) {
	var p Parameters
	p.Required("Namespace", true)
	p.Enum("Unit", "", "Percent")
	p.Enum("Unit", "Percent", "Count", "Percent")
	if err := p.Err(); err != nil {
		t.Errorf("all is well: %v", err)
	}
	p.Enum("MetricData.member.1.Unit", "Pound", "Count", "Percent")
	p.Invalid("The parameter %s must be a multiple of 60.", "Period")
	want := "InvalidParameterValue: The parameter MetricData.member.1.Unit must be a value in the set [ Count, Percent ].\nThe parameter Period must be a multiple of 60."
	if err := p.Err(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	p.Required("Namespace", false)
	p.Required("MetricName", false)
	want = "MissingParameter: The parameter Namespace is required.\nThe parameter MetricName is required."
	if err := p.Err(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
