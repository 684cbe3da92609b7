package sagemaker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plimsoll/experiment"
	"plimsoll/scaling"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// mostAlarms is how many names one call may ask for.
const mostAlarms = 100

// Alarms says how alarms are, in the order of their names.
func (c *Control) Alarms(ctx context.Context, names []string) ([]scaling.OwnAlarm, error) {
	found := map[string]types.MetricAlarm{}
	for some := range slices.Chunk(names, mostAlarms) {
		pages := cloudwatch.NewDescribeAlarmsPaginator(c.cloudwatch, &cloudwatch.DescribeAlarmsInput{AlarmNames: some, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, explain(fmt.Errorf("describing alarms: %w", err))
			}
			for _, a := range page.MetricAlarms {
				found[aws.ToString(a.AlarmName)] = a
			}
		}
	}
	alarms := make([]scaling.OwnAlarm, 0, len(names))
	for _, name := range names {
		a, there := found[name]
		alarm := scaling.OwnAlarm{Name: name, Missing: !there}
		if there {
			alarm.Disabled, alarm.Threshold = !aws.ToBool(a.ActionsEnabled), aws.ToFloat64(a.Threshold)
			alarm.Comparison, alarm.State = scaling.Comparison(a.ComparisonOperator), scaling.AlarmState(a.StateValue)
		}
		alarms = append(alarms, alarm)
	}
	return alarms, nil
}

// Series fetches a metric of a variant, or of a component, one point for each minute that
// has one (ten seconds where the metric is of high resolution), oldest first.
func (c *Control) Series(ctx context.Context, v experiment.Variant, metric, statistic string, from, to time.Time) ([]scaling.Point, error) {
	period := periodOf(metric)
	pages := cloudwatch.NewGetMetricDataPaginator(c.cloudwatch, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(from.Truncate(period)), EndTime: &to, ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{{
			Id: aws.String("m"),
			MetricStat: &types.MetricStat{
				Period: aws.Int32(int32(period.Seconds())), Stat: &statistic,
				Metric: &types.Metric{
					Namespace: aws.String("AWS/SageMaker"), MetricName: &metric,
					Dimensions: dimensionsOf(v),
				},
			},
		}},
	})
	var points []scaling.Point
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(fmt.Errorf("reading %s of %s: %w", metric, v, err))
		}
		for _, r := range page.MetricDataResults {
			for i := range min(len(r.Timestamps), len(r.Values)) {
				points = append(points, scaling.Point{At: r.Timestamps[i], Value: r.Values[i]})
			}
		}
	}
	slices.SortFunc(points, func(a, b scaling.Point) int { return a.At.Compare(b.At) })
	return points, nil
}

// periodOf is how often a metric has a datapoint.
func periodOf(metric string) time.Duration {
	for _, m := range scaling.PredefinedMetrics() {
		if m.Name == metric {
			return m.Period
		}
	}
	return time.Minute
}

// dimensionsOf are those under which a variant, or a component, publishes.
func dimensionsOf(v experiment.Variant) []types.Dimension {
	if v.Component != "" {
		return []types.Dimension{{Name: aws.String("InferenceComponentName"), Value: &v.Component}}
	}
	return []types.Dimension{{Name: aws.String("EndpointName"), Value: &v.Endpoint}, {Name: aws.String("VariantName"), Value: &v.Name}}
}
