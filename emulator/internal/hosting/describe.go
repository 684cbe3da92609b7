package hosting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"plimsoll/emulator/internal/wire"
)

type endpointDescription struct {
	EndpointName             string
	EndpointArn              string
	EndpointConfigName       string
	ProductionVariants       []variantSummary `json:",omitempty"`
	EndpointStatus           string
	FailureReason            string `json:",omitempty"`
	CreationTime             wire.Time
	LastModifiedTime         wire.Time
	LastDeploymentConfig     json.RawMessage    `json:",omitempty"`
	DataCaptureConfig        json.RawMessage    `json:",omitempty"`
	PendingDeploymentSummary *pendingDeployment `json:",omitempty"`
	MetricsConfig            *metricsConfig     `json:",omitempty"`
}

type variantSummary struct {
	VariantName            string
	DeployedImages         []deployedImage `json:",omitempty"`
	CurrentWeight          float64
	DesiredWeight          float64
	CurrentInstanceCount   int
	DesiredInstanceCount   int
	InstanceType           string                  `json:",omitempty"` // of a pending deployment only
	InstancePools          []poolSummary           `json:",omitempty"`
	VariantStatus          []variantStatus         `json:",omitempty"`
	ManagedInstanceScaling *managedInstanceScaling `json:",omitempty"`
	RoutingConfig          *routingConfig          `json:",omitempty"`
}

type poolSummary struct {
	InstanceType         string
	CurrentInstanceCount int
}

type variantStatus struct {
	Status    string
	StartTime wire.Time
}

type deployedImage struct {
	SpecifiedImage string    `json:",omitempty"`
	ResolvedImage  string    `json:",omitempty"`
	ResolutionTime wire.Time `json:",omitzero"`
}

type pendingDeployment struct {
	EndpointConfigName string
	ProductionVariants []variantSummary
	StartTime          wire.Time
}

func (h *Hosting) describeEndpoint(_ context.Context, in *endpointInput) (*endpointDescription, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.endpoints[in.EndpointName]
	if e == nil {
		return nil, h.notFound(endpointKind, in.EndpointName)
	}
	d := &endpointDescription{
		EndpointName: e.name, EndpointArn: e.arn, EndpointConfigName: e.current.config.EndpointConfigName,
		EndpointStatus: e.status, FailureReason: e.failure,
		CreationTime: wire.Time{Time: e.created}, LastModifiedTime: wire.Time{Time: e.modified},
		LastDeploymentConfig: e.settings, DataCaptureConfig: capture(e.current.config.DataCaptureConfig),
		MetricsConfig: e.current.config.MetricsConfig,
	}
	state := e.status // of the variants: none while the endpoint is simply in service
	if state == inService || state == failedState || e.next != nil {
		state = ""
	}
	for _, v := range e.current.variants {
		d.ProductionVariants = append(d.ProductionVariants, h.summary(v, state, e.since, e.current.began))
	}
	if e.next != nil {
		p := &pendingDeployment{EndpointConfigName: e.next.config.EndpointConfigName, StartTime: wire.Time{Time: e.next.began}}
		for _, v := range e.next.variants {
			s := h.summary(v, creating, e.since, e.next.began)
			s.InstanceType = v.spec.InstanceType
			p.ProductionVariants = append(p.ProductionVariants, s)
		}
		d.PendingDeploymentSummary = p
	}
	return d, nil
}

func (h *Hosting) summary(v *variant, state string, since, resolved time.Time) variantSummary {
	s := variantSummary{
		VariantName: v.spec.VariantName, CurrentWeight: v.weight, DesiredWeight: v.wantWeight,
		CurrentInstanceCount: v.up(), DesiredInstanceCount: v.want,
		ManagedInstanceScaling: v.spec.ManagedInstanceScaling, RoutingConfig: v.spec.RoutingConfig,
	}
	if state != "" {
		s.VariantStatus = []variantStatus{{Status: state, StartTime: wire.Time{Time: since}}}
	}
	if m := h.models[v.spec.ModelName]; m != nil {
		if image := deployed(m.primary().Image, resolved); image != nil {
			s.DeployedImages = []deployedImage{*image}
		}
	}
	for _, p := range v.spec.InstancePools {
		n := 0
		for _, i := range v.instances {
			if i.up && i.kind == p.InstanceType {
				n++
			}
		}
		s.InstancePools = append(s.InstancePools, poolSummary{InstanceType: p.InstanceType, CurrentInstanceCount: n})
	}
	return s
}

// deployed is an image as it was found: with a digest, which is made of its name since
// there is no registry.
func deployed(image string, at time.Time) *deployedImage {
	if image == "" {
		return nil
	}
	digest := sha256.Sum256([]byte(image))
	repository, _, _ := strings.Cut(image, "@")
	if slash, colon := strings.LastIndex(repository, "/"), strings.LastIndex(repository, ":"); colon > slash {
		repository = repository[:colon]
	}
	return &deployedImage{
		SpecifiedImage: image, ResolvedImage: repository + "@sha256:" + hex.EncodeToString(digest[:]), ResolutionTime: wire.Time{Time: at},
	}
}

// capture is how a data capture configuration is described; nothing is captured.
func capture(config json.RawMessage) json.RawMessage {
	var given struct {
		EnableCapture             bool
		InitialSamplingPercentage int
		DestinationS3Uri          string
		KmsKeyId                  string //nolint:revive // the member's name
	}
	if len(config) == 0 || json.Unmarshal(config, &given) != nil {
		return nil
	}
	return marshal(struct {
		EnableCapture             bool
		CaptureStatus             string
		CurrentSamplingPercentage int
		DestinationS3Uri          string
		KmsKeyId                  string //nolint:revive // the member's name
	}{given.EnableCapture, "Stopped", given.InitialSamplingPercentage, given.DestinationS3Uri, given.KmsKeyId})
}
