package cloudwatch

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

func (s *Service) alarmOperations() []wire.Operation {
	return []wire.Operation{
		wire.Handle("PutMetricAlarm", s.putMetricAlarm),
		wire.Handle("DescribeAlarms", s.describeAlarms),
		wire.Handle("DescribeAlarmsForMetric", s.describeAlarmsForMetric),
		wire.Handle("DescribeAlarmHistory", s.describeAlarmHistory),
		wire.Handle("SetAlarmState", s.setAlarmState),
		wire.Handle("DeleteAlarms", s.deleteAlarms),
		wire.Handle("EnableAlarmActions", s.enableAlarmActions),
		wire.Handle("DisableAlarmActions", s.disableAlarmActions),
	}
}

const (
	maxAlarmNames  = 100
	alarmsPerPage  = 50
	historyPerPage = 100
)

type putMetricAlarmInput struct {
	Alarm

	Tags              []Tag     `json:"Tags"`
	ThresholdMetricID string    `json:"ThresholdMetricId"`
	Criteria          *struct{} `json:"EvaluationCriteria"`
}

type nothing struct{}

func (s *Service) putMetricAlarm(_ context.Context, in *putMetricAlarmInput) (*nothing, error) {
	if in.ThresholdMetricID != "" {
		return nil, invalid("The parameter ThresholdMetricId is not supported: alarms on anomaly detection are not emulated.")
	}
	if in.Criteria != nil {
		return nil, invalid("The parameter EvaluationCriteria is not supported: alarms on PromQL are not emulated.")
	}
	if err := checkTags(in.Tags, nil); err != nil {
		return nil, err
	}
	return nil, s.putAlarm(in.Alarm, in.Tags)
}

// metricAlarm is an alarm as it is described.
type metricAlarm struct {
	Alarm

	AlarmARN     string    `json:"AlarmArn"`
	Configured   wire.Time `json:"AlarmConfigurationUpdatedTimestamp"`
	State        string    `json:"StateValue"`
	Reason       string    `json:"StateReason"`
	ReasonData   string    `json:"StateReasonData,omitempty"`
	Updated      wire.Time `json:"StateUpdatedTimestamp"`
	Transitioned wire.Time `json:"StateTransitionedTimestamp"`
}

func (s *Service) describe(r *AlarmRecord) metricAlarm {
	return metricAlarm{
		Alarm: r.Alarm, AlarmARN: s.AlarmARN(r.Alarm.AlarmName), Configured: wire.Time{Time: r.Configured},
		State: string(r.State), Reason: r.Reason, ReasonData: r.ReasonData,
		Updated: wire.Time{Time: r.Updated}, Transitioned: wire.Time{Time: r.Transitioned},
	}
}

type describeAlarmsInput struct {
	AlarmNames      []string `json:"AlarmNames"`
	AlarmNamePrefix string   `json:"AlarmNamePrefix"`
	AlarmTypes      []string `json:"AlarmTypes"`
	Children        string   `json:"ChildrenOfAlarmName"`
	Parents         string   `json:"ParentsOfAlarmName"`
	StateValue      string   `json:"StateValue"`
	ActionPrefix    string   `json:"ActionPrefix"`
	MaxRecords      *int     `json:"MaxRecords"`
	NextToken       string   `json:"NextToken"`
}

type describeAlarmsOutput struct {
	CompositeAlarms []nothing     `json:"CompositeAlarms"`
	MetricAlarms    []metricAlarm `json:"MetricAlarms"`
	NextToken       string        `json:"NextToken,omitempty"`
}

func (s *Service) describeAlarms(_ context.Context, in *describeAlarmsInput) (*describeAlarmsOutput, error) {
	size, err := in.check()
	if err != nil {
		return nil, err
	}
	at, err := parsePage("DescribeAlarms", in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &describeAlarmsOutput{CompositeAlarms: []nothing{}, MetricAlarms: []metricAlarm{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, record := range s.sorted() {
		name := record.Alarm.AlarmName
		if name <= at.After || !in.wants(record) {
			continue
		}
		if len(out.MetricAlarms) == size {
			last := out.MetricAlarms[size-1].AlarmName
			out.NextToken = page{Operation: at.Operation, After: last}.token()
			break
		}
		out.MetricAlarms = append(out.MetricAlarms, s.describe(record))
	}
	return out, nil
}

func (in *describeAlarmsInput) check() (size int, err error) {
	var c problems
	size = pageSize(&c, in.MaxRecords, alarmsPerPage)
	if len(in.AlarmNames) > maxAlarmNames {
		c.add("The collection AlarmNames must not have a size greater than %d.", maxAlarmNames)
	}
	checkTypes(&c, in.AlarmTypes)
	if err := c.validation(); err != nil {
		return 0, err
	}
	if in.AlarmNamePrefix != "" && len(in.AlarmNames) > 0 {
		return 0, combination("The parameters AlarmNames and AlarmNamePrefix are mutually exclusive and you have specified both.")
	}
	return size, checkState(in.StateValue)
}

func checkTypes(c *problems, types []string) {
	for _, name := range types {
		c.Enum("AlarmTypes", name, "CompositeAlarm", "MetricAlarm")
	}
}

// metricsWanted says whether metric alarms, the only ones here, are among the types
// that are asked for; without any, they are.
func metricsWanted(types []string) bool {
	return len(types) == 0 || slices.Contains(types, "MetricAlarm")
}

func checkState(value string) error {
	var c wire.Checks
	c.Enum("stateValue", value, string(scaling.StateInsufficient), string(scaling.StateAlarm), string(scaling.StateOK))
	return c.Err()
}

// wants says whether an alarm is among those asked for. None has relatives: there are
// no composite alarms.
func (in *describeAlarmsInput) wants(r *AlarmRecord) bool {
	a := r.Alarm
	hasAction := func(arn string) bool { return strings.HasPrefix(arn, in.ActionPrefix) }
	return in.Children == "" && in.Parents == "" && metricsWanted(in.AlarmTypes) &&
		(len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.AlarmName)) &&
		strings.HasPrefix(a.AlarmName, in.AlarmNamePrefix) &&
		(in.StateValue == "" || in.StateValue == string(r.State)) &&
		(in.ActionPrefix == "" || slices.ContainsFunc(slices.Concat(a.OKActions, a.AlarmActions, a.InsufficientDataActions), hasAction))
}

type describeAlarmsForMetricInput struct {
	MetricName        string             `json:"MetricName"`
	Namespace         string             `json:"Namespace"`
	Statistic         string             `json:"Statistic"`
	ExtendedStatistic string             `json:"ExtendedStatistic"`
	Dimensions        []metric.Dimension `json:"Dimensions"`
	Period            int64              `json:"Period"`
	Unit              string             `json:"Unit"`
}

type describeAlarmsForMetricOutput struct {
	MetricAlarms []metricAlarm `json:"MetricAlarms"`
}

func (s *Service) describeAlarmsForMetric(_ context.Context, in *describeAlarmsForMetricInput) (*describeAlarmsForMetricOutput, error) {
	var c problems
	c.metric("", in.Namespace, in.MetricName)
	c.dimensions("Dimensions", in.Dimensions)
	c.Enum("Statistic", in.Statistic, "SampleCount", "Average", "Sum", "Minimum", "Maximum")
	c.unit("Unit", in.Unit)
	if err := c.validation(); err != nil {
		return nil, err
	}
	wanted := identify(in.Namespace, in.MetricName, in.Dimensions).key()
	out := &describeAlarmsForMetricOutput{MetricAlarms: []metricAlarm{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, record := range s.sorted() {
		a := record.Alarm
		if a.MetricName == "" || identify(a.Namespace, a.MetricName, a.Dimensions).key() != wanted {
			continue
		}
		if (in.Statistic == "" || in.Statistic == a.Statistic) && (in.ExtendedStatistic == "" || in.ExtendedStatistic == a.ExtendedStatistic) &&
			(in.Period == 0 || in.Period == a.Period) && (in.Unit == "" || in.Unit == a.Unit) {
			out.MetricAlarms = append(out.MetricAlarms, s.describe(record))
		}
	}
	return out, nil
}

type setAlarmStateInput struct {
	AlarmName       string  `json:"AlarmName"`
	StateValue      string  `json:"StateValue"`
	StateReason     *string `json:"StateReason"`
	StateReasonData string  `json:"StateReasonData"`
}

func (s *Service) setAlarmState(_ context.Context, in *setAlarmStateInput) (*nothing, error) {
	var c problems
	c.name("AlarmName", in.AlarmName, 255)
	c.Required("StateValue", in.StateValue != "")
	c.Required("StateReason", in.StateReason != nil)
	if err := c.validation(); err != nil {
		return nil, err
	}
	if err := checkState(in.StateValue); err != nil {
		return nil, err
	}
	if in.StateReasonData != "" && !json.Valid([]byte(in.StateReasonData)) {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidFormat", "The parameter StateReasonData is not valid JSON.")
	}
	events, err := s.setState(in, s.opts.Clock.Now())
	for _, event := range events {
		s.opts.Action(event)
	}
	return nil, err
}

func (s *Service) setState(in *setAlarmStateInput, now time.Time) ([]ActionEvent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.alarms[in.AlarmName]
	if record == nil {
		return nil, &wire.Error{Status: http.StatusNotFound, Code: "ResourceNotFound"}
	}
	state := scaling.AlarmState(in.StateValue)
	if state == record.State {
		record.Reason, record.ReasonData, record.Updated = *in.StateReason, in.StateReasonData, now
		return nil, nil
	}
	verdict := scaling.Verdict{State: state, Reason: *in.StateReason, Recent: s.said(record, in.StateReasonData, now)}
	return s.change(record, verdict, in.StateReasonData, now), nil
}

// said is the datapoints that the reason of a state set by hand tells, which scaling
// policies go by; without them, those that there are.
func (s *Service) said(record *AlarmRecord, reasonData string, now time.Time) []scaling.Point {
	var reason struct {
		Recent []float64 `json:"recentDatapoints"`
	}
	var out []scaling.Point
	if reasonData != "" && json.Unmarshal([]byte(reasonData), &reason) == nil && len(reason.Recent) > 0 {
		period := time.Duration(record.Alarm.period()) * time.Second
		for i, v := range reason.Recent {
			out = append(out, scaling.Point{At: now.Add(-period * time.Duration(len(reason.Recent)-i)), Value: v})
		}
		return out
	}
	read, _ := s.look(&record.Alarm, now)
	for _, o := range read {
		if !o.Missing {
			out = append(out, o.Point)
		}
	}
	return out[max(0, len(out)-record.Alarm.EvaluationPeriods):]
}

type alarmNamesInput struct {
	AlarmNames []string `json:"AlarmNames"`
}

func (in *alarmNamesInput) check() error {
	var c problems
	c.Required("AlarmNames", len(in.AlarmNames) > 0)
	if len(in.AlarmNames) > maxAlarmNames {
		c.add("The collection AlarmNames must not have a size greater than %d.", maxAlarmNames)
	}
	return c.validation()
}

func (s *Service) deleteAlarms(_ context.Context, in *alarmNamesInput) (*nothing, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	s.DeleteAlarms(in.AlarmNames...)
	return nil, nil
}

func (s *Service) enableAlarmActions(_ context.Context, in *alarmNamesInput) (*nothing, error) {
	return nil, s.enable(in, true)
}

func (s *Service) disableAlarmActions(_ context.Context, in *alarmNamesInput) (*nothing, error) {
	return nil, s.enable(in, false)
}

// enable passes over names that no alarm has, as AWS does.
func (s *Service) enable(in *alarmNamesInput, yes bool) error {
	if err := in.check(); err != nil {
		return err
	}
	now := s.opts.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range in.AlarmNames {
		if record := s.alarms[name]; record != nil && *record.Alarm.ActionsEnabled != yes {
			record.Alarm.ActionsEnabled, record.Configured = &yes, now
			s.history.configured(now, "Update", "updated", s.description(record))
		}
	}
	return nil
}
