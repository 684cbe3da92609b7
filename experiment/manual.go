package experiment

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ResourceID is what Application Auto Scaling calls a variant, or a component.
func (v Variant) ResourceID() string {
	if v.Component != "" {
		return "inference-component/" + v.Component
	}
	return "endpoint/" + v.Endpoint + "/variant/" + v.Name
}

// thing is what a change is about, in words.
func (c Change) thing() string {
	switch c.What {
	case Instances:
		return "the instances"
	case Copies:
		return "the copies"
	case Bounds:
		return "the scalable target"
	case OneConfig:
		return "endpoint configuration " + c.Name
	case OneEndpoint:
		return "endpoint " + c.Name
	default:
		return "policy " + c.Name
	}
}

// String is the setting in a line.
func (s Setting) String() string {
	if !s.Exists() {
		return "none"
	}
	return strings.Join(s.facts(), ", ")
}

// Command is what undoes a change by hand: a command of the AWS CLI.
func (c Change) Command(v Variant) string {
	was := c.Current
	target := fmt.Sprintf("--service-namespace sagemaker --resource-id %s --scalable-dimension %s", v.ResourceID(), v.Dimension())
	switch {
	case c.What.created():
		return c.deleting()
	case c.What == Instances:
		return fmt.Sprintf("aws sagemaker update-endpoint-weights-and-capacities --endpoint-name %s --desired-weights-and-capacities VariantName=%s,DesiredInstanceCount=%d",
			v.Endpoint, v.Name, was.Instances)
	case c.What == Copies:
		return fmt.Sprintf("aws sagemaker update-inference-component-runtime-config --inference-component-name %s --desired-runtime-config CopyCount=%d", v.Component, was.Instances)
	case was.Bounds != nil:
		return fmt.Sprintf("aws application-autoscaling register-scalable-target %s --min-capacity %d --max-capacity %d --suspended-state DynamicScalingInSuspended=%t,DynamicScalingOutSuspended=%t,ScheduledScalingSuspended=%t",
			target, was.Bounds.Min, was.Bounds.Max, was.Bounds.Suspended.In, was.Bounds.Suspended.Out, was.Bounds.Suspended.Scheduled)
	case c.What == Bounds:
		return "aws application-autoscaling deregister-scalable-target " + target
	case was.Policy == nil:
		return fmt.Sprintf("aws application-autoscaling delete-scaling-policy %s --policy-name %s", target, quoted(c.Name))
	case len(was.Policy.Step) > 0:
		return fmt.Sprintf("aws application-autoscaling put-scaling-policy %s --policy-name %s --policy-type StepScaling --step-scaling-policy-configuration %s",
			target, quoted(c.Name), quoted(string(was.Policy.Step)))
	}
	return fmt.Sprintf("aws application-autoscaling put-scaling-policy %s --policy-name %s --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration %s",
		target, quoted(c.Name), quoted(was.Policy.configuration()))
}

// configuration is a target-tracking policy as the AWS CLI takes it.
func (p Policy) configuration() string {
	type predefined struct{ PredefinedMetricType string }
	config := struct {
		TargetValue                   float64
		PredefinedMetricSpecification *predefined     `json:",omitempty"`
		CustomizedMetricSpecification json.RawMessage `json:",omitempty"`
		ScaleOutCooldown              int
		ScaleInCooldown               int
		DisableScaleIn                bool
	}{
		TargetValue: p.Target, CustomizedMetricSpecification: p.Custom,
		ScaleOutCooldown: cooldown(p.ScaleOut), ScaleInCooldown: cooldown(p.ScaleIn), DisableScaleIn: p.DisableScaleIn,
	}
	if p.Metric != "" {
		config.PredefinedMetricSpecification = &predefined{p.Metric}
	}
	text, err := json.Marshal(config)
	if err != nil { // only a customized metric that is no JSON
		return "{}"
	}
	return string(text)
}

// quoted writes a word for a shell.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
