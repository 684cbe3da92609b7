package hosting

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"plimsoll/emulator/internal/wire"
)

// The statuses of endpoints and inference components.
const (
	creating    = "Creating"
	updating    = "Updating"
	inService   = "InService"
	deleting    = "Deleting"
	failedState = "Failed"
)

// endpoint is one. All of it but the front is guarded by the hosting's lock.
type endpoint struct {
	name, arn         string
	created, modified time.Time
	since             time.Time // when the status began
	status            string
	failure           string
	current           *deployment
	next              *deployment       // of an update, until it is in service
	settings          json.RawMessage   // the deployment configuration of the last update
	meters            map[string]*meter // by variant: they outlive a deployment
	retiring          []*unit
	front             *front
}

// deployment is the instances that were launched for one configuration.
type deployment struct {
	config   *endpointConfig
	variants []*variant
	began    time.Time
}

// variant is a production variant that is deployed.
type variant struct {
	spec               *productionVariant
	weight, wantWeight float64
	want               int
	instances          []*instance
}

// instance is one of a variant.
type instance struct {
	replica

	kind  string    // its type
	empty time.Time // since when a host has no copies
}

// up is how many instances are in service.
func (v *variant) up() int {
	n := 0
	for _, i := range v.instances {
		if i.up {
			n++
		}
	}
	return n
}

// settled tells whether as many instances are in service as are wanted, and no others
// are under way.
func (d *deployment) settled() bool {
	return !slices.ContainsFunc(d.variants, func(v *variant) bool { return v.up() != v.want || len(v.instances) != v.want })
}

func (d *deployment) variant(name string) *variant {
	if at := slices.IndexFunc(d.variants, func(v *variant) bool { return v.spec.VariantName == name }); at >= 0 {
		return d.variants[at]
	}
	return nil
}

// become gives an endpoint another status.
func (e *endpoint) become(status string, now time.Time) {
	e.status, e.since, e.modified = status, now, now
}

type createEndpointInput struct {
	EndpointName       string          `json:",omitempty"`
	EndpointConfigName string          `json:",omitempty"`
	DeploymentConfig   json.RawMessage `json:",omitempty"`
	Tags               []tag           `json:",omitempty"`
}

type endpointOutput struct {
	EndpointArn string
}

func (h *Hosting) createEndpoint(_ context.Context, in *createEndpointInput) (*endpointOutput, error) {
	var c wire.Checks
	checkName(&c, "endpointName", in.EndpointName, namePattern)
	checkName(&c, "endpointConfigName", in.EndpointConfigName, namePattern)
	checkTags(&c, in.Tags)
	if err := c.Err(); err != nil {
		return nil, err
	}
	now := h.opts.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.endpoints[in.EndpointName] != nil {
		return nil, h.exists(endpointKind, in.EndpointName)
	}
	config := h.configs[in.EndpointConfigName]
	if config == nil {
		return nil, h.notFound(configKind, in.EndpointConfigName)
	}
	e := &endpoint{
		name: in.EndpointName, arn: h.arn(endpointKind, in.EndpointName), created: now,
		settings: in.DeploymentConfig, meters: map[string]*meter{}, front: newFront(),
	}
	e.become(creating, now)
	if err := h.setTags(e.arn, in.Tags); err != nil {
		return nil, err
	}
	var err error
	if e.current, err = h.deploy(config, nil, h.opts.Delay, now); err != nil {
		delete(h.tags, e.arn)
		return nil, err
	}
	h.endpoints[e.name] = e
	return &endpointOutput{EndpointArn: e.arn}, nil
}

// deploy launches the instances of a configuration, all or none; counts has those of
// variants that are not to have the initial ones.
func (h *Hosting) deploy(config *endpointConfig, counts map[string]int, delay Delay, now time.Time) (*deployment, error) {
	d := &deployment{config: config, began: now}
	wants := make([]demand, len(config.ProductionVariants))
	for i := range config.ProductionVariants {
		spec := &config.ProductionVariants[i]
		v := &variant{spec: spec, weight: spec.weight(), wantWeight: spec.weight(), want: *spec.InitialInstanceCount}
		if n, ok := counts[spec.VariantName]; ok {
			v.want = n
		}
		d.variants = append(d.variants, v)
		wants[i] = demand{spec: spec, count: v.want}
	}
	types, err := h.reserve(wants)
	if err != nil {
		return nil, err
	}
	for i, v := range d.variants {
		h.launchInstances(v, types[i], delay, now)
	}
	return d, nil
}

type endpointInput struct {
	EndpointName string `json:",omitempty"`
}

func (in *endpointInput) check() error {
	var c wire.Checks
	checkName(&c, "endpointName", in.EndpointName, namePattern)
	return c.Err()
}

// deleteEndpoint takes the endpoint out of service at once; it is gone when its
// instances have finished their requests.
func (h *Hosting) deleteEndpoint(_ context.Context, in *endpointInput) (*struct{}, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	gone, err := h.unserve(in.EndpointName, h.opts.Clock.Now())
	for _, id := range gone {
		h.opts.Deleted(id)
	}
	return nil, err
}

// unserve begins to delete an endpoint; it returns the scalable resources that went.
func (h *Hosting) unserve(name string, now time.Time) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.endpoints[name]
	switch {
	case e == nil:
		return nil, h.notFound(endpointKind, name)
	case e.status != inService && e.status != failedState:
		return nil, h.inProgress(endpointKind, name)
	}
	for _, name := range sorted(h.components) {
		if c := h.components[name]; c.endpoint == e {
			return nil, invalid("Endpoint %q has the inference component %q: delete its inference components first.", e.arn, c.name)
		}
	}
	e.become(deleting, now)
	var gone []string
	for _, v := range e.current.variants {
		gone = append(gone, VariantID(e.name, v.spec.VariantName))
		h.discard(e, v, len(v.instances))
	}
	h.reroute()
	return gone, nil
}

type endpointSummary struct {
	EndpointName     string
	EndpointArn      string
	CreationTime     wire.Time
	LastModifiedTime wire.Time
	EndpointStatus   string
}

type listEndpointsOutput struct {
	Endpoints []endpointSummary
	NextToken string `json:",omitempty"`
}

func (h *Hosting) listEndpoints(_ context.Context, in *listInput) (*listEndpointsOutput, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]listed, 0, len(h.endpoints))
	for name, e := range h.endpoints {
		all = append(all, listed{name: name, status: e.status, created: e.created, modified: e.modified})
	}
	entries, next, err := in.page(all)
	if err != nil {
		return nil, err
	}
	out := &listEndpointsOutput{Endpoints: []endpointSummary{}, NextToken: next}
	for _, e := range entries {
		out.Endpoints = append(out.Endpoints, endpointSummary{
			EndpointName: e.name, EndpointArn: h.endpoints[e.name].arn, EndpointStatus: e.status,
			CreationTime: wire.Time{Time: e.created}, LastModifiedTime: wire.Time{Time: e.modified},
		})
	}
	return out, nil
}
