package scaling

import (
	"math"
	"testing"
	"time"
)

// Each want is a StateReason that somebody received from CloudWatch and published.
func TestReasonIsInCloudWatchsWords(t *testing.T) {
	utc := func(year int, month time.Month, day, hour, minute int) time.Time {
		return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	}
	missing := Point{Missing: true}
	for _, c := range []struct {
		name   string
		rule   AlarmRule
		points []Point
		want   string
	}{
		{
			"AWS's own example, EventBridge events of alarms",
			AlarmRule{Comparison: Greater, Threshold: 0, EvaluationPeriods: 3, DatapointsToAlarm: 1},
			[]Point{{At: utc(2022, 11, 8, 11, 23), Value: 20000}, {At: utc(2022, 11, 8, 11, 24), Value: 20000}, {At: utc(2022, 11, 8, 11, 25), Value: 20000}},
			"Threshold Crossed: 3 out of the last 3 datapoints [20000.0 (08/11/22 11:25:00), 20000.0 (08/11/22 11:24:00), 20000.0 (08/11/22 11:23:00)] were greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition).",
		},
		{
			"below",
			AlarmRule{Comparison: Less, Threshold: 1, EvaluationPeriods: 3, DatapointsToAlarm: 3},
			[]Point{{At: utc(2025, 5, 16, 6, 43), Value: 0.2608475057252993}, {At: utc(2025, 5, 16, 6, 44), Value: 0.2411688854917884}, {At: utc(2025, 5, 16, 6, 45), Value: 0.35220499833424884}},
			"Threshold Crossed: 3 out of the last 3 datapoints [0.35220499833424884 (16/05/25 06:45:00), 0.2411688854917884 (16/05/25 06:44:00), 0.2608475057252993 (16/05/25 06:43:00)] were less than the threshold (1.0) (minimum 3 datapoints for OK -> ALARM transition).",
		},
		{
			"two of four",
			AlarmRule{Comparison: Greater, Threshold: 10.7, EvaluationPeriods: 4, DatapointsToAlarm: 2},
			[]Point{{At: utc(2022, 11, 8, 2, 25), Value: 10}, {At: utc(2022, 11, 8, 2, 30), Value: 10.791661891275925}, {At: utc(2022, 11, 8, 2, 35), Value: 10}, {At: utc(2022, 11, 8, 2, 40), Value: 10.708333333333332}},
			"Threshold Crossed: 2 out of the last 4 datapoints [10.708333333333332 (08/11/22 02:40:00), 10.791661891275925 (08/11/22 02:30:00)] were greater than the threshold (10.7) (minimum 2 datapoints for OK -> ALARM transition).",
		},
		{
			"back to OK",
			AlarmRule{Comparison: Greater, Threshold: 0.005, EvaluationPeriods: 3, DatapointsToAlarm: 3},
			[]Point{{At: utc(2026, 7, 17, 4, 3), Value: 0.01}, {At: utc(2026, 7, 17, 4, 8), Value: 0.002}, {At: utc(2026, 7, 17, 4, 13), Value: 0.002}},
			"Threshold Crossed: 2 out of the last 3 datapoints [0.002 (17/07/26 04:13:00), 0.002 (17/07/26 04:08:00)] were not greater than the threshold (0.005) (minimum 1 datapoint for ALARM -> OK transition).",
		},
		{
			"one that is enough",
			AlarmRule{Comparison: GreaterOrEqual, Threshold: 1, EvaluationPeriods: 2, DatapointsToAlarm: 2},
			[]Point{{At: utc(2023, 6, 2, 12, 27), Value: 1}, {At: utc(2023, 6, 2, 12, 28), Value: 0}},
			"Threshold Crossed: 1 out of the last 2 datapoints [0.0 (02/06/23 12:28:00)] was not greater than or equal to the threshold (1.0) (minimum 1 datapoint for ALARM -> OK transition).",
		},
		{
			"filled up",
			AlarmRule{Comparison: GreaterOrEqual, Threshold: 1, EvaluationPeriods: 20, DatapointsToAlarm: 1, Missing: TreatNotBreaching},
			[]Point{missing, {At: utc(2024, 3, 16, 12, 15), Value: 613}},
			"Threshold Crossed: 1 out of the last 20 datapoints [613.0 (16/03/24 12:15:00)] was greater than or equal to the threshold (1.0) and 19 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> ALARM transition).",
		},
		{
			"without datapoints to alarm, as target tracking's alarms are: a table's",
			AlarmRule{Comparison: Greater, Threshold: 42, EvaluationPeriods: 2},
			[]Point{{At: utc(2023, 1, 9, 14, 1), Value: 1}, {At: utc(2023, 1, 9, 14, 2), Value: 0}},
			"Threshold Crossed: 2 datapoints [0.0 (09/01/23 14:02:00), 1.0 (09/01/23 14:01:00)] were not greater than the threshold (42.0).",
		},
		{
			"without datapoints to alarm, filled up",
			AlarmRule{Comparison: Less, Threshold: 1, EvaluationPeriods: 2, Missing: TreatBreaching},
			[]Point{{At: utc(2026, 9, 25, 21, 51), Value: 1}, missing},
			"Threshold Crossed: 1 datapoint [1.0 (25/09/26 21:51:00)] was not less than the threshold (1.0) and 1 missing datapoint was treated as [Breaching].",
		},
		{
			"nothing but missing data",
			AlarmRule{Comparison: Less, Threshold: 1, EvaluationPeriods: 3, Missing: TreatBreaching},
			[]Point{missing, missing, missing},
			"Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [Breaching].",
		},
		{
			"nothing but one missing datapoint",
			AlarmRule{Comparison: Greater, Threshold: 0, EvaluationPeriods: 1, Missing: TreatNotBreaching},
			[]Point{missing},
			"Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].",
		},
		{
			"only missing data speaks for the state",
			AlarmRule{Comparison: Greater, Threshold: 0, EvaluationPeriods: 3, DatapointsToAlarm: 2, Missing: TreatBreaching},
			[]Point{{At: utc(2026, 9, 5, 10, 0), Value: 0}, missing, missing},
			"Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as [Breaching].",
		},
		{
			"too early, and yet",
			AlarmRule{Comparison: Less, Threshold: 1, EvaluationPeriods: 3, DatapointsToAlarm: 3},
			[]Point{{At: utc(2026, 9, 5, 10, 0), Value: 0}, missing, missing},
			"Threshold Crossed: 1 out of the last 3 datapoints [0.0 (05/09/26 10:00:00)] was less than the threshold (1.0) (minimum 3 datapoints for OK -> ALARM transition).",
		},
		{"one unknown", AlarmRule{Comparison: Greater, EvaluationPeriods: 1}, []Point{missing}, "Insufficient Data: 1 datapoint was unknown."},
		{"five unknown", AlarmRule{Comparison: Greater, EvaluationPeriods: 5}, nil, "Insufficient Data: 5 datapoints were unknown."},
	} {
		c.rule.Period = time.Minute
		if got := c.rule.Evaluate(StateOK, c.points); got.Reason != c.want {
			t.Errorf("%s: reason is\n%s, want\n%s", c.name, got.Reason, c.want)
		}
	}
}

// The rules of java.lang.Double.toString; the examples are from published reasons
// and from its documentation.
func TestJavaDouble(t *testing.T) {
	for _, c := range []struct {
		x    float64
		want string
	}{
		{0, "0.0"},
		{48, "48.0"},
		{-3, "-3.0"},
		{1.0166666666666666, "1.0166666666666666"},
		{0.001, "0.001"},
		{0.0009, "9.0E-4"},
		{9999999, "9999999.0"},
		{1e7, "1.0E7"},
		{12345678.5, "1.23456785E7"},
		{1.5e-10, "1.5E-10"},
		{2e100, "2.0E100"},
		{math.Inf(1), "Infinity"},
		{math.Inf(-1), "-Infinity"},
	} {
		if got := javaDouble(c.x); got != c.want {
			t.Errorf("javaDouble(%v) = %q, want %q", c.x, got, c.want)
		}
	}
}
