package experiment

import (
	"fmt"
	"time"

	"plimsoll/capacity"
	"plimsoll/scaling"
)

// Metric is the predefined metric that the target is for.
const Metric = "SageMakerVariantInvocationsPerInstance"

// Which end of the interval a target is made from.
const (
	FromLow      = "low"
	FromEstimate = "estimate"
)

// result is what is known now; stopped is why the run ended before the search did.
func (f *finder) result(stopped error) Result {
	known := f.search.Result()
	r := Result{
		SchemaVersion: SchemaVersion, Command: f.plan.Command, Status: Complete, Started: f.started,
		DurationSeconds: (f.before + time.Since(f.began)).Seconds(), Requests: f.requests, RequestsSent: f.sent(),
		Peak: peakOf(known), Trials: f.trials, Client: f.client(), Plan: f.plan,
		Unloaded: Unloaded{P50ms: known.Unloaded.P50, P99ms: known.Unloaded.P99, MeanMs: known.Unloaded.Mean, Requests: known.Unloaded.Requests},
	}
	r.Peak.Reasons = append(append(r.Peak.Reasons, f.crowded()...), f.notes...)
	r.Saturation = plateauOf(known)
	if stopped != nil {
		r.Status = Partial
		r.Peak.Ended = "stopped before the search had ended: " + stopped.Error()
		r.Peak.Valid = false
		r.Peak.Reasons = append([]string{"the run is partial: " + stopped.Error()}, r.Peak.Reasons...)
		return r
	}
	target, err := TargetFor(r.Peak, *f.plan.Target)
	if err != nil {
		r.Peak.Reasons = append(r.Peak.Reasons, "no target: "+err.Error())
	}
	r.Target = target
	return r
}

// plateauOf is the saturation, if it was reached.
func plateauOf(k capacity.Result) *Plateau {
	if !k.Saturated || k.Saturation <= 0 {
		return nil
	}
	p := &Plateau{Rate: k.Saturation, StdErr: k.SaturationSE}
	if !k.Throttled {
		p.Concurrency = k.Knee
	}
	return p
}

func peakOf(k capacity.Result) Peak {
	p := Peak{
		Confidence: k.Confidence, Cause: k.Cause, Found: k.Found, Missed: k.Missed, Valid: k.Valid, Wide: k.Wide, Changed: k.Changed,
		Reasons: append([]string{}, k.Reasons...), Ended: k.Ended, Objectives: []string{},
	}
	for _, o := range k.Objectives {
		p.Objectives = append(p.Objectives, o.String())
	}
	if k.Derived >= 0 && k.Derived < len(p.Objectives) {
		p.Derived = p.Objectives[k.Derived]
	}
	if k.Binding >= 0 && k.Binding < len(p.Objectives) {
		p.Binding = p.Objectives[k.Binding]
	}
	bounded := k.Cause == capacity.CauseClient || k.Cause == capacity.CauseLimit
	if k.Found || bounded && k.Low > 0 {
		p.Rate, p.RateM = both(k.Rate)
		p.Low, p.LowM = both(k.Low)
	}
	if k.Found {
		p.High, p.HighM = both(k.High)
	}
	return p
}

// both is a rate per second and per minute.
func both(rate float64) (perSecond, perMinute *float64) {
	minute := rate * 60
	return &rate, &minute
}

// TargetFor makes the target from a peak. There is none, and no error, when
// there is no valid peak. A lower bound will do: a target made from it is safe,
// if lower than it need be.
func TargetFor(p Peak, plan TargetPlan) (*Target, error) {
	if p.Rate == nil || p.Low == nil || !p.Valid {
		return nil, nil //nolint:nilnil // no target is a regular outcome
	}
	from, used := FromLow, *p.Low
	if plan.From == FromEstimate {
		from, used = FromEstimate, *p.Rate
	}
	if !(used > 0) {
		return nil, fmt.Errorf("the interval's lower end is %g/s; a narrower interval is needed: raise the budget", used)
	}
	t, err := scaling.FromPeak(scaling.PerSecond(used).PerMinute(), plan.SafetyFactor)
	if err != nil {
		return nil, err
	}
	out := NewTarget(t, plan.PerMinute)
	out.From = from
	return out, nil
}

// NewTarget is the published form of a target.
func NewTarget(t scaling.Target, perMinute bool) *Target {
	unit := "second"
	if perMinute {
		unit = "minute"
	}
	return &Target{
		Metric: Metric, PerMinute: float64(t.Value), PerSecond: float64(t.Value.PerSecond()), SafetyFactor: t.SafetyFactor,
		Peak: float64(t.Peak.PerSecond()), Unit: unit, Formula: t.Formula(perMinute),
	}
}

// client sums up the generator over all trials: the greatest of what is a level,
// the sum of what is a count.
func (f *finder) client() Client {
	var sum Client
	for _, t := range f.trials {
		c := t.Client
		sum.CPUs = max(sum.CPUs, c.CPUs)
		sum.Connections = max(sum.Connections, c.Connections)
		sum.Reconnects += c.Reconnects
		sum.Opened += c.Opened
		sum.OpenFailures += c.OpenFailures
		sum.CPU = greater(sum.CPU, c.CPU)
		sum.MachineBusy = greater(sum.MachineBusy, c.MachineBusy)
	}
	return sum
}

// greater is the greater of two figures that may be unknown.
func greater(a, b *float64) *float64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// busyMachine is the share from which server and generator, or anything else on
// the generator's machine, get into each other's way.
const busyMachine = 0.95

// crowded says in how many trials the generator's machine was busy.
func (f *finder) crowded() []string {
	n := 0
	for _, t := range f.trials {
		if t.Client.MachineBusy != nil && *t.Client.MachineBusy > busyMachine {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the generator's own machine was more than %.0f %% busy in %d of %d trials: whatever else runs there, the endpoint too, competes with it; run it elsewhere or pin them apart",
		100*busyMachine, n, len(f.trials))}
}
