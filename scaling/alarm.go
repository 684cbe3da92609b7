package scaling

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// AlarmState is what a CloudWatch alarm says about its metric.
type AlarmState string

// The states of an alarm, in CloudWatch's spelling.
const (
	StateOK           AlarmState = "OK"
	StateAlarm        AlarmState = "ALARM"
	StateInsufficient AlarmState = "INSUFFICIENT_DATA"
)

// Comparison is how a datapoint is held against the threshold.
type Comparison string

// The comparisons that CloudWatch has for a fixed threshold. Those for a band of
// expected values (anomaly detection) are not among them.
const (
	GreaterOrEqual Comparison = "GreaterThanOrEqualToThreshold"
	Greater        Comparison = "GreaterThanThreshold"
	Less           Comparison = "LessThanThreshold"
	LessOrEqual    Comparison = "LessThanOrEqualToThreshold"
)

// MissingData is how an alarm treats a period without a datapoint.
type MissingData string

// The treatments of missing data, in CloudWatch's spelling.
const (
	TreatMissing      MissingData = "missing" // CloudWatch's default, also for an empty MissingData
	TreatIgnore       MissingData = "ignore"
	TreatBreaching    MissingData = "breaching"
	TreatNotBreaching MissingData = "notBreaching"
)

// AlarmRule is when an alarm on one metric is in ALARM: DatapointsToAlarm of the
// newest EvaluationPeriods datapoints breach the threshold ("M out of N").
type AlarmRule struct {
	Comparison        Comparison
	Threshold         float64
	Period            time.Duration // 10 s, 20 s, 30 s or whole minutes
	EvaluationPeriods int           // N
	DatapointsToAlarm int           // M; 0 means N, as when the field is left out of PutMetricAlarm
	Missing           MissingData   // "" means TreatMissing
}

// Point is one period of a metric.
type Point struct {
	At      time.Time // start of the period
	Value   float64
	Missing bool // no datapoint: Value means nothing
}

// Verdict is what an alarm rule makes of a metric.
type Verdict struct {
	State  AlarmState
	Reason string  // in CloudWatch's words; "" when the previous state is kept because nothing decides
	Recent []Point // the datapoints that were evaluated, oldest first; none of them missing
}

// Limits of the time that an alarm looks at, period × evaluation periods
// (CloudWatch API Reference, PutMetricAlarm, Period).
const (
	maxAlarmSpan     = 24 * time.Hour     // for a period of less than an hour
	maxAlarmSpanHour = 7 * 24 * time.Hour // for longer ones
)

// Validate reports every field that CloudWatch would refuse, joined.
func (r AlarmRule) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(format, args...))
	}
	switch r.Comparison {
	case GreaterOrEqual, Greater, Less, LessOrEqual:
	default:
		wrong("comparison %q: want %s, %s, %s or %s", r.Comparison, GreaterOrEqual, Greater, Less, LessOrEqual)
	}
	if math.IsNaN(r.Threshold) || math.IsInf(r.Threshold, 0) {
		wrong("threshold %v: want a finite number", r.Threshold)
	}
	if !alarmPeriod(r.Period) {
		wrong("period %v: want 10s, 20s, 30s or a multiple of 60s", r.Period)
	}
	if r.EvaluationPeriods < 1 {
		wrong("evaluation periods %d: want at least 1", r.EvaluationPeriods)
	}
	if r.DatapointsToAlarm < 0 || r.DatapointsToAlarm > max(1, r.EvaluationPeriods) {
		wrong("datapoints to alarm %d: want from 1 to the %d evaluation periods, or 0 for all of them", r.DatapointsToAlarm, r.EvaluationPeriods)
	}
	switch r.Missing {
	case "", TreatMissing, TreatIgnore, TreatBreaching, TreatNotBreaching:
	default:
		wrong("missing data %q: want %s, %s, %s or %s", r.Missing, TreatMissing, TreatIgnore, TreatBreaching, TreatNotBreaching)
	}
	if len(problems) == 0 {
		limit := maxAlarmSpan
		if r.Period >= time.Hour {
			limit = maxAlarmSpanHour
		}
		if r.EvaluationPeriods > int(limit/r.Period) {
			wrong("evaluation periods %d of %v: together want at most %v", r.EvaluationPeriods, r.Period, limit)
		}
	}
	return errors.Join(problems...)
}

// alarmPeriod reports whether CloudWatch evaluates alarms with this period.
func alarmPeriod(d time.Duration) bool {
	seconds := d / time.Second
	short := seconds == 10 || seconds == 20 || seconds == 30
	return d >= time.Minute && d%time.Minute == 0 || short && d%time.Second == 0
}

// Interval is the time between two evaluations of an alarm: 10 s for a period of
// less than a minute, an hour for an alarm that looks at more than a day, else a
// minute (CloudWatch User Guide, "Alarm evaluation").
func (r AlarmRule) Interval(a Assumptions) time.Duration {
	switch {
	case r.Period < time.Minute:
		return a.HighResAlarmInterval
	case r.Period > maxAlarmSpan/time.Duration(max(1, r.EvaluationPeriods)):
		return time.Hour
	default:
		return a.AlarmInterval
	}
}

// Range is how many periods back an alarm looks for datapoints: more than it needs,
// so that it can do without those that are missing.
func (r AlarmRule) Range(a Assumptions) int { return r.EvaluationPeriods + a.EvaluationRangeExtra }

// Breaches is whether a value is on the wrong side of the threshold.
func (r AlarmRule) Breaches(value float64) bool {
	switch r.Comparison {
	case GreaterOrEqual:
		return value >= r.Threshold
	case Greater:
		return value > r.Threshold
	case Less:
		return value < r.Threshold
	default:
		return value <= r.Threshold
	}
}

// datapointsToAlarm is M.
func (r AlarmRule) datapointsToAlarm() int {
	if r.DatapointsToAlarm == 0 {
		return r.EvaluationPeriods
	}
	return r.DatapointsToAlarm
}

// Evaluate judges the points of the evaluation range, oldest first, one for each
// period; there may be more of them than EvaluationPeriods (see [AlarmRule.Range]).
//
// N real datapoints decide by themselves, the newest ones, wherever in the range
// they lie. Where there are fewer, all of them are used and the rest is filled in
// as Missing says. The state does not change when there are only breaching
// datapoints, fewer than M, unless the oldest is M periods old: then the alarm has
// waited long enough for a better one ("premature alarm state").
//
// Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing
// data", both tables. What becomes of a few young breaching datapoints, such as
// "- - - - X", the guide leaves open ("does not go immediately into ALARM"); the
// state is kept here.
func (r AlarmRule) Evaluate(previous AlarmState, points []Point) Verdict {
	recent, oldest := r.newest(points)
	breaching := 0
	for _, p := range recent {
		if r.Breaches(p.Value) {
			breaching++
		}
	}
	state := r.judge(len(recent), breaching, oldest)
	if state == "" {
		return Verdict{State: previous, Recent: recent}
	}
	return Verdict{State: state, Reason: r.reason(state, recent), Recent: recent}
}

// newest is the newest real datapoints, at most EvaluationPeriods of them, and how
// many periods ago the oldest of these began (1 for the last period).
func (r AlarmRule) newest(points []Point) (recent []Point, oldest int) {
	first := len(points)
	for n := 0; first > 0 && n < r.EvaluationPeriods; {
		if first--; points[first].real() {
			n++
			oldest = len(points) - first
		}
	}
	for _, p := range points[first:] {
		if p.real() {
			recent = append(recent, p)
		}
	}
	return recent, oldest
}

// real is whether there is a datapoint that can be compared.
func (p Point) real() bool { return !p.Missing && !math.IsNaN(p.Value) }

// judge is the state that the evaluated datapoints give, or "" when they do not decide.
func (r AlarmRule) judge(evaluated, breaching, oldest int) AlarmState {
	m, fill := r.datapointsToAlarm(), r.EvaluationPeriods-evaluated
	if breaching >= m {
		return StateAlarm
	}
	if r.Missing == TreatNotBreaching {
		return StateOK
	}
	if r.Missing == TreatBreaching {
		if breaching+fill >= m {
			return StateAlarm
		}
		return StateOK
	}
	ignore := r.Missing == TreatIgnore
	switch {
	case evaluated == 0 && !ignore:
		return StateInsufficient
	case breaching < evaluated:
		return StateOK
	case evaluated > 0 && oldest >= m && !ignore:
		return StateAlarm
	}
	return ""
}

// Datapoint is the verdict of an alarm in ALARM as a scaling policy sees it. It has
// no value when nothing but missing data decided: ok is false, and nobody scales.
func (v Verdict) Datapoint(policy string, direction Direction, threshold float64) (d Datapoint, ok bool) {
	if v.State != StateAlarm || len(v.Recent) == 0 {
		return Datapoint{}, false
	}
	newest := v.Recent[len(v.Recent)-1]
	d = Datapoint{Policy: policy, Direction: direction, Value: newest.Value, Threshold: threshold, At: newest.At}
	for _, p := range v.Recent {
		d.Recent = append(d.Recent, p.Value)
	}
	return d, true
}
