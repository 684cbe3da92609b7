package payload

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// stdinPath is the path that means standard input.
const stdinPath = "-"

// Source is one place that bodies come from.
type Source struct {
	// Path is a file; a directory, for every regular file directly in it, in
	// order of name, hidden ones left out; @ and a pattern as in
	// [path/filepath.Match], for every regular file that matches; or - for
	// standard input. A file called - or beginning with @ is reached by ./.
	Path string
	// ContentType and Accept are the headers of the source's bodies. Empty takes
	// those of Options.
	ContentType string
	Accept      string
	// Weight is the source's weight in the mix, shared out among its bodies.
	// Zero is not given: the source then counts the weights of its bodies, which
	// are 1 each unless its lines say otherwise.
	Weight float64
	// Format says how to read the source's files. Zero is FormatAuto.
	Format Format
}

// Format says how many bodies a file holds.
type Format uint8

// The formats of a source.
const (
	FormatAuto  Format = iota // by extension: .jsonl and .ndjson are FormatJSONL, others FormatBody
	FormatBody                // the whole file is one body
	FormatJSONL               // JSON Lines: one body a line
)

// String is the word that ParseSource reads.
func (f Format) String() string {
	switch f {
	case FormatAuto:
		return "auto"
	case FormatBody:
		return "body"
	case FormatJSONL:
		return "jsonl"
	default:
		return fmt.Sprintf("format(%d)", uint8(f))
	}
}

// ParseSource reads a path and its attributes, separated by semicolons:
//
//	iris.csv;type=text/csv;accept=application/json;weight=3
//	-;format=jsonl
//
// A path or value that holds a semicolon stands in double quotes.
func ParseSource(text string) (Source, error) {
	fields, err := splitFields(text)
	if err != nil {
		return Source{}, fmt.Errorf("payload %s: %w", text, err)
	}
	source := Source{Path: unquote(fields[0])}
	seen := map[string]bool{}
	for _, field := range fields[1:] {
		name, value, ok := strings.Cut(field, "=")
		name, value = strings.TrimSpace(name), unquote(strings.TrimSpace(value))
		switch {
		case !ok:
			err = fmt.Errorf("attribute %q is not of the form name=value; %s", field, attributeHelp)
		case seen[name]:
			err = fmt.Errorf("attribute %s is given twice; give it once", name)
		case value == "":
			err = fmt.Errorf("attribute %s is empty; give a value or leave it out", name)
		default:
			err = source.set(name, value)
		}
		if err != nil {
			return Source{}, fmt.Errorf("payload %s: %w", text, err)
		}
		seen[name] = true
	}
	if err := source.Validate(); err != nil {
		return Source{}, err
	}
	return source, nil
}

// attributeHelp is the remedy for an attribute that cannot be read.
const attributeHelp = `the attributes are type, accept, weight and format; a value or path with ; in it stands in double quotes`

func (s *Source) set(name, value string) error {
	switch name {
	case "type":
		s.ContentType = value
	case "accept":
		s.Accept = value
	case "format":
		for _, format := range []Format{FormatAuto, FormatBody, FormatJSONL} {
			if value == format.String() {
				s.Format = format
				return nil
			}
		}
		return fmt.Errorf("format %q: give auto, body or jsonl", value)
	case "weight":
		weight, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("weight %q is not a number; give one above 0", value)
		}
		s.Weight = weight
		return checkWeight(weight)
	default:
		return fmt.Errorf("unknown attribute %q; %s", name, attributeHelp)
	}
	return nil
}

// Validate reports every problem of the source that shows without reading it.
func (s Source) Validate() error {
	var problems []error
	report := func(err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("payload %s: %w", s.Path, err))
		}
	}
	if strings.TrimPrefix(s.Path, "@") == "" {
		report(errors.New("the path is empty; give a file, a directory, @pattern or - for standard input"))
	}
	if strings.ContainsRune(s.Path, 0) {
		report(errors.New("the path holds a zero byte; give a file, a directory, @pattern or - for standard input"))
	}
	if s.Weight != 0 {
		report(checkWeight(s.Weight))
	}
	if s.Format > FormatJSONL {
		report(fmt.Errorf("%v is no format; give auto, body or jsonl", s.Format))
	}
	report(checkHeaders(s.ContentType, s.Accept))
	return errors.Join(problems...)
}

// splitFields splits at the semicolons that are outside double quotes.
func splitFields(text string) ([]string, error) {
	var fields []string
	start, quoted := 0, false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ';' && !quoted:
			fields = append(fields, text[start:i])
			start = i + 1
		}
	}
	if quoted {
		return nil, errors.New("a double quote is not closed; close it")
	}
	return append(fields, text[start:]), nil
}

// unquote takes off the double quotes around a whole value.
func unquote(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}
