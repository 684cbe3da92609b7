package hosting

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/fleet"
)

func TestEndpointComesIntoService(t *testing.T) {
	bubble(t, func(w *world) {
		w.must("CreateModel", `{"ModelName":"m","PrimaryContainer":{"Image":"registry/iris:1"}}`)
		w.configure("c", object{"VariantName": "main", "ModelName": "m", "InitialInstanceCount": 2, "InstanceType": "ml.m5.xlarge"})
		w.must("CreateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c"}`)
		w.wantStatus("iris", "Creating")
		w.wantCounts("iris", 0, 2)
		if got := w.invoke("iris", ""); got.status != http.StatusBadRequest {
			w.Errorf("invoking an endpoint that is Creating = %d, want 400", got.status)
		}
		w.run(delay - time.Second)
		w.wantStatus("iris", "Creating")
		w.tick()
		w.wantStatus("iris", "InService")
		w.wantCounts("iris", 2, 2)
		d := w.describe("iris")
		if got, want := d["LastModifiedTime"], float64(start.Add(delay).Unix()); got != want {
			w.Errorf("LastModifiedTime = %v, want the model time %v", got, want)
		}
		if got := w.variant("iris", "main")["VariantStatus"]; got != nil {
			w.Errorf("VariantStatus in service = %v, want none", got)
		}
		if got := w.invoke("iris", ""); got.status != http.StatusOK || got.took != service {
			w.Errorf("invocation = %d after %v, want 200 after %v", got.status, got.took, service)
		}
	})
}

// TestEachLaunchHasItsDelay scales to three instances with different delays: they serve
// one by one, and the change ends with the last.
func TestEachLaunchHasItsDelay(t *testing.T) {
	delays := func(o *Options) {
		o.Delay = func(k uint64) time.Duration { return delay + time.Duration(k)*10*time.Second }
	}
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.scale(3)
		w.wantStatus("iris", "Updating")
		w.wantCounts("iris", 1, 3)
		w.run(delay + 10*time.Second)
		w.wantCounts("iris", 2, 3)
		w.wantStatus("iris", "Updating")
		w.refused("UpdateEndpointWeightsAndCapacities",
			`{"EndpointName":"iris","DesiredWeightsAndCapacities":[{"VariantName":"main","DesiredInstanceCount":4}]}`,
			"ValidationException", `Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/iris".`)
		w.refused("DeleteEndpoint", `{"EndpointName":"iris"}`,
			"ValidationException", `Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/iris".`)
		w.run(10 * time.Second)
		w.wantCounts("iris", 3, 3)
		w.wantStatus("iris", "InService")
	}, delays)
}

// TestScaleInDrains takes an instance away while it works: it gets no more requests and
// finishes the one that it has.
func TestScaleInDrains(t *testing.T) {
	slow := withModel(fleet.Model{Service: 10 * time.Second, Workers: 1, Queue: fleet.Unbounded})
	bubble(t, func(w *world) {
		w.deploy("iris", 2)
		replies := make(chan reply, 20)
		for range 20 {
			go func() { replies <- w.invoke("iris", "") }()
		}
		time.Sleep(time.Millisecond)
		w.scale(1)
		w.wantCounts("iris", 1, 1)
		w.wantStatus("iris", "Updating")
		w.run(29 * time.Second)
		w.wantStatus("iris", "Updating") // as long as it drains
		w.run(2 * time.Second)
		w.wantStatus("iris", "InService")
		w.run(300 * time.Second)
		answered, cut := 0, 0
		for range 20 {
			switch got := <-replies; {
			case got.status == http.StatusOK:
				answered++
			case got.status == http.StatusFailedDependency && got.took <= 60*time.Second:
				cut++ // waiting at the instance that went, for longer than 30 s
			default:
				w.Errorf("reply = %d after %v: %s", got.status, got.took, got.body)
			}
		}
		if answered < 6 || cut < 1 {
			w.Errorf("%d answered and %d cut off, want at least what both finish in 30 s and some cut off", answered, cut)
		}
	}, slow, func(o *Options) { o.Timeout = time.Hour })
}

func TestDeleteEndpoint(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		answered := make(chan reply, 1)
		go func() { answered <- w.invoke("iris", "") }()
		time.Sleep(time.Millisecond)
		w.must("DeleteEndpoint", `{"EndpointName":"iris"}`)
		w.wantStatus("iris", "Deleting")
		if want := []string{"endpoint/iris/variant/main"}; !slices.Equal(w.gone, want) {
			w.Errorf("deleted resources = %v, want %v", w.gone, want)
		}
		if got := w.invoke("iris", ""); got.status != http.StatusBadRequest {
			w.Errorf("invoking an endpoint that is Deleting = %d, want 400", got.status)
		}
		if got := <-answered; got.status != http.StatusOK {
			w.Errorf("a request that was under way = %d, want 200", got.status)
		}
		w.tick()
		w.refused("DescribeEndpoint", `{"EndpointName":"iris"}`, "ValidationException",
			`Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/iris".`)
	})
}

func TestQuota(t *testing.T) {
	const exceeded = "The account-level service limit 'ml.m5.xlarge for endpoint usage' is 3 Instances, with current utilization of 2 Instances " +
		"and a request delta of 2 Instances. Please use AWS Service Quotas to request an increase for this quota. " +
		"If AWS Service Quotas is not available, contact AWS support to request an increase for this quota."
	bubble(t, func(w *world) {
		w.deploy("iris", 2)
		change := `{"EndpointName":"iris","DesiredWeightsAndCapacities":[{"VariantName":"main","DesiredInstanceCount":4}]}`
		w.refused("UpdateEndpointWeightsAndCapacities", change, "ResourceLimitExceeded", exceeded)
		w.wantStatus("iris", "InService")
		w.wantCounts("iris", 2, 2)
		w.refused("UpdateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c-iris"}`, "ResourceLimitExceeded", exceeded)
		four := 4
		w.store(fault.Faults{InstanceQuota: &four})
		w.must("UpdateEndpointWeightsAndCapacities", change)
		w.run(delay)
		w.wantCounts("iris", 4, 4)
	}, func(o *Options) { o.Quota = 3 })
}

// store sets the faults.
func (w *world) store(f fault.Faults) {
	w.Helper()
	if err := w.faults.Store(f); err != nil {
		w.Fatal(err)
	}
}

func TestStuckInstances(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.store(fault.Faults{StuckInstances: true})
		w.scale(2)
		w.store(fault.Faults{})
		w.run(DefaultProvisionTimeout - time.Second)
		w.wantStatus("iris", "Updating")
		w.wantCounts("iris", 1, 2)
		w.tick()
		w.wantStatus("iris", "InService")
		w.wantCounts("iris", 1, 1)
		if got := w.describe("iris")["FailureReason"]; got != noCapacity {
			w.Errorf("FailureReason = %v, want %s", got, noCapacity)
		}
	})
}

func TestStuckCreationFails(t *testing.T) {
	bubble(t, func(w *world) {
		w.store(fault.Faults{StuckInstances: true})
		w.must("CreateModel", `{"ModelName":"m","PrimaryContainer":{"Image":"iris:1"}}`)
		w.configure("c", object{"VariantName": "main", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"})
		w.must("CreateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c"}`)
		w.run(DefaultProvisionTimeout)
		w.wantStatus("iris", "Failed")
		w.refused("UpdateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c"}`, "ValidationException",
			`Cannot update endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/iris", which is Failed: delete it.`)
		w.must("DeleteEndpoint", `{"EndpointName":"iris"}`)
		w.tick()
		if got := w.must("ListEndpoints", `{}`)["Endpoints"]; len(got.([]any)) != 0 {
			w.Errorf("ListEndpoints after the deletion = %v, want none", got)
		}
	})
}

func TestProvisionDelayFault(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.store(fault.Faults{ProvisionDelay: fault.Duration(time.Minute)})
		w.scale(2)
		w.run(delay + time.Minute - time.Second)
		w.wantCounts("iris", 1, 2)
		w.tick()
		w.wantCounts("iris", 2, 2)
	})
}
