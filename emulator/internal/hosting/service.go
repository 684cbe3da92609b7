package hosting

import "plimsoll/emulator/internal/wire"

// Wire is the control plane.
func (h *Hosting) Wire() wire.Service {
	return wire.Service{
		Name: "SageMaker", Signing: "sagemaker", Target: "SageMaker", JSON: "1.1",
		Operations: []wire.Operation{
			wire.Handle("CreateModel", h.createModel),
			wire.Handle("DescribeModel", h.describeModel),
			wire.Handle("DeleteModel", h.deleteModel),
			wire.Handle("ListModels", h.listModels),

			wire.Handle("CreateEndpointConfig", h.createEndpointConfig),
			wire.Handle("DescribeEndpointConfig", h.describeEndpointConfig),
			wire.Handle("DeleteEndpointConfig", h.deleteEndpointConfig),
			wire.Handle("ListEndpointConfigs", h.listEndpointConfigs),

			wire.Handle("CreateEndpoint", h.createEndpoint),
			wire.Handle("DescribeEndpoint", h.describeEndpoint),
			wire.Handle("ListEndpoints", h.listEndpoints),
			wire.Handle("UpdateEndpoint", h.updateEndpoint),
			wire.Handle("UpdateEndpointWeightsAndCapacities", h.updateWeights),
			wire.Handle("DeleteEndpoint", h.deleteEndpoint),

			wire.Handle("CreateInferenceComponent", h.createComponent),
			wire.Handle("DescribeInferenceComponent", h.describeComponent),
			wire.Handle("ListInferenceComponents", h.listComponents),
			wire.Handle("UpdateInferenceComponent", h.updateComponent),
			wire.Handle("UpdateInferenceComponentRuntimeConfig", h.updateRuntime),
			wire.Handle("DeleteInferenceComponent", h.deleteComponent),

			wire.Handle("AddTags", h.addTags),
			wire.Handle("ListTags", h.listTags),
			wire.Handle("DeleteTags", h.deleteTags),
		},
	}
}
