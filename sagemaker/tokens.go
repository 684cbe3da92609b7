package sagemaker

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// TokenRule says how the tokens of a streamed answer are counted: by its lines, or by a
// path in the JSON of each line. A line is the data of a server-sent event ("data: {…}")
// or a line of JSON; blank lines, comments, other fields of events and "[DONE]" are none.
// The zero rule counts nothing.
type TokenRule struct {
	kind tokenKind
	path []string
}

type tokenKind uint8

const (
	noTokens tokenKind = iota
	eachLine
	eachMatch
	lastValue
)

// ParseTokenRule reads a rule:
//
//	lines          every line is a token
//	count:PATH     every line that has something at the path: no null and no empty text
//	value:PATH     the whole number at the path, of the last line that has one
//
// A path is names and indices with dots between, such as choices.0.delta.content (vLLM),
// token.text (TGI, LMI) or usage.completion_tokens. Empty is no rule.
func ParseTokenRule(text string) (TokenRule, error) {
	kind, path, found := strings.Cut(text, ":")
	rule := TokenRule{path: strings.Split(path, ".")}
	switch {
	case text == "":
		return TokenRule{}, nil
	case text == "lines":
		return TokenRule{kind: eachLine}, nil
	case found && kind == "count":
		rule.kind = eachMatch
	case found && kind == "value":
		rule.kind = lastValue
	default:
		return TokenRule{}, fmt.Errorf("tokens %q: give lines, count:PATH or value:PATH, such as count:choices.0.delta.content or value:usage.completion_tokens", text)
	}
	if slices.Contains(rule.path, "") {
		return TokenRule{}, fmt.Errorf("tokens %q: a name of the path is empty; give names and indices with dots between, such as usage.completion_tokens", text)
	}
	return rule, nil
}

// mostLine is the longest line that is looked into; a longer one has no token.
const mostLine = 1 << 20

// counter counts the tokens of one answer after the other as their bytes arrive. It holds
// a line that is not complete yet and allocates nothing else.
type counter struct {
	rule   TokenRule
	held   []byte
	tooBig bool // of the present line, which is passed over
	tokens int64
}

func (c *counter) reset() { c.held, c.tooBig, c.tokens = c.held[:0], false, 0 }

// feed takes the next bytes.
func (c *counter) feed(p []byte) {
	for c.rule.kind != noTokens && len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			c.hold(p)
			return
		}
		if len(c.held) == 0 && !c.tooBig {
			c.line(p[:end])
		} else {
			c.hold(p[:end])
			c.end()
		}
		p = p[end+1:]
	}
}

func (c *counter) hold(p []byte) {
	if c.tooBig || len(c.held)+len(p) > mostLine {
		c.tooBig, c.held = true, c.held[:0]
		return
	}
	c.held = append(c.held, p...)
}

// end takes what is held for a whole line.
func (c *counter) end() {
	c.line(c.held)
	c.held, c.tooBig = c.held[:0], false
}

func (c *counter) line(l []byte) {
	l = dataOf(l)
	if len(l) == 0 {
		return
	}
	switch c.rule.kind {
	case noTokens:
	case eachLine:
		c.tokens++
	case eachMatch:
		if v, found := lookup(l, c.rule.path); found && string(v) != "null" && string(v) != `""` {
			c.tokens++
		}
	case lastValue:
		if v, found := lookup(l, c.rule.path); found {
			if n, whole := wholeNumber(v); whole {
				c.tokens = n
			}
		}
	}
}

// dataOf is the data of a line, empty where it has none.
func dataOf(l []byte) []byte {
	l = bytes.TrimSpace(l)
	if data, found := bytes.CutPrefix(l, []byte("data:")); found {
		l = bytes.TrimSpace(data)
		if string(l) == "[DONE]" {
			return nil
		}
		return l
	}
	for _, field := range [...]string{":", "event:", "id:", "retry:"} {
		if len(l) >= len(field) && string(l[:len(field)]) == field {
			return nil
		}
	}
	return l
}

// wholeNumber reads a number that JSON writes without fraction and exponent.
func wholeNumber(v []byte) (n int64, ok bool) {
	for _, digit := range v {
		if digit < '0' || digit > '9' || n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = 10*n + int64(digit-'0')
	}
	return n, len(v) > 0
}

// lookup finds the value at a path as it is written. It looks no further than it must, so
// that JSON which is broken behind the value is not noticed. Names with escapes are not
// found; of a name that comes twice it is the first.
func lookup(json []byte, path []string) (value []byte, found bool) {
	json = bytes.TrimLeft(json, " \t\r\n")
	if len(path) == 0 {
		rest, ok := skip(json)
		return json[:len(json)-len(rest)], ok
	}
	if len(json) == 0 {
		return nil, false
	}
	switch json[0] {
	case '{':
		return lookupMember(json[1:], path)
	case '[':
		return lookupElement(json[1:], path)
	}
	return nil, false
}

func lookupMember(json []byte, path []string) (value []byte, found bool) {
	for {
		json = bytes.TrimLeft(json, " \t\r\n")
		rest, ok := skip(json)
		if !ok || json[0] != '"' {
			return nil, false
		}
		name := json[1 : len(json)-len(rest)-1]
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if len(rest) == 0 || rest[0] != ':' {
			return nil, false
		}
		rest = rest[1:]
		if string(name) == path[0] {
			return lookup(rest, path[1:])
		}
		if json, ok = next(rest); !ok {
			return nil, false
		}
	}
}

func lookupElement(json []byte, path []string) (value []byte, found bool) {
	index, err := strconv.Atoi(path[0])
	if err != nil || index < 0 {
		return nil, false
	}
	for range index {
		rest, ok := next(json)
		if !ok {
			return nil, false
		}
		json = rest
	}
	return lookup(json, path[1:])
}

// next is what follows a value and its comma; ok is false at the end of its list.
func next(json []byte) (rest []byte, ok bool) {
	rest, ok = skip(bytes.TrimLeft(json, " \t\r\n"))
	if !ok {
		return nil, false
	}
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if len(rest) == 0 || rest[0] != ',' {
		return nil, false
	}
	return rest[1:], true
}

// skip is what follows a value; ok is false where there is none, or not all of it.
func skip(json []byte) (rest []byte, ok bool) {
	if len(json) == 0 {
		return nil, false
	}
	switch json[0] {
	case '"':
		return skipText(json)
	case '{', '[':
		return skipNested(json)
	}
	end := bytes.IndexAny(json, ",]} \t\r\n")
	if end < 0 {
		end = len(json)
	}
	return json[end:], end > 0
}

func skipText(json []byte) (rest []byte, ok bool) {
	for i := 1; i < len(json); i++ {
		switch json[i] {
		case '\\':
			i++
		case '"':
			return json[i+1:], true
		}
	}
	return nil, false
}

// skipNested counts the brackets of an object or a list, whatever their kind.
func skipNested(json []byte) (rest []byte, ok bool) {
	depth := 0
	for len(json) > 0 {
		switch json[0] {
		case '"':
			if json, ok = skipText(json); !ok {
				return nil, false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		json = json[1:]
		if depth == 0 {
			return json, true
		}
	}
	return nil, false
}
