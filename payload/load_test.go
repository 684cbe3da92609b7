package payload

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// write makes files in a directory of the test's own and returns it. A name that
// ends in / is a directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plain is what a body is compared by: its weight and template are tested apart.
type plain struct{ Name, Content, ContentType, Accept string }

func plainBodies(c *Corpus) []plain {
	var bodies []plain
	for _, body := range c.Bodies() {
		bodies = append(bodies, plain{body.Name, string(body.Content), body.ContentType, body.Accept})
	}
	return bodies
}

func TestLoad(t *testing.T) {
	t.Chdir(write(t, map[string]string{
		"iris.csv":         "5.1,3.5\n",
		"a.JSON":           `{"a": 1}`,
		"lines.jsonl":      "[1]\n\n  \r\n[2]\r\n{\"body\": \"x\", \"content_type\": \"text/csv\", \"accept\": \"text/csv\"}\n{\"body_base64\": \"AA==\"}",
		"more.ndjson":      "1\n",
		"dir/b.bin":        "B",
		"dir/a.txt":        "A",
		"dir/.hidden":      "H",
		"dir/c.jsonl":      "1\n2\n",
		"dir/sub/deep.txt": "D",
		"latin.txt":        "caf\xe9",
		"-":                "dash",
	}))
	tests := []struct {
		name string
		opts Options
		want []plain
	}{
		{"a file", Options{Sources: []Source{{Path: "iris.csv"}}}, []plain{{"iris.csv", "5.1,3.5\n", "text/csv", ""}}},
		{
			"several, with the defaults",
			Options{Sources: []Source{{Path: "iris.csv"}, {Path: "a.JSON"}}, ContentType: "application/x", Accept: "text/csv"},
			[]plain{{"iris.csv", "5.1,3.5\n", "application/x", "text/csv"}, {"a.JSON", `{"a": 1}`, "application/x", "text/csv"}},
		},
		{
			"the source's headers win",
			Options{Sources: []Source{{Path: "a.JSON", ContentType: "a/b", Accept: "c/d"}}, ContentType: "e/f", Accept: "g/h"},
			[]plain{{"a.JSON", `{"a": 1}`, "a/b", "c/d"}},
		},
		{"lines", Options{Sources: []Source{{Path: "lines.jsonl", Accept: "a/b"}}}, []plain{
			{"lines.jsonl line 1", "[1]", "application/json", "a/b"},
			{"lines.jsonl line 4", "[2]", "application/json", "a/b"},
			{"lines.jsonl line 5", "x", "text/csv", "text/csv"},
			{"lines.jsonl line 6", "\x00", "application/octet-stream", "a/b"},
		}},
		{
			"lines of a given type",
			Options{Sources: []Source{{Path: "more.ndjson", ContentType: "application/jsonlines"}}},
			[]plain{{"more.ndjson line 1", "1", "application/jsonlines", ""}},
		},
		{
			"a type that describes the file",
			Options{Sources: []Source{{Path: "more.ndjson", ContentType: "application/x-ndjson"}}},
			[]plain{{"more.ndjson line 1", "1", "application/json", ""}},
		},
		{
			"lines as one body",
			Options{Sources: []Source{{Path: "more.ndjson", Format: FormatBody}}},
			[]plain{{"more.ndjson", "1\n", "application/jsonlines", ""}},
		},
		{"a directory", Options{Sources: []Source{{Path: "dir"}}}, []plain{
			{"dir/a.txt", "A", "text/plain", ""},
			{"dir/b.bin", "B", "application/octet-stream", ""},
			{"dir/c.jsonl line 1", "1", "application/json", ""},
			{"dir/c.jsonl line 2", "2", "application/json", ""},
		}},
		{
			"a pattern",
			Options{Sources: []Source{{Path: "@dir/*.[tb]*"}}},
			[]plain{{"dir/a.txt", "A", "text/plain", ""}, {"dir/b.bin", "B", "application/octet-stream", ""}},
		},
		{"a pattern for hidden files", Options{Sources: []Source{{Path: "@dir/.*"}}}, []plain{{"dir/.hidden", "H", "application/octet-stream", ""}}},
		{"binary", Options{Sources: []Source{{Path: "latin.txt"}}}, []plain{{"latin.txt", "caf\xe9", "text/plain", ""}}},
		{"a file called -", Options{Sources: []Source{{Path: "./-"}}}, []plain{{"./-", "dash", "application/octet-stream", ""}}},
		{
			"standard input",
			Options{Sources: []Source{{Path: "-", ContentType: "text/csv"}}, Stdin: strings.NewReader("1,2\n3,4\n")},
			[]plain{{"standard input", "1,2\n3,4\n", "text/csv", ""}},
		},
		{
			"standard input by lines",
			Options{Sources: []Source{{Path: "-", Format: FormatJSONL}}, Stdin: strings.NewReader("1\n2")},
			[]plain{{"standard input line 1", "1", "application/json", ""}, {"standard input line 2", "2", "application/json", ""}},
		},
		{
			"standard input by lines, from its type",
			Options{Sources: []Source{{Path: "-"}}, ContentType: "application/jsonl; charset=utf-8", Stdin: strings.NewReader("1\n")},
			[]plain{{"standard input line 1", "1", "application/json", ""}},
		},
		{
			"empty bodies on request",
			Options{Sources: []Source{{Path: "-"}}, AllowEmpty: true, Stdin: strings.NewReader("")},
			[]plain{{"standard input", "", "application/octet-stream", ""}},
		},
		{
			"an escape is taken out at once",
			Options{Sources: []Source{{Path: "-"}}, Stdin: strings.NewReader(`{{'{{'}}seq}}`)},
			[]plain{{"standard input", "{{seq}}", "application/octet-stream", ""}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			corpus, err := Load(test.opts)
			if err != nil {
				t.Fatalf("Load(%+v): %v", test.opts, err)
			}
			if diff := cmp.Diff(test.want, plainBodies(corpus)); diff != "" {
				t.Errorf("Load(%+v) (-want +got):\n%s", test.opts, diff)
			}
		})
	}
}

func TestLoadFollowsLinksInDirectories(t *testing.T) {
	dir := write(t, map[string]string{"real/a.txt": "A", "linked/b.txt": "B"})
	if err := os.Symlink(filepath.Join(dir, "real", "a.txt"), filepath.Join(dir, "linked", "a.txt")); err != nil {
		t.Fatal(err)
	}
	corpus, err := Load(Options{Sources: []Source{{Path: filepath.Join(dir, "linked")}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := corpus.Bodies(); len(got) != 2 || string(got[0].Content) != "A" {
		t.Errorf("Load of a directory with a link = %q, want the linked file too", plainBodies(corpus))
	}
}

func TestLoadErrors(t *testing.T) {
	t.Chdir(write(t, map[string]string{
		"empty.csv":      "",
		"blank.jsonl":    "\n \n",
		"bad.jsonl":      "1\n\n2,\n",
		"latin.jsonl":    "1\n\"caf\xe9\"\n",
		"hollow.jsonl":   `{"body": ""}`,
		"long.jsonl":     `"` + strings.Repeat("a", 9) + "\"\n",
		"longest.jsonl":  "1\n" + strings.Repeat(" ", 5000) + "\n",
		"rare.jsonl":     "1\n{\"body\": \"x\", \"weight\": 1e-12}\n",
		"big.bin":        strings.Repeat("b", 11),
		"grows.txt":      "{{uuid}}",
		"wrong.txt":      "ab {{uuid 1}}",
		"nothing/":       "",
		"hidden/.a":      "x",
		"hidden/sub/a.b": "x",
		"a.txt":          "A",
	}))
	if err := os.Symlink("nowhere", "hidden.link"); err != nil {
		t.Fatal(err)
	}
	file := func(path string) Options { return Options{Sources: []Source{{Path: path}}} }
	small := func(path string) Options { return Options{Sources: []Source{{Path: path}}, MaxBody: 10} }
	stdin := func(in io.Reader) Options {
		return Options{Sources: []Source{{Path: "-"}}, Stdin: in, MaxBody: 10}
	}
	tests := []struct {
		name string
		opts Options
		want string
	}{
		{"no source", Options{}, "payload: no source is given; give a file, a directory, @pattern or - for standard input"},
		{"missing", file("none.csv"), "payload none.csv: no such file or directory; check the path and its permissions"},
		{"below a file", file("a.txt/b"), "payload a.txt/b: not a directory; check the path and its permissions"},
		{"a link to nothing", file("hidden.link"), "payload hidden.link: no such file or directory; check the path"},
		{"a link to nothing by pattern", file("@*.link"), "payload hidden.link: no such file or directory; check the path"},
		{"empty", file("empty.csv"), "payload empty.csv: the body is empty; give one with content (or none at all with --method GET)"},
		{"empty line", file("hollow.jsonl"), "payload hollow.jsonl line 1: the body is empty"},
		{"empty standard input", stdin(strings.NewReader("")), "payload standard input: the body is empty"},
		{"no lines", file("blank.jsonl"), "payload blank.jsonl: there is no line with a body; give one JSON value a line"},
		{"an empty directory", file("nothing"), "payload nothing: the directory has no files; hidden files and subdirectories are not read"},
		{"a directory of hidden files", file("hidden"), "payload hidden: the directory has no files"},
		{"no match", file("@*.png"), "payload @*.png: no file matches the pattern; check it"},
		{"a wrong pattern", file("@[a"), "payload @[a: reading the pattern: syntax error in pattern; see filepath.Match"},
		{"a wrong line", file("bad.jsonl"), "payload bad.jsonl line 3: it is not JSON: invalid character ',' after top-level value at byte 2"},
		{"a line that is not UTF-8", file("latin.jsonl"), "payload latin.jsonl line 2: it is not UTF-8"},
		{"too large", small("big.bin"), "payload big.bin: 11 bytes are over the limit of 10 for one body; send less, or raise --max-body if the endpoint takes more"},
		{"too large on standard input", stdin(strings.NewReader("01234567890")), "payload standard input: more than 10 bytes are over the limit of 10 for one body"},
		{"too large in a line", small("long.jsonl"), "payload long.jsonl line 1: 11 bytes are over the limit of 10"},
		{"a line without end", small("longest.jsonl"), "payload longest.jsonl line 2: a line of more than 4156 bytes is over the limit of 10"},
		{"too large when rendered", small("grows.txt"), "payload grows.txt: 36 bytes are over the limit of 10"},
		{
			"too much together",
			Options{Sources: []Source{{Path: "a.txt"}, {Path: "a.txt"}}, MaxTotal: 500},
			"payload a.txt: the bodies up to here take 514 bytes of memory, over the limit of 500 for all together; give fewer or smaller ones",
		},
		{"a wrong template", file("wrong.txt"), "payload wrong.txt: byte 3: template function uuid: it takes 0 arguments and has 1"},
		{"too rare", file("rare.jsonl"), "payload rare.jsonl line 2: its weight is so small that fewer than 1 in 1048576 requests would carry it; raise it or leave the body out"},
		{"standard input fails", stdin(iotest.ErrReader(errors.New("pipe broke"))), "payload standard input: pipe broke; check"},
		{
			"standard input twice",
			Options{Sources: []Source{{Path: "-"}, {Path: "-"}}, Stdin: strings.NewReader("x")},
			"payload -: standard input is given 2 times but can be read once",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(test.opts)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Load(%+v) =\n%v\nwant one line with\n%s", test.opts, err, test.want)
			}
		})
	}
	if _, err := Load(file("none.csv")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of a missing file = %v, want it to be fs.ErrNotExist", err)
	}
	lines := Options{Sources: []Source{{Path: "-", Format: FormatJSONL}}, Stdin: io.MultiReader(strings.NewReader("1\n2"), iotest.ErrReader(errors.New("pipe broke")))}
	if _, err := Load(lines); err == nil || !strings.Contains(err.Error(), "pipe broke") {
		t.Errorf("Load of lines that break off = %v, want the reader's error", err)
	}
}

func TestBodiesAtTheLimitAreAccepted(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": strings.Repeat("a", 10)})
	if _, err := Load(Options{Sources: []Source{{Path: filepath.Join(dir, "a.txt")}}, MaxBody: 10, MaxTotal: 10 + bodyOverhead}); err != nil {
		t.Errorf("Load of 10 bytes with a limit of 10: %v", err)
	}
	// Escapes make a line longer than its body.
	in := strings.NewReader(`{"body": "` + strings.Repeat(`\u0041`, 1000) + `"}`)
	if _, err := Load(Options{Sources: []Source{{Path: "-", Format: FormatJSONL}}, MaxBody: 1000, Stdin: in}); err != nil {
		t.Errorf("Load of 1000 escaped bytes with a limit of 1000: %v", err)
	}
}
