package wire

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Checks collects what is wrong with an input in the words of the validation that AWS
// generates from its API models. Members have their path in lower camel case:
// "endpointName", "tags.1.member.key". A member that is empty counts as not given, and
// only Required minds that. The zero value has found nothing.
type Checks struct{ found []string }

func (c *Checks) fail(value, member, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: Member must %s",
		value, member, fmt.Sprintf(format, args...)))
}

func quoted(value string) string { return "'" + value + "'" }

// Required asks that a member was given.
func (c *Checks) Required(member string, given bool) {
	if !given {
		c.fail("null", member, "not be null")
	}
}

// Length asks for low to high characters; a high of 0 is no limit.
func (c *Checks) Length(member, value string, low, high int) {
	n := utf8.RuneCountInString(value)
	switch {
	case value == "":
	case n < low:
		c.fail(quoted(value), member, "have length greater than or equal to %d", low)
	case high > 0 && n > high:
		c.fail(quoted(value), member, "have length less than or equal to %d", high)
	}
}

// What surrounds a pattern of an API model, which describes a value from end to end.
const (
	patternBegins = `\A(?:`
	patternEnds   = `)\z`
)

// Whole is the expression to compile for Pattern, from that of an API model.
func Whole(pattern string) string { return patternBegins + pattern + patternEnds }

// Pattern asks that a value matches; the expression is one of Whole.
func (c *Checks) Pattern(member, value string, whole *regexp.Regexp) {
	if value == "" || whole.MatchString(value) {
		return
	}
	pattern := strings.TrimSuffix(strings.TrimPrefix(whole.String(), patternBegins), patternEnds)
	c.fail(quoted(value), member, "satisfy regular expression pattern: %s", pattern)
}

// Range asks for a number from low to high.
func (c *Checks) Range(member string, value, low, high float64) {
	switch {
	case !(value >= low):
		c.fail(quoted(number(value)), member, "have value greater than or equal to %s", number(low))
	case !(value <= high):
		c.fail(quoted(number(value)), member, "have value less than or equal to %s", number(high))
	}
}

// Enum asks for one of some values.
func (c *Checks) Enum(member, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.fail(quoted(value), member, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))
	}
}

// Err is nil, or a ValidationException with everything that was found.
func (c *Checks) Err() error {
	switch n := len(c.found); n {
	case 0:
		return nil
	case 1:
		return Errorf(http.StatusBadRequest, "ValidationException", "1 validation error detected: %s", c.found[0])
	default:
		return Errorf(http.StatusBadRequest, "ValidationException", "%d validation errors detected: %s", n, strings.Join(c.found, "; "))
	}
}

// Parameters collects what is wrong with an input in CloudWatch's own words. Members
// have their path as in AWS Query: "MetricData.member.1.Unit". The zero value has
// found nothing.
type Parameters struct{ missing, invalid []string }

// Required asks that a parameter was given.
func (p *Parameters) Required(parameter string, given bool) {
	if !given {
		p.missing = append(p.missing, fmt.Sprintf("The parameter %s is required.", parameter))
	}
}

// Enum asks for one of some values, or none.
func (p *Parameters) Enum(parameter, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		p.Invalid("The parameter %s must be a value in the set [ %s ].", parameter, strings.Join(allowed, ", "))
	}
}

// Invalid records another complaint, a sentence.
func (p *Parameters) Invalid(format string, args ...any) {
	p.invalid = append(p.invalid, fmt.Sprintf(format, args...))
}

// Err is nil, or MissingParameter with all that are missing, or InvalidParameterValue
// with everything else.
func (p *Parameters) Err() error {
	switch {
	case len(p.missing) > 0:
		return Errorf(http.StatusBadRequest, "MissingParameter", "%s", strings.Join(p.missing, "\n"))
	case len(p.invalid) > 0:
		return Errorf(http.StatusBadRequest, "InvalidParameterValue", "%s", strings.Join(p.invalid, "\n"))
	}
	return nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
