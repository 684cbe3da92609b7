package hosting

import (
	"context"
	"fmt"
	"math"
	"time"
)

// The scalable dimensions of SageMaker that are served.
const (
	InstanceCount = "sagemaker:variant:DesiredInstanceCount"
	CopyCount     = "sagemaker:inference-component:DesiredCopyCount"
)

// Capacity is what a scalable resource has in service and is to have, and whether a
// change of it is under way. Its errors are SageMaker's.
func (h *Hosting) Capacity(resourceID, dimension string) (current, desired int, changing bool, err error) {
	name, variant, err := parseScalable(resourceID, dimension)
	if err != nil {
		return 0, 0, false, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if dimension == CopyCount {
		c := h.components[name]
		if c == nil {
			return 0, 0, false, h.notFound(componentKind, name)
		}
		return c.up(), c.want, c.status != inService, nil
	}
	e := h.endpoints[name]
	if e == nil {
		return 0, 0, false, h.notFound(endpointKind, name)
	}
	v := e.current.variant(variant)
	if v == nil {
		_, err := e.planned([]desiredVariant{{VariantName: variant}})
		return 0, 0, false, err
	}
	return v.up(), v.want, e.status != inService, nil
}

// SetCapacity asks for a number of instances or copies, as UpdateEndpointWeightsAndCapacities
// and UpdateInferenceComponentRuntimeConfig would, and with their errors.
func (h *Hosting) SetCapacity(resourceID, dimension string, n int) error {
	name, variant, err := parseScalable(resourceID, dimension)
	if err != nil {
		return err
	}
	if dimension == CopyCount {
		_, err = h.updateRuntime(context.Background(), &updateRuntimeInput{
			InferenceComponentName: name, DesiredRuntimeConfig: &runtimeConfig{CopyCount: &n},
		})
		return err
	}
	_, err = h.updateWeights(context.Background(), &updateWeightsInput{
		EndpointName: name, DesiredWeightsAndCapacities: []desiredVariant{{VariantName: variant, DesiredInstanceCount: &n}},
	})
	return err
}

func parseScalable(resourceID, dimension string) (name, variant string, err error) {
	name, variant, ok := parseResourceID(resourceID)
	if !ok || (dimension != InstanceCount || variant == "") && (dimension != CopyCount || variant != "") {
		return "", "", invalid("Resource %q with dimension %q: the emulator scales endpoint/NAME/variant/NAME with %s and inference-component/NAME with %s.",
			resourceID, dimension, InstanceCount, CopyCount)
	}
	return name, variant, nil
}

// Record counts invocations of a variant at the present model time without sending
// them: requests of model time, not weighted, each with a latency. It is for virtual
// time, in which nothing is sent. It fails when the variant takes no requests.
func (h *Hosting) Record(endpoint, variant string, requests float64, latency time.Duration) error {
	if !(requests >= 0) || math.IsInf(requests, 0) || latency < 0 {
		return fmt.Errorf("recording %v requests of %v: want neither below 0", requests, latency)
	}
	r := (*h.table.Load())[endpoint]
	if r == nil {
		return fmt.Errorf("recording requests: endpoint %q is not in service", endpoint)
	}
	g := r.variant(variant)
	if g == nil || len(g.units) == 0 {
		return fmt.Errorf("recording requests: variant %q of endpoint %q has no instance in service", variant, endpoint)
	}
	minute, _ := periods(h.opts.Clock.Now())
	g.meter.record(minute, len(g.units), requests, latency)
	each := time.Duration(requests * float64(latency) / float64(len(g.units)))
	for _, u := range g.units {
		u.busy.Add(int64(each))
	}
	return nil
}
