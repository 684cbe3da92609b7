package payload

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// page is the description of the format.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/formats/payloads.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks are the fenced examples of a kind, each without its fences.
func blocks(t *testing.T, kind string) []string {
	t.Helper()
	var found []string
	for _, match := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(page(t), -1) {
		found = append(found, match[1])
	}
	if len(found) == 0 {
		t.Fatalf("the page has no %s example", kind)
	}
	return found
}

func lines(block string) []string { return strings.Split(strings.TrimSuffix(block, "\n"), "\n") }

func TestPageSourcesParse(t *testing.T) {
	for _, block := range blocks(t, "source") {
		for _, example := range lines(block) {
			if _, err := ParseSource(example); err != nil {
				t.Errorf("the page's source %q: %v", example, err)
			}
		}
	}
}

func TestPageLinesLoad(t *testing.T) {
	for _, block := range blocks(t, "jsonl") {
		corpus, err := Load(Options{Sources: []Source{{Path: "-", Format: FormatJSONL}}, Stdin: strings.NewReader(block)})
		if err != nil {
			t.Errorf("the page's lines\n%s%v", block, err)
			continue
		}
		if got, want := len(corpus.Bodies()), len(lines(block)); got != want {
			t.Errorf("the page's lines\n%sgive %d bodies, want %d", block, got, want)
		}
		for _, body := range corpus.Bodies() {
			if strings.Contains(string(body.Content), "{{") && !body.Templated {
				t.Errorf("the page's body %q is no template, want one", body.Content)
			}
		}
	}
}

func TestPageTemplatesRender(t *testing.T) {
	for _, block := range blocks(t, "template") {
		for _, example := range lines(block) {
			parsed, err := parseTemplate([]byte(example), TemplatesAuto)
			if err != nil || parsed == nil {
				t.Errorf("the page's template %q = %v, %v, want a template", example, parsed, err)
				continue
			}
			if got := parsed.render(nil, 1, 7); strings.HasPrefix(example, "{") && !json.Valid(got) {
				t.Errorf("the page's template %q renders %s, want JSON", example, got)
			}
		}
	}
}

func TestPageFunctionsAreTheParsers(t *testing.T) {
	calls := regexp.MustCompile("(?m)^\\| `\\{\\{(\\w+)").FindAllStringSubmatch(page(t), -1)
	if got, want := len(calls), len(strings.Split(functionNames, " "))-1; got != want { // less the word "and"
		t.Errorf("the page's table has %d functions, want %d", got, want)
	}
	for _, call := range calls {
		if !strings.Contains(functionNames, call[1]) {
			t.Errorf("the page has function %s, which is not among %s", call[1], functionNames)
		}
	}
}

func TestPageContentTypes(t *testing.T) {
	row := regexp.MustCompile("^\\| ((?:`\\.\\w+`(?:, )?)+) \\| `([^`]+)`")
	extensions := 0
	scanner := bufio.NewScanner(strings.NewReader(page(t)))
	for scanner.Scan() {
		match := row.FindStringSubmatch(scanner.Text())
		if match == nil {
			continue
		}
		for extension := range strings.SplitSeq(strings.ReplaceAll(match[1], "`", ""), ", ") {
			extensions++
			for _, path := range []string{"a" + extension, "b/A" + strings.ToUpper(extension)} {
				if got := guessType(path); got != match[2] {
					t.Errorf("guessType(%q) = %s, the page says %s", path, got, match[2])
				}
			}
		}
	}
	if extensions != 15 {
		t.Errorf("the page's table has %d extensions, want 15", extensions)
	}
	if got := guessType("a.gz"); got != typeBinary {
		t.Errorf("guessType(a.gz) = %s, want %s", got, typeBinary)
	}
}

func TestPageErrors(t *testing.T) {
	var want []string
	for _, block := range blocks(t, "error") {
		want = append(want, lines(block)...)
	}
	t.Chdir(write(t, map[string]string{"requests.jsonl": "1\n2\n\"\xff\"\n", "big.bin": ""}))
	if err := os.Truncate("big.bin", DefaultMaxBody+1); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, path := range []string{"none.csv", "requests.jsonl", "big.bin"} {
		_, err := Load(Options{Sources: []Source{{Path: path}}})
		if err == nil {
			t.Fatalf("Load(%s) succeeds, want the page's error", path)
		}
		got = append(got, err.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the page's errors (-want +got):\n%s", diff)
	}
}
