package scaling

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// reason says why in CloudWatch's words, as they stand in many people's alarm
// histories. An alarm with DatapointsToAlarm writes
//
//	Threshold Crossed: 2 out of the last 3 datapoints [9.5 (24/11/26 10:02:00), 9.0 (24/11/26 10:01:00)] were
//	greater than the threshold (8.0) (minimum 2 datapoints for OK -> ALARM transition).
//
// and one without it "Threshold Crossed: 3 datapoints [...] were greater than the
// threshold (8.0).". Datapoints are listed newest first, and only those that speak
// for the new state. The transition is named OK -> ALARM or ALARM -> OK, whatever
// the alarm comes from.
func (r AlarmRule) reason(state AlarmState, recent []Point) string {
	n := r.EvaluationPeriods
	if state == StateInsufficient {
		return "Insufficient Data: " + count(n, "datapoint") + " " + wereIf(n) + " unknown."
	}
	var listed []string
	for _, p := range slices.Backward(recent) {
		if r.Breaches(p.Value) == (state == StateAlarm) {
			listed = append(listed, fmt.Sprintf("%s (%s)", javaDouble(p.Value), p.At.UTC().Format("02/01/06 15:04:05")))
		}
	}
	if len(listed) == 0 {
		return "Threshold Crossed: " + received(len(recent)) + " received for " + count(n, "period") + r.filled(n-len(recent)) + "."
	}
	not, transition, minimum := "", "OK -> ALARM", r.datapointsToAlarm()
	if state == StateOK {
		not, transition, minimum = "not ", "ALARM -> OK", n-r.datapointsToAlarm()+1
	}
	subject, bound := count(len(listed), "datapoint"), ""
	if r.DatapointsToAlarm > 0 {
		subject = fmt.Sprintf("%d out of the last %d datapoints", len(listed), n)
		bound = fmt.Sprintf(" (minimum %s for %s transition)", count(minimum, "datapoint"), transition)
	}
	return fmt.Sprintf("Threshold Crossed: %s [%s] %s %s%s the threshold (%s)%s%s.",
		subject, strings.Join(listed, ", "), wereIf(len(listed)), not, r.Comparison.words(), javaDouble(r.Threshold), r.filled(n-len(recent)), bound)
}

// received says how many datapoints there were, when none of them speaks for the new state.
func received(n int) string {
	if n == 0 {
		return "no datapoints were"
	}
	return count(n, "datapoint") + " " + wereIf(n)
}

// filled says how missing datapoints were filled in, if they were.
func (r AlarmRule) filled(missing int) string {
	treated := map[MissingData]string{TreatBreaching: "Breaching", TreatNotBreaching: "NonBreaching"}[r.Missing]
	if missing == 0 || treated == "" {
		return ""
	}
	return fmt.Sprintf(" and %s %s treated as [%s]", count(missing, "missing datapoint"), wereIf(missing), treated)
}

// words is the comparison in a sentence.
func (c Comparison) words() string {
	switch c {
	case GreaterOrEqual:
		return "greater than or equal to"
	case Greater:
		return "greater than"
	case Less:
		return "less than"
	default:
		return "less than or equal to"
	}
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

func wereIf(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// javaDouble writes a number as CloudWatch does, by the rules of Java's
// Double.toString: always with a fraction, and with an exponent from 10⁷ on and
// below 10⁻³.
func javaDouble(x float64) string {
	switch size := math.Abs(x); {
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	case x == 0 || size >= 1e-3 && size < 1e7:
		return withFraction(strconv.FormatFloat(x, 'f', -1, 64))
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	exponent = strings.TrimPrefix(exponent, "+")
	sign := ""
	if rest, negative := strings.CutPrefix(exponent, "-"); negative {
		sign, exponent = "-", rest
	}
	return withFraction(mantissa) + "E" + sign + strings.TrimLeft(exponent, "0")
}

func withFraction(digits string) string {
	if strings.Contains(digits, ".") {
		return digits
	}
	return digits + ".0"
}
