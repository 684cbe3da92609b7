package proof

import (
	"time"

	"plimsoll/scaling"
)

// pace is how long the parts of a scaling take at most when all is well: what a phase
// must be held for, and what a stage is judged by.
type pace struct {
	detect time.Duration // from the load to the high alarm
	notice time.Duration // from the load to the low alarm
	ready  time.Duration // from the activity until the instances are in service
}

// How long after its period a datapoint is seen at the latest, in 95 of 100 cases: with
// the period and N periods of an alarm, it leaves 420 s for one that watches three
// minutes and 90 s for one that watches three times 10 s. Published figures are 363 s
// for the first and 86 s for three times 20 s.
const (
	late        = 180 * time.Second
	lateHighRes = 50 * time.Second
)

// Lengths of which a programme is made. Those of the baseline and the step down are
// what people have seen: a scale-in came more than 25 minutes after the load had gone.
const (
	leastBaseline = 20 * time.Minute
	leastDown     = 40 * time.Minute
	settled       = 10 * time.Minute // held on after what a phase is for
	afterLow      = 5 * time.Minute  // after the low alarm has settled
	drain         = 2 * time.Minute  // of an instance that goes: an assumption
	leastRamp     = 10 * time.Minute
	mostRamp      = time.Hour
)

// paceOf is what the alarms of a policy, as they were read, allow.
func paceOf(policy Policy, provisioning time.Duration) pace {
	p := pace{ready: provisioning}
	if rule, ok := policy.High.rule(); ok {
		p.detect = fires(rule, lateness(policy))
	}
	if rule, ok := policy.Low.rule(); ok {
		p.notice = fires(rule, lateness(policy))
	}
	return p
}

// fires is how long an alarm takes: the period that the change divides, those that it
// looks at, and the delay of the metric.
func fires(rule scaling.AlarmRule, delay time.Duration) time.Duration {
	return time.Duration(1+rule.EvaluationPeriods)*rule.Period + delay
}

// lateness of the metric that a policy tracks.
func lateness(policy Policy) time.Duration {
	if rule, ok := policy.High.rule(); ok && rule.Period < time.Minute {
		return lateHighRes
	}
	return late
}

// slower is the pace with a metric that is as late as the assumptions say, if that is
// later.
func (p pace) slower(policy Policy, a scaling.Assumptions) pace {
	delay := a.MetricDelay
	if lateness(policy) == lateHighRes {
		delay = a.HighResMetricDelay
	}
	if more := delay + a.AlarmInterval/2 - lateness(policy); more > 0 {
		p.detect += more
		p.notice += more
	}
	return p
}

// react is from the load until more instances serve.
func (p pace) react() time.Duration { return p.detect + p.ready }

// minutes rounds up to whole ones.
func minutes(d time.Duration) Span {
	return Span((d + time.Minute - 1).Truncate(time.Minute))
}
