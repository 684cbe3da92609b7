package archtest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// readDoc is a page of the documentation.
func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestArchitectureNamesEveryPackage(t *testing.T) {
	page := readDoc(t, "architecture.md")
	for dir := range floors() {
		if !strings.Contains(page, "`"+dir+"`") {
			t.Errorf("docs/architecture.md does not name `%s`", dir)
		}
	}
}

func TestDependenciesAreExplained(t *testing.T) {
	page := readDoc(t, "dependencies.md")
	modules := slices.Clone(forTests())
	for _, h := range homes() {
		modules = append(modules, h.module)
	}
	for _, m := range modules {
		if !strings.Contains(page, "| `"+m+"` |") {
			t.Errorf("docs/dependencies.md has no row for %s", m)
		}
	}
}
