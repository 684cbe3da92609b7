package httptarget

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// jsonPath is the way from a JSON value to one within it.
type jsonPath []jsonStep

// jsonStep is into the member of an object or, without a name, into an element of
// an array.
type jsonStep struct {
	name  string
	named bool
	index int // anyElement for each
}

const anyElement = -1

var errPathEmpty = errors.New("the path names no key")

// parseJSONPath reads a path up to its end or to the "=" behind it, and gives the
// rest. The $ of JSONPath and the point of jq may stand in front.
func parseJSONPath(text string) (path jsonPath, rest string, err error) {
	rest = strings.TrimPrefix(text, "$")
	for rest != "" && rest[0] != '=' {
		var step jsonStep
		if rest[0] == '[' {
			step, rest, err = parseBracket(rest)
		} else {
			step, rest, err = parseName(strings.TrimPrefix(rest, "."))
		}
		if err != nil {
			return nil, "", err
		}
		path = append(path, step)
	}
	if len(path) == 0 {
		return nil, "", errPathEmpty
	}
	return path, rest, nil
}

func parseName(text string) (step jsonStep, rest string, err error) {
	end := strings.IndexAny(text, ".[]=")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return step, "", errors.New("the path has an empty name")
	}
	return jsonStep{name: text[:end], named: true}, text[end:], nil
}

// parseBracket reads [3], [*] or ["a name"].
func parseBracket(text string) (step jsonStep, rest string, err error) {
	if quoted, err := strconv.QuotedPrefix(text[1:]); err == nil && quoted[0] == '"' {
		rest, closed := strings.CutPrefix(text[1+len(quoted):], "]")
		name, err := strconv.Unquote(quoted)
		if err != nil || !closed {
			return step, "", errors.New(`the path has a [ without its ]`)
		}
		return jsonStep{name: name, named: true}, rest, nil
	}
	inside, rest, closed := strings.Cut(text[1:], "]")
	if !closed {
		return step, "", errors.New(`the path has a [ without its ]`)
	}
	if inside == "*" {
		return jsonStep{index: anyElement}, rest, nil
	}
	n, err := strconv.Atoi(inside)
	if err != nil || n < 0 {
		return step, "", fmt.Errorf(`[%s] in the path is neither an index, [*] nor ["a name"]`, inside)
	}
	return jsonStep{index: n}, rest, nil
}

// find gives the first value at the path that is the wanted one (nil: anything that
// is not nothing), and what follows it.
// The text is one JSON value, several in a row or one a line, also behind the
// "data:" of server-sent events; what is no JSON is skipped, and a text that was
// cut off is read as far as it goes. It works on the text itself, without memory.
func (path jsonPath) find(text []byte, wanted *string) ([]byte, bool) {
	s := jsonSearch{wanted: wanted}
	for len(text) > 0 {
		text = skipBlanks(text)
		if line, ok := bytes.CutPrefix(text, []byte("data:")); ok {
			text = skipBlanks(line)
		}
		rest, ok := s.within(text, path)
		if s.found != nil {
			return s.found, true
		}
		if !ok {
			_, rest, _ = bytes.Cut(rest, []byte{'\n'})
		}
		text = rest
	}
	return nil, false
}

// jsonSearch is one search. Its methods give what follows the value that they were
// called at, which is shorter, and false where the text is not JSON from there on.
type jsonSearch struct {
	wanted *string
	found  []byte
}

func (s *jsonSearch) accept(value []byte) bool {
	if s.wanted == nil {
		return !isNothing(value)
	}
	return saysValue(value, *s.wanted)
}

func (s *jsonSearch) within(text []byte, path jsonPath) (rest []byte, ok bool) {
	switch {
	case len(text) > 0 && len(path) > 0 && path[0].named && text[0] == '{':
		return s.members(text[1:], path, '}')
	case len(text) > 0 && len(path) > 0 && !path[0].named && text[0] == '[':
		return s.members(text[1:], path, ']')
	}
	rest, ok = skipValue(text)
	if ok && len(path) == 0 && s.accept(text[:len(text)-len(rest)]) {
		s.found = text
	}
	return rest, ok
}

// members goes through an object or an array up to its end.
func (s *jsonSearch) members(text []byte, path jsonPath, end byte) (rest []byte, ok bool) {
	for n := 0; ; n++ {
		text = skipBlanks(text)
		if n == 0 && len(text) > 0 && text[0] == end {
			return text[1:], true
		}
		wanted := path[0].index == n || path[0].index == anyElement
		if path[0].named {
			var name []byte
			if name, text, ok = memberName(text); !ok {
				return text, false
			}
			wanted = isText(name, path[0].name)
		}
		if wanted {
			text, ok = s.within(text, path[1:])
		} else {
			text, ok = skipValue(text)
		}
		text = skipBlanks(text)
		if !ok || s.found != nil || len(text) == 0 {
			return text, false
		}
		if text[0] == end {
			return text[1:], true
		}
		if text[0] != ',' {
			return text, false
		}
		text = text[1:]
	}
}

// memberName reads a name with its quotes, and the colon behind it.
func memberName(text []byte) (name, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '"' {
		return nil, text, false
	}
	rest, ok = skipString(text)
	if !ok {
		return nil, nil, false
	}
	name = text[:len(text)-len(rest)]
	rest = skipBlanks(rest)
	if len(rest) == 0 || rest[0] != ':' {
		return nil, rest, false
	}
	return name, skipBlanks(rest[1:]), true
}

// skipValue gives what follows a value. Where the value is cut off, nothing does.
func skipValue(text []byte) (rest []byte, ok bool) {
	switch {
	case len(text) == 0:
		return nil, false
	case text[0] == '"':
		return skipString(text)
	case text[0] == '{' || text[0] == '[':
		return skipNested(text)
	}
	end := bytes.IndexAny(text, ",]}: \t\r\n")
	if end < 0 {
		end = len(text)
	}
	return text[end:], end > 0
}

func skipString(text []byte) (rest []byte, ok bool) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[i+1:], true
		}
	}
	return nil, false
}

// skipNested skips an object or an array without looking at what is in it.
func skipNested(text []byte) (rest []byte, ok bool) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return text[i+1:], true
			}
		case '"':
			after, closed := skipString(text[i:])
			if !closed {
				return nil, false
			}
			i = len(text) - len(after) - 1
		}
	}
	return nil, false
}

func skipBlanks(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n") }

// isNothing reports whether a JSON value says that there is nothing: null, false,
// zero, or an empty string, array or object.
func isNothing(value []byte) bool {
	switch value[0] {
	case 'n', 'f':
		return string(value) == "null" || string(value) == "false"
	case '"':
		return len(value) == len(`""`)
	case '{', '[':
		return len(skipBlanks(value[1:])) == len("}")
	}
	if i := bytes.IndexAny(value, "eE"); i > 0 {
		value = value[:i]
	}
	return len(bytes.Trim(value, "-.0")) == 0
}

// saysValue reports whether a JSON value is the wanted one: the text of a string,
// a number, true, false or null.
func saysValue(value []byte, wanted string) bool {
	if value[0] == '"' {
		return isText(value, wanted)
	}
	if string(value) == wanted {
		return true
	}
	if value[0] != '-' && !isDigit(value[0]) {
		return false
	}
	is, err1 := strconv.ParseFloat(string(value), 64)
	want, err2 := strconv.ParseFloat(wanted, 64)
	return err1 == nil && err2 == nil && is == want
}

// isText reports whether a JSON string, in its quotes, is the wanted text.
func isText(quoted []byte, wanted string) bool {
	raw := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == wanted
	}
	var text string
	return json.Unmarshal(quoted, &text) == nil && text == wanted
}
