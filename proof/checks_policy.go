package proof

import (
	"fmt"
	"math"
	"strings"
	"time"

	"plimsoll/scaling"
)

// policyAsAsked compares what was asked, what was there before and what was there after.
func (j *judging) policyAsAsked() answer {
	if why := j.Unknown["policy"]; why != "" {
		return unknown("the policy could not be read after the programme: %s", why)
	}
	if j.Asked != nil {
		if differ := differences(*j.Asked, j.Policy); differ != "" {
			return found(Fail, "in force was not what was asked: %s", differ).
				remedied("put the policy again (plimsoll apply), and see what else writes it").dated(j.began())
		}
	}
	switch {
	case j.Policy.High == nil:
		return found(Fail, "policy %s has no high alarm", j.Policy.Name).remedied("put the policy again (plimsoll apply): its alarms come with it")
	case j.Policy.Low == nil && !j.Policy.DisableScaleIn:
		return found(Fail, "policy %s has no low alarm", j.Policy.Name).remedied("put the policy again (plimsoll apply): its alarms come with it")
	case j.After == nil:
		return found(Fail, "policy %s was gone when the programme ended at %s", j.Policy.Name, clock(j.ended())).
			remedied("find out who deletes it, put it again (plimsoll apply), and verify anew").dated(j.ended())
	}
	if differ := differences(j.Policy, *j.After); differ != "" {
		return found(Fail, "the policy was changed while the programme ran: %s", differ).
			remedied("find out who changes it, and verify anew").dated(j.ended())
	}
	if strays := j.Policy.Strays(j.Run); strays != "" {
		return found(Warn, "%s", strays).
			remedied("plimsoll apply --run DIR puts the run's target; where another was meant, the peak alone (--peak) judges by nothing else").dated(j.began())
	}
	return found(Pass, "%s", j.Policy.words())
}

// words is a policy in one line.
func (p Policy) words() string {
	text := fmt.Sprintf("%s at %s, %d to %d instances, cooldowns %s out and %s in", p.Metric, figure(p.Target), p.Min, p.Max,
		lasting(time.Duration(p.ScaleOut)), lasting(time.Duration(p.ScaleIn)))
	if p.DisableScaleIn {
		text += ", scale-in disabled"
	}
	if p.High != nil {
		text += "; high alarm " + p.High.words()
	}
	if p.Low != nil {
		text += fmt.Sprintf("; low alarm %s (%s of the target)", p.Low.words(), percent(p.lowRatio()))
	}
	return text
}

func (a Alarm) words() string {
	needs := a.DatapointsToAlarm
	if needs == 0 {
		needs = a.EvaluationPeriods
	}
	sign := map[scaling.Comparison]string{scaling.Greater: ">", scaling.GreaterOrEqual: "≥", scaling.Less: "<", scaling.LessOrEqual: "≤"}[a.Comparison]
	return fmt.Sprintf("%s %s for %d of %d × %s", sign, figure(a.Threshold), needs, a.EvaluationPeriods, lasting(a.Period))
}

// differences names what differs between two policies; alarms are compared where both
// have them, as a policy that is asked for says nothing of its alarms.
func differences(want, have Policy) string {
	var list []string
	differ := func(what string, a, b any) {
		if a != b {
			list = append(list, fmt.Sprintf("%s %v, not %v", what, b, a))
		}
	}
	differ("metric", want.Metric, have.Metric)
	differ("target value", want.Target, have.Target)
	differ("min", want.Min, have.Min)
	differ("max", want.Max, have.Max)
	differ("scale-out cooldown", want.ScaleOut, have.ScaleOut)
	differ("scale-in cooldown", want.ScaleIn, have.ScaleIn)
	differ("disable scale-in", want.DisableScaleIn, have.DisableScaleIn)
	for _, pair := range []struct {
		name string
		a, b *Alarm
	}{{"high alarm", want.High, have.High}, {"low alarm", want.Low, have.Low}} {
		if pair.a != nil && pair.b != nil && pair.a.AlarmRule != pair.b.AlarmRule {
			differ(pair.name, pair.a.words(), pair.b.words())
		}
	}
	return strings.Join(list, "; ")
}

// agreement is how far a metric may be from what the client sent.
const agreement = 0.05

// metricAgrees compares CloudWatch's count with the client's over whole minutes at a
// steady capacity in which next to nothing failed: what is refused may not be counted.
func (j *judging) metricAgrees() answer {
	perInstance := j.Policy.Metric == scaling.InvocationsPerInstance
	points, multiply, why := j.Invoked, false, j.Unknown["invocations"]
	if perInstance && len(j.Metric) > 0 && j.Period == time.Minute {
		points, multiply, why = j.Metric, true, j.Unknown["metric"]
	}
	if why != "" {
		return unknown("the metric is not known: %s", why)
	}
	counted, sent, over := 0.0, 0.0, 0
	for _, p := range points {
		client, ok := j.sentIn(p.At)
		if !ok || p.Missing || math.IsNaN(p.Value) {
			continue
		}
		value := p.Value
		if multiply {
			value *= float64(lookAt(j.Capacity, p.At).Current)
		}
		counted, sent, over = counted+value, sent+client, over+1
	}
	if over == 0 || !(sent > 0) {
		return unknown("no whole minute at a steady capacity has both a datapoint and the client's count")
	}
	name := "Invocations"
	if multiply {
		name = "InvocationsPerInstance × instances"
	}
	off := counted/sent - 1
	c := found(Pass, "%s counted %s in %d minutes at a steady capacity, the client sent %s: %+.1f %%", name, figure(counted), over, figure(sent), 100*off)
	switch {
	case math.Abs(off) <= agreement:
		return c
	case off > 0:
		c.Outcome = Fail
		return c.remedied("see who else calls the endpoint: the load was more than the programme's; verify on an endpoint without other traffic")
	}
	c.Outcome = Fail
	return c.remedied("see whether requests are refused before the container or went to another variant: load that the metric does not count does not scale; count it before the target is trusted")
}

// mayFail is the share of requests above which a minute is not compared.
const mayFail = 0.01

// sentIn is what the client sent in a minute, as the services count it, where that can be
// said: slices cover it, hardly anything failed, and capacity did not change.
func (j *judging) sentIn(begin time.Time) (float64, bool) {
	end := begin.Add(time.Minute)
	sent, covered, failed := 0.0, time.Duration(0), 0.0
	for _, s := range j.Slices {
		from, to := s.At, s.end()
		if from.Before(begin) {
			from = begin
		}
		if to.After(end) {
			to = end
		}
		if share := to.Sub(from); share > 0 {
			part := share.Seconds() / s.Length.Seconds()
			covered += share
			sent += part * float64(max(0, s.Offered)) * j.Speed
			failed += part * float64(max(0, s.Failed)) * j.Speed
		}
	}
	if covered < time.Minute-time.Second/2 || failed > mayFail*sent {
		return 0, false
	}
	around := j.looksIn(begin.Add(-j.Poll), end.Add(j.Poll))
	for _, c := range around {
		if c.Current != around[0].Current {
			return 0, false
		}
	}
	return sent, len(around) > 0
}
