package cloudwatch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/emulator/internal/metric"
)

// compute runs expressions e1, e2 and so on over three metrics with minutes 0 to 4: m1
// is 1, 2, 3, 4, 5; m2 is 10, -, 30, -, 50; none has nothing. fast has 10-second periods.
func compute(t testing.TB, expressions ...string) (map[int]float64, error) {
	t.Helper()
	w := newWorld(t)
	for i := range 5 {
		at := w.start.Add(time.Duration(i) * time.Minute)
		w.Put(datum("M1", at, time.Minute, metric.Single(float64(i+1))))
		if i%2 == 0 {
			w.Put(datum("M2", at, time.Minute, metric.Single(float64(10*i+10))))
		}
	}
	query := func(id, name string, period int64) MetricDataQuery {
		return MetricDataQuery{ID: id, MetricStat: &MetricStat{
			Metric: Metric{Namespace: metric.SageMaker, MetricName: name, Dimensions: dimensions()}, Period: period, Stat: "Sum",
		}}
	}
	all := []MetricDataQuery{query("m1", "M1", 60), query("m2", "M2", 60), query("none", "None", 60), query("fast", "M1", 10)}
	for i, text := range expressions {
		all = append(all, MetricDataQuery{ID: fmt.Sprintf("e%d", i+1), Expression: text})
	}
	q := newQueries(w.store, all, w.start, w.start.Add(5*time.Minute), w.start.Add(time.Hour))
	r, err := q.run(all[len(all)-1])
	if err != nil {
		return nil, err
	}
	out := map[int]float64{}
	for _, p := range r.points {
		out[int(p.at-w.start.Unix())/60] = p.value
	}
	return out, nil
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct {
		name        string
		expressions []string
		want        map[int]float64
	}{
		{"a metric", []string{"m1"}, map[int]float64{0: 1, 1: 2, 2: 3, 3: 4, 4: 5}},
		{"a number on either side", []string{"1 + m1 * 2"}, map[int]float64{0: 3, 1: 5, 2: 7, 3: 9, 4: 11}},
		{"from the left", []string{"m1 - 1 - 1"}, map[int]float64{0: -1, 1: 0, 2: 1, 3: 2, 4: 3}},
		{"parentheses", []string{"(1 + m1) * 2"}, map[int]float64{0: 4, 1: 6, 2: 8, 3: 10, 4: 12}},
		{"minus", []string{"-m1 + -1.5e0"}, map[int]float64{0: -2.5, 1: -3.5, 2: -4.5, 3: -5.5, 4: -6.5}},
		{"where both have data", []string{"m2 / m1"}, map[int]float64{0: 10, 2: 10, 4: 10}},
		{"division by zero is no datapoint", []string{"m1 / (m1 - 3)"}, map[int]float64{0: -0.5, 1: -2, 3: 4, 4: 2.5}},
		{"nothing stays nothing", []string{"none * 2"}, map[int]float64{}},
		{"an expression of an expression", []string{"m1 * 2", "e1 + 1"}, map[int]float64{0: 3, 1: 5, 2: 7, 3: 9, 4: 11}},
		{"sum of a list", []string{"SUM([m1, m2])"}, map[int]float64{0: 11, 1: 2, 2: 33, 3: 4, 4: 55}},
		{"average of all metrics", []string{`AVG(METRICS("m"))`}, map[int]float64{0: 5.5, 1: 2, 2: 16.5, 3: 4, 4: 27.5}},
		{"largest of a list", []string{"MAX([m1, m2, none])"}, map[int]float64{0: 10, 1: 2, 2: 30, 3: 4, 4: 50}},
		{"smallest of a list", []string{"MIN([m1,m2])"}, map[int]float64{0: 1, 1: 2, 2: 3, 3: 4, 4: 5}},
		{"over the points of one", []string{"m1 / SUM(m1) * 15"}, map[int]float64{0: 1, 1: 2, 2: 3, 3: 4, 4: 5}},
		{"average of one", []string{"m1 - AVG(m1)"}, map[int]float64{0: -2, 1: -1, 2: 0, 3: 1, 4: 2}},
		{"per second", []string{"m1 / PERIOD(m1) * 60"}, map[int]float64{0: 1, 1: 2, 2: 3, 3: 4, 4: 5}},
		{"rate", []string{"RATE(m2) * 120"}, map[int]float64{2: 20, 4: 20}},
		{"filled with a number", []string{"FILL(m2, 0)"}, map[int]float64{0: 10, 1: 0, 2: 30, 3: 0, 4: 50}},
		{"filled with a computed number", []string{"FILL(m2, -MAX(m1))"}, map[int]float64{0: 10, 1: -5, 2: 30, 3: -5, 4: 50}},
		{"filled with the last", []string{"FILL(m2, REPEAT)"}, map[int]float64{0: 10, 1: 10, 2: 30, 3: 30, 4: 50}},
		{"filled with a line", []string{"FILL(m2, LINEAR)"}, map[int]float64{0: 10, 1: 20, 2: 30, 3: 40, 4: 50}},
		{"nothing to repeat", []string{"FILL(none, REPEAT)"}, map[int]float64{}},
		{"nothing filled with a number", []string{"FILL(none, 7)"}, map[int]float64{0: 7, 1: 7, 2: 7, 3: 7, 4: 7}},
		{"filled lists", []string{"SUM(FILL([m1, m2], 0))"}, map[int]float64{0: 11, 1: 2, 2: 33, 3: 4, 4: 55}},
		{"if by point", []string{"IF(m1 > 3, m1, 0)"}, map[int]float64{0: 0, 1: 0, 2: 0, 3: 4, 4: 5}},
		{"if by number", []string{"IF(1 == 1 && 2 < 3, m2, m1)"}, map[int]float64{0: 10, 2: 30, 4: 50}},
		{"if without data on one side", []string{"IF(m1 >= 3 OR m1 <= 1, m2, m1)"}, map[int]float64{0: 10, 1: 2, 2: 30, 4: 50}},
		{"comparison", []string{"m1 != 2 AND m1 < 5"}, map[int]float64{0: 1, 1: 0, 2: 1, 3: 1, 4: 0}},
	} {
		got, err := compute(t, c.expressions...)
		if err != nil {
			t.Errorf("%s: %q: %v", c.name, c.expressions, err)
			continue
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %q by minute (-want +got):\n%s", c.name, c.expressions, d)
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	for _, c := range []struct {
		name        string
		expressions []string
		want        string
	}{
		{"unknown id", []string{"m1 + m9"}, `no query has the id "m9"`},
		{"unknown function", []string{"ANOMALY_DETECTION_BAND(m1, 2)"}, "function ANOMALY_DETECTION_BAND is not emulated"},
		{"search", []string{`SUM(SEARCH('{AWS/SageMaker,EndpointName} Invocations', 'Sum', 60))`}, "function SEARCH is not emulated"},
		{"insights", []string{"SELECT AVG(CPUUtilization) FROM x"}, "Metrics Insights"},
		{"power", []string{"m1 ^ 2"}, "operator ^ is not emulated"},
		{"a number", []string{"1 + 1"}, "comes to a number"},
		{"a number of a metric", []string{"SUM(m1)"}, "comes to a number"},
		{"a list", []string{"METRICS()"}, "list of time series"},
		{"operator on a list", []string{"SUM(METRICS() * 2)"}, "operators on a list"},
		{"list of numbers", []string{"SUM([1, 2])"}, "not of numbers"},
		{"empty list", []string{"SUM([])"}, "no time series"},
		{"two periods", []string{"m1 + fast"}, "one period"},
		{"two periods in a list", []string{"SUM([m1, fast])"}, "one period"},
		{"itself", []string{"e1 + 1"}, "depends on itself"},
		{"in a circle", []string{"e2 + 1", "e1 + 1"}, "depends on itself"},
		{"too few arguments", []string{"FILL(m1)"}, "FILL has 1 arguments"},
		{"too many arguments", []string{"SUM(m1, m2)"}, "SUM has 2 arguments"},
		{"filled with what", []string{"FILL(m2, SPLINE)"}, "FILL with SPLINE"},
		{"filled with a series", []string{"FILL(m2, m1 + 0)"}, "FILL with a time series"},
		{"metrics of what", []string{"SUM(METRICS(m1))"}, "METRICS wants"},
		{"text", []string{`m1 + "m2"`}, "a text"},
		{"no end of text", []string{`SUM(METRICS("m))`}, "no end"},
		{"no end", []string{"m1 +"}, "unexpected end"},
		{"no bracket", []string{"(m1"}, `want ")"`},
		{"bracket too many", []string{"m1)"}, `unexpected ")"`},
		{"not a number", []string{"1.2.3 * m1"}, `"1.2.3" is not a number`},
		{"two series", []string{"m1 m2"}, `unexpected "m2"`},
		{"deep", []string{strings.Repeat("(", 200) + "m1" + strings.Repeat(")", 200)}, "levels deep"},
		{"deep minus", []string{strings.Repeat("-", 200) + "m1"}, "levels deep"},
		{"condition on a list", []string{"IF(METRICS(), m1, m2)"}, "IF on a list"},
		{"rate of a number", []string{"RATE(1)"}, "RATE wants"},
		{"period of a number", []string{"PERIOD(1)"}, "PERIOD wants"},
		{"empty", []string{" "}, "unexpected end"},
	} {
		got, err := compute(t, c.expressions...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q = %v, %v; want %q", c.name, c.expressions, got, err, c.want)
		}
	}
}

// TestExpressionWork: a short text cannot ask for much memory.
func TestExpressionWork(t *testing.T) {
	w := newWorld(t)
	all := []MetricDataQuery{
		{ID: "m1", MetricStat: &MetricStat{Metric: Metric{Namespace: "N", MetricName: "M"}, Period: 1, Stat: "Sum"}},
		{ID: "e1", Expression: "SUM([" + strings.Repeat("FILL(m1, 0),", 100) + "m1])"},
	}
	q := newQueries(w.store, all, w.start.Add(-15*24*time.Hour), w.start, w.start)
	if _, err := q.run(all[1]); err == nil || !strings.Contains(err.Error(), "more than 5000000 datapoints") {
		t.Errorf("130 million datapoints: error %v", err)
	}
}

func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		"m1 + 2 * (m2 - 1)", "SUM(METRICS())", `AVG(METRICS("m"))`, "FILL(m1, REPEAT)", "FILL(m2, LINEAR)", "IF(m1 > 1 && m2 <= 2, m1, 0)",
		"RATE([m1,m2])", "PERIOD(m1)/0", "e1", "-(-1)", "[", "1e999", "1e+", `"`, "((((", "m1 || m2", "MAX([[m1],[m2]])", "\x00", "FILL(METRICS(), m1)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2048 {
			return // GetMetricData refuses it
		}
		got, err := compute(t, text)
		if err != nil {
			return
		}
		for at, v := range got {
			if at < 0 || at > 4 || v != v || v-v != 0 {
				t.Errorf("%q: minute %d is %v", text, at, v)
			}
		}
	})
}
