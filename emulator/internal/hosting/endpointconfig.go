package hosting

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"plimsoll/emulator/internal/wire"
)

// The routing strategies that are served.
const (
	routeRandom           = "RANDOM"
	routeLeastOutstanding = "LEAST_OUTSTANDING_REQUESTS"
)

// maxVariants is how many production variants a configuration may have.
const maxVariants = 10

// productionVariant is a variant as a configuration describes it. Members without a
// meaning here are kept as they came.
type productionVariant struct {
	VariantName                                 string                  `json:",omitempty"`
	ModelName                                   string                  `json:",omitempty"`
	InitialInstanceCount                        *int                    `json:",omitempty"`
	InstanceType                                string                  `json:",omitempty"`
	InstancePools                               []instancePool          `json:",omitempty"`
	VariantInstanceProvisionTimeoutInSeconds    *int                    `json:",omitempty"`
	InitialVariantWeight                        *float64                `json:",omitempty"`
	AcceleratorType                             string                  `json:",omitempty"`
	CoreDumpConfig                              json.RawMessage         `json:",omitempty"`
	ServerlessConfig                            json.RawMessage         `json:",omitempty"`
	VolumeSizeInGB                              *int                    `json:",omitempty"`
	ModelDataDownloadTimeoutInSeconds           *int                    `json:",omitempty"`
	ContainerStartupHealthCheckTimeoutInSeconds *int                    `json:",omitempty"`
	EnableSSMAccess                             *bool                   `json:",omitempty"`
	ManagedInstanceScaling                      *managedInstanceScaling `json:",omitempty"`
	RoutingConfig                               *routingConfig          `json:",omitempty"`
	InferenceAmiVersion                         string                  `json:",omitempty"`
	CapacityReservationConfig                   json.RawMessage         `json:",omitempty"`
}

// instancePool is one of several instance types of a variant; the lowest priority is
// tried first.
type instancePool struct {
	InstanceType      string `json:",omitempty"`
	ModelNameOverride string `json:",omitempty"`
	Priority          int    `json:",omitempty"`
}

// managedInstanceScaling lets a variant grow and shrink with the copies that need its
// instances.
type managedInstanceScaling struct {
	Status           string         `json:",omitempty"`
	MinInstanceCount *int           `json:",omitempty"`
	MaxInstanceCount *int           `json:",omitempty"`
	ScaleInPolicy    *scaleInPolicy `json:",omitempty"`
}

type scaleInPolicy struct {
	Strategy          string `json:",omitempty"`
	MaximumStepSize   *int   `json:",omitempty"`
	CooldownInMinutes *int   `json:",omitempty"`
}

type routingConfig struct {
	RoutingStrategy string `json:",omitempty"`
}

// hosts tells that a variant is instances for inference components, without a model of
// its own.
func (v *productionVariant) hosts() bool { return v.ModelName == "" }

// managed is the variant's managed scaling if that is enabled.
func (v *productionVariant) managed() *managedInstanceScaling {
	if m := v.ManagedInstanceScaling; m != nil && m.Status == "ENABLED" {
		return m
	}
	return nil
}

// least tells whether the instance with the fewest requests is chosen.
func (v *productionVariant) least() bool {
	return v.RoutingConfig != nil && v.RoutingConfig.RoutingStrategy == routeLeastOutstanding
}

// weight is the initial one, 1 unless told.
func (v *productionVariant) weight() float64 {
	if v.InitialVariantWeight == nil {
		return 1
	}
	return *v.InitialVariantWeight
}

// types are the instance types to try, in order.
func (v *productionVariant) types() []string {
	if v.InstanceType != "" {
		return []string{v.InstanceType}
	}
	pools := slices.Clone(v.InstancePools)
	slices.SortStableFunc(pools, func(a, b instancePool) int { return a.Priority - b.Priority })
	types := make([]string, len(pools))
	for i, p := range pools {
		types[i] = p.InstanceType
	}
	return types
}

// endpointConfig is kept in the shape in which it is described.
type endpointConfig struct {
	EndpointConfigName     string
	EndpointConfigArn      string
	CreationTime           wire.Time
	ProductionVariants     []productionVariant
	DataCaptureConfig      json.RawMessage `json:",omitempty"`
	KmsKeyId               string          `json:",omitempty"` //nolint:revive // the member's name
	ExecutionRoleArn       string          `json:",omitempty"`
	VpcConfig              json.RawMessage `json:",omitempty"`
	EnableNetworkIsolation *bool           `json:",omitempty"`
	MetricsConfig          *metricsConfig  `json:",omitempty"`
}

type metricsConfig struct {
	EnableEnhancedMetrics           *bool `json:",omitempty"`
	MetricPublishFrequencyInSeconds *int  `json:",omitempty"`
	EnableDetailedObservability     *bool `json:",omitempty"`
}

type createEndpointConfigInput struct {
	EndpointConfigName       string              `json:",omitempty"`
	ProductionVariants       []productionVariant `json:",omitempty"`
	DataCaptureConfig        json.RawMessage     `json:",omitempty"`
	Tags                     []tag               `json:",omitempty"`
	KmsKeyId                 string              `json:",omitempty"` //nolint:revive // the member's name
	AsyncInferenceConfig     json.RawMessage     `json:",omitempty"`
	ExplainerConfig          json.RawMessage     `json:",omitempty"`
	ShadowProductionVariants json.RawMessage     `json:",omitempty"`
	ExecutionRoleArn         string              `json:",omitempty"`
	VpcConfig                json.RawMessage     `json:",omitempty"`
	EnableNetworkIsolation   *bool               `json:",omitempty"`
	MetricsConfig            *metricsConfig      `json:",omitempty"`
}

type createEndpointConfigOutput struct {
	EndpointConfigArn string
}

func (h *Hosting) createEndpointConfig(_ context.Context, in *createEndpointConfigInput) (*createEndpointConfigOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	now := h.opts.Clock.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.configs[in.EndpointConfigName] != nil {
		return nil, h.exists(configKind, in.EndpointConfigName)
	}
	for _, v := range in.ProductionVariants {
		if !v.hosts() && h.models[v.ModelName] == nil {
			return nil, h.notFound(modelKind, v.ModelName)
		}
	}
	arn := h.arn(configKind, in.EndpointConfigName)
	if err := h.setTags(arn, in.Tags); err != nil {
		return nil, err
	}
	h.configs[in.EndpointConfigName] = &endpointConfig{
		EndpointConfigName: in.EndpointConfigName, EndpointConfigArn: arn, CreationTime: wire.Time{Time: now},
		ProductionVariants: in.ProductionVariants, DataCaptureConfig: in.DataCaptureConfig, KmsKeyId: in.KmsKeyId,
		ExecutionRoleArn: in.ExecutionRoleArn, VpcConfig: in.VpcConfig, EnableNetworkIsolation: in.EnableNetworkIsolation,
		MetricsConfig: in.MetricsConfig,
	}
	return &createEndpointConfigOutput{EndpointConfigArn: arn}, nil
}

func (in *createEndpointConfigInput) check() error {
	var c wire.Checks
	checkName(&c, "endpointConfigName", in.EndpointConfigName, namePattern)
	c.Required("productionVariants", in.ProductionVariants != nil)
	c.Length("executionRoleArn", in.ExecutionRoleArn, 20, 2048)
	c.Pattern("executionRoleArn", in.ExecutionRoleArn, rolePattern)
	checkTags(&c, in.Tags)
	for i := range in.ProductionVariants {
		in.ProductionVariants[i].checkShape(&c, fmt.Sprintf("productionVariants.%d.member.", i+1))
	}
	if err := c.Err(); err != nil {
		return err
	}
	if n := len(in.ProductionVariants); n < 1 || n > maxVariants {
		return invalid("%d production variants: want from 1 to %d.", n, maxVariants)
	}
	if name := in.unserved(); name != "" {
		return invalid("%s: the emulator does not serve it; leave it out of endpoint configuration %q.", name, in.EndpointConfigName)
	}
	total, names := 0.0, map[string]bool{}
	for i := range in.ProductionVariants {
		v := &in.ProductionVariants[i]
		if names[v.VariantName] {
			return invalid("The variant name %q was non-unique within the request.", v.VariantName)
		}
		names[v.VariantName] = true
		total += v.weight()
		if err := v.check(in.ExecutionRoleArn); err != nil {
			return err
		}
		if v.hosts() != in.ProductionVariants[0].hosts() {
			return invalid("Variant %q: either all variants have a ModelName or none.", v.VariantName)
		}
	}
	if !(total > 0) {
		return noWeight()
	}
	return nil
}

// unserved is the first member of a configuration that would change what its endpoints
// do, and that the emulator does not have; empty if there is none.
func (in *createEndpointConfigInput) unserved() string {
	switch {
	case given(in.AsyncInferenceConfig):
		return "AsyncInferenceConfig"
	case given(in.ExplainerConfig):
		return "ExplainerConfig"
	case given(in.ShadowProductionVariants):
		return "ShadowProductionVariants"
	case in.MetricsConfig != nil && in.MetricsConfig.EnableEnhancedMetrics != nil && *in.MetricsConfig.EnableEnhancedMetrics:
		return "EnableEnhancedMetrics"
	}
	return ""
}

// noWeight refuses variants that would leave traffic nowhere to go.
func noWeight() error {
	return invalid("The weights of all variants are 0: want at least one above it.")
}

// given tells whether an optional member was.
func given(m json.RawMessage) bool { return len(m) > 0 && string(m) != "null" }

// checkShape collects what AWS's API model says of a variant.
func (v *productionVariant) checkShape(c *wire.Checks, at string) {
	checkName(c, at+"variantName", v.VariantName, namePattern)
	c.Length(at+"modelName", v.ModelName, 0, longestName)
	c.Pattern(at+"modelName", v.ModelName, modelPattern)
	c.Pattern(at+"instanceType", v.InstanceType, typePattern)
	checkRange(c, at+"initialInstanceCount", v.InitialInstanceCount, 1, 1<<31-1)
	checkRange(c, at+"variantInstanceProvisionTimeoutInSeconds", v.VariantInstanceProvisionTimeoutInSeconds, 300, 3600)
	checkRange(c, at+"volumeSizeInGB", v.VolumeSizeInGB, 1, 512)
	checkRange(c, at+"modelDataDownloadTimeoutInSeconds", v.ModelDataDownloadTimeoutInSeconds, 60, 3600)
	checkRange(c, at+"containerStartupHealthCheckTimeoutInSeconds", v.ContainerStartupHealthCheckTimeoutInSeconds, 60, 3600)
	if w := v.InitialVariantWeight; w != nil {
		c.Range(at+"initialVariantWeight", *w, 0, 1e9)
	}
	for i, p := range v.InstancePools {
		pool := fmt.Sprintf("%sinstancePools.%d.member.", at, i+1)
		c.Required(pool+"instanceType", p.InstanceType != "")
		c.Pattern(pool+"instanceType", p.InstanceType, typePattern)
		c.Range(pool+"priority", float64(p.Priority), 1, 5)
	}
	if r := v.RoutingConfig; r != nil {
		c.Required(at+"routingConfig.routingStrategy", r.RoutingStrategy != "")
	}
	if m := v.ManagedInstanceScaling; m != nil {
		c.Enum(at+"managedInstanceScaling.status", m.Status, "ENABLED", "DISABLED")
		checkRange(c, at+"managedInstanceScaling.minInstanceCount", m.MinInstanceCount, 0, 1<<31-1)
		checkRange(c, at+"managedInstanceScaling.maxInstanceCount", m.MaxInstanceCount, 1, 1<<31-1)
		if p := m.ScaleInPolicy; p != nil {
			c.Enum(at+"managedInstanceScaling.scaleInPolicy.strategy", p.Strategy, "IDLE_RELEASE", "CONSOLIDATION")
			checkRange(c, at+"managedInstanceScaling.scaleInPolicy.maximumStepSize", p.MaximumStepSize, 1, 100)
			checkRange(c, at+"managedInstanceScaling.scaleInPolicy.cooldownInMinutes", p.CooldownInMinutes, 5, 1440)
		}
	}
}

func checkRange(c *wire.Checks, member string, value *int, low, high float64) {
	if value != nil {
		c.Range(member, float64(*value), low, high)
	}
}

// check is what a variant must be for the emulator to serve it.
func (v *productionVariant) check(role string) error {
	switch {
	case given(v.ServerlessConfig):
		return invalid("Variant %q has a ServerlessConfig: the emulator does not serve serverless variants; "+
			"give InstanceType and InitialInstanceCount instead.", v.VariantName)
	case v.InstanceType == "" && len(v.InstancePools) == 0:
		return invalid("Variant %q has no InstanceType.", v.VariantName)
	case v.InstanceType != "" && len(v.InstancePools) > 0:
		return invalid("Variant %q has both InstanceType and InstancePools: give one of them.", v.VariantName)
	case len(v.InstancePools) > 5:
		return invalid("Variant %q has %d InstancePools: want at most 5.", v.VariantName, len(v.InstancePools))
	case v.InitialInstanceCount == nil:
		return invalid("Variant %q has no InitialInstanceCount.", v.VariantName)
	case v.hosts() && role == "":
		return invalid("Variant %q has no ModelName, so that it hosts inference components: ExecutionRoleArn is required.", v.VariantName)
	}
	if r := v.RoutingConfig; r != nil && r.RoutingStrategy != routeRandom && r.RoutingStrategy != routeLeastOutstanding {
		return invalid("Variant %q has the RoutingStrategy %q: the emulator serves %s and %s.",
			v.VariantName, r.RoutingStrategy, routeRandom, routeLeastOutstanding)
	}
	return v.checkManaged()
}

func (v *productionVariant) checkManaged() error {
	m := v.managed()
	switch {
	case m == nil:
		return nil
	case !v.hosts():
		return invalid("ManagedInstanceScaling is only supported for inference component endpoints.")
	case m.MaxInstanceCount == nil:
		return invalid("Variant %q enables ManagedInstanceScaling: MaxInstanceCount is required.", v.VariantName)
	case m.MinInstanceCount != nil && *m.MinInstanceCount > *m.MaxInstanceCount:
		return invalid("Variant %q: MinInstanceCount %d is above MaxInstanceCount %d.", v.VariantName, *m.MinInstanceCount, *m.MaxInstanceCount)
	case *v.InitialInstanceCount > *m.MaxInstanceCount:
		return invalid("Variant %q: InitialInstanceCount %d is above MaxInstanceCount %d.", v.VariantName, *v.InitialInstanceCount, *m.MaxInstanceCount)
	}
	return nil
}
