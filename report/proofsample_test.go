package report

import (
	"math"
	"math/rand/v2"
	"time"

	"plimsoll/experiment"
	"plimsoll/proof"
	"plimsoll/scaling"
)

// fleetSample is a policy at work, minute by minute: a metric of one minute that comes
// two and a half minutes late, alarms of 3 and 15 periods, and instances that take four
// minutes to start.
type fleetSample struct {
	rng              *rand.Rand
	start, now       time.Time
	series           proof.Series
	events           []proof.Event
	current, desired int
	starts           time.Time // when those desired are in service
	crossed          time.Time // when the load came to need another number
	alarms           [2]scaling.AlarmState
	recent           []float64
	calm             time.Time // end of the cooldown
}

const (
	sampleTarget = 5046.0 // /min
	samplePer    = sampleTarget / 60
	samplePeak   = 168.2
	slowScrape   = 150 * time.Second
	launch       = 240 * time.Second
	slice        = 10 * time.Second
)

func samplePhases() []proof.Phase {
	minutes := func(n int) proof.Span { return proof.Span(time.Duration(n) * time.Minute) }
	return []proof.Phase{
		{Kind: proof.Baseline, From: 60, To: 60, Length: minutes(20), Expect: 1, Why: "one instance, until the low alarm has settled"},
		{Kind: proof.StepUp, From: 215, To: 215, Length: minutes(17), Expect: 3, Why: "two instances more at once"},
		{Kind: proof.RampUp, From: 215, To: 400, Length: minutes(15), Expect: 5, Why: "to what the most instances carry"},
		{Kind: proof.Plateau, From: 400, To: 400, Length: minutes(12), Expect: 5, Why: "at the most instances"},
		{Kind: proof.StepDown, From: 60, To: 60, Length: minutes(45), Expect: 1, Why: "until scale-in must have come"},
	}
}

// run holds the phases.
func (f *fleetSample) run(phases []proof.Phase) []proof.Held {
	var held []proof.Held
	for _, p := range phases {
		h := proof.Held{Phase: p, Began: f.now, Valid: true}
		for at := time.Duration(0); at < time.Duration(p.Length); at += slice {
			rate := p.From + (p.To-p.From)*float64(at)/float64(p.Length)
			f.serve(rate)
			f.now = f.now.Add(slice)
			if f.now.Sub(f.start)%time.Minute == 0 {
				f.minute(rate)
			}
		}
		h.Ended = f.now
		held = append(held, h)
	}
	f.look()
	return held
}

func (f *fleetSample) serve(rate float64) {
	if !f.starts.IsZero() && !f.now.Before(f.starts) {
		f.arrive()
	}
	need := int(math.Ceil(rate / samplePer))
	if f.crossed.IsZero() && (need > f.desired || need < f.desired && rate < 0.9*samplePer*float64(f.desired)) {
		f.crossed = f.now
	}
	if need == f.desired {
		f.crossed = time.Time{}
	}
	offered := int64(rate*slice.Seconds() + 3*f.rng.NormFloat64())
	carried := samplePeak * float64(f.current)
	bad := max(0, 1-carried/rate)
	if bad == 0 && f.rng.IntN(20) == 0 {
		bad = 0.004
	}
	n := int64(bad * float64(offered))
	f.series.Slices = append(f.series.Slices, proof.Slice{
		At: f.now, Length: proof.Span(slice), Offered: offered, Successes: offered - n/2, Failed: n / 2, Bad: n, MeanMs: 24,
	})
}

// minute publishes the metric of the minute that has passed, and lets the policy act.
func (f *fleetSample) minute(rate float64) {
	value := rate * 60 / float64(f.current) * (1 + 0.01*f.rng.NormFloat64())
	f.series.Metric = append(f.series.Metric, proof.Datapoint{At: f.now.Add(-time.Minute), Value: &value})
	f.recent = append(f.recent, value)
	for i, over := range []bool{f.all(3, func(v float64) bool { return v > sampleTarget }), f.all(15, func(v float64) bool { return v < 0.9*sampleTarget })} {
		f.alarm(i, over)
	}
	if f.current != f.desired || f.now.Before(f.calm) {
		return
	}
	switch want := int(math.Ceil(float64(f.current) * value / sampleTarget)); {
	case f.alarms[0] == scaling.StateAlarm && want > f.desired && f.desired < 5:
		f.move(min(5, want))
	case f.alarms[1] == scaling.StateAlarm && want < f.desired:
		f.move(max(1, want))
	}
}

func (f *fleetSample) all(n int, over func(float64) bool) bool {
	if len(f.recent) < n {
		return false
	}
	for _, v := range f.recent[len(f.recent)-n:] {
		if !over(v) {
			return false
		}
	}
	return true
}

func (f *fleetSample) alarm(i int, on bool) {
	to := scaling.StateOK
	if on {
		to = scaling.StateAlarm
	}
	if to != f.alarms[i] {
		f.series.Alarms = append(f.series.Alarms, proof.Transition{
			At: f.now.Add(slowScrape), Alarm: samplePolicy().alarms()[i], From: f.alarms[i], To: to, Reason: "Threshold Crossed",
		})
		f.alarms[i] = to
	}
}

func (f *fleetSample) move(to int) {
	at := f.now.Add(slowScrape)
	f.look()
	direction := scaling.Out
	if to < f.desired {
		direction = scaling.In
	}
	f.starts = at.Add(launch)
	crossed := f.crossed
	if crossed.IsZero() {
		crossed = f.now.Add(-3 * time.Minute)
	}
	visible, alarm, began := at.Add(-time.Minute-20*time.Second), at, at.Add(4*time.Second)
	stage := func(name proof.StageName, when, before time.Time, within time.Duration, known proof.Known, source string) proof.Stage {
		return proof.Stage{Name: name, At: when, After: proof.Span(when.Sub(before)), Within: proof.Span(within), Known: known, Source: source}
	}
	e := proof.Event{Direction: direction, From: f.current, To: to, Total: proof.Span(f.starts.Sub(crossed)), Stages: []proof.Stage{
		stage(proof.LoadCrossed, crossed, crossed, 0, proof.Measured, "the programme"),
		stage(proof.MetricVisible, visible, crossed, time.Minute, proof.Bounded, "CloudWatch, asked each minute"),
		stage(proof.AlarmFired, alarm, visible, 0, proof.Measured, "DescribeAlarmHistory"),
		stage(proof.ActivityBegan, began, alarm, 0, proof.Measured, "DescribeScalingActivities"),
		stage(proof.InService, f.starts, began, 10*time.Second, proof.Bounded, "DescribeEndpoint, each 10 s"),
	}}
	if direction == scaling.Out {
		e.Stages = append(e.Stages,
			proof.Stage{Name: proof.FirstServed, Known: proof.Missing, Source: "SageMaker does not say which instance answered"},
			stage(proof.Recovered, f.starts.Add(20*time.Second), f.starts, slice, proof.Bounded, "the client, in slices of 10 s"))
		e.Total += proof.Span(20 * time.Second)
	}
	f.events = append(f.events, e)
	f.desired, f.crossed = to, time.Time{}
	f.series.Capacity = append(f.series.Capacity, proof.Capacity{At: began, Status: "Updating", Current: f.current, Desired: to})
}

func (f *fleetSample) arrive() {
	f.current, f.starts, f.calm = f.desired, time.Time{}, f.now.Add(5*time.Minute)
	f.look()
}

func (f *fleetSample) look() {
	f.series.Capacity = append(f.series.Capacity, proof.Capacity{At: f.now, Status: "InService", Current: f.current, Desired: f.desired})
}

type sampledPolicy struct{ proof.Policy }

func (p sampledPolicy) alarms() []string { return []string{p.High.Name, p.Low.Name} }

func samplePolicy() sampledPolicy {
	rule := scaling.AlarmRule{Comparison: scaling.Greater, Threshold: sampleTarget, Period: time.Minute, EvaluationPeriods: 3, DatapointsToAlarm: 3}
	low := scaling.AlarmRule{Comparison: scaling.Less, Threshold: 0.9 * sampleTarget, Period: time.Minute, EvaluationPeriods: 15, DatapointsToAlarm: 15}
	name := "TargetTracking-endpoint/demo/variant/AllTraffic-Alarm"
	return sampledPolicy{proof.Policy{
		Name: "SageMakerEndpointInvocationScalingPolicy", Metric: experiment.Metric, Target: sampleTarget, Min: 1, Max: 5,
		ScaleOut: proof.Span(5 * time.Minute), ScaleIn: proof.Span(5 * time.Minute),
		High: &proof.Alarm{Name: name + "High-1f0c", AlarmRule: rule}, Low: &proof.Alarm{Name: name + "Low-77ab", AlarmRule: low},
	}}
}

// proved is a proof of a policy that works, if slowly.
func proved() *proof.Result {
	f := &fleetSample{
		rng: rand.New(rand.NewPCG(5, 6)), start: began, now: began, current: 1, desired: 1,
		alarms: [2]scaling.AlarmState{scaling.StateInsufficient, scaling.StateInsufficient},
	}
	f.series.Poll, f.series.Period, f.series.Speed, f.series.PerInstance = proof.Span(slice), proof.Span(time.Minute), 1, samplePer
	f.look()
	phases := samplePhases()
	held := f.run(phases)
	r := &proof.Result{
		Verdict: proof.WorksSlowly,
		Reasons: []string{
			"scale-out 1 → 3 took 9 min 54 s from the load to the instances in service, 15:24:05 to 15:33:59; 6 min were asked",
			"the alarm needed 5 min 30 s of it: three periods of 60 s that CloudWatch showed 2 min 30 s late",
		},
		Change: "a high-resolution metric (10 s instead of 60 s) would find the load about 4 min 40 s sooner",
		Events: f.events, Held: held, Policy: samplePolicy().Policy, Series: f.series,
		Programme: proof.Programme{
			Phases: phases, Start: 1, Length: proof.Span(109 * time.Minute), Requests: 1.2e6, InstanceHours: 5.2,
			Notes: []string{"the ramp down was left out: there was no time for it"},
		},
		Objective: proof.Objective{Name: "p99=104ms", Limit: proof.Span(104 * time.Millisecond), BadShare: 0.01, Recover: proof.Span(6 * time.Minute), Errors: 0.005, BackToMin: proof.Span(30 * time.Minute), Flaps: new(0), AskedByUser: true},
		Cost:      proof.Cost{InstanceHours: 5.43, Oracle: 4.71, Predicted: 5.2, Dollars: 1.25},
		Objectives: []proof.Finding{
			{Name: "recover", Asked: "within 6 min", Was: "10 min 14 s", Judged: true},
			{Name: "errors", Asked: "at most 0.5 %", Was: "2.4 %", Judged: true},
			{Name: "back-to-min", Asked: "within 30 min", Was: "24 min 10 s", Met: true, Judged: true},
			{Name: "flaps", Asked: "at most 0", Was: "the alarm history could not be read"},
		},
		Checks: sampleChecks(),
	}
	at := func(minutes float64) time.Time { return began.Add(time.Duration(minutes * float64(time.Minute))) }
	for _, p := range []struct {
		minute float64
		n      int
	}{{0, 1}, {28.5, 3}, {44, 4}, {52.5, 5}, {86, 1}, {109, 1}} {
		r.Predicted = append(r.Predicted, proof.Capacity{At: at(p.minute), Status: "InService", Current: p.n, Desired: p.n})
	}
	return r
}

func sampleChecks() []proof.Check {
	return []proof.Check{
		{ID: "policy_as_asked", Title: "policy as asked", Outcome: proof.Pass, Evidence: "target 5046, 1 to 5 instances, cooldowns 300 s and 300 s, both alarms there"},
		{ID: "metric_agrees", Title: "metric agrees", Outcome: proof.Pass, Evidence: "metric × instances is within 0.8 % of what the client sent, 109 minutes"},
		{ID: "detection", Title: "detection", Outcome: proof.Pass, Evidence: "5 min 30 s from the load to ALARM at 15:29:35; up to 7 min are usual", At: began.Add(25*time.Minute + 30*time.Second)},
		{ID: "scale_out_size", Title: "scale-out size", Outcome: proof.Pass, Evidence: "3 = ⌈1 × 12913 / 5046⌉ at 15:29:39, and each later one"},
		{ID: "time_to_ready", Title: "time to ready", Outcome: proof.Reported, Evidence: "4 min from the activity to InService"},
		{ID: "recovery", Title: "recovery", Outcome: proof.Fail, Evidence: "10 min 14 s until p99 kept 104 ms again at 15:34:19; 6 min were asked", Remedy: "find the load sooner (a high-resolution metric), or keep 2 instances at least", At: began.Add(30 * time.Minute)},
		{ID: "overshoot", Title: "overshoot", Outcome: proof.Pass, Evidence: "at most 5 instances; 5 are needed at the plateau"},
		{ID: "flapping", Title: "flapping", Outcome: proof.Warn, Evidence: "one reversal within a phase, at 16:01:12", Remedy: "a target 5 % lower keeps the baseline off the boundary between two counts"},
		{ID: "scale_in_safety", Title: "scale-in safety", Outcome: proof.NotKnown, Evidence: "too few requests around the removal to tell: 38"},
	}
}

// proofStates are the documents that have a proof.
func proofStates() map[string]Document {
	verify := func(change func(*proof.Result)) Document {
		r := proved()
		change(r)
		return Document{Verification: verification(r), Version: "0.1.0", Generated: began.Add(2 * time.Hour), Files: []string{"runs/two"}}
	}
	tune := tunedFrom(found(), experiment.Tuned{Verify: verification(proved()), Policy: new(samplePolicy().Policy), Changes: sampleChanges(), Restored: true})
	stopped := tunedFrom(with(found(), func(r *experiment.Result) {
		r.Command, r.Status, r.Peak.Valid, r.Target = "tune", experiment.Partial, false, nil
		r.Peak.Reasons = []string{"the run is partial: interrupted"}
	}), experiment.Tuned{Changes: sampleChanges()[:1]})
	return map[string]Document{
		"tune":         tune,
		"tune-stopped": stopped,
		"verify":       verify(func(*proof.Result) {}),
		"works": verify(func(r *proof.Result) {
			r.Verdict, r.Change, r.Reasons = proof.Works, "", []string{"every scaling event came in its time, in both directions"}
			r.Objectives, r.Series.Speed = nil, 20
			r.Checks = r.Checks[:5]
		}),
		"no-scaling": verify(func(r *proof.Result) {
			r.Verdict, r.Reasons, r.Change = proof.NoScaling, []string{"the high alarm went to ALARM at 15:29:35 and nothing followed until 15:41:05"}, "allow scale-out: it is suspended on the scalable target"
			r.Events, r.Predicted, r.Cost.Dollars = nil, nil, 0
			first := r.Series.Capacity[0]
			last := first
			last.At = r.Held[4].Ended
			r.Series.Capacity = []proof.Capacity{first, last}
		}),
		"undecided": verify(func(r *proof.Result) {
			r.Verdict, r.Reasons, r.Change = proof.Undecided, []string{"it was cut short after 20 min: interrupted"}, ""
			r.Held = r.Held[:1]
			r.Held[0].Valid, r.Held[0].Doubts = false, []string{"312 requests were dropped: more in flight than connections allow"}
			r.Events, r.Series = nil, proof.Series{}
			r.Checks = nil
		}),
	}
}

// verification is a proof as verify publishes it.
func verification(r *proof.Result) *experiment.Verification {
	plan := found().Result.Plan
	plan.Command = "verify"
	return &experiment.Verification{
		SchemaVersion: experiment.SchemaVersion, Command: "verify", Status: experiment.Complete, Started: began,
		On: experiment.Variant{Endpoint: "demo", Name: "AllTraffic"}, Speed: r.Series.Speed, Result: *r, Plan: plan,
	}
}

// tunedFrom is the document of a tuning that has found what another has.
func tunedFrom(d Document, t experiment.Tuned) Document {
	t.Result = *d.Result
	t.Command = "tune"
	d.Result, d.Tuned = nil, &t
	return d
}

func sampleChanges() []experiment.Made {
	return []experiment.Made{
		{
			Undone: true, How: "1 → 3",
			Change: experiment.Change{What: experiment.Instances, Current: experiment.Setting{Instances: 3}, Desired: experiment.Setting{Instances: 1}, Reason: "MAX_RPS is that of one instance"},
		},
		{
			Kept: true,
			Change: experiment.Change{
				What: experiment.OnePolicy, Name: samplePolicy().Name, Reason: "the target that was found",
				Current: experiment.Setting{Policy: &experiment.Policy{Name: samplePolicy().Name, Metric: experiment.Metric, Target: 70}},
				Desired: experiment.Setting{Policy: &experiment.Policy{Name: samplePolicy().Name, Metric: experiment.Metric, Target: sampleTarget}},
			},
		},
	}
}
