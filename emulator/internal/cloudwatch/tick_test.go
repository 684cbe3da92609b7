package cloudwatch

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/metric"
	"plimsoll/scaling"
)

// TestDetection is how long load is there before an alarm says so: until the last of
// its periods is over, and visible, and the alarm is next evaluated.
func TestDetection(t *testing.T) {
	after := func(wait time.Duration, before, then float64) func(start time.Time) func(time.Time) (float64, bool) {
		return func(start time.Time) func(time.Time) (float64, bool) {
			return func(at time.Time) (float64, bool) {
				if at.Before(start.Add(wait)) {
					return before, true
				}
				return then, true
			}
		}
	}
	const idle = 30 * time.Minute // all alarms have settled by then
	for _, c := range []struct {
		name            string
		alarm           Alarm
		resolution      time.Duration
		delay, highRes  time.Duration
		before, then    float64
		want            time.Duration // after the load has changed
		wantBeforeState scaling.AlarmState
	}{
		{"high, visible at once", high(60), time.Minute, 0, 0, 50, 101, 3 * time.Minute, scaling.StateOK},
		{"high, two minutes late", high(60), time.Minute, 2 * time.Minute, 0, 50, 101, 5 * time.Minute, scaling.StateOK},
		{"high, 150 s late, seen by the minute", high(60), time.Minute, 150 * time.Second, 0, 50, 101, 6 * time.Minute, scaling.StateOK},
		{"low", low(), time.Minute, 0, 0, 100, 89, 15 * time.Minute, scaling.StateOK},
		{"low, two minutes late", low(), time.Minute, 2 * time.Minute, 0, 100, 89, 17 * time.Minute, scaling.StateOK},
		{"high by ten seconds", high(10), 10 * time.Second, 0, 0, 50, 101, 30 * time.Second, scaling.StateOK},
		{"high by ten seconds, 18 s late", high(10), 10 * time.Second, 150 * time.Second, 18 * time.Second, 50, 101, 50 * time.Second, scaling.StateOK},
		{"low of a metric of ten seconds", low(), 10 * time.Second, 150 * time.Second, 18 * time.Second, 100, 1, 16 * time.Minute, scaling.StateOK},
	} {
		w := newWorld(t, func(o *Options) { o.Assumptions.MetricDelay, o.Assumptions.HighResMetricDelay = c.delay, c.highRes })
		w.each = w.every(c.resolution, after(idle, c.before, c.then)(w.start))
		w.put(c.alarm)
		w.run(idle)
		if got := w.record(c.alarm.AlarmName).State; got != c.wantBeforeState {
			t.Errorf("%s: %s before the load changes, want %s", c.name, got, c.wantBeforeState)
		}
		if got := w.until(c.alarm.AlarmName, scaling.StateAlarm, time.Hour) - idle; got != c.want {
			t.Errorf("%s: in ALARM after %v, want %v", c.name, got, c.want)
		}
	}
}

func TestExactlyThreeMinutes(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64 // by minute, the first from minute 10 on
		want   bool
	}{
		{"three", []float64{101, 101, 101}, true},
		{"two", []float64{101, 101, 100}, false},
		{"two and two", []float64{101, 101, 100, 101, 101}, false},
		{"at the threshold", []float64{100, 100, 100, 100}, false},
	} {
		w := newWorld(t)
		w.each = w.every(time.Minute, func(at time.Time) (float64, bool) {
			i := int(at.Sub(w.start)/time.Minute) - 10
			if i >= 0 && i < len(c.values) {
				return c.values[i], true
			}
			return 50, true
		})
		w.put(high(60))
		w.run(30 * time.Minute)
		if got := len(w.events) > 0; got != c.want {
			t.Errorf("%s: the alarm fired: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestStates(t *testing.T) {
	minutes := func(t time.Time) int { return t.Minute() }
	for _, c := range []struct {
		name    string
		missing string
		value   func(at time.Time) (float64, bool)
		run     time.Duration
		want    scaling.AlarmState
		reason  string
	}{
		{"at first", "", constant(101), 59 * time.Second, scaling.StateInsufficient, "Unchecked: Initial alarm creation"},
		{"one minute", "", constant(50), time.Minute, scaling.StateOK, "Threshold Crossed: 1 datapoint [50.0 (24/11/26 10:00:00)] was not greater than the threshold (100.0)."},
		{
			"three minutes", "", constant(101.5), 3 * time.Minute, scaling.StateAlarm,
			"Threshold Crossed: 3 datapoints [101.5 (24/11/26 10:02:00), 101.5 (24/11/26 10:01:00), 101.5 (24/11/26 10:00:00)] were greater than the threshold (100.0).",
		},
		{"never any data", "", func(time.Time) (float64, bool) { return 0, false }, 20 * time.Minute, scaling.StateInsufficient, "Unchecked"},
		{"data ends", "", func(at time.Time) (float64, bool) { return 101, minutes(at) < 10 }, 20 * time.Minute, scaling.StateInsufficient, "Insufficient Data"},
		{"data ends, ignored", "ignore", func(at time.Time) (float64, bool) { return 101, minutes(at) < 10 }, 20 * time.Minute, scaling.StateAlarm, "Threshold Crossed"},
		{
			"data ends, not breaching", "notBreaching", func(at time.Time) (float64, bool) { return 101, minutes(at) < 10 }, 20 * time.Minute, scaling.StateOK,
			"Threshold Crossed: 2 datapoints were received for 3 periods and 1 missing datapoint was treated as [NonBreaching].",
		},
		{
			"no data, breaching", "breaching", func(time.Time) (float64, bool) { return 0, false }, 20 * time.Minute, scaling.StateAlarm,
			"Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [Breaching].",
		},
	} {
		w := newWorld(t)
		w.each = w.every(time.Minute, c.value)
		a := high(60)
		a.TreatMissingData = c.missing
		w.put(a)
		w.run(c.run)
		if got := w.record("high"); got.State != c.want || !strings.HasPrefix(got.Reason, c.reason) {
			t.Errorf("%s: %s because %q, want %s because %q", c.name, got.State, got.Reason, c.want, c.reason)
		}
	}
}

// TestLateMetric: datapoints that are later than usual are missing until they come.
func TestLateMetric(t *testing.T) {
	w := newWorld(t)
	w.each = w.every(time.Minute, func(at time.Time) (float64, bool) {
		if at.Sub(w.start) < 10*time.Minute {
			return 50, true
		}
		return 101, true
	})
	w.put(high(60))
	w.set(fault.Faults{MetricDelay: fault.Duration(2 * time.Minute)})
	if got, want := w.until("high", scaling.StateAlarm, time.Hour), 15*time.Minute; got != want {
		t.Errorf("in ALARM after %v, want %v", got, want)
	}
	w.set(fault.Faults{MetricDelay: fault.Duration(20 * time.Minute)})
	w.until("high", scaling.StateInsufficient, 10*time.Minute)
}

func TestActionsRepeat(t *testing.T) {
	type call struct {
		at       time.Duration
		action   string
		repeated bool
	}
	const topic = "arn:aws:sns:eu-west-1:123456789012:people"
	for _, c := range []struct {
		name       string
		resolution time.Duration
		change     func(*Alarm)
		want       []call
	}{
		{
			"a scaling policy each minute", time.Minute, func(*Alarm) {},
			[]call{{3 * time.Minute, policy, false}, {4 * time.Minute, policy, true}, {5 * time.Minute, policy, true}},
		},
		{
			"also by ten seconds", 10 * time.Second, func(a *Alarm) { a.Period = 10 },
			[]call{
				{30 * time.Second, policy, false},
				{90 * time.Second, policy, true},
				{150 * time.Second, policy, true},
				{210 * time.Second, policy, true},
				{270 * time.Second, policy, true},
			},
		},
		{"a topic once", time.Minute, func(a *Alarm) { a.AlarmActions = []string{topic} }, []call{{3 * time.Minute, topic, false}}},
		{
			"both", time.Minute, func(a *Alarm) { a.AlarmActions = []string{topic, policy} },
			[]call{{3 * time.Minute, topic, false}, {3 * time.Minute, policy, false}, {4 * time.Minute, policy, true}, {5 * time.Minute, policy, true}},
		},
		{"switched off", time.Minute, func(a *Alarm) { no := false; a.ActionsEnabled = &no }, nil},
	} {
		w := newWorld(t)
		w.each = w.every(c.resolution, constant(101))
		a := high(60)
		c.change(&a)
		w.put(a)
		w.run(5 * time.Minute)
		var got []call
		for _, e := range w.events {
			got = append(got, call{e.At.Sub(w.start), e.ActionARN, e.Repeated})
			if newest, ok := e.Newest(); !ok || newest.Value != 101 || len(e.Points) != 3 || e.Threshold != 100 || e.State != scaling.StateAlarm {
				t.Errorf("%s: event %+v, want ALARM by three times 101 over 100", c.name, e)
			}
			if e.AlarmARN != "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:high" {
				t.Errorf("%s: alarm %s", c.name, e.AlarmARN)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: actions %v, want %v", c.name, got, c.want)
		}
	}
}

// TestActionsOfEveryState lets an alarm go through all states.
func TestActionsOfEveryState(t *testing.T) {
	w := newWorld(t)
	w.each = w.every(time.Minute, func(at time.Time) (float64, bool) {
		if m := at.Minute(); m < 10 {
			return 50, true
		} else if m < 20 {
			return 101, true
		}
		return 0, false
	})
	a := high(60)
	a.OKActions, a.AlarmActions, a.InsufficientDataActions = []string{topicOf("ok")}, []string{topicOf("alarm")}, []string{topicOf("unknown")}
	w.put(a)
	w.run(30 * time.Minute)
	var got []string
	for _, e := range w.events {
		got = append(got, e.ActionARN)
		if _, ok := e.Newest(); ok != (e.State != scaling.StateInsufficient) {
			t.Errorf("%s has a newest value: %v", e.State, ok)
		}
	}
	if want := []string{topicOf("ok"), topicOf("alarm"), topicOf("unknown")}; !slices.Equal(got, want) {
		t.Errorf("actions %v, want %v", got, want)
	}
}

func topicOf(name string) string { return "arn:aws:sns:eu-west-1:123456789012:" + name }

// TestActionMayChangeAlarms: no lock is held while an action runs.
func TestActionMayChangeAlarms(t *testing.T) {
	var w *world
	w = newWorld(t, func(o *Options) {
		o.Action = func(e ActionEvent) {
			w.events = append(w.events, e)
			w.DeleteAlarms(e.AlarmName)
		}
	})
	w.each = w.every(time.Minute, constant(101))
	w.put(high(60))
	w.run(10 * time.Minute)
	if _, ok := w.Alarm("high"); ok || len(w.events) != 1 {
		t.Errorf("%d actions, alarm is still there: %v; want one that deleted it", len(w.events), ok)
	}
}

func TestAlarmsHeld(t *testing.T) {
	w := newWorld(t)
	w.each = w.every(time.Minute, constant(101))
	w.put(high(60))
	w.set(fault.Faults{AlarmsHeld: true})
	w.run(10 * time.Minute)
	if got := w.record("high").State; got != scaling.StateInsufficient || len(w.events) > 0 {
		t.Errorf("held: %s with %d actions, want nothing", got, len(w.events))
	}
	w.set(fault.Faults{})
	if got, want := w.until("high", scaling.StateAlarm, time.Hour), 11*time.Minute; got != want {
		t.Errorf("in ALARM at %v, want it as soon as it is evaluated again, at %v", got, want)
	}
}

// TestRollingPeriods: periods of several minutes end at any minute. An alarm that
// waited for the clock to reach a multiple of five would fire at 20 minutes.
func TestRollingPeriods(t *testing.T) {
	w := newWorld(t)
	w.each = w.every(time.Minute, func(at time.Time) (float64, bool) {
		if at.Sub(w.start) < 13*time.Minute {
			return 10, true
		}
		return 30, true
	})
	a := high(300)
	a.EvaluationPeriods = 1
	w.put(a)
	// Minutes 11 to 15 have 10+10+30+30+30 = 110.
	if got, want := w.until("high", scaling.StateAlarm, time.Hour), 16*time.Minute; got != want {
		t.Errorf("in ALARM after %v, want %v", got, want)
	}
}

func TestAlarmOnExpression(t *testing.T) {
	w := newWorld(t)
	w.each = func(now time.Time) {
		if now.Second() == 0 {
			w.Put(datum("Errors", now.Add(-time.Minute), time.Minute, metric.Single(3)))
			w.Put(datum("Requests", now.Add(-time.Minute), time.Minute, metric.Single(20)))
		}
	}
	query := func(id, name string) MetricDataQuery {
		no := false
		return MetricDataQuery{ID: id, ReturnData: &no, MetricStat: &MetricStat{
			Metric: Metric{Namespace: metric.SageMaker, MetricName: name, Dimensions: dimensions()}, Period: 60, Stat: "Sum",
		}}
	}
	threshold := 14.9
	w.put(Alarm{
		AlarmName: "share", Threshold: &threshold, ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: 2,
		Metrics: []MetricDataQuery{query("bad", "Errors"), query("all", "Requests"), {ID: "share", Expression: "100 * bad / all"}}, AlarmActions: []string{policy},
	})
	if got, want := w.until("share", scaling.StateAlarm, time.Hour), 2*time.Minute; got != want {
		t.Errorf("in ALARM after %v, want %v", got, want)
	}
	if newest, ok := w.events[0].Newest(); !ok || newest.Value != 15 {
		t.Errorf("newest value %v, %v; want 15 %%", newest, ok)
	}
}

// TestScarcePercentile: 10/(1-0.9) = 100 measurements are needed for p90 to be judged.
func TestScarcePercentile(t *testing.T) {
	for _, c := range []struct {
		count  float64
		ignore string
		want   scaling.AlarmState
	}{
		{99, "ignore", scaling.StateInsufficient},
		{100, "ignore", scaling.StateAlarm},
		{99, "evaluate", scaling.StateAlarm},
		{99, "", scaling.StateAlarm},
	} {
		w := newWorld(t)
		w.each = func(now time.Time) {
			if now.Second() == 0 {
				w.Put(datum("Load", now.Add(-time.Minute), time.Minute, metric.Samples{{Value: 101, Count: c.count}}))
			}
		}
		a := high(60)
		a.Statistic, a.ExtendedStatistic, a.EvaluateLowSamples = "", "p90", c.ignore
		w.put(a)
		w.run(10 * time.Minute)
		if got := w.record("high").State; got != c.want {
			t.Errorf("%v measurements, %q: %s, want %s", c.count, c.ignore, got, c.want)
		}
	}
}

func TestUpdateKeepsState(t *testing.T) {
	w := newWorld(t)
	w.each = w.every(time.Minute, constant(101))
	w.put(high(60))
	w.until("high", scaling.StateAlarm, time.Hour)
	before := w.record("high")
	a := high(60)
	a.AlarmDescription = "again"
	w.put(a)
	got := w.record("high")
	if got.State != scaling.StateAlarm || got.Reason != before.Reason || got.Alarm.AlarmDescription != "again" {
		t.Errorf("after an update: %+v, want the state of %+v", got, before)
	}
}

func TestReasonData(t *testing.T) {
	w := newWorld(t)
	w.each = w.every(time.Minute, func(at time.Time) (float64, bool) { return 101 + float64(at.Minute()), true })
	w.put(high(60))
	w.run(3*time.Minute + time.Second)
	const want = `{"version":"1.0","queryDate":"2026-11-24T10:03:00.000+0000","startDate":"2026-11-24T10:00:00.000+0000","statistic":"Sum","period":60,` +
		`"recentDatapoints":[101.0,102.0,103.0],"threshold":100.0,"evaluatedDatapoints":[` +
		`{"timestamp":"2026-11-24T10:02:00.000+0000","sampleCount":1.0,"value":103.0},` +
		`{"timestamp":"2026-11-24T10:01:00.000+0000","sampleCount":1.0,"value":102.0},` +
		`{"timestamp":"2026-11-24T10:00:00.000+0000","sampleCount":1.0,"value":101.0}]}`
	if got := w.record("high").ReasonData; got != want {
		t.Errorf("reason data\n%s\nwant\n%s", got, want)
	}
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	w.each = w.every(time.Minute, constant(101))
	a := high(60)
	a.AlarmActions = append(a.AlarmActions, topicOf("people"))
	w.put(a)
	w.run(5 * time.Minute)
	w.put(a)
	w.DeleteAlarms("high", "nobody")
	var summaries []string
	for _, item := range w.Snapshot().History {
		summaries = append(summaries, item.Type+": "+item.Summary)
		if !json.Valid([]byte(item.Data)) {
			t.Errorf("%s: %q is not JSON", item.Summary, item.Data)
		}
	}
	want := []string{
		`ConfigurationUpdate: Alarm "high" created`,
		"StateUpdate: Alarm updated from INSUFFICIENT_DATA to ALARM",
		"Action: Successfully executed action " + policy,
		"Action: Failed to execute action " + topicOf("people"),
		`ConfigurationUpdate: Alarm "high" updated`,
		`ConfigurationUpdate: Alarm "high" deleted`,
	}
	if !slices.Equal(summaries, want) {
		t.Errorf("history\n%s\nwant\n%s", strings.Join(summaries, "\n"), strings.Join(want, "\n"))
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var h history
	for range 3 * maxHistory {
		h.add(HistoryItem{}, nil)
	}
	if len(h.items) > maxHistory || h.dropped+int64(len(h.items)) != 3*maxHistory {
		t.Errorf("%d items after %d that were dropped, want at most %d of %d", len(h.items), h.dropped, maxHistory, 3*maxHistory)
	}
}
