package sagemaker

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/emulator"
	"plimsoll/experiment"
	"plimsoll/httptarget"
	"plimsoll/loadgen"
	"plimsoll/scaling"
)

// unobserved throws events away.
type unobserved struct{}

func (unobserved) Observe(experiment.Event) {}

// generator sends signed invocations to the account's endpoint.
func (a *account) generator(t *testing.T, o Options) *loadgen.Generator {
	t.Helper()
	if o.Endpoint == "" {
		o.Endpoint = demo.Endpoint
	}
	o.HTTP = httptarget.Options{Bodies: []httptarget.Body{{Content: []byte("1")}}, DialContext: a.listener.DialContext}
	target, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Authenticate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	generator, err := loadgen.New(t.Context(), loadgen.Options{Target: target, Bodies: oneBody{}})
	if err != nil {
		t.Fatal(err)
	}
	return generator
}

// TestReconciledOnTheEmulator: minutes of the emulator pass in a second, and a request
// counts sixty times; the rates are the same all the same.
func TestReconciledOnTheEmulator(t *testing.T) {
	for _, tt := range []struct {
		name    string
		faults  string
		others  float64 // requests a minute
		done    bool
		says    string
		doubted bool
	}{
		{"nobody else", `{}`, 0, true, "CloudWatch counted what was sent", false},
		{"somebody else", `{}`, 3000, true, "other traffic on the variant", true},
		{"throttled", `{"throttle_per_second": 60}`, 0, true, "refused before it reached a variant", false},
		{"metrics are lost", `{"metric_loss": 1}`, 0, false, "no datapoint of the run within 3m0s", false},
		{"metrics are denied", `{"access_denied": ["GetMetricData"]}`, 0, false, "allow the action cloudwatch:GetMetricData", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var faults emulator.Faults
			if err := json.Unmarshal([]byte(tt.faults), &faults); err != nil {
				t.Fatal(err)
			}
			inAccount(t, 1, emulator.Options{Faults: faults}, func(t *testing.T, a *account) {
				generator := a.generator(t, Options{})
				defer generator.Close()
				runner := experiment.NewReconciler(t.Context(), generator, a.control, a.control, []experiment.Variant{demo})
				if tt.others > 0 {
					go func() { // somebody's, all along
						for range 60 {
							time.Sleep(100 * time.Millisecond)
							if err := a.emulator.Record(demo.Endpoint, demo.Name, tt.others/10, 10*time.Millisecond); err != nil {
								t.Errorf("recording: %v", err)
							}
						}
					}()
				}
				plan := experiment.Plan{
					Command: "load", Arrivals: experiment.ArrivalsPoisson, Seed: 1, Objectives: []string{"p99=100ms"},
					Load: &experiment.LoadPlan{Rate: 100, DurationSeconds: 5, WarmUpSeconds: 0.2},
				}
				result, err := experiment.Load(t.Context(), plan, runner, unobserved{})
				if err != nil {
					t.Fatal(err)
				}
				r := result.Reconciliation
				if r == nil || r.Done != tt.done || !strings.Contains(r.Why+fmt.Sprint(r.Findings, r.Warnings), tt.says) {
					text, _ := json.MarshalIndent(r, "", " ")
					t.Fatalf("reconciliation %s, want done %t and …%s…", text, tt.done, tt.says)
				}
				if result.Valid == tt.doubted {
					t.Errorf("valid %t (%q), want doubted %t", result.Valid, result.Doubts, tt.doubted)
				}
				if r.Done && !tt.doubted && (r.Times == nil || r.Times.Model < 9 || r.Times.Model > 40) {
					t.Errorf("times %+v, want the model's 10 ms", r.Times)
				}
				time.Sleep(7 * time.Second) // until the other one has ended
			})
		})
	}
}

// TestFindCalibratesOnTheEmulator: the target of concurrency is made from what the
// container's own count was near the peak.
func TestFindCalibratesOnTheEmulator(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		generator := a.generator(t, Options{})
		defer generator.Close()
		search := capacity.DefaultPlan()
		search.Budget, search.Precision = 12*time.Second, 0.2
		plan := experiment.Plan{
			Command: "find", Arrivals: experiment.ArrivalsPoisson, Seed: 1, Objectives: []string{"p99=40ms"},
			Search: &search, Target: &experiment.TargetPlan{SafetyFactor: 0.5, From: experiment.FromLow},
		}
		runner := experiment.NewReconciler(t.Context(), generator, a.control, a.control, []experiment.Variant{demo})
		result, err := experiment.Find(t.Context(), plan, experiment.Earlier{}, runner, unobserved{})
		if err != nil || result.Target == nil {
			t.Fatalf("Find: %v, peak %+v", err, result.Peak)
		}
		if r := result.Reconciliation; r == nil || !r.Done || len(r.Doubted) > 0 || len(r.Minutes) < 5 {
			t.Errorf("reconciliation %+v, want every minute to agree", r)
		}
		target, err := result.MetricTarget(demo, experiment.OnConcurrency)
		if err != nil {
			t.Fatal(err)
		}
		points, err := a.control.Series(t.Context(), demo, experiment.Reading{
			Metric: "ConcurrentRequestsPerModel", Statistic: "Maximum", Period: 10 * time.Second, From: a.control.Now().Add(-time.Hour), To: a.control.Now(),
		})
		if err != nil || !slices.ContainsFunc(points, func(p scaling.Point) bool { return p.At.Second() == 10 }) {
			t.Errorf("Series: %v, %v; want a point for each ten seconds", points, err)
		}
		// Near 800/s of eight workers of 10 ms, about eight are at work, and the most of a
		// moment is above that.
		if *target.Value < 3 || *target.Value > 30 {
			t.Errorf("target %g (%s), want about half of 8 to 20 in flight", *target.Value, target.How)
		}
	})
}

// TestComponentIsReconciled: a component has metrics of its own.
func TestComponentIsReconciled(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		a.hostComponent(t, 1)
		generator := a.generator(t, Options{Endpoint: chat.Endpoint, InferenceComponent: chat.Component})
		defer generator.Close()
		runner := experiment.NewReconciler(t.Context(), generator, a.control, a.control, []experiment.Variant{chat})
		plan := experiment.Plan{Command: "load", Arrivals: experiment.ArrivalsConstant, Load: &experiment.LoadPlan{Rate: 50, DurationSeconds: 4}}
		result, err := experiment.Load(t.Context(), plan, runner, unobserved{})
		if err != nil {
			t.Fatal(err)
		}
		if r := result.Reconciliation; r == nil || !r.Done || len(r.Doubted) > 0 || r.Times == nil {
			t.Errorf("reconciliation %+v, want every minute to agree", r)
		}
	})
}
