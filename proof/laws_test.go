package proof

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"plimsoll/scaling"

	"pgregory.net/rapid"
)

// anyTime is around noon, or none.
func anyTime(t *rapid.T, label string) time.Time {
	if rapid.IntRange(0, 20).Draw(t, label+" is none") == 0 {
		return time.Time{}
	}
	return noon().Add(time.Duration(rapid.IntRange(-3600, 4*3600).Draw(t, label)) * time.Second)
}

// odd is a number as it might come from a broken reading.
func odd(t *rapid.T, label string) float64 {
	return rapid.OneOf(rapid.Float64Range(-10, 5000), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e308})).Draw(t, label)
}

func anyPhase(t *rapid.T) Phase {
	kinds := []Kind{Baseline, StepUp, RampUp, Plateau, StepDown, RampDown, "other"}
	return Phase{
		Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), From: odd(t, "from"), To: odd(t, "to"),
		Length: Span(rapid.IntRange(-600, 3600).Draw(t, "length")) * Span(time.Second), Expect: rapid.IntRange(-1, 9).Draw(t, "expect"),
	}
}

func anySlice(t *rapid.T) Slice {
	count := func(label string) int64 { return rapid.Int64Range(-5, 3000).Draw(t, label) }
	return Slice{
		At: anyTime(t, "slice"), Length: Span(rapid.IntRange(-5, 120).Draw(t, "length")) * Span(time.Second),
		Offered: count("offered"), Successes: count("successes"), Failed: count("failed"), Bad: count("bad"), MeanMs: odd(t, "mean"),
	}
}

func anyActivity(t *rapid.T) Activity {
	return Activity{
		Began: anyTime(t, "began"), Ended: anyTime(t, "ended"),
		Status:    rapid.SampledFrom([]string{successful, inProgress, failed, unfulfilled, overridden, ""}).Draw(t, "status"),
		NotScaled: rapid.SampledFrom([]string{"", "", scaling.AlreadyAtMaxCapacity}).Draw(t, "code"),
		Message:   rapid.SampledFrom([]string{"", "ResourceLimitExceeded"}).Draw(t, "message"),
		Current:   rapid.IntRange(-1, 9).Draw(t, "current"), Wanted: rapid.IntRange(-1, 9).Draw(t, "wanted"),
	}
}

// anyObserved is readings that fit nothing.
func anyObserved(t *rapid.T) Observed {
	o := Observed{Price: odd(t, "price"), Speed: odd(t, "speed"), Poll: time.Duration(rapid.IntRange(-1, 60).Draw(t, "poll")) * time.Second}
	o.Period = rapid.SampledFrom([]time.Duration{0, 10 * time.Second, time.Minute}).Draw(t, "period")
	o.Policy = policyOf(rapid.SampledFrom([]string{scaling.InvocationsPerInstance, highResolution}).Draw(t, "metric"), 1500, 1, rapid.IntRange(0, 9).Draw(t, "max"), nil)
	o.Policy.Target = odd(t, "target")
	if rapid.Bool().Draw(t, "no high alarm") {
		o.Policy.High = nil
	}
	if rapid.Bool().Draw(t, "no low alarm") {
		o.Policy.Low = nil
	}
	o.Programme = Programme{
		Phases: rapid.SliceOfN(rapid.Custom(anyPhase), 0, 6).Draw(t, "planned"),
		Load:   Load{PerInstance: scaling.PerSecond(odd(t, "per instance")), Peak: scaling.PerSecond(odd(t, "peak"))},
		Start:  rapid.IntRange(-1, 9).Draw(t, "start"),
	}
	for range rapid.IntRange(0, 6).Draw(t, "held") {
		o.Phases = append(o.Phases, Held{Phase: anyPhase(t), Began: anyTime(t, "held from"), Ended: anyTime(t, "held to"), Valid: rapid.Bool().Draw(t, "valid")})
	}
	for range rapid.IntRange(0, 20).Draw(t, "looks") {
		o.Capacity = append(o.Capacity, Capacity{At: anyTime(t, "look"), Current: rapid.IntRange(-1, 9).Draw(t, "current"), Desired: rapid.IntRange(-1, 9).Draw(t, "desired")})
	}
	o.Slices = rapid.SliceOfN(rapid.Custom(anySlice), 0, 20).Draw(t, "slices")
	o.Activity = rapid.SliceOfN(rapid.Custom(anyActivity), 0, 10).Draw(t, "activities")
	for range rapid.IntRange(0, 10).Draw(t, "datapoints") {
		o.Metric = append(o.Metric, scaling.Point{At: anyTime(t, "datapoint"), Value: odd(t, "value"), Missing: rapid.Bool().Draw(t, "missing")})
	}
	for range rapid.IntRange(0, 10).Draw(t, "transitions") {
		o.Alarms = append(o.Alarms, Transition{
			At: anyTime(t, "transition"), Alarm: rapid.SampledFrom([]string{"AlarmHigh", "AlarmLow", ""}).Draw(t, "alarm"),
			To: rapid.SampledFrom([]scaling.AlarmState{scaling.StateAlarm, scaling.StateOK, scaling.StateInsufficient}).Draw(t, "to"),
		})
	}
	if rapid.Bool().Draw(t, "objective") {
		flaps := 0
		o.Objective = Objective{
			Name: "p99=1s", BadShare: odd(t, "bad share"), Mean: rapid.Bool().Draw(t, "of the mean"),
			Recover: Span(time.Minute), Errors: odd(t, "errors"), BackToMin: Span(time.Minute), Flaps: &flaps,
		}
	}
	return o
}

// Whatever was read, Judge answers: sixteen checks, each with its evidence, stages in
// their order, and nothing that JSON cannot hold.
func TestJudgeAnswersWhateverWasRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Judge(anyObserved(t))
		if len(r.Checks) != 16 || r.Verdict == "" {
			t.Fatalf("%d checks, verdict %q", len(r.Checks), r.Verdict)
		}
		for _, c := range r.Checks {
			if c.ID == "" || c.Title == "" || c.Outcome == "" || c.Evidence == "" || c.Outcome == Fail && c.Remedy == "" {
				t.Fatalf("check %+v: want an outcome with its evidence, and a remedy where it failed", c)
			}
		}
		for _, e := range r.Events {
			for _, s := range e.Stages {
				if s.After < 0 || s.Within < 0 || s.Source == "" || s.Known == Missing && !s.At.IsZero() {
					t.Fatalf("stage %+v of %+v", s, e)
				}
			}
		}
		for name, x := range map[string]float64{"instance-hours": r.Cost.InstanceHours, "oracle": r.Cost.Oracle, "predicted": r.Cost.Predicted, "dollars": r.Cost.Dollars} {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Fatalf("%s %v", name, x)
			}
		}
		for _, part := range []any{r.Checks, r.Events, r.Predicted, r.Cost, r.Objectives} {
			if _, err := json.Marshal(part); err != nil {
				t.Fatalf("writing %T: %v", part, err)
			}
		}
	})
}
