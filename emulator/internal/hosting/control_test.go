package hosting

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRefusals has what is wrong with a control operation, and AWS's words for it.
func TestRefusals(t *testing.T) {
	const validation = "ValidationException"
	arn := func(kind, name string) string { return "arn:aws:sagemaker:us-east-1:000000000000:" + kind + "/" + name }
	variant := func(members string) string {
		return `{"EndpointConfigName":"x","ProductionVariants":[{"VariantName":"v"` + members + `}]}`
	}
	const good = `,"ModelName":"m-iris","InitialInstanceCount":1,"InstanceType":"ml.m5.xlarge"`
	tests := []struct {
		name, operation, input, code, message string
	}{
		{"no model", "DescribeModel", `{"ModelName":"x"}`, validation, `Could not find model "` + arn("model", "x") + `".`},
		{"no model to delete", "DeleteModel", `{"ModelName":"x"}`, validation, `Could not find model "` + arn("model", "x") + `".`},
		{"no config", "DescribeEndpointConfig", `{"EndpointConfigName":"x"}`, validation, `Could not find endpoint configuration "` + arn("endpoint-config", "x") + `".`},
		{"no config to create of", "CreateEndpoint", `{"EndpointName":"x","EndpointConfigName":"x"}`, validation, `Could not find endpoint configuration "` + arn("endpoint-config", "x") + `".`},
		{"no config to update to", "UpdateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"x"}`, validation, `Could not find endpoint configuration "` + arn("endpoint-config", "x") + `".`},
		{"no endpoint", "DescribeEndpoint", `{"EndpointName":"x"}`, validation, `Could not find endpoint "` + arn("endpoint", "x") + `".`},
		{"no endpoint to update", "UpdateEndpoint", `{"EndpointName":"x","EndpointConfigName":"c-iris"}`, validation, `Could not find endpoint "` + arn("endpoint", "x") + `".`},
		{"no endpoint to delete", "DeleteEndpoint", `{"EndpointName":"x"}`, validation, `Could not find endpoint "` + arn("endpoint", "x") + `".`},
		{"no component", "DescribeInferenceComponent", `{"InferenceComponentName":"x"}`, validation, `Could not find inference component "` + arn("inference-component", "x") + `".`},
		{
			"no variant", "UpdateEndpointWeightsAndCapacities", `{"EndpointName":"iris","DesiredWeightsAndCapacities":[{"VariantName":"x"}]}`, validation,
			`The variant name(s) "x" is/are not present within endpoint configuration "c-iris".`,
		},
		{
			"variant twice", "UpdateEndpointWeightsAndCapacities", `{"EndpointName":"iris","DesiredWeightsAndCapacities":[{"VariantName":"main"},{"VariantName":"main"}]}`, validation,
			`The variant name "main" was non-unique within the request.`,
		},
		{
			"no instance", "UpdateEndpointWeightsAndCapacities", `{"EndpointName":"iris","DesiredWeightsAndCapacities":[{"VariantName":"main","DesiredInstanceCount":0}]}`, validation,
			`DesiredInstanceCount 0 of variant "main": want at least 1. Only an endpoint with inference components and ManagedInstanceScaling can have no instance.`,
		},
		{
			"no weight", "UpdateEndpointWeightsAndCapacities", `{"EndpointName":"iris","DesiredWeightsAndCapacities":[{"VariantName":"main","DesiredWeight":0}]}`, validation,
			`The weights of all variants are 0: want at least one above it.`,
		},
		{"model again", "CreateModel", `{"ModelName":"m-iris","PrimaryContainer":{"Image":"i"}}`, validation, `Cannot create already existing model "` + arn("model", "m-iris") + `".`},
		{"config again", "CreateEndpointConfig", strings.Replace(variant(good), `"x"`, `"c-iris"`, 1), validation, `Cannot create already existing endpoint configuration "` + arn("endpoint-config", "c-iris") + `".`},
		{"endpoint again", "CreateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c-iris"}`, validation, `Cannot create already existing endpoint "` + irisARN + `".`},
		{"no name", "DescribeEndpoint", `{}`, validation, `1 validation error detected: Value null at 'endpointName' failed to satisfy constraint: Member must not be null`},
		{
			"bad name", "DescribeEndpoint", `{"EndpointName":"a_b"}`, validation,
			`1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`,
		},
		{"no container", "CreateModel", `{"ModelName":"x"}`, validation, `Give either PrimaryContainer or Containers.`},
		{"no image", "CreateModel", `{"ModelName":"x","PrimaryContainer":{}}`, validation, `Both Image and ModelPackageName are missing from a container of model "x": give one of them.`},
		{"model of a variant", "CreateEndpointConfig", variant(`,"ModelName":"nobody","InitialInstanceCount":1,"InstanceType":"ml.m5.xlarge"`), validation, `Could not find model "` + arn("model", "nobody") + `".`},
		{
			"serverless", "CreateEndpointConfig", variant(`,"ModelName":"m-iris","ServerlessConfig":{"MemorySizeInMB":2048,"MaxConcurrency":1}`), validation,
			`Variant "v" has a ServerlessConfig: the emulator does not serve serverless variants; give InstanceType and InitialInstanceCount instead.`,
		},
		{
			"prefix aware", "CreateEndpointConfig", variant(good + `,"RoutingConfig":{"RoutingStrategy":"PREFIX_AWARE"}`), validation,
			`Variant "v" has the RoutingStrategy "PREFIX_AWARE": the emulator serves RANDOM and LEAST_OUTSTANDING_REQUESTS.`,
		},
		{
			"no role", "CreateEndpointConfig", variant(`,"InitialInstanceCount":1,"InstanceType":"ml.m5.xlarge"`), validation,
			`Variant "v" has no ModelName, so that it hosts inference components: ExecutionRoleArn is required.`,
		},
		{
			"managed with a model", "CreateEndpointConfig", variant(good + `,"ManagedInstanceScaling":{"Status":"ENABLED","MinInstanceCount":0,"MaxInstanceCount":2}`), validation,
			`ManagedInstanceScaling is only supported for inference component endpoints.`,
		},
		{
			"async", "CreateEndpointConfig", strings.Replace(variant(good), `{`, `{"AsyncInferenceConfig":{"OutputConfig":{}},`, 1), validation,
			`AsyncInferenceConfig: the emulator does not serve it; leave it out of endpoint configuration "x".`,
		},
		{"no type", "CreateEndpointConfig", variant(`,"ModelName":"m-iris","InitialInstanceCount":1`), validation, `Variant "v" has no InstanceType.`},
		{
			"negative count", "CreateEndpointConfig", variant(`,"ModelName":"m-iris","InitialInstanceCount":0,"InstanceType":"ml.m5.xlarge"`), validation,
			`1 validation error detected: Value '0' at 'productionVariants.1.member.initialInstanceCount' failed to satisfy constraint: Member must have value greater than or equal to 1`,
		},
		{
			"component on a model", "CreateInferenceComponent",
			`{"InferenceComponentName":"x","EndpointName":"iris","Specification":{"ModelName":"m-iris","ComputeResourceRequirements":{"MinMemoryRequiredInMb":1024}},"RuntimeConfig":{"CopyCount":1}}`,
			validation, `Variant "main" of endpoint "iris" has a model: inference components need a variant without ModelName.`,
		},
		{"bad token", "ListEndpoints", `{"NextToken":"?"}`, validation, `Invalid NextToken "?": want the one of the page before.`},
		{"bad page", "ListEndpoints", `{"MaxResults":0}`, validation, `1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1`},
		{"tags of nobody", "ListTags", `{"ResourceArn":"` + arn("endpoint", "x") + `"}`, validation, `Could not find endpoint "` + arn("endpoint", "x") + `".`},
		{
			"tags of elsewhere", "ListTags", `{"ResourceArn":"arn:aws:sagemaker:eu-west-1:000000000000:endpoint/iris"}`, validation,
			`arn:aws:sagemaker:eu-west-1:000000000000:endpoint/iris: the emulator has tags for models, endpoint configurations, endpoints and inference components of account 000000000000 in us-east-1.`,
		},
	}
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		for _, tt := range tests {
			w.refused(tt.operation, tt.input, tt.code, tt.message) // a bubble has no subtests
		}
	})
}

// TestDescribedBack has what a description repeats of what was created, members without
// a meaning here included.
func TestDescribedBack(t *testing.T) {
	bubble(t, func(w *world) {
		container := object{
			"Image": "registry:5000/iris:1", "Mode": "MultiModel", "ModelDataUrl": "s3://b/m.tar.gz", "Environment": object{"A": "1"},
			"MultiModelConfig": object{"ModelCacheSetting": "Enabled"},
		}
		w.must("CreateModel", text(w.T, object{"ModelName": "m", "PrimaryContainer": container, "ExecutionRoleArn": role}))
		variant := object{
			"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1.0, "InstanceType": "ml.m5.xlarge", "InitialVariantWeight": 0.25,
			"RoutingConfig": object{"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}, "VolumeSizeInGB": 10.0,
			"CoreDumpConfig": object{"DestinationS3Uri": "s3://b"}, "EnableSSMAccess": true,
			"ContainerStartupHealthCheckTimeoutInSeconds": 600.0,
		}
		w.must("CreateEndpointConfig", text(w.T, object{
			"EndpointConfigName": "c", "ProductionVariants": []object{variant}, "MetricsConfig": object{"EnableDetailedObservability": true},
		}))
		m := w.must("DescribeModel", `{"ModelName":"m"}`)
		if diff := cmp.Diff(any(container), m["PrimaryContainer"]); diff != "" {
			w.Errorf("PrimaryContainer (-want +got):\n%s", diff)
		}
		if got, want := m["CreationTime"], float64(start.Unix()); got != want {
			w.Errorf("CreationTime = %v, want %v", got, want)
		}
		c := w.must("DescribeEndpointConfig", `{"EndpointConfigName":"c"}`)
		if diff := cmp.Diff(any([]any{variant}), c["ProductionVariants"]); diff != "" {
			w.Errorf("ProductionVariants (-want +got):\n%s", diff)
		}
		w.must("CreateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c"}`)
		w.run(delay)
		images, _ := w.variant("iris", "v")["DeployedImages"].([]any)
		if len(images) != 1 || !strings.HasPrefix(images[0].(object)["ResolvedImage"].(string), "registry:5000/iris@sha256:") {
			w.Errorf("DeployedImages = %v, want one with a digest", images)
		}
		w.must("DeleteEndpointConfig", `{"EndpointConfigName":"c"}`)
		w.must("DeleteModel", `{"ModelName":"m"}`)
		w.wantStatus("iris", "InService") // it does not need them any more
	})
}

func TestListEndpoints(t *testing.T) {
	names := func(out object) []string {
		all := []string{}
		for _, e := range out["Endpoints"].([]any) {
			all = append(all, e.(object)["EndpointName"].(string))
		}
		return all
	}
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		for k := range 12 {
			w.must("CreateEndpoint", fmt.Sprintf(`{"EndpointName":"e%02d","EndpointConfigName":"c-iris"}`, k))
			time.Sleep(time.Second)
		}
		tests := []struct {
			input string
			want  []string
		}{
			{`{"MaxResults":3}`, []string{"e11", "e10", "e09"}},
			{`{"SortOrder":"Ascending","MaxResults":2}`, []string{"iris", "e00"}},
			{`{"SortBy":"Name","SortOrder":"Ascending","MaxResults":2}`, []string{"e00", "e01"}},
			{`{"SortBy":"Status","SortOrder":"Descending","MaxResults":2}`, []string{"iris", "e11"}},
			{`{"NameContains":"RI"}`, []string{"iris"}},
			{`{"StatusEquals":"InService"}`, []string{"iris"}},
			{fmt.Sprintf(`{"CreationTimeAfter":%d}`, start.Add(delay+10*time.Second).Unix()), []string{"e11", "e10"}},
			{fmt.Sprintf(`{"CreationTimeBefore":%d}`, start.Add(time.Second).Unix()), []string{"iris"}},
		}
		for _, tt := range tests {
			if got := names(w.must("ListEndpoints", tt.input)); !slices.Equal(got, tt.want) {
				w.Errorf("ListEndpoints %s = %v, want %v", tt.input, got, tt.want)
			}
		}
		var all []string
		for token, pages := "", 0; pages < 5; pages++ {
			out := w.must("ListEndpoints", `{"MaxResults":5,"NextToken":"`+token+`"}`)
			all = append(all, names(out)...)
			if token, _ = out["NextToken"].(string); token == "" {
				break
			}
			if pages == 0 { // what a page ended with may go
				w.run(delay)
				w.must("DeleteEndpoint", `{"EndpointName":"`+all[len(all)-1]+`"}`)
				w.tick()
			}
		}
		want := []string{"e11", "e10", "e09", "e08", "e07", "e06", "e05", "e04", "e03", "e02", "e01", "e00", "iris"}
		if !slices.Equal(all, want) {
			w.Errorf("all pages = %v, want %v", all, want)
		}
		if got := len(w.must("ListModels", `{}`)["Models"].([]any)); got != 1 {
			w.Errorf("ListModels has %d, want 1", got)
		}
		if got := len(w.must("ListEndpointConfigs", `{}`)["EndpointConfigs"].([]any)); got != 1 {
			w.Errorf("ListEndpointConfigs has %d, want 1", got)
		}
	})
}

func TestTags(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		arn := `"ResourceArn":"` + irisARN + `"`
		w.must("AddTags", `{`+arn+`,"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]}`)
		w.must("AddTags", `{`+arn+`,"Tags":[{"Key":"a","Value":"3"}]}`)
		want := any([]any{object{"Key": "a", "Value": "3"}, object{"Key": "b", "Value": "2"}})
		if diff := cmp.Diff(want, w.must("ListTags", `{`+arn+`}`)["Tags"]); diff != "" {
			w.Errorf("tags (-want +got):\n%s", diff)
		}
		w.must("DeleteTags", `{`+arn+`,"TagKeys":["a"]}`)
		if got := w.must("ListTags", `{`+arn+`}`)["Tags"].([]any); len(got) != 1 {
			w.Errorf("tags after the deletion = %v, want one", got)
		}
		many := make([]object, 50)
		for k := range many {
			many[k] = object{"Key": fmt.Sprintf("k%d", k), "Value": ""}
		}
		status, out := w.control("AddTags", text(w.T, object{"ResourceArn": irisARN, "Tags": many}))
		if status != http.StatusBadRequest || out["message"] != "51 tags: a resource can have at most 50." {
			w.Errorf("51 tags = %d %v, want 400", status, out)
		}
	})
}
