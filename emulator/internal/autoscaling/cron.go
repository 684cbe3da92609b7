package autoscaling

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// lastYear is the last that cronexpr knows; AWS accepts years up to 2199.
const lastYear = 2099

// cronField is one of the six fields of an AWS cron expression.
type cronField struct {
	name      string
	low, high int
	names     []string // of low and the values after it; nil for none
	stepped   bool     // knows the slash
}

// parseCron reads the inside of cron(…): minutes, hours, day of month, month, day of
// week and year, as in the EventBridge User Guide, "Cron expressions reference", to which
// the Application Auto Scaling User Guide refers.
//
// AWS counts the days of the week from Sunday = 1, cronexpr from 0, and cronexpr loops
// or panics on some of what AWS refuses. So every field is read here, and cronexpr is
// given plain lists.
func parseCron(text string) (*cronexpr.Expression, error) {
	parts := strings.Fields(text)
	if len(parts) != 6 {
		return nil, fmt.Errorf("has %d fields: want minutes, hours, day of month, month, day of week and year, as in cron(0 8 ? * MON-FRI *)", len(parts))
	}
	if (parts[2] == "?") == (parts[4] == "?") {
		return nil, fmt.Errorf("day of month %q and day of week %q: exactly one of them must be ?", parts[2], parts[4])
	}
	minutes, err1 := cronField{name: "minutes", high: 59, stepped: true}.list(parts[0])
	hours, err2 := cronField{name: "hours", high: 23, stepped: true}.list(parts[1])
	days, err3 := dayOfMonth(parts[2])
	months, err4 := cronField{name: "month", low: 1, high: 12, names: monthNames(), stepped: true}.list(parts[3])
	weekdays, err5 := dayOfWeek(parts[4])
	years, err6 := cronField{name: "year", low: 1970, high: 2199, stepped: true}.list(parts[5])
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	expression, err := cronexpr.Parse(strings.Join([]string{"0", minutes, hours, days, months, weekdays, years}, " "))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return expression, nil
}

func monthNames() []string {
	names := make([]string, 12)
	for m := range names {
		names[m] = strings.ToUpper(time.Month(m + 1).String()[:3])
	}
	return names
}

func weekdayField() cronField {
	return cronField{name: "day of week", low: 1, high: 7, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
}

// dayOfMonth also knows ?, L (the last day), LW (the last weekday) and 15W (the weekday
// nearest to the 15th), each on its own.
func dayOfMonth(text string) (string, error) {
	field := cronField{name: "day of month", low: 1, high: 31, stepped: true}
	upper := strings.ToUpper(text)
	day, nearest := strings.CutSuffix(upper, "W")
	switch {
	case upper == "?":
		return "*", nil
	case upper == "L", upper == "LW":
		return upper, nil
	case nearest:
		n, err := field.value(day)
		return strconv.Itoa(n) + "W", err
	default:
		return field.list(text)
	}
}

// dayOfWeek also knows ?, L (Saturday), 6L (the last Friday of the month) and 6#2 (its
// second Friday), each on its own.
func dayOfWeek(text string) (string, error) {
	field := weekdayField()
	upper := strings.ToUpper(text)
	last, isLast := strings.CutSuffix(upper, "L")
	day, week, isNth := strings.Cut(upper, "#")
	switch {
	case upper == "?":
		return "*", nil
	case upper == "L":
		return "6", nil
	case isLast:
		n, err := field.value(last)
		return strconv.Itoa(n-1) + "L", err
	case isNth:
		n, err := field.value(day)
		if len(week) != 1 || week < "1" || week > "5" {
			return "", fmt.Errorf("day of week %q: want a week from 1 to 5 after #, as in 6#2", text)
		}
		return strconv.Itoa(n-1) + "#" + week, err
	}
	all, numbers, err := field.numbers(text)
	if all || err != nil {
		return "*", err
	}
	for i := range numbers {
		numbers[i]--
	}
	return join(numbers), nil
}

// list writes a field as a star or as numbers with commas.
func (f cronField) list(text string) (string, error) {
	all, numbers, err := f.numbers(text)
	if all || err != nil {
		return "*", err
	}
	if f.name == "year" {
		// A field without a number would match always; the first year never comes again.
		numbers = slices.DeleteFunc(numbers, func(n int) bool { return n > lastYear })
		if len(numbers) == 0 {
			return "1970", nil
		}
	}
	return join(numbers), nil
}

func join(numbers []int) string {
	text := make([]string, len(numbers))
	for i, n := range numbers {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, ",")
}

// numbers reads *, 5, 1-5, 0/15, 10-50/5, */2 and lists of them.
func (f cronField) numbers(text string) (all bool, numbers []int, err error) {
	if text == "*" {
		return true, nil, nil
	}
	chosen := make([]bool, f.high+1)
	for part := range strings.SplitSeq(text, ",") {
		first, last, step, err := f.span(part)
		if err != nil {
			return false, nil, err
		}
		for n := first; n <= last; n += step {
			chosen[n] = true
		}
	}
	for n, yes := range chosen {
		if yes {
			numbers = append(numbers, n)
		}
	}
	return false, numbers, nil
}

// span reads one part of a list.
func (f cronField) span(part string) (first, last, step int, err error) {
	reach, every, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		step, err = strconv.Atoi(every)
		if err != nil || step < 1 || step > f.high || !f.stepped {
			return 0, 0, 0, fmt.Errorf("%s %q: want at most one step, a number from 1 to %d after the slash, and none in the day of week", f.name, part, f.high)
		}
	}
	if reach == "*" && stepped {
		return f.low, f.high, step, nil
	}
	from, to, ranged := strings.Cut(reach, "-")
	if first, err = f.value(from); err != nil {
		return 0, 0, 0, err
	}
	last = first
	if stepped {
		last = f.high
	}
	if ranged {
		if last, err = f.value(to); err != nil {
			return 0, 0, 0, err
		}
	}
	if last < first {
		return 0, 0, 0, fmt.Errorf("%s %q: the range runs backwards; write two ranges with a comma", f.name, part)
	}
	return first, last, step, nil
}

// value reads one number, or a name where the field has names.
func (f cronField) value(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return f.low + i, nil
	}
	digits := text != "" && strings.Trim(text, "0123456789") == ""
	n, err := strconv.Atoi(text)
	if !digits || err != nil || n < f.low || n > f.high {
		names := ""
		if len(f.names) > 0 {
			names = fmt.Sprintf(", or a name from %s to %s", f.names[0], f.names[len(f.names)-1])
		}
		return 0, fmt.Errorf("%s %q: want a number from %d to %d%s", f.name, text, f.low, f.high, names)
	}
	return n, nil
}
