package payload

import (
	"bytes"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T, opts Options) *Corpus {
	t.Helper()
	corpus, err := Load(opts)
	if err != nil {
		t.Fatalf("Load(%+v): %v", opts, err)
	}
	return corpus
}

// A source's weight is shared among its bodies by theirs; a source without one
// counts what its bodies weigh.
func TestWeights(t *testing.T) {
	t.Chdir(write(t, map[string]string{
		"dir/1.txt": "1", "dir/2.txt": "2", "dir/3.txt": "3",
		"one.txt":     "one",
		"lines.jsonl": "{\"body\": \"a\", \"weight\": 3}\n\"b\"\n",
	}))
	tests := []struct {
		name    string
		sources []Source
		want    []int // requests that carry each body, in a deal
	}{
		{"none given: all bodies alike", []Source{{Path: "dir"}, {Path: "one.txt"}}, []int{1, 1, 1, 1}},
		{"sources nine to one", []Source{{Path: "dir", Weight: 9}, {Path: "one.txt", Weight: 1}}, []int{3, 3, 3, 1}},
		{"one given: it counts beside the bodies", []Source{{Path: "dir"}, {Path: "one.txt", Weight: 3}}, []int{1, 1, 1, 3}},
		{"lines of a source without a weight", []Source{{Path: "lines.jsonl"}, {Path: "one.txt"}}, []int{3, 1, 1}},
		{"lines of a source with a weight", []Source{{Path: "lines.jsonl", Weight: 1}, {Path: "one.txt"}}, []int{3, 1, 4}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			corpus := load(t, Options{Sources: test.sources, Seed: 4})
			size := uint64(corpus.Describe().DeckSize)
			for deal := range uint64(3) {
				got := make([]int, len(corpus.Bodies()))
				for k := deal * size; k < (deal+1)*size; k++ {
					index, content := corpus.Body(k, nil)
					if content != nil {
						t.Fatalf("Body(%d) renders a fixed body", k)
					}
					got[index]++
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("deal %d (-want +got):\n%s", deal, diff)
				}
			}
		})
	}
}

func TestBodyIsPureAndConcurrent(t *testing.T) {
	lines := "{\"body\": \"{{uuid}} {{randInt 1 9}}\", \"weight\": 2}\n\"fixed\"\n{\"body\": \"{{seq}}\"}\n"
	open := func(seed uint64) *Corpus {
		return load(t, Options{Sources: []Source{{Path: "-", Format: FormatJSONL}}, Stdin: strings.NewReader(lines), Seed: seed})
	}
	type request struct {
		index   int
		content string
	}
	const requests = 2000
	corpus, same, other := open(11), open(11), open(12)
	var want [requests]request
	differs := false
	for k := range want {
		index, content := corpus.Body(uint64(k), nil)
		want[k] = request{index, string(content)}
		if index, content := same.Body(uint64(k), nil); want[k] != (request{index, string(content)}) {
			t.Fatalf("Body(%d) of one seed = %d %q and %+v, want the same", k, index, content, want[k])
		}
		index, content = other.Body(uint64(k), nil)
		differs = differs || want[k] != request{index, string(content)}
		if (content != nil) != corpus.Bodies()[index].Templated {
			t.Fatalf("Body(%d) = %d %q: want content exactly for a template", k, index, content)
		}
	}
	if !differs {
		t.Error("seeds 11 and 12 give the same requests, want others")
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			var scratch []byte
			for k := requests - 1; k >= 0; k-- {
				index, content := corpus.Body(uint64(k), scratch)
				if got := (request{index, string(content)}); got != want[k] {
					t.Errorf("Body(%d) among others = %+v, want %+v", k, got, want[k])
					return
				}
				if content != nil {
					scratch = content
				}
			}
		})
	}
	wait.Wait()
}

func TestBodyDoesNotAllocate(t *testing.T) {
	lines := "{\"body\": \"{{uuid}} {{randInt 1 9}} {{randFloat 0 1}}\", \"weight\": 2}\n\"fixed\"\n{\"body\": \"{{seq}} {{pick a b}}\"}\n"
	corpus := load(t, Options{Sources: []Source{{Path: "-", Format: FormatJSONL}}, Stdin: strings.NewReader(lines)})
	scratch := make([]byte, 0, 128)
	k := uint64(0)
	allocations := testing.AllocsPerRun(1000, func() {
		corpus.Body(k, scratch)
		k++
	})
	if allocations != 0 {
		t.Errorf("Body with enough scratch allocates %v times a request, want 0", allocations)
	}
}

func TestBodyUsesScratch(t *testing.T) {
	corpus := load(t, Options{Sources: []Source{{Path: "-"}}, Stdin: strings.NewReader("k={{seq}}")})
	scratch := bytes.Repeat([]byte("x"), 64)
	_, content := corpus.Body(math.MaxUint64, scratch)
	if want := "k=18446744073709551615"; string(content) != want || &content[0] != &scratch[0] {
		t.Errorf("Body(max, scratch) = %q, want %q in scratch's memory", content, want)
	}
	if _, content := corpus.Body(3, make([]byte, 1)); string(content) != "k=3" {
		t.Errorf("Body(3) with one byte of scratch = %q, want k=3", content)
	}
}

func TestEmpty(t *testing.T) {
	corpus := Empty("text/csv")
	want := []Body{{Name: "empty", ContentType: "text/csv", Weight: 1}}
	if diff := cmp.Diff(want, corpus.Bodies()); diff != "" {
		t.Errorf("Empty(text/csv).Bodies() (-want +got):\n%s", diff)
	}
	for _, k := range []uint64{0, 1, math.MaxUint64} {
		if index, content := corpus.Body(k, make([]byte, 9)); index != 0 || content != nil {
			t.Errorf("Body(%d) = %d, %q, want 0, nil", k, index, content)
		}
	}
	got := corpus.Describe()
	if got.Bodies != 1 || got.Bytes != 0 || got.DeckSize != 1 || len(got.Sources) != 1 || got.Sources[0].Kind != "empty" || got.Sources[0].Share != 1 {
		t.Errorf("Empty(text/csv).Describe() = %+v, want one empty body", got)
	}
}

func TestDescribe(t *testing.T) {
	t.Chdir(write(t, map[string]string{
		"a.csv":         "1,2\n",
		"dir/b.txt":     "{{uuid}}",
		"dir/c.txt":     "{{name}}",
		"lines.jsonl":   "[1]\n[2]\n",
		"pattern/x.bin": "\x00",
	}))
	corpus := load(t, Options{
		Sources: []Source{{Path: "a.csv", Weight: 4}, {Path: "dir"}, {Path: "lines.jsonl"}, {Path: "@pattern/*"}, {Path: "-"}},
		Stdin:   strings.NewReader("in"),
		Seed:    8,
	})
	got := corpus.Describe()
	want := Summary{
		Bodies: 7, Bytes: 29, SHA256: got.SHA256, Templated: 1, Braces: 1, DeckSize: 10, Seed: 8,
		Sources: []SourceSummary{
			{Path: "a.csv", Kind: "file", Bodies: 1, Bytes: 4, Share: 0.4},
			{Path: "dir", Kind: "directory", Bodies: 2, Bytes: 16, Share: 0.2},
			{Path: "lines.jsonl", Kind: "jsonl", Bodies: 2, Bytes: 6, Share: 0.2},
			{Path: "@pattern/*", Kind: "pattern", Bodies: 1, Bytes: 1, Share: 0.1},
			{Path: "-", Kind: "stdin", Bodies: 1, Bytes: 2, Share: 0.1},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Describe() (-want +got):\n%s", diff)
	}
}

// The digest changes with all that decides what is sent, and with nothing else.
func TestDigest(t *testing.T) {
	digest := func(source, lines string, opts Options) string {
		t.Helper()
		parsed, err := ParseSource(source)
		if err != nil {
			t.Fatal(err)
		}
		opts.Sources, opts.Stdin = []Source{parsed}, strings.NewReader(lines)
		return load(t, opts).Describe().SHA256
	}
	const lines = "[1]\n[2]\n"
	base := digest("-;format=jsonl", lines, Options{})
	// Made with Python: hashlib.sha256 over struct.pack(">Q", …) of the layout
	// in docs/formats/payloads.md.
	if want := "2eabc0f001f85c1f8a0dcc23c9ee2cbc0eb4bf594f6052a54599b605383826e6"; base != want {
		t.Errorf("the digest of two lines is %s, want %s", base, want)
	}
	for name, got := range map[string]string{
		"a seed":             digest("-;format=jsonl", lines, Options{Seed: 5}),
		"a blank line":       digest("-;format=jsonl", "[1]\n\n[2]\n", Options{}),
		"weights that agree": digest("-;format=jsonl;weight=7", lines, Options{}),
	} {
		if got != base {
			t.Errorf("%s changes the digest, want it to stay", name)
		}
	}
	seen := map[string]string{base: "nothing"}
	for name, got := range map[string]string{
		"the content":      digest("-;format=jsonl", "[1]\n[3]\n", Options{}),
		"the order":        digest("-;format=jsonl", "[2]\n[1]\n", Options{}),
		"the border":       digest("-;format=body", "[1][2]", Options{}),
		"the content type": digest("-;format=jsonl;type=text/csv", lines, Options{}),
		"the accept":       digest("-;format=jsonl;accept=text/csv", lines, Options{}),
		"a weight":         digest("-;format=jsonl", "[1]\n{\"body_json\": [2], \"weight\": 2}\n", Options{}),
		"a template":       digest("-;format=jsonl", "[1]\n[{{seq}}]\n", Options{}),
		"no template":      digest("-;format=body", "[{{seq}}]", Options{Templates: TemplatesNever}),
		"its template":     digest("-;format=body", "[{{seq}}]", Options{}),
	} {
		if other, ok := seen[got]; ok {
			t.Errorf("changing %s gives the digest of changing %s, want another", name, other)
		}
		seen[got] = name
	}
}
