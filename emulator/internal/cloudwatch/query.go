package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/metric"
)

// MetricDataQuery is one metric, or one expression over others, in CloudWatch's form.
type MetricDataQuery struct {
	ID         string      `json:"Id,omitempty"`
	MetricStat *MetricStat `json:"MetricStat,omitempty"`
	Expression string      `json:"Expression,omitempty"`
	Label      string      `json:"Label,omitempty"`
	ReturnData *bool       `json:"ReturnData,omitempty"` // nil is true
	Period     int64       `json:"Period,omitempty"`
	AccountID  string      `json:"AccountId,omitempty"`
}

// MetricStat is a metric with how it is summed up.
type MetricStat struct {
	Metric Metric `json:"Metric"`
	Period int64  `json:"Period,omitempty"` // seconds
	Stat   string `json:"Stat,omitempty"`
	Unit   string `json:"Unit,omitempty"` // "" is every unit
}

// Metric names a metric.
type Metric struct {
	Namespace  string             `json:"Namespace,omitempty"`
	MetricName string             `json:"MetricName,omitempty"`
	Dimensions []metric.Dimension `json:"Dimensions"`
}

func (m Metric) identity() identity { return identify(m.Namespace, m.MetricName, m.Dimensions) }

// returned says whether a query's data is part of the answer.
func (q MetricDataQuery) returned() bool { return q.ReturnData == nil || *q.ReturnData }

// result is what a query came to.
type result struct {
	samples

	units  []string  // in which the metric has data
	counts []float64 // measurements by point; of metrics only
}

// queries runs the queries of one request against the store, each once.
type queries struct {
	store *store
	asOf  time.Time
	all   []MetricDataQuery
	runs  evaluation

	done    map[string]result
	pending []string // the expressions that are being computed, each for the one before
}

func newQueries(s *store, all []MetricDataQuery, start, end, asOf time.Time) *queries {
	q := &queries{store: s, asOf: asOf, all: all, done: map[string]result{}}
	q.runs = evaluation{start: start.Unix(), end: end.Unix(), source: q}
	return q
}

var _ source = (*queries)(nil)

func (q *queries) series(id string) (value, error) {
	i := slices.IndexFunc(q.all, func(m MetricDataQuery) bool { return m.ID == id })
	if i < 0 {
		return value{}, fmt.Errorf("no query has the id %q", id)
	}
	r, err := q.run(q.all[i])
	return one(r.samples), err
}

func (q *queries) metrics(idPart string) ([]samples, error) {
	var out []samples
	for _, m := range q.all {
		if m.MetricStat == nil || !strings.Contains(m.ID, idPart) {
			continue
		}
		r, err := q.run(m)
		if err != nil {
			return nil, err
		}
		out = append(out, r.samples)
	}
	return out, nil
}

// run is the result of one query.
func (q *queries) run(m MetricDataQuery) (result, error) {
	if r, ok := q.done[m.ID]; ok {
		return r, nil
	}
	var r result
	var err error
	if m.MetricStat != nil {
		r, err = q.read(*m.MetricStat)
	} else {
		r, err = q.compute(m)
	}
	if err == nil {
		q.done[m.ID] = r
	}
	return r, err
}

func (q *queries) read(m MetricStat) (result, error) {
	stat, ok := parseStatistic(m.Stat)
	if !ok {
		return result{}, fmt.Errorf("statistic %q is not emulated", m.Stat)
	}
	out := result{samples: samples{period: m.Period}}
	w := windowOf(q.runs.start, q.runs.end, m.Period)
	readings := q.store.read(m.Metric.identity(), m.Unit, w, q.asOf, stat.isRank)
	for _, r := range readings {
		out.units = append(out.units, r.unit)
	}
	if len(readings) == 0 {
		return out, nil
	}
	for _, b := range readings[0].periods {
		if v, ok := stat.of(b.summary); ok {
			out.points = append(out.points, sample{at: b.at, value: v})
			out.counts = append(out.counts, b.count)
		}
	}
	return out, q.runs.spend(len(out.points))
}

func (q *queries) compute(m MetricDataQuery) (result, error) {
	if slices.Contains(q.pending, m.ID) {
		return result{}, fmt.Errorf("expression %q depends on itself", m.ID)
	}
	q.pending = append(q.pending, m.ID)
	defer func() { q.pending = q.pending[:len(q.pending)-1] }()
	n, err := parseExpression(m.Expression)
	if err != nil {
		return result{}, err
	}
	v, err := q.runs.of(n)
	switch {
	case err != nil:
		return result{}, err
	case v.isNumber():
		return result{}, fmt.Errorf("it comes to a number, and must come to a time series")
	case v.isList:
		return result{}, fmt.Errorf("it comes to a list of time series, which is not emulated: reduce it with SUM, AVG, MIN or MAX")
	}
	return result{samples: v.series[0]}, nil
}

// checkQueries reports what is wrong with the queries of GetMetricData, or of an alarm
// which names them otherwise, before anything is read.
func checkQueries(c *problems, member string, all []MetricDataQuery) {
	seen := map[string]bool{}
	for i, m := range all {
		at := fmt.Sprintf("%s.member.%d", member, i+1)
		if !validID(m.ID) {
			c.add("The value %q for parameter %s.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", m.ID, at)
		}
		if seen[m.ID] {
			c.add("The values for parameter id in MetricDataQueries are not unique: %q.", m.ID)
		}
		seen[m.ID] = true
		switch {
		case m.MetricStat != nil && m.Expression != "":
			c.add("The parameters %s.Expression and %s.MetricStat are mutually exclusive and you have specified both.", at, at)
		case m.MetricStat != nil:
			checkStat(c, at+".MetricStat", *m.MetricStat)
		case m.Expression == "":
			c.add("The parameter %s.MetricStat is required.", at)
		case len(m.Expression) > 2048:
			c.add("The parameter %s.Expression must be at most 2048 characters long.", at)
		}
	}
}

// validID says whether expressions can name a query so.
func validID(id string) bool {
	for i := range len(id) {
		if c := id[i]; !isLetter(c) && !isDigit(c) {
			return false
		}
	}
	return id != "" && len(id) <= 255 && id[0] >= 'a' && id[0] <= 'z'
}

func checkStat(c *problems, at string, m MetricStat) {
	c.metric(at+".Metric.", m.Metric.Namespace, m.Metric.MetricName)
	c.dimensions(at+".Metric.Dimensions", m.Metric.Dimensions)
	c.unit(at+".Unit", m.Unit)
	c.period(at+".Period", m.Period)
	if _, ok := parseStatistic(m.Stat); !ok {
		c.add("The value %s for parameter %s.Stat is not supported: only SampleCount, Average, Sum, Minimum, Maximum and percentiles from p0 to p100 are emulated.", m.Stat, at)
	}
}

// labels are the names of results that have none: the metric's, with the statistic and
// the period where queries for one metric differ in them, as CloudWatch does.
func labels(all []MetricDataQuery) []string {
	stats, periods := map[string]map[string]bool{}, map[string]map[string]bool{}
	note := func(in map[string]map[string]bool, key, v string) {
		if in[key] == nil {
			in[key] = map[string]bool{}
		}
		in[key][v] = true
	}
	for _, m := range all {
		if m.MetricStat != nil {
			note(stats, m.MetricStat.Metric.MetricName, m.MetricStat.Stat)
			note(periods, m.MetricStat.Metric.MetricName, fmt.Sprint(m.MetricStat.Period))
		}
	}
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = cmp.Or(m.Label, m.ID)
		if m.MetricStat == nil || m.Label != "" {
			continue
		}
		parts := []string{m.MetricStat.Metric.MetricName}
		if len(stats[parts[0]]) > 1 {
			parts = append(parts, m.MetricStat.Stat)
		}
		if len(periods[m.MetricStat.Metric.MetricName]) > 1 {
			parts = append(parts, fmt.Sprint(m.MetricStat.Period))
		}
		out[i] = strings.Join(parts, " ")
	}
	return out
}
