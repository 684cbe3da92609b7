package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"plimsoll/scaling"
)

// ComponentState is how an inference component is: copies of a model on the instances of
// a variant.
type ComponentState struct {
	Name    string `json:"name"`
	Variant string `json:"variant"`
	Status  string `json:"status"`           // in SageMaker's spelling, as an endpoint's
	Failure string `json:"failure,omitzero"` // why it failed
	Current int    `json:"current_copies"`
	Desired int    `json:"desired_copies"`
}

// Managed is how SageMaker makes the instances of a variant follow its copies.
type Managed struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Component finds an inference component; the error of one that is not there names those
// that are.
func (e EndpointState) Component(name string) (ComponentState, error) {
	var names []string
	for _, c := range e.Components {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	remedy := "it has " + strings.Join(names, ", ")
	if len(names) == 0 {
		remedy = "it has none; leave --inference-component out"
	}
	return ComponentState{}, &ControlError{Problem: ProblemNoVariant, Err: fmt.Errorf("endpoint %s has no inference component %q", e.Name, name), Remedy: remedy}
}

// scaled is how many there are of what a Variant is about, and were asked for last:
// instances of a variant, or copies of a component.
func (e EndpointState) scaled(v Variant) (current, desired int, err error) {
	if v.Component == "" {
		state, err := e.Variant(v.Name)
		return state.Current, state.Desired, err
	}
	c, err := e.Component(v.Component)
	return c.Current, c.Desired, err
}

// settled says why a variant or a component takes no change at the moment; nil if it does.
func (e EndpointState) settled(v Variant) error {
	if err := e.Settled(); err != nil || v.Component == "" {
		return err
	}
	c, err := e.Component(v.Component)
	if err != nil {
		return err
	}
	as := EndpointState{Name: v.Endpoint, Status: c.Status, Failure: c.Failure}
	trouble, unsettled := errors.AsType[*ControlError](as.Settled())
	if !unsettled {
		return nil
	}
	trouble.Err = fmt.Errorf("inference component %s is %s: %s", c.Name, c.Status, cmp.Or(c.Failure, "it takes no change"))
	return trouble
}

// hosted are the names of the components on a variant.
func (e EndpointState) hosted(variant string) []string {
	var names []string
	for _, c := range e.Components {
		if c.Variant == variant {
			names = append(names, c.Name)
		}
	}
	return names
}

// copies are those of a component, with the instances that they need; nil where a Variant
// is about instances.
func (e EndpointState) copies(v Variant, state VariantState) (*scaling.Copies, error) {
	if v.Component == "" {
		return nil, nil //nolint:nilnil // most variants host none
	}
	component, err := e.Component(v.Component)
	if err != nil {
		return nil, err
	}
	copies := &scaling.Copies{
		Current: component.Current, Desired: component.Desired, Moving: component.Status != InService || e.Status != InService,
		Instances: state.Desired, Neighbours: len(e.hosted(state.Name)) - 1,
	}
	if m := state.Managed; m != nil {
		copies.Managed, copies.MinInstances, copies.MaxInstances = true, m.Min, m.Max
	}
	return copies, nil
}

// counts is the thing of which a Variant has a number.
func (v Variant) counts() What {
	if v.Component == "" {
		return Instances
	}
	return Copies
}

// counted says whether a thing is a number of instances or copies.
func (w What) counted() bool { return w == Instances || w == Copies }

// Units names what is counted, in the plural.
func (v Variant) Units() string { return string(v.counts()) }

// Unit is one of [Variant.Units].
func (v Variant) Unit() string {
	if v.Component == "" {
		return "instance"
	}
	return "copy"
}

// Dimension is what Application Auto Scaling calls the number that it changes.
func (v Variant) Dimension() string {
	if v.Component == "" {
		return scaling.DesiredInstanceCount
	}
	return scaling.DesiredCopyCount
}

// crowded are cautions about copies, which need instances.
func (v Variant) crowded(e EndpointState, state VariantState, most int) []string {
	if v.Component == "" {
		return nil
	}
	var cautions []string
	switch {
	case state.Managed == nil:
		cautions = append(cautions, fmt.Sprintf("the %d instances of variant %s do not follow the copies (no ManagedInstanceScaling): copies that find no room are never placed", state.Desired, state.Name))
	default:
		cautions = append(cautions, fmt.Sprintf("up to %d copies may need more instances first: SageMaker adds them by itself (%d to %d), which takes its minutes", most, state.Managed.Min, state.Managed.Max))
	}
	if others := len(e.hosted(state.Name)) - 1; others > 0 {
		cautions = append(cautions, fmt.Sprintf("%d other inference components share the variant's instances: their load changes what a copy can carry", others))
	}
	return cautions
}
