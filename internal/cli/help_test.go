package cli

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite the files that tests compare with")

// TestCommandsPageIsTheHelp keeps docs/commands.md the help of every command.
func TestCommandsPageIsTheHelp(t *testing.T) {
	const file = "../../docs/commands.md"
	var page bytes.Buffer
	page.WriteString("# Commands\n\nThis page is the programs' own help, made by `go test ./internal/cli -run TestCommandsPage -update`.\n")
	root := newRoot(Env{Stdin: strings.NewReader(""), Stdout: &page, Stderr: &page, Getenv: func(string) string { return "" }})
	root.InitDefaultHelpFlag()
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		page.WriteString("\n## " + cmd.CommandPath() + "\n\n```\n")
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		page.WriteString("```\n")
	}
	text := strings.ReplaceAll(page.String(), "\t", "    ")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s is not the help of the commands; run go test ./internal/cli -run TestCommandsPage -update", file)
	}
}
