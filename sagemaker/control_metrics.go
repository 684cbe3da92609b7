package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
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
			alarm.Disabled, alarm.State, alarm.Rule = !aws.ToBool(a.ActionsEnabled), scaling.AlarmState(a.StateValue), ruleOf(a)
		}
		alarms = append(alarms, alarm)
	}
	return alarms, nil
}

// ruleOf is the rule of an alarm. One on several metrics has the period of the longest.
func ruleOf(a types.MetricAlarm) scaling.AlarmRule {
	period := aws.ToInt32(a.Period)
	for _, m := range a.Metrics {
		if m.MetricStat != nil {
			period = max(period, aws.ToInt32(m.MetricStat.Period))
		}
	}
	return scaling.AlarmRule{
		Comparison: scaling.Comparison(a.ComparisonOperator), Threshold: aws.ToFloat64(a.Threshold), Period: time.Duration(period) * time.Second,
		EvaluationPeriods: int(aws.ToInt32(a.EvaluationPeriods)), DatapointsToAlarm: int(aws.ToInt32(a.DatapointsToAlarm)),
		Missing: scaling.MissingData(aws.ToString(a.TreatMissingData)),
	}
}

// AlarmHistory is the changes of alarms' states since an instant, oldest first.
func (c *Control) AlarmHistory(ctx context.Context, names []string, since time.Time) ([]proof.Transition, error) {
	var all []proof.Transition
	for _, name := range names {
		pages := cloudwatch.NewDescribeAlarmHistoryPaginator(c.cloudwatch, &cloudwatch.DescribeAlarmHistoryInput{
			AlarmName: &name, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}, HistoryItemType: types.HistoryItemTypeStateUpdate,
			StartDate: &since, ScanBy: types.ScanByTimestampAscending,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, explain(fmt.Errorf("describing the history of alarm %s: %w", name, err))
			}
			for _, item := range page.AlarmHistoryItems {
				t, err := transition(item)
				if err != nil {
					return nil, fmt.Errorf("describing the history of alarm %s: %w", name, err)
				}
				all = append(all, t)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b proof.Transition) int { return a.At.Compare(b.At) })
	return all, nil
}

// transition reads an item of the history, whose states stand in a text of JSON.
func transition(item types.AlarmHistoryItem) (proof.Transition, error) {
	type state struct {
		Value  scaling.AlarmState `json:"stateValue"`
		Reason string             `json:"stateReason"`
	}
	var data struct {
		Old state `json:"oldState"`
		New state `json:"newState"`
	}
	if err := json.Unmarshal([]byte(aws.ToString(item.HistoryData)), &data); err != nil {
		return proof.Transition{}, fmt.Errorf("reading the state that it went to at %s: %w", aws.ToTime(item.Timestamp).UTC().Format(time.RFC3339), err)
	}
	return proof.Transition{At: aws.ToTime(item.Timestamp), Alarm: aws.ToString(item.AlarmName), From: data.Old.Value, To: data.New.Value, Reason: data.New.Reason}, nil
}

// Series fetches a metric of a variant, or of a component, one point for each period that
// has one, oldest first.
func (c *Control) Series(ctx context.Context, v experiment.Variant, reading experiment.Reading) ([]scaling.Point, error) {
	pages := cloudwatch.NewGetMetricDataPaginator(c.cloudwatch, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(reading.From.Truncate(reading.Period)), EndTime: &reading.To, ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{{
			Id: aws.String("m"),
			MetricStat: &types.MetricStat{
				Period: aws.Int32(int32(reading.Period / time.Second)), Stat: &reading.Statistic, //nolint:gosec // a period of CloudWatch is a day at most
				Metric: &types.Metric{
					Namespace: aws.String("AWS/SageMaker"), MetricName: &reading.Metric,
					Dimensions: dimensionsOf(v),
				},
			},
		}},
	})
	var points []scaling.Point
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(fmt.Errorf("reading %s of %s: %w", reading.Metric, v, err))
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

// dimensionsOf are those under which a variant, or a component, publishes.
func dimensionsOf(v experiment.Variant) []types.Dimension {
	if v.Component != "" {
		return []types.Dimension{{Name: aws.String("InferenceComponentName"), Value: &v.Component}}
	}
	return []types.Dimension{{Name: aws.String("EndpointName"), Value: &v.Endpoint}, {Name: aws.String("VariantName"), Value: &v.Name}}
}
