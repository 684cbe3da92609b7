package cloudwatch

import (
	"testing"

	"plimsoll/emulator/internal/metric"
)

func TestParseStatistic(t *testing.T) {
	for _, c := range []struct {
		name       string
		percentile float64
		isRank, ok bool
	}{
		{"Sum", 0, false, true},
		{"SampleCount", 0, false, true},
		{"p0", 0, true, true},
		{"p99", 99, true, true},
		{"p99.95", 99.95, true, true},
		{"p100", 100, true, true},
		{"p0.0", 0, true, true},
		{"p101", 0, false, false},
		{"p99.999", 0, false, false},
		{"p", 0, false, false},
		{"P99", 0, false, false},
		{"sum", 0, false, false},
		{"tm90", 0, false, false},
		{"", 0, false, false},
	} {
		got, ok := parseStatistic(c.name)
		if ok != c.ok || got.percentile != c.percentile || got.isRank != c.isRank {
			t.Errorf("parseStatistic(%q) = %+v, %v; want %+v", c.name, got, ok, c)
		}
	}
}

func TestStatistics(t *testing.T) {
	ten := make(metric.Samples, 10)
	for i := range ten {
		ten[i] = metric.Sample{Value: float64(i + 1), Count: 1}
	}
	weighted := metric.Samples{{Value: 10, Count: 97.5}, {Value: 500, Count: 2.5}}
	for _, c := range []struct {
		name string
		stat string
		of   summary
		want float64
		ok   bool
	}{
		{"sum", "Sum", summarize(ten), 55, true},
		{"average", "Average", summarize(ten), 5.5, true},
		{"median by nearest rank", "p50", summarize(ten), 5, true},
		{"p95", "p95", summarize(ten), 10, true},
		{"p90", "p90", summarize(ten), 9, true},
		{"p0", "p0", summarize(ten), 1, true},
		{"p100", "p100", summarize(ten), 10, true},
		{"weighted", "p97.5", summarize(weighted), 10, true},
		{"weighted, beyond", "p97.51", summarize(weighted), 500, true},
		{"weighted count", "SampleCount", summarize(weighted), 100, true},
		{"nothing", "Sum", summary{}, 0, false},
		// CloudWatch API Reference, PutMetricData: percentiles of statistic sets, and of negative values.
		{"set", "Maximum", known(3, 12, 1, 9), 9, true},
		{"percentile of a set", "p50", known(3, 12, 1, 9), 0, false},
		{"percentile of a set of equals", "p50", known(3, 12, 4, 4), 4, true},
		{"percentile of a set and values", "p50", sumUp([]summary{known(3, 12, 1, 9), summarize(ten)}, true), 0, false},
		{"percentile of a negative value", "p50", summarize(metric.Samples{{Value: -1, Count: 1}, {Value: 1, Count: 1}}), 0, false},
	} {
		st, _ := parseStatistic(c.stat)
		if got, ok := st.of(c.of); got != c.want || ok != c.ok {
			t.Errorf("%s: %s = %v, %v; want %v, %v", c.name, c.stat, got, ok, c.want, c.ok)
		}
	}
}

// TestWindow follows the API reference of GetMetricStatistics, StartTime.
func TestWindow(t *testing.T) {
	const hour = 3600
	for _, c := range []struct {
		name               string
		start, end, period int64
		want               window
	}{
		{"12:32:34 is 12:32:00", 12*hour + 32*60 + 34, 13 * hour, 60, window{12*hour + 32*60, 13 * hour, 60}},
		{"01:05:23 is 01:05:20 for ten seconds", hour + 5*60 + 23, hour + 5*60 + 33, 10, window{hour + 5*60 + 20, hour + 5*60 + 30, 10}},
		{"15:07:17 is 15:07:15 for five", 15*hour + 7*60 + 17, 15*hour + 7*60 + 27, 5, window{15*hour + 7*60 + 15, 15*hour + 7*60 + 25, 5}},
		{"five minutes begin at any minute", 60 + 1, 1000, 300, window{60, 960, 300}},
		{"before 1970", -1, 0, 60, window{-60, 0, 60}},
	} {
		if got := windowOf(c.start, c.end, c.period); got != c.want {
			t.Errorf("%s: windowOf(%d, %d, %d) = %v, want %v", c.name, c.start, c.end, c.period, got, c.want)
		}
	}
	if got := (window{60, 960, 300}).start(659); got != 360 {
		t.Errorf("659 s lies in the period from %d s, want 360", got)
	}
}

func TestValidPeriod(t *testing.T) {
	for seconds, want := range map[int64]bool{1: true, 5: true, 10: true, 20: true, 30: true, 60: true, 300: true, 86400: true, 0: false, -60: false, 2: false, 45: false, 61: false} {
		if got := validPeriod(seconds); got != want {
			t.Errorf("validPeriod(%d) = %v, want %v", seconds, got, want)
		}
	}
}
