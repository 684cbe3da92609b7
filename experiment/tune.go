package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plimsoll/proof"
	"plimsoll/scaling"
)

// Tuning is the whole of AWS's guide on one variant: pin it to one instance, find the
// peak, give it back, apply the policy that follows, prove it.
//
//	Pin ─ agree ─┬─ Find ─┬─ give back ─ Apply ─ agree ─ make ─ Prove ─┬─ keep
//	             └────────┘                                            └─ take back
//
// What a tuning has changed is in the journal of its plane, and is taken back when it
// fails, is declined or is told to end. Only a policy that was proved, or that the plan
// keeps all the same, stays.
type Tuning struct {
	Variant Variant
	Plane   Plane
	// Pin are the changes for the search, which were shown and agreed to. They are refused
	// where somebody has changed the variant since.
	Pin []Change
	// Find searches for the peak while the variant is pinned.
	Find func(context.Context) (Result, error)
	// Clock is the services', for the wait before a policy that is to be proved.
	Clock Clock
	// Prove holds a programme against the policy in force. Nil: it is not proved.
	Prove func(context.Context, Result) (*Verification, error)
	// Agree shows changes and asks whether they may be made; its error ends the tuning.
	Agree func(context.Context, Proposal) error
}

// TunePlan is what becomes of the peak.
type TunePlan struct {
	Wanted Wanted `json:"wanted"` // the target aside, which the peak makes
	// TakeBack takes the policy away again, whatever came of it, as a rehearsal does.
	TakeBack bool `json:"take_back"`
	// RollBack takes it away when it is not proved.
	RollBack bool `json:"rollback_on_fail"`
}

// Proposal is changes that somebody has to agree to.
type Proposal struct {
	Question string
	Changes  []Change
	Warnings []string
}

// Tuned is what came of a tuning: what Find has found, and what followed.
type Tuned struct {
	Result

	Verify   *Verification `json:"verify"` // null: nothing was proved
	Policy   *proof.Policy `json:"policy"` // that was applied; null: none was
	Changes  []Made        `json:"changes"`
	Restored bool          `json:"restored"` // all that was to be given back is as it was
}

// Kept says whether the policy stays.
func (t Tuned) Kept() bool {
	return slices.ContainsFunc(t.Changes, func(m Made) bool { return m.Kept })
}

// Made is a change that was made, and what became of it.
type Made struct {
	Change

	Undone bool   `json:"undone"`
	How    string `json:"how,omitzero"` // it was undone
	Kept   bool   `json:"kept"`         // it is to stay
}

// Run does it all. The Tuned is what is known so far also when it comes with an error.
func (t Tuning) Run(ctx context.Context, plan TunePlan) (Tuned, error) {
	book := &remembering{Journal: t.Plane.Journal}
	t.Plane.Journal = book
	tuned := Tuned{}
	err := t.run(ctx, plan, &tuned, book)
	tuned.Changes = book.made()
	tuned.Restored = !slices.ContainsFunc(tuned.Changes, func(m Made) bool { return !m.Undone && !m.Kept })
	return tuned, err
}

func (t Tuning) run(ctx context.Context, plan TunePlan, tuned *Tuned, book *remembering) error {
	found, err := t.find(ctx)
	tuned.Result = found
	if err != nil || found.Target == nil {
		return err
	}
	if t.Prove != nil {
		t.Plane.note("waiting %v of the services' time, so that the search's own requests do not fire the new policy's alarms", quiet)
		if err := sleep(ctx, t.Clock.Here(quiet)); err != nil {
			return context.Cause(ctx)
		}
	}
	wanted := plan.Wanted
	wanted.Target = scaling.PerMinute(found.Target.PerMinute)
	changes, err := t.propose(ctx, wanted)
	if err != nil {
		return err
	}
	before := len(book.intents)
	takeBack := func(why string) error {
		t.Plane.note("taking the policy back: %s", why)
		return t.Plane.GiveBack(ctx, t.Variant, book.intents[before:])
	}
	if err := t.Plane.Make(ctx, t.Variant, changes); err != nil {
		return errors.Join(err, takeBack(err.Error()))
	}
	tuned.Policy = wanted.InForce(t.Variant)
	if t.Prove != nil {
		if tuned.Verify, err = t.Prove(ctx, found); err != nil {
			return errors.Join(err, takeBack(err.Error()))
		}
	}
	switch {
	case plan.TakeBack:
		return takeBack("it was to be tried only")
	case plan.RollBack && tuned.Verify != nil && !works(tuned.Verify.Verdict):
		return takeBack(fmt.Sprintf("the verdict is %q", tuned.Verify.Verdict))
	}
	book.keep(before)
	return nil
}

// quiet is how long the requests of a search can still fire an alarm of three minutes: as
// long as they are among its datapoints, with the delay of the metric, and a minute more.
const quiet = 7 * time.Minute

// works says whether a policy does what it is for, if not well.
func works(v proof.Verdict) bool {
	return slices.Contains([]proof.Verdict{proof.Works, proof.WorksSlowly, proof.WorksCostly, proof.WorksFlaps}, v)
}

// InForce is the policy that is wanted, as a proof sees it.
func (w Wanted) InForce(v Variant) *proof.Policy {
	p := w.asPolicy(v)
	return &proof.Policy{
		Name: p.Name, Metric: p.Metric, Target: float64(w.Target), Min: w.Min, Max: w.Max,
		ScaleOut: proof.Span(w.ScaleOut), ScaleIn: proof.Span(w.ScaleIn), DisableScaleIn: w.DisableScaleIn,
	}
}

// find looks for the peak with one instance, and gives the variant back.
func (t Tuning) find(ctx context.Context) (found Result, err error) {
	err = t.Plane.Pinned(ctx, t.Variant, t.Pin, func(ctx context.Context) error {
		found, err = t.Find(ctx)
		return err
	})
	return found, err
}

// propose computes what is to be applied, and has it agreed to. A policy moves the number
// of instances: so that it can be given back too, it is among the changes.
func (t Tuning) propose(ctx context.Context, w Wanted) ([]Change, error) {
	e, s, err := t.Plane.Look(ctx, t.Variant)
	if err != nil {
		return nil, err
	}
	changes, warnings, err := Apply(t.Variant, e, s, w)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(changes, func(c Change) bool { return c.What == Instances }) {
		state, err := e.Variant(t.Variant.Name)
		if err != nil {
			return nil, err
		}
		now := Setting{Instances: state.Desired}
		changes = append([]Change{{What: Instances, Current: now, Desired: now, Reason: "from here on the policy decides"}}, changes...)
	}
	return changes, t.Agree(ctx, Proposal{Question: "apply this policy?", Changes: changes, Warnings: warnings})
}

// made are the changes that a journal was told of, in their order.
func (r *remembering) made() []Made {
	made := []Made{}
	for n, i := range r.intents {
		made = append(made, Made{Change: i.Change, Undone: i.Undone, How: r.how[i.Number], Kept: r.keeping && n >= r.kept})
	}
	return made
}

// keep notes that the changes from the n-th on are to stay.
func (r *remembering) keep(n int) { r.keeping, r.kept = true, n }
