package autoscaling

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

// The types of policies.
const (
	targetTracking    = "TargetTrackingScaling"
	stepScaling       = "StepScaling"
	predictiveScaling = "PredictiveScaling"
)

// policy is a scaling policy: exactly one of Tracking and Step is set.
type policy struct {
	Name     string          `json:"name"`
	Created  time.Time       `json:"created"`
	Tracking *trackingConfig `json:"tracking,omitempty"`
	Step     *stepConfig     `json:"step,omitempty"`
	Creator  string          `json:"creator,omitempty"` // in the action of its own alarms
	High     Alarm           `json:"high,omitzero"`
	Low      Alarm           `json:"low,omitzero"`

	Fired string            `json:"fired,omitempty"` // alarm of a step policy that fired last
	Noted map[string]string `json:"noted,omitempty"` // why not scaled, by alarm, in this stay in ALARM
}

func (p *policy) kind() string {
	if p.Step != nil {
		return stepScaling
	}
	return targetTracking
}

// rule is the policy as scaling knows it.
func (p *policy) rule() scaling.Policy {
	rule := scaling.Policy{Name: p.Name}
	if p.Step != nil {
		step := p.Step.rule()
		rule.Step = &step
	} else {
		tracking := p.Tracking.rule()
		rule.TargetTracking = &tracking
	}
	return rule
}

// ownAlarms are the names of the alarms that go with the policy.
func (p *policy) ownAlarms() []string {
	var names []string
	for _, alarm := range []Alarm{p.High, p.Low} {
		if alarm.AlarmName != "" {
			names = append(names, alarm.AlarmName)
		}
	}
	return names
}

func (t *target) rules() []scaling.Policy {
	rules := make([]scaling.Policy, 0, len(t.Policies))
	for _, p := range t.Policies {
		rules = append(rules, p.rule())
	}
	return rules
}

func (t *target) policy(name string) *policy {
	i, found := t.findPolicy(name)
	if !found {
		return nil
	}
	return t.Policies[i]
}

func (t *target) findPolicy(name string) (int, bool) {
	return slices.BinarySearchFunc(t.Policies, name, func(p *policy, name string) int { return strings.Compare(p.Name, name) })
}

func (a *Autoscaler) policyARN(t *target, p *policy) string {
	return fmt.Sprintf("arn:aws:autoscaling:%s:%s:scalingPolicy:%s:resource/%s/%s:policyName/%s",
		a.opts.Region, a.opts.Account, t.Ref, namespace, t.Resource, p.Name)
}

type putScalingPolicyInput struct {
	targetRef

	PolicyName                               string          `json:"PolicyName,omitempty"`
	PolicyType                               string          `json:"PolicyType,omitempty"`
	StepScalingPolicyConfiguration           *stepConfig     `json:"StepScalingPolicyConfiguration,omitempty"`
	TargetTrackingScalingPolicyConfiguration *trackingConfig `json:"TargetTrackingScalingPolicyConfiguration,omitempty"`
}

type putScalingPolicyOutput struct {
	PolicyARN string  `json:"PolicyARN"`
	Alarms    []Alarm `json:"Alarms"`
}

// putScalingPolicy makes a policy or updates it in place.
func (a *Autoscaler) putScalingPolicy(in *putScalingPolicyInput) (*putScalingPolicyOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t, err := a.require(in.targetRef)
	if err != nil {
		return nil, err
	}
	p := t.policy(in.PolicyName)
	known := p != nil
	if !known {
		p = &policy{Name: in.PolicyName, Created: a.now()}
		if len(t.Policies) >= maxPolicies {
			return nil, limitExceeded("Maximum number of scaling policies for scalable target %s reached: %d. Delete some", t.Resource, maxPolicies)
		}
	}
	kind, err := in.kind(p, known)
	if err != nil {
		return nil, err
	}
	if kind == stepScaling {
		err = in.putStep(p)
	} else {
		err = a.putTracking(t, p, in.TargetTrackingScalingPolicyConfiguration)
	}
	if err != nil {
		return nil, err
	}
	if i, found := t.findPolicy(p.Name); !found {
		t.Policies = slices.Insert(t.Policies, i, p)
	}
	return &putScalingPolicyOutput{PolicyARN: a.policyARN(t, p), Alarms: p.alarms()}, nil
}

// check refuses what is wrong whatever there is already.
func (in *putScalingPolicyInput) check() error {
	var c wire.Checks
	in.require(&c)
	c.Required("policyName", in.PolicyName != "")
	c.Length("policyName", in.PolicyName, 1, 256)
	c.Pattern("policyName", in.PolicyName, policyNamePattern)
	c.Enum("policyType", in.PolicyType, stepScaling, targetTracking, predictiveScaling)
	if t := in.TargetTrackingScalingPolicyConfiguration; t != nil {
		t.require(&c)
	}
	if s := in.StepScalingPolicyConfiguration; s != nil {
		s.require(&c)
	}
	return c.Err()
}

// kind is the type that a policy has or shall have, which its configuration must fit.
func (in *putScalingPolicyInput) kind(p *policy, known bool) (string, error) {
	kind := in.PolicyType
	switch {
	case kind == predictiveScaling:
		return "", invalid("PredictiveScaling policies are not supported for service namespace %s", namespace)
	case kind == "" && !known:
		return "", invalid("PolicyType must be specified when a scaling policy is created")
	case known && kind != "" && kind != p.kind():
		return "", invalid("PolicyType of scaling policy %s cannot be changed from %s to %s. Delete the policy first", p.Name, p.kind(), kind)
	case known:
		kind = p.kind()
	}
	if kind == stepScaling && in.TargetTrackingScalingPolicyConfiguration != nil ||
		kind == targetTracking && in.StepScalingPolicyConfiguration != nil {
		return "", invalid("The configuration of the scaling policy must be that of its PolicyType, %s", kind)
	}
	return kind, nil
}

func (in *putScalingPolicyInput) putStep(p *policy) error {
	given := in.StepScalingPolicyConfiguration
	if given == nil {
		if p.Step == nil {
			return invalid("StepScalingPolicyConfiguration must be specified for policy type %s", stepScaling)
		}
		return nil
	}
	config := given.after(p.Step)
	if err := config.check(); err != nil {
		return err
	}
	p.Step = config
	return nil
}

func (a *Autoscaler) putTracking(t *target, p *policy, given *trackingConfig) error {
	if given == nil {
		if p.Tracking == nil {
			return invalid("TargetTrackingScalingPolicyConfiguration must be specified for policy type %s", targetTracking)
		}
		return nil
	}
	config := given.after(p.Tracking)
	if err := config.check(t.Dimension); err != nil {
		return err
	}
	for _, other := range t.Policies {
		if other != p && other.Tracking != nil && other.Tracking.sameMetric(config) {
			return invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
		}
	}
	p.Creator = or(p.Creator, a.opts.NewID())
	if err := a.putAlarms(t, p, config); err != nil {
		return err
	}
	p.Tracking = config
	return nil
}

// alarms are the policy's own, never nil.
func (p *policy) alarms() []Alarm {
	alarms := []Alarm{}
	for _, alarm := range []Alarm{p.High, p.Low} {
		if alarm.AlarmName != "" {
			alarms = append(alarms, alarm)
		}
	}
	return alarms
}

type deleteScalingPolicyInput struct {
	targetRef

	PolicyName string `json:"PolicyName,omitempty"`
}

// deleteScalingPolicy removes a policy with the alarms of target tracking; those that
// somebody made for a step policy stay.
func (a *Autoscaler) deleteScalingPolicy(in *deleteScalingPolicyInput) (*empty, error) {
	var c wire.Checks
	in.require(&c)
	c.Required("policyName", in.PolicyName != "")
	c.Length("policyName", in.PolicyName, 1, 1600)
	if err := c.Err(); err != nil {
		return nil, err
	}
	k, err := in.key()
	if err != nil {
		return nil, err
	}
	t := a.targets[k]
	var p *policy
	if t != nil {
		p = t.policy(in.PolicyName)
	}
	if p == nil {
		return nil, notFound("No scaling policy found for service namespace: %s, resource ID: %s, scalable dimension: %s, policy name: %s",
			namespace, k.resource, k.dimension, in.PolicyName)
	}
	if own := p.ownAlarms(); len(own) > 0 {
		if err := a.opts.Alarms.Delete(own...); err != nil {
			return nil, err
		}
	}
	t.Policies = slices.DeleteFunc(t.Policies, func(other *policy) bool { return other == p })
	t.State.Forget(p.Name)
	return nil, nil
}

type describeScalingPoliciesInput struct {
	targetRef
	pageRef

	PolicyNames []string `json:"PolicyNames,omitempty"`
}

type describeScalingPoliciesOutput struct {
	ScalingPolicies []scalingPolicy `json:"ScalingPolicies"`
	NextToken       string          `json:"NextToken,omitempty"`
}

type scalingPolicy struct {
	targetRef

	PolicyARN                                string          `json:"PolicyARN"`
	PolicyName                               string          `json:"PolicyName"`
	PolicyType                               string          `json:"PolicyType"`
	StepScalingPolicyConfiguration           *stepConfig     `json:"StepScalingPolicyConfiguration,omitempty"`
	TargetTrackingScalingPolicyConfiguration *trackingConfig `json:"TargetTrackingScalingPolicyConfiguration,omitempty"`
	Alarms                                   []Alarm         `json:"Alarms"`
	CreationTime                             wire.Time       `json:"CreationTime"`
}

func (a *Autoscaler) describeScalingPolicies(in *describeScalingPoliciesInput) (*describeScalingPoliciesOutput, error) {
	var c wire.Checks
	in.allow(&c)
	c.Range("policyNames", float64(len(in.PolicyNames)), 0, selectedNames)
	if err := c.Err(); err != nil {
		return nil, err
	}
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	type placed struct {
		t *target
		p *policy
	}
	var found []placed
	for _, t := range a.sorted(filter) {
		for _, p := range t.Policies {
			if len(in.PolicyNames) == 0 || slices.Contains(in.PolicyNames, p.Name) {
				found = append(found, placed{t, p})
			}
		}
	}
	question := append([]string{"DescribeScalingPolicies", filter.text()}, in.PolicyNames...)
	found, next, err := page(in.pageRef, policiesPage, question, found, func(f placed) string { return f.t.key().text() + "\x00" + f.p.Name })
	if err != nil {
		return nil, err
	}
	out := &describeScalingPoliciesOutput{ScalingPolicies: make([]scalingPolicy, 0, len(found)), NextToken: next}
	for _, f := range found {
		described := scalingPolicy{
			targetRef: f.t.key().ref(), PolicyARN: a.policyARN(f.t, f.p), PolicyName: f.p.Name, PolicyType: f.p.kind(),
			StepScalingPolicyConfiguration: f.p.Step, TargetTrackingScalingPolicyConfiguration: f.p.Tracking,
			Alarms: f.p.alarms(), CreationTime: wire.Time{Time: f.p.Created},
		}
		if f.p.Step != nil {
			described.Alarms = append(described.Alarms, a.opts.Alarms.Acting(described.PolicyARN)...)
		}
		out.ScalingPolicies = append(out.ScalingPolicies, described)
	}
	return out, nil
}
