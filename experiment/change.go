package experiment

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// What is a thing that Plimsoll changes on an endpoint.
type What string

// The things.
const (
	Instances   What = "instances"       // how many a variant has
	Copies      What = "copies"          // how many an inference component has
	Bounds      What = "scalable_target" // capacity bounds and suspension
	OnePolicy   What = "policy"
	OneConfig   What = "endpoint_config" // made to be measured, and deleted after
	OneEndpoint What = "endpoint"        // likewise
)

// Change is one change of somebody's endpoint: it is computed, shown, journaled, made,
// and can be undone.
type Change struct {
	What    What    `json:"what"`
	Name    string  `json:"name,omitzero"` // of the policy, or of what is made
	Current Setting `json:"current"`
	Desired Setting `json:"desired"`
	Reason  string  `json:"reason"`
}

// Setting is how a thing is: one of the fields, by the [What]. The zero value is a thing
// that does not exist.
type Setting struct {
	Instances  int             `json:"instances,omitzero"` // or copies
	Bounds     *ScalableTarget `json:"scalable_target,omitempty"`
	Policy     *Policy         `json:"policy,omitempty"`
	Deployment *Deployment     `json:"deployment,omitempty"` // of an endpoint and of its configuration
}

// Exists says whether there is a thing.
func (s Setting) Exists() bool {
	return s.Instances > 0 || s.Bounds != nil || s.Policy != nil || s.Deployment != nil
}

// Equal says whether two settings are the same thing to AWS. Alarms are not compared:
// AWS makes them anew.
func (s Setting) Equal(o Setting) bool {
	switch {
	case s.Instances != o.Instances || (s.Bounds == nil) != (o.Bounds == nil) || (s.Policy == nil) != (o.Policy == nil):
		return false
	case s.Bounds != nil && *s.Bounds != *o.Bounds:
		return false
	case (s.Deployment == nil) != (o.Deployment == nil) || s.Deployment != nil && *s.Deployment != *o.Deployment:
		return false
	case s.Policy == nil:
		return true
	}
	return s.Policy.equal(*o.Policy)
}

func (p Policy) equal(o Policy) bool {
	return p.Name == o.Name && p.Metric == o.Metric && p.Target == o.Target && p.DisableScaleIn == o.DisableScaleIn &&
		cooldown(p.ScaleOut) == cooldown(o.ScaleOut) && cooldown(p.ScaleIn) == cooldown(o.ScaleIn) &&
		bytes.Equal(p.Custom, o.Custom) && bytes.Equal(p.Step, o.Step) && bytes.Equal(p.Other, o.Other)
}

// awsCooldown is what a cooldown that is not given means for SageMaker.
const awsCooldown = 300

func cooldown(seconds *int) int {
	if seconds == nil {
		return awsCooldown
	}
	return *seconds
}

// now is how the thing of a change is at present.
func (c Change) now(v Variant, e EndpointState, s ScalingState) Setting {
	switch c.What {
	case Instances, Copies:
		if _, desired, err := e.scaled(v); err == nil {
			return Setting{Instances: desired}
		}
	case Bounds:
		return Setting{Bounds: s.Target}
	case OnePolicy:
		if at := slices.IndexFunc(s.Policies, func(p Policy) bool { return p.Name == c.Name }); at >= 0 {
			policy := s.Policies[at]
			return Setting{Policy: &policy}
		}
	case OneConfig, OneEndpoint: // they are not of this endpoint
	}
	return Setting{}
}

// Lines show a change to people as a difference: "-" what is, "+" what will be.
func (c Change) Lines() []string {
	title := strings.TrimPrefix(c.thing(), "the ")
	lines := []string{fmt.Sprintf("  %s: %s", title, c.Reason)}
	was, will := c.Current.facts(), c.Desired.facts()
	if len(was) == 0 {
		lines = append(lines, "    - (none)")
	}
	for _, f := range was {
		if !slices.Contains(will, f) {
			lines = append(lines, "    - "+f)
		}
	}
	for _, f := range will {
		mark := "+"
		if slices.Contains(was, f) {
			mark = " "
		}
		lines = append(lines, "    "+mark+" "+f)
	}
	if len(will) == 0 {
		lines = append(lines, "    + (none)")
	}
	return lines
}

// facts are a setting in words, a line each.
func (s Setting) facts() []string {
	switch {
	case s.Deployment != nil:
		return s.Deployment.facts()
	case s.Policy != nil:
		return s.Policy.facts()
	case s.Bounds != nil:
		return []string{
			fmt.Sprintf("capacity %d to %d", s.Bounds.Min, s.Bounds.Max),
			"suspended: " + s.Bounds.Suspended.words(),
		}
	case s.Instances > 0:
		return []string{fmt.Sprintf("%d", s.Instances)}
	}
	return nil
}

func (p Policy) facts() []string {
	switch {
	case len(p.Step) > 0:
		return []string{"step scaling " + string(p.Step)}
	case len(p.Other) > 0:
		return []string{string(p.Other)}
	}
	metric := p.Metric
	if metric == "" {
		metric = "customized metric " + string(p.Custom)
	}
	facts := []string{metric, fmt.Sprintf("target value %g", p.Target)}
	if unit := UnitOfTarget(p.Metric); unit != "" {
		facts[1] = fmt.Sprintf("target value %g%s", p.Target, unit)
		if !concurrency(p.Metric) {
			facts[1] += fmt.Sprintf(" (%.4g/s)", p.Target/60)
		}
	}
	scaleIn := "scale-in enabled"
	if p.DisableScaleIn {
		scaleIn = "scale-in disabled"
	}
	return append(facts,
		fmt.Sprintf("scale-out cooldown %d s", cooldown(p.ScaleOut)), fmt.Sprintf("scale-in cooldown %d s", cooldown(p.ScaleIn)), scaleIn)
}

func (s Suspension) words() string {
	var parts []string
	for _, p := range []struct {
		on   bool
		name string
	}{{s.Out, "scale-out"}, {s.In, "scale-in"}, {s.Scheduled, "scheduled actions"}} {
		if p.on {
			parts = append(parts, p.name)
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
