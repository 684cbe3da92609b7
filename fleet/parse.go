package fleet

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The keys of a model's text form, in the order in which String writes them.
const modelKeys = "service, workers, queue, cv, dist, contention, coherency"

// unbounded is the text form of [Unbounded].
const unbounded = "unbounded"

// ParseModel reads the text form of a model: comma-separated key=value pairs, such
// as "service=40ms,workers=4,queue=100,cv=0.3". The keys are
//
//	service     mean service time, a duration such as 40ms (required)
//	workers     requests in service at once (1 when left out)
//	queue       waiting places, or "unbounded" (unbounded when left out)
//	cv          coefficient of variation of the service time (0 when left out)
//	dist        "lognormal" or "exp" (lognormal when left out)
//	contention  σ of the Universal Scalability Law (0 when left out)
//	coherency   κ of the Universal Scalability Law (0 when left out)
//
// The error names every pair that cannot be read or, when all can be read, every
// value that is out of range. [Model.String] is the inverse.
func ParseModel(text string) (Model, error) {
	m := Model{Workers: 1, Queue: Unbounded}
	seen := make(map[string]bool)
	var problems []error
	for pair := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(pair, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		var err error
		switch {
		case !found:
			err = fmt.Errorf("%q is not key=value; the keys are %s", key, modelKeys)
		case seen[key]:
			err = fmt.Errorf("%s is given twice", key)
		default:
			err = m.set(key, value)
		}
		seen[key] = true
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return Model{}, fmt.Errorf("reading model %q: %w", text, err)
	}
	if err := m.Validate(); err != nil {
		return Model{}, fmt.Errorf("reading model %q: %w", text, err)
	}
	return m, nil
}

// set stores the text form of one field.
func (m *Model) set(key, value string) error {
	var err error
	switch key {
	case "service":
		m.Service, err = time.ParseDuration(value)
	case "workers":
		m.Workers, err = strconv.Atoi(value)
	case "queue":
		m.Queue, err = parseQueue(value)
	case "cv":
		m.CV, err = strconv.ParseFloat(value, 64)
	case "dist":
		m.Dist, err = parseDistribution(value)
	case "contention":
		m.Contention, err = strconv.ParseFloat(value, 64)
	case "coherency":
		m.Coherency, err = strconv.ParseFloat(value, 64)
	default:
		return fmt.Errorf("unknown key %q; the keys are %s", key, modelKeys)
	}
	if err != nil {
		return fmt.Errorf("%s=%s: want %s", key, value, wanted(key))
	}
	return nil
}

// wanted says what a key's value looks like, in the words of an error message.
func wanted(key string) string {
	switch key {
	case "service":
		return "a duration such as 40ms"
	case "workers":
		return "a whole number"
	case "queue":
		return `a whole number of waiting places, or "unbounded"`
	case "dist":
		return `"lognormal" or "exp"`
	default:
		return "a number"
	}
}

// parseQueue reads a number of waiting places. A negative number is refused here,
// because Unbounded is a value of the Go field and not of the text.
func parseQueue(value string) (int, error) {
	if value == unbounded {
		return Unbounded, nil
	}
	n, err := strconv.ParseUint(value, 10, 31)
	return int(n), err
}

func parseDistribution(value string) (Distribution, error) {
	for _, d := range []Distribution{Lognormal, Exponential} {
		if value == d.String() {
			return d, nil
		}
	}
	return 0, errors.New("unknown distribution")
}

// String returns the text form that [ParseModel] reads back into the same model.
// Fields that are 0 and mean "none" are left out.
func (m Model) String() string {
	queue := unbounded
	if m.Queue != Unbounded {
		queue = strconv.Itoa(m.Queue)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "service=%v,workers=%d,queue=%s", m.Service, m.Workers, queue)
	if m.CV != 0 {
		fmt.Fprintf(&b, ",cv=%v", m.CV)
	}
	if m.Dist != Lognormal {
		fmt.Fprintf(&b, ",dist=%v", m.Dist)
	}
	if m.Contention != 0 {
		fmt.Fprintf(&b, ",contention=%v", m.Contention)
	}
	if m.Coherency != 0 {
		fmt.Fprintf(&b, ",coherency=%v", m.Coherency)
	}
	return b.String()
}

// String returns the distribution's name in a model's text form.
func (d Distribution) String() string {
	switch d {
	case Lognormal:
		return "lognormal"
	case Exponential:
		return "exp"
	default:
		return "Distribution(" + strconv.Itoa(int(d)) + ")"
	}
}
