package proof

import (
	"math"
	"slices"
	"time"

	"plimsoll/scaling"
)

// Forecast is what AWS should make of a programme, by the assumptions.
type Forecast struct {
	Capacity []Capacity // when it begins, at each change, and when it ends
	Alarms   []Transition
	Activity []Activity
	Metric   []scaling.Point // of periods that ended
}

// maxForecast keeps a forecast within what can be computed while somebody waits.
const maxForecast = 7 * 24 * time.Hour

// Predict is the capacity that a programme should bring about, when it begins at the
// start of the Unix epoch and every launch takes the median time.
func Predict(p Programme, policy Policy, load Load, a scaling.Assumptions) []Capacity {
	return Foretell(time.Unix(0, 0).UTC(), p, policy, load, a).Capacity
}

// Foretell runs the control loop in virtual seconds: a fluid load is counted into
// periods, these become visible, the alarms of the policy are evaluated as they were
// read, scaling.Decide says what is asked for, and instances come up. Of a programme
// that takes more than a week, or whose load means nothing, there is no forecast.
func Foretell(begin time.Time, p Programme, policy Policy, load Load, a scaling.Assumptions) Forecast {
	if p.length() > maxForecast || !(load.PerInstance > 0) {
		return Forecast{}
	}
	t := newTwin(begin, p.Start, policy, load, a)
	for _, phase := range p.Phases {
		t.hold(phase)
	}
	t.look()
	return t.Forecast
}

// twin is an endpoint with its scaling, in virtual time.
type twin struct {
	Forecast

	a      scaling.Assumptions
	policy Policy
	rules  []scaling.Policy
	load   Load
	period time.Duration // of the metric
	delay  time.Duration // until it can be seen
	watch  []*watched

	now    time.Time
	first  time.Time // start of the first period of the metric
	filled float64   // seconds of the present period at the target
	state  scaling.State
	due    time.Time // when the change in progress is done
}

// watched is an alarm that is evaluated.
type watched struct {
	scaling.AlarmRule

	name      string
	direction scaling.Direction
	state     scaling.AlarmState
	acted     time.Time // when it last called its policy
	noted     string    // the code of why it came to nothing
}

func newTwin(begin time.Time, start int, policy Policy, load Load, a scaling.Assumptions) *twin {
	begin = begin.Truncate(time.Second)
	t := &twin{a: a, policy: policy, load: load, now: begin, period: time.Minute, delay: a.MetricDelay}
	t.rules = []scaling.Policy{{Name: policy.Name, TargetTracking: &scaling.TargetTracking{
		Target: policy.Target, ScaleOutCooldown: time.Duration(policy.ScaleOut), ScaleInCooldown: time.Duration(policy.ScaleIn),
		DisableScaleIn: policy.DisableScaleIn,
	}}}
	t.state = scaling.State{Capacity: max(0, start), Desired: max(0, start), Min: policy.Min, Max: policy.Max}
	t.attend(policy.High, scaling.Out)
	t.attend(policy.Low, scaling.In)
	if t.period < time.Minute {
		t.delay = a.HighResMetricDelay
	}
	t.first = begin.Truncate(t.period)
	t.look()
	return t
}

// attend has an alarm evaluated, and the metric published as often as it needs.
func (t *twin) attend(alarm *Alarm, direction scaling.Direction) {
	if rule, ok := alarm.rule(); ok {
		t.watch = append(t.watch, &watched{AlarmRule: rule, name: alarm.Name, direction: direction, state: t.a.AlarmInitialState})
		t.period = min(t.period, rule.Period)
	}
}

// hold lets a phase pass.
func (t *twin) hold(p Phase) {
	for began, end := t.now, t.now.Add(time.Duration(p.Length).Truncate(time.Second)); t.now.Before(end); {
		t.second(p.at(t.now.Sub(began)))
	}
}

// second lets one second pass at a rate.
func (t *twin) second(rate float64) {
	if t.state.Capacity > 0 {
		t.filled += rate / float64(t.load.PerInstance) / float64(t.state.Capacity)
	}
	t.now = t.now.Add(time.Second)
	if t.ends(t.period) {
		t.Metric = append(t.Metric, scaling.Point{At: t.now.Add(-t.period), Value: t.filled / t.period.Seconds() * t.policy.Target})
		t.filled = 0
	}
	t.progress()
	for _, w := range t.watch {
		if t.ends(w.Interval(t.a)) {
			t.evaluate(w)
		}
	}
}

// ends is whether a whole number of intervals has passed now.
func (t *twin) ends(interval time.Duration) bool { return t.now.Truncate(interval).Equal(t.now) }

// progress ends the change in progress when it is due, and pulls the capacity inside
// the bounds.
func (t *twin) progress() {
	if t.state.InProgress && !t.now.Before(t.due) {
		t.state.Succeeded(t.now)
		t.Activity[len(t.Activity)-1].Ended, t.Activity[len(t.Activity)-1].Status = t.now, successful
		t.look()
	}
	if desired, because, act := scaling.Bound(t.state); act {
		t.begin(scaling.Decision{Desired: desired, Act: true, Because: because})
	}
}

// evaluate judges an alarm and lets it scale.
func (t *twin) evaluate(w *watched) {
	verdict := w.Evaluate(w.state, t.visible(w.AlarmRule))
	if verdict.State != w.state {
		t.Alarms = append(t.Alarms, Transition{At: t.now, Alarm: w.name, From: w.state, To: verdict.State, Reason: verdict.Reason})
		w.state, w.acted, w.noted = verdict.State, time.Time{}, ""
	}
	point, ok := verdict.Datapoint(t.policy.Name, w.direction, w.Threshold)
	if !ok {
		t.state.Clear(t.policy.Name, w.direction)
		return
	}
	t.state.Observe(point)
	if t.now.Sub(w.acted) < t.a.AlarmActionInterval {
		return
	}
	w.acted = t.now
	switch d := scaling.Decide(t.state, t.rules, point, t.now, t.a); {
	case d.Act:
		w.noted = ""
		t.begin(d)
	case d.NotScaled != "" && d.NotScaled != w.noted:
		w.noted = d.NotScaled
		t.note(d)
	}
}

// begin asks for a capacity. What is taken away is gone at once.
func (t *twin) begin(d scaling.Decision) {
	if t.state.InProgress {
		t.Activity[len(t.Activity)-1].Ended, t.Activity[len(t.Activity)-1].Status = t.now, overridden
	}
	t.Activity = append(t.Activity, Activity{
		Began: t.now, Cause: d.Because, Status: inProgress, Current: t.state.Desired, Wanted: d.Desired,
	})
	t.due = t.now
	if d.Desired > t.state.Capacity {
		t.due = t.now.Add(t.a.ProvisioningMedian)
	}
	t.state.Started(d, t.now)
	t.look()
}

// note keeps an attempt that came to nothing. It goes before the one in progress, which
// stays the last.
func (t *twin) note(d scaling.Decision) {
	a := Activity{Began: t.now, Ended: t.now, Cause: d.Because, Status: successful, NotScaled: d.NotScaled, Current: t.state.Desired}
	if t.state.InProgress {
		t.Activity = slices.Insert(t.Activity, len(t.Activity)-1, a)
		return
	}
	t.Activity = append(t.Activity, a)
}

// visible is the evaluation range of a rule: the newest periods that are published, by
// the rule's own period, with the highest value in each.
func (t *twin) visible(rule scaling.AlarmRule) []scaling.Point {
	points := make([]scaling.Point, rule.Range(t.a))
	start := t.now.Add(-t.delay).Truncate(rule.Period).Add(-time.Duration(len(points)) * rule.Period)
	for i := range points {
		points[i] = scaling.Point{At: start, Missing: true}
		from := int(start.Sub(t.first) / t.period)
		for k := from; k < from+int(rule.Period/t.period); k++ {
			if k < 0 || k >= len(t.Metric) || start.Before(t.first) {
				continue
			}
			value := t.Metric[k].Value
			if points[i].Missing {
				points[i].Value, points[i].Missing = value, false
			}
			points[i].Value = math.Max(points[i].Value, value)
		}
		start = start.Add(rule.Period)
	}
	return points
}

// look notes the capacity.
func (t *twin) look() {
	c := Capacity{At: t.now, Status: inService, Current: t.state.Capacity, Desired: t.state.Desired}
	if t.state.InProgress {
		c.Status = updating
	}
	t.Forecast.Capacity = append(t.Forecast.Capacity, c)
}

// The statuses of an endpoint and of an activity that are spoken of here, as AWS
// spells them.
const (
	inService   = "InService"
	updating    = "Updating"
	successful  = "Successful"
	inProgress  = "InProgress"
	failed      = "Failed"
	unfulfilled = "Unfulfilled"
	overridden  = "Overridden"
)
