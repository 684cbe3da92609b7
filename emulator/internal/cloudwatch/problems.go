package cloudwatch

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/wire"
)

const maxDimensions = 30

// problems collects what is wrong with a request, in CloudWatch's words.
type problems struct{ wire.Parameters }

func (p *problems) add(format string, args ...any) { p.Invalid(format, args...) }

// validation is the error of the operations that call whatever is wrong a
// ValidationError, as all do that have to do with alarms, and GetMetricData.
func (p *problems) validation() error {
	err := p.Err()
	if known, ok := errors.AsType[*wire.Error](err); ok {
		known.Code = "ValidationError"
	}
	return err
}

// name checks a required text that has at most some characters, none of them a control
// character.
func (p *problems) name(parameter, value string, most int) {
	p.Required(parameter, value != "")
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		p.add("The value %q for parameter %s is invalid: it must be UTF-8 without control characters.", value, parameter)
	}
	if len(value) > most {
		p.add("The parameter %s must be shorter than %d characters.", parameter, most+1)
	}
}

// metric checks the name of a metric and of its namespace. Their parameters may have a
// path before them, as "MetricStat.Metric.".
func (p *problems) metric(path, namespace, name string) {
	p.name(path+"Namespace", namespace, 255)
	p.name(path+"MetricName", name, 255)
	if strings.HasPrefix(namespace, ":") {
		p.add("The value %s for parameter %sNamespace is invalid.", namespace, path)
	}
}

func (p *problems) dimensions(parameter string, all []metric.Dimension) {
	if len(all) > maxDimensions {
		p.add("The collection %s must not have a size greater than %d.", parameter, maxDimensions)
		return
	}
	seen := map[string]bool{}
	for i, d := range all {
		at := fmt.Sprintf("%s.member.%d", parameter, i+1)
		p.name(at+".Name", d.Name, 255)
		p.name(at+".Value", d.Value, 1024)
		if d.Name != "" && !plain(d.Name) || d.Value != "" && !plain(d.Value) {
			p.add("The dimension %q with value %q of %s is invalid: both must be of ASCII characters, not all of them blank.", d.Name, d.Value, at)
		}
		if seen[d.Name] {
			p.add("The parameter %s has the dimension %s twice.", parameter, d.Name)
		}
		seen[d.Name] = true
	}
}

// plain is what the name and value of a dimension have to be.
func plain(text string) bool {
	return strings.TrimSpace(text) != "" && strings.IndexFunc(text, func(r rune) bool { return r < 0x20 || r >= 0x7f }) < 0
}

func (p *problems) unit(parameter, value string) { p.Enum(parameter, value, units()...) }

func (p *problems) period(parameter string, seconds int64) {
	switch {
	case seconds == 0:
		p.Required(parameter, false)
	case !validPeriod(seconds):
		p.add("The parameter %s must be 1, 5, 10, 20, 30 or a multiple of 60.", parameter)
	}
}

// number checks a measurement: CloudWatch takes those from -2^360 to 2^360.
func (p *problems) number(parameter string, v float64) {
	if math.IsNaN(v) || math.Abs(v) > math.Ldexp(1, 360) {
		p.add("The value %v for parameter %s is invalid.", v, parameter)
	}
}

// units are those that a datapoint can have.
func units() []string {
	all := []string{"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", noUnit}
	for _, base := range []string{"Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits"} {
		all = append(all, base, base+"/Second")
	}
	return all
}

// noUnit is the unit of what was published without one.
const noUnit = "None"

// invalid is a ValidationError.
func invalid(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "ValidationError", format, args...)
}

// combination is the error for parameters that do not go together.
func combination(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "InvalidParameterCombination", format, args...)
}
