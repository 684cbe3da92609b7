package hosting

import (
	"context"

	"plimsoll/emulator/internal/wire"
)

type endpointConfigInput struct {
	EndpointConfigName string `json:",omitempty"`
}

func (in *endpointConfigInput) check() error {
	var c wire.Checks
	checkName(&c, "endpointConfigName", in.EndpointConfigName, namePattern)
	return c.Err()
}

func (h *Hosting) describeEndpointConfig(_ context.Context, in *endpointConfigInput) (*endpointConfig, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	config := h.configs[in.EndpointConfigName]
	if config == nil {
		return nil, h.notFound(configKind, in.EndpointConfigName)
	}
	return config, nil // it never changes
}

// deleteEndpointConfig leaves endpoints that were made of it as they are, as AWS does.
func (h *Hosting) deleteEndpointConfig(_ context.Context, in *endpointConfigInput) (*struct{}, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.configs[in.EndpointConfigName] == nil {
		return nil, h.notFound(configKind, in.EndpointConfigName)
	}
	delete(h.configs, in.EndpointConfigName)
	delete(h.tags, h.arn(configKind, in.EndpointConfigName))
	return nil, nil
}

type endpointConfigSummary struct {
	EndpointConfigName string
	EndpointConfigArn  string
	CreationTime       wire.Time
}

type listEndpointConfigsOutput struct {
	EndpointConfigs []endpointConfigSummary
	NextToken       string `json:",omitempty"`
}

func (h *Hosting) listEndpointConfigs(_ context.Context, in *listInput) (*listEndpointConfigsOutput, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]listed, 0, len(h.configs))
	for name, config := range h.configs {
		all = append(all, listed{name: name, created: config.CreationTime.Time})
	}
	entries, next, err := in.page(all)
	if err != nil {
		return nil, err
	}
	out := &listEndpointConfigsOutput{EndpointConfigs: []endpointConfigSummary{}, NextToken: next}
	for _, e := range entries {
		out.EndpointConfigs = append(out.EndpointConfigs, endpointConfigSummary{
			EndpointConfigName: e.name, EndpointConfigArn: h.configs[e.name].EndpointConfigArn, CreationTime: wire.Time{Time: e.created},
		})
	}
	return out, nil
}
