package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// There says whether an endpoint configuration or an endpoint of this name exists.
func (c *Control) There(ctx context.Context, what experiment.What, name string) (bool, error) {
	var err error
	if what == experiment.OneConfig {
		_, err = c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &name})
	} else {
		_, err = c.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &name})
	}
	if err == nil {
		return true, nil
	}
	err = explain(fmt.Errorf("looking for %s: %w", name, err))
	if missing, ok := errors.AsType[*experiment.ControlError](err); ok && missing.Problem == experiment.ProblemMissing {
		return false, nil
	}
	return false, err
}

// Create begins to make an endpoint configuration or an endpoint; it does not wait for it.
func (c *Control) Create(ctx context.Context, what experiment.What, d experiment.Deployment) error {
	tags := []types.Tag{{Key: aws.String(experiment.RunTag), Value: &d.Run}}
	var err error
	if what == experiment.OneConfig {
		var in *sagemaker.CreateEndpointConfigInput
		if in, err = c.configuration(ctx, d); err == nil {
			in.Tags = tags
			_, err = c.sagemaker.CreateEndpointConfig(ctx, in)
		}
	} else {
		_, err = c.sagemaker.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: &d.Name, EndpointConfigName: &d.Name, Tags: tags})
	}
	if err == nil || strings.Contains(err.Error(), "Cannot create already existing") {
		return nil // a call whose answer was lost has been tried again
	}
	return explain(fmt.Errorf("creating %s: %w", d.Name, err))
}

// Delete begins to delete an endpoint configuration or an endpoint; it does not wait for
// that.
func (c *Control) Delete(ctx context.Context, what experiment.What, name string) error {
	var err error
	if what == experiment.OneConfig {
		_, err = c.sagemaker.DeleteEndpointConfig(ctx, &sagemaker.DeleteEndpointConfigInput{EndpointConfigName: &name})
	} else {
		_, err = c.sagemaker.DeleteEndpoint(ctx, &sagemaker.DeleteEndpointInput{EndpointName: &name})
	}
	if err != nil {
		return explain(fmt.Errorf("deleting %s: %w", name, err))
	}
	return nil
}

// ModelARN is the ARN of a model, which has the account.
func (c *Control) ModelARN(ctx context.Context, model string) (string, error) {
	out, err := c.sagemaker.DescribeModel(ctx, &sagemaker.DescribeModelInput{ModelName: &model})
	if err != nil {
		return "", explain(fmt.Errorf("describing model %s: %w", model, err))
	}
	return aws.ToString(out.ModelArn), nil
}

// Copy says what a copy of a variant of an endpoint would be, with one instance of a type,
// and what of its configuration the copy would leave out. An empty type is the
// variant's own. It fails for what cannot be measured.
func (c *Control) Copy(ctx context.Context, e experiment.EndpointState, variant, instanceType string) (d experiment.Deployment, left []string, err error) {
	if e.Config == "" {
		return d, nil, uncopied("endpoint "+e.Name+" does not name its configuration", "wait until it is InService")
	}
	config, err := c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &e.Config})
	if err != nil {
		return d, nil, explain(fmt.Errorf("describing the configuration of endpoint %s: %w", e.Name, err))
	}
	v, err := configured(config, variant)
	if err != nil {
		return d, nil, err
	}
	if instanceType == "" {
		if instanceType, err = ownType(v); err != nil {
			return d, nil, err
		}
	}
	if err := copyable(config, v); err != nil {
		return d, nil, err
	}
	d = experiment.Deployment{Variant: variant, InstanceType: instanceType, CopyOf: e.Config, Region: c.region}
	d.Model = aws.ToString(copied(v, d).ModelName)
	return d, leftOut(config, v, d), nil
}

// configuration is what a deployment's endpoint configuration is made from.
func (c *Control) configuration(ctx context.Context, d experiment.Deployment) (*sagemaker.CreateEndpointConfigInput, error) {
	if d.CopyOf == "" {
		return &sagemaker.CreateEndpointConfigInput{EndpointConfigName: &d.Name, ProductionVariants: []types.ProductionVariant{{
			VariantName: &d.Variant, ModelName: &d.Model, InstanceType: types.ProductionVariantInstanceType(d.InstanceType),
			InitialInstanceCount: aws.Int32(1), InitialVariantWeight: aws.Float32(1),
		}}}, nil
	}
	original, err := c.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &d.CopyOf})
	if err != nil {
		return nil, err
	}
	v, err := configured(original, d.Variant)
	if err != nil {
		return nil, err
	}
	return &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: &d.Name, ProductionVariants: []types.ProductionVariant{copied(v, d)},
		KmsKeyId: original.KmsKeyId, VpcConfig: original.VpcConfig, EnableNetworkIsolation: original.EnableNetworkIsolation,
		ExecutionRoleArn: original.ExecutionRoleArn, ExplainerConfig: original.ExplainerConfig, MetricsConfig: original.MetricsConfig,
	}, nil
}

// configured is a variant as a configuration has it.
func configured(config *sagemaker.DescribeEndpointConfigOutput, variant string) (types.ProductionVariant, error) {
	at := slices.IndexFunc(config.ProductionVariants, func(v types.ProductionVariant) bool { return aws.ToString(v.VariantName) == variant })
	if at < 0 {
		return types.ProductionVariant{}, uncopied(fmt.Sprintf("configuration %s has no variant %s", aws.ToString(config.EndpointConfigName), variant), "")
	}
	return config.ProductionVariants[at], nil
}

// copied is a variant with one instance of the deployment's type, and no more of its
// configuration than is right for that type.
func copied(v types.ProductionVariant, d experiment.Deployment) types.ProductionVariant {
	model := v.ModelName
	for _, p := range v.InstancePools {
		if string(p.InstanceType) == d.InstanceType && p.ModelNameOverride != nil {
			model = p.ModelNameOverride
		}
	}
	out := types.ProductionVariant{
		VariantName: v.VariantName, ModelName: model, InstanceType: types.ProductionVariantInstanceType(d.InstanceType),
		InitialInstanceCount: aws.Int32(1), InitialVariantWeight: aws.Float32(1),
		ModelDataDownloadTimeoutInSeconds:           v.ModelDataDownloadTimeoutInSeconds,
		ContainerStartupHealthCheckTimeoutInSeconds: v.ContainerStartupHealthCheckTimeoutInSeconds,
		RoutingConfig: v.RoutingConfig, EnableSSMAccess: v.EnableSSMAccess,
	}
	if string(v.InstanceType) == d.InstanceType {
		out.AcceleratorType, out.AcceleratorPartitionLayouts = v.AcceleratorType, v.AcceleratorPartitionLayouts
		out.VolumeSizeInGB, out.InferenceAmiVersion = v.VolumeSizeInGB, v.InferenceAmiVersion
	}
	return out
}

// ownType is the one instance type of a variant.
func ownType(v types.ProductionVariant) (string, error) {
	switch {
	case v.InstanceType != "":
		return string(v.InstanceType), nil
	case len(v.InstancePools) == 1:
		return string(v.InstancePools[0].InstanceType), nil
	case len(v.InstancePools) > 1:
		var kinds []string
		for _, p := range v.InstancePools {
			kinds = append(kinds, string(p.InstanceType))
		}
		return "", uncopied(fmt.Sprintf("variant %s has several instance types", aws.ToString(v.VariantName)), "name those to measure: --instance-types "+strings.Join(kinds, ","))
	}
	return "", nil
}

// copyable says why a copy could not be measured.
func copyable(config *sagemaker.DescribeEndpointConfigOutput, v types.ProductionVariant) error {
	name := aws.ToString(v.VariantName)
	switch {
	case config.AsyncInferenceConfig != nil:
		return uncopied("the endpoint is asynchronous: its requests are queued, and have no response time to measure", "")
	case v.ServerlessConfig != nil:
		return uncopied(fmt.Sprintf("variant %s is serverless, and has no instance to measure", name), "give --deploy MODEL with an --instance-type")
	case v.ModelName == nil:
		return uncopied(fmt.Sprintf("variant %s hosts inference components, which are not copied", name), "measure a component on the endpoint that has it: --inference-component")
	}
	return nil
}

// leftOut is what a copy does not have of its original.
func leftOut(config *sagemaker.DescribeEndpointConfigOutput, v types.ProductionVariant, d experiment.Deployment) []string {
	var left []string
	for _, part := range []struct {
		there bool
		words string
	}{
		{len(config.ProductionVariants) > 1, fmt.Sprintf("the other %d variants", len(config.ProductionVariants)-1)},
		{len(config.ShadowProductionVariants) > 0, "the shadow variants, which get copies of its requests"},
		{config.DataCaptureConfig != nil && aws.ToBool(config.DataCaptureConfig.EnableCapture), "data capture: no request is written to S3"},
		{v.ManagedInstanceScaling != nil, "managed instance scaling: it would change the one instance"},
		{v.CapacityReservationConfig != nil, "the capacity reservation: the instance is on demand"},
		{v.CoreDumpConfig != nil, "core dumps"},
	} {
		if part.there {
			left = append(left, part.words)
		}
	}
	if string(v.InstanceType) == d.InstanceType {
		return left
	}
	for _, part := range []struct {
		there bool
		words string
	}{
		{v.VolumeSizeInGB != nil, "the size of the volume"},
		{v.InferenceAmiVersion != "", "the AMI version"},
		{v.AcceleratorType != "" || len(v.AcceleratorPartitionLayouts) > 0, "the accelerator"},
	} {
		if part.there {
			left = append(left, part.words+", which was chosen for another instance type")
		}
	}
	return left
}

func uncopied(what, remedy string) error {
	return &experiment.ControlError{Problem: experiment.ProblemInvalid, Err: errors.New(what), Remedy: remedy}
}
