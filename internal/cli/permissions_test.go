package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"plimsoll/diagnosis"
)

// TestPermissionsPageIsTheTable keeps docs/permissions.md what doctor prints: both are made
// from the one table in package diagnosis.
func TestPermissionsPageIsTheTable(t *testing.T) {
	const file = "../../docs/permissions.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var printed, said bytes.Buffer
	env := Env{Args: []string{"doctor", "--policy", "--config", ""}, Stdin: strings.NewReader(""), Stdout: &printed, Stderr: &said, Getenv: func(string) string { return "" }}
	if code := Main(env); code != exitOK {
		t.Fatalf("plimsoll doctor --policy ended with %d: %s", code, said.String())
	}
	text := between(between(string(page), "<!-- table -->\n", diagnosis.Table(), "<!-- end -->"), "```json\n", printed.String(), "```")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != string(page) {
		t.Errorf("%s is not what doctor prints; run go test ./internal/cli -run TestPermissionsPage -update", file)
	}
}

// between replaces what stands between two marks, or adds both where they are missing.
func between(text, from, inner, to string) string {
	before, rest, found := strings.Cut(text, from)
	_, after, closed := strings.Cut(rest, to)
	if !found || !closed {
		return text + from + inner + to + "\n"
	}
	return before + from + inner + to + after
}
