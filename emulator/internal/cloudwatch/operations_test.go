package cloudwatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

func inAlarm(name string) document {
	return document{
		"AlarmName": name, "Namespace": metric.SageMaker, "MetricName": "Load", "Dimensions": inDimensions(), "Statistic": "Sum", "Period": 60,
		"EvaluationPeriods": 3, "Threshold": 100.5, "ComparisonOperator": "GreaterThanThreshold", "AlarmActions": []string{policy},
	}
}

func TestAlarmOperations(t *testing.T) {
	for name, protocol := range protocols() {
		w := newWorld(t)
		in := inAlarm("one")
		in["Tags"] = []document{{"Key": "team", "Value": "blue"}}
		w.okay(protocol, "PutMetricAlarm", in)
		r := w.okay(protocol, "DescribeAlarms", document{"AlarmNames": []string{"one"}})
		for member, want := range map[string]string{
			"AlarmName": "one", "AlarmArn": w.AlarmARN("one"), "ActionsEnabled": "true", "StateValue": "INSUFFICIENT_DATA",
			"StateReason": "Unchecked: Initial alarm creation", "MetricName": "Load", "Statistic": "Sum", "Period": "60", "EvaluationPeriods": "3",
			"Threshold": "100.5", "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "", "DatapointsToAlarm": "", "StateReasonData": "",
		} {
			if got := r.text("MetricAlarms", 0, member); got != want {
				t.Errorf("%s: %s is %q, want %q", name, member, got, want)
			}
		}
		for _, list := range []string{"OKActions", "InsufficientDataActions"} {
			if n := r.length("MetricAlarms", 0, list); n != 0 {
				t.Errorf("%s: %d %s", name, n, list)
			}
		}
		if r.length("CompositeAlarms") != 0 || r.text("MetricAlarms", 0, "AlarmActions", 0) != policy || r.text("MetricAlarms", 0, "Dimensions", 1, "Name") != "VariantName" {
			t.Errorf("%s: %v", name, r.body)
		}
		if got, want := r.number("MetricAlarms", 0, "StateUpdatedTimestamp"), float64(w.start.Unix()); got != want {
			t.Errorf("%s: updated at %v, want %v", name, got, want)
		}

		w.okay(protocol, "SetAlarmState", document{
			"AlarmName": "one", "StateValue": "ALARM", "StateReason": "by hand", "StateReasonData": `{"recentDatapoints":[150.5,200]}`,
		})
		if len(w.events) != 1 || w.events[0].ActionARN != policy {
			t.Fatalf("%s: %d actions after SetAlarmState, want one", name, len(w.events))
		}
		if newest, ok := w.events[0].Newest(); !ok || newest.Value != 200 {
			t.Errorf("%s: newest value %v, %v; want the last of StateReasonData", name, newest, ok)
		}
		w.okay(protocol, "SetAlarmState", document{"AlarmName": "one", "StateValue": "ALARM", "StateReason": "again"})
		if len(w.events) != 1 {
			t.Errorf("%s: an action although the state was the same", name)
		}
		r = w.okay(protocol, "DescribeAlarmsForMetric", document{"Namespace": metric.SageMaker, "MetricName": "Load", "Dimensions": inDimensions(), "Period": 60})
		if r.length("MetricAlarms") != 1 || r.text("MetricAlarms", 0, "StateReason") != "again" || r.text("MetricAlarms", 0, "StateValue") != "ALARM" {
			t.Errorf("%s: %v", name, r.body)
		}
		for _, other := range []document{
			{"Namespace": metric.SageMaker, "MetricName": "Load"},
			{"Namespace": metric.SageMaker, "MetricName": "Load", "Dimensions": inDimensions(), "Period": 300},
			{"Namespace": metric.SageMaker, "MetricName": "Load", "Dimensions": inDimensions(), "Statistic": "Average"},
		} {
			if n := w.okay(protocol, "DescribeAlarmsForMetric", other).length("MetricAlarms"); n != 0 {
				t.Errorf("%s: %d alarms for %v", name, n, other)
			}
		}

		w.okay(protocol, "DisableAlarmActions", document{"AlarmNames": []string{"one", "nobody"}})
		if got := w.okay(protocol, "DescribeAlarms", document{}).text("MetricAlarms", 0, "ActionsEnabled"); got != "false" {
			t.Errorf("%s: actions enabled: %s, want false", name, got)
		}
		w.okay(protocol, "SetAlarmState", document{"AlarmName": "one", "StateValue": "OK", "StateReason": ""})
		w.okay(protocol, "SetAlarmState", document{"AlarmName": "one", "StateValue": "ALARM", "StateReason": ""})
		if len(w.events) != 1 {
			t.Errorf("%s: an action although they are disabled", name)
		}
		w.okay(protocol, "EnableAlarmActions", document{"AlarmNames": []string{"one"}})
		w.okay(protocol, "DeleteAlarms", document{"AlarmNames": []string{"nobody", "one"}})
		if n := w.okay(protocol, "DescribeAlarms", document{}).length("MetricAlarms"); n != 0 {
			t.Errorf("%s: %d alarms after deletion", name, n)
		}
		if n := w.okay(protocol, "DescribeAlarmHistory", document{"AlarmName": "one", "HistoryItemType": "ConfigurationUpdate"}).length("AlarmHistoryItems"); n != 4 {
			t.Errorf("%s: %d changes of configuration in the history of a deleted alarm, want 4", name, n)
		}
	}
}

// TestExpressionAlarmOperations: what is put is described.
func TestExpressionAlarmOperations(t *testing.T) {
	for name, protocol := range protocols() {
		w := newWorld(t)
		bad := document{"Id": "bad", "ReturnData": false, "MetricStat": document{
			"Metric": document{"Namespace": "Shop", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum",
		}}
		w.okay(protocol, "PutMetricAlarm", document{
			"AlarmName": "share", "EvaluationPeriods": 2, "Threshold": 5, "ComparisonOperator": "LessThanThreshold", "TreatMissingData": "ignore",
			"Metrics": []document{bad, {"Id": "e1", "Expression": "FILL(bad, 0)", "Label": "errors", "ReturnData": true}},
		})
		r := w.okay(protocol, "DescribeAlarms", document{})
		if r.text("MetricAlarms", 0, "Metrics", 1, "Expression") != "FILL(bad, 0)" || r.text("MetricAlarms", 0, "Metrics", 0, "MetricStat", "Metric", "MetricName") != "Errors" ||
			r.length("MetricAlarms", 0, "Metrics", 0, "MetricStat", "Metric", "Dimensions") != 0 ||
			r.text("MetricAlarms", 0, "Metrics", 0, "ReturnData") != "false" || r.text("MetricAlarms", 0, "TreatMissingData") != "ignore" {
			t.Errorf("%s: %v", name, r.body)
		}
	}
}

func TestDescribeAlarms(t *testing.T) {
	for name, protocol := range protocols() {
		w := newWorld(t)
		for i := range 60 {
			w.okay(protocol, "PutMetricAlarm", inAlarm(fmt.Sprintf("a%02d", i)))
		}
		other := inAlarm("b")
		other["AlarmActions"], other["OKActions"] = []string{}, []string{topicOf("people")}
		delete(other, "AlarmActions")
		w.okay(protocol, "PutMetricAlarm", other)
		w.okay(protocol, "SetAlarmState", document{"AlarmName": "a07", "StateValue": "OK", "StateReason": "r"})
		for _, c := range []struct {
			filter document
			want   int
		}{
			{document{}, 61},
			{document{"MaxRecords": 7}, 61},
			{document{"AlarmNamePrefix": "a"}, 60},
			{document{"AlarmNames": []string{"a01", "b", "nobody"}}, 2},
			{document{"StateValue": "OK"}, 1},
			{document{"ActionPrefix": "arn:aws:sns:"}, 1},
			{document{"ActionPrefix": policy[:40]}, 60},
			{document{"AlarmTypes": []string{"CompositeAlarm"}}, 0},
			{document{"AlarmTypes": []string{"CompositeAlarm", "MetricAlarm"}}, 61},
			{document{"ParentsOfAlarmName": "b"}, 0},
		} {
			var names []string
			pages := 0
			for c.filter["NextToken"] = ""; pages == 0 || pages < 99 && c.filter["NextToken"] != ""; pages++ {
				r := w.okay(protocol, "DescribeAlarms", c.filter)
				for i := range r.length("MetricAlarms") {
					names = append(names, r.text("MetricAlarms", i, "AlarmName"))
				}
				c.filter["NextToken"] = r.text("NextToken")
			}
			if len(names) != c.want || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != c.want {
				t.Errorf("%s: %v describes %d alarms on %d pages, want %d", name, c.filter, len(names), pages, c.want)
			}
		}
		// A page goes on where the last one ended, whatever was deleted since.
		r := w.okay(protocol, "DescribeAlarms", document{"MaxRecords": 10})
		w.DeleteAlarms("a05", "a09")
		r = w.okay(protocol, "DescribeAlarms", document{"MaxRecords": 10, "NextToken": r.text("NextToken")})
		if got := r.text("MetricAlarms", 0, "AlarmName"); got != "a10" {
			t.Errorf("%s: the second page begins with %s, want a10", name, got)
		}
	}
}

func TestDescribeAlarmHistory(t *testing.T) {
	for name, protocol := range protocols() {
		w := newWorld(t)
		w.put(high(60))
		w.put(low())
		states := []scaling.AlarmState{scaling.StateAlarm, scaling.StateOK}
		for i := range 30 {
			w.clock.Advance(time.Minute)
			w.okay(protocol, "SetAlarmState", document{"AlarmName": "high", "StateValue": string(states[i%2]), "StateReason": fmt.Sprint(i)})
		}
		in := document{"AlarmName": "high", "HistoryItemType": "StateUpdate", "MaxRecords": 12}
		for _, order := range []string{"", "TimestampAscending"} {
			if order != "" {
				in["ScanBy"] = order
			}
			var reasons []string
			pages := 0
			for in["NextToken"] = ""; pages == 0 || pages < 99 && in["NextToken"] != ""; pages++ {
				r := w.okay(protocol, "DescribeAlarmHistory", in)
				for i := range r.length("AlarmHistoryItems") {
					var data stateUpdate
					if err := json.Unmarshal([]byte(r.text("AlarmHistoryItems", i, "HistoryData")), &data); err != nil {
						t.Fatalf("%s: HistoryData: %v", name, err)
					}
					reasons = append(reasons, data.NewState.Reason)
				}
				in["NextToken"] = r.text("NextToken")
			}
			if order == "" {
				slices.Reverse(reasons)
			}
			want := []string{}
			for i := range 30 {
				want = append(want, fmt.Sprint(i))
			}
			if !slices.Equal(reasons, want) || pages != 3 {
				t.Errorf("%s %s: %v on %d pages, want 0 to 29 on 3", name, order, reasons, pages)
			}
		}
		for _, c := range []struct {
			filter document
			want   int
		}{
			{document{"AlarmName": "low"}, 1},
			{document{"HistoryItemType": "Action"}, 15},
			{document{"HistoryItemType": "ConfigurationUpdate"}, 2},
			{document{"AlarmTypes": []string{"CompositeAlarm"}}, 0},
			{document{"HistoryItemType": "StateUpdate", "StartDate": w.start.Add(5 * time.Minute), "EndDate": w.start.Add(7 * time.Minute)}, 3},
			{document{"AlarmName": "nobody"}, 0},
		} {
			if n := w.okay(protocol, "DescribeAlarmHistory", c.filter).length("AlarmHistoryItems"); n != c.want {
				t.Errorf("%s: %v has %d items, want %d", name, c.filter, n, c.want)
			}
		}
		r := w.okay(protocol, "DescribeAlarmHistory", document{"HistoryItemType": "StateUpdate", "MaxRecords": 1})
		if got := r.text("AlarmHistoryItems", 0, "HistorySummary"); got != "Alarm updated from ALARM to OK" || r.text("AlarmHistoryItems", 0, "AlarmType") != "MetricAlarm" {
			t.Errorf("%s: newest item %v", name, r.body)
		}
	}
}

func TestTags(t *testing.T) {
	for name, protocol := range protocols() {
		w := newWorld(t)
		in := inAlarm("one")
		in["Tags"] = []document{{"Key": "a", "Value": "1"}}
		w.okay(protocol, "PutMetricAlarm", in)
		arn := w.AlarmARN("one")
		w.okay(protocol, "TagResource", document{"ResourceARN": arn, "Tags": []document{{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}, {"Key": "c", "Value": "3"}}})
		w.okay(protocol, "UntagResource", document{"ResourceARN": arn, "TagKeys": []string{"b", "nothing"}})
		r := w.okay(protocol, "ListTagsForResource", document{"ResourceARN": arn})
		if n := r.length("Tags"); n != 2 || r.text("Tags", 0, "Value") != "2" || r.text("Tags", 1, "Key") != "c" {
			t.Errorf("%s: tags %v, want a=2 and c=3", name, r.body)
		}
	}
}

func TestTokensOfOthers(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.put(high(60))
	}
	w.put(low())
	token := w.okay(wire.JSON, "DescribeAlarms", document{"MaxRecords": 1}).text("NextToken")
	for _, c := range []struct{ operation, token string }{
		{"ListMetrics", token}, {"DescribeAlarmHistory", token}, {"DescribeAlarms", "x"}, {"DescribeAlarms", strings.Repeat("A", 5000)}, {"DescribeAlarms", "bnVsbA"},
	} {
		r := w.ask(wire.JSON, c.operation, document{"NextToken": c.token})
		if code, _ := r.failure(); code != "InvalidNextToken" || r.status != 400 {
			t.Errorf("%s with token %.20q: %d %s, want 400 InvalidNextToken", c.operation, c.token, r.status, code)
		}
	}
}
