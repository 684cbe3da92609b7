package sagemaker

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// host makes an endpoint in an account, of one variant, whose instances are not waited for.
func (a *account) host(t *testing.T, name, instanceType string, instances int32) {
	t.Helper()
	client := a.control.sagemaker
	model := "of-" + name
	_, err := client.CreateModel(t.Context(), &sagemaker.CreateModelInput{
		ModelName: &model, ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/r"), PrimaryContainer: &types.ContainerDefinition{Image: aws.String("123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateEndpointConfig(t.Context(), &sagemaker.CreateEndpointConfigInput{EndpointConfigName: &name, ProductionVariants: []types.ProductionVariant{{
		VariantName: aws.String("AllTraffic"), ModelName: &model, InstanceType: types.ProductionVariantInstanceType(instanceType), InitialInstanceCount: &instances,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateEndpoint(t.Context(), &sagemaker.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &name}); err != nil {
		t.Fatal(err)
	}
}

// TestElsewhere counts what an account has besides the demo's 2 of ml.m5.xlarge: 3 that run
// or are on their way, and one of another type.
func TestElsewhere(t *testing.T) {
	const kind = "ml.m5.xlarge"
	for name, c := range map[string]struct {
		change func(*testing.T, *account)
		apart  experiment.Variant
		kind   string
		n      int
		gap    string
	}{
		"besides the demo":  {nil, demo, kind, 3, ""},
		"besides none":      {nil, experiment.Variant{}, kind, 5, ""},
		"another variant":   {nil, experiment.Variant{Endpoint: demo.Endpoint, Name: "Blue"}, kind, 5, ""},
		"of another type":   {nil, demo, "ml.c5.large", 1, ""},
		"of a type without": {nil, demo, "ml.g5.xlarge", 0, ""},
		"in service": {func(*testing.T, *account) {
			time.Sleep(30 * time.Second) // half an hour of model time
		}, demo, kind, 3, ""},
		"one moves to another configuration": {func(t *testing.T, a *account) {
			t.Helper()
			time.Sleep(30 * time.Second)
			_, err := a.control.sagemaker.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{EndpointName: aws.String("second"), EndpointConfigName: aws.String("first")})
			if err != nil {
				t.Fatal(err)
			}
		}, demo, kind, 5, ""},
		"one is deleted": {func(t *testing.T, a *account) {
			t.Helper()
			time.Sleep(30 * time.Second)
			if _, err := a.control.sagemaker.DeleteEndpoint(t.Context(), &sagemaker.DeleteEndpointInput{EndpointName: aws.String("first")}); err != nil {
				t.Fatal(err)
			}
		}, demo, kind, 1, ""},
		"no configuration": {func(t *testing.T, a *account) {
			t.Helper()
			time.Sleep(30 * time.Second)
			if _, err := a.control.sagemaker.DeleteEndpointConfig(t.Context(), &sagemaker.DeleteEndpointConfigInput{EndpointConfigName: aws.String("first")}); err != nil {
				t.Fatal(err)
			}
		}, demo, kind, 1, "not counted: describing the configuration of endpoint first"},
		"no list":                 {denied("ListEndpoints"), demo, kind, 0, "not counted: allow the action sagemaker:ListEndpoints"},
		"no endpoints":            {denied("DescribeEndpoint"), demo, kind, 0, "not counted: allow the action sagemaker:DescribeEndpoint"},
		"no configuration to see": {denied("DescribeEndpointConfig"), demo, kind, 0, "not counted: allow the action sagemaker:DescribeEndpointConfig"},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, 2, emulator.Options{}, func(t *testing.T, a *account) {
				a.host(t, "first", kind, 2)
				a.host(t, "second", kind, 1)
				a.host(t, "third", "ml.c5.large", 1)
				if c.change != nil {
					c.change(t, a)
				}
				got := a.control.Elsewhere(t.Context(), c.kind, c.apart)
				if got.Instances != c.n || !strings.HasPrefix(got.Gap, c.gap) || c.gap == "" && got.Gap != "" {
					t.Errorf("%+v, want %d and %q", got, c.n, c.gap)
				}
			})
		})
	}
}

func denied(operation string) func(*testing.T, *account) {
	return func(t *testing.T, a *account) {
		t.Helper()
		if err := a.emulator.SetFaults(emulator.Faults{AccessDenied: []string{operation}}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestElsewhereOfOneThatIsCreated: what is pending is what it has; one that failed has none,
// and of pools those of the type count.
func TestElsewhereOfOneThatIsCreated(t *testing.T) {
	c := quotaControl(t, map[string]string{
		"ListEndpoints": `{"Endpoints":[{"EndpointName":"broken","EndpointStatus":"Failed"},{"EndpointName":"new","EndpointStatus":"Creating"}]}`,
		"DescribeEndpoint": `{"EndpointName":"new","EndpointStatus":"Creating","EndpointConfigName":"c",
			"ProductionVariants":[{"VariantName":"a","DesiredInstanceCount":2},{"VariantName":"b","InstancePools":[{"InstanceType":"ml.m5.xlarge","CurrentInstanceCount":3},{"InstanceType":"ml.g5.xlarge","CurrentInstanceCount":1}]}],
			"PendingDeploymentSummary":{"EndpointConfigName":"c","ProductionVariants":[{"VariantName":"a","InstanceType":"ml.m5.xlarge","DesiredInstanceCount":2}]}}`,
		"DescribeEndpointConfig": `{"EndpointConfigName":"c","ProductionVariants":[{"VariantName":"a","InstanceType":"ml.m5.xlarge"},{"VariantName":"b"}]}`,
	})
	if got := c.Elsewhere(t.Context(), "ml.m5.xlarge", demo); got != (experiment.Elsewhere{Instances: 5}) {
		t.Errorf("%+v, want 5 instances", got)
	}
}

// TestElsewhereIsBounded: of many endpoints the newest are looked at, and the time to look
// may run out.
func TestElsewhereIsBounded(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		for i := range mostCounted {
			a.host(t, fmt.Sprintf("e%d", i), "ml.c5.large", 1)
		}
		beyond := fmt.Sprintf("not counted beyond the %d newest endpoints", mostCounted)
		for kind, n := range map[string]int{"ml.c5.large": mostCounted, "ml.m5.xlarge": 0} { // the demo is the oldest
			if got, want := a.control.Elsewhere(t.Context(), kind, experiment.Variant{}), (experiment.Elsewhere{Instances: n, Gap: beyond}); got != want {
				t.Errorf("%s: %+v, want %+v", kind, got, want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		if got := a.control.Elsewhere(ctx, "ml.m5.xlarge", demo); got.Gap != "not counted: the time to look ran out" {
			t.Errorf("without time: %+v", got)
		}
	})
}

// TestQuotaWithElsewhere: what is left of a quota is what the account allows.
func TestQuotaWithElsewhere(t *testing.T) {
	inAccount(t, 2, emulator.Options{InstanceQuota: 6}, func(t *testing.T, a *account) {
		a.host(t, "first", "ml.m5.xlarge", 3)
		q := a.control.InstanceQuota(t.Context(), "ml.m5.xlarge", demo)
		if want := (experiment.Quota{Instances: 6, Known: true, Elsewhere: experiment.Elsewhere{Instances: 3}}); q != want {
			t.Fatalf("%+v, want %+v", q, want)
		}
		if err := q.Allows("ml.m5.xlarge", 3); err != nil {
			t.Errorf("3 instances: %v", err)
		}
		if err := a.control.SetInstances(t.Context(), demo, 3); err != nil {
			t.Errorf("SetInstances(3): %v", err)
		}
		if err := q.Allows("ml.m5.xlarge", 4); err == nil || !strings.Contains(err.Error(), "3 in use elsewhere, and 4 are needed") {
			t.Errorf("4 instances: %v", err)
		}
	})
}
