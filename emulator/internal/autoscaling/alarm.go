package autoscaling

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

// AlarmSpec is an alarm that a target-tracking policy needs: on a single metric, or on
// Queries.
type AlarmSpec struct {
	Name        string
	Description string
	Action      string // for the state ALARM
	Namespace   string
	Metric      string
	Dimensions  []Dimension
	Statistic   string
	Unit        string        // "" for any
	Queries     []MetricQuery // with the rule's period
	Rule        scaling.AlarmRule
}

// metric is what a configuration tracks, as scaling knows it.
func (t *trackingConfig) metric() scaling.Metric {
	if p := t.PredefinedMetricSpecification; p != nil {
		m, _ := scaling.PredefinedMetric(p.PredefinedMetricType)
		return m
	}
	custom := t.CustomizedMetricSpecification
	return scaling.Metric{Namespace: custom.Namespace, Name: custom.MetricName, Statistic: custom.Statistic, Period: time.Minute}
}

// sameMetric is whether two configurations track one metric, whatever they make of it.
func (t *trackingConfig) sameMetric(other *trackingConfig) bool {
	return t.identity() == other.identity()
}

// identity is the metric alone. The order of dimensions and of queries means nothing.
func (t *trackingConfig) identity() string {
	if p := t.PredefinedMetricSpecification; p != nil {
		return p.PredefinedMetricType
	}
	m := t.CustomizedMetricSpecification
	parts := []string{m.Namespace, m.MetricName, m.Statistic, m.Unit, dimensionsText(m.Dimensions)}
	for _, q := range slices.SortedFunc(slices.Values(m.Metrics), func(a, b MetricQuery) int { return strings.Compare(a.ID, b.ID) }) {
		parts = append(parts, q.ID, q.Expression, strconv.FormatBool(q.returned()))
		if s := q.MetricStat; s != nil {
			parts = append(parts, s.Metric.Namespace, s.Metric.MetricName, s.Stat, s.Unit, dimensionsText(s.Metric.Dimensions))
		}
	}
	return strings.Join(parts, "\x00")
}

func dimensionsText(dimensions []Dimension) string {
	var parts []string
	for _, d := range dimensions {
		parts = append(parts, fmt.Sprintf("%q=%q", d.Name, d.Value))
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// putAlarms makes or updates the alarms of a target-tracking policy: the high one, and
// the low one unless scale-in is disabled. It changes the policy only when all is done.
func (a *Autoscaler) putAlarms(t *target, p *policy, config *trackingConfig) error {
	high, low, hasLow := config.rule().Alarms(config.metric(), a.opts.Assumptions)
	newHigh, err := a.putAlarm(t, p, config, p.High, "AlarmHigh", high)
	if err != nil {
		return err
	}
	var newLow Alarm
	if hasLow {
		if newLow, err = a.putAlarm(t, p, config, p.Low, "AlarmLow", low); err != nil {
			if p.High.AlarmName == "" {
				err = errors.Join(err, a.opts.Alarms.Delete(newHigh.AlarmName))
			}
			return err
		}
	} else if p.Low.AlarmName != "" {
		if err := a.opts.Alarms.Delete(p.Low.AlarmName); err != nil {
			return err
		}
	}
	p.High, p.Low = newHigh, newLow
	return nil
}

// putAlarm puts one alarm, under the name that it has or a new one.
func (a *Autoscaler) putAlarm(t *target, p *policy, config *trackingConfig, old Alarm, kind string, rule scaling.AlarmRule) (Alarm, error) {
	name := or(old.AlarmName, fmt.Sprintf("TargetTracking-%s-%s-%s", t.Resource, kind, a.opts.NewID()))
	spec := AlarmSpec{
		Name:        name,
		Description: fmt.Sprintf("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy %s.", a.alarmAction(t, p)),
		Action:      a.alarmAction(t, p),
		Rule:        rule,
	}
	if custom := config.CustomizedMetricSpecification; custom != nil && len(custom.Metrics) > 0 {
		spec.Queries = custom.Metrics
	} else {
		m := config.metric()
		spec.Namespace, spec.Metric, spec.Statistic = m.Namespace, m.Name, m.Statistic
		spec.Dimensions = resourceDimensions(t.Resource)
		if custom != nil {
			spec.Dimensions, spec.Unit = custom.Dimensions, custom.Unit
		}
	}
	arn, err := a.opts.Alarms.Put(spec)
	if err != nil {
		return Alarm{}, alarmError(err)
	}
	return Alarm{AlarmName: name, AlarmARN: arn}, nil
}

// alarmAction is what alarms call: the ARN of a policy, with its creator where the
// alarms are its own.
func (a *Autoscaler) alarmAction(t *target, p *policy) string {
	if p.Creator == "" {
		return a.policyARN(t, p)
	}
	return a.policyARN(t, p) + ":createdBy/" + p.Creator
}

// resourceDimensions are the dimensions of a resource's predefined metrics.
func resourceDimensions(resource string) []Dimension {
	parts := strings.Split(resource, "/")
	if len(parts) == 4 {
		return []Dimension{{Name: "EndpointName", Value: parts[1]}, {Name: "VariantName", Value: parts[3]}}
	}
	return []Dimension{{Name: "InferenceComponentName", Value: parts[len(parts)-1]}}
}

// alarmError says in this service's words what CloudWatch refused.
func alarmError(err error) error {
	var refused *wire.Error
	switch {
	case !errors.As(err, &refused):
		return wire.Errorf(http.StatusBadRequest, "FailedResourceAccessException", "Failed to put the alarms of the scaling policy: %v", err)
	case strings.HasPrefix(refused.Code, "LimitExceeded"):
		return limitExceeded("%s", refused.Message)
	default:
		return invalid("The alarms of the scaling policy were refused: %s", refused.Message)
	}
}
