package experiment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// site is an account in which things are deployed. It dies at a given call, as after
// SIGKILL, and takes its time to create and delete endpoints.
type site struct {
	*world

	configs   map[string]Deployment
	endpoints map[string]*stands
	failure   string // of an endpoint that is created: it fails
	refusal   error  // of Delete
	order     []string
	lag       time.Duration // of Create: whoever gives up meanwhile does not stop it
}

type stands struct {
	d     Deployment
	ready time.Time // when it is in service
	gone  time.Time // when it is deleted; zero: nobody has asked
}

var _ Deployer = (*site)(nil)

const (
	creation = 5 * time.Minute
	deletion = time.Minute
)

func newSite() *site {
	return &site{world: newWorld(1, ScalingState{}), configs: map[string]Deployment{}, endpoints: map[string]*stands{}}
}

// endpoint is one that has not gone yet.
func (s *site) endpoint(name string) *stands {
	e := s.endpoints[name]
	if e != nil && !e.gone.IsZero() && !time.Now().Before(e.gone) {
		delete(s.endpoints, name)
		return nil
	}
	return e
}

func (s *site) There(_ context.Context, what What, name string) (there bool, err error) {
	err = s.call(func() error {
		if what == OneConfig {
			_, there = s.configs[name]
		} else {
			there = s.endpoint(name) != nil
		}
		return nil
	})
	return there, err
}

func (s *site) Create(ctx context.Context, what What, d Deployment) error {
	if s.lag > 0 {
		lag := s.lag
		s.lag = 0
		done := time.AfterFunc(lag, func() { _ = s.Create(context.Background(), what, d) })
		if err := sleep(ctx, lag+time.Millisecond); err != nil {
			return err
		}
		done.Stop()
		return nil
	}
	return s.call(func() error {
		if what == OneConfig {
			s.configs[d.Name] = d
			return nil
		}
		if _, there := s.configs[d.Name]; !there {
			return errors.New("no configuration")
		}
		s.endpoints[d.Name] = &stands{d: d, ready: time.Now().Add(creation)}
		return nil
	})
}

func (s *site) Delete(_ context.Context, what What, name string) error {
	return s.call(func() error {
		if s.refusal != nil && what == OneEndpoint {
			return s.refusal
		}
		if what == OneConfig {
			delete(s.configs, name)
			s.order = append(s.order, "configuration")
			return nil
		}
		e := s.endpoint(name)
		if time.Now().Before(e.ready) {
			return &ControlError{Problem: ProblemBusy, Err: errors.New("it is being created")}
		}
		e.gone = time.Now().Add(deletion)
		s.order = append(s.order, "endpoint")
		return nil
	})
}

func (s *site) Describe(_ context.Context, name string) (state EndpointState, err error) {
	err = s.call(func() error {
		e := s.endpoint(name)
		if e == nil {
			return &ControlError{Problem: ProblemMissing, Err: fmt.Errorf("no endpoint %s", name)}
		}
		state = EndpointState{Name: name, Status: Creating}
		switch {
		case time.Now().Before(e.ready):
		case s.failure != "":
			state.Status, state.Failure = Failed, s.failure
		default:
			state.Status = InService
			state.Variants = []VariantState{{Name: e.d.Variant, InstanceType: e.d.InstanceType, Current: 1, Desired: 1}}
		}
		return nil
	})
	return state, err
}

func (s *site) plane() Plane { return Plane{Hosting: s, Autoscaler: s, Journal: s, Deployer: s} }

func ours() Deployment {
	return Deployment{Name: "plimsoll-1-ml-m5-xlarge", Variant: "AllTraffic", Model: "iris", InstanceType: "ml.m5.xlarge", Region: "eu-central-1", Run: "1"}
}

// TestDeployedIsDeleted whatever happens in between: the endpoint first, then its
// configuration.
func TestDeployedIsDeleted(t *testing.T) {
	for name, do := range map[string]func(context.Context, context.CancelFunc) error{
		"success":     func(context.Context, context.CancelFunc) error { return nil },
		"failure":     func(context.Context, context.CancelFunc) error { return errors.New("no peak") },
		"interrupted": func(ctx context.Context, cancel context.CancelFunc) error { cancel(); return ctx.Err() },
		"panic":       func(context.Context, context.CancelFunc) error { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite()
				v, changes := Deploy(ours(), "0.23 USD an hour")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ran := false
				func() {
					defer func() { _ = recover() }()
					_ = s.plane().Pinned(ctx, v, changes, func(ctx context.Context) error {
						if e, err := s.Describe(ctx, v.Endpoint); err != nil || e.Status != InService {
							t.Errorf("measured on %+v, %v", e, err)
						}
						ran = true
						return do(ctx, cancel)
					})
				}()
				if got := strings.Join(s.order, ", "); !ran || got != "endpoint, configuration" || len(s.configs)+len(s.endpoints) > 0 {
					t.Errorf("ran %t; deleted %s; left %v, %v", ran, got, s.configs, s.endpoints)
				}
			})
		})
	}
}

// TestInterruptedWhileItIsCreated: what is being created is deleted as soon as it can be.
func TestInterruptedWhileItIsCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		v, changes := Deploy(ours(), "")
		ctx, cancel := context.WithTimeout(t.Context(), creation/2)
		defer cancel()
		err := s.plane().Pinned(ctx, v, changes, func(context.Context) error { t.Error("measured"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) || len(s.configs)+len(s.endpoints) > 0 {
			t.Errorf("%v; left %v, %v", err, s.configs, s.endpoints)
		}
	})
}

// TestInterruptedWhileItIsAskedFor: a request that was sent is heard out. Otherwise the thing
// would be looked for, and not found, before it appears.
func TestInterruptedWhileItIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.lag = 10 * time.Second
		v, changes := Deploy(ours(), "")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := s.plane().Pinned(ctx, v, changes, func(context.Context) error { t.Error("measured"); return nil })
		time.Sleep(time.Minute)
		if !errors.Is(err, context.DeadlineExceeded) || len(s.configs)+len(s.endpoints) > 0 {
			t.Errorf("%v; left %v, %v", err, s.configs, s.endpoints)
		}
	})
}

func TestDeployedThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.failure = "the container did not answer /ping"
		v, changes := Deploy(ours(), "")
		err := s.plane().Pinned(t.Context(), v, changes, func(context.Context) error { t.Error("measured"); return nil })
		if !isProblem(err, ProblemFailed) || !strings.Contains(err.Error(), "/ping") || len(s.configs)+len(s.endpoints) > 0 {
			t.Errorf("%v; left %v, %v", err, s.configs, s.endpoints)
		}
	})
}

// TestDeployIsKilledAtEveryStep: after restore, of which the first is killed as well,
// nothing is left.
func TestDeployIsKilledAtEveryStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := func(s *site) error {
			v, changes := Deploy(ours(), "")
			return s.plane().Pinned(t.Context(), v, changes, func(context.Context) error { return nil })
		}
		whole := newSite()
		if err := run(whole); err != nil {
			t.Fatal(err)
		}
		if whole.calls < 12 {
			t.Fatalf("only %d calls: it does nothing", whole.calls)
		}
		for at := 1; at <= whole.calls; at++ {
			for _, after := range []bool{false, true} {
				s := newSite()
				s.diesAt, s.after = at, after
				if err := run(s); !errors.Is(err, errDead) {
					t.Fatalf("killed at call %d: %v", at, err)
				}
				s.calls, s.diesAt = 0, 3
				_, _ = s.plane().Undo(t.Context(), ours().variant(), s.intents, false)
				s.calls, s.diesAt = 0, 0
				for range 2 { // the second has nothing to do
					if left, err := s.plane().Undo(t.Context(), ours().variant(), s.intents, false); err != nil {
						t.Fatalf("killed at call %d, restore: %v, left %v", at, err, left)
					}
				}
				if len(s.configs)+len(s.endpoints) > 0 {
					t.Fatalf("killed at call %d of %d (after its effect: %t): left %v, %v", at, whole.calls, after, s.configs, s.endpoints)
				}
			}
		}
		t.Logf("%d calls, each killed before and after its effect", whole.calls)
	})
}

func TestWhatCannotBeDeletedIsListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		v, changes := Deploy(ours(), "")
		err := s.plane().Make(t.Context(), v, changes)
		if err != nil {
			t.Fatal(err)
		}
		s.refusal = &ControlError{Problem: ProblemDenied, Err: errors.New("not authorized"), Remedy: "allow the action sagemaker:DeleteEndpoint"}
		left, err := s.plane().Undo(t.Context(), v, s.intents, false)
		if len(left) != 2 || !isProblem(err, ProblemLeftovers) {
			t.Fatalf("left %+v, %v", left, err)
		}
		if len(s.configs) != 1 {
			t.Error("the configuration of an endpoint that is left was deleted")
		}
		const want = "aws sagemaker delete-endpoint --endpoint-name plimsoll-1-ml-m5-xlarge --region eu-central-1"
		if left[0].Command != want {
			t.Errorf("command %s\nwant    %s", left[0].Command, want)
		}
	})
}

func TestDeployShowsWhatItCosts(t *testing.T) {
	_, changes := Deploy(ours(), "0.23 USD an hour")
	var lines []string
	for _, c := range changes {
		lines = append(lines, c.Lines()...)
	}
	shown := strings.Join(lines, "\n")
	for _, want := range []string{"endpoint plimsoll-1-ml-m5-xlarge: to be measured", "0.23 USD an hour", "- (none)", "+ model iris on one ml.m5.xlarge", "plimsoll:run=1"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in\n%s", want, shown)
		}
	}
}
