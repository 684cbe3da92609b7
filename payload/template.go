package payload

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"unicode/utf8"
)

// template is a body cut into segments: text, and calls to be rendered.
type template struct {
	segments []segment
	longest  int // bytes of the longest rendering
}

// segment is one piece of a template.
type segment struct {
	kind      kind
	text      []byte   // of text
	low       int64    // of randInt, the least value
	span      uint64   // of randInt, the number of values; 0 is 2⁶⁴
	from, to  float64  // of randFloat
	choices   [][]byte // of pick
	maxLength int      // bytes of the longest rendering
}

type kind uint8

const (
	text kind = iota
	callUUID
	callRandInt
	callRandFloat
	callSeq
	callPick
)

// functionNames lists what builder knows, for error messages.
const functionNames = "pick, randFloat, randInt, seq and uuid"

// builder makes the segment that calls a function, or is nil when there is no
// function of that name.
func builder(name string) func(args []string) (segment, error) {
	switch name {
	case "uuid":
		return buildUUID
	case "randInt":
		return buildRandInt
	case "randFloat":
		return buildRandFloat
	case "seq":
		return buildSeq
	case "pick":
		return buildPick
	default:
		return nil
	}
}

// parseTemplate cuts up a body; nil is a body that is no template.
func parseTemplate(body []byte, mode Templates) (*template, error) {
	switch {
	case mode == TemplatesNever, !bytes.Contains(body, []byte("{{")), !utf8.Valid(body):
		return nil, nil
	case mode == TemplatesAuto && !callsFunction(body):
		return nil, nil
	}
	t := &template{}
	for from := 0; ; {
		at := nextAction(body, from)
		if at < 0 {
			t.add(segment{text: body[from:]})
			return t, nil
		}
		t.add(segment{text: body[from:at]})
		action, end, err := parseAction(body, at)
		if err != nil {
			return nil, fmt.Errorf("byte %d: %w", at, err)
		}
		t.add(action)
		from = end
	}
}

// callsFunction reports whether a body calls a known function or escapes {{,
// which shows that its braces are meant for templates.
func callsFunction(body []byte) bool {
	for at := nextAction(body, 0); at >= 0; at = nextAction(body, at+1) {
		head, _, err := nextToken(body, at+2)
		if err == nil && (head.isEscape() || !head.quoted && builder(head.text) != nil) {
			return true
		}
	}
	return false
}

// nextAction is the index of the next {{. Of three braces in a row the last two
// count, so that a JSON object may begin with a call.
func nextAction(body []byte, from int) int {
	at := bytes.Index(body[from:], []byte("{{"))
	if at < 0 {
		return -1
	}
	at += from
	for at+2 < len(body) && body[at+2] == '{' {
		at++
	}
	return at
}

// parseAction reads the action whose {{ is at index at, up to and with its }}.
func parseAction(body []byte, at int) (action segment, end int, err error) {
	var tokens []token
	for end = at + 2; ; {
		var next token
		if next, end, err = nextToken(body, end); err != nil {
			return segment{}, 0, err
		}
		if next.closes {
			break
		}
		tokens = append(tokens, next)
	}
	if len(tokens) == 1 && tokens[0].isEscape() {
		return segment{text: []byte("{{")}, end, nil
	}
	if len(tokens) == 0 || tokens[0].quoted || builder(tokens[0].text) == nil {
		name := ""
		if len(tokens) > 0 {
			name = tokens[0].text
		}
		return segment{}, 0, fmt.Errorf("unknown template function %q; the functions are %s, and {{'{{'}} is a literal {{", name, functionNames)
	}
	var args []string
	for _, arg := range tokens[1:] {
		args = append(args, arg.text)
	}
	action, err = builder(tokens[0].text)(args)
	if err != nil {
		return segment{}, 0, fmt.Errorf("template function %s: %w; the functions are %s", tokens[0].text, err, functionNames)
	}
	return action, end, nil
}

// token is a word or string of an action, or its end.
type token struct {
	text   string
	quoted bool
	closes bool // }}
}

func (t token) isEscape() bool { return t.quoted && t.text == "{{" }

// nextToken reads one token. A string may stand in ", ' or \": the last is what a
// double quote looks like inside a JSON string. A backslash means nothing else.
func nextToken(body []byte, from int) (next token, end int, err error) {
	for from < len(body) && isSpace(body[from]) {
		from++
	}
	rest := body[from:]
	if bytes.HasPrefix(rest, []byte("}}")) {
		return token{closes: true}, from + 2, nil
	}
	for _, quote := range []string{`"`, `'`, `\"`} {
		if !bytes.HasPrefix(rest, []byte(quote)) {
			continue
		}
		length := bytes.Index(rest[len(quote):], []byte(quote))
		if length < 0 {
			return token{}, 0, fmt.Errorf("a template has a string without its closing %s; close it", quote)
		}
		return token{text: string(rest[len(quote) : len(quote)+length]), quoted: true}, from + length + 2*len(quote), nil
	}
	length := 0
	for length < len(rest) && !isSpace(rest[length]) && !bytes.HasPrefix(rest[length:], []byte("}}")) {
		length++
	}
	if length == 0 {
		return token{}, 0, errors.New("a template is not closed; close it with }}, or write {{'{{'}} for a literal {{")
	}
	return token{text: string(rest[:length])}, from + length, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// add appends a segment, joining text to text.
func (t *template) add(s segment) {
	if s.kind == text {
		if len(s.text) == 0 {
			return
		}
		s.maxLength = len(s.text)
		if last := len(t.segments) - 1; last >= 0 && t.segments[last].kind == text {
			s.text = slices.Concat(t.segments[last].text, s.text)
			t.segments[last].text = s.text
			t.segments[last].maxLength = len(s.text)
			t.longest += s.maxLength
			return
		}
	}
	t.segments = append(t.segments, s)
	t.longest += s.maxLength
}

// fixed is the rendering of a template that calls nothing.
func (t *template) fixed() ([]byte, bool) {
	if len(t.segments) == 1 && t.segments[0].kind == text {
		return t.segments[0].text, true
	}
	return nil, false
}

func buildUUID(args []string) (segment, error) {
	return segment{kind: callUUID, maxLength: 36}, wantArgs(args, 0)
}

func buildSeq(args []string) (segment, error) {
	return segment{kind: callSeq, maxLength: len(strconv.FormatUint(math.MaxUint64, 10))}, wantArgs(args, 0)
}

func buildRandInt(args []string) (segment, error) {
	if err := wantArgs(args, 2); err != nil {
		return segment{}, err
	}
	low, errLow := strconv.ParseInt(args[0], 10, 64)
	high, errHigh := strconv.ParseInt(args[1], 10, 64)
	if errLow != nil || errHigh != nil || low > high {
		return segment{}, fmt.Errorf("%q to %q is no range; give two whole numbers, the smaller first, as in {{randInt 1 100}}", args[0], args[1])
	}
	longest := max(len(strconv.FormatInt(low, 10)), len(strconv.FormatInt(high, 10)))
	return segment{kind: callRandInt, low: low, span: uint64(high) - uint64(low) + 1, maxLength: longest}, nil
}

func buildRandFloat(args []string) (segment, error) {
	if err := wantArgs(args, 2); err != nil {
		return segment{}, err
	}
	from, errFrom := strconv.ParseFloat(args[0], 64)
	to, errTo := strconv.ParseFloat(args[1], 64)
	// A range that is no number, or wider than a float64 holds, has no uniform value in it.
	if width := to - from; errFrom != nil || errTo != nil || math.IsNaN(width) || math.IsInf(width, 0) || width < 0 {
		return segment{}, fmt.Errorf("%q to %q is no range; give two numbers, the smaller first, as in {{randFloat 0 1}}", args[0], args[1])
	}
	return segment{kind: callRandFloat, from: from, to: to, maxLength: len("-2.2250738585072014e-308")}, nil
}

func buildPick(args []string) (segment, error) {
	if len(args) == 0 {
		return segment{}, errors.New(`there is nothing to pick from; give at least one, as in {{pick "a" "b"}}`)
	}
	s := segment{kind: callPick}
	for _, arg := range args {
		s.choices = append(s.choices, []byte(arg))
		s.maxLength = max(s.maxLength, len(arg))
	}
	return s, nil
}

func wantArgs(args []string, want int) error {
	if len(args) != want {
		return fmt.Errorf("it takes %d arguments and has %d", want, len(args))
	}
	return nil
}

// render writes the template for request k into dst's memory, from its start. It
// allocates only when dst is too small, and its result is never nil.
func (t *template) render(dst []byte, seed, k uint64) []byte {
	var chance rand.PCG
	chance.Seed(seed^templateStream, mix(k))
	dst = slices.Grow(dst[:0], max(t.longest, 1))
	for i := range t.segments {
		dst = t.segments[i].append(dst, &chance, k)
	}
	return dst
}

func (s *segment) append(dst []byte, chance *rand.PCG, k uint64) []byte {
	switch s.kind {
	case callUUID:
		return appendUUID(dst, chance)
	case callRandInt:
		return strconv.AppendInt(dst, int64(uint64(s.low)+uniform(chance, s.span)), 10)
	case callRandFloat:
		unit := float64(chance.Uint64()>>11) / (1 << 53)
		// The sum may round past the end by one unit in the last place.
		return strconv.AppendFloat(dst, min(s.from+(s.to-s.from)*unit, s.to), 'g', -1, 64)
	case callSeq:
		return strconv.AppendUint(dst, k, 10)
	case callPick:
		return append(dst, s.choices[uniform(chance, uint64(len(s.choices)))]...)
	case text:
	}
	return append(dst, s.text...)
}

// uniform is one of n values, 0 standing for 2⁶⁴, each exactly as likely: Lemire,
// "Fast Random Integer Generation in an Interval", 2019. It is not
// rand.Rand.Uint64N because making a rand.Rand allocates.
func uniform(chance *rand.PCG, n uint64) uint64 {
	if n == 0 {
		return chance.Uint64()
	}
	high, low := bits.Mul64(chance.Uint64(), n)
	for low < n && low < -n%n {
		high, low = bits.Mul64(chance.Uint64(), n)
	}
	return high
}

// appendUUID writes a random UUID, version 4 of RFC 9562, section 5.4.
func appendUUID(dst []byte, chance *rand.PCG) []byte {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], chance.Uint64())
	binary.BigEndian.PutUint64(id[8:], chance.Uint64())
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // variant 10
	start := 0
	for _, end := range [...]int{4, 6, 8, 10} {
		dst = append(hex.AppendEncode(dst, id[start:end]), '-')
		start = end
	}
	return hex.AppendEncode(dst, id[start:])
}
