package payload

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stdinName is what standard input is called in names and messages.
const stdinName = "standard input"

// bodyOverhead is what a body takes in memory beside its content, in bytes.
const bodyOverhead = 256

// accessHelp is the remedy for a path that cannot be read.
const accessHelp = "check the path and its permissions"

// Load reads the sources and makes the corpus. It returns the first problem that
// it meets, as one line with the file, the line number where there is one, and
// the remedy; problems of the options themselves come all together.
func Load(opts Options) (*Corpus, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	l := loader{
		opts:     opts,
		maxBody:  cmp.Or(opts.MaxBody, DefaultMaxBody),
		maxTotal: cmp.Or(opts.MaxTotal, DefaultMaxTotal),
	}
	for _, source := range opts.Sources {
		if err := l.source(source); err != nil {
			return nil, err
		}
	}
	return newCorpus(l.bodies, l.templates, l.sources, opts.Seed)
}

type loader struct {
	opts              Options
	maxBody, maxTotal int64
	total             int64
	bodies            []Body
	templates         []*template // of each body, nil for a fixed one
	sources           []sourceBodies
}

// sourceBodies is a source and how many bodies came from it.
type sourceBodies struct {
	path, kind string
	bodies     int
}

// source loads one source and settles the weights of its bodies.
func (l *loader) source(s Source) error {
	before := len(l.bodies)
	kind, err := l.read(s)
	if err != nil {
		return err
	}
	l.sources = append(l.sources, sourceBodies{path: s.Path, kind: kind, bodies: len(l.bodies) - before})
	if s.Weight > 0 {
		shareOut(l.bodies[before:], s.Weight)
	}
	return nil
}

// shareOut scales the weights of bodies to a sum.
func shareOut(bodies []Body, sum float64) {
	weights := make([]float64, len(bodies))
	for i := range bodies {
		weights[i] = bodies[i].Weight
	}
	for i, share := range normalize(weights) {
		bodies[i].Weight = share * sum
	}
}

// read loads the bodies of one source and says what kind of source it is.
func (l *loader) read(s Source) (kind string, err error) {
	if s.Path == stdinPath {
		return "stdin", l.stream(stdinName, l.opts.Stdin, -1, s)
	}
	if pattern, ok := strings.CutPrefix(s.Path, "@"); ok {
		return "pattern", l.pattern(pattern, s)
	}
	info, err := os.Stat(s.Path)
	switch {
	case err != nil:
		return "", accessError(s.Path, err)
	case info.IsDir():
		return "directory", l.directory(s)
	case l.format(s.Path, s) == FormatJSONL:
		return "jsonl", l.file(s.Path, s)
	default:
		return "file", l.file(s.Path, s)
	}
}

func (l *loader) directory(s Source) error {
	entries, err := os.ReadDir(s.Path) // in order of name
	if err != nil {
		return accessError(s.Path, err)
	}
	var paths []string
	for _, entry := range entries {
		if !hidden(entry.Name()) {
			paths = append(paths, filepath.Join(s.Path, entry.Name()))
		}
	}
	read, err := l.regular(paths, s)
	if err == nil && read == 0 {
		return fmt.Errorf("payload %s: the directory has no files; hidden files and subdirectories are not read, give those by path or @pattern", s.Path)
	}
	return err
}

func (l *loader) pattern(pattern string, s Source) error {
	matches, err := filepath.Glob(pattern) // in order of name
	if err != nil {
		return fmt.Errorf("payload %s: reading the pattern: %w; see filepath.Match for its syntax", s.Path, err)
	}
	var paths []string
	for _, path := range matches {
		if !hidden(filepath.Base(path)) || hidden(filepath.Base(pattern)) {
			paths = append(paths, path)
		}
	}
	read, err := l.regular(paths, s)
	if err == nil && read == 0 {
		return fmt.Errorf("payload %s: no file matches the pattern; check it, and quote it if a shell expands it", s.Path)
	}
	return err
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// regular loads those paths that are regular files, and links to such, and
// counts them.
func (l *loader) regular(paths []string, s Source) (read int, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return read, accessError(path, err)
		}
		if !info.Mode().IsRegular() {
			continue
		}
		if err := l.file(path, s); err != nil {
			return read, err
		}
		read++
	}
	return read, nil
}

func (l *loader) file(path string, s Source) error {
	f, err := os.Open(path)
	if err != nil {
		return accessError(path, err)
	}
	defer func() { _ = f.Close() }() // only read: nothing to lose
	size := int64(-1)
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return l.stream(path, f, size, s)
}

// stream loads the bodies of one file; size is -1 where it is not known.
func (l *loader) stream(name string, in io.Reader, size int64, s Source) error {
	if l.format(name, s) == FormatJSONL {
		return l.lines(name, in, s)
	}
	if size > l.maxBody {
		return l.tooLarge(name, fmt.Sprintf("%d bytes are", size))
	}
	// One byte more than allowed shows that there is more.
	content, err := io.ReadAll(io.LimitReader(in, l.maxBody+1))
	if err != nil {
		return accessError(name, err)
	}
	if int64(len(content)) > l.maxBody {
		return l.tooLarge(name, fmt.Sprintf("more than %d bytes are", l.maxBody))
	}
	contentType := cmp.Or(s.ContentType, l.opts.ContentType, guessType(name))
	return l.add(name, line{content: content, contentType: contentType, accept: s.Accept, weight: 1})
}

func (l *loader) format(name string, s Source) Format {
	switch {
	case s.Format != FormatAuto:
		return s.Format
	case name == stdinName && describesLines(cmp.Or(s.ContentType, l.opts.ContentType)), name != stdinName && isLines(name):
		return FormatJSONL
	default:
		return FormatBody
	}
}

// lines loads a file of JSON Lines.
func (l *loader) lines(name string, in io.Reader, s Source) error {
	given := cmp.Or(s.ContentType, l.opts.ContentType)
	if describesLines(given) {
		given = "" // it is said of the file, not of its lines
	}
	// An escape in a JSON string takes six bytes at most for one of the body.
	r := lineReader{in: bufio.NewReaderSize(in, 64<<10), limit: 6*l.maxBody + 4<<10}
	before := len(l.bodies)
	for {
		raw, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return accessError(name, err)
		}
		if r.over {
			return l.tooLarge(fmt.Sprintf("%s line %d", name, r.number), fmt.Sprintf("a line of more than %d bytes is", r.limit))
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		if err := l.line(name, r.number, raw, given, s.Accept); err != nil {
			return err
		}
	}
	if len(l.bodies) == before {
		return fmt.Errorf("payload %s: there is no line with a body; give one JSON value a line", name)
	}
	return nil
}

func (l *loader) line(name string, number int, raw []byte, contentType, accept string) error {
	where := fmt.Sprintf("%s line %d", name, number)
	body, err := parseLine(raw, l.opts.Templates, l.opts.Seed)
	if err != nil {
		return fmt.Errorf("payload %s: %w", where, err)
	}
	natural := typeJSON
	if body.binary {
		natural = typeBinary
	}
	body.contentType = cmp.Or(body.contentType, contentType, natural)
	body.accept = cmp.Or(body.accept, accept)
	body.weight = cmp.Or(body.weight, 1)
	return l.add(where, body)
}

// add checks one body and puts it into the corpus.
func (l *loader) add(name string, b line) error {
	t, err := parseTemplate(b.content, l.opts.Templates)
	if err != nil {
		return fmt.Errorf("payload %s: %w", name, err)
	}
	size := int64(len(b.content))
	if t != nil {
		size = int64(t.longest)
		if text, ok := t.fixed(); ok {
			b.content, t = text, nil
		}
	}
	switch {
	case size == 0 && !l.opts.AllowEmpty:
		return fmt.Errorf("payload %s: the body is empty; give one with content (or none at all with --method GET)", name)
	case size > l.maxBody:
		return l.tooLarge(name, fmt.Sprintf("%d bytes are", size))
	}
	l.total += int64(len(b.content)) + bodyOverhead
	if l.total > l.maxTotal {
		return fmt.Errorf("payload %s: the bodies up to here take %d bytes of memory, over the limit of %d for all together; give fewer or smaller ones", name, l.total, l.maxTotal)
	}
	l.templates = append(l.templates, t)
	l.bodies = append(l.bodies, Body{
		Name: name, Content: b.content, ContentType: b.contentType, Accept: cmp.Or(b.accept, l.opts.Accept),
		Weight: b.weight, Templated: t != nil,
	})
	return nil
}

func (l *loader) tooLarge(name, size string) error {
	return fmt.Errorf("payload %s: %s over the limit of %d for one body; send less, or raise --max-body if the endpoint takes more", name, size, l.maxBody)
}

// accessError says why something cannot be read, without the operation and path
// that a PathError repeats.
func accessError(name string, err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return fmt.Errorf("payload %s: %w; %s", name, err, accessHelp)
}
