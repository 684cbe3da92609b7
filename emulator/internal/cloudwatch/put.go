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

type putMetricDataInput struct {
	Namespace        string             `json:"Namespace"`
	MetricData       []metricDatum      `json:"MetricData"`
	EntityMetricData []entityMetricData `json:"EntityMetricData"`
}

// entityMetricData is metrics of an entity; the entity itself is not kept.
type entityMetricData struct {
	MetricData []metricDatum `json:"MetricData"`
}

type metricDatum struct {
	MetricName        string             `json:"MetricName"`
	Dimensions        []metric.Dimension `json:"Dimensions"`
	Timestamp         wire.Time          `json:"Timestamp,omitzero"`
	Value             *float64           `json:"Value"`
	StatisticValues   *statisticSet      `json:"StatisticValues"`
	Values            []float64          `json:"Values"`
	Counts            []float64          `json:"Counts"`
	Unit              string             `json:"Unit"`
	StorageResolution *int64             `json:"StorageResolution"`
}

type statisticSet struct {
	SampleCount *float64 `json:"SampleCount"`
	Sum         *float64 `json:"Sum"`
	Minimum     *float64 `json:"Minimum"`
	Maximum     *float64 `json:"Maximum"`
}

type putMetricDataOutput struct{}

func (s *Service) putMetricData(_ context.Context, in *putMetricDataInput) (*putMetricDataOutput, error) {
	now := s.opts.Clock.Now()
	data := in.MetricData
	for _, entity := range in.EntityMetricData {
		data = append(data, entity.MetricData...)
	}
	if err := in.check(data, now); err != nil {
		return nil, err
	}
	for _, d := range data {
		at, resolution := now, time.Minute
		if !d.Timestamp.IsZero() {
			at = d.Timestamp.Time
		}
		if d.StorageResolution != nil {
			resolution = time.Duration(*d.StorageResolution) * time.Second
		}
		s.publish(identify(in.Namespace, d.MetricName, d.Dimensions), d.Unit, at, resolution, now, d.measured())
	}
	return nil, nil
}

func (in *putMetricDataInput) check(data []metricDatum, now time.Time) error {
	var c problems
	c.name("Namespace", in.Namespace, 255)
	c.Required("MetricData", len(data) > 0)
	if strings.HasPrefix(in.Namespace, "AWS/") || strings.HasPrefix(in.Namespace, ":") {
		c.add("The value %s for parameter Namespace is invalid.", in.Namespace)
	}
	if len(data) > maxMetricData {
		c.add("The collection MetricData must not have a size greater than %d.", maxMetricData)
	} else {
		for i, d := range data {
			d.check(&c, fmt.Sprintf("MetricData.member.%d", i+1), now)
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	for i, d := range data {
		if d.Value != nil && d.StatisticValues != nil {
			return combination("The parameters MetricData.member.%d.Value and MetricData.member.%d.StatisticValues are mutually exclusive and you have specified both.", i+1, i+1)
		}
	}
	return nil
}

func (d metricDatum) check(c *problems, at string, now time.Time) {
	c.name(at+".MetricName", d.MetricName, 255)
	c.dimensions(at+".Dimensions", d.Dimensions)
	c.unit(at+".Unit", d.Unit)
	if r := d.StorageResolution; r != nil && *r != 1 && *r != 60 {
		c.add("The value %d for parameter %s.StorageResolution is invalid: it must be 1 or 60.", *r, at)
	}
	if t := d.Timestamp.Time; !t.IsZero() && (t.Before(now.Add(-oldestTimestamp)) || t.After(now.Add(newestTimestamp))) {
		c.add("The parameter %s.Timestamp must specify a time no more than two weeks in the past and no more than two hours in the future.", at)
	}
	c.Required(at+".Value", d.Value != nil || d.StatisticValues != nil || len(d.Values) > 0)
	if d.Value != nil {
		c.number(at+".Value", *d.Value)
	}
	if d.StatisticValues != nil {
		d.StatisticValues.check(c, at+".StatisticValues")
	}
	d.checkValues(c, at)
}

func (d metricDatum) checkValues(c *problems, at string) {
	if len(d.Values) > 0 && (d.Value != nil || d.StatisticValues != nil) {
		c.add("The parameters %s.Value and %s.Values are mutually exclusive and you have specified both.", at, at)
	}
	if len(d.Values) > maxValues {
		c.add("The collection %s.Values must not have a size greater than %d.", at, maxValues)
	}
	if len(d.Counts) > 0 && len(d.Counts) != len(d.Values) {
		c.add("The parameters %s.Values and %s.Counts must be of the same size.", at, at)
	}
	for _, v := range d.Values {
		c.number(at+".Values", v)
	}
	for _, n := range d.Counts {
		if !(n > 0) {
			c.add("The value %v for parameter %s.Counts is invalid.", n, at)
		}
		c.number(at+".Counts", n)
	}
}

func (set *statisticSet) check(c *problems, at string) {
	complete := true
	for _, part := range []struct {
		name  string
		value *float64
	}{{".SampleCount", set.SampleCount}, {".Sum", set.Sum}, {".Minimum", set.Minimum}, {".Maximum", set.Maximum}} {
		c.Required(at+part.name, part.value != nil)
		if part.value == nil {
			complete = false
			continue
		}
		c.number(at+part.name, *part.value)
	}
	if !complete {
		return
	}
	if *set.Minimum > *set.Maximum {
		c.add("The parameter %s.Maximum must be greater than %s.Minimum.", at, at)
	}
	if !(*set.SampleCount > 0) {
		c.add("The value %v for parameter %s.SampleCount is invalid.", *set.SampleCount, at)
	}
}

// measured is what a datum says, once it was checked.
func (d metricDatum) measured() summary {
	switch {
	case d.StatisticValues != nil:
		set := d.StatisticValues
		return known(*set.SampleCount, *set.Sum, *set.Minimum, *set.Maximum)
	case d.Value != nil:
		return summarize(metric.Single(*d.Value))
	}
	all := make(metric.Samples, len(d.Values))
	for i, v := range d.Values {
		all[i] = metric.Sample{Value: v, Count: 1}
		if len(d.Counts) > 0 {
			all[i].Count = d.Counts[i]
		}
	}
	return summarize(slices.Clip(all).Merge(nil))
}
