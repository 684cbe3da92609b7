package payload

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// line is what one line of JSON Lines says. Empty headers and weight 0 are not
// given.
type line struct {
	content     []byte
	contentType string
	accept      string
	weight      float64
	binary      bool // came as body_base64
}

// parseLine reads a line that is not blank. Its content may share the line's
// memory.
func parseLine(raw []byte, mode Templates, seed uint64) (line, error) {
	if bytes.HasPrefix(raw, []byte("\ufeff")) {
		return line{}, errors.New("it begins with a byte order mark; save the file as UTF-8 without one")
	}
	if !utf8.Valid(raw) {
		return line{}, errors.New("it is not UTF-8; save the file as UTF-8, or give binary bodies as body_base64")
	}
	// Unmarshalling, unlike json.Valid, says what is wrong and where.
	var value json.RawMessage
	if err := json.Unmarshal(raw, &value); err != nil {
		return line{content: raw}, checkRendered(raw, err, mode, seed)
	}
	// What is no object does not fit the map, and is a body.
	var fields map[string]json.RawMessage
	isObject := json.Unmarshal(raw, &fields) == nil
	if !isObject || !isWrapped(fields) {
		return line{content: raw}, nil
	}
	return unwrap(fields)
}

// checkRendered accepts a line that is JSON only when its templates are
// rendered, such as {"n": {{randInt 1 9}}}.
func checkRendered(raw []byte, invalid error, mode Templates, seed uint64) error {
	t, err := parseTemplate(raw, mode)
	if err != nil {
		return err
	}
	if t != nil && json.Valid(t.render(nil, seed, 0)) {
		return nil
	}
	at := int64(len(raw))
	if syntax, ok := errors.AsType[*json.SyntaxError](invalid); ok {
		at = syntax.Offset
	}
	return fmt.Errorf("it is not JSON: %w at byte %d; put each body on one line, or add ;format=body to send the file as one body", invalid, at)
}

// isWrapped reports whether an object has a body and nothing beside it but what
// the wrapped form has. Any other object is a body itself.
func isWrapped(fields map[string]json.RawMessage) bool {
	bodies := 0
	for name := range fields {
		switch name {
		case "body", "body_base64", "body_json":
			bodies++
		case "content_type", "accept", "weight":
		default:
			return false
		}
	}
	return bodies > 0
}

// unwrap reads the wrapped form.
func unwrap(fields map[string]json.RawMessage) (line, error) {
	var l line
	bodies := 0
	for _, name := range []string{"body", "body_base64", "body_json"} {
		value, given := fields[name]
		if !given {
			continue
		}
		bodies++
		var err error
		if l.content, err = decodeBody(name, value); err != nil {
			return line{}, err
		}
		l.binary = name == "body_base64"
	}
	if bodies > 1 {
		return line{}, errors.New("it has more than one of body, body_base64 and body_json; give one, or wrap the whole object in body_json if it is the body")
	}
	if err := decode(fields, "content_type", "a string", &l.contentType); err != nil {
		return line{}, err
	}
	if err := decode(fields, "accept", "a string", &l.accept); err != nil {
		return line{}, err
	}
	var weight *float64
	if err := decode(fields, "weight", "a number above 0", &weight); err != nil {
		return line{}, err
	}
	if weight != nil {
		l.weight = *weight
		if err := checkWeight(l.weight); err != nil {
			return line{}, err
		}
	}
	return l, checkHeaders(l.contentType, l.accept)
}

func decodeBody(name string, value json.RawMessage) ([]byte, error) {
	if name == "body_json" {
		return value, nil
	}
	var content *string
	if err := json.Unmarshal(value, &content); err != nil || content == nil {
		return nil, fmt.Errorf("%s is not a string; give JSON as body_json, also when the whole object is the body: {\"body_json\": {\"%s\": …}}", name, name)
	}
	if name == "body" {
		return []byte(*content), nil
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(*content)
	if err != nil {
		return nil, fmt.Errorf("body_base64 cannot be decoded: %w; give standard base64 with padding (RFC 4648, section 4)", err)
	}
	return decoded, nil
}

// decode reads an optional field; null is not given.
func decode(fields map[string]json.RawMessage, name, want string, into any) error {
	value, given := fields[name]
	if !given {
		return nil
	}
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("%s is %.40s; give %s or leave it out", name, value, want)
	}
	return nil
}

// lineReader reads lines of bounded length.
type lineReader struct {
	in     *bufio.Reader
	limit  int64
	number int // of the last line read, from 1
	over   bool
}

// next reads a line without its end into fresh memory. The error is io.EOF after
// the last line. A line longer than the limit sets over and is cut.
func (r *lineReader) next() ([]byte, error) {
	var got []byte
	r.number++
	for {
		part, err := r.in.ReadSlice('\n')
		got = append(got, part...)
		switch {
		case int64(len(got)) > r.limit+2:
			r.over = true
			return got, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(got) > 0, err == nil:
			return bytes.TrimSuffix(bytes.TrimSuffix(got, []byte("\n")), []byte("\r")), nil
		default:
			return nil, err
		}
	}
}
