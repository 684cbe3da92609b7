package report

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"plimsoll/experiment"
)

// missing stands for a number that is not known.
const missing = "–"

// units is the unit in which the rates of a document are written. Results hold
// rates per second.
type units struct {
	perSecond float64 // units in one request per second
	suffix    string  // "/s" or "/min"
	name      string  // "second" or "minute"
}

func unitsOf(plan experiment.Plan) units {
	if plan.Target != nil && plan.Target.PerMinute {
		return units{60, "/min", "minute"}
	}
	return units{1, "/s", "second"}
}

// rate writes a rate with its unit, for sentences.
func (u units) rate(r float64) string { return trim(u.number(r)) + u.suffix }

// number writes a rate without its unit, for columns.
func (u units) number(r float64) string { return number(r * u.perSecond) }

// number writes about four digits; columns of them line up.
func number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return missing
	case a == 0:
		return "0.0"
	case a >= 9999.5:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case a >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case a >= 0.01:
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

// trim drops the zeros that columns need and sentences do not.
func trim(number string) string {
	if !strings.Contains(number, ".") || strings.Contains(number, "e") {
		return number
	}
	return strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
}

// plain writes a number as it is, for settings.
func plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// count writes a whole number.
func count(n int64) string { return strconv.FormatInt(n, 10) }

// plural writes a number of things.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// percent writes a share with two decimals, and never rounds to 100 what is less.
func percent(share float64) string {
	if share >= 1 {
		return "100 %"
	}
	return trim(strconv.FormatFloat(math.Floor(share*1e4)/100, 'f', 2, 64)) + " %"
}

// span writes milliseconds for sentences: 20.4 ms, 1.24 s.
func span(ms float64) string {
	switch {
	case ms >= 999.5:
		return trim(strconv.FormatFloat(ms/1000, 'f', decimals(ms/1000), 64)) + " s"
	case ms >= 1:
		return trim(strconv.FormatFloat(ms, 'f', decimals(ms), 64)) + " ms"
	case ms > 0:
		return trim(strconv.FormatFloat(ms*1000, 'f', 0, 64)) + " µs"
	}
	return missing
}

func decimals(x float64) int {
	switch {
	case x >= 99.95:
		return 0
	case x >= 9.995:
		return 1
	}
	return 2
}

// milliseconds writes a quantile for columns. The quantiles of nothing are zero.
func milliseconds(ms float64) string {
	switch {
	case ms <= 0:
		return missing
	case ms >= 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64)
	case ms >= 9.995:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return strconv.FormatFloat(ms, 'f', 2, 64)
}

// lasting writes seconds for people: 4.2 s, 1 min 31 s, 2 h 5 min.
func lasting(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	h, m, s := int64(d/time.Hour), int64(d/time.Minute%60), int64(d/time.Second%60)
	switch {
	case seconds < 59.95:
		return trim(strconv.FormatFloat(seconds, 'f', 1, 64)) + " s"
	case h > 0:
		return count(h) + " h " + count(m) + " min"
	case s > 0:
		return count(m) + " min " + count(s) + " s"
	}
	return count(m) + " min"
}

// printable makes foreign words harmless on a terminal and on a page: control
// characters, by which they could move the cursor or reorder the line, become �.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
