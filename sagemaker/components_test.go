package sagemaker

import (
	"errors"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"
	"plimsoll/scaling"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"
)

var chat = experiment.Variant{Endpoint: "shared", Name: "main", Component: "chat"}

// hostComponent makes an endpoint whose instances follow the copies of a component.
func (a *account) hostComponent(t *testing.T, copies int) {
	t.Helper()
	ctx, c := t.Context(), a.control.sagemaker
	_, model := c.CreateModel(ctx, &sagemaker.CreateModelInput{ModelName: aws.String("m"), PrimaryContainer: &types.ContainerDefinition{Image: aws.String("llm:1")}})
	_, config := c.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: aws.String("c"), ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"),
		ProductionVariants: []types.ProductionVariant{{
			VariantName: &chat.Name, InitialInstanceCount: aws.Int32(1), InstanceType: types.ProductionVariantInstanceTypeMlM5Xlarge,
			ManagedInstanceScaling: &types.ProductionVariantManagedInstanceScaling{
				Status: types.ManagedInstanceScalingStatusEnabled, MinInstanceCount: aws.Int32(1), MaxInstanceCount: aws.Int32(4),
			},
		}},
	})
	_, endpoint := c.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: &chat.Endpoint, EndpointConfigName: aws.String("c")})
	if err := errors.Join(model, config, endpoint); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the endpoint is in service", func() bool {
		e, err := a.control.Describe(ctx, chat.Endpoint)
		return err == nil && e.Settled() == nil
	})
	_, err := c.CreateInferenceComponent(ctx, &sagemaker.CreateInferenceComponentInput{
		InferenceComponentName: &chat.Component, EndpointName: &chat.Endpoint, VariantName: &chat.Name,
		Specification: &types.InferenceComponentSpecification{
			ModelName: aws.String("m"), ComputeResourceRequirements: &types.InferenceComponentComputeResourceRequirements{
				NumberOfCpuCoresRequired: aws.Float32(1), MinMemoryRequiredInMb: aws.Int32(1024),
			},
		},
		RuntimeConfig: &types.InferenceComponentRuntimeConfig{CopyCount: aws.Int32(int32(copies))}, //nolint:gosec // small
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the component is in service", func() bool {
		state, err := a.control.component(ctx, chat.Component)
		return err == nil && state.Status == experiment.InService && state.Current == copies
	})
}

// eventually waits, in virtual time.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 600 {
		if holds() {
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatal("not within ten hours of model time: " + what)
}

// TestComponentOnTheEmulator: a component's copies are pinned, given back, scaled and given
// back by the same plane as a variant's instances.
func TestComponentOnTheEmulator(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		a.hostComponent(t, 3)
		p := a.plane(&memory{})
		look := func() (experiment.EndpointState, experiment.ScalingState) {
			t.Helper()
			e, s, err := p.Look(t.Context(), chat)
			if err != nil {
				t.Fatal(err)
			}
			return e, s
		}
		copies := func(e experiment.EndpointState) int {
			t.Helper()
			c, err := e.Component(chat.Component)
			if err != nil {
				t.Fatal(err)
			}
			return c.Desired
		}
		e, s := look()
		if v := e.Variants[0]; v.Managed == nil || *v.Managed != (experiment.Managed{Min: 1, Max: 4}) || !v.Components || copies(e) != 3 {
			t.Fatalf("described as %+v with %+v", v, e.Components)
		}
		changes, err := experiment.Pin(chat, e, s)
		if err != nil || len(changes) != 1 || changes[0].What != experiment.Copies {
			t.Fatalf("Pin: %+v, %v; want one change of the copies", changes, err)
		}
		if err := p.Make(t.Context(), chat, changes); err != nil {
			t.Fatal(err)
		}
		if e, _ := look(); copies(e) != 1 {
			t.Errorf("%d copies after it was pinned", copies(e))
		}
		if _, err := p.Undo(t.Context(), chat, p.Journal.(*memory).intents, false); err != nil { //nolint:forcetypeassert // set above
			t.Fatal(err)
		}
		e, s = look()
		if copies(e) != 3 {
			t.Errorf("%d copies after they were given back, want 3", copies(e))
		}

		for _, metric := range []string{"", experiment.OnConcurrency} {
			p.Journal = &memory{}
			changes, warnings, err := experiment.Apply(chat, e, s, experiment.Wanted{Metric: metric, Target: 5, Min: 1, Max: 8})
			if err != nil || len(changes) != 2 || !strings.Contains(strings.Join(warnings, " "), "SageMaker adds them by itself (1 to 4)") {
				t.Fatalf("Apply: %+v, %q, %v; want a target and a policy", changes, warnings, err)
			}
			if err := p.Make(t.Context(), chat, changes); err != nil {
				t.Fatal(err)
			}
			_, scaled := look()
			want := experiment.PolicyName(scaled.Policies[0].Metric)
			if len(scaled.Policies) != 1 || scaled.Policies[0].Name != want || want == scaling.ConsolePolicy || scaled.Target.Max != 8 {
				t.Errorf("applied on %q: %+v", metric, scaled)
			}
			if _, err := p.Undo(t.Context(), chat, p.Journal.(*memory).intents, false); err != nil { //nolint:forcetypeassert // set above
				t.Fatal(err)
			}
			if _, back := look(); cmp.Diff(s, back) != "" {
				t.Errorf("after undoing: %s", cmp.Diff(s, back))
			}
		}
		a.lintFromZero(t, p)
		misspelt := chat
		misspelt.Component = "chta"
		if _, _, err := p.Look(t.Context(), misspelt); err == nil || !strings.Contains(err.Error(), "it has chat") {
			t.Errorf("a component that is not there: %v", err)
		}
	})
}

// lintFromZero registers a component that may go to zero copies, as AWS would let anybody.
func (a *account) lintFromZero(t *testing.T, p experiment.Plane) {
	t.Helper()
	if err := a.control.Put(t.Context(), chat, experiment.Bounds, "", experiment.Setting{Bounds: &experiment.ScalableTarget{Min: 0, Max: 4}}); err != nil {
		t.Fatal(err)
	}
	e, s, err := p.Look(t.Context(), chat)
	if err != nil {
		t.Fatal(err)
	}
	found, err := experiment.Lint(chat, e, s, experiment.Known{})
	var rules []string
	for _, f := range found {
		rules = append(rules, f.Rule)
	}
	if got, want := strings.Join(rules, " "), "no-policy stuck-at-zero idle-instances"; err != nil || got != want {
		t.Errorf("lint found %q, %v; want %q", got, err, want)
	}
}
