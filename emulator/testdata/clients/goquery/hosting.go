package main

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	rttypes "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
)

const (
	model         = "goquery-model"
	configuration = "goquery-config"
)

// create makes an endpoint and waits until it is in service.
func (s suite) create() {
	_, err := s.sagemaker.DescribeEndpoint(s.ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String("nobody")})
	refused("an unknown endpoint", "ValidationException", err)
	made, err := s.sagemaker.CreateModel(s.ctx, &sagemaker.CreateModelInput{
		ModelName: aws.String(model), ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/r"),
		PrimaryContainer: &smtypes.ContainerDefinition{Image: aws.String("image")},
	})
	must("create a model", err)
	check("the model has an ARN", strings.HasSuffix(aws.ToString(made.ModelArn), ":model/"+model), made.ModelArn)
	configured, err := s.sagemaker.CreateEndpointConfig(s.ctx, &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: aws.String(configuration),
		ProductionVariants: []smtypes.ProductionVariant{{
			VariantName: aws.String(variant), ModelName: aws.String(model),
			InitialInstanceCount: aws.Int32(1), InstanceType: smtypes.ProductionVariantInstanceTypeMlM5Xlarge,
		}},
	})
	must("create a configuration", err)
	check("the configuration has an ARN", strings.HasSuffix(aws.ToString(configured.EndpointConfigArn), ":endpoint-config/"+configuration), configured.EndpointConfigArn)
	created, err := s.sagemaker.CreateEndpoint(s.ctx, &sagemaker.CreateEndpointInput{EndpointName: aws.String(endpoint), EndpointConfigName: aws.String(configuration)})
	must("create an endpoint", err)
	check("the endpoint has an ARN", strings.HasSuffix(aws.ToString(created.EndpointArn), ":endpoint/"+endpoint), created.EndpointArn)
	described, err := s.sagemaker.DescribeEndpoint(s.ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(endpoint)})
	must("describe it", err)
	check("it is Creating", described.EndpointStatus == smtypes.EndpointStatusCreating, described.EndpointStatus)
	err = sagemaker.NewEndpointInServiceWaiter(s.sagemaker, func(o *sagemaker.EndpointInServiceWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, time.Second
	}).Wait(s.ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(endpoint)}, time.Minute)
	must("the waiter sees it come into service", err)
	check("it has its instance", s.instances() == 1, s.instances())
	check("the paginator lists it", s.listed(), "no such endpoint")
}

// instances is how many of the variant are in service.
func (s suite) instances() int32 {
	out, err := s.sagemaker.DescribeEndpoint(s.ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(endpoint)})
	if err != nil || len(out.ProductionVariants) != 1 {
		check("the endpoint can be described", false, err)
	}
	return aws.ToInt32(out.ProductionVariants[0].CurrentInstanceCount)
}

func (s suite) listed() bool {
	for pages := sagemaker.NewListEndpointsPaginator(s.sagemaker, &sagemaker.ListEndpointsInput{MaxResults: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			must("page through the endpoints", err)
		}
		for _, e := range page.Endpoints {
			if is(e.EndpointName, endpoint) {
				return true
			}
		}
	}
	return false
}

func (s suite) invoke() {
	out, err := s.runtime.InvokeEndpoint(s.ctx, request())
	must("invoke it", err)
	check("the variant answers", is(out.InvokedProductionVariant, variant) && len(out.Body) > 0, out)
	_, err = s.runtime.InvokeEndpoint(s.ctx, &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String("nobody"), Body: []byte("{}")})
	refused("invoking an unknown endpoint", "ValidationError", err)
}

func request() *sagemakerruntime.InvokeEndpointInput {
	return &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String(endpoint), ContentType: aws.String("application/json"), Body: []byte("{}")}
}

func (s suite) stream() {
	out, err := s.runtime.InvokeEndpointWithResponseStream(s.ctx, &sagemakerruntime.InvokeEndpointWithResponseStreamInput{
		EndpointName: aws.String(endpoint), ContentType: aws.String("application/json"), Body: []byte("{}"),
	})
	must("invoke it with a streamed answer", err)
	events := out.GetStream()
	var parts int
	var answer bytes.Buffer
	for event := range events.Events() {
		if part, ok := event.(*rttypes.ResponseStreamMemberPayloadPart); ok {
			parts++
			answer.Write(part.Value.Bytes)
		}
	}
	must("read the stream", errors.Join(events.Err(), events.Close()))
	check("it has several parts", parts > 1 && answer.Len() > 0, parts, answer.String())
}

// remove deletes everything, the policy first.
func (s suite) remove(alarms ...string) {
	s.removePolicy(alarms)
	_, err := s.sagemaker.DeleteEndpoint(s.ctx, &sagemaker.DeleteEndpointInput{EndpointName: aws.String(endpoint)})
	must("delete the endpoint", err)
	err = sagemaker.NewEndpointDeletedWaiter(s.sagemaker, func(o *sagemaker.EndpointDeletedWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, time.Second
	}).Wait(s.ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(endpoint)}, time.Minute)
	must("the waiter sees it go", err)
	_, err = s.sagemaker.DeleteEndpointConfig(s.ctx, &sagemaker.DeleteEndpointConfigInput{EndpointConfigName: aws.String(configuration)})
	must("delete the configuration", err)
	_, err = s.sagemaker.DeleteModel(s.ctx, &sagemaker.DeleteModelInput{ModelName: aws.String(model)})
	must("delete the model", err)
	check("nothing is left", !s.listed(), "the endpoint")
}
