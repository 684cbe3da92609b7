package archtest

import (
	"go/ast"
	"go/doc"
	"strings"
	"testing"
)

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for dir, sources := range packages(readModule(t)) {
		documented := 0
		for _, s := range sources {
			if s.test || s.file.Doc == nil {
				continue
			}
			documented++
			want := "Package " + s.file.Name.Name + " "
			if s.file.Name.Name == "main" {
				want = "Command "
			}
			if !strings.HasPrefix(s.file.Doc.Text(), want) {
				t.Errorf("%s: the package comment does not begin with %q", s.name, want)
			}
		}
		if documented != 1 && !onlyTests(sources) {
			t.Errorf("%s: has %d package comments, want one", dir, documented)
		}
	}
}

func onlyTests(sources []source) bool {
	for _, s := range sources {
		if !s.test {
			return false
		}
	}
	return true
}

func TestEveryPublicPackageHasAnExample(t *testing.T) {
	for dir, sources := range packages(readModule(t)) {
		if !public(dir) || onlyTests(sources) {
			continue
		}
		var outside []*ast.File
		for _, s := range sources {
			if s.test && strings.HasSuffix(s.file.Name.Name, "_test") {
				outside = append(outside, s.file)
			}
		}
		checked := 0
		for _, e := range doc.Examples(outside...) {
			if e.Output != "" {
				checked++
			}
		}
		if checked == 0 {
			t.Errorf("%s: has no Example with an Output comment in an external test package", dir)
		}
	}
}

// longest is where a file has become hard to read from top to bottom.
const longest = 600

func TestNoFileIsTooLong(t *testing.T) {
	for _, s := range readModule(t) {
		if !s.test && s.lines > longest && !ast.IsGenerated(s.file) {
			t.Errorf("%s: has %d lines, more than %d; split it by what its parts are for", s.name, s.lines, longest)
		}
	}
}
