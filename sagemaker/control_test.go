package sagemaker

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"
	"plimsoll/fleet"
	"plimsoll/internal/memnet"
	"plimsoll/scaling"

	"github.com/google/go-cmp/cmp"
)

var demo = experiment.Variant{Endpoint: "demo", Name: "AllTraffic"}

// account is an emulated account with one endpoint, and the real SDK that speaks to it,
// in virtual time.
type account struct {
	emulator *emulator.Emulator
	control  *Control
	listener *memnet.Listener
}

// inAccount runs a test against an emulator at 60 times real time.
func inAccount(t *testing.T, instances int, o emulator.Options, test func(*testing.T, *account)) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://emulator", "AWS_REGION": emulator.DefaultRegion, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": emulator.DefaultAccessKey, "AWS_SECRET_ACCESS_KEY": emulator.DefaultSecretKey, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	synctest.Test(t, func(t *testing.T) {
		o.Model = fleet.Model{Service: 10 * time.Millisecond, Workers: 8, Queue: fleet.Unbounded}
		o.Endpoints, o.Speed, o.Seed = []emulator.Endpoint{{Name: demo.Endpoint, Instances: instances}}, 60, 1
		e, err := emulator.New(o)
		if err != nil {
			t.Fatal(err)
		}
		listener := memnet.Listen()
		server := &http.Server{Handler: e}
		var running sync.WaitGroup
		running.Go(func() { _ = server.Serve(listener) })
		a := &account{emulator: e, listener: listener}
		a.control = a.connect(t)
		defer func() {
			a.control.Close()
			if err := server.Close(); err != nil {
				t.Errorf("closing the server: %v", err)
			}
			running.Wait()
			if err := e.Close(); err != nil {
				t.Errorf("closing the emulator: %v", err)
			}
			time.Sleep(time.Second)
		}()
		test(t, a)
	})
}

func (a *account) connect(t *testing.T) *Control {
	t.Helper()
	c, err := Connect(t.Context(), ControlOptions{Dial: a.listener.DialContext, Attempts: 3})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *account) plane(j experiment.Journal) experiment.Plane {
	return experiment.Plane{Hosting: a.control, Autoscaler: a.control, Journal: j, Poll: a.control.Poll, Patience: time.Hour}
}

// state is what is compared: all that a user has set.
func (a *account) state(t *testing.T) (int, experiment.ScalingState) {
	t.Helper()
	e, s, err := a.plane(nil).Look(t.Context(), demo)
	if err != nil {
		t.Fatal(err)
	}
	v, err := e.Variant(demo.Name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Policies {
		s.Policies[i].Alarms = nil // AWS makes them anew
	}
	return v.Desired, s
}

// memory is a journal without a disk.
type memory struct{ intents []experiment.Intent }

func (m *memory) Intend(c experiment.Change) (int, error) {
	m.intents = append(m.intents, experiment.Intent{Number: len(m.intents) + 1, Change: c})
	return len(m.intents), nil
}

func (m *memory) Made(n int) error             { m.intents[n-1].Made = true; return nil }
func (m *memory) Undone(n int, _ string) error { m.intents[n-1].Undone = true; return nil }

// furnish registers a target with policies of every kind.
func (a *account) furnish(t *testing.T) {
	t.Helper()
	out, in := 60, 300
	for _, p := range []struct {
		what experiment.What
		to   experiment.Setting
	}{
		{experiment.Bounds, experiment.Setting{Bounds: &experiment.ScalableTarget{Min: 2, Max: 6, Suspended: experiment.Suspension{Scheduled: true}}}},
		{experiment.OnePolicy, experiment.Setting{Policy: &experiment.Policy{Name: "hidden", Metric: scaling.InvocationsPerInstance, Target: 70, ScaleOut: &out, ScaleIn: &in}}},
		{experiment.OnePolicy, experiment.Setting{Policy: &experiment.Policy{Name: "cpu", Target: 50, Custom: []byte(
			`{"Dimensions":[{"Name":"EndpointName","Value":"demo"},{"Name":"VariantName","Value":"AllTraffic"}],"MetricName":"CPUUtilization","Namespace":"/aws/sagemaker/Endpoints","Statistic":"Average","Unit":"Percent"}`)}}},
		{experiment.OnePolicy, experiment.Setting{Policy: &experiment.Policy{Name: "steps", Step: []byte(
			`{"AdjustmentType":"ChangeInCapacity","Cooldown":60,"MetricAggregationType":"Average","StepAdjustments":[{"MetricIntervalLowerBound":0,"ScalingAdjustment":1}]}`)}}},
	} {
		name := ""
		if p.to.Policy != nil {
			name = p.to.Policy.Name
		}
		if err := a.control.Put(t.Context(), demo, p.what, name, p.to); err != nil {
			t.Fatal(err)
		}
	}
}

func TestControlReadsBackWhatItPuts(t *testing.T) {
	inAccount(t, 2, emulator.Options{}, func(t *testing.T, a *account) {
		a.furnish(t)
		e, s, err := a.plane(nil).Look(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Variant("")
		if err != nil {
			t.Fatal(err)
		}
		want := experiment.VariantState{Name: "AllTraffic", InstanceType: emulator.DefaultInstanceType, Current: 2, Desired: 2, Weight: 1}
		if diff := cmp.Diff(want, v); diff != "" || e.Status != experiment.InService || e.Async {
			t.Errorf("endpoint %+v; variant (-want +got):\n%s", e, diff)
		}
		var names []string
		for _, p := range s.Policies {
			names = append(names, p.Name)
			if p.Tracks() && len(p.Alarms) != 2 {
				t.Errorf("policy %s has alarms %v, want two", p.Name, p.Alarms)
			}
		}
		if want := []string{"cpu", "hidden", "steps"}; !slices.Equal(names, want) {
			t.Errorf("policies %v, want %v", names, want)
		}
		if want := (experiment.ScalableTarget{Min: 2, Max: 6, Suspended: experiment.Suspension{Scheduled: true}}); *s.Target != want {
			t.Errorf("target %+v, want %+v", *s.Target, want)
		}
		for _, p := range s.Policies { // what was read can be put back, and is the same then
			p.Alarms = nil
			if err := a.control.Put(t.Context(), demo, experiment.OnePolicy, p.Name, experiment.Setting{}); err != nil {
				t.Fatal(err)
			}
			if err := a.control.Put(t.Context(), demo, experiment.OnePolicy, p.Name, experiment.Setting{Policy: &p}); err != nil {
				t.Fatal(err)
			}
		}
		_, again := a.state(t)
		for i := range s.Policies {
			s.Policies[i].Alarms = nil
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Errorf("put back (-want +got):\n%s", diff)
		}
	})
}

func TestControlPagesThroughPolicies(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		if err := a.control.Put(t.Context(), demo, experiment.Bounds, "", experiment.Setting{Bounds: &experiment.ScalableTarget{Min: 1, Max: 3}}); err != nil {
			t.Fatal(err)
		}
		const many = 23 // a page has ten
		for i := range many {
			p := &experiment.Policy{Name: "steps-" + string(rune('a'+i)), Step: []byte(`{"AdjustmentType":"ChangeInCapacity","StepAdjustments":[{"MetricIntervalLowerBound":0,"ScalingAdjustment":1}]}`)}
			if err := a.control.Put(t.Context(), demo, experiment.OnePolicy, p.Name, experiment.Setting{Policy: p}); err != nil {
				t.Fatal(err)
			}
		}
		if _, s := a.state(t); len(s.Policies) != many {
			t.Errorf("read %d policies, want %d", len(s.Policies), many)
		}
	})
}

// TestPinnedOnTheEmulator pins a scaled variant with the real SDK, and gives it back.
func TestPinnedOnTheEmulator(t *testing.T) {
	inAccount(t, 3, emulator.Options{}, func(t *testing.T, a *account) {
		a.furnish(t)
		instances, before := a.state(t)
		e, s, err := a.plane(nil).Look(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		changes, err := experiment.Pin(demo, e, s)
		if err != nil {
			t.Fatal(err)
		}
		start := a.control.Now()
		err = a.plane(&memory{}).Pinned(t.Context(), demo, changes, func(context.Context) error {
			e, s, err := a.plane(nil).Look(t.Context(), demo)
			if err != nil {
				return err
			}
			v, err := e.Variant(demo.Name)
			if err != nil || v.Current != 1 || e.Status != experiment.InService || s.Target.Suspended != (experiment.Suspension{In: true, Out: true, Scheduled: true}) {
				t.Errorf("pinned: %+v, %+v, %v", e, s.Target, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		gotInstances, after := a.state(t)
		if diff := cmp.Diff(before, after); diff != "" || gotInstances != instances {
			t.Errorf("%d instances, want %d; scaling (-want +got):\n%s", gotInstances, instances, diff)
		}
		t.Logf("it took %v of model time", a.control.Now().Sub(start).Round(time.Second))
	})
}

// mortal fails every call from a certain one on, as if the process had been killed.
type mortal struct {
	*Control
	*memory

	calls, diesAt int
	after         bool
}

var errKilled = errors.New("killed")

func (m *mortal) call(effect func() error) error {
	m.calls++
	if m.diesAt > 0 && m.calls > m.diesAt || m.calls == m.diesAt && !m.after {
		return errKilled
	}
	err := effect()
	if m.calls == m.diesAt {
		return errKilled
	}
	return err
}

func (m *mortal) SetInstances(ctx context.Context, v experiment.Variant, n int) error {
	return m.call(func() error { return m.Control.SetInstances(ctx, v, n) })
}

func (m *mortal) Put(ctx context.Context, v experiment.Variant, what experiment.What, name string, to experiment.Setting) error {
	return m.call(func() error { return m.Control.Put(ctx, v, what, name, to) })
}

func (m *mortal) Intend(c experiment.Change) (n int, err error) {
	err = m.call(func() error { n, err = m.memory.Intend(c); return err })
	return n, err
}

func (m *mortal) Made(n int) error { return m.call(func() error { return m.memory.Made(n) }) }

func (m *mortal) Undone(n int, how string) error {
	return m.call(func() error { return m.memory.Undone(n, how) })
}

// TestKilledOnTheEmulator kills pin and apply before and after every call that changes
// something or writes the journal; after restore all is as before.
func TestKilledOnTheEmulator(t *testing.T) {
	programmes := map[string]func(e experiment.EndpointState, s experiment.ScalingState) ([]experiment.Change, error){
		"pin": func(e experiment.EndpointState, s experiment.ScalingState) ([]experiment.Change, error) {
			return experiment.Pin(demo, e, s)
		},
		"apply": func(e experiment.EndpointState, s experiment.ScalingState) ([]experiment.Change, error) {
			changes, _, err := experiment.Apply(demo, e, s, experiment.Wanted{Target: 1200, Min: 3, Max: 8, ScaleOut: time.Minute, ScaleIn: time.Minute, Replace: true})
			return changes, err
		},
	}
	for name, compute := range programmes {
		t.Run(name, func(t *testing.T) {
			inAccount(t, 2, emulator.Options{}, func(t *testing.T, a *account) {
				a.furnish(t)
				instances, before := a.state(t)
				walked := 0
				for at := 1; ; at++ {
					done := false
					for _, after := range []bool{false, true} {
						e, s, err := a.plane(nil).Look(t.Context(), demo)
						if err != nil {
							t.Fatal(err)
						}
						changes, err := compute(e, s)
						if err != nil {
							t.Fatal(err)
						}
						m := &mortal{Control: a.control, memory: &memory{}, diesAt: at, after: after}
						p := a.plane(m)
						p.Hosting, p.Autoscaler = m, m
						err = p.Pinned(t.Context(), demo, changes, func(context.Context) error { return nil })
						done = err == nil
						if !done && !errors.Is(err, errKilled) {
							t.Fatalf("killed at call %d: %v", at, err)
						}
						if left, err := a.plane(m.memory).Undo(t.Context(), demo, m.intents, false); err != nil {
							t.Fatalf("killed at call %d, restore: %v, left %+v", at, err, left)
						}
						gotInstances, got := a.state(t)
						if diff := cmp.Diff(before, got); diff != "" || gotInstances != instances {
							t.Fatalf("killed at call %d (after its effect: %t): %d instances, want %d; scaling (-want +got):\n%s", at, after, gotInstances, instances, diff)
						}
						walked++
					}
					if done {
						break
					}
				}
				t.Logf("killed %d times", walked-2)
			})
		})
	}
}

func TestConnectWithoutARegion(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	_, err := Connect(t.Context(), ControlOptions{})
	if trouble, ok := errors.AsType[*experiment.ControlError](err); !ok || trouble.Problem != experiment.ProblemCredentials || !strings.Contains(err.Error(), "--region") {
		t.Errorf("error %v", err)
	}
}

func TestSeriesAreTheVariantsOwn(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		for range 5 { // of model minutes
			if err := a.emulator.Record("demo", "AllTraffic", 120, 10*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second)
		if _, err := a.control.Describe(t.Context(), "demo"); err != nil { // tells model time
			t.Fatal(err)
		}
		now := a.control.Now()
		traffic, err := experiment.LookForTraffic(t.Context(), a.control, demo, now, 30*time.Minute)
		if err != nil || traffic.Requests != 600 {
			t.Errorf("traffic %+v, %v, want 600 requests", traffic, err)
		}
	})
}

func TestServiceClock(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		for range 3 {
			if _, err := a.control.Describe(t.Context(), "demo"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if got, want := a.control.Now(), a.emulator.Now(); got.Sub(want).Abs() > time.Minute {
			t.Errorf("Now = %v, want %v", got, want)
		}
		if got := a.control.Poll(); got < 160*time.Millisecond || got > 180*time.Millisecond {
			t.Errorf("Poll = %v, want a sixtieth of 10 s", got)
		}
	})
}
