package hosting

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"plimsoll/emulator/internal/fault"
)

// host makes an endpoint "shared" for inference components, with managed scaling from 0
// to 4 instances of ml.m5.xlarge (4 cores) if it is managed.
func (w *world) host(count int, managed bool) {
	w.Helper()
	variant := object{"VariantName": "main", "InitialInstanceCount": count, "InstanceType": "ml.m5.xlarge"}
	if managed {
		variant["ManagedInstanceScaling"] = object{"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
	}
	w.must("CreateModel", `{"ModelName":"m","PrimaryContainer":{"Image":"iris:1"}}`)
	w.must("CreateEndpointConfig", text(w.T, object{"EndpointConfigName": "c", "ExecutionRoleArn": role, "ProductionVariants": []object{variant}}))
	w.must("CreateEndpoint", `{"EndpointName":"shared","EndpointConfigName":"c"}`)
	w.run(delay)
	w.wantStatus("shared", "InService")
}

// component makes an inference component whose copies each need some cores.
func (w *world) component(name string, copies int, cores float64) {
	w.Helper()
	w.must("CreateInferenceComponent", text(w.T, object{
		"InferenceComponentName": name, "EndpointName": "shared", "VariantName": "main",
		"Specification": object{"ModelName": "m", "ComputeResourceRequirements": object{"NumberOfCpuCoresRequired": cores, "MinMemoryRequiredInMb": 1024}},
		"RuntimeConfig": object{"CopyCount": copies},
	}))
}

// copies asks for a number of copies of the component "a".
func (w *world) copies(n int) {
	w.Helper()
	w.must("UpdateInferenceComponentRuntimeConfig", fmt.Sprintf(`{"InferenceComponentName":"a","DesiredRuntimeConfig":{"CopyCount":%d}}`, n))
}

// wantCopies is what the component "a" has.
func (w *world) wantCopies(status string, current, desired float64) {
	w.Helper()
	d := w.must("DescribeInferenceComponent", `{"InferenceComponentName":"a"}`)
	runtime, _ := d["RuntimeConfig"].(object)
	if d["InferenceComponentStatus"] != status || runtime["CurrentCopyCount"] != current || runtime["DesiredCopyCount"] != desired {
		w.Errorf("component a is %v with %v, want %s with %v of %v copies", d["InferenceComponentStatus"], runtime, status, current, desired)
	}
}

func TestInferenceComponent(t *testing.T) {
	bubble(t, func(w *world) {
		w.host(1, false)
		w.component("a", 2, 1)
		w.wantCopies("Creating", 0, 2)
		w.tick() // placed
		w.run(delay)
		w.wantCopies("InService", 2, 2)
		got := w.invoke("shared", "", "X-Amzn-SageMaker-Inference-Component", "a")
		if got.status != http.StatusOK || got.header.Get("x-Amzn-Invoked-Production-Variant") != "main" {
			w.Errorf("invocation of a component = %d %v, want 200 of main", got.status, got.header)
		}
		wantRefusal(w.T, "no component named", w.invoke("shared", ""), 400, "ValidationError",
			`{"Message":"Inference Component Name header is required for endpoints to which you plan to deploy inference components. Please include Inference Component Name header or consider using SageMaker models."}`)
		wantRefusal(w.T, "an unknown component", w.invoke("shared", "", "X-Amzn-SageMaker-Inference-Component", "x"), 400, "ValidationError",
			`{"Message":"Inference component x of endpoint shared of account 000000000000 not found."}`)
		w.run(time.Minute)
		d, _ := w.datum("InvocationsPerCopy")
		if d.Samples.Sum() != 0.5 || len(d.Dimensions) != 1 || d.Dimensions[0].Value != "a" {
			w.Errorf("InvocationsPerCopy = %+v, want 0.5 of component a", d)
		}
		if _, ok := w.datum("ConcurrentRequestsPerCopy"); !ok {
			w.Error("ConcurrentRequestsPerCopy is not published")
		}
		w.refused("DeleteEndpoint", `{"EndpointName":"shared"}`, "ValidationException",
			`Endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/shared" has the inference component "a": delete its inference components first.`)
		w.must("DeleteInferenceComponent", `{"InferenceComponentName":"a"}`)
		w.tick()
		w.refused("DescribeInferenceComponent", `{"InferenceComponentName":"a"}`, "ValidationException",
			`Could not find inference component "arn:aws:sagemaker:us-east-1:000000000000:inference-component/a".`)
		w.must("DeleteEndpoint", `{"EndpointName":"shared"}`)
		if want := []string{"inference-component/a", "endpoint/shared/variant/main"}; !slices.Equal(w.gone, want) {
			w.Errorf("deleted resources = %v, want %v", w.gone, want)
		}
	})
}

// TestScaleToZeroAndBack takes all copies away, then all instances; a request fails and
// is counted; asking for a copy brings an instance and then the copy.
func TestScaleToZeroAndBack(t *testing.T) {
	bubble(t, func(w *world) {
		w.host(1, true)
		w.component("a", 1, 2)
		w.run(delay + time.Second)
		w.wantCopies("InService", 1, 1)
		w.copies(0)
		w.tick()
		w.wantCopies("InService", 0, 0)
		wantRefusal(w.T, "no copy", w.invoke("shared", "", "X-Amzn-SageMaker-Inference-Component", "a"), 400, "ValidationError",
			text(w.T, object{"Message": noCopies().message}))
		w.run(idleRelease)
		w.wantCounts("shared", 0, 0)
		if d, ok := w.datum("NoCapacityInvocationFailures"); !ok || d.Samples.Sum() != 1 {
			w.Errorf("NoCapacityInvocationFailures = %+v, want 1", d)
		}
		w.copies(1)
		w.tick()
		w.wantCounts("shared", 0, 1)
		w.run(delay)
		w.wantCounts("shared", 1, 1)
		w.wantCopies("Updating", 0, 1)
		w.run(delay + time.Second)
		w.wantCopies("InService", 1, 1)
	})
}

// TestManagedScalingGrows brings as many instances as the copies need, at once, and no
// more than it may.
func TestManagedScalingGrows(t *testing.T) {
	bubble(t, func(w *world) {
		w.host(1, true)
		w.component("a", 3, 2) // two on each instance
		w.run(5 * time.Second)
		w.wantCounts("shared", 1, 2)
		w.run(2*delay + 2*time.Second)
		w.wantCopies("InService", 3, 3)
		w.copies(7)
		w.tick()
		w.wantCounts("shared", 2, 4)
		w.run(2*delay + 2*time.Second)
		w.wantCopies("InService", 7, 7)
		w.copies(9) // no room, and no more instances
		w.run(2 * delay)
		w.wantCounts("shared", 4, 4)
		w.wantCopies("Updating", 8, 9)
		w.run(DefaultProvisionTimeout)
		w.wantCopies("InService", 8, 8)
	})
}

func TestPlacement(t *testing.T) {
	for strategy, want := range map[string][]int{placeSpread: {2, 2}, placeBinpack: {4, 0}} {
		bubble(t, func(w *world) {
			w.host(2, false)
			w.must("CreateInferenceComponent", text(w.T, object{
				"InferenceComponentName": "a", "EndpointName": "shared",
				"Specification": object{
					"Container": object{"Image": "iris:1"}, "SchedulingConfig": object{"PlacementStrategy": strategy},
					"ComputeResourceRequirements": object{"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 128},
				},
				"RuntimeConfig": object{"CopyCount": 4},
			}))
			w.run(delay + time.Second)
			on := map[*instance]int{}
			for _, d := range w.h.components["a"].copies {
				on[d.on]++
			}
			var got []int
			for _, i := range w.h.endpoints["shared"].current.variants[0].instances {
				got = append(got, on[i])
			}
			if !slices.Equal(got, want) {
				w.Errorf("%s places 4 copies on 2 instances as %v, want %v", strategy, got, want)
			}
		})
	}
}

// TestUpdateComponent replaces the copies one by one, also where there is no room for
// an old and a new one together, and always with one in service.
func TestUpdateComponent(t *testing.T) {
	for _, cores := range []float64{1, 2} { // ample room; none: two copies fill the instance
		bubble(t, func(w *world) {
			w.host(1, false)
			w.component("a", 2, cores)
			w.run(delay + 2*time.Second)
			old := slices.Clone(w.h.components["a"].copies)
			w.must("UpdateInferenceComponent", text(w.T, object{
				"InferenceComponentName": "a",
				"Specification":          object{"ModelName": "m", "ComputeResourceRequirements": object{"NumberOfCpuCoresRequired": cores, "MinMemoryRequiredInMb": 2048}},
			}))
			w.refused("UpdateInferenceComponentRuntimeConfig", `{"InferenceComponentName":"a","DesiredRuntimeConfig":{"CopyCount":3}}`, "ValidationException",
				`Cannot update in-progress inference component "arn:aws:sagemaker:us-east-1:000000000000:inference-component/a".`)
			for range 2*delay/time.Second + 4 {
				w.tick()
				if n := len(w.h.components["a"].copies); w.h.components["a"].up() < 1 || n > 3 {
					w.Fatalf("%v cores: %d copies, %d in service", cores, n, w.h.components["a"].up())
				}
			}
			w.wantCopies("InService", 2, 2)
			for _, d := range w.h.components["a"].copies {
				if slices.Contains(old, d) {
					w.Errorf("%v cores: a copy has not been replaced", cores)
				}
			}
		})
	}
}

func TestComponentRefusals(t *testing.T) {
	spec := func(members string) string {
		return `{"InferenceComponentName":"x","EndpointName":"shared","Specification":{` + members + `},"RuntimeConfig":{"CopyCount":1}}`
	}
	tests := []struct{ input, message string }{
		{spec(`"ModelName":"m"`), "ComputeResourceRequirements is missing from the Specification."},
		{spec(`"ComputeResourceRequirements":{"MinMemoryRequiredInMb":128}`), "Give either ModelName or Container in the Specification."},
		{spec(`"ModelName":"nobody","ComputeResourceRequirements":{"MinMemoryRequiredInMb":128}`), `Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/nobody".`},
		{
			spec(`"ModelName":"m","ComputeResourceRequirements":{"MinMemoryRequiredInMb":128,"NumberOfCpuCoresRequired":5}`),
			"ComputeResourceRequirements: 5 CPU cores, 128 MiB of memory and 0 accelerators do not fit on an instance of ml.m5.xlarge, which has 4, 16384 and 0.",
		},
		{
			`{"InferenceComponentName":"x","EndpointName":"shared","Specification":{"ModelName":"m"},"RuntimeConfig":{"CopyCount":0}}`,
			`Inference component "x": want a CopyCount above 0; it can become 0 later.`,
		},
		{spec(`"BaseInferenceComponentName":"b"`), "BaseInferenceComponentName: the emulator does not serve adapters of another inference component."},
	}
	bubble(t, func(w *world) {
		w.host(1, false)
		for _, tt := range tests {
			w.refused("CreateInferenceComponent", tt.input, "ValidationException", tt.message)
		}
		w.component("a", 1, 1)
		w.component("b", 1, 1)
		w.refused("UpdateEndpoint", `{"EndpointName":"shared","EndpointConfigName":"c"}`, "ValidationException",
			`Endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/shared" has the inference component "a": the emulator changes the configuration only of endpoints without inference components.`)
		if got := w.must("ListInferenceComponents", `{"EndpointNameEquals":"shared","NameContains":"b"}`)["InferenceComponents"].([]any); len(got) != 1 {
			w.Errorf("ListInferenceComponents of b = %v, want one", got)
		}
		if got := w.must("ListInferenceComponents", `{"EndpointNameEquals":"other"}`)["InferenceComponents"].([]any); len(got) != 0 {
			w.Errorf("ListInferenceComponents of another endpoint = %v, want none", got)
		}
	})
}

// TestCapacity is what Application Auto Scaling sees.
func TestCapacity(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		want := func(id, dimension string, current, desired int, changing bool) {
			w.Helper()
			c, d, b, err := w.h.Capacity(id, dimension)
			if c != current || d != desired || b != changing || err != nil {
				w.Errorf("Capacity(%s) = %d, %d, %v, %v; want %d, %d, %v", id, c, d, b, err, current, desired, changing)
			}
		}
		id := VariantID("iris", "main")
		want(id, InstanceCount, 1, 1, false)
		if err := w.h.SetCapacity(id, InstanceCount, 3); err != nil {
			w.Fatal(err)
		}
		want(id, InstanceCount, 1, 3, true)
		busy := `ValidationException: Cannot update in-progress endpoint "` + irisARN + `".`
		if err := w.h.SetCapacity(id, InstanceCount, 4); err == nil || err.Error() != busy {
			w.Errorf("SetCapacity of an endpoint that is Updating = %v, want %s", err, busy)
		}
		w.run(delay)
		want(id, InstanceCount, 3, 3, false)
		one := 1
		w.store(fault.Faults{InstanceQuota: &one})
		if err := w.h.SetCapacity(id, InstanceCount, 4); err == nil || err.Error() != exceeded("ml.m5.xlarge", 1, 3, 1).Error() {
			w.Errorf("SetCapacity beyond the quota = %v, want ResourceLimitExceeded", err)
		}
		w.store(fault.Faults{})
		w.host(1, false)
		w.component("a", 1, 1)
		w.run(delay + time.Second)
		if err := w.h.SetCapacity(ComponentID("a"), CopyCount, 2); err != nil {
			w.Fatal(err)
		}
		want(ComponentID("a"), CopyCount, 1, 2, true)
		for _, id := range []string{"endpoint/iris/variant/x", "endpoint/x/variant/main", "inference-component/x", "endpoint/iris", ""} {
			dimension := InstanceCount
			if id == "inference-component/x" {
				dimension = CopyCount
			}
			if _, _, _, err := w.h.Capacity(id, dimension); err == nil {
				w.Errorf("Capacity(%q) = nil error", id)
			}
			if err := w.h.SetCapacity(id, dimension, 1); err == nil {
				w.Errorf("SetCapacity(%q) = nil error", id)
			}
		}
	})
}
