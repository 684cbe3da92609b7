package hosting

import (
	"context"
	"encoding/json"

	"plimsoll/emulator/internal/wire"
)

// containerDefinition is what a model runs. Members without a meaning here are kept as
// they came.
type containerDefinition struct {
	ContainerHostname          string            `json:",omitempty"`
	Image                      string            `json:",omitempty"`
	ImageConfig                json.RawMessage   `json:",omitempty"`
	Mode                       string            `json:",omitempty"`
	ModelDataUrl               string            `json:",omitempty"` //nolint:revive // the member's name
	ModelDataSource            json.RawMessage   `json:",omitempty"`
	AdditionalModelDataSources json.RawMessage   `json:",omitempty"`
	Environment                map[string]string `json:",omitempty"`
	ModelPackageName           string            `json:",omitempty"`
	InferenceSpecificationName string            `json:",omitempty"`
	MultiModelConfig           json.RawMessage   `json:",omitempty"`
}

// model is kept in the shape in which it is described.
type model struct {
	ModelName                string
	ModelArn                 string
	CreationTime             wire.Time
	PrimaryContainer         *containerDefinition  `json:",omitempty"`
	Containers               []containerDefinition `json:",omitempty"`
	InferenceExecutionConfig json.RawMessage       `json:",omitempty"`
	ExecutionRoleArn         string                `json:",omitempty"`
	VpcConfig                json.RawMessage       `json:",omitempty"`
	EnableNetworkIsolation   bool
}

// primary is the first container, the one that answers.
func (m *model) primary() *containerDefinition {
	if m.PrimaryContainer != nil {
		return m.PrimaryContainer
	}
	return &m.Containers[0]
}

type createModelInput struct {
	ModelName                string                `json:",omitempty"`
	PrimaryContainer         *containerDefinition  `json:",omitempty"`
	Containers               []containerDefinition `json:",omitempty"`
	InferenceExecutionConfig json.RawMessage       `json:",omitempty"`
	ExecutionRoleArn         string                `json:",omitempty"`
	Tags                     []tag                 `json:",omitempty"`
	VpcConfig                json.RawMessage       `json:",omitempty"`
	EnableNetworkIsolation   bool                  `json:",omitempty"`
}

type createModelOutput struct {
	ModelArn string
}

func (h *Hosting) createModel(_ context.Context, in *createModelInput) (*createModelOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	now := h.opts.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.models[in.ModelName] != nil {
		return nil, h.exists(modelKind, in.ModelName)
	}
	arn := h.arn(modelKind, in.ModelName)
	if err := h.setTags(arn, in.Tags); err != nil {
		return nil, err
	}
	h.models[in.ModelName] = &model{
		ModelName: in.ModelName, ModelArn: arn, CreationTime: wire.Time{Time: now},
		PrimaryContainer: in.PrimaryContainer, Containers: in.Containers,
		InferenceExecutionConfig: in.InferenceExecutionConfig, ExecutionRoleArn: in.ExecutionRoleArn,
		VpcConfig: in.VpcConfig, EnableNetworkIsolation: in.EnableNetworkIsolation,
	}
	return &createModelOutput{ModelArn: arn}, nil
}

func (in *createModelInput) check() error {
	var c wire.Checks
	checkName(&c, "modelName", in.ModelName, modelPattern)
	c.Length("executionRoleArn", in.ExecutionRoleArn, 20, 2048)
	c.Pattern("executionRoleArn", in.ExecutionRoleArn, rolePattern)
	checkTags(&c, in.Tags)
	containers := in.Containers
	if in.PrimaryContainer != nil {
		containers = []containerDefinition{*in.PrimaryContainer}
	}
	for _, container := range containers {
		c.Length("primaryContainer.image", container.Image, 0, 255)
		c.Pattern("primaryContainer.image", container.Image, imagePattern)
		c.Enum("primaryContainer.mode", container.Mode, "SingleModel", "MultiModel")
	}
	if err := c.Err(); err != nil {
		return err
	}
	if (in.PrimaryContainer != nil) == (len(in.Containers) > 0) {
		return invalid("Give either PrimaryContainer or Containers.")
	}
	for _, container := range containers {
		if container.Image == "" && container.ModelPackageName == "" {
			return invalid("Both Image and ModelPackageName are missing from a container of model %q: give one of them.", in.ModelName)
		}
	}
	return nil
}

type modelInput struct {
	ModelName string `json:",omitempty"`
}

func (in *modelInput) check() error {
	var c wire.Checks
	checkName(&c, "modelName", in.ModelName, modelPattern)
	return c.Err()
}

func (h *Hosting) describeModel(_ context.Context, in *modelInput) (*model, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.models[in.ModelName]
	if m == nil {
		return nil, h.notFound(modelKind, in.ModelName)
	}
	return m, nil // it never changes
}

// deleteModel leaves endpoints that have the model as they are, as AWS does.
func (h *Hosting) deleteModel(_ context.Context, in *modelInput) (*struct{}, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.models[in.ModelName] == nil {
		return nil, h.notFound(modelKind, in.ModelName)
	}
	delete(h.models, in.ModelName)
	delete(h.tags, h.arn(modelKind, in.ModelName))
	return nil, nil
}

type modelSummary struct {
	ModelName    string
	ModelArn     string
	CreationTime wire.Time
}

type listModelsOutput struct {
	Models    []modelSummary
	NextToken string `json:",omitempty"`
}

func (h *Hosting) listModels(_ context.Context, in *listInput) (*listModelsOutput, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]listed, 0, len(h.models))
	for name, m := range h.models {
		all = append(all, listed{name: name, created: m.CreationTime.Time})
	}
	entries, next, err := in.page(all)
	if err != nil {
		return nil, err
	}
	out := &listModelsOutput{Models: []modelSummary{}, NextToken: next}
	for _, e := range entries {
		out.Models = append(out.Models, modelSummary{ModelName: e.name, ModelArn: h.models[e.name].ModelArn, CreationTime: wire.Time{Time: e.created}})
	}
	return out, nil
}
