package proof

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/scaling"
)

// held is a phase of a programme that was held.
func (o *Observed) held(kind Kind) *Held {
	for i := range o.Phases {
		if o.Phases[i].Kind == kind {
			return &o.Phases[i]
		}
	}
	return nil
}

// each changes what was seen in a while.
func (o *Observed) looks(from, to time.Time, change func(*Capacity)) {
	for i := range o.Capacity {
		if c := &o.Capacity[i]; !c.At.Before(from) && c.At.Before(to) {
			change(c)
		}
	}
}

func (o *Observed) slices(from, to time.Time, change func(*Slice)) {
	for i := range o.Slices {
		if s := &o.Slices[i]; !s.At.Before(from) && s.At.Before(to) {
			change(s)
		}
	}
}

// bad makes all requests of a slice slow.
func bad(s *Slice) { s.Bad = s.Offered }

// without takes the activities away that began in a while and changed something.
func (o *Observed) without(from, to time.Time) {
	o.Activity = slices.DeleteFunc(o.Activity, func(a Activity) bool {
		return a.NotScaled == "" && !a.Began.Before(from) && a.Began.Before(to)
	})
}

// quiet takes the changes of an alarm away.
func (o *Observed) quiet(alarm string, from, to time.Time) {
	o.Alarms = slices.DeleteFunc(o.Alarms, func(t Transition) bool {
		return t.Alarm == alarm && !t.At.Before(from) && t.At.Before(to)
	})
}

// stuck is an endpoint whose capacity stays from an instant on.
func (o *Observed) stuck(from time.Time) {
	at := lookAt(o.Capacity, from)
	o.looks(from, o.Phases[len(o.Phases)-1].Ended, func(c *Capacity) { c.Current, c.Desired, c.Status = at.Current, at.Current, inService })
	o.without(from, o.Phases[len(o.Phases)-1].Ended)
	for i := range o.Metric {
		if p := &o.Metric[i]; !p.At.Before(from) {
			if h, ok := (&judging{Observed: *o}).phaseAt(p.At); ok {
				p.Value = h.rate(p.At) / 25 / float64(at.Current) * 1500
			}
		}
	}
	o.slices(from, o.Phases[len(o.Phases)-1].Ended, func(s *Slice) {
		if h, ok := (&judging{Observed: *o}).phaseAt(s.At); ok {
			*s = slice(s.At, h.rate(s.At), 50*float64(at.Current))
		}
	})
}

// Each row breaks one thing of a perfect run. What it says of other checks than the one
// that is meant follows from it.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name    string
		options func(*Options)
		change  func(*Observed)
		checks  map[string]Outcome // that differ from a perfect run
		verdict Verdict
		says    string // in the reasons
	}{
		{
			name: "another policy was in force", verdict: Undecided, says: "target value 1500, not 70",
			change: func(o *Observed) { asked := o.Policy; asked.Target = 70; o.Asked = &asked },
			checks: map[string]Outcome{"policy_as_asked": Fail},
		},
		{
			name: "another target than the run's", verdict: Works, says: "policy_as_asked: the target value in force is 1500, -25 % from the 2000",
			change: func(o *Observed) {
				o.Run = []Advice{{Metric: "of copies", Target: 3}, {Metric: scaling.InvocationsPerInstance, Target: 2000}}
			},
			checks: map[string]Outcome{"policy_as_asked": Warn},
		},
		{
			name: "the run's target, rounded", verdict: Works,
			change: func(o *Observed) { o.Run = []Advice{{Metric: scaling.InvocationsPerInstance, Target: 1500.4}} },
		},
		{
			name: "the policy was changed meanwhile", verdict: Undecided, says: "max 9, not 4",
			change: func(o *Observed) { o.After.Max = 9 },
			checks: map[string]Outcome{"policy_as_asked": Fail},
		},
		{
			name: "the policy was deleted", verdict: Undecided, says: "was gone",
			change: func(o *Observed) { o.After = nil },
			checks: map[string]Outcome{"policy_as_asked": Fail},
		},
		{
			name: "somebody else calls the endpoint", verdict: Works, says: "the client sent",
			change: func(o *Observed) {
				o.slices(noon(), o.Phases[len(o.Phases)-1].Ended, func(s *Slice) { s.Offered = s.Offered * 4 / 5; s.Successes = s.Successes * 4 / 5 })
			},
			checks: map[string]Outcome{"metric_agrees": Fail},
		},
		{
			name: "the alarm fired late", verdict: WorksSlowly, says: "took 11m",
			change: func(o *Observed) {
				for i := range o.Alarms {
					if x := &o.Alarms[i]; x.Alarm == "AlarmHigh" && x.To == scaling.StateAlarm && x.At.Before(o.held(StepUp).Ended) && x.At.After(o.held(StepUp).Began) {
						x.At = o.held(StepUp).Began.Add(11 * time.Minute)
						o.Activity = slices.Clone(o.Activity)
						for k := range o.Activity {
							if o.Activity[k].Wanted == 3 && o.Activity[k].Began.Before(o.held(StepUp).Ended) {
								o.Activity[k].Began = x.At
								o.looks(o.held(StepUp).Began, x.At, func(c *Capacity) { c.Desired, c.Current, c.Status = 1, 1, inService })
							}
						}
					}
				}
			},
			checks: map[string]Outcome{"detect_time": Fail},
		},
		{
			name: "it never scaled", verdict: NoScaling, says: "the load needed 3 instances, and no more than 1",
			change: func(o *Observed) {
				o.stuck(noon())
				o.quiet("AlarmHigh", noon(), o.Phases[len(o.Phases)-1].Ended)
			},
			checks: map[string]Outcome{
				"detect_time": Fail, "scale_out_size": Fail, "time_to_ready": NotKnown, "recovery": Fail, "steady_state": Fail, "limits": Fail,
				"scale_in_starts": NotKnown, "scale_in_safety": NotKnown, "reaches_min": NotKnown, "twin_agreement": Warn,
			},
		},
		{
			name: "the alarm fired and nothing came of it", verdict: NoScaling, says: "ResourceLimitExceeded",
			change: func(o *Observed) {
				o.stuck(noon())
				o.Activity = append(o.Activity, Activity{
					Began: o.held(StepUp).Began.Add(6 * time.Minute), Ended: o.held(StepUp).Began.Add(6 * time.Minute), Status: failed,
					Message: "ResourceLimitExceeded: The account-level service limit 'ml.g5.xlarge for endpoint usage' is 1 Instances", Wanted: 3,
				})
			},
			checks: map[string]Outcome{
				"scale_out_size": Fail, "time_to_ready": NotKnown, "recovery": Fail, "steady_state": Fail, "limits": Fail, "failed_activities": Fail,
				"scale_in_starts": NotKnown, "scale_in_safety": NotKnown, "reaches_min": NotKnown, "twin_agreement": Warn,
			},
		},
		{
			name: "a quota stopped it on the ramp", verdict: NoScaling, says: "the load of 108/s needs 4",
			change: func(o *Observed) {
				for i := range o.Metric {
					if p := &o.Metric[i]; lookAt(o.Capacity, p.At).Current == 4 {
						p.Value *= 4. / 3
					}
				}
				o.looks(o.held(RampUp).Began, o.held(StepDown).Ended, func(c *Capacity) { c.Current, c.Desired = min(c.Current, 3), min(c.Desired, 3) })
				o.without(o.held(RampUp).Began, o.held(StepDown).Began)
				o.Activity = append(o.Activity, Activity{Began: o.held(Plateau).Began, Status: failed, Message: "ResourceLimitExceeded", Wanted: 4})
			},
			checks: map[string]Outcome{"limits": Fail, "failed_activities": Fail, "twin_agreement": Warn, "steady_state": Fail},
		},
		{
			name: "the objective is missed at a steady load", verdict: NoProtection, says: "with 3 instances at 62.5/s",
			change: func(o *Observed) { o.slices(o.held(StepUp).Ended.Add(-5*time.Minute), o.held(StepUp).Ended, bad) },
			checks: map[string]Outcome{"steady_state": Fail},
		},
		{
			name: "it never recovered", verdict: NoProtection, says: "not kept again",
			change: func(o *Observed) {
				o.slices(o.held(StepUp).Began, o.held(StepDown).Began, bad)
			},
			checks: map[string]Outcome{"recovery": Fail, "steady_state": Fail, "limits": Warn},
		},
		{
			name: "the fewest are overloaded at the plateau", verdict: Works, says: "the max of 4 is too low",
			change: func(o *Observed) { o.slices(o.held(Plateau).Began, o.held(Plateau).Ended, bad) },
			checks: map[string]Outcome{"limits": Warn},
		},
		{
			name: "the limit is not told", verdict: Works, says: "AlreadyAtMaxCapacity",
			change: func(o *Observed) {
				o.Activity = slices.DeleteFunc(o.Activity, func(a Activity) bool { return a.NotScaled == scaling.AlreadyAtMaxCapacity })
			},
			checks: map[string]Outcome{"limits": Warn},
		},
		{
			name: "instances take very long", verdict: Works, says: "",
			change: func(o *Observed) { o.Provisioning = 2 * time.Minute },
			checks: map[string]Outcome{"time_to_ready": Warn, "twin_agreement": Pass},
		},
		{
			name: "nothing is taken away", verdict: NoScaling, says: "nothing was taken away",
			change: func(o *Observed) {
				o.stuck(o.held(StepDown).Began)
				o.quiet("AlarmLow", o.held(StepDown).Began, o.held(RampDown).Ended)
				o.quiet("AlarmHigh", o.held(StepDown).Began, o.held(RampDown).Ended)
			},
			checks: map[string]Outcome{"scale_in_starts": Fail, "scale_in_safety": NotKnown, "reaches_min": Fail, "twin_agreement": Warn},
		},
		{
			name: "requests are lost when an instance goes", verdict: NoProtection, says: "around 13:57:00",
			change: func(o *Observed) {
				removal := time.Date(2026, 11, 24, 13, 57, 0, 0, time.UTC)
				o.slices(removal, removal.Add(time.Minute), func(s *Slice) { s.Failed, s.Bad = 10, 10; s.Successes -= 10 })
			},
			checks: map[string]Outcome{"scale_in_safety": Fail},
		},
		{
			name: "a few requests are lost then", verdict: Works, says: "around 13:57:00",
			change: func(o *Observed) {
				removal := time.Date(2026, 11, 24, 13, 57, 0, 0, time.UTC)
				o.slices(removal, removal.Add(time.Minute), func(s *Slice) { s.Failed, s.Bad = 2, 2; s.Successes -= 2 })
			},
			checks: map[string]Outcome{"scale_in_safety": Warn},
		},
		{
			name: "an attempt failed and the next did not", verdict: Works, says: "ask for more of this instance type",
			change: func(o *Observed) {
				at := o.held(StepUp).Began.Add(6 * time.Minute)
				o.Activity = append(o.Activity, Activity{Began: at, Ended: at, Status: failed, Message: "ResourceLimitExceeded: quota", Wanted: 3})
			},
			checks: map[string]Outcome{"failed_activities": Fail},
		},
		{
			name: "it was cut short", verdict: Undecided, says: "phase step_down was not reached",
			change: func(o *Observed) { o.Phases = o.Phases[:4] },
			checks: map[string]Outcome{"scale_in_starts": NotKnown, "scale_in_safety": NotKnown, "reaches_min": NotKnown},
		},
		{
			name: "the step up was not held", verdict: Undecided, says: "the generator was late",
			change: func(o *Observed) {
				o.held(StepUp).Valid, o.held(StepUp).Doubts = false, []string{"the generator was late"}
			},
			checks: map[string]Outcome{},
		},
		{
			name: "the history of alarms is not known", verdict: Works, says: "",
			change: func(o *Observed) { o.Alarms, o.Unknown = nil, map[string]string{"alarms": "AccessDenied"} },
			checks: map[string]Outcome{},
		},
		{
			name: "the activities are not known", verdict: Works, says: "",
			change: func(o *Observed) { o.Activity, o.Unknown = nil, map[string]string{"activities": "AccessDenied"} },
			checks: map[string]Outcome{"failed_activities": NotKnown},
		},
		{
			name: "the metric is not known", verdict: Works, says: "",
			change: func(o *Observed) {
				o.Metric, o.Invoked, o.Unknown = nil, nil, map[string]string{"metric": "AccessDenied", "invocations": "AccessDenied"}
			},
			checks: map[string]Outcome{"metric_agrees": NotKnown, "scale_out_size": NotKnown, "steady_state": NotKnown},
		},
		{
			name: "no objective", verdict: Works, says: "",
			change: func(o *Observed) { o.Objective = Objective{} },
			checks: map[string]Outcome{"recovery": NotKnown, "error_budget": NotKnown},
		},
		{
			name: "too many were asked for", verdict: WorksCostly, says: "5 instances were asked for",
			options: func(o *Options) { o.Policy.Max = 9 },
			change: func(o *Observed) {
				o.looks(o.held(StepUp).Began.Add(12*time.Minute), o.held(StepUp).Began.Add(20*time.Minute), func(c *Capacity) { c.Desired, c.Current = 5, 5 })
				o.Activity = append(o.Activity, Activity{
					Began: o.held(StepUp).Began.Add(12 * time.Minute), Ended: o.held(StepUp).Began.Add(12 * time.Minute), Status: successful, Current: 3, Wanted: 5,
				})
			},
			checks: map[string]Outcome{"overshoot": Fail, "flapping": Warn, "twin_agreement": Warn},
		},
		{
			name: "the clocks of AWS are ahead", verdict: Works, says: "",
			change: func(o *Observed) {
				for i := range o.Alarms {
					o.Alarms[i].At = o.Alarms[i].At.Add(30 * time.Second)
				}
				for i := range o.Activity {
					o.Activity[i].Began = o.Activity[i].Began.Add(30 * time.Second)
				}
			},
			checks: map[string]Outcome{},
		},
		{
			name: "slices are long, as where time passes quickly", verdict: Works, says: "",
			change: func(o *Observed) {
				var long []Slice
				for i, s := range o.Slices {
					if i%6 == 0 {
						long = append(long, s)
						continue
					}
					last := &long[len(long)-1]
					last.Length += s.Length
					last.Offered, last.Successes, last.Failed, last.Bad = last.Offered+s.Offered, last.Successes+s.Successes, last.Failed+s.Failed, last.Bad+s.Bad
				}
				o.Slices = long
			},
			checks: map[string]Outcome{},
		},
		{
			name: "looks are rare", verdict: Works, says: "",
			change: func(o *Observed) {
				n := 0
				o.Poll = 2 * time.Minute
				o.Capacity = slices.DeleteFunc(o.Capacity, func(Capacity) bool { n++; return n%12 != 1 })
			},
			checks: map[string]Outcome{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := usual()
			if c.options != nil {
				c.options(&options)
			}
			o := perfect(t, options)
			c.change(&o)
			r := Judge(o)
			want := everyOther()
			maps.Copy(want, c.checks)
			for id, got := range outcomes(r) {
				if got != want[id] {
					t.Errorf("%s is %q, want %q: %s", id, got, want[id], evidence(r, id))
				}
			}
			text := strings.Join(append(slices.Clone(r.Reasons), r.Change), "\n")
			if r.Verdict != c.verdict || !strings.Contains(text, c.says) {
				t.Errorf("verdict %q, want %q saying %q:\n%s", r.Verdict, c.verdict, c.says, text)
			}
		})
	}
}

func evidence(r Result, id string) string {
	for _, c := range r.Checks {
		if c.ID == id {
			return c.Evidence
		}
	}
	return ""
}

func TestResultRoundTrips(t *testing.T) {
	o := perfect(t, usual())
	if err := o.Objective.Ask("recover: 12m, errors: 5%, back-to-min: 30m, flaps: 0"); err != nil {
		t.Fatal(err)
	}
	r := Judge(o)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(text) {
		t.Errorf("written again it is another text: %v\n%s\n%s", err, text, again)
	}
	if !reflect.DeepEqual(back.Checks, r.Checks) || !reflect.DeepEqual(back.Policy, r.Policy) || !reflect.DeepEqual(back.Objectives, r.Objectives) {
		t.Errorf("read back it is %+v, want %+v", back, r)
	}
}

// Where scale-in is disabled, that nothing is taken away is right, and that something is
// is somebody else's doing.
func TestJudgeWithScaleInDisabled(t *testing.T) {
	o := usual()
	o.Policy = policyOf(scaling.InvocationsPerInstance, 1500, 1, 4, func(p *Policy) { p.DisableScaleIn = true })
	r := Judge(perfect(t, o))
	got := outcomes(r)
	if r.Verdict != Works || got["scale_in_starts"] != Reported || got["reaches_min"] != Reported || got["scale_in_safety"] != NotKnown {
		t.Errorf("%q: %v", r.Verdict, got)
	}
	seen := perfect(t, o)
	down := seen.held(StepDown)
	seen.looks(down.Began.Add(10*time.Minute), down.Ended, func(c *Capacity) { c.Current, c.Desired = 2, 2 })
	if r := Judge(seen); r.Verdict != Undecided || outcomes(r)["scale_in_starts"] != Fail {
		t.Errorf("something was taken away: %q: %v", r.Verdict, outcomes(r))
	}
}

func TestJudgeFlapping(t *testing.T) {
	o := perfect(t, usual())
	up := o.held(StepUp).Ended
	for i, n := range []int{2, 3, 2, 3} { // each minute, with its activity, in the end of the step up
		at := up.Add(time.Duration(i-5) * time.Minute)
		o.looks(at, up, func(c *Capacity) { c.Current, c.Desired = n, n })
		o.Activity = append(o.Activity, Activity{Began: at, Ended: at.Add(time.Second), Status: successful, Current: 5 - n, Wanted: n})
	}
	r := Judge(o)
	if got := outcomes(r); r.Verdict != WorksFlaps || got["flapping"] != Fail {
		t.Errorf("%q, flapping %q: %s", r.Verdict, got["flapping"], evidence(r, "flapping"))
	}
	if len(r.Reasons) == 0 || !strings.Contains(r.Reasons[0], "4 changes of direction") {
		t.Errorf("reasons %q, want first the 4 changes of direction", r.Reasons)
	}
}

// Where the objective is kept again, the new capacity has served, whatever later slices show.
func TestServedByTheTimeOfRecovery(t *testing.T) {
	o := perfect(t, usual())
	crossed := o.held(StepUp).Began
	recovered, _ := Judge(o).Events[0].Stage(Recovered)
	until := recovered.At
	o.slices(crossed, until.Add(5*time.Minute), func(s *Slice) { s.Successes = min(s.Successes, 100) }) // no more than the old number gave
	served, _ := Judge(o).Events[0].Stage(FirstServed)
	if served.Known != Bounded || served.At.After(until) {
		t.Errorf("first served %+v, want by %v, when it had recovered", served, until)
	}
}

// What each stage of a scale-out is made from.
func TestStages(t *testing.T) {
	r := Judge(perfect(t, usual()))
	at := func(h, m, s int) time.Time { return time.Date(2026, 11, 24, h, m, s, 0, time.UTC) }
	out, in := r.Events[0], r.Events[2]
	want := []Stage{
		{Name: LoadCrossed, At: at(12, 24, 20), Known: Measured},
		{Name: MetricVisible, At: at(12, 28, 0), Within: Span(3 * time.Minute), Known: Bounded},
		{Name: AlarmFired, At: at(12, 30, 0), Known: Measured},
		{Name: ActivityBegan, At: at(12, 30, 0), Known: Measured},
		{Name: InService, At: at(12, 34, 30), Within: Span(10 * time.Second), Known: Bounded},
		{Name: FirstServed, At: at(12, 34, 40), Within: Span(20 * time.Second), Known: Bounded},
		{Name: Recovered, At: at(12, 34, 30), Within: Span(10 * time.Second), Known: Bounded},
	}
	if out.From != 1 || out.To != 3 || out.Direction != scaling.Out || out.Total != Span(10*time.Minute+20*time.Second) {
		t.Errorf("the first event is %+v, want 1 → 3 within 10m20s", out)
	}
	for i, s := range out.Stages {
		s.After, s.Source = 0, ""
		if i >= len(want) || s != want[i] {
			t.Errorf("stage %d is %+v, want %+v", i, s, want[i])
		}
	}
	if in.Direction != scaling.In || len(in.Stages) != 5 || !in.Stages[2].At.Equal(at(13, 57, 0)) {
		t.Errorf("the third event is %+v, want a scale-in with five stages, by an alarm at 13:57:00", in)
	}
}

// moved is what was matched, in short.
func moved(o Observed) string {
	j := newJudging(o)
	var words []string
	for _, m := range j.moves() {
		text := fmt.Sprintf("%s %d → %d", clock(m.at()), m.from, m.to)
		if m.activity == nil {
			text += " by nobody"
		}
		if m.seen.IsZero() {
			text += " unseen"
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}

func TestMoves(t *testing.T) {
	minute := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Minute) }
	look := func(n, current, desired int) Capacity {
		return Capacity{At: minute(n), Current: current, Desired: desired}
	}
	for _, c := range []struct {
		name     string
		looks    []Capacity
		activity []Activity
		want     string
	}{
		{
			"a larger scale-out while one is in progress",
			[]Capacity{look(0, 1, 1), look(1, 1, 3), look(2, 1, 5), look(9, 5, 5)},
			[]Activity{{Began: minute(1), Status: overridden, Ended: minute(2), Wanted: 3, Current: 1}, {Began: minute(2), Status: successful, Ended: minute(9), Wanted: 5}},
			"12:01:20 1 → 3, 12:02:20 3 → 5",
		},
		{
			"a state that came and went between two looks",
			[]Capacity{look(0, 2, 2), look(10, 2, 2)},
			[]Activity{{Began: minute(3), Status: successful, Wanted: 1, Current: 2}, {Began: minute(6), Status: successful, Wanted: 2, Current: 1}},
			"12:03:20 2 → 1 unseen, 12:06:20 1 → 2 unseen",
		},
		{
			"the clock of AWS is behind",
			[]Capacity{look(0, 1, 1), look(1, 1, 1), look(2, 1, 2)},
			[]Activity{{Began: minute(1).Add(-time.Minute), Status: inProgress, Wanted: 2}},
			"12:00:20 1 → 2",
		},
		{
			"what failed is taken back",
			[]Capacity{look(0, 1, 1), look(1, 1, 3), look(5, 1, 1), look(6, 1, 2), look(9, 2, 2)},
			[]Activity{{Began: minute(1), Status: failed, Wanted: 3}, {Began: minute(6), Status: successful, Wanted: 2}},
			"12:06:20 1 → 2",
		},
		{
			"by hand",
			[]Capacity{look(0, 1, 1), look(5, 1, 4)},
			[]Activity{{Began: minute(5), Status: successful, Ended: minute(5), NotScaled: scaling.AlreadyAtMaxCapacity, Current: 4}},
			"12:05:20 1 → 4 by nobody",
		},
	} {
		o := Observed{Capacity: c.looks, Activity: c.activity, Phases: []Held{{Began: noon(), Ended: minute(60)}}}
		if got := moved(o); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A look before a change shows nothing of it, though it shows the number.
func TestInServiceIsAfterTheChange(t *testing.T) {
	minute := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Minute) }
	j := newJudging(Observed{
		Phases:   []Held{{Began: noon(), Ended: minute(60)}},
		Capacity: []Capacity{{At: minute(0), Current: 2, Desired: 2}, {At: minute(10), Current: 2, Desired: 2}},
		Activity: []Activity{{Began: minute(3), Status: successful, Wanted: 1, Current: 2}, {Began: minute(6), Status: successful, Wanted: 2, Current: 1}},
	})
	j.findEvents()
	if in, ok := j.events[1].Stage(InService); !ok || !in.At.Equal(minute(10)) || in.Within > Span(4*time.Minute) {
		t.Errorf("1 → 2 was in service at %+v, want at the look of 12:10:20, at most 4 minutes before", in)
	}
}

// A programme that was designed by a measured launch is judged by it.
func TestJudgeExpectsTheLaunchOfTheProgramme(t *testing.T) {
	o := usual()
	o.Provisioning = 9 * time.Minute
	seen := perfect(t, o)
	if got := evidence(Judge(seen), "time_to_ready"); !strings.Contains(got, "9m0s was expected") {
		t.Errorf("time_to_ready: %s, want 9m0s expected", got)
	}
}
