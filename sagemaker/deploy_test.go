package sagemaker

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"
)

// names are all endpoints and configurations of the account.
func (a *account) names(t *testing.T) (all []string) {
	t.Helper()
	endpoints, err := a.control.sagemaker.ListEndpoints(t.Context(), &sagemaker.ListEndpointsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range endpoints.Endpoints {
		all = append(all, "endpoint "+aws.ToString(e.EndpointName))
	}
	configs, err := a.control.sagemaker.ListEndpointConfigs(t.Context(), &sagemaker.ListEndpointConfigsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs.EndpointConfigs {
		all = append(all, "configuration "+aws.ToString(c.EndpointConfigName))
	}
	slices.Sort(all)
	return all
}

// copyOfDemo is a deployment of the demo endpoint's model.
func (a *account) copyOfDemo(t *testing.T) experiment.Deployment {
	t.Helper()
	e, err := a.control.Describe(t.Context(), demo.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	d, left, err := a.control.Copy(t.Context(), e, demo.Name, "")
	if err != nil || len(left) > 0 {
		t.Fatalf("%+v, left out %q, %v", d, left, err)
	}
	d.Run = "1"
	d.Name = experiment.DeploymentName(d.Run, d.InstanceType)
	return d
}

func (a *account) deploying(j experiment.Journal) experiment.Plane {
	p := a.plane(j)
	p.Deployer = a.control
	return p
}

// TestDeployedOnTheEmulator makes a copy with the real SDK, and deletes it.
func TestDeployedOnTheEmulator(t *testing.T) {
	inAccount(t, 3, emulator.Options{}, func(t *testing.T, a *account) {
		before := a.names(t)
		d := a.copyOfDemo(t)
		v, changes := experiment.Deploy(d, "")
		err := a.deploying(&memory{}).Pinned(t.Context(), v, changes, func(ctx context.Context) error {
			e, err := a.control.Describe(ctx, v.Endpoint)
			if err != nil {
				return err
			}
			want := []experiment.VariantState{{Name: demo.Name, InstanceType: emulator.DefaultInstanceType, Current: 1, Desired: 1, Weight: 1}}
			if diff := cmp.Diff(want, e.Variants); diff != "" || e.Status != experiment.InService {
				t.Errorf("%s; variants (-want +got):\n%s", e.Status, diff)
			}
			config, err := a.control.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: &e.Config})
			if err != nil {
				return err
			}
			for _, arn := range []string{e.ARN, aws.ToString(config.EndpointConfigArn)} {
				tags, err := a.control.sagemaker.ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: &arn})
				if err != nil || len(tags.Tags) != 1 || aws.ToString(tags.Tags[0].Key) != experiment.RunTag || aws.ToString(tags.Tags[0].Value) != "1" {
					t.Errorf("tags of %s: %+v, %v", arn, tags, err)
				}
			}
			return nil
		})
		if diff := cmp.Diff(before, a.names(t)); err != nil || diff != "" {
			t.Errorf("%v; left (-want +got):\n%s", err, diff)
		}
	})
}

func (m *mortal) There(ctx context.Context, what experiment.What, name string) (there bool, err error) {
	err = m.call(func() error { there, err = m.Control.There(ctx, what, name); return err })
	return there, err
}

func (m *mortal) Create(ctx context.Context, what experiment.What, d experiment.Deployment) error {
	return m.call(func() error { return m.Control.Create(ctx, what, d) })
}

func (m *mortal) Delete(ctx context.Context, what experiment.What, name string) error {
	return m.call(func() error { return m.Control.Delete(ctx, what, name) })
}

// TestDeployIsKilledOnTheEmulator kills it before and after every call that makes, deletes
// or writes the journal; after restore nothing is left.
func TestDeployIsKilledOnTheEmulator(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		before := a.names(t)
		d := a.copyOfDemo(t)
		v, changes := experiment.Deploy(d, "")
		walked := 0
		for at, done := 1, false; !done; at++ {
			for _, after := range []bool{false, true} {
				m := &mortal{Control: a.control, memory: &memory{}, diesAt: at, after: after}
				p := a.plane(m)
				p.Hosting, p.Autoscaler, p.Deployer = m, m, m
				err := p.Pinned(t.Context(), v, changes, func(context.Context) error { return nil })
				done = err == nil
				if !done && !errors.Is(err, errKilled) {
					t.Fatalf("killed at call %d: %v", at, err)
				}
				if left, err := a.deploying(m.memory).Undo(t.Context(), v, m.intents, false); err != nil {
					t.Fatalf("killed at call %d, restore: %v, left %+v", at, err, left)
				}
				if diff := cmp.Diff(before, a.names(t)); diff != "" {
					t.Fatalf("killed at call %d (after its effect: %t): left (-want +got):\n%s", at, after, diff)
				}
				walked++
			}
		}
		t.Logf("killed %d times", walked-2)
	})
}

// TestCreateAgain: a call whose answer was lost is tried again, and finds what it has made.
func TestCreateAgain(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		d := a.copyOfDemo(t)
		for range 2 {
			for _, what := range []experiment.What{experiment.OneConfig, experiment.OneEndpoint} {
				if err := a.control.Create(t.Context(), what, d); err != nil {
					t.Errorf("creating %s: %v", what, err)
				}
			}
		}
	})
}

func TestModelARN(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		d := a.copyOfDemo(t)
		if arn, err := a.control.ModelARN(t.Context(), d.Model); err != nil || !strings.HasSuffix(arn, ":model/"+d.Model) {
			t.Errorf("%s, %v", arn, err)
		}
		_, err := a.control.ModelARN(t.Context(), "nothing")
		if trouble, ok := errors.AsType[*experiment.ControlError](err); !ok || trouble.Problem != experiment.ProblemMissing {
			t.Errorf("a model that is not there: %v", err)
		}
	})
}

// whole is a configuration with everything that a copy may have or leave out.
func whole() (*sagemaker.DescribeEndpointConfigOutput, types.ProductionVariant) {
	v := types.ProductionVariant{
		VariantName: aws.String("A"), ModelName: aws.String("iris"), InstanceType: "ml.g5.xlarge", InitialInstanceCount: aws.Int32(7), InitialVariantWeight: aws.Float32(0.25),
		ContainerStartupHealthCheckTimeoutInSeconds: aws.Int32(600), ModelDataDownloadTimeoutInSeconds: aws.Int32(900), VolumeSizeInGB: aws.Int32(30),
		InferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-2", ManagedInstanceScaling: &types.ProductionVariantManagedInstanceScaling{},
		CoreDumpConfig: &types.ProductionVariantCoreDumpConfig{}, CapacityReservationConfig: &types.ProductionVariantCapacityReservationConfig{},
		RoutingConfig: &types.ProductionVariantRoutingConfig{RoutingStrategy: types.RoutingStrategyLeastOutstandingRequests},
	}
	return &sagemaker.DescribeEndpointConfigOutput{
		EndpointConfigName: aws.String("prod"), ProductionVariants: []types.ProductionVariant{v, {VariantName: aws.String("B")}},
		ShadowProductionVariants: []types.ProductionVariant{{}}, DataCaptureConfig: &types.DataCaptureConfig{EnableCapture: aws.Bool(true)},
	}, v
}

func TestCopied(t *testing.T) {
	_, v := whole()
	same := copied(v, experiment.Deployment{InstanceType: "ml.g5.xlarge"})
	if *same.InitialInstanceCount != 1 || *same.InitialVariantWeight != 1 || *same.VolumeSizeInGB != 30 || same.InferenceAmiVersion == "" ||
		*same.ContainerStartupHealthCheckTimeoutInSeconds != 600 || *same.ModelDataDownloadTimeoutInSeconds != 900 || same.RoutingConfig == nil ||
		same.ManagedInstanceScaling != nil || same.CapacityReservationConfig != nil || same.CoreDumpConfig != nil {
		t.Errorf("of the same type: %+v", same)
	}
	other := copied(v, experiment.Deployment{InstanceType: "ml.m5.xlarge"})
	if other.VolumeSizeInGB != nil || other.InferenceAmiVersion != "" || other.InstanceType != "ml.m5.xlarge" || *other.ModelName != "iris" {
		t.Errorf("of another type: %+v", other)
	}
	v.InstanceType, v.InstancePools = "", []types.InstancePool{{InstanceType: "ml.g6.xlarge", ModelNameOverride: aws.String("iris-g6")}, {InstanceType: "ml.g5.xlarge"}}
	if pooled := copied(v, experiment.Deployment{InstanceType: "ml.g6.xlarge"}); *pooled.ModelName != "iris-g6" || pooled.InstancePools != nil {
		t.Errorf("of a pool: %+v", pooled)
	}
}

func TestLeftOut(t *testing.T) {
	config, v := whole()
	same := strings.Join(leftOut(config, v, experiment.Deployment{InstanceType: "ml.g5.xlarge"}), "\n")
	for _, want := range []string{"the other 1 variants", "shadow", "data capture", "managed instance scaling", "capacity reservation", "core dumps"} {
		if !strings.Contains(same, want) {
			t.Errorf("%q is not said:\n%s", want, same)
		}
	}
	other := strings.Join(leftOut(config, v, experiment.Deployment{InstanceType: "ml.m5.xlarge"}), "\n")
	for _, word := range []string{"volume", "AMI"} {
		if strings.Contains(same, word) || !strings.Contains(other, word) {
			t.Errorf("%s is for another type only:\n%s\n\n%s", word, same, other)
		}
	}
}

func TestCopyable(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sagemaker.DescribeEndpointConfigOutput, *types.ProductionVariant)
		want   string
	}{
		"a plain one": {func(*sagemaker.DescribeEndpointConfigOutput, *types.ProductionVariant) {}, ""},
		"asynchronous": {func(c *sagemaker.DescribeEndpointConfigOutput, _ *types.ProductionVariant) {
			c.AsyncInferenceConfig = &types.AsyncInferenceConfig{}
		}, "asynchronous"},
		"serverless": {func(_ *sagemaker.DescribeEndpointConfigOutput, v *types.ProductionVariant) {
			v.ServerlessConfig = &types.ProductionVariantServerlessConfig{}
		}, "serverless"},
		"components": {func(_ *sagemaker.DescribeEndpointConfigOutput, v *types.ProductionVariant) { v.ModelName = nil }, "inference components"},
	} {
		t.Run(name, func(t *testing.T) {
			config, v := whole()
			c.change(config, &v)
			err := copyable(config, v)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	_, v := whole()
	v.InstanceType, v.InstancePools = "", []types.InstancePool{{InstanceType: "ml.g6.xlarge"}, {InstanceType: "ml.g5.xlarge"}}
	if _, err := ownType(v); err == nil || !strings.Contains(err.Error(), "--instance-types ml.g6.xlarge,ml.g5.xlarge") {
		t.Errorf("of several types: %v", err)
	}
}

// quotaControl answers each call of Service Quotas by its operation and its page.
func quotaControl(t *testing.T, answers map[string]string) *Control {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
		"AWS_SESSION_TOKEN": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	return answering(t, func(w http.ResponseWriter, r *http.Request, body string) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if strings.Contains(body, `"NextToken"`) {
			operation += " 2"
		}
		answer, ok := answers[operation]
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			answer = `{"__type":"AccessDeniedException","Message":"User: u is not authorized to perform: servicequotas:` + operation + `"}`
		}
		_, _ = w.Write([]byte(answer))
	})
}

func TestInstanceQuota(t *testing.T) {
	const other = `{"QuotaName":"ml.m5.xlarge for training job usage","Value":9}`
	for name, c := range map[string]struct {
		answers map[string]string
		want    experiment.Quota
	}{
		"on the second page": {map[string]string{
			"ListServiceQuotas": `{"Quotas":[` + other + `],"NextToken":"n"}`, "ListServiceQuotas 2": `{"Quotas":[{"QuotaName":"ml.m5.xlarge for endpoint usage","Value":4.0}]}`,
		}, experiment.Quota{Instances: 4, Known: true}},
		"the default": {map[string]string{
			"ListServiceQuotas": `{"Quotas":[` + other + `]}`, "ListAWSDefaultServiceQuotas": `{"Quotas":[{"QuotaName":"ml.m5.xlarge for endpoint usage","Value":0.0}]}`,
		}, experiment.Quota{Known: true}},
		"in no list":    {map[string]string{"ListServiceQuotas": `{"Quotas":[]}`, "ListAWSDefaultServiceQuotas": `{"Quotas":[]}`}, experiment.Quota{Why: `has none that is called "ml.m5.xlarge for endpoint usage"`}},
		"no permission": {nil, experiment.Quota{Why: "allow the action servicequotas:ListServiceQuotas"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got := quotaControl(t, c.answers).InstanceQuota(ctx, "ml.m5.xlarge", demo)
			if got.Known != c.want.Known || got.Instances != c.want.Instances || !strings.Contains(got.Why, c.want.Why) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
