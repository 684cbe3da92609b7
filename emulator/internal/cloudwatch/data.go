package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/wire"
)

func (s *Service) dataOperations() []wire.Operation {
	return []wire.Operation{
		wire.Handle("GetMetricData", s.getMetricData),
		wire.Handle("GetMetricStatistics", s.getMetricStatistics),
		wire.Handle("ListMetrics", s.listMetrics),
		wire.Handle("PutMetricData", s.putMetricData),
	}
}

// CloudWatch's limits.
const (
	maxQueries      = 500
	maxDatapoints   = 100_800 // of one answer of GetMetricData
	maxStatistics   = 1440    // datapoints of GetMetricStatistics
	metricsPerPage  = 500
	recentlyActive  = 3 * time.Hour
	listedFor       = 14 * 24 * time.Hour
	maxMetricData   = 1000 // of one PutMetricData
	maxValues       = 150
	oldestTimestamp = 14 * 24 * time.Hour
	newestTimestamp = 2 * time.Hour
)

type getMetricDataInput struct {
	MetricDataQueries []MetricDataQuery `json:"MetricDataQueries"`
	StartTime         wire.Time         `json:"StartTime,omitzero"`
	EndTime           wire.Time         `json:"EndTime,omitzero"`
	NextToken         string            `json:"NextToken,omitempty"`
	ScanBy            string            `json:"ScanBy,omitempty"`
	MaxDatapoints     *int64            `json:"MaxDatapoints,omitempty"`
}

type getMetricDataOutput struct {
	MetricDataResults []metricDataResult `json:"MetricDataResults"`
	NextToken         string             `json:"NextToken,omitempty"`
	Messages          []messageData      `json:"Messages"`
}

type metricDataResult struct {
	ID         string        `json:"Id"`
	Label      string        `json:"Label"`
	Timestamps []wire.Time   `json:"Timestamps"`
	Values     []float64     `json:"Values"`
	StatusCode string        `json:"StatusCode"`
	Messages   []messageData `json:"Messages,omitempty"`
}

type messageData struct {
	Code  string `json:"Code"`
	Value string `json:"Value"`
}

func (s *Service) getMetricData(_ context.Context, in *getMetricDataInput) (*getMetricDataOutput, error) {
	var c problems
	c.Required("MetricDataQueries", len(in.MetricDataQueries) > 0)
	c.Required("StartTime", !in.StartTime.IsZero())
	c.Required("EndTime", !in.EndTime.IsZero())
	c.Enum("ScanBy", in.ScanBy, "TimestampDescending", "TimestampAscending")
	switch {
	case in.StartTime.After(in.EndTime.Time):
		c.add("The parameter EndTime must be greater than StartTime.")
	case in.StartTime.Equal(in.EndTime.Time):
		c.add("The parameter StartTime must not equal parameter EndTime.")
	}
	if len(in.MetricDataQueries) > maxQueries {
		c.add("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	} else {
		checkQueries(&c, "MetricDataQueries", in.MetricDataQueries)
	}
	limit := int64(maxDatapoints)
	if in.MaxDatapoints != nil {
		if limit = *in.MaxDatapoints; limit < 1 || limit > maxDatapoints {
			c.add("The value %d for parameter MaxDatapoints is invalid: it must be from 1 to %d.", limit, maxDatapoints)
		}
	}
	if err := c.validation(); err != nil {
		return nil, err
	}
	at, err := parsePage("GetMetricData", in.NextToken)
	if err != nil {
		return nil, err
	}
	if at.AsOf == 0 {
		at.AsOf = s.opts.Clock.Now().UnixNano()
	}
	q := newQueries(s.store, in.MetricDataQueries, in.StartTime.Time, in.EndTime.Time, time.Unix(0, at.AsOf))
	return answer(q, in.ScanBy == "TimestampAscending", at, limit)
}

// answer lays the datapoints of all queries end to end and cuts one page out of them.
func answer(q *queries, ascending bool, at page, limit int64) (*getMetricDataOutput, error) {
	out := &getMetricDataOutput{MetricDataResults: []metricDataResult{}, Messages: []messageData{}}
	names := labels(q.all)
	first := int64(0) // the query's first datapoint, among all
	for i, m := range q.all {
		if !m.returned() {
			continue
		}
		r, err := q.run(m)
		if err != nil {
			return nil, invalid("Error in expression '%s': %v", m.ID, err)
		}
		points := slices.Clone(r.points)
		if !ascending {
			slices.Reverse(points)
		}
		end := first + int64(len(points))
		from, to := max(first, at.Number), min(end, at.Number+limit)
		if from < to || len(points) == 0 && at.Number == 0 {
			result := metricDataResult{ID: m.ID, Label: names[i], StatusCode: "Complete", Timestamps: []wire.Time{}, Values: []float64{}}
			if to < end {
				result.StatusCode = "PartialData"
			}
			if len(r.units) > 1 {
				result.Messages = []messageData{{Code: "MultipleUnits", Value: fmt.Sprintf("Multiple units returned: '[%s]'", strings.Join(r.units, ", "))}}
			}
			for _, p := range points[max(0, from-first):max(0, to-first)] {
				result.Timestamps = append(result.Timestamps, instant(p.at))
				result.Values = append(result.Values, p.value)
			}
			out.MetricDataResults = append(out.MetricDataResults, result)
		}
		first = end
	}
	if at.Number+limit < first {
		out.NextToken = page{Operation: at.Operation, Number: at.Number + limit, AsOf: at.AsOf}.token()
	}
	return out, nil
}

func instant(unix int64) wire.Time { return wire.Time{Time: time.Unix(unix, 0).UTC()} }

type getMetricStatisticsInput struct {
	Namespace          string             `json:"Namespace"`
	MetricName         string             `json:"MetricName"`
	Dimensions         []metric.Dimension `json:"Dimensions"`
	StartTime          wire.Time          `json:"StartTime,omitzero"`
	EndTime            wire.Time          `json:"EndTime,omitzero"`
	Period             int64              `json:"Period"`
	Statistics         []string           `json:"Statistics"`
	ExtendedStatistics []string           `json:"ExtendedStatistics"`
	Unit               string             `json:"Unit"`
}

type getMetricStatisticsOutput struct {
	Label      string      `json:"Label"`
	Datapoints []datapoint `json:"Datapoints"`
}

type datapoint struct {
	Timestamp          wire.Time          `json:"Timestamp"`
	SampleCount        *float64           `json:"SampleCount,omitempty"`
	Average            *float64           `json:"Average,omitempty"`
	Sum                *float64           `json:"Sum,omitempty"`
	Minimum            *float64           `json:"Minimum,omitempty"`
	Maximum            *float64           `json:"Maximum,omitempty"`
	Unit               string             `json:"Unit"`
	ExtendedStatistics map[string]float64 `json:"ExtendedStatistics,omitempty"`
}

func (s *Service) getMetricStatistics(_ context.Context, in *getMetricStatisticsInput) (*getMetricStatisticsOutput, error) {
	stats, err := in.check()
	if err != nil {
		return nil, err
	}
	w := windowOf(in.StartTime.Unix(), in.EndTime.Unix(), in.Period)
	if n := (w.to - w.from + w.period - 1) / w.period; n > maxStatistics {
		return nil, combination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxStatistics)
	}
	out := &getMetricStatisticsOutput{Label: in.MetricName, Datapoints: []datapoint{}}
	id := identify(in.Namespace, in.MetricName, in.Dimensions)
	for _, r := range s.store.read(id, in.Unit, w, s.opts.Clock.Now(), len(in.ExtendedStatistics) > 0) {
		for _, b := range r.periods {
			out.Datapoints = append(out.Datapoints, newDatapoint(b, r.unit, stats))
		}
	}
	return out, nil
}

func (in *getMetricStatisticsInput) check() ([]statistic, error) {
	var c problems
	c.metric("", in.Namespace, in.MetricName)
	c.dimensions("Dimensions", in.Dimensions)
	c.period("Period", in.Period)
	c.unit("Unit", in.Unit)
	c.Required("StartTime", !in.StartTime.IsZero())
	c.Required("EndTime", !in.EndTime.IsZero())
	if !in.StartTime.Before(in.EndTime.Time) {
		c.add("The parameter StartTime must be less than the parameter EndTime.")
	}
	var stats []statistic
	for i, name := range in.Statistics {
		st, ok := parseStatistic(name)
		if !ok || st.isRank {
			c.add("The parameter Statistics.member.%d must be a value in the set [ SampleCount, Average, Sum, Minimum, Maximum ].", i+1)
		}
		stats = append(stats, st)
	}
	for i, name := range in.ExtendedStatistics {
		st, ok := parseStatistic(name)
		if !ok || !st.isRank {
			c.add("The value %s for parameter ExtendedStatistics.member.%d is not supported: only percentiles from p0 to p100 are emulated.", name, i+1)
		}
		stats = append(stats, st)
	}
	if len(in.ExtendedStatistics) > 10 {
		c.add("The collection ExtendedStatistics must not have a size greater than 10.")
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	if (len(in.Statistics) == 0) == (len(in.ExtendedStatistics) == 0) {
		return nil, combination("Must specify either Statistics or ExtendedStatistics")
	}
	return stats, nil
}

func newDatapoint(b bucket, unit string, stats []statistic) datapoint {
	d := datapoint{Timestamp: instant(b.at), Unit: unit, ExtendedStatistics: map[string]float64{}}
	for _, st := range stats {
		v, ok := st.of(b.summary)
		switch {
		case !ok:
		case st.isRank:
			d.ExtendedStatistics[st.name] = v
		case st.name == "SampleCount":
			d.SampleCount = &v
		case st.name == "Average":
			d.Average = &v
		case st.name == "Sum":
			d.Sum = &v
		case st.name == "Minimum":
			d.Minimum = &v
		default:
			d.Maximum = &v
		}
	}
	return d
}

type listMetricsInput struct {
	Namespace      string            `json:"Namespace,omitempty"`
	MetricName     string            `json:"MetricName,omitempty"`
	Dimensions     []dimensionFilter `json:"Dimensions,omitempty"`
	NextToken      string            `json:"NextToken,omitempty"`
	RecentlyActive string            `json:"RecentlyActive,omitempty"`
}

type dimensionFilter struct {
	Name  string `json:"Name"`
	Value string `json:"Value,omitempty"` // "" is any
}

type listMetricsOutput struct {
	Metrics   []Metric `json:"Metrics"`
	NextToken string   `json:"NextToken,omitempty"`
}

func (s *Service) listMetrics(_ context.Context, in *listMetricsInput) (*listMetricsOutput, error) {
	var c problems
	c.Enum("RecentlyActive", in.RecentlyActive, "PT3H")
	if len(in.Dimensions) > 10 {
		c.add("The collection Dimensions must not have a size greater than 10.")
	}
	for i, d := range in.Dimensions {
		c.Required(fmt.Sprintf("Dimensions.member.%d.Name", i+1), d.Name != "")
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	at, err := parsePage("ListMetrics", in.NextToken)
	if err != nil {
		return nil, err
	}
	now, age := s.opts.Clock.Now(), listedFor
	if in.RecentlyActive != "" {
		age = recentlyActive
	}
	found := s.store.list(at.After, now.Add(-age), now, in.wants)
	out := &listMetricsOutput{Metrics: []Metric{}}
	if len(found) > metricsPerPage {
		found = found[:metricsPerPage]
		out.NextToken = page{Operation: at.Operation, After: found[len(found)-1].key()}.token()
	}
	for _, id := range found {
		out.Metrics = append(out.Metrics, Metric{Namespace: id.namespace, MetricName: id.name, Dimensions: append([]metric.Dimension{}, id.dimensions...)})
	}
	return out, nil
}

// wants says whether a metric has what is asked for; it may have more dimensions.
func (in *listMetricsInput) wants(id identity) bool {
	if in.Namespace != "" && in.Namespace != id.namespace || in.MetricName != "" && in.MetricName != id.name {
		return false
	}
	for _, f := range in.Dimensions {
		if !slices.ContainsFunc(id.dimensions, func(d metric.Dimension) bool { return d.Name == f.Name && (f.Value == "" || f.Value == d.Value) }) {
			return false
		}
	}
	return true
}
