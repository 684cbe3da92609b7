package emulator

import (
	"fmt"
	"time"

	"plimsoll/emulator/internal/autoscaling"
	"plimsoll/emulator/internal/cloudwatch"
	"plimsoll/emulator/internal/hosting"
	"plimsoll/emulator/internal/metric"
	"plimsoll/scaling"
)

// alarms lets autoscaling keep its alarms in cloudwatch.
type alarms struct{ service *cloudwatch.Service }

var _ autoscaling.Alarms = alarms{}

// Put creates or replaces an alarm.
func (a alarms) Put(spec autoscaling.AlarmSpec) (arn string, err error) {
	rule := spec.Rule
	alarm := cloudwatch.Alarm{
		AlarmName: spec.Name, AlarmDescription: spec.Description, AlarmActions: []string{spec.Action},
		Namespace: spec.Namespace, MetricName: spec.Metric, Dimensions: dimensions(spec.Dimensions), Statistic: spec.Statistic, Unit: spec.Unit,
		EvaluationPeriods: rule.EvaluationPeriods, DatapointsToAlarm: rule.DatapointsToAlarm, Threshold: &rule.Threshold,
		ComparisonOperator: string(rule.Comparison), TreatMissingData: string(rule.Missing),
	}
	seconds := int64(rule.Period / time.Second)
	if len(spec.Queries) == 0 {
		alarm.Period = seconds
	}
	for _, q := range spec.Queries {
		query := cloudwatch.MetricDataQuery{ID: q.ID, Expression: q.Expression, Label: q.Label, ReturnData: q.ReturnData}
		if s := q.MetricStat; s != nil {
			query.MetricStat = &cloudwatch.MetricStat{
				Metric: cloudwatch.Metric{Namespace: s.Metric.Namespace, MetricName: s.Metric.MetricName, Dimensions: dimensions(s.Metric.Dimensions)},
				Period: seconds, Stat: s.Stat, Unit: s.Unit,
			}
		}
		alarm.Metrics = append(alarm.Metrics, query)
	}
	if err := a.service.PutAlarm(alarm); err != nil {
		return "", err
	}
	return a.service.AlarmARN(spec.Name), nil
}

// Delete removes alarms.
func (a alarms) Delete(names ...string) error {
	a.service.DeleteAlarms(names...)
	return nil
}

// Acting is the alarms that call an action when they go into ALARM.
func (a alarms) Acting(action string) []autoscaling.Alarm {
	var acting []autoscaling.Alarm
	for _, each := range a.service.Acting(action) {
		acting = append(acting, autoscaling.Alarm{
			AlarmName: each.AlarmName, AlarmARN: a.service.AlarmARN(each.AlarmName), InAlarm: each.State == scaling.StateAlarm,
		})
	}
	return acting
}

func dimensions(from []autoscaling.Dimension) []metric.Dimension {
	var to []metric.Dimension
	for _, d := range from {
		to = append(to, metric.Dimension{Name: d.Name, Value: d.Value})
	}
	return to
}

// deliver tells autoscaling of an alarm that calls one of its policies.
func deliver(to *autoscaling.Autoscaler, event cloudwatch.ActionEvent) {
	newest, ok := event.Newest()
	if event.State != scaling.StateAlarm || !ok {
		return // only ALARM calls for capacity, and only a value says how much
	}
	recent := make([]float64, 0, len(event.Points))
	for _, p := range event.Points {
		recent = append(recent, p.Value)
	}
	to.AlarmFired(autoscaling.Firing{
		Action: event.ActionARN, Alarm: event.AlarmName, Repeated: event.Repeated, Value: newest.Value, Recent: recent, Threshold: event.Threshold, At: newest.At,
	})
}

// resources lets autoscaling move hosting's capacity.
type resources struct{ *hosting.Hosting }

var _ autoscaling.Capacity = resources{}

// Capacity is that of hosting, whose only error is that there is no such resource.
func (r resources) Capacity(resourceID, dimension string) (current, desired int, updating bool, err error) {
	current, desired, updating, err = r.Hosting.Capacity(resourceID, dimension)
	if err != nil {
		err = fmt.Errorf("%w: %w", autoscaling.ErrNoResource, err)
	}
	return current, desired, updating, err
}
