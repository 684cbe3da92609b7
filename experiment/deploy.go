package experiment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Deployer makes and deletes what is deployed to be measured: endpoint configurations
// and endpoints. Its errors are [ControlError] where AWS refused.
type Deployer interface {
	// There says whether an endpoint configuration or an endpoint of this name exists.
	There(ctx context.Context, what What, name string) (bool, error)
	// Create begins to make one; it does not wait for it. One of this name that is there
	// already is no error: what asked for it before may not have heard the answer.
	Create(ctx context.Context, what What, d Deployment) error
	// Delete begins to delete one; it does not wait for that.
	Delete(ctx context.Context, what What, name string) error
}

// Deployment is an endpoint with one instance that is made to be measured, and its
// configuration, which has the same name.
type Deployment struct {
	Name         string `json:"name"`
	Variant      string `json:"variant"`
	Model        string `json:"model"`
	InstanceType string `json:"instance_type"`
	// CopyOf is the endpoint configuration whose variant it is a copy of; "": none.
	CopyOf string `json:"copy_of,omitzero"`
	Region string `json:"region"`
	Run    string `json:"run"` // value of the tag [RunTag]
}

// RunTag is the tag that everything has that was deployed to be measured, by which
// leftovers are found when no journal is left.
const RunTag = "plimsoll:run"

// Variant is the one that is measured.
func (d Deployment) variant() Variant { return Variant{Endpoint: d.Name, Name: d.Variant} }

// Deploy computes the changes that make an endpoint to be measured, in the order in
// which they are made; they are undone in the other. cost is what it costs, in words.
func Deploy(d Deployment, cost string) (Variant, []Change) {
	desired := Setting{Deployment: &d}
	return d.variant(), []Change{
		{What: OneConfig, Name: d.Name, Desired: desired, Reason: "an endpoint needs a configuration"},
		{What: OneEndpoint, Name: d.Name, Desired: desired, Reason: "to be measured, and deleted after; " + cost},
	}
}

// created says that the thing is one that Plimsoll makes, whole.
func (w What) created() bool { return w == OneConfig || w == OneEndpoint }

func (d Deployment) facts() []string {
	facts := []string{
		fmt.Sprintf("model %s on one %s, variant %s", d.Model, d.InstanceType, d.Variant),
		fmt.Sprintf("tag %s=%s", RunTag, d.Run),
	}
	if d.CopyOf != "" {
		facts = append(facts, "as in configuration "+d.CopyOf)
	}
	return facts
}

// deleting is the command of the AWS CLI that deletes what a change has made.
func (c Change) deleting() string {
	command := "aws sagemaker delete-endpoint --endpoint-name "
	if c.What == OneConfig {
		command = "aws sagemaker delete-endpoint-config --endpoint-config-name "
	}
	command += c.Name
	if d := c.Desired.Deployment; d != nil && d.Region != "" {
		command += " --region " + d.Region
	}
	return command
}

// create makes one thing and waits for it. A request that was sent is heard out: were it
// given up, the thing might appear after it was looked for in vain.
func (p Plane) create(ctx context.Context, v Variant, c Change) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := p.Deployer.Create(context.WithoutCancel(ctx), c.What, *c.Desired.Deployment); err != nil {
		return err
	}
	if c.What == OneConfig {
		return nil
	}
	return p.await(ctx, v, 1)
}

// deletePatience is the longest wait for one deletion. An endpoint cannot be deleted while it
// is being created, which has taken an hour where the container never answered
// (aws/amazon-sagemaker-examples issue 3432).
const deletePatience = 70 * time.Minute

// remove deletes what was made, if it was, and waits until it is gone.
func (p Plane) remove(ctx context.Context, c Change) (how string, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, deletePatience, errTooSlow)
	defer cancel()
	asked := false
	for told := ""; ; {
		there, err := p.Deployer.There(limited, c.What, c.Name)
		if err == nil && !there {
			if asked {
				return "deleted", nil
			}
			return "there is none", nil
		}
		if err == nil && !asked {
			if err = p.Deployer.Delete(limited, c.What, c.Name); err == nil {
				asked = true
				continue
			}
		}
		state := "it is being deleted"
		if err != nil {
			state = err.Error()
		}
		if err != nil && !passing(err) && !isProblem(err, ProblemBusy) && !isProblem(err, ProblemMissing) {
			return "", err
		}
		if state != told {
			p.note("waiting for %s to go: %s", c.thing(), state)
			told = state
		}
		if sleep(limited, p.poll()) != nil {
			return "", stillThere(ctx, c, state)
		}
	}
}

// stillThere is the error of a wait that ended before what it waited for was gone.
func stillThere(ctx context.Context, c Change, state string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &ControlError{Problem: ProblemTooSlow, Err: fmt.Errorf("%s is there after %v still: %s", c.thing(), deletePatience, state)}
}

func isProblem(err error, problem Problem) bool {
	trouble, ok := errors.AsType[*ControlError](err)
	return ok && trouble.Problem == problem
}

// DeploymentName is a name for what is deployed in a run: what it is for, and no more than the
// 63 letters, digits and hyphens that SageMaker takes.
func DeploymentName(run, instanceType string) string {
	return "plimsoll-" + run + "-" + strings.ReplaceAll(instanceType, ".", "-")
}
