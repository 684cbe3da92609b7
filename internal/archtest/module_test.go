package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// modulePath begins the import path of every package of the module.
const modulePath = "plimsoll/"

// source is one Go file of the module.
type source struct {
	name  string // slash-separated, from the root of the module
	dir   string // the package, by its folder
	test  bool
	lines int
	file  *ast.File
}

// imports are the import paths of the file.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// readModule parses every Go file of the module, whatever its build
// constraints. It reads the sources itself: a child process would hide its
// inputs from the test cache, and a violation could pass as "ok (cached)".
func readModule(t *testing.T) []source {
	t.Helper()
	var sources []source
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && ignored(root, name):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		sources = append(sources, source{
			name: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			lines: strings.Count(string(text), "\n"), file: file,
		})
		return nil
	})
	if err != nil {
		t.Fatalf("reading the module's sources: %v", err)
	}
	if len(sources) == 0 {
		t.Fatal("reading the module's sources: found none")
	}
	return sources
}

// ignored are the folders that the go command does not take for packages of
// this module.
func ignored(root fs.FS, dir string) bool {
	if dir == "." {
		return false
	}
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil // a module of its own
}

// packages groups sources by folder.
func packages(sources []source) map[string][]source {
	byDir := map[string][]source{}
	for _, s := range sources {
		byDir[s.dir] = append(byDir[s.dir], s)
	}
	return byDir
}

// under says whether a folder is one of roots or lies below one.
func under(dir string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return dir == root || strings.HasPrefix(dir, root+"/")
	})
}

// public says whether other modules may import a folder's package to use it.
func public(dir string) bool { return !internal(dir) && !under(dir, "cmd", "examples", "bench") }

// internal says that a folder, or one that it lies in, is named so.
func internal(dir string) bool { return slices.Contains(strings.Split(dir, "/"), "internal") }
