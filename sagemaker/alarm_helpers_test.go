package sagemaker

import (
	"testing"

	"plimsoll/scaling"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func historyItem(data string) types.AlarmHistoryItem {
	return types.AlarmHistoryItem{AlarmName: aws.String("a"), HistoryData: &data}
}

// alarm makes an alarm that nothing feeds.
func (a *account) alarm(t *testing.T, name string) {
	t.Helper()
	_, err := a.control.cloudwatch.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("test"), MetricName: aws.String("nothing"), Statistic: types.StatisticSum, Period: aws.Int32(3600),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		TreatMissingData: aws.String("ignore"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (a *account) setState(t *testing.T, name string, to scaling.AlarmState) {
	t.Helper()
	_, err := a.control.cloudwatch.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{
		AlarmName: &name, StateValue: types.StateValue(to), StateReason: aws.String("a test"),
	})
	if err != nil {
		t.Fatal(err)
	}
}
