package cloudwatch

import (
	"fmt"
	"math"
	"slices"
)

// maxWork bounds the datapoints that one request may compute, so that a short
// expression cannot take the memory of the whole emulator.
const maxWork = 5_000_000

// sample is a value of a time series.
type sample struct {
	at    int64 // Unix seconds
	value float64
}

// value is what an expression comes to: a number, a time series, or several.
type value struct {
	number float64
	series []samples
	isList bool // else series is one, or none for a number
}

// samples is a time series by ascending time; periods without data are left out.
type samples struct {
	period int64 // seconds
	points []sample
}

// source finds the queries that an expression names.
type source interface {
	series(id string) (value, error)
	// metrics is the series of all queries for a metric whose id has a text in it.
	metrics(idPart string) ([]samples, error)
}

// evaluation runs expressions over a stretch of time.
type evaluation struct {
	start, end int64 // Unix seconds, not rounded yet
	source     source
	work       int // datapoints computed so far
}

// spend counts datapoints before they are made.
func (e *evaluation) spend(points int) error {
	if e.work += points; e.work > maxWork {
		return fmt.Errorf("comes to more than %d datapoints: ask for a shorter time or a longer period", maxWork)
	}
	return nil
}

func (v value) size() int {
	total := 0
	for _, s := range v.series {
		total += len(s.points)
	}
	return total
}

// of is what a node comes to.
func (e *evaluation) of(n *node) (value, error) {
	v, err := e.compute(n)
	if err != nil {
		return value{}, err
	}
	return v, e.spend(v.size())
}

func (e *evaluation) compute(n *node) (value, error) {
	switch n.op {
	case "number":
		return value{number: n.number}, nil
	case "name":
		return e.source.series(n.text)
	case "text":
		return value{}, fmt.Errorf("a text can only be the argument of METRICS")
	case "list":
		return e.list(n.args)
	case "call":
		return e.call(n.text, n.args)
	}
	left, err := e.of(n.args[0])
	if err != nil {
		return value{}, err
	}
	right, err := e.of(n.args[1])
	if err != nil {
		return value{}, err
	}
	return combine(left, right, operator(n.op))
}

func (e *evaluation) list(args []*node) (value, error) {
	out := value{isList: true}
	for _, arg := range args {
		v, err := e.of(arg)
		if err != nil {
			return value{}, err
		}
		if v.isNumber() {
			return value{}, fmt.Errorf("a list is of time series, not of numbers")
		}
		out.series = append(out.series, v.series...)
	}
	return out, nil
}

func (v value) isNumber() bool { return len(v.series) == 0 && !v.isList }

func (e *evaluation) call(name string, args []*node) (value, error) {
	want := map[string]int{"SUM": 1, "AVG": 1, "MIN": 1, "MAX": 1, "FILL": 2, "IF": 3, "PERIOD": 1, "RATE": 1, "METRICS": len(args)}
	if n, ok := want[name]; !ok {
		return value{}, fmt.Errorf("function %s is not emulated: only %s are", name, functions)
	} else if n != len(args) || name == "METRICS" && len(args) > 1 {
		return value{}, fmt.Errorf("function %s has %d arguments", name, len(args))
	}
	if name == "METRICS" {
		return e.metrics(args)
	}
	values := make([]value, 0, len(args))
	for i, arg := range args {
		if name == "FILL" && i == 1 && arg.op == "name" {
			return e.fill(values[0], value{}, arg.text)
		}
		v, err := e.of(arg)
		if err != nil {
			return value{}, err
		}
		values = append(values, v)
	}
	switch name {
	case "FILL":
		return e.fill(values[0], values[1], "")
	case "IF":
		return choose(values[0], values[1], values[2])
	case "PERIOD":
		if len(values[0].series) != 1 {
			return value{}, fmt.Errorf("PERIOD wants one time series")
		}
		return value{number: float64(values[0].series[0].period)}, nil
	case "RATE":
		return rate(values[0])
	}
	return reduce(name, values[0])
}

func (e *evaluation) metrics(args []*node) (value, error) {
	part := ""
	if len(args) == 1 {
		if args[0].op != "text" {
			return value{}, fmt.Errorf(`METRICS wants nothing or a text between quotes, as METRICS("m")`)
		}
		part = args[0].text
	}
	all, err := e.source.metrics(part)
	return value{series: all, isList: true}, err
}

// operator is what a binary operation does with two numbers. Comparisons are 1 or 0.
func operator(op string) func(a, b float64) float64 {
	truth := func(yes bool) float64 {
		if yes {
			return 1
		}
		return 0
	}
	return map[string]func(a, b float64) float64{
		"+":   func(a, b float64) float64 { return a + b },
		"-":   func(a, b float64) float64 { return a - b },
		"*":   func(a, b float64) float64 { return a * b },
		"/":   func(a, b float64) float64 { return a / b },
		"<":   func(a, b float64) float64 { return truth(a < b) },
		">":   func(a, b float64) float64 { return truth(a > b) },
		"<=":  func(a, b float64) float64 { return truth(a <= b) },
		">=":  func(a, b float64) float64 { return truth(a >= b) },
		"==":  func(a, b float64) float64 { return truth(a == b) },
		"!=":  func(a, b float64) float64 { return truth(a != b) },
		"&&":  func(a, b float64) float64 { return truth(a != 0 && b != 0) },
		"AND": func(a, b float64) float64 { return truth(a != 0 && b != 0) },
		"||":  func(a, b float64) float64 { return truth(a != 0 || b != 0) },
		"OR":  func(a, b float64) float64 { return truth(a != 0 || b != 0) },
	}[op]
}

// combine works point by point, where both series have one. A result that is no
// number, as of a division by zero, is no datapoint.
func combine(a, b value, op func(a, b float64) float64) (value, error) {
	switch {
	case a.isList || b.isList:
		return value{}, fmt.Errorf("operators on a list of time series are not emulated: reduce it with SUM, AVG, MIN or MAX")
	case a.isNumber() && b.isNumber():
		return value{number: op(a.number, b.number)}, nil
	case b.isNumber():
		return each(a, func(v float64) float64 { return op(v, b.number) }), nil
	case a.isNumber():
		return each(b, func(v float64) float64 { return op(a.number, v) }), nil
	}
	if err := samePeriod([]samples{a.series[0], b.series[0]}); err != nil {
		return value{}, err
	}
	out := samples{period: a.series[0].period}
	other := b.series[0].byTime()
	for _, p := range a.series[0].points {
		if v, ok := other[p.at]; ok {
			out.add(p.at, op(p.value, v))
		}
	}
	return one(out), nil
}

func one(s samples) value { return value{series: []samples{s}} }

func (s *samples) add(at int64, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		s.points = append(s.points, sample{at: at, value: v})
	}
}

func (s samples) byTime() map[int64]float64 {
	out := make(map[int64]float64, len(s.points))
	for _, p := range s.points {
		out[p.at] = p.value
	}
	return out
}

func each(v value, op func(v float64) float64) value {
	out := samples{period: v.series[0].period}
	for _, p := range v.series[0].points {
		out.add(p.at, op(p.value))
	}
	return one(out)
}

func samePeriod(all []samples) error {
	for _, s := range all {
		if s.period != all[0].period {
			return fmt.Errorf("metrics with periods of %d and %d seconds: all metrics of an expression must have one period", all[0].period, s.period)
		}
	}
	return nil
}

// reduce is SUM, AVG, MIN or MAX: of a list by time, of one series over its points.
func reduce(name string, v value) (value, error) {
	if v.isNumber() {
		return v, nil
	}
	if !v.isList {
		numbers := make([]float64, 0, len(v.series[0].points))
		for _, p := range v.series[0].points {
			numbers = append(numbers, p.value)
		}
		return value{number: fold(name, numbers)}, nil
	}
	if len(v.series) == 0 {
		return value{}, fmt.Errorf("%s of no time series", name)
	}
	if err := samePeriod(v.series); err != nil {
		return value{}, err
	}
	at := map[int64][]float64{}
	for _, s := range v.series {
		for _, p := range s.points {
			at[p.at] = append(at[p.at], p.value)
		}
	}
	out := samples{period: v.series[0].period}
	for t, numbers := range at {
		out.add(t, fold(name, numbers))
	}
	slices.SortFunc(out.points, func(a, b sample) int { return int(a.at - b.at) })
	return one(out), nil
}

// fold is NaN of nothing.
func fold(name string, numbers []float64) float64 {
	if len(numbers) == 0 {
		return math.NaN()
	}
	switch name {
	case "MIN":
		return slices.Min(numbers)
	case "MAX":
		return slices.Max(numbers)
	}
	sum := 0.0
	for _, v := range numbers {
		sum += v
	}
	if name == "AVG" {
		return sum / float64(len(numbers))
	}
	return sum
}

// choose is IF: by point where the condition is a series, else as a whole.
func choose(condition, yes, no value) (value, error) {
	if condition.isList || yes.isList || no.isList {
		return value{}, fmt.Errorf("IF on a list of time series is not emulated")
	}
	if condition.isNumber() {
		if condition.number != 0 {
			return yes, nil
		}
		return no, nil
	}
	all := slices.Concat(condition.series, yes.series, no.series)
	if err := samePeriod(all); err != nil {
		return value{}, err
	}
	at := func(v value) func(t int64) (float64, bool) {
		if v.isNumber() {
			return func(int64) (float64, bool) { return v.number, true }
		}
		points := v.series[0].byTime()
		return func(t int64) (float64, bool) { n, ok := points[t]; return n, ok }
	}
	then, otherwise := at(yes), at(no)
	out := samples{period: condition.series[0].period}
	for _, p := range condition.series[0].points {
		pick := otherwise
		if p.value != 0 {
			pick = then
		}
		if v, ok := pick(p.at); ok {
			out.add(p.at, v)
		}
	}
	return one(out), nil
}

// rate is the change per second since the previous datapoint; the first has none.
func rate(v value) (value, error) {
	if v.isNumber() {
		return value{}, fmt.Errorf("RATE wants a time series")
	}
	out := value{isList: v.isList}
	for _, s := range v.series {
		changes := samples{period: s.period}
		for i := 1; i < len(s.points); i++ {
			a, b := s.points[i-1], s.points[i]
			changes.add(b.at, (b.value-a.value)/float64(b.at-a.at))
		}
		out.series = append(out.series, changes)
	}
	return out, nil
}

// fill gives every period of the window a value: a number, or by REPEAT the last one
// before, or by LINEAR the line between its neighbours. Before the first datapoint the
// latter two have nothing to go by; nor has LINEAR after the last one.
func (e *evaluation) fill(v, with value, how string) (value, error) {
	if v.isNumber() {
		return value{}, fmt.Errorf("FILL wants a time series")
	}
	if how != "" && how != "REPEAT" && how != "LINEAR" {
		return value{}, fmt.Errorf("FILL with %s: only a number, REPEAT and LINEAR are emulated", how)
	}
	if how == "" && !with.isNumber() {
		return value{}, fmt.Errorf("FILL with a time series: only a number, REPEAT and LINEAR are emulated")
	}
	out := value{isList: v.isList}
	for _, s := range v.series {
		w := windowOf(e.start, e.end, s.period)
		if err := e.spend(int((w.to - w.from) / s.period)); err != nil {
			return value{}, err
		}
		out.series = append(out.series, s.filled(with.number, how, w))
	}
	return out, nil
}

func (s samples) filled(number float64, how string, w window) samples {
	out := samples{period: s.period}
	next := 0
	for at := w.from; at < w.to; at += s.period {
		for next < len(s.points) && s.points[next].at < at {
			next++
		}
		switch {
		case next < len(s.points) && s.points[next].at == at:
			out.add(at, s.points[next].value)
		case how == "":
			out.add(at, number)
		case next == 0:
		case how == "REPEAT":
			out.add(at, s.points[next-1].value)
		case next < len(s.points):
			a, b := s.points[next-1], s.points[next]
			out.add(at, a.value+(b.value-a.value)*float64(at-a.at)/float64(b.at-a.at))
		}
	}
	return out
}
