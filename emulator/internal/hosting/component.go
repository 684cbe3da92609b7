package hosting

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"plimsoll/emulator/internal/wire"
)

// component is an inference component: copies of a container on a variant's instances.
type component struct {
	name, arn         string
	endpoint          *endpoint
	variant           string
	created, modified time.Time
	status            string
	failure           string
	spec              componentSpecification
	want              int
	copies            []*duplicate
	retiring          []*unit
	meter             *meter
	settings          json.RawMessage // the deployment configuration of the last update
}

// duplicate is a copy of a component on an instance.
type duplicate struct {
	replica

	on       *instance
	need     capacity
	outdated bool // launched for a specification that has been replaced since
}

// componentSpecification is what a copy runs and needs. Members without a meaning here
// are kept as they came.
type componentSpecification struct {
	InstanceType                string               `json:",omitempty"`
	ModelName                   string               `json:",omitempty"`
	Container                   *componentContainer  `json:",omitempty"`
	StartupParameters           *startupParameters   `json:",omitempty"`
	ComputeResourceRequirements *computeRequirements `json:",omitempty"`
	BaseInferenceComponentName  string               `json:",omitempty"`
	DataCacheConfig             json.RawMessage      `json:",omitempty"`
	SchedulingConfig            *schedulingConfig    `json:",omitempty"`
}

type componentContainer struct {
	Image       string            `json:",omitempty"`
	ArtifactUrl string            `json:",omitempty"` //nolint:revive // the member's name
	Environment map[string]string `json:",omitempty"`
}

type startupParameters struct {
	ModelDataDownloadTimeoutInSeconds           *int `json:",omitempty"`
	ContainerStartupHealthCheckTimeoutInSeconds *int `json:",omitempty"`
}

type computeRequirements struct {
	NumberOfCpuCoresRequired           *float64 `json:",omitempty"` //nolint:revive // the member's name
	NumberOfAcceleratorDevicesRequired *float64 `json:",omitempty"`
	MinMemoryRequiredInMb              *int     `json:",omitempty"`
	MaxMemoryRequiredInMb              *int     `json:",omitempty"`
}

type schedulingConfig struct {
	PlacementStrategy       string          `json:",omitempty"`
	AvailabilityZoneBalance json.RawMessage `json:",omitempty"`
}

// need is what one copy takes of an instance.
func (s *componentSpecification) need() capacity {
	var c capacity
	if r := s.ComputeResourceRequirements; r != nil {
		if r.NumberOfCpuCoresRequired != nil {
			c.cores = *r.NumberOfCpuCoresRequired
		}
		if r.NumberOfAcceleratorDevicesRequired != nil {
			c.accelerators = *r.NumberOfAcceleratorDevicesRequired
		}
		if r.MinMemoryRequiredInMb != nil {
			c.memoryMiB = float64(*r.MinMemoryRequiredInMb)
		}
	}
	return c
}

// startup is how long a copy's container may take to become healthy, in real time.
func (s *componentSpecification) startup() time.Duration {
	if p := s.StartupParameters; p != nil && p.ContainerStartupHealthCheckTimeoutInSeconds != nil {
		return time.Duration(*p.ContainerStartupHealthCheckTimeoutInSeconds) * time.Second
	}
	return defaultStartup
}

// up is how many copies are in service.
func (c *component) up() int {
	n := 0
	for _, d := range c.copies {
		if d.up {
			n++
		}
	}
	return n
}

func (c *component) become(status string, now time.Time) { c.status, c.modified = status, now }

type runtimeConfig struct {
	CopyCount *int `json:",omitempty"`
}

type createComponentInput struct {
	InferenceComponentName string                  `json:",omitempty"`
	EndpointName           string                  `json:",omitempty"`
	VariantName            string                  `json:",omitempty"`
	Specification          *componentSpecification `json:",omitempty"`
	Specifications         json.RawMessage         `json:",omitempty"`
	RuntimeConfig          *runtimeConfig          `json:",omitempty"`
	Tags                   []tag                   `json:",omitempty"`
}

type componentOutput struct {
	InferenceComponentArn string
}

func (h *Hosting) createComponent(_ context.Context, in *createComponentInput) (*componentOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	now := h.opts.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.components[in.InferenceComponentName] != nil {
		return nil, h.exists(componentKind, in.InferenceComponentName)
	}
	e := h.endpoints[in.EndpointName]
	if e == nil {
		return nil, h.notFound(endpointKind, in.EndpointName)
	}
	if e.status != inService {
		return nil, h.inProgress(endpointKind, in.EndpointName)
	}
	v, err := e.host(in.VariantName)
	if err != nil {
		return nil, err
	}
	if err := h.checkSpec(in.Specification, v); err != nil {
		return nil, err
	}
	arn := h.arn(componentKind, in.InferenceComponentName)
	if err := h.setTags(arn, in.Tags); err != nil {
		return nil, err
	}
	c := &component{
		name: in.InferenceComponentName, arn: arn, endpoint: e, variant: v.spec.VariantName, created: now,
		spec: *in.Specification, want: *in.RuntimeConfig.CopyCount, meter: newComponentMeter(in.InferenceComponentName),
	}
	c.become(creating, now)
	h.components[c.name] = c
	h.reroute()
	return &componentOutput{InferenceComponentArn: arn}, nil
}

func (in *createComponentInput) check() error {
	var c wire.Checks
	checkName(&c, "inferenceComponentName", in.InferenceComponentName, modelPattern)
	checkName(&c, "endpointName", in.EndpointName, namePattern)
	c.Pattern("variantName", in.VariantName, namePattern)
	checkTags(&c, in.Tags)
	in.Specification.checkShape(&c)
	in.RuntimeConfig.checkShape(&c, "runtimeConfig")
	if err := c.Err(); err != nil {
		return err
	}
	switch {
	case given(in.Specifications):
		return invalid("Specifications: the emulator serves one Specification for each inference component.")
	case in.Specification == nil:
		return invalid("Specification of inference component %q is missing.", in.InferenceComponentName)
	case in.RuntimeConfig == nil:
		return invalid("RuntimeConfig of inference component %q is missing.", in.InferenceComponentName)
	case *in.RuntimeConfig.CopyCount < 1:
		return invalid("Inference component %q: want a CopyCount above 0; it can become 0 later.", in.InferenceComponentName)
	}
	return nil
}

func (r *runtimeConfig) checkShape(c *wire.Checks, at string) {
	if r != nil {
		c.Required(at+".copyCount", r.CopyCount != nil)
		checkRange(c, at+".copyCount", r.CopyCount, 0, 1<<31-1)
	}
}

func (s *componentSpecification) checkShape(c *wire.Checks) {
	if s == nil {
		return
	}
	c.Length("specification.modelName", s.ModelName, 0, longestName)
	c.Pattern("specification.modelName", s.ModelName, modelPattern)
	if p := s.StartupParameters; p != nil {
		checkRange(c, "specification.startupParameters.containerStartupHealthCheckTimeoutInSeconds", p.ContainerStartupHealthCheckTimeoutInSeconds, 60, 3600)
		checkRange(c, "specification.startupParameters.modelDataDownloadTimeoutInSeconds", p.ModelDataDownloadTimeoutInSeconds, 60, 3600)
	}
	if p := s.SchedulingConfig; p != nil {
		c.Enum("specification.schedulingConfig.placementStrategy", p.PlacementStrategy, placeSpread, placeBinpack)
	}
	r := s.ComputeResourceRequirements
	if r == nil {
		return
	}
	const at = "specification.computeResourceRequirements."
	c.Required(at+"minMemoryRequiredInMb", r.MinMemoryRequiredInMb != nil)
	checkRange(c, at+"minMemoryRequiredInMb", r.MinMemoryRequiredInMb, 128, 1<<31-1)
	checkRange(c, at+"maxMemoryRequiredInMb", r.MaxMemoryRequiredInMb, 128, 1<<31-1)
	if n := r.NumberOfCpuCoresRequired; n != nil {
		c.Range(at+"numberOfCpuCoresRequired", *n, 0.25, 1e6)
	}
	if n := r.NumberOfAcceleratorDevicesRequired; n != nil {
		c.Range(at+"numberOfAcceleratorDevicesRequired", *n, 1, 1e6)
	}
}

// host finds the variant on which a component is to run; the name may be left out if
// there is only one.
func (e *endpoint) host(name string) (*variant, error) {
	if name == "" && len(e.current.variants) == 1 {
		name = e.current.variants[0].spec.VariantName
	}
	v := e.current.variant(name)
	switch {
	case v == nil:
		return nil, invalid("The variant name(s) %q is/are not present within endpoint configuration %q.", name, e.current.config.EndpointConfigName)
	case !v.spec.hosts():
		return nil, invalid("Variant %q of endpoint %q has a model: inference components need a variant without ModelName.", name, e.name)
	}
	return v, nil
}

// checkSpec refuses what no instance of the variant could ever run.
func (h *Hosting) checkSpec(s *componentSpecification, v *variant) error {
	switch {
	case s.BaseInferenceComponentName != "":
		return invalid("BaseInferenceComponentName: the emulator does not serve adapters of another inference component.")
	case s.ModelName == "" && s.Container == nil:
		return invalid("Give either ModelName or Container in the Specification.")
	case s.ModelName != "" && s.Container != nil:
		return invalid("Give either ModelName or Container in the Specification, not both.")
	case s.ModelName != "" && h.models[s.ModelName] == nil:
		return h.notFound(modelKind, s.ModelName)
	case s.ComputeResourceRequirements == nil:
		return invalid("ComputeResourceRequirements is missing from the Specification.")
	}
	types := v.spec.types()
	if !slices.ContainsFunc(types, func(t string) bool { return capacityOf(t).holds(s.need()) }) {
		has, need := capacityOf(types[0]), s.need()
		return invalid("ComputeResourceRequirements: %v CPU cores, %v MiB of memory and %v accelerators do not fit on an instance of %s, "+
			"which has %v, %v and %v.", need.cores, need.memoryMiB, need.accelerators, types[0], has.cores, has.memoryMiB, has.accelerators)
	}
	return nil
}
