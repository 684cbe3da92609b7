package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// described are the alarms of some names that exist.
func (s suite) described(names ...string) map[string]types.MetricAlarm {
	found := map[string]types.MetricAlarm{}
	for pages := cloudwatch.NewDescribeAlarmsPaginator(s.cloudwatch, &cloudwatch.DescribeAlarmsInput{AlarmNames: names, MaxRecords: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			must("page through the alarms", err)
		}
		for _, a := range page.MetricAlarms {
			found[aws.ToString(a.AlarmName)] = a
		}
	}
	return found
}

func (s suite) state(alarm string) types.StateValue { return s.described(alarm)[alarm].StateValue }

// alarms asks what a policy's alarms wait for.
func (s suite) alarms(high, low string) {
	err := cloudwatch.NewAlarmExistsWaiter(s.cloudwatch).Wait(s.ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{high, low}}, time.Minute)
	must("the waiter sees that the alarms exist", err)
	for _, want := range []struct {
		what, name string
		threshold  float64
		periods    int32
	}{{"the high alarm is 3 x 60 s above the target", high, 100, 3}, {"the low alarm is 15 x 60 s below 90 % of it", low, 90, 15}} {
		a := s.described(high, low)[want.name]
		check(want.what, aws.ToFloat64(a.Threshold) == want.threshold && aws.ToInt32(a.EvaluationPeriods) == want.periods && aws.ToInt32(a.Period) == 60, a)
	}
}

// history returns the model time of the alarm's last change.
func (s suite) history(alarm string) (last time.Time) {
	fired := false
	for pages := cloudwatch.NewDescribeAlarmHistoryPaginator(s.cloudwatch, &cloudwatch.DescribeAlarmHistoryInput{
		AlarmName: aws.String(alarm), HistoryItemType: types.HistoryItemTypeStateUpdate, MaxRecords: aws.Int32(1),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			must("page through the alarm's history", err)
		}
		for _, item := range page.AlarmHistoryItems {
			fired = fired || strings.HasSuffix(aws.ToString(item.HistorySummary), "to ALARM")
			if at := aws.ToTime(item.Timestamp); at.After(last) {
				last = at
			}
		}
	}
	check("the alarm's history has its states", fired, "no update to ALARM")
	return last
}

// metrics reads the load back; its metrics lie in model time.
func (s suite) metrics(at time.Time) {
	start, end := at.Add(-2*time.Hour), at.Add(time.Hour)
	dimensions := []types.Dimension{{Name: aws.String("EndpointName"), Value: aws.String(endpoint)}, {Name: aws.String("VariantName"), Value: aws.String(variant)}}
	metric := func(name string) *types.Metric {
		return &types.Metric{Namespace: aws.String("AWS/SageMaker"), MetricName: aws.String(name), Dimensions: dimensions}
	}
	greatest := map[string]float64{}
	for pages := cloudwatch.NewGetMetricDataPaginator(s.cloudwatch, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(start), EndTime: aws.Time(end), MaxDatapoints: aws.Int32(7),
		MetricDataQueries: []types.MetricDataQuery{
			{Id: aws.String("sum"), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"), Metric: metric("Invocations")}},
			{Id: aws.String("p99"), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("p99"), Metric: metric("ModelLatency")}},
			{Id: aws.String("persecond"), Expression: aws.String("sum / PERIOD(sum)")},
		},
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			must("page through the metric data", err)
		}
		for _, result := range page.MetricDataResults {
			for _, v := range result.Values {
				greatest[aws.ToString(result.Id)] = max(greatest[aws.ToString(result.Id)], v)
			}
		}
	}
	check("the metric data has the load", greatest["sum"] > 100 && greatest["persecond"] == greatest["sum"]/60, greatest)
	check("and latencies in microseconds", greatest["p99"] >= 1000, greatest)
	var listed []string
	for pages := cloudwatch.NewListMetricsPaginator(s.cloudwatch, &cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/SageMaker")}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			must("page through the metrics", err)
		}
		for _, m := range page.Metrics {
			listed = append(listed, aws.ToString(m.MetricName))
		}
	}
	for _, name := range []string{"Invocations", "InvocationsPerInstance", "ModelLatency", "OverheadLatency"} {
		check("the metric "+name+" is listed", slices.Contains(listed, name), listed)
	}
	statistics, err := s.cloudwatch.GetMetricStatistics(s.ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/SageMaker"), MetricName: aws.String("ModelLatency"), Dimensions: dimensions,
		StartTime: aws.Time(start), EndTime: aws.Time(end), Period: aws.Int32(3600), ExtendedStatistics: []string{"p50", "p99"},
	})
	must("get percentiles as statistics", err)
	check("each datapoint has both", len(statistics.Datapoints) > 0 && !slices.ContainsFunc(statistics.Datapoints, func(d types.Datapoint) bool {
		return len(d.ExtendedStatistics) != 2 || d.ExtendedStatistics["p50"] < 1000 || d.ExtendedStatistics["p99"] < d.ExtendedStatistics["p50"]
	}), statistics.Datapoints)
}

// ownMetric puts one and reads it, with characters that XML has to escape.
func (s suite) ownMetric() {
	at := time.Now().Add(-10 * time.Minute).Truncate(time.Minute)
	queue := []types.Dimension{{Name: aws.String("Queue"), Value: aws.String("a & <b>")}}
	_, err := s.cloudwatch.PutMetricData(s.ctx, &cloudwatch.PutMetricDataInput{
		Namespace:  aws.String("Suite"),
		MetricData: []types.MetricDatum{{MetricName: aws.String("Depth"), Timestamp: aws.Time(at), Value: aws.Float64(7), Unit: types.StandardUnitCount, Dimensions: queue}},
	})
	must("put a metric", err)
	out, err := s.cloudwatch.GetMetricStatistics(s.ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("Suite"), MetricName: aws.String("Depth"), Dimensions: queue, Period: aws.Int32(60),
		StartTime: aws.Time(at.Add(-time.Hour)), EndTime: aws.Time(at.Add(time.Hour)), Statistics: []types.Statistic{types.StatisticSum},
	})
	must("read it as a statistic", err)
	check("it is what was put", len(out.Datapoints) == 1 && aws.ToFloat64(out.Datapoints[0].Sum) == 7 && out.Datapoints[0].Timestamp.Equal(at), out.Datapoints)
}

func (s suite) ownAlarm() {
	name := aws.String("goquery-alarm")
	_, err := s.cloudwatch.PutMetricAlarm(s.ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: name, Namespace: aws.String("Suite"), MetricName: aws.String("Depth"), Statistic: types.StatisticMaximum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(3), Threshold: aws.Float64(5), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
	})
	must("put an alarm", err)
	_, err = s.cloudwatch.SetAlarmState(s.ctx, &cloudwatch.SetAlarmStateInput{
		AlarmName: name, StateValue: types.StateValueAlarm, StateReason: aws.String("a test"), StateReasonData: aws.String(`{"why":"test"}`),
	})
	must("set its state", err)
	_, err = s.cloudwatch.DeleteAlarms(s.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{*name}})
	must("delete it", err)
	check("it is gone", len(s.described(*name)) == 0)
	_, err = s.cloudwatch.SetAlarmState(s.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: name, StateValue: types.StateValueOk, StateReason: aws.String("r")})
	var missing *types.ResourceNotFound
	check("an alarm that is not there is not found", errors.As(err, &missing), err)
}
