package hosting

import (
	"encoding/json"
	"fmt"
	"time"

	"plimsoll/emulator/internal/wire"
)

// Snapshot is what a hosting remembers, as JSON: what exists and how large it is to be.
// Requests, sessions and the present minute's metrics are not in it.
type Snapshot struct {
	Models     []*model            `json:"models,omitempty"`
	Configs    []*endpointConfig   `json:"endpoint_configs,omitempty"`
	Endpoints  []endpointSnapshot  `json:"endpoints,omitempty"`
	Components []componentSnapshot `json:"inference_components,omitempty"`
	Tags       map[string][]tag    `json:"tags,omitempty"` // by ARN
	Launches   uint64              `json:"launches"`
}

type endpointSnapshot struct {
	Name     string            `json:"name"`
	Config   *endpointConfig   `json:"config"`
	Variants []variantSnapshot `json:"variants"`
	Created  wire.Time         `json:"created"`
	Modified wire.Time         `json:"modified"`
	Failure  string            `json:"failure,omitempty"`
	Failed   bool              `json:"failed,omitempty"`
	Settings json.RawMessage   `json:"deployment_config,omitempty"`
}

type variantSnapshot struct {
	Name   string   `json:"name"`
	Weight float64  `json:"weight"`
	Types  []string `json:"instance_types"` // one for each instance
}

type componentSnapshot struct {
	Name     string                 `json:"name"`
	Endpoint string                 `json:"endpoint"`
	Variant  string                 `json:"variant"`
	Created  wire.Time              `json:"created"`
	Modified wire.Time              `json:"modified"`
	Failure  string                 `json:"failure,omitempty"`
	Failed   bool                   `json:"failed,omitempty"`
	Spec     componentSpecification `json:"specification"`
	Copies   int                    `json:"copies"`
	Settings json.RawMessage        `json:"deployment_config,omitempty"`
}

// Snapshot is the present state. A change that is under way counts as done, a deletion
// too.
func (h *Hosting) Snapshot() Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Snapshot{Tags: map[string][]tag{}, Launches: h.launches}
	for _, name := range sorted(h.models) {
		s.Models = append(s.Models, h.models[name])
	}
	for _, name := range sorted(h.configs) {
		s.Configs = append(s.Configs, h.configs[name])
	}
	for _, name := range sorted(h.endpoints) {
		if e := h.endpoints[name]; e.status != deleting {
			s.Endpoints = append(s.Endpoints, e.snapshot())
		}
	}
	for _, name := range sorted(h.components) {
		if c := h.components[name]; c.status != deleting {
			s.Components = append(s.Components, componentSnapshot{
				Name: name, Endpoint: c.endpoint.name, Variant: c.variant, Created: wire.Time{Time: c.created}, Modified: wire.Time{Time: c.modified},
				Failure: c.failure, Failed: c.status == failedState, Spec: c.spec, Copies: c.want, Settings: c.settings,
			})
		}
	}
	for arn, tags := range h.tags {
		s.Tags[arn] = append([]tag(nil), tags...)
	}
	return s
}

func (e *endpoint) snapshot() endpointSnapshot {
	d := e.current
	if e.next != nil {
		d = e.next
	}
	s := endpointSnapshot{
		Name: e.name, Config: d.config, Created: wire.Time{Time: e.created}, Modified: wire.Time{Time: e.modified},
		Failure: e.failure, Failed: e.status == failedState, Settings: e.settings,
	}
	for _, v := range d.variants {
		vs := variantSnapshot{Name: v.spec.VariantName, Weight: v.wantWeight, Types: []string{}}
		for _, i := range v.instances {
			vs.Types = append(vs.Types, i.kind)
		}
		s.Variants = append(s.Variants, vs)
	}
	return s
}

// Restore replaces everything by what a snapshot has. Instances and copies come into
// service with the next Tick, as soon as their containers are healthy; what there was
// is ended. An empty snapshot is a reset.
func (h *Hosting) Restore(s Snapshot) error {
	now := h.opts.Clock.Now()
	fresh, err := h.rebuild(s, now)
	if err != nil {
		return fmt.Errorf("restoring the emulated SageMaker: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.units()
	h.models, h.configs, h.endpoints, h.components, h.tags = fresh.models, fresh.configs, fresh.endpoints, fresh.components, fresh.tags
	h.past, h.launches = nil, s.Launches
	h.minute, h.window = periods(now)
	h.relaunch(s, now)
	h.reroute()
	for _, u := range old {
		h.retire(u)
	}
	return nil
}

// units are all that there are.
func (h *Hosting) units() []*unit {
	var all []*unit
	for _, e := range h.endpoints {
		for _, d := range e.deployments() {
			for _, v := range d.variants {
				for _, i := range v.instances {
					if i.unit != nil {
						all = append(all, i.unit)
					}
				}
			}
		}
	}
	for _, c := range h.components {
		for _, d := range c.copies {
			if d.unit != nil {
				all = append(all, d.unit)
			}
		}
	}
	return all
}

// rebuild makes what a snapshot has, without a launch, and refuses what does not fit
// together.
func (h *Hosting) rebuild(s Snapshot, now time.Time) (*Hosting, error) {
	fresh := &Hosting{
		models: map[string]*model{}, configs: map[string]*endpointConfig{}, endpoints: map[string]*endpoint{},
		components: map[string]*component{}, tags: map[string][]tag{},
	}
	for _, m := range s.Models {
		if m == nil || m.PrimaryContainer == nil && len(m.Containers) == 0 {
			return nil, fmt.Errorf("a model has no container")
		}
		fresh.models[m.ModelName] = m
	}
	for _, config := range s.Configs {
		if config == nil {
			return nil, fmt.Errorf("an endpoint configuration is null")
		}
		fresh.configs[config.EndpointConfigName] = config
	}
	for _, es := range s.Endpoints {
		e, err := h.rebuildEndpoint(es, now)
		if err != nil {
			return nil, fmt.Errorf("endpoint %q: %w", es.Name, err)
		}
		fresh.endpoints[es.Name] = e
	}
	for _, cs := range s.Components {
		e := fresh.endpoints[cs.Endpoint]
		if e == nil || e.current.variant(cs.Variant) == nil {
			return nil, fmt.Errorf("inference component %q: endpoint %q has no variant %q", cs.Name, cs.Endpoint, cs.Variant)
		}
		c := &component{
			name: cs.Name, arn: h.arn(componentKind, cs.Name), endpoint: e, variant: cs.Variant, created: cs.Created.Time, modified: cs.Modified.Time,
			failure: cs.Failure, status: inService, spec: cs.Spec, want: cs.Copies, meter: newComponentMeter(cs.Name), settings: cs.Settings,
		}
		if cs.Failed {
			c.status = failedState
		}
		fresh.components[cs.Name] = c
	}
	for arn, tags := range s.Tags {
		fresh.tags[arn] = append([]tag(nil), tags...)
	}
	return fresh, nil
}

func (h *Hosting) rebuildEndpoint(es endpointSnapshot, now time.Time) (*endpoint, error) {
	if es.Config == nil {
		return nil, fmt.Errorf("has no configuration")
	}
	e := &endpoint{
		name: es.Name, arn: h.arn(endpointKind, es.Name), created: es.Created.Time, modified: es.Modified.Time, since: now,
		status: inService, failure: es.Failure, settings: es.Settings, meters: map[string]*meter{}, front: newFront(),
		current: &deployment{config: es.Config, began: es.Created.Time},
	}
	if es.Failed {
		e.status = failedState
	}
	for i := range es.Config.ProductionVariants {
		spec := &es.Config.ProductionVariants[i]
		v := &variant{spec: spec, weight: spec.weight(), wantWeight: spec.weight()}
		for _, vs := range es.Variants {
			if vs.Name == spec.VariantName {
				v.weight, v.wantWeight, v.want = vs.Weight, vs.Weight, len(vs.Types)
			}
		}
		e.current.variants = append(e.current.variants, v)
	}
	return e, nil
}

// relaunch starts the instances and copies of a snapshot, due at once.
func (h *Hosting) relaunch(s Snapshot, now time.Time) {
	for _, es := range s.Endpoints {
		e := h.endpoints[es.Name]
		for _, vs := range es.Variants {
			if v := e.current.variant(vs.Name); v != nil {
				h.launchInstances(v, vs.Types, nil, now)
			}
		}
		h.advanceInstances(e, now)
	}
	for _, cs := range s.Components {
		c := h.components[cs.Name]
		h.place(c, nil, now)
		h.advanceComponent(c, now)
	}
}
