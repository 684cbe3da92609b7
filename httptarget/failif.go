package httptarget

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"plimsoll/loadgen"
)

// MaxJudged is how much of an answer's body a [FailIf] looks at, from its
// beginning.
const MaxJudged = 64 << 10

// FailIf is a condition on the body of a 2xx answer under which the request has
// failed all the same. Make one with [ParseFailIf].
type FailIf struct {
	text    string
	pattern *regexp.Regexp // nil for a condition on JSON
	path    jsonPath
	value   *string // nil: anything that is not nothing
}

// ParseFailIf reads json:PATH (there is something at the path), json:PATH=VALUE or
// regex:EXPR. A path is error, error.code, results[0].status, results[*].status or
// ["a.b"]; an expression is one of package regexp.
func ParseFailIf(text string) (FailIf, error) {
	f := FailIf{text: text}
	kind, rest, _ := strings.Cut(text, ":")
	var err error
	switch {
	case kind == "regex" && rest != "":
		f.pattern, err = regexp.Compile(rest)
	case kind == "json" && rest != "":
		f.path, f.value, err = parseJSONCondition(rest)
	default:
		err = errors.New("no condition")
	}
	if err != nil {
		return FailIf{}, fmt.Errorf("fail-if %q: %w; write json:error, json:status=failed or regex:EXPR", text, err)
	}
	return f, nil
}

// parseJSONCondition reads PATH or PATH=VALUE.
func parseJSONCondition(text string) (path jsonPath, value *string, err error) {
	path, rest, err := parseJSONPath(text)
	if err != nil || rest == "" {
		return path, nil, err
	}
	wanted := rest[len("="):]
	return path, &wanted, nil
}

// String is the condition as it was written.
func (f FailIf) String() string { return f.text }

// words are what of the body fulfils the condition, up to the body's end, and
// whether anything does.
func (f FailIf) words(body []byte) ([]byte, bool) {
	if f.pattern == nil {
		return f.path.find(body, f.value)
	}
	if !f.pattern.Match(body) { // costs no memory, as FindIndex would
		return nil, false
	}
	// From the beginning of a word on, so that no secret loses the beginning by
	// which it is known.
	from := f.pattern.FindIndex(body)[0]
	for from > 0 && !strings.ContainsRune(" \t\r\n\"", rune(body[from-1])) {
		from--
	}
	return body[from:], true
}

// FollowFailIf makes the followers for [Options.Follow] that let a good answer
// fail, as loadgen.BodyFailed, when its body fulfils any of the conditions.
func FollowFailIf(conditions []FailIf) func() Follower {
	return func() Follower { return &bodyJudge{conditions: conditions} }
}

// bodyJudge holds the beginning of one body after the other.
type bodyJudge struct {
	conditions []FailIf
	held       []byte
	detail     []byte
}

var _ Follower = (*bodyJudge)(nil)

// Start forgets the last body.
func (j *bodyJudge) Start(time.Time) { j.held = j.held[:0] }

// Feed holds what there is room for.
func (j *bodyJudge) Feed(piece []byte, _ time.Time) error {
	j.held = append(j.held, piece[:min(len(piece), MaxJudged-len(j.held))]...)
	return nil
}

// End judges the body.
func (j *bodyJudge) End(out loadgen.Outcome) loadgen.Outcome {
	for _, condition := range j.conditions {
		words, failed := condition.words(j.held)
		if !failed {
			continue
		}
		j.detail = append(append(append(j.detail[:0], condition.text...), ": "...), words[:min(len(words), maxDetail)]...)
		out.Class, out.Detail = loadgen.BodyFailed, j.detail
		return out
	}
	return out
}
