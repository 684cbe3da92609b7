package diagnosis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Permission is an action of IAM that some command needs.
type Permission struct {
	Action string // "sagemaker:DescribeEndpoint"
	On     Resource
	Writes bool // it changes something: it is not tried
	Uses   []Use
}

// Use is a command's use of a permission.
type Use struct {
	Command  string
	Note     string // when, or what is missing without it; empty: always
	Optional bool   // the command does without
}

// Resource is what a permission is about, as IAM writes it.
type Resource int

// The resources.
const (
	OnEndpoint Resource = iota // the endpoint, by its name
	OnEvery                    // every endpoint: what the account has is counted
	OnConfig                   // endpoint configurations, whose names come from the endpoint
	OnCopies                   // endpoints and configurations that a command makes for itself
	OnModel                    // models
	OnRole                     // the role of Application Auto Scaling
	OnAny                      // the services know no narrower resource, or one that is not known beforehand
)

// The commands that need something of AWS.
const (
	find, load, lint, pin, apply, restore, verify, tune, deploy, doctor = "find", "load", "lint", "pin", "apply", "restore", "verify", "tune", "deploy", "doctor"
)

// Commands are the commands that need something of AWS. "deploy" is what making an
// endpoint, or a copy of one, for a measurement takes.
func Commands() []string {
	return []string{find, load, lint, pin, apply, restore, verify, tune, deploy, doctor}
}

// CheckCommands reports names that are no commands.
func CheckCommands(names []string) error {
	for _, name := range names {
		if !slices.Contains(Commands(), name) {
			return fmt.Errorf("%q needs nothing of AWS, or is no command; there are %s", name, strings.Join(Commands(), ", "))
		}
	}
	return nil
}

func always(commands ...string) []Use {
	var uses []Use
	for _, c := range commands {
		uses = append(uses, Use{Command: c})
	}
	return uses
}

func optional(note string, commands ...string) []Use {
	var uses []Use
	for _, c := range commands {
		uses = append(uses, Use{Command: c, Note: note, Optional: true})
	}
	return uses
}

func when(note string, commands ...string) []Use {
	var uses []Use
	for _, c := range commands {
		uses = append(uses, Use{Command: c, Note: note})
	}
	return uses
}

const (
	notJudged  = "without it, not judged"
	notKnown   = "without it, not known"
	notCounted = "without it, other endpoints are not counted"
	notBooked  = "without it, not reconciled with CloudWatch"
)

const (
	listEndpoints    = "sagemaker:ListEndpoints"
	describeEndpoint = "sagemaker:DescribeEndpoint"
)

// Permissions is the one table of what the commands need: the page of the documentation
// and the policies are made from it.
func Permissions() []Permission {
	look := slices.Concat(optional(notBooked, find, load), always(lint, pin, apply, restore, verify, deploy, doctor))
	scaling := always(lint, pin, apply, restore, verify, doctor)
	all := []Permission{
		{Action: "sagemaker:InvokeEndpoint", On: OnEndpoint, Writes: true, Uses: always(find, load, verify)},
		{Action: "sagemaker:InvokeEndpointWithResponseStream", On: OnEndpoint, Writes: true, Uses: when("with `--stream`", find, load, verify)},
		{Action: describeEndpoint, On: OnEndpoint, Uses: look},
		{Action: "sagemaker:DescribeEndpointConfig", On: OnConfig, Uses: look},
		{Action: listEndpoints, On: OnAny, Uses: optional(notCounted, apply, deploy, doctor)},
		{Action: "application-autoscaling:DescribeScalableTargets", On: OnAny, Uses: scaling},
		{Action: "application-autoscaling:DescribeScalingPolicies", On: OnAny, Uses: scaling},
		{Action: "application-autoscaling:DescribeScheduledActions", On: OnAny, Uses: scaling},
		{Action: "application-autoscaling:DescribeScalingActivities", On: OnAny, Uses: slices.Concat(optional(notJudged, lint, verify), optional(notKnown, doctor))},
		{Action: "cloudwatch:GetMetricData", On: OnAny, Uses: slices.Concat(optional(notBooked, find, load), optional(notJudged, lint, verify), optional(notKnown, pin, doctor))},
		{Action: "cloudwatch:DescribeAlarms", On: OnAny, Uses: slices.Concat(optional(notJudged, lint), always(verify), optional(notKnown, doctor))},
		{Action: "cloudwatch:DescribeAlarmHistory", On: OnAny, Uses: slices.Concat(optional(notJudged, verify), optional(notKnown, doctor))},
		{Action: "servicequotas:ListServiceQuotas", On: OnAny, Uses: optional(notKnown, apply, deploy, doctor)},
		{Action: "servicequotas:ListAWSDefaultServiceQuotas", On: OnAny, Uses: optional(notKnown, apply, deploy, doctor)},
		{Action: "sagemaker:ListInferenceComponents", On: OnAny, Uses: when("where the variant hosts some", lint, pin, apply, restore)},
		{Action: "sagemaker:DescribeInferenceComponent", On: OnAny, Uses: when("where the variant hosts some", lint, pin, apply, restore)},
		{Action: "sagemaker:UpdateInferenceComponentRuntimeConfig", On: OnAny, Writes: true, Uses: when("with `--inference-component`", pin, apply, restore)},
		{Action: "sagemaker:UpdateEndpointWeightsAndCapacities", On: OnEndpoint, Writes: true, Uses: slices.Concat(always(pin, restore), when("where minimum or maximum moves the capacity", apply))},
		{Action: "application-autoscaling:RegisterScalableTarget", On: OnAny, Writes: true, Uses: always(pin, apply, restore)},
		{Action: "application-autoscaling:DeregisterScalableTarget", On: OnAny, Writes: true, Uses: slices.Concat(always(apply), when("of `apply`", restore))},
		{Action: "application-autoscaling:PutScalingPolicy", On: OnAny, Writes: true, Uses: slices.Concat(always(apply), when("of `apply`", restore))},
		{Action: "application-autoscaling:DeleteScalingPolicy", On: OnAny, Writes: true, Uses: slices.Concat(always(apply), when("of `apply`", restore))},
		{Action: "cloudwatch:PutMetricAlarm", On: OnAny, Writes: true, Uses: slices.Concat(always(apply), when("of `apply`", restore))},
		{Action: "cloudwatch:DeleteAlarms", On: OnAny, Writes: true, Uses: slices.Concat(always(apply), when("of `apply`", restore))},
		{Action: "iam:CreateServiceLinkedRole", On: OnRole, Writes: true, Uses: when("once for an account", pin, apply)},
		{Action: "sagemaker:CreateEndpointConfig", On: OnCopies, Writes: true, Uses: always(deploy)},
		{Action: "sagemaker:CreateEndpoint", On: OnCopies, Writes: true, Uses: always(deploy)},
		{Action: "sagemaker:DeleteEndpoint", On: OnCopies, Writes: true, Uses: slices.Concat(always(deploy), when("of `deploy`", restore))},
		{Action: "sagemaker:DeleteEndpointConfig", On: OnCopies, Writes: true, Uses: slices.Concat(always(deploy), when("of `deploy`", restore))},
		{Action: "sagemaker:AddTags", On: OnCopies, Writes: true, Uses: always(deploy)},
		{Action: "sagemaker:DescribeModel", On: OnModel, Uses: always(deploy)},
	}
	for i, p := range all {
		all[i].Uses = slices.Concat(p.Uses, ofTune(p.Uses))
	}
	return all
}

// ofTune is what tune, which is the other commands in a row, needs of a permission.
func ofTune(uses []Use) []Use {
	var best *Use
	for _, u := range uses {
		if !slices.Contains([]string{find, pin, apply, verify, restore}, u.Command) {
			continue
		}
		if best == nil || best.Optional && !u.Optional || best.Note != "" && u.Note == "" && best.Optional == u.Optional {
			best = &u
		}
	}
	if best == nil {
		return nil
	}
	if best.Note == "of `deploy`" {
		return nil
	}
	return []Use{{Command: tune, Note: best.Note, Optional: best.Optional}}
}

// service is the part of AWS that an action is of, as IAM names it.
func (p Permission) service() string {
	name, _, _ := strings.Cut(p.Action, ":")
	return name
}

// For says how some commands use the permission; no commands are all of them. Of several
// uses it is the one that asks the most.
func (p Permission) For(commands []string) (use Use, used bool) {
	for _, u := range p.Uses {
		if len(commands) > 0 && !slices.Contains(commands, u.Command) {
			continue
		}
		if !used || use.Optional && !u.Optional {
			use, used = u, true
		}
	}
	return use, used
}

// Table is what needs what, in Markdown.
func Table() string {
	var b strings.Builder
	columns := Commands()
	b.WriteString("| action |")
	for _, c := range columns {
		fmt.Fprintf(&b, " `%s` |", c)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, p := range Permissions() {
		fmt.Fprintf(&b, "| `%s` |", p.Action)
		for _, c := range columns {
			use, used := p.For([]string{c})
			switch {
			case !used:
				b.WriteString(" |")
			case use.Note != "":
				b.WriteString(" " + use.Note + " |")
			default:
				b.WriteString(" yes |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Scope is where a policy is for. What is empty stands in it in capitals, to be filled in.
type Scope struct{ Partition, Region, Account, Endpoint string }

// arns are how IAM writes a resource.
func (s Scope) arns(r Resource) []string {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	arn := func(rest string) string {
		return fmt.Sprintf("arn:%s:sagemaker:%s:%s:%s", or(s.Partition, "aws"), or(s.Region, "REGION"), or(s.Account, "ACCOUNT"), rest)
	}
	switch r {
	case OnEndpoint:
		name := or(s.Endpoint, "ENDPOINT")
		if lower := strings.ToLower(s.Endpoint); lower != s.Endpoint { // SageMaker's ARNs have it so; IAM minds the case
			return []string{arn("endpoint/" + name), arn("endpoint/" + lower)}
		}
		return []string{arn("endpoint/" + name)}
	case OnEvery:
		return []string{arn("endpoint/*")}
	case OnConfig:
		return []string{arn("endpoint-config/*")}
	case OnCopies:
		return []string{arn("endpoint/plimsoll-*"), arn("endpoint-config/plimsoll-*")}
	case OnModel:
		return []string{arn("model/*")}
	case OnRole:
		return []string{"arn:" + or(s.Partition, "aws") + ":iam::*:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"}
	default:
		return []string{"*"}
	}
}

// on is what a policy for some commands allows the permission on: who may list endpoints in
// order to count their instances must look at each.
func (p Permission) on(commands []string) Resource {
	counting := slices.ContainsFunc(Permissions(), func(q Permission) bool {
		_, used := q.For(commands)
		return used && q.Action == listEndpoints
	})
	if counting && p.Action == describeEndpoint {
		return OnEvery
	}
	return p.On
}

type statement struct {
	Effect    string                       `json:"Effect"`
	Action    []string                     `json:"Action"`
	Resource  []string                     `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// Policy is the IAM policy, as JSON to paste, of what some commands need; no commands are
// all of them.
func Policy(commands []string, s Scope) string {
	var statements []statement
	for resource := OnEndpoint; resource <= OnAny; resource++ {
		one := statement{Effect: "Allow", Resource: s.arns(resource)}
		for _, p := range Permissions() {
			if _, used := p.For(commands); used && p.on(commands) == resource {
				one.Action = append(one.Action, p.Action)
			}
		}
		if resource == OnRole {
			one.Condition = map[string]map[string]string{"StringLike": {"iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com"}}
		}
		if resource == OnEndpoint && (len(commands) == 0 || slices.Contains(commands, deploy)) {
			one.Resource = append(one.Resource, s.arns(OnCopies)[0])
		}
		if len(one.Action) > 0 {
			statements = append(statements, one)
		}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(struct { //nolint:errchkjson // strings, which JSON has a form for
		Version   string      `json:"Version"`
		Statement []statement `json:"Statement"`
	}{"2012-10-17", statements})
	return text.String()
}
