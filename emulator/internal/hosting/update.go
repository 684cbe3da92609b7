package hosting

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"plimsoll/emulator/internal/wire"
)

type updateEndpointInput struct {
	EndpointName                     string            `json:",omitempty"`
	EndpointConfigName               string            `json:",omitempty"`
	RetainAllVariantProperties       bool              `json:",omitempty"`
	ExcludeRetainedVariantProperties []variantProperty `json:",omitempty"`
	DeploymentConfig                 json.RawMessage   `json:",omitempty"`
	RetainDeploymentConfig           bool              `json:",omitempty"`
}

type variantProperty struct {
	VariantPropertyType string `json:",omitempty"`
}

func (in *updateEndpointInput) check() error {
	var c wire.Checks
	checkName(&c, "endpointName", in.EndpointName, namePattern)
	checkName(&c, "endpointConfigName", in.EndpointConfigName, namePattern)
	for _, p := range in.ExcludeRetainedVariantProperties {
		c.Required("excludeRetainedVariantProperties.1.member.variantPropertyType", p.VariantPropertyType != "")
		c.Enum("excludeRetainedVariantProperties.1.member.variantPropertyType", p.VariantPropertyType,
			"DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig")
	}
	return c.Err()
}

// retains tells whether the variants keep a property that they have now.
func (in *updateEndpointInput) retains(property string) bool {
	return in.RetainAllVariantProperties && !slices.Contains(in.ExcludeRetainedVariantProperties, variantProperty{property})
}

// updateEndpoint launches a deployment of another configuration beside the present one,
// which serves until the other is complete.
func (h *Hosting) updateEndpoint(_ context.Context, in *updateEndpointInput) (*endpointOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if err := h.checkRegistered(in); err != nil {
		return nil, err
	}
	now := h.opts.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	e, config, err := h.updatable(in)
	if err != nil {
		return nil, err
	}
	for _, name := range sorted(h.components) {
		if c := h.components[name]; c.endpoint == e {
			return nil, invalid("Endpoint %q has the inference component %q: the emulator changes the configuration only of "+
				"endpoints without inference components.", e.arn, c.name)
		}
	}
	counts := map[string]int{}
	if in.retains("DesiredInstanceCount") {
		for _, v := range e.current.variants {
			counts[v.spec.VariantName] = v.want
		}
	}
	next, err := h.deploy(config, counts, h.opts.Delay, now)
	if err != nil {
		return nil, err
	}
	if in.retains("DesiredWeight") {
		for _, v := range next.variants {
			if old := e.current.variant(v.spec.VariantName); old != nil {
				v.weight, v.wantWeight = old.weight, old.wantWeight
			}
		}
	}
	e.next, e.failure = next, ""
	if !in.RetainDeploymentConfig {
		e.settings = in.DeploymentConfig
	}
	e.become(updating, now)
	return &endpointOutput{EndpointArn: e.arn}, nil
}

// updatable finds an endpoint that may be changed now, and the configuration that it is
// to have.
func (h *Hosting) updatable(in *updateEndpointInput) (*endpoint, *endpointConfig, error) {
	e, err := h.changeable(in.EndpointName)
	if err != nil {
		return nil, nil, err
	}
	config := h.configs[in.EndpointConfigName]
	if config == nil {
		return nil, nil, h.notFound(configKind, in.EndpointConfigName)
	}
	return e, config, nil
}

// changeable finds an endpoint that is in service.
func (h *Hosting) changeable(name string) (*endpoint, error) {
	e := h.endpoints[name]
	switch {
	case e == nil:
		return nil, h.notFound(endpointKind, name)
	case e.status == failedState:
		return nil, invalid("Cannot update endpoint %q, which is %s: delete it.", e.arn, e.status)
	case e.status != inService:
		return nil, h.inProgress(endpointKind, name)
	}
	return e, nil
}

// checkRegistered refuses to remove a variant that Application Auto Scaling knows, and to
// change its instance type (SageMaker Developer Guide, "Update endpoints that use auto
// scaling"). It asks that without the lock, which the answer may need.
func (h *Hosting) checkRegistered(in *updateEndpointInput) error {
	h.mu.Lock()
	e, config, err := h.updatable(in)
	var removed, changed []string
	if err == nil {
		for _, old := range e.current.variants {
			name := old.spec.VariantName
			at := slices.IndexFunc(config.ProductionVariants, func(v productionVariant) bool { return v.VariantName == name })
			switch {
			case at < 0:
				removed = append(removed, name)
			case !slices.Equal(old.spec.types(), config.ProductionVariants[at].types()):
				changed = append(changed, name)
			}
		}
	}
	h.mu.Unlock()
	registered := func(name string) bool { return h.opts.Registered(VariantID(in.EndpointName, name)) }
	const remedy = " while it is registered with Application Auto Scaling: delete its scaling policies and deregister it first."
	if i := slices.IndexFunc(removed, registered); i >= 0 {
		return invalid("Variant %q cannot be removed"+remedy, removed[i])
	}
	if i := slices.IndexFunc(changed, registered); i >= 0 {
		return invalid("The instance type of variant %q cannot be changed"+remedy, changed[i])
	}
	return err
}

type updateWeightsInput struct {
	EndpointName                string           `json:",omitempty"`
	DesiredWeightsAndCapacities []desiredVariant `json:",omitempty"`
}

type desiredVariant struct {
	VariantName            string          `json:",omitempty"`
	DesiredWeight          *float64        `json:",omitempty"`
	DesiredInstanceCount   *int            `json:",omitempty"`
	ServerlessUpdateConfig json.RawMessage `json:",omitempty"`
}

func (in *updateWeightsInput) check() error {
	var c wire.Checks
	checkName(&c, "endpointName", in.EndpointName, namePattern)
	c.Required("desiredWeightsAndCapacities", len(in.DesiredWeightsAndCapacities) > 0)
	seen := map[string]bool{}
	for _, d := range in.DesiredWeightsAndCapacities {
		checkName(&c, "desiredWeightsAndCapacities.1.member.variantName", d.VariantName, namePattern)
		checkRange(&c, "desiredWeightsAndCapacities.1.member.desiredInstanceCount", d.DesiredInstanceCount, 0, 1<<31-1)
		if d.DesiredWeight != nil {
			c.Range("desiredWeightsAndCapacities.1.member.desiredWeight", *d.DesiredWeight, 0, 1e9)
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	for _, d := range in.DesiredWeightsAndCapacities {
		if seen[d.VariantName] {
			return invalid("The variant name %q was non-unique within the request.", d.VariantName)
		}
		if given(d.ServerlessUpdateConfig) {
			return invalid("Variant %q is not serverless: ServerlessUpdateConfig does not apply.", d.VariantName)
		}
		seen[d.VariantName] = true
	}
	return nil
}

// updateWeights changes weights and instance counts, all or none.
func (h *Hosting) updateWeights(_ context.Context, in *updateWeightsInput) (*endpointOutput, error) {
	return h.changeWeights(in, h.opts.Clock.Now())
}

func (h *Hosting) changeWeights(in *updateWeightsInput, now time.Time) (*endpointOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e, err := h.changeable(in.EndpointName)
	if err != nil {
		return nil, err
	}
	changes, err := e.planned(in.DesiredWeightsAndCapacities)
	if err != nil {
		return nil, err
	}
	demands := make([]demand, len(changes))
	for i, c := range changes {
		demands[i] = demand{spec: c.variant.spec, count: max(0, c.want-len(c.variant.instances))}
	}
	types, err := h.reserve(demands)
	if err != nil {
		return nil, err
	}
	for i, c := range changes {
		c.variant.want, c.variant.wantWeight = c.want, c.weight
		h.launchInstances(c.variant, types[i], h.opts.Delay, now)
		h.discard(e, c.variant, max(0, len(c.variant.instances)-c.want))
	}
	e.failure = ""
	e.become(updating, now)
	h.reroute()
	return &endpointOutput{EndpointArn: e.arn}, nil
}

// change is what a variant is to become.
type change struct {
	variant *variant
	want    int
	weight  float64
}

// planned is the changes that are asked for, or why they cannot be.
func (e *endpoint) planned(desired []desiredVariant) ([]change, error) {
	changes := make([]change, 0, len(desired))
	for _, d := range desired {
		v := e.current.variant(d.VariantName)
		if v == nil {
			return nil, invalid("The variant name(s) %q is/are not present within endpoint configuration %q.",
				d.VariantName, e.current.config.EndpointConfigName)
		}
		c := change{variant: v, want: v.want, weight: v.wantWeight}
		if d.DesiredWeight != nil {
			c.weight = *d.DesiredWeight
		}
		if n := d.DesiredInstanceCount; n != nil {
			if err := v.spec.checkCount(*n); err != nil {
				return nil, err
			}
			c.want = *n
		}
		changes = append(changes, c)
	}
	total := 0.0
	for _, v := range e.current.variants {
		weight := v.wantWeight
		if at := slices.IndexFunc(changes, func(c change) bool { return c.variant == v }); at >= 0 {
			weight = changes[at].weight
		}
		total += weight
	}
	if !(total > 0) {
		return nil, noWeight()
	}
	return changes, nil
}

// checkCount refuses a number of instances that the variant may not have.
func (v *productionVariant) checkCount(n int) error {
	m := v.managed()
	switch {
	case m == nil && n < 1:
		return invalid("DesiredInstanceCount %d of variant %q: want at least 1. Only an endpoint with inference components and "+
			"ManagedInstanceScaling can have no instance.", n, v.VariantName)
	case m != nil && (n < m.min() || n > *m.MaxInstanceCount):
		return invalid("DesiredInstanceCount %d of variant %q: want from %d to %d, as ManagedInstanceScaling says.",
			n, v.VariantName, m.min(), *m.MaxInstanceCount)
	}
	return nil
}

// min is the fewest instances that managed scaling keeps, 1 unless told.
func (m *managedInstanceScaling) min() int {
	if m.MinInstanceCount == nil {
		return 1
	}
	return *m.MinInstanceCount
}
