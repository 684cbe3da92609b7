package hosting

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/modeltime"
	"plimsoll/fleet"
	"plimsoll/scaling"
)

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// published is what was published of a metric, in order.
func (w *world) published(name string) []metric.Datum {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.data), func(d metric.Datum) bool { return d.Name != name })
}

// TestMinute has what one minute of requests publishes.
func TestMinute(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 2) // until 12:01:31
		w.run(29 * time.Second)
		w.forget()
		for range 10 {
			w.invoke("iris", "")
		}
		w.run(time.Minute)
		at := start.Add(2 * time.Minute)
		ms := float64(service.Microseconds())
		wants := []struct {
			name, unit string
			samples    metric.Samples
		}{
			{"Invocations", "None", metric.Samples{{Value: 1, Count: 10}}},
			{"InvocationsPerInstance", "None", metric.Samples{{Value: 0.5, Count: 10}}},
			{"ModelLatency", "Microseconds", metric.Samples{{Value: ms, Count: 10}}},
			{"OverheadLatency", "Microseconds", metric.Samples{{Value: 0, Count: 10}}},
			{"Invocation4XXErrors", "None", metric.Samples{{Value: 0, Count: 10}}},
			{"Invocation5XXErrors", "None", metric.Samples{{Value: 0, Count: 10}}},
			{"InvocationModelErrors", "None", metric.Samples{{Value: 0, Count: 10}}},
		}
		for _, want := range wants {
			d, ok := w.datum(want.name)
			if !ok || !slices.Equal(d.Samples, want.samples) || d.Unit != want.unit || !d.At.Equal(at) || d.Resolution != time.Minute || d.Namespace != metric.SageMaker {
				w.Errorf("%s = %+v, want %v %s of a minute at %v", want.name, d, want.samples, want.unit, at)
			}
			if dims := []metric.Dimension{{Name: "EndpointName", Value: "iris"}, {Name: "VariantName", Value: "main"}}; !slices.Equal(d.Dimensions, dims) {
				w.Errorf("%s has dimensions %v, want %v", want.name, d.Dimensions, dims)
			}
		}
		d, _ := w.datum("CPUUtilization") // 10 × 40 ms of two workers' minute, on 4 cores
		if want := 0.4 / 120 * 100 * 4; d.Samples.Count() != 2 || math.Abs(d.Samples.Sum()/2-want) > 1e-6 || d.Namespace != metric.SageMakerInstances {
			w.Errorf("CPUUtilization = %+v, want two instances with a mean of %v", d, want)
		}
		w.run(time.Minute)
		for _, name := range []string{"Invocations", "InvocationsPerInstance", "ConcurrentRequestsPerModel", "CPUUtilization"} {
			if d, ok := w.datum(name); !ok || d.Samples.Sum() != 0 || d.Samples.Count() == 0 || d.At.Before(at.Add(time.Minute)) {
				w.Errorf("%s of an idle minute = %+v, want 0", name, d)
			}
		}
		if d, _ := w.datum("ModelLatency"); !d.At.Equal(at) {
			w.Errorf("an idle minute has ModelLatency %+v, want none", d)
		}
	})
}

func TestZeroTrafficMissing(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.run(3 * time.Minute)
		for _, name := range []string{"Invocations", "InvocationsPerInstance", "ConcurrentRequestsPerModel"} {
			if all := w.published(name); len(all) != 0 {
				w.Errorf("%s of an idle variant = %v, want nothing", name, all)
			}
		}
	}, func(o *Options) { o.Assumptions.ZeroTraffic = scaling.TrafficMissing })
}

// TestConcurrency has requests that wait count in flight, the busiest instance as the
// maximum, every ten seconds.
func TestConcurrency(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.run(9 * time.Second) // 12:01:40
		w.forget()
		var sending sync.WaitGroup
		for range 5 {
			sending.Go(func() { w.invoke("iris", "") })
		}
		w.run(20 * time.Second)
		all := w.published("ConcurrentRequestsPerModel")
		if len(all) != 2 || all[0].Samples.Max() != 5 || all[1].Samples.Max() != 2 {
			w.Fatalf("ConcurrentRequestsPerModel = %+v, want 5 and then the 2 that are left", all)
		}
		if !all[0].At.Equal(start.Add(100*time.Second)) || all[0].Resolution != 10*time.Second || all[0].Unit != "Count" {
			w.Errorf("ConcurrentRequestsPerModel = %+v, want ten seconds from 12:01:40", all[0])
		}
		sending.Wait()
	}, withModel(fleet.Model{Service: 3 * time.Second, Workers: 1, Queue: fleet.Unbounded}))
}

// TestRejectedRequests has what was turned away count as an invocation or not.
func TestRejectedRequests(t *testing.T) {
	for _, count := range []bool{false, true} {
		bubble(t, func(w *world) {
			w.deploy("iris", 1)
			w.invoke("iris", "", "X-Amzn-SageMaker-Session-Id", "nobody") // the container answers 400
			w.run(time.Minute)
			d, _ := w.datum("Invocations")
			if got := d.Samples.Sum(); (got == 1) != count {
				w.Errorf("count-rejected %v: Invocations of a 4XX = %v", count, got)
			}
			if d, _ := w.datum("Invocation4XXErrors"); d.Samples.Sum() != 1 {
				w.Errorf("count-rejected %v: Invocation4XXErrors = %v, want 1", count, d.Samples)
			}
		}, func(o *Options) { o.Assumptions.CountRejected = count })
	}
}

// TestWeight has a request at speed 10 count as ten, its latency as it was.
func TestWeight(t *testing.T) {
	fast := func(o *Options) {
		clock, err := modeltime.New(start, 10)
		if err != nil {
			t.Fatal(err)
		}
		o.Clock = clock
		withModel(fleet.Model{Service: service, Workers: 1, Queue: fleet.Unbounded})(o)
	}
	bubble(t, func(w *world) {
		w.clock = w.h.opts.Clock
		w.deployFast("iris")
		w.forget()
		for range 6 {
			w.invoke("iris", "")
		}
		for range 60 {
			w.tickFast()
		}
		invocations, _ := w.datum("InvocationsPerInstance")
		latency, _ := w.datum("ModelLatency")
		if invocations.Samples.Sum() != 60 || latency.Samples.Max() != float64(service.Microseconds()) {
			w.Errorf("6 requests at speed 10 = %v invocations of %v µs, want 60 of 40 ms", invocations.Samples.Sum(), latency.Samples.Max())
		}
		cpu, _ := w.datum("CPUUtilization")
		if want := 6 * service.Seconds() / 6 * 100 * 4; math.Abs(cpu.Samples.Max()-want) > 1e-6 {
			w.Errorf("CPUUtilization = %v, want %v: 240 ms of the six seconds that the minute lasts", cpu.Samples.Max(), want)
		}
	}, fast)
}

// tickFast is one model second at speed 10.
func (w *world) tickFast() {
	next := w.clock.Now().Truncate(time.Second).Add(time.Second)
	time.Sleep(w.clock.Real(next.Sub(w.clock.Now())))
	w.h.Tick(next)
}

func (w *world) deployFast(name string) {
	w.must("CreateModel", `{"ModelName":"m","PrimaryContainer":{"Image":"i"}}`)
	w.configure("c", object{"VariantName": "main", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"})
	w.must("CreateEndpoint", `{"EndpointName":"`+name+`","EndpointConfigName":"c"}`)
	for range 121 { // a little into the third minute
		w.tickFast()
	}
	w.wantStatus(name, "InService")
}

// TestRecord drives the metrics without requests, in virtual time alone.
func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, err := modeltime.New(start, 0)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, clock: clock}
		o := options(t, clock)
		o.Publish = func(d metric.Datum) { w.data = append(w.data, d) }
		o.Delay = func(uint64) time.Duration { return 0 }
		if w.h, err = New(o); err != nil {
			t.Fatal(err)
		}
		two := 2
		variants := []productionVariant{{VariantName: "main", ModelName: "m", InitialInstanceCount: &two, InstanceType: "ml.m5.xlarge"}}
		_, err1 := w.h.createModel(t.Context(), &createModelInput{ModelName: "m", PrimaryContainer: &containerDefinition{Image: "i"}})
		_, err2 := w.h.createEndpointConfig(t.Context(), &createEndpointConfigInput{EndpointConfigName: "c", ProductionVariants: variants})
		_, err3 := w.h.createEndpoint(t.Context(), &createEndpointInput{EndpointName: "iris", EndpointConfigName: "c"})
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		if err := w.h.Record("iris", "main", 1, 0); err == nil {
			t.Error("Record for an endpoint that is Creating = nil, want an error")
		}
		for range 60 {
			clock.Advance(time.Second)
			w.h.Tick(clock.Now())
			if err := w.h.Record("iris", "main", 10, 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(time.Minute)
		for k := range 60 {
			w.h.Tick(start.Add(time.Duration(61+k) * time.Second))
		}
		all := w.published("InvocationsPerInstance")
		first := all[0].Samples.Sum() // 59 s: what came at 12:01:00 is in the second minute
		if first != 59*10/2 || !all[0].At.Equal(start) {
			t.Errorf("first minute = %v at %v, want 295 at %v", first, all[0].At, start)
		}
		if d := w.published("ConcurrentRequestsPerModel"); len(d) < 2 || math.Abs(d[1].Samples.Max()-0.5) > 1e-9 {
			t.Errorf("ConcurrentRequestsPerModel = %v, want 0.5: 10/s of 100 ms at two instances", d[1].Samples)
		}
		if d := w.published("CPUUtilization"); math.Abs(d[0].Samples.Max()-59.0/60*50*4) > 1e-6 {
			t.Errorf("CPUUtilization = %v, want nearly half of four cores", d[0].Samples)
		}
		if err := w.h.Record("iris", "main", math.NaN(), 0); err == nil {
			t.Error("Record of NaN requests = nil, want an error")
		}
		if err := w.h.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestShares holds that, as long as the number of instances is the same, what is per
// instance times the instances is what came; and that a minute loses nothing.
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newVariantMeter("e", "v")
		units := rapid.IntRange(1, 50).Draw(t, "units")
		weight := float64(rapid.IntRange(1, 60).Draw(t, "weight"))
		minutes := rapid.SliceOfN(rapid.Int64Range(0, 5), 1, 200).Draw(t, "minutes")
		slices.Sort(minutes)
		published := int64(0)
		var total, shares float64
		take := func(before int64) {
			for minute, tally := range m.take(before) {
				if minute < published {
					t.Fatalf("minute %d is published again after %d", minute, published)
				}
				for n, count := range tally.arrivals {
					total += count
					shares += count / float64(n)
				}
			}
			published = before
		}
		for _, minute := range minutes {
			if minute > published && rapid.Bool().Draw(t, "publish") {
				take(minute)
			}
			late := rapid.Int64Range(0, minute).Draw(t, "late") // a minute that may have been published
			m.arrive(late, units, weight)
		}
		take(100)
		want := weight * float64(len(minutes))
		if math.Abs(total-want) > 1e-9*want || math.Abs(shares*float64(units)-want) > 1e-9*want {
			t.Fatalf("published %v requests and %v × %d, want %v", total, shares, units, want)
		}
	})
}

func TestBucketKeepsThreeDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(0, 3600e6).Draw(t, "us")
		got := bucket(time.Duration(us) * time.Microsecond)
		if math.Abs(float64(got-us)) > 0.00501*float64(us) {
			t.Fatalf("bucket(%d µs) = %d, want it within half a percent", us, got)
		}
	})
}
