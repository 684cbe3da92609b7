package experiment

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/proof"

	"github.com/google/go-cmp/cmp"
)

// tuning is one of the world's variant whose peak and proof are given.
func tuning(w *world, verdict proof.Verdict) Tuning {
	pin, err := Pin(one, w.endpoint, w.scaling)
	if err != nil {
		panic(err) // the worlds of these tests can be pinned
	}
	return Tuning{
		Variant: one, Plane: w.plane(), Pin: pin,
		Find: func(context.Context) (Result, error) {
			if err := w.call(func() error { return nil }); err != nil {
				return Result{}, err
			}
			return Result{Target: &Target{PerMinute: 600}}, nil
		},
		Clock: realTime{},
		Prove: func(context.Context, Result) (*Verification, error) {
			err := w.call(func() error {
				w.endpoint.Variants[0].Current, w.endpoint.Variants[0].Desired = 3, 3 // the policy at work
				return nil
			})
			return &Verification{Result: proof.Result{Verdict: verdict}}, err
		},
		Agree: func(context.Context, Proposal) error { return nil },
	}
}

// realTime is the clock of AWS itself.
type realTime struct{}

func (realTime) Now() time.Time                     { return time.Now() }
func (realTime) Here(d time.Duration) time.Duration { return d }

func tunedTo() Wanted {
	return Wanted{Min: 1, Max: 4, ScaleOut: 5 * time.Minute, ScaleIn: 5 * time.Minute, Replace: true}
}

// What a tuning leaves depends on the verdict and on the plan; what it pinned is given
// back in every case.
func TestTune(t *testing.T) {
	failed := errors.New("the load could not be held")
	for name, c := range map[string]struct {
		verdict proof.Verdict
		plan    TunePlan
		change  func(*Tuning)
		err     error
		keeps   bool
	}{
		"proved":                         {verdict: proof.Works, keeps: true},
		"proved, to be taken back":       {verdict: proof.Works, plan: TunePlan{TakeBack: true}},
		"not proved":                     {verdict: proof.NoScaling, keeps: true},
		"not proved, to be rolled back":  {verdict: proof.NoScaling, plan: TunePlan{RollBack: true}},
		"slow, to be rolled back if not": {verdict: proof.WorksSlowly, plan: TunePlan{RollBack: true}, keeps: true},
		"without a proof":                {change: func(t *Tuning) { t.Prove = nil }, plan: TunePlan{RollBack: true}, keeps: true},
		"no peak": {change: func(t *Tuning) {
			t.Find = func(context.Context) (Result, error) { return Result{}, nil }
		}},
		"the search fails": {err: failed, change: func(t *Tuning) {
			t.Find = func(context.Context) (Result, error) { return Result{}, failed }
		}},
		"the proof fails": {err: failed, change: func(t *Tuning) {
			t.Prove = func(context.Context, Result) (*Verification, error) { return nil, failed }
		}},
		"declined after the search": {err: failed, change: func(t *Tuning) {
			t.Agree = func(_ context.Context, p Proposal) error {
				if slices.ContainsFunc(p.Changes, func(c Change) bool { return c.What == OnePolicy }) {
					return failed
				}
				return nil
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(2, scaled())
				instances, state := w.looks()
				tune := tuning(w, c.verdict)
				if c.change != nil {
					c.change(&tune)
				}
				c.plan.Wanted = tunedTo()
				tuned, err := tune.Run(t.Context(), c.plan)
				if !errors.Is(err, c.err) {
					t.Fatalf("error %v, want %v", err, c.err)
				}
				gotInstances, got := w.looks()
				same := cmp.Equal(state, got) && instances == gotInstances
				if c.keeps == same {
					t.Errorf("kept %t, want %t: %d instances, %+v", !same, c.keeps, gotInstances, got)
				}
				if !tuned.Restored {
					t.Errorf("restored is false: %+v", tuned.Changes)
				}
				for _, m := range tuned.Changes {
					if m.Undone == m.Kept {
						t.Errorf("undone %t, kept %t: %+v", m.Undone, m.Kept, m.Change)
					}
				}
			})
		})
	}
}

// What was agreed to is not made on a variant that somebody has changed since.
func TestTuneIsRefusedWhatHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, scaled())
		tune := tuning(w, proof.Works)
		tune.Find = func(context.Context) (Result, error) { t.Error("searched"); return Result{}, nil }
		w.scaling.Target = &ScalableTarget{Min: 2, Max: 9}
		instances, state := w.looks()
		tuned, err := tune.Run(t.Context(), TunePlan{Wanted: tunedTo()})
		if trouble, ok := errors.AsType[*ControlError](err); !ok || trouble.Problem != ProblemChanged {
			t.Errorf("error %v, want one of %q", err, ProblemChanged)
		}
		if gotInstances, got := w.looks(); !cmp.Equal(state, got) || instances != gotInstances || !tuned.Restored {
			t.Errorf("%d instances, %+v, restored %t; want it untouched", gotInstances, got, tuned.Restored)
		}
	})
}

func TestTunedSaysWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, scaled())
		tune := tuning(w, proof.Works)
		prove := tune.Prove
		tune.Prove = func(ctx context.Context, r Result) (*Verification, error) {
			w.scaling.Target = &ScalableTarget{Min: 1, Max: 9} // somebody else
			return prove(ctx, r)
		}
		tuned, err := tune.Run(t.Context(), TunePlan{Wanted: tunedTo(), TakeBack: true})
		if trouble, ok := errors.AsType[*ControlError](err); !ok || trouble.Problem != ProblemLeftovers {
			t.Errorf("error %v, want one of %q", err, ProblemLeftovers)
		}
		if tuned.Restored {
			t.Error("restored is true, and the scalable target is not as it was")
		}
	})
}
