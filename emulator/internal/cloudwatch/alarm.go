package cloudwatch

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

// CloudWatch's limits for alarms in one region.
const (
	maxAlarms       = 5000
	maxAlarmActions = 5
	maxAlarmMetrics = 10
)

// Alarm is how a metric alarm was set up, with the members of PutMetricAlarm. It
// watches one metric, or what the one query that returns data among Metrics comes to.
type Alarm struct {
	AlarmName               string             `json:"AlarmName,omitempty"`
	AlarmDescription        string             `json:"AlarmDescription,omitempty"`
	ActionsEnabled          *bool              `json:"ActionsEnabled,omitempty"` // nil is true
	OKActions               []string           `json:"OKActions"`
	AlarmActions            []string           `json:"AlarmActions"`
	InsufficientDataActions []string           `json:"InsufficientDataActions"`
	MetricName              string             `json:"MetricName,omitempty"`
	Namespace               string             `json:"Namespace,omitempty"`
	Statistic               string             `json:"Statistic,omitempty"`
	ExtendedStatistic       string             `json:"ExtendedStatistic,omitempty"`
	Dimensions              []metric.Dimension `json:"Dimensions"`
	Period                  int64              `json:"Period,omitempty"` // seconds
	Unit                    string             `json:"Unit,omitempty"`
	EvaluationPeriods       int                `json:"EvaluationPeriods,omitempty"`
	DatapointsToAlarm       int                `json:"DatapointsToAlarm,omitempty"` // 0 is all of them
	Threshold               *float64           `json:"Threshold,omitempty"`
	ComparisonOperator      string             `json:"ComparisonOperator,omitempty"`
	TreatMissingData        string             `json:"TreatMissingData,omitempty"` // "" is missing
	EvaluateLowSamples      string             `json:"EvaluateLowSampleCountPercentile,omitempty"`
	Metrics                 []MetricDataQuery  `json:"Metrics,omitempty"`
}

// AlarmRecord is an alarm with what became of it.
type AlarmRecord struct {
	Alarm        Alarm              `json:"alarm"`
	Tags         []Tag              `json:"tags,omitempty"`
	State        scaling.AlarmState `json:"state"`
	Reason       string             `json:"reason"`
	ReasonData   string             `json:"reason_data,omitempty"` // JSON
	Configured   time.Time          `json:"configured"`
	Updated      time.Time          `json:"updated"`
	Transitioned time.Time          `json:"transitioned"`
	Acted        time.Time          `json:"acted,omitzero"` // when it last called actions, or would have if they were enabled
}

// PutAlarm creates an alarm, or replaces the configuration of the one with its name.
// A new one has no data yet; a known one keeps its state.
func (s *Service) PutAlarm(a Alarm) error { return s.putAlarm(a, nil) }

func (s *Service) putAlarm(a Alarm, tags []Tag) error {
	if err := a.check(); err != nil {
		return err
	}
	a.complete()
	now := s.opts.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.alarms[a.AlarmName]
	if known != nil {
		known.Alarm, known.Configured = a, now
		s.history.configured(now, "Update", "updated", s.description(known))
		return nil
	}
	if len(s.alarms) >= maxAlarms {
		return wire.Errorf(http.StatusBadRequest, "LimitExceeded", "The maximum limit of %d alarms has been exceeded.", maxAlarms)
	}
	record := &AlarmRecord{
		Alarm: a, Tags: tags, State: s.opts.Assumptions.AlarmInitialState, Reason: "Unchecked: Initial alarm creation",
		Configured: now, Updated: now, Transitioned: now,
	}
	s.alarms[a.AlarmName] = record
	s.history.configured(now, "Create", "created", s.description(record))
	return nil
}

// DeleteAlarms deletes the alarms with these names. Names that no alarm has are passed
// over, as AWS does.
func (s *Service) DeleteAlarms(names ...string) {
	now := s.opts.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if record := s.alarms[name]; record != nil {
			s.history.configured(now, "Delete", "deleted", s.description(record))
			delete(s.alarms, name)
		}
	}
}

// Alarm is the configuration of an alarm, if there is one with this name.
func (s *Service) Alarm(name string) (Alarm, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.alarms[name]
	if record == nil {
		return Alarm{}, false
	}
	return record.Alarm, true
}

// AlarmARN is the ARN of the alarm with a name.
func (s *Service) AlarmARN(name string) string {
	return "arn:aws:cloudwatch:" + s.opts.Region + ":" + s.opts.Account + ":alarm:" + name
}

// sorted is the alarms in the order of their names.
func (s *Service) sorted() []*AlarmRecord {
	all := make([]*AlarmRecord, 0, len(s.alarms))
	for _, record := range s.alarms {
		all = append(all, record)
	}
	slices.SortFunc(all, byName)
	return all
}

func byName(a, b *AlarmRecord) int { return strings.Compare(a.Alarm.AlarmName, b.Alarm.AlarmName) }

// complete fills in what DescribeAlarms tells also of an alarm that was set up without
// it, and lets go of the caller's slices.
func (a *Alarm) complete() {
	if a.ActionsEnabled == nil {
		yes := true
		a.ActionsEnabled = &yes
	}
	a.OKActions = append([]string{}, a.OKActions...)
	a.AlarmActions = append([]string{}, a.AlarmActions...)
	a.InsufficientDataActions = append([]string{}, a.InsufficientDataActions...)
	a.Dimensions = append([]metric.Dimension{}, a.Dimensions...)
	a.Metrics = slices.Clone(a.Metrics)
	for i, m := range a.Metrics {
		if m.MetricStat != nil {
			stat := *m.MetricStat
			stat.Metric.Dimensions = append([]metric.Dimension{}, stat.Metric.Dimensions...)
			a.Metrics[i].MetricStat = &stat
		}
	}
}

// check reports what AWS refuses, and what only AWS has.
func (a *Alarm) check() error {
	var c problems
	c.name("AlarmName", a.AlarmName, 255)
	if len(a.AlarmDescription) > 1024 {
		c.add("The parameter AlarmDescription must be shorter than 1025 characters.")
	}
	c.Required("EvaluationPeriods", a.EvaluationPeriods != 0)
	c.Required("ComparisonOperator", a.ComparisonOperator != "")
	c.Required("Threshold", a.Threshold != nil)
	c.Enum("TreatMissingData", a.TreatMissingData, "missing", "ignore", "breaching", "notBreaching")
	c.Enum("EvaluateLowSampleCountPercentile", a.EvaluateLowSamples, "evaluate", "ignore")
	a.checkActions(&c)
	if len(a.Metrics) > 0 {
		a.checkMetrics(&c)
	} else {
		a.checkMetric(&c)
	}
	if err := c.validation(); err != nil {
		return err
	}
	return a.checkRule()
}

func (a *Alarm) checkActions(c *problems) {
	for _, list := range []struct {
		name string
		arns []string
	}{{"OKActions", a.OKActions}, {"AlarmActions", a.AlarmActions}, {"InsufficientDataActions", a.InsufficientDataActions}} {
		if len(list.arns) > maxAlarmActions {
			c.add("The collection %s must not have a size greater than %d.", list.name, maxAlarmActions)
		}
		for _, arn := range list.arns {
			if strings.Count(arn, ":") < 5 || !strings.HasPrefix(arn, "arn:") || len(arn) > 1024 {
				c.add("Invalid arn syntax: %s", arn)
			}
		}
	}
}

// checkMetric checks an alarm on one metric.
func (a *Alarm) checkMetric(c *problems) {
	c.metric("", a.Namespace, a.MetricName)
	c.dimensions("Dimensions", a.Dimensions)
	c.unit("Unit", a.Unit)
	c.Required("Period", a.Period != 0)
	c.Enum("Statistic", a.Statistic, "SampleCount", "Average", "Sum", "Minimum", "Maximum")
	if (a.Statistic == "") == (a.ExtendedStatistic == "") {
		c.add("Exactly one of the parameters Statistic and ExtendedStatistic must be specified.")
	}
	if st, ok := parseStatistic(a.ExtendedStatistic); a.ExtendedStatistic != "" && (!ok || !st.isRank) {
		c.add("The value %s for parameter ExtendedStatistic is not supported: only percentiles from p0 to p100 are emulated.", a.ExtendedStatistic)
	}
}

// checkMetrics checks an alarm on an expression, or on the one query that it has.
func (a *Alarm) checkMetrics(c *problems) {
	if a.MetricName != "" || a.Namespace != "" || a.Statistic != "" || a.ExtendedStatistic != "" || a.Period != 0 || a.Unit != "" || len(a.Dimensions) > 0 {
		c.add("The parameter Metrics cannot be specified together with MetricName, Namespace, Dimensions, Period, Unit, Statistic or ExtendedStatistic.")
	}
	if len(a.Metrics) > maxAlarmMetrics {
		c.add("The collection Metrics must not have a size greater than %d.", maxAlarmMetrics)
		return
	}
	checkQueries(c, "Metrics", a.Metrics)
	watched := 0
	for _, m := range a.Metrics {
		if m.returned() {
			watched++
		}
		if m.MetricStat != nil && m.MetricStat.Period != a.period() {
			c.add("Metrics with periods of %d and %d seconds: all metrics of an alarm must have one period.", a.period(), m.MetricStat.Period)
		}
		if m.Expression != "" {
			if _, err := parseExpression(m.Expression); err != nil {
				c.add("Error in expression '%s': %v", m.ID, err)
			}
		}
	}
	if watched != 1 {
		c.add("Exactly one element of the metrics list should return data.")
	}
	if a.period() == 0 {
		c.add("At least one element of the metrics list must have a MetricStat.")
	}
}

// checkRule checks how the metric is judged, and that an expression can be computed.
func (a *Alarm) checkRule() error {
	if a.DatapointsToAlarm > a.EvaluationPeriods {
		return invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
	}
	if err := a.rule().Validate(); err != nil {
		return invalid("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	nothing := newQueries(newStore(), a.queries(), time.Unix(0, 0), time.Unix(a.period(), 0), time.Unix(0, 0))
	if _, err := nothing.run(a.watched()); err != nil {
		return invalid("Error in expression '%s': %v", a.watched().ID, err)
	}
	return nil
}

// rule is when the alarm is in ALARM.
func (a *Alarm) rule() scaling.AlarmRule {
	return scaling.AlarmRule{
		Comparison: scaling.Comparison(a.ComparisonOperator), Threshold: *a.Threshold,
		Period:            time.Duration(a.period()) * time.Second,
		EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm,
		Missing: scaling.MissingData(a.TreatMissingData),
	}
}

// period is the length of the periods that are judged, in seconds.
func (a *Alarm) period() int64 {
	for _, m := range a.Metrics {
		if m.MetricStat != nil {
			return m.MetricStat.Period
		}
	}
	return a.Period
}

// statistic is what an alarm on one metric asks of it.
func (a *Alarm) statistic() string { return cmp.Or(a.Statistic, a.ExtendedStatistic) }

// queries are what the alarm reads, also one on a single metric.
func (a *Alarm) queries() []MetricDataQuery {
	if len(a.Metrics) > 0 {
		return a.Metrics
	}
	return []MetricDataQuery{{ID: "m1", MetricStat: &MetricStat{
		Metric: Metric{Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions},
		Period: a.Period, Stat: a.statistic(), Unit: a.Unit,
	}}}
}

// watched is the one query whose data is judged.
func (a *Alarm) watched() MetricDataQuery {
	all := a.queries()
	return all[slices.IndexFunc(all, MetricDataQuery.returned)]
}

// actions are the ones for a state.
func (a *Alarm) actions(state scaling.AlarmState) []string {
	switch state {
	case scaling.StateAlarm:
		return a.AlarmActions
	case scaling.StateOK:
		return a.OKActions
	default:
		return a.InsufficientDataActions
	}
}
