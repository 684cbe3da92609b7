package cloudwatch

import (
	"testing"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/modeltime"
	"plimsoll/scaling"
)

// policy is an action that scales.
const policy = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:11111111-2222-3333-4444-555555555555:resource/sagemaker/endpoint/demo/variant/blue:policyName/p:createdBy/66666666-7777-8888-9999-000000000000"

// world is a service whose time passes second by second, as the emulator drives it.
type world struct {
	*Service

	t      testing.TB
	clock  *modeltime.Clock
	faults *fault.Set
	start  time.Time
	events []ActionEvent
	each   func(now time.Time) // publishes, each second before alarms are evaluated
}

// newWorld starts at ten o'clock sharp, with metrics that are visible at once unless
// the assumptions are changed.
func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, start: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), each: func(time.Time) {}}
	var err error
	if w.clock, err = modeltime.New(w.start, 0); err != nil {
		t.Fatal(err)
	}
	if w.faults, err = fault.NewSet(fault.Faults{}, 1); err != nil {
		t.Fatal(err)
	}
	opts := Options{
		Region: "eu-west-1", Account: "123456789012", Clock: w.clock, Faults: w.faults, Assumptions: scaling.DefaultAssumptions(),
		Action: func(e ActionEvent) { w.events = append(w.events, e) },
	}
	opts.Assumptions.MetricDelay, opts.Assumptions.HighResMetricDelay = 0, 0
	for _, f := range change {
		f(&opts)
	}
	if w.Service, err = New(opts); err != nil {
		t.Fatal(err)
	}
	return w
}

// run lets model time pass.
func (w *world) run(d time.Duration) {
	for ; d > 0; d -= time.Second {
		w.clock.Advance(time.Second)
		now := w.clock.Now()
		w.each(now)
		w.Tick(now)
	}
}

// since is the model time since the start.
func (w *world) since() time.Duration { return w.clock.Now().Sub(w.start) }

// until lets model time pass until an alarm is in a state, at most for some time.
func (w *world) until(name string, state scaling.AlarmState, most time.Duration) time.Duration {
	w.t.Helper()
	for range most / time.Second {
		if w.record(name).State == state {
			return w.since()
		}
		w.run(time.Second)
	}
	w.t.Fatalf("alarm %q is %s after %v, want %s", name, w.record(name).State, w.since(), state)
	return 0
}

func (w *world) record(name string) AlarmRecord {
	w.t.Helper()
	for _, record := range w.Snapshot().Alarms {
		if record.Alarm.AlarmName == name {
			return record
		}
	}
	w.t.Fatalf("no alarm %q", name)
	return AlarmRecord{}
}

func (w *world) put(a Alarm) {
	w.t.Helper()
	if err := w.PutAlarm(a); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) set(f fault.Faults) {
	w.t.Helper()
	if err := w.faults.Store(f); err != nil {
		w.t.Fatal(err)
	}
}

// every publishes a value of the test's metric at the end of each of its periods.
func (w *world) every(resolution time.Duration, value func(at time.Time) (float64, bool)) func(now time.Time) {
	return func(now time.Time) {
		if now.Unix()%int64(resolution/time.Second) != 0 {
			return
		}
		at := now.Add(-resolution)
		if v, ok := value(at); ok {
			w.Put(datum("Load", at, resolution, metric.Single(v)))
		}
	}
}

func constant(v float64) func(time.Time) (float64, bool) {
	return func(time.Time) (float64, bool) { return v, true }
}

func dimensions() []metric.Dimension {
	return []metric.Dimension{{Name: "EndpointName", Value: "demo"}, {Name: "VariantName", Value: "blue"}}
}

func datum(name string, at time.Time, resolution time.Duration, samples metric.Samples) metric.Datum {
	return metric.Datum{
		Namespace: metric.SageMaker, Name: name, Dimensions: dimensions(), Unit: noUnit,
		At: at, Resolution: resolution, Samples: samples,
	}
}

// high is a policy's alarm for scaling out: three periods above 100.
func high(period int64) Alarm {
	threshold := 100.0
	return Alarm{
		AlarmName: "high", Namespace: metric.SageMaker, MetricName: "Load", Dimensions: dimensions(),
		Statistic: "Sum", Period: period, EvaluationPeriods: 3, Threshold: &threshold,
		ComparisonOperator: "GreaterThanThreshold", AlarmActions: []string{policy},
	}
}

// low is a policy's alarm for scaling in: fifteen minutes below 90.
func low() Alarm {
	a := high(60)
	threshold := 90.0
	a.AlarmName, a.EvaluationPeriods, a.Threshold, a.ComparisonOperator = "low", 15, &threshold, "LessThanThreshold"
	return a
}
