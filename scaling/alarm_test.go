package scaling

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at is an instant of the day on which all tests take place.
func at(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 24, hour, minute, second, 0, time.UTC)
}

// pointsOf reads a picture of datapoints, oldest first, one a minute up to 10:00:
// "0" does not breach, "X" breaches a threshold of 5 from above, "-" is missing.
func pointsOf(picture string) []Point {
	marks := strings.Fields(picture)
	points := make([]Point, len(marks))
	for i, mark := range marks {
		points[i] = Point{At: at(10, 0, 0).Add(time.Duration(i-len(marks)+1) * time.Minute), Missing: mark == "-"}
		if mark == "X" {
			points[i].Value = 9
		}
	}
	return points
}

// The two tables of the CloudWatch User Guide, "How alarm state is evaluated when
// data is missing": three evaluation periods, a range of five. The previous state is
// one that no row could come to by itself where the guide says that it is retained.
func TestEvaluateMissingDataAsTheGuide(t *testing.T) {
	const keep = AlarmState("RETAINED")
	treatments := []MissingData{TreatMissing, TreatIgnore, TreatBreaching, TreatNotBreaching}
	for _, c := range []struct {
		m      int
		points string
		want   [4]AlarmState // by treatment
	}{
		{3, "0 - X - X", [4]AlarmState{StateOK, StateOK, StateOK, StateOK}},
		{3, "0 - - - -", [4]AlarmState{StateOK, StateOK, StateOK, StateOK}},
		{3, "- - - - -", [4]AlarmState{StateInsufficient, keep, StateAlarm, StateOK}},
		{3, "0 X X - X", [4]AlarmState{StateAlarm, StateAlarm, StateAlarm, StateAlarm}},
		{3, "- - X - -", [4]AlarmState{StateAlarm, keep, StateAlarm, StateOK}},

		{2, "0 - X - X", [4]AlarmState{StateAlarm, StateAlarm, StateAlarm, StateAlarm}},
		{2, "0 0 X 0 X", [4]AlarmState{StateAlarm, StateAlarm, StateAlarm, StateAlarm}},
		{2, "0 - X - -", [4]AlarmState{StateOK, StateOK, StateAlarm, StateOK}},
		{2, "- - - - 0", [4]AlarmState{StateOK, StateOK, StateAlarm, StateOK}},
		{2, "- - - X -", [4]AlarmState{StateAlarm, keep, StateAlarm, StateOK}},

		// "The alarm does not go immediately into ALARM state", same page, "Avoiding
		// premature transitions"; that it keeps its state is our reading.
		{3, "- - - - X", [4]AlarmState{keep, keep, StateAlarm, StateOK}},
		{3, "- - - X -", [4]AlarmState{keep, keep, StateAlarm, StateOK}},
		{3, "- - X - 0", [4]AlarmState{StateOK, StateOK, StateOK, StateOK}},

		// More than the range needs: the newest three decide.
		{3, "X X 0 X X X", [4]AlarmState{StateAlarm, StateAlarm, StateAlarm, StateAlarm}},
		{3, "X X X X X 0", [4]AlarmState{StateOK, StateOK, StateOK, StateOK}},
	} {
		for i, treat := range treatments {
			rule := AlarmRule{Comparison: Greater, Threshold: 5, Period: time.Minute, EvaluationPeriods: 3, DatapointsToAlarm: c.m, Missing: treat}
			got := rule.Evaluate(keep, pointsOf(c.points))
			if got.State != c.want[i] {
				t.Errorf("%d of 3, missing is %s: Evaluate(%s) = %s, want %s", c.m, treat, c.points, got.State, c.want[i])
			}
			if kept := got.State == keep; kept != (got.Reason == "") {
				t.Errorf("%d of 3, missing is %s: Evaluate(%s) has state %s with reason %q", c.m, treat, c.points, got.State, got.Reason)
			}
		}
	}
}

func TestEvaluateTreatsMissingAsMissingWhenNotTold(t *testing.T) {
	rule := AlarmRule{Comparison: Greater, Threshold: 5, Period: time.Minute, EvaluationPeriods: 3}
	if got := rule.Evaluate(StateOK, pointsOf("- - - - -")); got.State != StateInsufficient {
		t.Errorf("state without any datapoint = %s, want %s", got.State, StateInsufficient)
	}
}

func TestEvaluateTakesNaNForMissing(t *testing.T) {
	rule := AlarmRule{Comparison: Less, Threshold: 5, Period: time.Minute, EvaluationPeriods: 1}
	got := rule.Evaluate(StateOK, []Point{{At: at(10, 0, 0), Value: math.NaN()}})
	if got.State != StateInsufficient || len(got.Recent) != 0 {
		t.Errorf("Evaluate(NaN) = %+v, want %s and nothing evaluated", got, StateInsufficient)
	}
}

func TestBreaches(t *testing.T) {
	for comparison, want := range map[Comparison][3]bool{ // 4, 5 and 6 against 5
		Greater: {false, false, true}, GreaterOrEqual: {false, true, true},
		Less: {true, false, false}, LessOrEqual: {true, true, false},
	} {
		for i, value := range []float64{4, 5, 6} {
			rule := AlarmRule{Comparison: comparison, Threshold: 5}
			if got := rule.Breaches(value); got != want[i] {
				t.Errorf("%v %s 5 = %v, want %v", value, comparison, got, want[i])
			}
		}
	}
}

func TestAlarmRuleValidate(t *testing.T) {
	valid := AlarmRule{Comparison: Greater, Threshold: 1500, Period: time.Minute, EvaluationPeriods: 3}
	with := func(change func(*AlarmRule)) AlarmRule {
		r := valid
		change(&r)
		return r
	}
	for _, c := range []struct {
		name string
		rule AlarmRule
		want []string // one substring for each problem; none means valid
	}{
		{"high alarm", valid, nil},
		{"ten seconds", with(func(r *AlarmRule) { r.Period = 10 * time.Second }), nil},
		{"thirty seconds", with(func(r *AlarmRule) { r.Period = 30 * time.Second }), nil},
		{"a whole day", with(func(r *AlarmRule) { r.EvaluationPeriods = 1440 }), nil},
		{"a week of hours", with(func(r *AlarmRule) { r.Period, r.EvaluationPeriods = time.Hour, 168 }), nil},
		{"all of N", with(func(r *AlarmRule) { r.DatapointsToAlarm = 3 }), nil},
		{"zero value", AlarmRule{}, []string{`comparison ""`, "period 0s", "evaluation periods 0"}},
		{"no number", with(func(r *AlarmRule) { r.Threshold = math.NaN() }), []string{"threshold NaN"}},
		{"fifteen seconds", with(func(r *AlarmRule) { r.Period = 15 * time.Second }), []string{"period 15s"}},
		{"ninety seconds", with(func(r *AlarmRule) { r.Period = 90 * time.Second }), []string{"period 1m30s"}},
		{"no period back", with(func(r *AlarmRule) { r.Period = -time.Minute }), []string{"period -1m0s"}},
		{"more than N", with(func(r *AlarmRule) { r.DatapointsToAlarm = 4 }), []string{"datapoints to alarm 4"}},
		{"less than none", with(func(r *AlarmRule) { r.DatapointsToAlarm = -1 }), []string{"datapoints to alarm -1"}},
		{"more than a day", with(func(r *AlarmRule) { r.EvaluationPeriods = 1441 }), []string{"evaluation periods 1441 of 1m0s"}},
		{"more than a week", with(func(r *AlarmRule) { r.Period, r.EvaluationPeriods = time.Hour, 169 }), []string{"evaluation periods 169 of 1h0m0s"}},
		{"unknown treatment", with(func(r *AlarmRule) { r.Missing = "zero" }), []string{`missing data "zero"`}},
		{"a band", with(func(r *AlarmRule) { r.Comparison = "GreaterThanUpperThreshold" }), []string{"comparison"}},
	} {
		checkProblems(t, c.name, c.rule.Validate(), c.want)
	}
}

// checkProblems wants one line of an error for each substring, in order.
func checkProblems(t *testing.T, name string, err error, want []string) {
	t.Helper()
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	if len(lines) != len(want) {
		t.Errorf("%s: %d problems %q, want %d", name, len(lines), lines, len(want))
		return
	}
	for i, part := range want {
		if !strings.Contains(lines[i], part) {
			t.Errorf("%s: problem %q, want it to contain %q", name, lines[i], part)
		}
	}
}

func TestAlarmIntervalAndRange(t *testing.T) {
	a := DefaultAssumptions()
	for _, c := range []struct {
		period time.Duration
		n      int
		want   time.Duration
	}{
		{10 * time.Second, 3, 10 * time.Second},
		{30 * time.Second, 3, 10 * time.Second},
		{time.Minute, 15, time.Minute},
		{time.Hour, 24, time.Minute},
		{time.Hour, 25, time.Hour},
	} {
		rule := AlarmRule{Period: c.period, EvaluationPeriods: c.n}
		if got := rule.Interval(a); got != c.want {
			t.Errorf("interval of %d × %v = %v, want %v", c.n, c.period, got, c.want)
		}
		if got := rule.Range(a); got != c.n+2 {
			t.Errorf("range of %d periods = %d, want %d", c.n, got, c.n+2)
		}
	}
}

func TestEvaluateLaws(t *testing.T) {
	comparisons := []Comparison{Greater, GreaterOrEqual, Less, LessOrEqual}
	treatments := []MissingData{"", TreatMissing, TreatIgnore, TreatBreaching, TreatNotBreaching}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		rule := AlarmRule{
			Comparison: rapid.SampledFrom(comparisons).Draw(t, "comparison"), Threshold: 5, Period: time.Minute, EvaluationPeriods: n,
			DatapointsToAlarm: rapid.IntRange(0, n).Draw(t, "m"), Missing: rapid.SampledFrom(treatments).Draw(t, "missing"),
		}
		points := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Point {
			return Point{Value: rapid.Float64Range(0, 10).Draw(t, "value"), Missing: rapid.Bool().Draw(t, "missing")}
		}), 0, n+3).Draw(t, "points")
		previous := rapid.SampledFrom([]AlarmState{StateOK, StateAlarm, StateInsufficient}).Draw(t, "previous")

		got := rule.Evaluate(previous, points)
		if again := rule.Evaluate(got.State, points); again.State != got.State {
			t.Fatalf("evaluated again, the same points give %s after %s", again.State, got.State)
		}
		breaching, all := 0, true
		for _, p := range got.Recent {
			all = all && rule.Breaches(p.Value)
			if rule.Breaches(p.Value) {
				breaching++
			}
		}
		switch {
		case len(got.Recent) > n:
			t.Fatalf("%d datapoints evaluated, want at most %d", len(got.Recent), n)
		case breaching >= rule.datapointsToAlarm() && got.State != StateAlarm:
			t.Fatalf("%d of %d breach: state %s", breaching, n, got.State)
		case rule.Missing != TreatBreaching && !all && breaching < rule.datapointsToAlarm() && got.State != StateOK:
			t.Fatalf("one does not breach and only %d do: state %s", breaching, got.State)
		case got.State == StateInsufficient && previous != StateInsufficient && len(got.Recent) > 0:
			t.Fatalf("state %s with %d datapoints", got.State, len(got.Recent))
		}
	})
}

func TestVerdictDatapoint(t *testing.T) {
	rule := AlarmRule{Comparison: Greater, Threshold: 5, Period: time.Minute, EvaluationPeriods: 2, Missing: TreatBreaching}
	points := []Point{{At: at(9, 59, 0), Value: 7}, {At: at(10, 0, 0), Value: 8}}
	got, ok := rule.Evaluate(StateOK, points).Datapoint("p", Out, rule.Threshold)
	if !ok || got.Policy != "p" || got.Direction != Out || got.Value != 8 || got.Threshold != 5 || !got.At.Equal(at(10, 0, 0)) {
		t.Errorf("Datapoint = %+v, %v", got, ok)
	}
	if len(got.Recent) != 2 || got.Recent[0] != 7 || got.Recent[1] != 8 {
		t.Errorf("Recent = %v, want [7 8]", got.Recent)
	}
	if _, ok := rule.Evaluate(StateOK, pointsOf("- -")).Datapoint("p", Out, 5); ok {
		t.Error("an alarm that only missing data put into ALARM has a datapoint")
	}
	if _, ok := rule.Evaluate(StateOK, pointsOf("0 0")).Datapoint("p", Out, 5); ok {
		t.Error("an alarm in OK has a datapoint")
	}
}
