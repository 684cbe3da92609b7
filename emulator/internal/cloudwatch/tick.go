package cloudwatch

import (
	"slices"
	"strings"
	"time"

	"plimsoll/scaling"
)

// ActionEvent is one call of one action of an alarm.
type ActionEvent struct {
	AlarmName, AlarmARN string
	ActionARN           string
	State               scaling.AlarmState
	Reason              string
	Threshold           float64
	// Points are the datapoints that gave the state, oldest first; none when only
	// missing data did.
	Points []scaling.Point
	// Repeated says that the alarm has been in this state for some time.
	Repeated bool
	At       time.Time // model time
}

// Newest is the newest metric value behind the event; false if there is none.
func (e ActionEvent) Newest() (scaling.Point, bool) {
	if len(e.Points) == 0 {
		return scaling.Point{}, false
	}
	return e.Points[len(e.Points)-1], true
}

// Tick evaluates the alarms that are due in this second of model time. It is to be
// called once for each second, in order:
//
//	for each alarm whose interval ends now, by name:
//	    read the metric's newest periods → judge → state changed?  record it, call its actions
//	                                                unchanged?     call scaling policies again, once an AlarmActionInterval
func (s *Service) Tick(now time.Time) {
	if now.Unix()%int64(trimInterval/time.Second) == 0 {
		s.store.trim(now)
	}
	if s.opts.Faults.Load().AlarmsHeld {
		return
	}
	for _, event := range s.evaluate(now) {
		s.opts.Action(event)
	}
}

func (s *Service) evaluate(now time.Time) []ActionEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*AlarmRecord
	for _, record := range s.alarms {
		interval := int64(record.Alarm.rule().Interval(s.opts.Assumptions) / time.Second)
		if now.Unix()%max(1, interval) == 0 {
			due = append(due, record)
		}
	}
	slices.SortFunc(due, byName)
	var events []ActionEvent
	for _, record := range due {
		events = append(events, s.judge(record, now)...)
	}
	return events
}

// judge evaluates one alarm.
func (s *Service) judge(record *AlarmRecord, now time.Time) []ActionEvent {
	a := &record.Alarm
	read, scarce := s.look(a, now)
	if scarce {
		return nil
	}
	verdict := a.rule().Evaluate(record.State, points(read))
	if verdict.State == record.State {
		return s.again(record, verdict, now)
	}
	evaluated := newest(read, a.EvaluationPeriods, verdict.Recent)
	return s.change(record, verdict, reasonData(a, evaluated, now), now)
}

// observation is a period of an alarm's metric.
type observation struct {
	scaling.Point

	count float64 // measurements
}

// look reads the evaluation range of an alarm, oldest first. It ends with the newest
// period that is visible unless it is late: what cannot be there yet is not missing.
// A range of whole minutes ends at any minute, also where periods are longer, as
// CloudWatch's does.
//
// Scarce says that there are too few measurements for the percentile that the alarm
// watches, and that it asked not to be judged then.
func (s *Service) look(a *Alarm, now time.Time) (read []observation, scarce bool) {
	rule := a.rule()
	end := roundDown(now.Add(-s.lag(a)).Unix(), a.period())
	start := end - int64(rule.Range(s.opts.Assumptions))*a.period()
	q := newQueries(s.store, a.queries(), time.Unix(start, 0), time.Unix(end, 0), now)
	r, err := q.run(a.watched())
	if err != nil {
		r = result{} // an expression that has become too long to compute has no data
	}
	next := 0
	for at := start; at < end; at += a.period() {
		o := observation{Point: scaling.Point{At: time.Unix(at, 0).UTC(), Missing: true}}
		for next < len(r.points) && r.points[next].at < at {
			next++
		}
		if next < len(r.points) && r.points[next].at == at {
			o.Value, o.Missing = r.points[next].value, false
			if len(r.counts) > 0 {
				o.count = r.counts[next]
				scarce = scarce || a.EvaluateLowSamples == "ignore" && a.tooFew(o.count)
			}
		}
		read = append(read, o)
	}
	return read, scarce
}

// lag is how long after its end a period of the alarm's metrics is visible: that of
// the slowest of them.
func (s *Service) lag(a *Alarm) time.Duration {
	lag := time.Duration(0)
	for _, m := range a.queries() {
		if m.MetricStat == nil {
			continue
		}
		resolution, known := s.store.resolution(m.MetricStat.Metric.identity(), m.MetricStat.Unit)
		if !known {
			resolution = time.Duration(m.MetricStat.Period) * time.Second
		}
		lag = max(lag, s.delay(resolution))
	}
	return lag
}

// tooFew follows CloudWatch's rule for percentile p as a share: fewer than 10/(1-p)
// measurements, or 10/p below the median, are not statistically significant (CloudWatch
// User Guide, "Percentile-based alarms and low data samples").
func (a *Alarm) tooFew(count float64) bool {
	st, ok := parseStatistic(a.ExtendedStatistic)
	if !ok || !st.isRank {
		return false
	}
	p := st.percentile / 100
	return count*min(p, 1-p) < 10-1e-9
}

func points(read []observation) []scaling.Point {
	out := make([]scaling.Point, len(read))
	for i, o := range read {
		out[i] = o.Point
	}
	return out
}

// newest is the observations that a verdict came from: those with data that it names,
// or the newest periods where it names none.
func newest(read []observation, periods int, recent []scaling.Point) []observation {
	if len(recent) == 0 {
		return read[max(0, len(read)-periods):]
	}
	var out []observation
	for _, o := range read {
		if !o.Missing && !o.At.Before(recent[0].At) {
			out = append(out, o)
		}
	}
	return out
}

// change moves an alarm into another state and calls the actions for it.
func (s *Service) change(record *AlarmRecord, verdict scaling.Verdict, data string, now time.Time) []ActionEvent {
	before := *record
	record.State, record.Reason, record.ReasonData = verdict.State, verdict.Reason, data
	record.Updated, record.Transitioned, record.Acted = now, now, now
	s.history.changed(now, &before, record)
	if !*record.Alarm.ActionsEnabled {
		return nil
	}
	var events []ActionEvent
	for _, arn := range record.Alarm.actions(record.State) {
		s.history.acted(now, record, arn)
		events = append(events, s.event(record, arn, verdict.Recent, now))
	}
	return events
}

// again calls scaling policies once more: for as long as an alarm stays in its state,
// CloudWatch calls its Auto Scaling actions every minute, and no others.
func (s *Service) again(record *AlarmRecord, verdict scaling.Verdict, now time.Time) []ActionEvent {
	never := record.Acted.IsZero() // nor has the state ever changed
	if never || !*record.Alarm.ActionsEnabled || now.Sub(record.Acted) < s.opts.Assumptions.AlarmActionInterval {
		return nil
	}
	var events []ActionEvent
	for _, arn := range record.Alarm.actions(record.State) {
		if scales(arn) {
			event := s.event(record, arn, verdict.Recent, now)
			event.Repeated = true
			events = append(events, event)
		}
	}
	record.Acted = now
	return events
}

func (s *Service) event(record *AlarmRecord, arn string, recent []scaling.Point, now time.Time) ActionEvent {
	name := record.Alarm.AlarmName
	return ActionEvent{
		AlarmName: name, AlarmARN: s.AlarmARN(name), ActionARN: arn,
		State: record.State, Reason: record.Reason, Threshold: *record.Alarm.Threshold, Points: recent, At: now,
	}
}

// scales says whether an action is a scaling policy.
func scales(arn string) bool {
	return strings.HasPrefix(arn, "arn:aws:autoscaling:") && strings.Contains(arn, ":scalingPolicy:")
}
