package cloudwatch

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/wire"
)

// with is a document with members changed; nil takes one away.
func with(d, changes document) document {
	out := maps.Clone(d)
	for name, v := range changes {
		if v == nil {
			delete(out, name)
			continue
		}
		out[name] = v
	}
	return out
}

// TestErrors has what each operation refuses, in all protocols.
func TestErrors(t *testing.T) {
	start := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	alarm := inAlarm("one")
	statistics := document{
		"Namespace": "N", "MetricName": "M", "Period": 60, "StartTime": start, "EndTime": start.Add(time.Hour), "Statistics": []string{"Sum"},
	}
	data := document{"StartTime": start, "EndTime": start.Add(time.Hour), "MetricDataQueries": []document{stat("m1", "Load", 60, "Sum")}}
	queries := func(q ...document) document { return with(data, document{"MetricDataQueries": q}) }
	put := func(datum document) document { return document{"Namespace": "N", "MetricData": []document{datum}} }
	state := document{"AlarmName": "there", "StateValue": "OK", "StateReason": "r"}
	hidden := stat("m1", "Load", 60, "Sum")
	hidden["ReturnData"] = false
	expression := document{"AlarmName": "x", "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
	tags := func(n int) (out []document) {
		for i := range n {
			out = append(out, document{"Key": fmt.Sprint(i), "Value": "v"})
		}
		return out
	}
	many := make([]document, 501)
	for i := range many {
		many[i] = stat(fmt.Sprintf("m%d", i), "Load", 60, "Sum")
	}
	const alarmARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"
	for _, c := range []struct {
		name      string
		operation string
		in        document
		status    int
		code      string
		message   string
	}{
		{"nothing", "GetMetricData", document{}, 400, "ValidationError", "The parameter MetricDataQueries is required."},
		{"ends before it starts", "GetMetricData", with(data, document{"EndTime": start.Add(-time.Hour)}), 400, "ValidationError", "The parameter EndTime must be greater than StartTime."},
		{"ends where it starts", "GetMetricData", with(data, document{"EndTime": start}), 400, "ValidationError", "must not equal"},
		{"one id twice", "GetMetricData", queries(stat("m1", "A", 60, "Sum"), stat("m1", "B", 60, "Sum")), 400, "ValidationError", "not unique"},
		{"id in capitals", "GetMetricData", queries(stat("M1", "A", 60, "Sum")), 400, "ValidationError", "MetricDataQueries.member.1.Id"},
		{"statistic", "GetMetricData", queries(stat("m1", "A", 60, "tm90")), 400, "ValidationError", "The value tm90 for parameter MetricDataQueries.member.1.MetricStat.Stat is not supported"},
		{"period", "GetMetricData", queries(stat("m1", "A", 45, "Sum")), 400, "ValidationError", "MetricDataQueries.member.1.MetricStat.Period must be"},
		{"neither metric nor expression", "GetMetricData", queries(document{"Id": "m1"}), 400, "ValidationError", "The parameter MetricDataQueries.member.1.MetricStat is required."},
		{"both", "GetMetricData", queries(with(stat("m1", "A", 60, "Sum"), document{"Expression": "1"})), 400, "ValidationError", "mutually exclusive"},
		{"unknown function", "GetMetricData", queries(document{"Id": "e1", "Expression": "DIFF(m1)"}), 400, "ValidationError", "Error in expression 'e1': function DIFF is not emulated"},
		{"Metrics Insights", "GetMetricData", queries(document{"Id": "e1", "Expression": "SELECT AVG(CPUUtilization) FROM x"}), 400, "ValidationError", "Metrics Insights"},
		{"long expression", "GetMetricData", queries(document{"Id": "e1", "Expression": strings.Repeat("1+", 1100) + "1"}), 400, "ValidationError", "2048"},
		{"too many queries", "GetMetricData", queries(many...), 400, "ValidationError", "greater than 500"},
		{"order", "GetMetricData", with(data, document{"ScanBy": "Random"}), 400, "ValidationError", "ScanBy"},
		{"datapoints", "GetMetricData", with(data, document{"MaxDatapoints": 100_801}), 400, "ValidationError", "MaxDatapoints"},
		{"token", "GetMetricData", with(data, document{"NextToken": "x"}), 400, "InvalidNextToken", "GetMetricData"},

		{"no metric", "GetMetricStatistics", with(statistics, document{"MetricName": nil}), 400, "MissingParameter", "The parameter MetricName is required."},
		{"no period", "GetMetricStatistics", with(statistics, document{"Period": nil}), 400, "MissingParameter", "The parameter Period is required."},
		{"period", "GetMetricStatistics", with(statistics, document{"Period": 61}), 400, "InvalidParameterValue", "multiple of 60"},
		{"ends before it starts", "GetMetricStatistics", with(statistics, document{"EndTime": start}), 400, "InvalidParameterValue", "StartTime must be less"},
		{"no statistic", "GetMetricStatistics", with(statistics, document{"Statistics": nil}), 400, "InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics"},
		{"both kinds", "GetMetricStatistics", with(statistics, document{"ExtendedStatistics": []string{"p50"}}), 400, "InvalidParameterCombination", "Must specify either"},
		{"statistic", "GetMetricStatistics", with(statistics, document{"Statistics": []string{"p50"}}), 400, "InvalidParameterValue", "Statistics.member.1"},
		{"extended statistic", "GetMetricStatistics", with(statistics, document{"Statistics": nil, "ExtendedStatistics": []string{"tm99"}}), 400, "InvalidParameterValue", "ExtendedStatistics.member.1 is not supported"},
		{"too much", "GetMetricStatistics", with(statistics, document{"EndTime": start.Add(1441 * time.Minute)}), 400, "InvalidParameterCombination", "You have requested up to 1441 datapoints, which exceeds the limit of 1440."},
		{"unit", "GetMetricStatistics", with(statistics, document{"Unit": "Parsecs"}), 400, "InvalidParameterValue", "Unit must be a value in the set"},

		{"token", "ListMetrics", document{"NextToken": "x"}, 400, "InvalidNextToken", "ListMetrics"},
		{"activity", "ListMetrics", document{"RecentlyActive": "PT4H"}, 400, "InvalidParameterValue", "RecentlyActive"},
		{"dimension without name", "ListMetrics", document{"Dimensions": []document{{"Value": "x"}}}, 400, "MissingParameter", "Dimensions.member.1.Name"},

		{"nothing", "PutMetricData", document{}, 400, "MissingParameter", "The parameter Namespace is required."},
		{"AWS's namespace", "PutMetricData", document{"Namespace": "AWS/SageMaker", "MetricData": []document{{"MetricName": "M", "Value": 1}}}, 400, "InvalidParameterValue", "AWS/SageMaker"},
		{"no name", "PutMetricData", put(document{"Value": 1}), 400, "MissingParameter", "The parameter MetricData.member.1.MetricName is required."},
		{"no value", "PutMetricData", put(document{"MetricName": "M"}), 400, "MissingParameter", "MetricData.member.1.Value"},
		{"huge", "PutMetricData", put(document{"MetricName": "M", "Value": math.Ldexp(1, 361)}), 400, "InvalidParameterValue", "MetricData.member.1.Value is invalid"},
		{"unit", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "Unit": "Parsecs"}), 400, "InvalidParameterValue", "The parameter MetricData.member.1.Unit must be a value in the set"},
		{"resolution", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "StorageResolution": 10}), 400, "InvalidParameterValue", "StorageResolution"},
		{"old", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "Timestamp": start.Add(-15 * 24 * time.Hour)}), 400, "InvalidParameterValue", "two weeks"},
		{"not yet", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "Timestamp": start.Add(3 * time.Hour)}), 400, "InvalidParameterValue", "two hours"},
		{
			"value and set", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "StatisticValues": document{"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}}),
			400, "InvalidParameterCombination", "mutually exclusive",
		},
		{"value and values", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "Values": []float64{1}}), 400, "InvalidParameterValue", "mutually exclusive"},
		{"counts", "PutMetricData", put(document{"MetricName": "M", "Values": []float64{1, 2}, "Counts": []float64{1}}), 400, "InvalidParameterValue", "same size"},
		{"no count", "PutMetricData", put(document{"MetricName": "M", "Values": []float64{1}, "Counts": []float64{0}}), 400, "InvalidParameterValue", "Counts"},
		{"many values", "PutMetricData", put(document{"MetricName": "M", "Values": make([]float64, 151)}), 400, "InvalidParameterValue", "150"},
		{"half a set", "PutMetricData", put(document{"MetricName": "M", "StatisticValues": document{"SampleCount": 1}}), 400, "MissingParameter", "StatisticValues.Sum"},
		{"set upside down", "PutMetricData", put(document{"MetricName": "M", "StatisticValues": document{"SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1}}), 400, "InvalidParameterValue", "must be greater"},
		{"dimension twice", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "Dimensions": []document{{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}}}), 400, "InvalidParameterValue", "twice"},
		{"dimension in Greek", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "Dimensions": []document{{"Name": "α", "Value": "1"}}}), 400, "InvalidParameterValue", "ASCII"},
		{"31 dimensions", "PutMetricData", put(document{"MetricName": "M", "Value": 1, "Dimensions": tagsAsDimensions(tags(31))}), 400, "InvalidParameterValue", "30"},
		{"1001 metrics", "PutMetricData", document{"Namespace": "N", "MetricData": repeated(document{"MetricName": "M", "Value": 1}, 1001)}, 400, "InvalidParameterValue", "1000"},

		{"nothing", "PutMetricAlarm", document{}, 400, "ValidationError", "The parameter AlarmName is required."},
		{"no threshold", "PutMetricAlarm", with(alarm, document{"Threshold": nil}), 400, "ValidationError", "The parameter Threshold is required."},
		{"comparison", "PutMetricAlarm", with(alarm, document{"ComparisonOperator": "Above"}), 400, "ValidationError", "Above"},
		{"comparison with a band", "PutMetricAlarm", with(alarm, document{"ComparisonOperator": "GreaterThanUpperThreshold"}), 400, "ValidationError", "GreaterThanUpperThreshold"},
		{"period", "PutMetricAlarm", with(alarm, document{"Period": 15}), 400, "ValidationError", "period 15s"},
		{"period of a second", "PutMetricAlarm", with(alarm, document{"Period": 1}), 400, "ValidationError", "period 1s"},
		{"more than a day", "PutMetricAlarm", with(alarm, document{"EvaluationPeriods": 1441}), 400, "ValidationError", "at most 24h"},
		{"M above N", "PutMetricAlarm", with(alarm, document{"DatapointsToAlarm": 4}), 400, "ValidationError", "DatapointsToAlarm must be less than or equal to EvaluationPeriods"},
		{"missing data", "PutMetricAlarm", with(alarm, document{"TreatMissingData": "guess"}), 400, "ValidationError", "TreatMissingData"},
		{"no statistic", "PutMetricAlarm", with(alarm, document{"Statistic": nil}), 400, "ValidationError", "Statistic and ExtendedStatistic"},
		{"extended statistic", "PutMetricAlarm", with(alarm, document{"Statistic": nil, "ExtendedStatistic": "tm90"}), 400, "ValidationError", "not supported"},
		{"action", "PutMetricAlarm", with(alarm, document{"AlarmActions": []string{"policy"}}), 400, "ValidationError", "Invalid arn syntax: policy"},
		{"six actions", "PutMetricAlarm", with(alarm, document{"OKActions": []string{policy, policy, policy, policy, policy, policy}}), 400, "ValidationError", "OKActions must not have a size greater than 5"},
		{"long name", "PutMetricAlarm", with(alarm, document{"AlarmName": strings.Repeat("x", 256)}), 400, "ValidationError", "AlarmName"},
		{"control character", "PutMetricAlarm", with(alarm, document{"AlarmName": "a\x01"}), 400, "ValidationError", "without control characters"},
		{"metric and metrics", "PutMetricAlarm", with(alarm, document{"Metrics": []document{stat("m1", "Load", 60, "Sum")}}), 400, "ValidationError", "cannot be specified together"},
		{"no data returned", "PutMetricAlarm", with(expression, document{"Metrics": []document{hidden}}), 400, "ValidationError", "Exactly one element of the metrics list should return data."},
		{"two return data", "PutMetricAlarm", with(expression, document{"Metrics": []document{stat("m1", "A", 60, "Sum"), stat("m2", "A", 60, "Sum")}}), 400, "ValidationError", "Exactly one element"},
		{"two periods", "PutMetricAlarm", with(expression, document{"Metrics": []document{hidden, stat("m2", "A", 300, "Sum")}}), 400, "ValidationError", "one period"},
		{"no metric at all", "PutMetricAlarm", with(expression, document{"Metrics": []document{{"Id": "e1", "Expression": "1 + 1"}}}), 400, "ValidationError", "must have a MetricStat"},
		{"expression", "PutMetricAlarm", with(expression, document{"Metrics": []document{hidden, {"Id": "e1", "Expression": "m1 +"}}}), 400, "ValidationError", "Error in expression 'e1'"},
		{"expression of nothing", "PutMetricAlarm", with(expression, document{"Metrics": []document{hidden, {"Id": "e1", "Expression": "m1 + m7"}}}), 400, "ValidationError", `no query has the id "m7"`},
		{"anomaly detection", "PutMetricAlarm", with(alarm, document{"ThresholdMetricId": "ad1"}), 400, "ValidationError", "anomaly detection"},
		{"PromQL", "PutMetricAlarm", document{"AlarmName": "x", "EvaluationCriteria": document{"PromQLCriteria": document{"Query": "up"}}}, 400, "ValidationError", "PromQL"},
		{"51 tags", "PutMetricAlarm", with(alarm, document{"Tags": tags(51)}), 400, "InvalidParameterValue", "50 tags"},

		{"name and prefix", "DescribeAlarms", document{"AlarmNames": []string{"a"}, "AlarmNamePrefix": "a"}, 400, "InvalidParameterCombination", "mutually exclusive"},
		{"state", "DescribeAlarms", document{"StateValue": "BAD"}, 400, "ValidationError", "INSUFFICIENT_DATA, ALARM, OK"},
		{"records", "DescribeAlarms", document{"MaxRecords": 101}, 400, "ValidationError", "MaxRecords"},
		{"type", "DescribeAlarms", document{"AlarmTypes": []string{"LogAlarm"}}, 400, "ValidationError", "AlarmTypes"},
		{"token", "DescribeAlarms", document{"NextToken": "x"}, 400, "InvalidNextToken", "DescribeAlarms"},
		{"no metric", "DescribeAlarmsForMetric", document{"Namespace": "N"}, 400, "ValidationError", "MetricName"},
		{"item type", "DescribeAlarmHistory", document{"HistoryItemType": "Gossip"}, 400, "ValidationError", "HistoryItemType"},
		{"token", "DescribeAlarmHistory", document{"NextToken": "x"}, 400, "InvalidNextToken", "DescribeAlarmHistory"},

		{"nobody", "SetAlarmState", with(state, document{"AlarmName": "nobody"}), 404, "ResourceNotFound", ""},
		{
			"state", "SetAlarmState", with(state, document{"StateValue": "INVALID"}), 400, "ValidationError",
			"1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]",
		},
		{"no reason", "SetAlarmState", with(state, document{"StateReason": nil}), 400, "ValidationError", "StateReason"},
		{"reason data", "SetAlarmState", with(state, document{"StateReasonData": "{"}), 400, "InvalidFormat", "StateReasonData"},
		{"no names", "DeleteAlarms", document{}, 400, "ValidationError", "AlarmNames"},
		{"no names", "EnableAlarmActions", document{}, 400, "ValidationError", "AlarmNames"},
		{"101 names", "DisableAlarmActions", document{"AlarmNames": strings.Split(strings.Repeat("x ", 100)+"x", " ")}, 400, "ValidationError", "100"},

		{"nobody", "TagResource", document{"ResourceARN": alarmARN + "nobody", "Tags": tags(1)}, 404, "ResourceNotFoundException", "Unknown"},
		{"no alarm", "ListTagsForResource", document{"ResourceARN": "arn:aws:cloudwatch:eu-west-1:123456789012:insight-rule/x"}, 404, "ResourceNotFoundException", "Unknown"},
		{"no ARN", "ListTagsForResource", document{}, 400, "MissingParameter", "ResourceARN"},
		{"another service's", "UntagResource", document{"ResourceARN": "arn:aws:s3:::x"}, 400, "InvalidParameterValue", "ResourceARN"},
		{"51 tags", "TagResource", document{"ResourceARN": alarmARN + "there", "Tags": tags(51)}, 400, "InvalidParameterValue", "50 tags"},
		{"AWS's tag", "TagResource", document{"ResourceARN": alarmARN + "there", "Tags": []document{{"Key": "aws:x", "Value": "v"}}}, 400, "InvalidParameterValue", "reserved"},
		{"tag without key", "TagResource", document{"ResourceARN": alarmARN + "there", "Tags": []document{{"Value": "v"}}}, 400, "MissingParameter", "Tags.Key"},
	} {
		for name, protocol := range protocols() {
			w := newWorld(t)
			there := high(60)
			there.AlarmName = "there"
			w.put(there)
			r := w.ask(protocol, c.operation, c.in)
			code, message := r.failure()
			if r.status != c.status || code != c.code || !strings.Contains(message, c.message) || c.message == "" && message != "" {
				t.Errorf("%s, %s, %s: %d %s %q; want %d %s %q", name, c.operation, c.name, r.status, code, message, c.status, c.code, c.message)
			}
			if len(w.events) > 0 || len(w.Snapshot().Alarms) != 1 {
				t.Errorf("%s, %s, %s: the refused request had effects", name, c.operation, c.name)
			}
		}
	}
}

func tagsAsDimensions(tags []document) (out []document) {
	for _, tag := range tags {
		out = append(out, document{"Name": tag["Key"], "Value": tag["Value"]})
	}
	return out
}

func repeated(d document, n int) (out []document) {
	for range n {
		out = append(out, d)
	}
	return out
}

// TestErrorShapes: the protocols that name shapes use those of the API model.
func TestErrorShapes(t *testing.T) {
	for _, c := range []struct {
		operation string
		in        document
		want      string
	}{
		{"PutMetricData", document{}, "com.amazonaws.cloudwatch#MissingRequiredParameterException"},
		{"ListMetrics", document{"RecentlyActive": "x"}, "com.amazonaws.cloudwatch#InvalidParameterValueException"},
		{"DescribeAlarms", document{"NextToken": "x"}, "com.amazonaws.cloudwatch#InvalidNextToken"},
		{"SetAlarmState", document{"AlarmName": "x", "StateValue": "OK", "StateReason": "r"}, "com.amazonaws.cloudwatch#ResourceNotFound"},
		{"SetAlarmState", document{"AlarmName": "x", "StateValue": "OK", "StateReason": "r", "StateReasonData": "{"}, "com.amazonaws.cloudwatch#InvalidFormatFault"},
	} {
		for _, protocol := range []wire.Protocol{wire.JSON, wire.CBOR} {
			if got := newWorld(t).ask(protocol, c.operation, c.in).text("__type"); got != c.want {
				t.Errorf("%s %v: __type %q, want %q", c.operation, c.in, got, c.want)
			}
		}
	}
}

func TestTooManyAlarms(t *testing.T) {
	w := newWorld(t)
	for i := range maxAlarms {
		a := high(60)
		a.AlarmName = fmt.Sprint(i)
		w.put(a)
	}
	code, message := w.ask(wire.JSON, "PutMetricAlarm", inAlarm("one more")).failure()
	if code != "LimitExceeded" || !strings.Contains(message, "5000") {
		t.Errorf("alarm 5001: %s %q, want LimitExceeded", code, message)
	}
	if code, message := w.ask(wire.JSON, "PutMetricAlarm", inAlarm("7")).failure(); code != "" {
		t.Errorf("update of one of 5000 alarms: %s %q", code, message)
	}
}

func TestOptions(t *testing.T) {
	_, err := New(Options{})
	for _, want := range []string{"region", "account", "clock", "faults", "assumptions"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(Options{}) = %v, want it to name %s", err, want)
		}
	}
}

func TestPutAlarmIsTheSame(t *testing.T) {
	w := newWorld(t)
	a := high(60)
	a.EvaluationPeriods = 0
	if err := w.PutAlarm(a); err == nil || !strings.Contains(err.Error(), "ValidationError: The parameter EvaluationPeriods is required.") {
		t.Errorf("PutAlarm without evaluation periods: %v", err)
	}
	w.put(high(60))
	got, ok := w.Alarm("high")
	if !ok || got.MetricName != "Load" || !*got.ActionsEnabled || got.Namespace != metric.SageMaker {
		t.Errorf("Alarm = %+v, %v", got, ok)
	}
	if _, ok := w.Alarm("nobody"); ok {
		t.Error("there is an alarm that nobody put")
	}
}
