package hosting

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

const irisARN = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/iris"

// TestUpdateEndpoint changes the configuration: the old instances serve until the new
// ones do, and what is retained stays.
func TestUpdateEndpoint(t *testing.T) {
	tests := []struct {
		name, members string
		count, weight float64
	}{
		{"nothing retained", ``, 2, 0.5},
		{"all retained", `,"RetainAllVariantProperties":true`, 3, 1},
		{
			"count not retained",
			`,"RetainAllVariantProperties":true,"ExcludeRetainedVariantProperties":[{"VariantPropertyType":"DesiredInstanceCount"}]`, 2, 1,
		},
		{
			"weight not retained",
			`,"RetainAllVariantProperties":true,"ExcludeRetainedVariantProperties":[{"VariantPropertyType":"DesiredWeight"}]`, 3, 0.5,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.deploy("iris", 3)
				w.must("CreateModel", `{"ModelName":"newer","PrimaryContainer":{"Image":"iris:2"}}`)
				w.configure("next", object{
					"VariantName": "main", "ModelName": "newer", "InitialInstanceCount": 2, "InstanceType": "ml.c5.large", "InitialVariantWeight": 0.5,
				})
				w.must("UpdateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"next"`+tt.members+`}`)
				w.wantStatus("iris", "Updating")
				w.run(delay - time.Second)
				d := w.describe("iris")
				if d["EndpointConfigName"] != "c-iris" || d["PendingDeploymentSummary"] == nil {
					w.Errorf("during the update: configuration %v, pending %v; want c-iris and a pending one", d["EndpointConfigName"], d["PendingDeploymentSummary"])
				}
				if got := w.invoke("iris", ""); got.status != http.StatusOK {
					w.Errorf("invocation during the update = %d, want 200", got.status)
				}
				w.run(2 * time.Second)
				w.wantStatus("iris", "InService")
				w.wantCounts("iris", tt.count, tt.count)
				if got := w.variant("iris", "main")["CurrentWeight"]; got != tt.weight {
					w.Errorf("CurrentWeight = %v, want %v", got, tt.weight)
				}
				if d := w.describe("iris"); d["EndpointConfigName"] != "next" || d["PendingDeploymentSummary"] != nil {
					w.Errorf("after the update: configuration %v, pending %v; want next and none", d["EndpointConfigName"], d["PendingDeploymentSummary"])
				}
			})
		})
	}
}

func TestUpdateRemovesVariant(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.configure("other", object{"VariantName": "other", "ModelName": "m-iris", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"})
		w.must("UpdateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"other"}`)
		w.run(delay + time.Second)
		w.wantStatus("iris", "InService")
		if want := []string{"endpoint/iris/variant/main"}; !slices.Equal(w.gone, want) {
			w.Errorf("deleted resources = %v, want %v", w.gone, want)
		}
		if got := w.invoke("iris", "").header.Get("x-Amzn-Invoked-Production-Variant"); got != "other" {
			w.Errorf("invoked variant = %q, want other", got)
		}
	})
}

func TestUpdateOfScalableTarget(t *testing.T) {
	registered := func(o *Options) {
		o.Registered = func(id string) bool { return id == "endpoint/iris/variant/main" }
	}
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.configure("typed", object{"VariantName": "main", "ModelName": "m-iris", "InitialInstanceCount": 1, "InstanceType": "ml.c5.large"})
		w.configure("same", object{"VariantName": "main", "ModelName": "m-iris", "InitialInstanceCount": 2, "InstanceType": "ml.m5.xlarge"})
		w.refused("UpdateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"typed"}`, "ValidationException",
			`The instance type of variant "main" cannot be changed while it is registered with Application Auto Scaling: `+
				`delete its scaling policies and deregister it first.`)
		w.configure("other", object{"VariantName": "other", "ModelName": "m-iris", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"})
		w.refused("UpdateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"other"}`, "ValidationException",
			`Variant "main" cannot be removed while it is registered with Application Auto Scaling: delete its scaling policies and deregister it first.`)
		w.must("UpdateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"same"}`)
	}, registered)
}

// TestWeights changes the share of each variant, which takes effect with the update.
func TestWeights(t *testing.T) {
	bubble(t, func(w *world) {
		w.must("CreateModel", `{"ModelName":"m","PrimaryContainer":{"Image":"iris:1"}}`)
		w.configure("c",
			object{"VariantName": "a", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge", "InitialVariantWeight": 0},
			object{"VariantName": "b", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"})
		w.must("CreateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c"}`)
		w.run(delay)
		change := `{"EndpointName":"iris","DesiredWeightsAndCapacities":[{"VariantName":"a","DesiredWeight":1},{"VariantName":"b","DesiredWeight":0}]}`
		w.must("UpdateEndpointWeightsAndCapacities", change)
		if v := w.variant("iris", "a"); v["CurrentWeight"] != 0.0 || v["DesiredWeight"] != 1.0 {
			w.Errorf("weights of a during the update = %v, %v; want 0, 1", v["CurrentWeight"], v["DesiredWeight"])
		}
		if got := w.invoke("iris", "").header.Get("x-Amzn-Invoked-Production-Variant"); got != "b" {
			w.Errorf("variant before the update ends = %q, want b", got)
		}
		w.tick()
		for range 20 {
			if got := w.invoke("iris", "").header.Get("x-Amzn-Invoked-Production-Variant"); got != "a" {
				w.Errorf("variant after the update = %q, want a", got)
			}
		}
		if got := w.invoke("iris", "", "X-Amzn-SageMaker-Target-Variant", "b"); got.header.Get("x-Amzn-Invoked-Production-Variant") != "b" {
			w.Errorf("target variant b is served by %q", got.header.Get("x-Amzn-Invoked-Production-Variant"))
		}
	})
}

func TestInstancePools(t *testing.T) {
	bubble(t, func(w *world) {
		w.must("CreateModel", `{"ModelName":"m","PrimaryContainer":{"Image":"iris:1"}}`)
		w.configure("c", object{"VariantName": "main", "ModelName": "m", "InitialInstanceCount": 3, "InstancePools": []object{
			{"InstanceType": "ml.g5.xlarge", "Priority": 2}, {"InstanceType": "ml.g6.xlarge", "Priority": 1},
		}})
		w.must("CreateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c"}`)
		w.run(delay)
		pools, _ := w.variant("iris", "main")["InstancePools"].([]any)
		want := map[string]float64{"ml.g6.xlarge": 2, "ml.g5.xlarge": 1} // the quota of the first is 2
		for _, p := range pools {
			p := p.(object)
			if kind := p["InstanceType"].(string); p["CurrentInstanceCount"] != want[kind] {
				w.Errorf("pool %s has %v instances, want %v", kind, p["CurrentInstanceCount"], want[kind])
			}
		}
		if len(pools) != 2 {
			w.Errorf("pools = %v, want two", pools)
		}
		w.refused("UpdateEndpointWeightsAndCapacities",
			`{"EndpointName":"iris","DesiredWeightsAndCapacities":[{"VariantName":"main","DesiredInstanceCount":5}]}`, "ResourceLimitExceeded",
			exceeded("ml.g6.xlarge", 2, 2, 1).Message)
	}, func(o *Options) { o.Quota = 2 })
}
