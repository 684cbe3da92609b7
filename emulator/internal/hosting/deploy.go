package hosting

import (
	"context"
	"fmt"
)

// Deployment is an endpoint with one variant, described in a few words.
type Deployment struct {
	Endpoint, Variant, InstanceType string
	Instances                       int
}

// Deploy makes an endpoint without a provisioning delay, with a model and a
// configuration of its name. One that is there already is left as it is.
func (h *Hosting) Deploy(d Deployment) error {
	h.mu.Lock()
	known := h.endpoints[d.Endpoint] != nil
	h.mu.Unlock()
	if known {
		return nil
	}
	if err := h.describeDeployment(d); err != nil {
		return fmt.Errorf("deploying endpoint %s: %w", d.Endpoint, err)
	}
	if err := h.deployNow(d); err != nil {
		return fmt.Errorf("deploying endpoint %s: %w", d.Endpoint, err)
	}
	return nil
}

// describeDeployment makes the model and the configuration.
func (h *Hosting) describeDeployment(d Deployment) error {
	ctx := context.Background()
	_, err := h.createModel(ctx, &createModelInput{
		ModelName: d.Endpoint, ExecutionRoleArn: "arn:aws:iam::" + h.opts.Account + ":role/emulated",
		PrimaryContainer: &containerDefinition{Image: h.opts.Account + ".dkr.ecr." + h.opts.Region + ".amazonaws.com/emulated:latest"},
	})
	if err != nil {
		return err
	}
	_, err = h.createEndpointConfig(ctx, &createEndpointConfigInput{
		EndpointConfigName: d.Endpoint,
		ProductionVariants: []productionVariant{{
			VariantName: d.Variant, ModelName: d.Endpoint, InstanceType: d.InstanceType, InitialInstanceCount: &d.Instances,
		}},
	})
	return err
}

// deployNow makes the endpoint; its instances are due at once.
func (h *Hosting) deployNow(d Deployment) error {
	now := h.opts.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	e := &endpoint{
		name: d.Endpoint, arn: h.arn(endpointKind, d.Endpoint), created: now, meters: map[string]*meter{}, front: newFront(),
	}
	e.become(creating, now)
	var err error
	if e.current, err = h.deploy(h.configs[d.Endpoint], nil, nil, now); err != nil {
		return err
	}
	h.endpoints[e.name] = e
	h.advance(now) // nothing is being deleted that somebody would have to be told of
	return nil
}
