package cloudwatch

import (
	"context"

	"plimsoll/emulator/internal/wire"
)

type describeAlarmHistoryInput struct {
	AlarmName       string    `json:"AlarmName"`
	AlarmTypes      []string  `json:"AlarmTypes"`
	HistoryItemType string    `json:"HistoryItemType"`
	StartDate       wire.Time `json:"StartDate,omitzero"`
	EndDate         wire.Time `json:"EndDate,omitzero"`
	MaxRecords      *int      `json:"MaxRecords"`
	NextToken       string    `json:"NextToken"`
	ScanBy          string    `json:"ScanBy"`
}

type describeAlarmHistoryOutput struct {
	AlarmHistoryItems []alarmHistoryItem `json:"AlarmHistoryItems"`
	NextToken         string             `json:"NextToken,omitempty"`
}

type alarmHistoryItem struct {
	AlarmName       string    `json:"AlarmName"`
	AlarmType       string    `json:"AlarmType"`
	Timestamp       wire.Time `json:"Timestamp"`
	HistoryItemType string    `json:"HistoryItemType"`
	HistorySummary  string    `json:"HistorySummary"`
	HistoryData     string    `json:"HistoryData"`
}

func (s *Service) describeAlarmHistory(_ context.Context, in *describeAlarmHistoryInput) (*describeAlarmHistoryOutput, error) {
	var c problems
	size := pageSize(&c, in.MaxRecords, historyPerPage)
	checkTypes(&c, in.AlarmTypes)
	c.Enum("HistoryItemType", in.HistoryItemType, "ConfigurationUpdate", "StateUpdate", "Action", "AlarmContributorStateUpdate", "AlarmContributorAction")
	c.Enum("ScanBy", in.ScanBy, "TimestampDescending", "TimestampAscending")
	if err := c.validation(); err != nil {
		return nil, err
	}
	at, err := parsePage("DescribeAlarmHistory", in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &describeAlarmHistoryOutput{AlarmHistoryItems: []alarmHistoryItem{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history.scan(in.ScanBy == "TimestampAscending", at.Number, func(number int64, item HistoryItem) bool {
		if !in.wants(item) {
			return true
		}
		if len(out.AlarmHistoryItems) == size {
			out.NextToken = page{Operation: at.Operation, Number: number}.token()
			return false
		}
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, alarmHistoryItem{
			AlarmName: item.AlarmName, AlarmType: "MetricAlarm", Timestamp: wire.Time{Time: item.At},
			HistoryItemType: item.Type, HistorySummary: item.Summary, HistoryData: item.Data,
		})
		return true
	})
	return out, nil
}

func (in *describeAlarmHistoryInput) wants(item HistoryItem) bool {
	return metricsWanted(in.AlarmTypes) &&
		(in.AlarmName == "" || in.AlarmName == item.AlarmName) &&
		(in.HistoryItemType == "" || in.HistoryItemType == item.Type) &&
		!item.At.Before(in.StartDate.Time) &&
		(in.EndDate.IsZero() || !item.At.After(in.EndDate.Time))
}

// scan goes through the items, from one with a number on if that is not 0, until it is
// told to stop. Items are numbered from 1 in the order in which they happened.
func (h *history) scan(ascending bool, from int64, next func(number int64, item HistoryItem) bool) {
	first, last := h.dropped+1, h.dropped+int64(len(h.items))
	number, step := last, int64(-1)
	if ascending {
		number, step = first, 1
	}
	if from != 0 {
		number = from
		if ascending {
			number = max(first, from)
		}
	}
	for ; number >= first && number <= last; number += step {
		if !next(number, h.items[number-first]) {
			return
		}
	}
}

// description is an alarm as the history of its configuration has it.
func (s *Service) description(r *AlarmRecord) map[string]any {
	a := r.Alarm
	about := map[string]any{
		"alarmName":                          a.AlarmName,
		"alarmArn":                           s.AlarmARN(a.AlarmName),
		"alarmConfigurationUpdatedTimestamp": stamp(r.Configured),
		"threshold":                          double(*a.Threshold),
		"comparisonOperator":                 a.ComparisonOperator,
		"evaluationPeriods":                  a.EvaluationPeriods,
		"stateValue":                         r.State,
		"stateUpdatedTimestamp":              stamp(r.Updated),
		"actionsEnabled":                     *a.ActionsEnabled,
		"okactions":                          a.OKActions,
		"alarmActions":                       a.AlarmActions,
		"insufficientDataActions":            a.InsufficientDataActions,
	}
	for name, text := range map[string]string{
		"alarmDescription": a.AlarmDescription, "unit": a.Unit, "treatMissingData": a.TreatMissingData,
		"namespace": a.Namespace, "metricName": a.MetricName, "statistic": a.Statistic, "extendedStatistic": a.ExtendedStatistic,
		"evaluateLowSampleCountPercentile": a.EvaluateLowSamples,
	} {
		if text != "" {
			about[name] = text
		}
	}
	if a.DatapointsToAlarm > 0 {
		about["datapointsToAlarm"] = a.DatapointsToAlarm
	}
	if len(a.Metrics) > 0 {
		about["metrics"] = a.Metrics
		return about
	}
	about["period"] = a.Period
	dimensions := make([]map[string]string, 0, len(a.Dimensions))
	for _, d := range a.Dimensions {
		dimensions = append(dimensions, map[string]string{"name": d.Name, "value": d.Value})
	}
	about["dimensions"] = dimensions
	return about
}
