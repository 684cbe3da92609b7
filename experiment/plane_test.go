package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"

	"github.com/google/go-cmp/cmp"
)

// world is an endpoint with its autoscaling and a journal on a disk, in memory. It dies
// at a given call: from then on nothing has an effect and everything fails, as after
// SIGKILL.
type world struct {
	endpoint EndpointState
	scaling  ScalingState
	arriving time.Time // when the instances that were asked for are in service
	intents  []Intent

	mu     sync.Mutex
	calls  int
	diesAt int  // the call at which it dies; 0: never
	after  bool // after the call's effect, before its answer
}

var (
	_ Hosting    = (*world)(nil)
	_ Autoscaler = (*world)(nil)
	_ Journal    = (*world)(nil)

	errDead = errors.New("killed")
	one     = Variant{Endpoint: "demo", Name: "AllTraffic"}
)

const launch = 4 * time.Minute

func newWorld(instances int, s ScalingState) *world {
	return &world{
		endpoint: EndpointState{Name: "demo", ARN: "arn:demo", Status: InService, Variants: []VariantState{
			{Name: "AllTraffic", InstanceType: "ml.m5.xlarge", Current: instances, Desired: instances, Weight: 1},
		}},
		scaling: s,
	}
}

// call counts a call, and does it unless the process is dead.
func (w *world) call(effect func() error) error {
	w.mu.Lock() // a request that is heard out late has its effect on another goroutine
	defer w.mu.Unlock()
	w.calls++
	switch dead := w.diesAt > 0 && w.calls >= w.diesAt; {
	case dead && w.calls == w.diesAt && w.after:
		_ = effect()
		return errDead
	case dead:
		return errDead
	}
	return effect()
}

func (w *world) Describe(_ context.Context, endpoint string) (e EndpointState, err error) {
	err = w.call(func() error {
		if endpoint != w.endpoint.Name {
			return &ControlError{Problem: ProblemMissing, Err: fmt.Errorf("no endpoint %s", endpoint)}
		}
		v := &w.endpoint.Variants[0]
		if v.Current != v.Desired && !time.Now().Before(w.arriving) {
			v.Current, w.endpoint.Status = v.Desired, InService
		}
		e = w.endpoint
		e.Variants = slices.Clone(e.Variants)
		return nil
	})
	return e, err
}

func (w *world) SetInstances(_ context.Context, _ Variant, n int) error {
	return w.call(func() error {
		if w.endpoint.Status != InService {
			return &ControlError{Problem: ProblemBusy, Err: errors.New("cannot update in-progress endpoint")}
		}
		w.endpoint.Variants[0].Desired, w.endpoint.Status, w.arriving = n, "Updating", time.Now().Add(launch)
		return nil
	})
}

func (w *world) Scaling(context.Context, Variant) (s ScalingState, err error) {
	err = w.call(func() error {
		s = w.scaling
		s.Policies = slices.Clone(s.Policies)
		return nil
	})
	return s, err
}

func (w *world) Put(_ context.Context, _ Variant, what What, name string, to Setting) error {
	return w.call(func() error {
		switch what {
		case Instances, Copies, OneConfig, OneEndpoint:
			return errors.New("it is not for autoscaling to put")
		case Bounds:
			w.scaling.Target = to.Bounds
			if to.Bounds == nil {
				w.scaling.Policies = nil
			}
		case OnePolicy:
			if w.scaling.Target == nil {
				return errors.New("no scalable target")
			}
			w.scaling.Policies = slices.DeleteFunc(slices.Clone(w.scaling.Policies), func(p Policy) bool { return p.Name == name })
			if to.Policy != nil {
				w.scaling.Policies = append(w.scaling.Policies, *to.Policy)
			}
		}
		return nil
	})
}

func (w *world) Activities(context.Context, Variant, time.Time) ([]scaling.Activity, error) {
	return nil, nil
}

func (w *world) Intend(c Change) (number int, err error) {
	err = w.call(func() error {
		w.intents = append(w.intents, Intent{Number: len(w.intents) + 1, Change: c})
		return nil
	})
	return len(w.intents), err
}

func (w *world) Made(number int) error {
	return w.call(func() error { w.intents[number-1].Made = true; return nil })
}

func (w *world) Undone(number int, _ string) error {
	return w.call(func() error { w.intents[number-1].Undone = true; return nil })
}

func (w *world) plane() Plane { return Plane{Hosting: w, Autoscaler: w, Journal: w} }

// looks is the world without what AWS makes anew or orders by itself.
func (w *world) looks() (int, ScalingState) {
	s := w.scaling
	s.Policies = slices.SortedFunc(slices.Values(s.Policies), func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	return w.endpoint.Variants[0].Desired, s
}

// restore is plimsoll restore in a new process.
func (w *world) restore(t *testing.T) {
	t.Helper()
	w.calls, w.diesAt = 0, 0
	if left, err := w.plane().Undo(t.Context(), one, w.intents, false); err != nil {
		t.Fatalf("restore: %v, left %v", err, left)
	}
}

func scaled() ScalingState {
	out, in := 60, 300
	return ScalingState{
		Target: &ScalableTarget{Min: 2, Max: 6},
		Policies: []Policy{
			{Name: scaling.ConsolePolicy, Metric: Metric, Target: 70, ScaleOut: &out, ScaleIn: &in},
			{Name: "cpu", Custom: []byte(`{"MetricName":"CPUUtilization"}`), Target: 50},
		},
	}
}

// killable are the programmes whose every step is walked.
func killable() map[string]struct {
	start func() *world
	run   func(ctx context.Context, w *world) error
} {
	wanted := Wanted{Target: 1200, Min: 3, Max: 8, ScaleOut: time.Minute, ScaleIn: 5 * time.Minute, Replace: true}
	pin := func(ctx context.Context, w *world) error {
		changes, err := Pin(one, w.endpoint, w.scaling)
		if err != nil {
			return err
		}
		return w.plane().Pinned(ctx, one, changes, func(context.Context) error { return nil })
	}
	apply := func(ctx context.Context, w *world) error {
		changes, _, err := Apply(one, w.endpoint, w.scaling, wanted)
		if err != nil {
			return err
		}
		return w.plane().Make(ctx, one, changes)
	}
	other := func() *world {
		s := scaled()
		s.Policies[0].Name = "hidden"
		return newWorld(2, s)
	}
	type programme = struct {
		start func() *world
		run   func(ctx context.Context, w *world) error
	}
	tune := func(ctx context.Context, w *world) error {
		_, err := tuning(w, proof.Works).Run(ctx, TunePlan{Wanted: tunedTo(), TakeBack: true})
		return err
	}
	return map[string]programme{
		"tune a scaled variant":              {func() *world { return newWorld(3, scaled()) }, tune},
		"tune an unscaled variant":           {func() *world { return newWorld(1, ScalingState{}) }, tune},
		"pin a scaled variant":               {func() *world { return newWorld(4, scaled()) }, pin},
		"pin an unscaled variant":            {func() *world { return newWorld(3, ScalingState{}) }, pin},
		"apply to an unscaled variant":       {func() *world { return newWorld(1, ScalingState{}) }, apply},
		"apply over an old policy":           {func() *world { return newWorld(2, scaled()) }, apply},
		"apply in place of another's policy": {other, apply},
	}
}

// TestKilledAtEveryStep kills each programme before and after the effect of each of its
// calls. After restore, and after one that was killed as well, all is as it was.
func TestKilledAtEveryStep(t *testing.T) {
	for name, programme := range killable() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				whole := programme.start()
				if err := programme.run(t.Context(), whole); err != nil {
					t.Fatal(err)
				}
				if whole.calls < 8 {
					t.Fatalf("only %d calls: it does nothing", whole.calls)
				}
				for at := 1; at <= whole.calls; at++ {
					for _, after := range []bool{false, true} {
						w := programme.start()
						instances, state := w.looks()
						w.diesAt, w.after = at, after
						if err := programme.run(t.Context(), w); !errors.Is(err, errDead) {
							t.Fatalf("killed at call %d: %v", at, err)
						}
						// The first restore is killed in the middle; the second is not.
						w.calls, w.diesAt = 0, 4
						_, _ = w.plane().Undo(t.Context(), one, w.intents, false)
						w.restore(t)
						gotInstances, got := w.looks()
						if diff := cmp.Diff(state, got); diff != "" || gotInstances != instances {
							t.Fatalf("killed at call %d of %d (after its effect: %t): %d instances, want %d; scaling (-want +got):\n%s",
								at, whole.calls, after, gotInstances, instances, diff)
						}
						w.restore(t) // again: nothing to do
					}
				}
				t.Logf("%d calls, each killed before and after its effect", whole.calls)
			})
		})
	}
}

func TestPinnedGivesBackWhateverHappens(t *testing.T) {
	for name, do := range map[string]func(context.Context, context.CancelFunc) error{
		"success":     func(context.Context, context.CancelFunc) error { return nil },
		"failure":     func(context.Context, context.CancelFunc) error { return errors.New("no peak") },
		"interrupted": func(ctx context.Context, cancel context.CancelFunc) error { cancel(); return ctx.Err() },
		"panic":       func(context.Context, context.CancelFunc) error { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(4, scaled())
				instances, state := w.looks()
				changes, err := Pin(one, w.endpoint, w.scaling)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				func() {
					defer func() { _ = recover() }()
					err = w.plane().Pinned(ctx, one, changes, func(ctx context.Context) error {
						if now := w.endpoint.Variants[0]; now.Current != 1 || w.scaling.Target.Suspended != (Suspension{In: true, Out: true, Scheduled: true}) {
							t.Errorf("measured with %d instances and %+v", now.Current, w.scaling.Target)
						}
						return do(ctx, cancel)
					})
				}()
				if name == "failure" && (err == nil || !strings.Contains(err.Error(), "no peak")) {
					t.Errorf("error %v", err)
				}
				gotInstances, got := w.looks()
				if diff := cmp.Diff(state, got); diff != "" || gotInstances != instances {
					t.Errorf("%d instances, want %d; scaling (-want +got):\n%s", gotInstances, instances, diff)
				}
			})
		})
	}
}

func TestMakeRefusesWhatSomebodyHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, scaled())
		changes, _, err := Apply(one, w.endpoint, w.scaling, Wanted{Target: 600, Min: 1, Max: 4})
		if err != nil {
			t.Fatal(err)
		}
		w.scaling.Policies[0].Target = 90
		err = w.plane().Make(t.Context(), one, changes)
		if trouble, ok := errors.AsType[*ControlError](err); !ok || trouble.Problem != ProblemChanged {
			t.Errorf("error %v, want one of %q", err, ProblemChanged)
		}
		if len(w.intents) != 1 { // the bounds were ours to change
			t.Errorf("%d changes are in the journal, want 1", len(w.intents))
		}
	})
}

func TestUndoLeavesWhatSomebodyHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, scaled())
		changes, _, err := Apply(one, w.endpoint, w.scaling, Wanted{Target: 600, Min: 2, Max: 6})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.plane().Make(t.Context(), one, changes); err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(w.scaling.Policies, func(p Policy) bool { return p.Name == scaling.ConsolePolicy })
		w.scaling.Policies[at].Target = 333
		left, err := w.plane().Undo(t.Context(), one, w.intents, false)
		if len(left) != 1 || !strings.Contains(left[0].Why, "somebody has changed it") {
			t.Fatalf("left %+v, %v", left, err)
		}
		const want = `--policy-name 'SageMakerEndpointInvocationScalingPolicy' --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration '{"TargetValue":70,"PredefinedMetricSpecification":{"PredefinedMetricType":"SageMakerVariantInvocationsPerInstance"},"ScaleOutCooldown":60,"ScaleInCooldown":300,"DisableScaleIn":false}'`
		if !strings.HasSuffix(left[0].Command, want) {
			t.Errorf("command %s\nwant … %s", left[0].Command, want)
		}
		if left, err := w.plane().Undo(t.Context(), one, w.intents, true); err != nil {
			t.Errorf("by force: left %v, %v", left, err)
		}
	})
}

func TestUndoOfAnEndpointThatIsGone(t *testing.T) {
	w := newWorld(1, ScalingState{})
	w.intents = []Intent{{Number: 1, Change: Change{What: Instances, Current: Setting{Instances: 2}, Desired: Setting{Instances: 1}}}}
	w.endpoint.Name = "another"
	if _, err := w.plane().Undo(t.Context(), one, w.intents, false); err != nil || !w.intents[0].Undone {
		t.Errorf("%v, intents %+v", err, w.intents)
	}
}

func TestAwaitSaysWhyAnInstanceNeverCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, ScalingState{})
		w.endpoint.Status, w.endpoint.Variants[0].Desired, w.arriving = "Updating", 3, time.Now().Add(100*time.Hour)
		err := w.plane().await(t.Context(), one, 3)
		trouble, ok := errors.AsType[*ControlError](err)
		if !ok || trouble.Problem != ProblemTooSlow || !strings.Contains(err.Error(), "Updating with 1 of 3 instances") {
			t.Errorf("error %v", err)
		}
	})
}
