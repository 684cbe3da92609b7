package emulator_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	rttypes "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/aws/smithy-go"

	"plimsoll/emulator"
)

// sdk is the AWS SDK for Go v2, unchanged, pointed at an emulator.
type sdk struct {
	*world
	sagemaker  *sagemaker.Client
	runtime    *sagemakerruntime.Client
	scaling    *applicationautoscaling.Client
	cloudwatch *cloudwatch.Client
}

func newSDK(w *world) *sdk {
	w.Helper()
	cfg := aws.Config{
		Region: emulator.DefaultRegion, BaseEndpoint: aws.String("http://emulator"), HTTPClient: w.client, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(emulator.DefaultAccessKey, emulator.DefaultSecretKey, ""),
	}
	return &sdk{
		world: w, sagemaker: sagemaker.NewFromConfig(cfg), runtime: sagemakerruntime.NewFromConfig(cfg),
		scaling: applicationautoscaling.NewFromConfig(cfg), cloudwatch: cloudwatch.NewFromConfig(cfg),
	}
}

const (
	sdkEndpoint = "sdk-endpoint"
	sdkResource = "endpoint/" + sdkEndpoint + "/variant/AllTraffic"
)

// TestGoSDK drives the whole life of an endpoint with the present SDK, which speaks CBOR
// to CloudWatch: at sixty times real time, in virtual time.
func TestGoSDK(t *testing.T) {
	inWorld(t, emulator.Options{Model: oneInstance(), Speed: 60, Seed: 1}, func(w *world) {
		s := newSDK(w)
		s.create()
		s.invoke()
		s.stream()
		high := s.apply()
		load := s.load(10)
		s.eventually("the high alarm fires", func() bool { return s.alarm(high).StateValue == cwtypes.StateValueAlarm })
		s.eventually("capacity is scaled out to the maximum", func() bool { return *s.variant().CurrentInstanceCount == 3 })
		load.stop()
		s.eventually("it is scaled in to the minimum when idle", func() bool { return *s.variant().CurrentInstanceCount == 1 })
		s.explain(high)
		s.metrics()
		s.remove(high)
	})
}

func (s *sdk) create() {
	ctx := s.Context()
	_, err := s.sagemaker.CreateModel(ctx, &sagemaker.CreateModelInput{
		ModelName: aws.String("sdk-model"), ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/r"),
		PrimaryContainer: &smtypes.ContainerDefinition{Image: aws.String("image")},
	})
	s.must("create a model", err)
	_, err = s.sagemaker.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: aws.String("sdk-config"),
		ProductionVariants: []smtypes.ProductionVariant{{
			VariantName: aws.String("AllTraffic"), ModelName: aws.String("sdk-model"),
			InitialInstanceCount: aws.Int32(1), InstanceType: smtypes.ProductionVariantInstanceTypeMlM5Xlarge,
		}},
	})
	s.must("create a configuration", err)
	_, err = s.sagemaker.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: aws.String(sdkEndpoint), EndpointConfigName: aws.String("sdk-config")})
	s.must("create an endpoint", err)
	_, err = s.sagemaker.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: aws.String(sdkEndpoint), EndpointConfigName: aws.String("sdk-config")})
	s.wantCode("create it again", err, "ValidationException")
	err = sagemaker.NewEndpointInServiceWaiter(s.sagemaker).Wait(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)}, 10*time.Minute)
	s.must("wait until it is in service", err)
}

func (s *sdk) invoke() {
	out, err := s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{
		EndpointName: aws.String(sdkEndpoint), ContentType: aws.String("text/csv"), Body: []byte("5.1,3.5,1.4,0.2"),
	})
	s.must("invoke the endpoint", err)
	if *out.InvokedProductionVariant != "AllTraffic" || len(out.Body) == 0 {
		s.Errorf("the invocation was answered by %q with %q", *out.InvokedProductionVariant, out.Body)
	}
	_, err = s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String("nobody"), Body: []byte("x")})
	s.wantCode("invoke an unknown endpoint", err, "ValidationError")
}

func (s *sdk) stream() {
	out, err := s.runtime.InvokeEndpointWithResponseStream(s.Context(), &sagemakerruntime.InvokeEndpointWithResponseStreamInput{
		EndpointName: aws.String(sdkEndpoint), ContentType: aws.String("application/json"), Body: []byte("{}"),
	})
	s.must("stream from the endpoint", err)
	events := out.GetStream()
	parts := 0
	for event := range events.Events() {
		if part, ok := event.(*rttypes.ResponseStreamMemberPayloadPart); ok && len(part.Value.Bytes) > 0 {
			parts++
		}
	}
	s.must("read the stream", errors.Join(events.Err(), events.Close()))
	if parts < 2 {
		s.Errorf("the answer was streamed in %d parts, want several", parts)
	}
}

// apply registers the variant and puts a policy; it returns the high alarm's name.
func (s *sdk) apply() string {
	_, err := s.scaling.RegisterScalableTarget(s.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource),
		ScalableDimension: astypes.ScalableDimensionSageMakerVariantDesiredInstanceCount, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(3),
	})
	s.must("register the variant", err)
	policy, err := s.scaling.PutScalingPolicy(s.Context(), &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String("SageMakerEndpointInvocationScalingPolicy"), PolicyType: astypes.PolicyTypeTargetTrackingScaling,
		ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource),
		ScalableDimension: astypes.ScalableDimensionSageMakerVariantDesiredInstanceCount,
		TargetTrackingScalingPolicyConfiguration: &astypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(100), ScaleInCooldown: aws.Int32(60), ScaleOutCooldown: aws.Int32(60),
			PredefinedMetricSpecification: &astypes.PredefinedMetricSpecification{
				PredefinedMetricType: astypes.MetricTypeSageMakerVariantInvocationsPerInstance,
			},
		},
	})
	s.must("put a policy", err)
	for _, a := range policy.Alarms {
		if strings.Contains(*a.AlarmName, "AlarmHigh") {
			return *a.AlarmName
		}
	}
	s.Fatalf("the policy's alarms are %+v, want a high one", policy.Alarms)
	return ""
}

func (s *sdk) variant() smtypes.ProductionVariantSummary {
	s.Helper()
	out, err := s.sagemaker.DescribeEndpoint(s.Context(), &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)})
	s.must("describe the endpoint", err)
	return out.ProductionVariants[0]
}

func (s *sdk) alarm(name string) cwtypes.MetricAlarm {
	s.Helper()
	out, err := s.cloudwatch.DescribeAlarms(s.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	s.must("describe the alarm", err)
	if len(out.MetricAlarms) != 1 {
		s.Fatalf("alarm %q: there are %d", name, len(out.MetricAlarms))
	}
	return out.MetricAlarms[0]
}

// explain looks for why capacity moved.
func (s *sdk) explain(high string) {
	why := map[string]string{}
	for pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(s.scaling, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource), MaxResults: aws.Int32(1),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.Context())
		s.must("page through the activities", err)
		for _, a := range page.ScalingActivities {
			why[*a.Description] = string(a.StatusCode) + " " + *a.Cause
		}
	}
	got := why["Setting desired instance count to 3."]
	want := "Successful monitor alarm " + high + " in state ALARM triggered policy SageMakerEndpointInvocationScalingPolicy"
	if got != want {
		s.Errorf("the scale-out is explained by %q, want %q; all: %v", got, want, why)
	}
	if got := why["Setting desired instance count to 1."]; !strings.Contains(got, "AlarmLow") {
		s.Errorf("the scale-in is explained by %q, want the low alarm", got)
	}
	alarms := 0
	for pages := cloudwatch.NewDescribeAlarmHistoryPaginator(s.cloudwatch, &cloudwatch.DescribeAlarmHistoryInput{
		AlarmName: aws.String(high), HistoryItemType: cwtypes.HistoryItemTypeStateUpdate, MaxRecords: aws.Int32(1),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(s.Context())
		s.must("page through the alarm's history", err)
		for _, item := range page.AlarmHistoryItems {
			if strings.HasSuffix(*item.HistorySummary, "to ALARM") {
				alarms++
			}
		}
	}
	if alarms == 0 {
		s.Errorf("the history of %s has no update to ALARM", high)
	}
}

// metrics reads the load back.
func (s *sdk) metrics() {
	dimensions := []cwtypes.Dimension{
		{Name: aws.String("EndpointName"), Value: aws.String(sdkEndpoint)},
		{Name: aws.String("VariantName"), Value: aws.String("AllTraffic")},
	}
	query := func(id, name, statistic string) cwtypes.MetricDataQuery {
		return cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
			Period: aws.Int32(60), Stat: aws.String(statistic),
			Metric: &cwtypes.Metric{Namespace: aws.String("AWS/SageMaker"), MetricName: aws.String(name), Dimensions: dimensions},
		}}
	}
	out, err := s.cloudwatch.GetMetricData(s.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(s.emulator.Now().Add(-3 * time.Hour)), EndTime: aws.Time(s.emulator.Now()),
		MetricDataQueries: []cwtypes.MetricDataQuery{
			query("invocations", "Invocations", "Sum"), query("each", "InvocationsPerInstance", "Sum"), query("latency", "ModelLatency", "p50"),
		},
	})
	s.must("get the metrics", err)
	greatest := map[string]float64{}
	for _, result := range out.MetricDataResults {
		for _, v := range result.Values {
			greatest[*result.Id] = max(greatest[*result.Id], v)
		}
	}
	// Ten requests a second for a model minute of one real second, each counted sixty times.
	if got := greatest["invocations"]; got < 500 || got > 700 {
		s.Errorf("at most %v invocations a minute, want about 600", got)
	}
	if each := greatest["each"]; each != greatest["invocations"] {
		s.Errorf("at most %v invocations per instance, want the %v of one instance", each, greatest["invocations"])
	}
	if got := greatest["latency"]; got < 9900 || got > 10_100 {
		s.Errorf("a model latency of %v µs, want 10 ms", got)
	}
}

func (s *sdk) remove(high string) {
	ctx := s.Context()
	target := &applicationautoscaling.DeregisterScalableTargetInput{
		ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource),
		ScalableDimension: astypes.ScalableDimensionSageMakerVariantDesiredInstanceCount,
	}
	_, err := s.scaling.DeregisterScalableTarget(ctx, target)
	s.must("deregister the variant", err)
	_, err = s.scaling.DeregisterScalableTarget(ctx, target)
	s.wantCode("deregister it again", err, "ObjectNotFoundException")
	out, err := s.cloudwatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{high}})
	s.must("look for the alarm", err)
	if len(out.MetricAlarms) != 0 {
		s.Errorf("the alarm %s has outlived its policy", high)
	}
	_, err = s.sagemaker.DeleteEndpoint(ctx, &sagemaker.DeleteEndpointInput{EndpointName: aws.String(sdkEndpoint)})
	s.must("delete the endpoint", err)
	err = sagemaker.NewEndpointDeletedWaiter(s.sagemaker).Wait(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)}, 10*time.Minute)
	s.must("wait until it is deleted", err)
	_, err = s.sagemaker.DeleteEndpointConfig(ctx, &sagemaker.DeleteEndpointConfigInput{EndpointConfigName: aws.String("sdk-config")})
	s.must("delete the configuration", err)
	_, err = s.sagemaker.DeleteModel(ctx, &sagemaker.DeleteModelInput{ModelName: aws.String("sdk-model")})
	s.must("delete the model", err)
}

func (s *sdk) must(what string, err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
}

// wantCode asks for an error of the service with a code.
func (s *sdk) wantCode(what string, err error, code string) {
	s.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code {
		s.Errorf("%s: %v, want %s", what, err, code)
	}
}

// eventually polls until something holds, for an hour of model time at most.
func (s *sdk) eventually(what string, holds func() bool) {
	s.Helper()
	for end := s.emulator.Now().Add(time.Hour); s.emulator.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if holds() {
			return
		}
	}
	s.Fatalf("%s: not within an hour of model time", what)
}

// traffic is invocations that go on until they are stopped.
type traffic struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// load invokes the endpoint so many times a second, evenly.
func (s *sdk) load(perSecond int) *traffic {
	ctx, cancel := context.WithCancel(s.Context())
	l := &traffic{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		for ; ctx.Err() == nil; time.Sleep(time.Second / time.Duration(perSecond)) {
			_, err := s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String(sdkEndpoint), Body: []byte("{}")})
			if err != nil {
				s.Errorf("an invocation under load: %v", err)
			}
		}
	}()
	return l
}

func (l *traffic) stop() {
	l.cancel()
	<-l.ended
}
