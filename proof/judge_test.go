package proof

import (
	"encoding/json"
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
