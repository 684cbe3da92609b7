package scaling

import (
	"slices"
	"testing"
	"time"
)

// loop is the whole control loop, written by hand in virtual seconds: traffic is
// counted into periods, these become visible, alarms are evaluated, a policy decides,
// instances come up.
type loop struct {
	a         Assumptions
	policy    Policy
	high, low AlarmRule
	period    time.Duration
	delay     time.Duration // of the metric
	provision time.Duration
	rate      func(now time.Time) float64 // per minute, over all instances

	state  State
	points []Point // of periods that have ended
	filled float64
	due    time.Time // of the change in progress
	events []event
}

// event is a change of the desired capacity.
type event struct {
	at time.Time
	to int
}

// newLoop holds one instance to a target in invocations a minute.
func newLoop(target float64, metricType string, a Assumptions, rate func(time.Time) float64) *loop {
	metric, _ := PredefinedMetric(metricType)
	l := &loop{a: a, policy: tracking("p", target), period: metric.Period, delay: a.MetricDelay, provision: 4 * time.Minute, rate: rate, state: having(1, 1, 10)}
	if metric.HighResolution {
		l.delay = a.HighResMetricDelay
	}
	l.high, l.low, _ = l.policy.TargetTracking.Alarms(metric, a)
	return l
}

func (l *loop) run(from, to time.Time) {
	states := map[Direction]AlarmState{Out: l.a.AlarmInitialState, In: l.a.AlarmInitialState}
	for now := from; now.Before(to); {
		l.filled += l.rate(now) / float64(l.state.Capacity) / time.Minute.Seconds()
		now = now.Add(time.Second)
		if now.Truncate(l.period).Equal(now) {
			l.points = append(l.points, Point{At: now.Add(-l.period), Value: l.filled * float64(time.Minute/l.period)})
			l.filled = 0
		}
		if l.state.InProgress && !now.Before(l.due) {
			l.state.Succeeded(now)
		}
		for direction, rule := range map[Direction]AlarmRule{Out: l.high, In: l.low} {
			if now.Truncate(rule.Interval(l.a)).Equal(now) {
				states[direction] = l.evaluate(states[direction], direction, rule, now)
			}
		}
	}
}

// evaluate is one evaluation of one alarm.
func (l *loop) evaluate(previous AlarmState, direction Direction, rule AlarmRule, now time.Time) AlarmState {
	verdict := rule.Evaluate(previous, l.visible(rule, now))
	point, ok := verdict.Datapoint(l.policy.Name, direction, rule.Threshold)
	if !ok {
		l.state.Clear(l.policy.Name, direction)
		return verdict.State
	}
	l.state.Observe(point)
	if d := Decide(l.state, []Policy{l.policy}, point, now, l.a); d.Act {
		l.state.Started(d, now)
		l.due = now.Add(l.provision)
		l.events = append(l.events, event{now, d.Desired})
	}
	return verdict.State
}

// visible is the evaluation range: the newest periods that are published, by the
// rule's own period.
func (l *loop) visible(rule AlarmRule, now time.Time) []Point {
	var out []Point
	for end := now.Add(-l.delay).Truncate(rule.Period); len(out) < rule.Range(l.a); end = end.Add(-rule.Period) {
		p := Point{At: end.Add(-rule.Period), Missing: true}
		for _, q := range l.points {
			if !q.At.Before(p.At) && q.At.Before(end) {
				p.Value, p.Missing = max(p.Value, q.Value), false
			}
		}
		out = append(out, p)
	}
	slices.Reverse(out)
	return out
}

// stepped is a rate that changes at given times.
func stepped(changes ...event) func(time.Time) float64 {
	return func(now time.Time) float64 {
		rate := 0
		for _, c := range changes {
			if !now.Before(c.at) {
				rate = c.to
			}
		}
		return float64(rate)
	}
}

// Without a publishing delay: out as soon as three minutes have been above 1500, in
// as soon as fifteen have been below 1350 (AWS re:Post, "sagemaker-autoscaling-delay").
// In between, at 1333 each with the low alarm in ALARM, nothing happens: two
// instances would have 2000 each.
func TestLoopScalesOutAfterThreeMinutesAndInAfterFifteen(t *testing.T) {
	a := DefaultAssumptions()
	a.MetricDelay = 0
	l := newLoop(1500, InvocationsPerInstance, a, stepped(event{at(11, 0, 0), 1000}, event{at(12, 0, 0), 4000}, event{at(13, 0, 0), 300}))
	l.run(at(11, 0, 0), at(14, 0, 0))
	want := []event{{at(12, 3, 0), 3}, {at(13, 15, 0), 1}}
	if !slices.Equal(l.events, want) {
		t.Errorf("changes %v, want %v", l.events, want)
	}
}

// With it, an alarm that is due comes 150 s late, on the next full minute: a step at
// any second of a minute is noticed after 3 periods and the delay at the earliest,
// and two minutes later at the latest (one for the minute that the step divided, one
// for the evaluation). Of ECS, 363 s are published.
func TestLoopDetectionTime(t *testing.T) {
	total, n := 0.0, 0
	for second := range 60 {
		step := at(12, 0, second)
		l := newLoop(1500, InvocationsPerInstance, DefaultAssumptions(), stepped(event{at(11, 50, 0), 1400}, event{step, 1600}))
		l.run(at(11, 50, 0), at(12, 30, 0))
		if len(l.events) != 1 || l.events[0].to != 2 {
			t.Fatalf("step at second %d: changes %v, want one, to 2", second, l.events)
		}
		took := l.events[0].at.Sub(step)
		if least := 3*time.Minute + 150*time.Second; took < least-time.Minute/2 || took > least+2*time.Minute {
			t.Errorf("step at second %d: detected after %v, want about %v to %v", second, took, least, least+2*time.Minute)
		}
		total, n = total+took.Seconds(), n+1
	}
	if mean := total / float64(n); mean < 330 || mean > 400 {
		t.Errorf("detection takes %v s on average, want about 363", mean)
	}
}

func TestLoopDetectionTimeAtHighResolution(t *testing.T) {
	l := newLoop(5, "SageMakerVariantConcurrentRequestsPerModelHighResolution", DefaultAssumptions(),
		stepped(event{at(11, 50, 0), 4}, event{at(12, 0, 0), 12}, event{at(13, 0, 0), 1}))
	l.run(at(11, 50, 0), at(14, 0, 0))
	// Three periods of 10 s, 18 s, and the next evaluation; in as slowly as ever.
	want := []event{{at(12, 0, 50), 3}, {at(13, 16, 0), 1}}
	if !slices.Equal(l.events, want) {
		t.Errorf("changes %v, want %v", l.events, want)
	}
}

// A ramp that outgrows each step while instances come up: with Updating in the way,
// one change for each detection and provisioning.
func TestLoopOnARamp(t *testing.T) {
	a := DefaultAssumptions()
	a.MetricDelay = 0
	ramp := func(now time.Time) float64 { return 1000 + 200*max(0, now.Sub(at(12, 0, 0)).Minutes()) }
	l := newLoop(1500, InvocationsPerInstance, a, ramp)
	l.run(at(11, 50, 0), at(13, 0, 0))
	if len(l.events) < 3 {
		t.Fatalf("changes %v, want several", l.events)
	}
	for i, e := range l.events[1:] {
		if before := l.events[i]; e.to <= before.to || e.at.Sub(before.at) < l.provision {
			t.Errorf("change to %d at %v after %d at %v: want a larger one, and not before instances are up", e.to, e.at, before.to, before.at)
		}
	}
}
