package hosting

import (
	"context"
	"encoding/json"
	"time"

	"plimsoll/emulator/internal/wire"
)

type componentInput struct {
	InferenceComponentName string `json:",omitempty"`
}

func (in *componentInput) check() error {
	var c wire.Checks
	checkName(&c, "inferenceComponentName", in.InferenceComponentName, modelPattern)
	return c.Err()
}

type updateComponentInput struct {
	InferenceComponentName string                  `json:",omitempty"`
	Specification          *componentSpecification `json:",omitempty"`
	Specifications         json.RawMessage         `json:",omitempty"`
	RuntimeConfig          *runtimeConfig          `json:",omitempty"`
	DeploymentConfig       json.RawMessage         `json:",omitempty"`
}

func (in *updateComponentInput) check() error {
	var c wire.Checks
	checkName(&c, "inferenceComponentName", in.InferenceComponentName, modelPattern)
	in.Specification.checkShape(&c)
	in.RuntimeConfig.checkShape(&c, "runtimeConfig")
	if err := c.Err(); err != nil {
		return err
	}
	if given(in.Specifications) {
		return invalid("Specifications: the emulator serves one Specification for each inference component.")
	}
	return nil
}

// updateComponent changes what copies run, which replaces them one by one, and how many
// there are.
func (h *Hosting) updateComponent(_ context.Context, in *updateComponentInput) (*componentOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	now := h.opts.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	c, err := h.changeableComponent(in.InferenceComponentName)
	if err != nil {
		return nil, err
	}
	if in.Specification != nil {
		v, err := c.endpoint.host(c.variant)
		if err != nil {
			return nil, err
		}
		if err := h.checkSpec(in.Specification, v); err != nil {
			return nil, err
		}
		c.spec = *in.Specification
		for _, d := range c.copies {
			d.outdated = true
		}
	}
	if given(in.DeploymentConfig) {
		c.settings = in.DeploymentConfig
	}
	want := c.want
	if in.RuntimeConfig != nil {
		want = *in.RuntimeConfig.CopyCount
	}
	h.resize(c, want, now)
	return &componentOutput{InferenceComponentArn: c.arn}, nil
}

type updateRuntimeInput struct {
	InferenceComponentName string         `json:",omitempty"`
	DesiredRuntimeConfig   *runtimeConfig `json:",omitempty"`
}

func (h *Hosting) updateRuntime(_ context.Context, in *updateRuntimeInput) (*componentOutput, error) {
	var checks wire.Checks
	checkName(&checks, "inferenceComponentName", in.InferenceComponentName, modelPattern)
	checks.Required("desiredRuntimeConfig", in.DesiredRuntimeConfig != nil)
	in.DesiredRuntimeConfig.checkShape(&checks, "desiredRuntimeConfig")
	if err := checks.Err(); err != nil {
		return nil, err
	}
	now := h.opts.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	c, err := h.changeableComponent(in.InferenceComponentName)
	if err != nil {
		return nil, err
	}
	h.resize(c, *in.DesiredRuntimeConfig.CopyCount, now)
	return &componentOutput{InferenceComponentArn: c.arn}, nil
}

// changeableComponent finds a component that no change is under way of.
func (h *Hosting) changeableComponent(name string) (*component, error) {
	c := h.components[name]
	switch {
	case c == nil:
		return nil, h.notFound(componentKind, name)
	case c.status == failedState:
		return nil, invalid("Cannot update inference component %q, which is %s: delete it.", c.arn, c.status)
	case c.status != inService:
		return nil, h.inProgress(componentKind, name)
	}
	return c, nil
}

func (h *Hosting) resize(c *component, want int, now time.Time) {
	c.want, c.failure = want, ""
	c.become(updating, now)
	h.discardCopies(c, len(c.copies)-want)
	h.reroute()
}

func (h *Hosting) deleteComponent(_ context.Context, in *componentInput) (*struct{}, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	now := h.opts.Clock.Now()
	if err := h.unserveComponent(in.InferenceComponentName, now); err != nil {
		return nil, err
	}
	h.opts.Deleted(ComponentID(in.InferenceComponentName))
	return nil, nil
}

func (h *Hosting) unserveComponent(name string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.components[name]
	switch {
	case c == nil:
		return h.notFound(componentKind, name)
	case c.status == deleting:
		return h.inProgress(componentKind, name)
	}
	c.want = 0
	c.become(deleting, now)
	h.discardCopies(c, len(c.copies))
	h.reroute()
	return nil
}

type componentDescription struct {
	InferenceComponentName   string
	InferenceComponentArn    string
	EndpointName             string
	EndpointArn              string
	VariantName              string
	FailureReason            string `json:",omitempty"`
	Specification            *specificationSummary
	RuntimeConfig            runtimeSummary
	CreationTime             wire.Time
	LastModifiedTime         wire.Time
	InferenceComponentStatus string
	LastDeploymentConfig     json.RawMessage `json:",omitempty"`
}

type specificationSummary struct {
	ModelName                   string               `json:",omitempty"`
	Container                   *containerSummary    `json:",omitempty"`
	StartupParameters           *startupParameters   `json:",omitempty"`
	ComputeResourceRequirements *computeRequirements `json:",omitempty"`
	DataCacheConfig             json.RawMessage      `json:",omitempty"`
	SchedulingConfig            *schedulingConfig    `json:",omitempty"`
}

type containerSummary struct {
	DeployedImage *deployedImage    `json:",omitempty"`
	ArtifactUrl   string            `json:",omitempty"` //nolint:revive // the member's name
	Environment   map[string]string `json:",omitempty"`
}

type runtimeSummary struct {
	DesiredCopyCount int
	CurrentCopyCount int
}

func (h *Hosting) describeComponent(_ context.Context, in *componentInput) (*componentDescription, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.components[in.InferenceComponentName]
	if c == nil {
		return nil, h.notFound(componentKind, in.InferenceComponentName)
	}
	summary := &specificationSummary{
		ModelName: c.spec.ModelName, StartupParameters: c.spec.StartupParameters,
		ComputeResourceRequirements: c.spec.ComputeResourceRequirements,
		DataCacheConfig:             c.spec.DataCacheConfig, SchedulingConfig: c.spec.SchedulingConfig,
	}
	if k := c.spec.Container; k != nil {
		summary.Container = &containerSummary{DeployedImage: deployed(k.Image, c.created), ArtifactUrl: k.ArtifactUrl, Environment: k.Environment}
	}
	return &componentDescription{
		InferenceComponentName: c.name, InferenceComponentArn: c.arn, EndpointName: c.endpoint.name, EndpointArn: c.endpoint.arn,
		VariantName: c.variant, FailureReason: c.failure, Specification: summary,
		RuntimeConfig: runtimeSummary{DesiredCopyCount: c.want, CurrentCopyCount: c.up()},
		CreationTime:  wire.Time{Time: c.created}, LastModifiedTime: wire.Time{Time: c.modified},
		InferenceComponentStatus: c.status, LastDeploymentConfig: c.settings,
	}, nil
}

type listComponentsInput struct {
	listInput

	EndpointNameEquals string `json:",omitempty"`
	VariantNameEquals  string `json:",omitempty"`
}

type componentSummary struct {
	CreationTime             wire.Time
	InferenceComponentArn    string
	InferenceComponentName   string
	EndpointArn              string
	EndpointName             string
	VariantName              string
	InferenceComponentStatus string
	LastModifiedTime         wire.Time
}

type listComponentsOutput struct {
	InferenceComponents []componentSummary
	NextToken           string `json:",omitempty"`
}

func (h *Hosting) listComponents(_ context.Context, in *listComponentsInput) (*listComponentsOutput, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []listed
	for name, c := range h.components {
		if (in.EndpointNameEquals == "" || in.EndpointNameEquals == c.endpoint.name) && (in.VariantNameEquals == "" || in.VariantNameEquals == c.variant) {
			all = append(all, listed{name: name, status: c.status, created: c.created, modified: c.modified})
		}
	}
	entries, next, err := in.page(all)
	if err != nil {
		return nil, err
	}
	out := &listComponentsOutput{InferenceComponents: []componentSummary{}, NextToken: next}
	for _, entry := range entries {
		c := h.components[entry.name]
		out.InferenceComponents = append(out.InferenceComponents, componentSummary{
			CreationTime: wire.Time{Time: c.created}, InferenceComponentArn: c.arn, InferenceComponentName: c.name,
			EndpointArn: c.endpoint.arn, EndpointName: c.endpoint.name, VariantName: c.variant,
			InferenceComponentStatus: c.status, LastModifiedTime: wire.Time{Time: c.modified},
		})
	}
	return out, nil
}
