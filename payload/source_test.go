package payload

import (
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseSource(t *testing.T) {
	tests := []struct {
		name string
		text string
		want Source
	}{
		{"a path", "iris.csv", Source{Path: "iris.csv"}},
		{"standard input", "-", Source{Path: "-"}},
		{"a pattern", "@data/*.json", Source{Path: "@data/*.json"}},
		{
			"everything", "iris.csv;type=text/csv;accept=application/json;weight=3;format=body",
			Source{Path: "iris.csv", ContentType: "text/csv", Accept: "application/json", Weight: 3, Format: FormatBody},
		},
		{"spaces", "iris.csv; type = text/csv ; weight = 0.5", Source{Path: "iris.csv", ContentType: "text/csv", Weight: 0.5}},
		{"a type with a parameter", `iris.csv;type="text/csv; charset=utf-8"`, Source{Path: "iris.csv", ContentType: "text/csv; charset=utf-8"}},
		{"a path with a semicolon", `"a;b.csv";weight=2`, Source{Path: "a;b.csv", Weight: 2}},
		{"a path with an equals sign", `a=b.csv`, Source{Path: "a=b.csv"}},
		{"lines", "-;format=jsonl", Source{Path: "-", Format: FormatJSONL}},
		{"the default format", "a;format=auto", Source{Path: "a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseSource(test.text)
			if err != nil || got != test.want {
				t.Errorf("ParseSource(%q) = %+v, %v, want %+v", test.text, got, err, test.want)
			}
		})
	}
}

func TestParseSourceErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", "", "the path is empty; give a file"},
		{"an empty pattern", "@", "the path is empty; give a file"},
		{"no path", ";type=text/csv", "the path is empty"},
		{"unknown attribute", "a;size=3", `payload a;size=3: unknown attribute "size"; the attributes are type, accept, weight and format`},
		{"no value", "a;type", `attribute "type" is not of the form name=value`},
		{"an empty value", "a;type=", "attribute type is empty; give a value or leave it out"},
		{"a trailing semicolon", "a;", `attribute "" is not of the form name=value`},
		{"twice", "a;weight=1;weight=2", "attribute weight is given twice; give it once"},
		{"zero weight", "a;weight=0", "weight 0 is not a positive number; give one above 0"},
		{"negative weight", "a;weight=-1", "weight -1 is not a positive number"},
		{"no number", "a;weight=NaN", "weight NaN is not a positive number"},
		{"endless weight", "a;weight=Inf", "weight +Inf is not a positive number"},
		{"a word as weight", "a;weight=heavy", `weight "heavy" is not a number; give one above 0`},
		{"format", "a;format=csv", `format "csv": give auto, body or jsonl`},
		{"type", "a;type=json", `content type "json" is not of the form type/subtype; give one such as application/json`},
		{"a line break in accept", "a;accept=a/b\r\nX: y", "has characters that a header cannot hold"},
		{"an unquoted parameter", "a;type=text/csv;charset=utf-8", `unknown attribute "charset"; the attributes are type, accept, weight and format; a value or path with ; in it stands in double quotes`},
		{"an open quote", `"a;type=text/csv`, "a double quote is not closed; close it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseSource(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("ParseSource(%q) = %v, want one line with %q", test.text, err, test.want)
			}
			if got != (Source{}) {
				t.Errorf("ParseSource(%q) gives %+v beside its error, want nothing", test.text, got)
			}
		})
	}
}

func TestOptionsValidateJoinsEveryProblem(t *testing.T) {
	opts := Options{
		Sources: []Source{
			{Path: "-"},
			{Path: "-"},
			{Path: "a", Weight: math.NaN()},
			{Path: "b", ContentType: "text/csv\n", Format: 9},
			{Path: "c\x00"},
		},
		ContentType: "nonsense",
		Accept:      "é",
		MaxBody:     -1,
		MaxTotal:    math.MaxInt64,
		Templates:   7,
	}
	err := opts.Validate()
	if err == nil {
		t.Fatal("Validate of many mistakes = nil, want all of them")
	}
	for _, want := range []string{
		"payload -: standard input is given 2 times but can be read once; give it once",
		"payload -: there is no standard input here; give a file",
		"payload a: weight NaN is not a positive number",
		`payload b: content type "text/csv\n" is not of the form type/subtype`,
		"payload b: format(9) is no format; give auto, body or jsonl",
		"the path holds a zero byte",
		`payload: content type "nonsense" is not of the form type/subtype`,
		"limit of one body is -1 bytes; give --max-body from 1 byte to 1 TiB",
		"limit of all bodies is 9223372036854775807 bytes; give one from 1 byte to 1 TiB",
		"templates(7) is no way to treat templates; give auto, always or never",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v\nwant a line with %q", err, want)
		}
	}
	if err := (Options{Sources: []Source{{Path: "a"}}, Accept: "é"}).Validate(); err == nil || !strings.Contains(err.Error(), `accept "é" has characters`) {
		t.Errorf("Validate with accept é = %v, want an error about it", err)
	}
	if err := (Options{}).Validate(); err == nil || !strings.Contains(err.Error(), "no source is given") {
		t.Errorf("Validate without sources = %v, want an error about it", err)
	}
	good := Options{Sources: []Source{{Path: "-", Weight: 2}}, Stdin: iotest.ErrReader(nil), ContentType: "text/csv; charset=utf-8", Accept: "application/json, text/*;q=0.5"}
	if err := good.Validate(); err != nil {
		t.Errorf("Validate of good options = %v, want nil", err)
	}
}

func TestParseTemplatesModes(t *testing.T) {
	for _, want := range []Templates{TemplatesAuto, TemplatesAlways, TemplatesNever} {
		if got, err := ParseTemplates(want.String()); err != nil || got != want {
			t.Errorf("ParseTemplates(%q) = %v, %v, want %v", want.String(), got, err, want)
		}
	}
	if _, err := ParseTemplates("on"); err == nil || !strings.Contains(err.Error(), "give auto, always or never") {
		t.Errorf("ParseTemplates(on) = %v, want an error with the words there are", err)
	}
}

func FuzzParseSource(f *testing.F) {
	for _, seed := range []string{"a", "a;type=text/csv;weight=3", `"a;b";accept="x;y"`, ";;", `"`, "-;format=jsonl"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		source, err := ParseSource(text)
		if err != nil {
			return
		}
		if err := source.Validate(); err != nil {
			t.Fatalf("ParseSource(%q) gives %+v, which is invalid: %v", text, source, err)
		}
	})
}
