package emulator_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	rttypes "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"

	"plimsoll/emulator"
	"plimsoll/fleet"
)

// deploy makes an endpoint of some variants, and waits in model time until it is in
// service.
func (s *sdk) deploy(name string, variants ...smtypes.ProductionVariant) {
	s.Helper()
	ctx := s.Context()
	role := aws.String("arn:aws:iam::123456789012:role/r")
	_, err := s.sagemaker.CreateModel(ctx, &sagemaker.CreateModelInput{
		ModelName: aws.String(name + "-model"), ExecutionRoleArn: role, PrimaryContainer: &smtypes.ContainerDefinition{Image: aws.String("image")},
	})
	s.must("create a model", err)
	for i := range variants {
		variants[i].InstanceType, variants[i].InitialInstanceCount = smtypes.ProductionVariantInstanceTypeMlM5Xlarge, aws.Int32(1)
	}
	config := &sagemaker.CreateEndpointConfigInput{EndpointConfigName: aws.String(name + "-config"), ProductionVariants: variants}
	if variants[0].ModelName == nil {
		config.ExecutionRoleArn = role
	}
	_, err = s.sagemaker.CreateEndpointConfig(ctx, config)
	s.must("create a configuration", err)
	_, err = s.sagemaker.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: aws.String(name), EndpointConfigName: config.EndpointConfigName})
	s.must("create an endpoint", err)
	s.pass()
	err = sagemaker.NewEndpointInServiceWaiter(s.sagemaker).Wait(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(name)}, time.Hour)
	s.must("wait until it is in service", err)
}

// pass lets launches come up where model time stands still.
func (s *sdk) pass() {
	s.Helper()
	s.must("advance", s.emulator.Advance(20*time.Minute))
}

// TestVariants sends requests to several variants, by weight and by name.
func TestVariants(t *testing.T) {
	inWorld(t, emulator.Options{Model: oneInstance(), Seed: 5}, func(w *world) {
		s := newSDK(w)
		variant := func(name string, weight float32) smtypes.ProductionVariant {
			return smtypes.ProductionVariant{VariantName: aws.String(name), ModelName: aws.String("shop-model"), InitialVariantWeight: aws.Float32(weight)}
		}
		s.deploy("shop", variant("blue", 3), variant("green", 1), variant("dark", 0))
		answered := func(target *string) map[string]int {
			by := map[string]int{}
			for range 400 {
				out, err := s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{
					EndpointName: aws.String("shop"), TargetVariant: target, Body: []byte("{}"),
				})
				s.must("invoke", err)
				by[*out.InvokedProductionVariant]++
			}
			return by
		}
		// Binomial with p = 3/4: 300 on average, with a standard deviation of 8.7; ±5 of them.
		if by := answered(nil); by["blue"] < 257 || by["blue"] > 343 || by["dark"] != 0 {
			t.Errorf("400 requests went to %v, want about 300 to blue and 100 to green", by)
		}
		if by := answered(aws.String("dark")); by["dark"] != 400 {
			t.Errorf("400 requests for dark went to %v", by)
		}
		_, err := s.sagemaker.UpdateEndpointWeightsAndCapacities(s.Context(), &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
			EndpointName: aws.String("shop"), DesiredWeightsAndCapacities: []smtypes.DesiredWeightAndCapacity{
				{VariantName: aws.String("blue"), DesiredWeight: aws.Float32(0)}, {VariantName: aws.String("dark"), DesiredWeight: aws.Float32(9)},
			},
		})
		s.must("change the weights", err)
		s.pass()
		if by := answered(nil); by["blue"] != 0 || by["dark"] < 330 || by["green"] == 0 { // 360 on average, σ = 6
			t.Errorf("with other weights 400 requests went to %v, want about 360 to dark and the rest to green", by)
		}
		_, err = s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String("shop"), TargetVariant: aws.String("red"), Body: []byte("{}")})
		s.wantCode("an unknown variant", err, "ValidationError")
		_, err = s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String("shop"), InferenceComponentName: aws.String("c"), Body: []byte("{}")})
		s.wantCode("a component of an endpoint without any", err, "ValidationError")
	})
}

// TestComponentScales has a policy add copies of an inference component under load and
// take them away again, at sixty times real time.
func TestComponentScales(t *testing.T) {
	inWorld(t, emulator.Options{Model: oneInstance(), Seed: 5, Speed: 60}, func(w *world) {
		s := newSDK(w)
		ctx := s.Context()
		s.deploy("host", smtypes.ProductionVariant{VariantName: aws.String("AllTraffic")})
		component := aws.String("ranker")
		_, err := s.sagemaker.CreateInferenceComponent(ctx, &sagemaker.CreateInferenceComponentInput{
			InferenceComponentName: component, EndpointName: aws.String("host"), VariantName: aws.String("AllTraffic"),
			RuntimeConfig: &smtypes.InferenceComponentRuntimeConfig{CopyCount: aws.Int32(1)},
			Specification: &smtypes.InferenceComponentSpecification{
				ModelName: aws.String("host-model"),
				ComputeResourceRequirements: &smtypes.InferenceComponentComputeResourceRequirements{
					NumberOfCpuCoresRequired: aws.Float32(1), MinMemoryRequiredInMb: aws.Int32(1024),
				},
			},
		})
		s.must("create a component", err)
		copies := func() (current, desired int32) {
			out, err := s.sagemaker.DescribeInferenceComponent(ctx, &sagemaker.DescribeInferenceComponentInput{InferenceComponentName: component})
			s.must("describe the component", err)
			return *out.RuntimeConfig.CurrentCopyCount, *out.RuntimeConfig.DesiredCopyCount
		}
		invoke := func(name *string) error {
			_, err := s.runtime.InvokeEndpoint(ctx, &sagemakerruntime.InvokeEndpointInput{
				EndpointName: aws.String("host"), InferenceComponentName: name, Body: []byte("{}"),
			})
			return err
		}
		s.wantCode("before a copy is up", invoke(component), "ValidationError")
		s.eventually("a copy is up", func() bool { current, _ := copies(); return current == 1 })
		s.must("invoke the component", invoke(component))
		s.wantCode("without a component", invoke(nil), "ValidationError")
		s.wantCode("another component", invoke(aws.String("nobody")), "ValidationError")

		resource := aws.String("inference-component/ranker")
		_, err = s.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: resource,
			ScalableDimension: astypes.ScalableDimensionSageMakerInferenceComponentDesiredCopyCount, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(3),
		})
		s.must("register the component", err)
		_, err = s.scaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
			PolicyName: aws.String("copies"), PolicyType: astypes.PolicyTypeTargetTrackingScaling,
			ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: resource,
			ScalableDimension: astypes.ScalableDimensionSageMakerInferenceComponentDesiredCopyCount,
			TargetTrackingScalingPolicyConfiguration: &astypes.TargetTrackingScalingPolicyConfiguration{
				TargetValue: aws.Float64(70), PredefinedMetricSpecification: &astypes.PredefinedMetricSpecification{
					PredefinedMetricType: astypes.MetricTypeSageMakerInferenceComponentInvocationsPerCopy,
				},
			},
		})
		s.must("put a policy", err)
		for end := s.emulator.Now().Add(15 * time.Minute); s.emulator.Now().Before(end); time.Sleep(500 * time.Millisecond) { // 120 a minute: ceil(120/70)
			s.must("invoke the component", invoke(component))
		}
		if current, desired := copies(); current != 2 || desired != 2 {
			t.Errorf("under load %d of %d copies, want 2 of 2", current, desired)
		}
		s.eventually("idle, one copy is left", func() bool { current, _ := copies(); return current == 1 })
		if got := s.activities("Setting desired copy count to 2."); len(got) != 1 || !strings.HasPrefix(got[0], "Successful") {
			t.Errorf("the scale-out is told as %q, want one that succeeded", got)
		}
	})
}

// TestSessionBySDK keeps a session at one instance of two until it is closed.
func TestSessionBySDK(t *testing.T) {
	options := byHand()
	options.Endpoints[0].Instances = 2
	s := newSDK(newWorld(t, options))
	invoke := func(session, body string) (*sagemakerruntime.InvokeEndpointOutput, error) {
		return s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{
			EndpointName: aws.String(sdkEndpoint), SessionId: aws.String(session), Body: []byte(body),
		})
	}
	out, err := invoke("NEW_SESSION", "{}")
	s.must("begin a session", err)
	id, expires, _ := strings.Cut(aws.ToString(out.NewSessionId), "; Expires=")
	if at, err := time.Parse(time.RFC3339, expires); id == "" || err != nil || !at.Equal(s.emulator.Now().Add(20*time.Minute)) {
		t.Errorf("the new session is %q, want one that expires in 20 minutes of model time", aws.ToString(out.NewSessionId))
	}
	for range 30 { // the other instance knows no such session and would refuse it
		_, err := invoke(id, "{}")
		s.must("go on with the session", err)
	}
	out, err = invoke(id, `{"requestType":"CLOSE"}`)
	s.must("close the session", err)
	if got := aws.ToString(out.ClosedSessionId); got != id {
		t.Errorf("closed session %q, want %q", got, id)
	}
	_, err = invoke(id, "{}")
	if model, ok := errors.AsType[*rttypes.ModelError](err); !ok || *model.OriginalStatusCode != 400 {
		t.Errorf("a closed session: %v, want a ModelError of status 400", err)
	}
}

// TestContainer asks a real server by the SDK: what comes through, and how its errors look.
func TestContainer(t *testing.T) {
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a short body shows in the answer
		if status := 0; strings.HasPrefix(string(body), "fail ") {
			_, _ = fmt.Sscanf(string(body), "fail %d", &status) // 0 is no status, and shows
			http.Error(w, "not today", status)
			return
		}
		w.Header().Set("Content-Type", "text/csv")
		w.Header().Set("X-Amzn-Sagemaker-Custom-Attributes", "answered "+r.Header.Get("X-Amzn-Sagemaker-Custom-Attributes"))
		_, _ = fmt.Fprintf(w, "%s %s %d", r.Header.Get("Content-Type"), r.Header.Get("Accept"), len(body))
	}))
	defer container.Close()
	options := byHand()
	options.Model, options.URL, options.MaxBody = fleet.Model{}, container.URL+"/invocations", 1<<20
	s := newSDK(newWorld(t, options))
	invoke := func(body string) (*sagemakerruntime.InvokeEndpointOutput, error) {
		return s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{
			EndpointName: aws.String(sdkEndpoint), ContentType: aws.String("application/json"), Accept: aws.String("text/csv"),
			CustomAttributes: aws.String("trace 7"), Body: []byte(body),
		})
	}

	for _, length := range []int{0, 1, 1 << 20} {
		out, err := invoke(strings.Repeat("x", length))
		s.must(fmt.Sprintf("invoke with %d bytes", length), err)
		if got, want := string(out.Body), fmt.Sprintf("application/json text/csv %d", length); got != want {
			t.Errorf("the container was asked with %q, want %q", got, want)
		}
		if kind, attributes := *out.ContentType, *out.CustomAttributes; kind != "text/csv" || attributes != "answered trace 7" {
			t.Errorf("the answer has type %q and attributes %q", kind, attributes)
		}
	}
	_, err := invoke(strings.Repeat("x", 1<<20+1))
	s.wantStatus("one byte too many", err, http.StatusRequestEntityTooLarge)

	for _, status := range []int{400, 429, 500, 503} {
		_, err := invoke(fmt.Sprintf("fail %d", status))
		s.wantStatus("a container that fails", err, http.StatusFailedDependency)
		model, ok := errors.AsType[*rttypes.ModelError](err)
		if !ok {
			t.Fatalf("a container that answers %d: %v, want a ModelError", status, err)
		}
		side := map[bool]string{true: "client", false: "server"}[status < 500]
		begins := fmt.Sprintf("Received %s error (%d) from primary with message \"not today\n\". See https://", side, status)
		logs := "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/" + sdkEndpoint
		if *model.OriginalStatusCode != int32(status) || *model.OriginalMessage != "not today\n" || *model.LogStreamArn != logs || !strings.HasPrefix(*model.Message, begins) {
			t.Errorf("a container that answers %d: %d %q %q %q", status, *model.OriginalStatusCode, *model.OriginalMessage, *model.LogStreamArn, *model.Message)
		}
	}
	container.Close()
	_, err = invoke("{}")
	if model, ok := errors.AsType[*rttypes.ModelError](err); !ok || aws.ToInt32(model.OriginalStatusCode) != 0 {
		t.Errorf("a container that is gone: %v, want a ModelError without a status", err)
	}
}
