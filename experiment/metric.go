package experiment

import (
	"fmt"
	"strings"

	"plimsoll/scaling"
)

// The short names of what a policy can track.
const (
	OnInvocations = "invocations" // requests a minute
	OnConcurrency = "concurrency" // requests in flight, counted every ten seconds
)

// MetricFor is the predefined metric that a policy of a variant, or of a component, is to
// track: a short name, a PredefinedMetricType, or "" for invocations. It refuses one that
// the variant or the component is not scaled by.
func MetricFor(v Variant, name string) (scaling.Metric, error) {
	var names []string
	for _, m := range scaling.PredefinedMetrics() {
		if m.Dimension != v.Dimension() {
			continue
		}
		short := OnInvocations
		if m.HighResolution {
			short = OnConcurrency
		}
		if name == m.Type || name == short || name == "" && short == OnInvocations {
			return m, nil
		}
		names = append(names, m.Type)
	}
	return scaling.Metric{}, fmt.Errorf("metric %q: give %s, %s, or one of %s", name, OnInvocations, OnConcurrency, strings.Join(names, ", "))
}

// metric is the PredefinedMetricType of the policy; "" where there is none of its name.
func (w Wanted) metric(v Variant) string {
	m, err := MetricFor(v, w.Metric)
	if err != nil {
		return ""
	}
	return m.Type
}

// PolicyName is what a policy on a metric is called: the name that the console shows for
// the one metric that it shows, and of others one that tells whose it is.
func PolicyName(metricType string) string {
	m, known := scaling.PredefinedMetric(metricType)
	if !known || metricType == Metric {
		return scaling.ConsolePolicy
	}
	return "Plimsoll" + m.Name
}

// concurrency says whether a metric counts requests in flight.
func concurrency(metricType string) bool {
	m, known := scaling.PredefinedMetric(metricType)
	return known && m.HighResolution
}

// UnitOfTarget is what follows a target value on a metric, such as "/min for each
// instance"; "" for a metric that Plimsoll does not apply.
func UnitOfTarget(metricType string) string {
	m, known := scaling.PredefinedMetric(metricType)
	each := " for each instance"
	switch {
	case !known:
		return ""
	case m.Dimension == scaling.DesiredCopyCount:
		each = " for each copy"
	case m.Dimension != scaling.DesiredInstanceCount:
		return ""
	}
	if m.HighResolution {
		return " requests in flight" + each
	}
	return "/min" + each
}
