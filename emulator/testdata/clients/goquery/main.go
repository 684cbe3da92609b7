// Command goquery asks the emulator's CloudWatch with the AWS SDK for Go as it was
// before it changed to CBOR: by AWS Query. It is a module of its own, so that the
// program's tests can use the present SDK beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
)

func main() {
	if err := drive(context.Background()); err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

const (
	namespace = "Suite"
	name      = "goquery-alarm"
)

func drive(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryMaxAttempts(1))
	if err != nil {
		return err
	}
	client := cloudwatch.NewFromConfig(cfg)
	at := time.Now().Add(-10 * time.Minute).Truncate(time.Minute)
	_, err = client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String(namespace),
		MetricData: []types.MetricDatum{{
			MetricName: aws.String("Depth"), Timestamp: aws.Time(at), Value: aws.Float64(7), Unit: types.StandardUnitCount,
			Dimensions: []types.Dimension{{Name: aws.String("Queue"), Value: aws.String("a & <b>")}},
		}},
	})
	if err := check("put a metric", err); err != nil {
		return err
	}
	statistics, err := client.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String(namespace), MetricName: aws.String("Depth"), Period: aws.Int32(60), Statistics: []types.Statistic{types.StatisticSum},
		StartTime: aws.Time(at.Add(-time.Hour)), EndTime: aws.Time(at.Add(time.Hour)),
		Dimensions: []types.Dimension{{Name: aws.String("Queue"), Value: aws.String("a & <b>")}},
	})
	if err == nil && (len(statistics.Datapoints) != 1 || *statistics.Datapoints[0].Sum != 7 || !statistics.Datapoints[0].Timestamp.Equal(at)) {
		err = fmt.Errorf("datapoints %+v", statistics.Datapoints)
	}
	if err := check("read it as a statistic", err); err != nil {
		return err
	}
	if err := alarm(ctx, client); err != nil {
		return err
	}
	_, err = client.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("nobody"), StateValue: types.StateValueOk, StateReason: aws.String("r")})
	var missing *types.ResourceNotFound
	if !errors.As(err, &missing) {
		var api smithy.APIError
		_ = errors.As(err, &api)
		return check("an unknown alarm is not found", fmt.Errorf("got %v, %v", err, api))
	}
	return check("an unknown alarm is not found", nil)
}

func alarm(ctx context.Context, client *cloudwatch.Client) error {
	_, err := client.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(name), Namespace: aws.String(namespace), MetricName: aws.String("Depth"), Statistic: types.StatisticMaximum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(3), Threshold: aws.Float64(5), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
	})
	if err := check("put an alarm", err); err != nil {
		return err
	}
	_, err = client.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
		AlarmName: aws.String(name), StateValue: types.StateValueAlarm, StateReason: aws.String("a test"), StateReasonData: aws.String(`{"why":"test"}`),
	})
	if err := check("set its state", err); err != nil {
		return err
	}
	history, err := client.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String(name)})
	if err == nil && len(history.AlarmHistoryItems) < 2 {
		err = fmt.Errorf("history %+v", history.AlarmHistoryItems)
	}
	if err := check("read its history", err); err != nil {
		return err
	}
	_, err = client.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}})
	if err := check("delete it", err); err != nil {
		return err
	}
	left, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	if err == nil && len(left.MetricAlarms) != 0 {
		err = fmt.Errorf("it is still there")
	}
	return check("nothing is left", err)
}

// check prints what was done, or passes on why it was not.
func check(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Println("ok  ", what)
	return nil
}
