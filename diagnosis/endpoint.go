package diagnosis

import (
	"context"
	"fmt"

	"plimsoll/experiment"
)

// Endpoint looks at an endpoint of SageMaker, its scaling and the quota of its instances.
func Endpoint(ctx context.Context, h experiment.Hosting, s experiment.Autoscaler, t Trier, endpoint, variant string) []Check {
	e, err := h.Describe(ctx, endpoint)
	if err != nil {
		return []Check{refused(partEndpoint, "status", err)}
	}
	checks := []Check{statusOf(e)}
	v, err := e.Variant(variant)
	if err != nil {
		return append(checks, refused(partEndpoint, "variant", err))
	}
	checks = append(checks, kind(e, v))
	scaling, err := s.Scaling(ctx, experiment.Variant{Endpoint: endpoint, Name: v.Name})
	if err != nil {
		one := refused(partEndpoint, "scaling", err)
		if denied(err) {
			one = Check{Part: partEndpoint, Name: "scaling", Status: NotKnown, Evidence: "what is registered cannot be read: a permission is denied"}
		}
		return append(checks, one)
	}
	checks = append(checks, registered(scaling))
	for _, instanceType := range typesOf(v) {
		checks = append(checks, quota(ctx, t, instanceType, endpoint, v, scaling.Target))
	}
	return checks
}

func statusOf(e experiment.EndpointState) Check {
	c := Check{Part: partEndpoint, Name: "status", Status: OK, Evidence: fmt.Sprintf("%s is %s", e.Name, e.Status)}
	if err := e.Settled(); err != nil {
		c = refused(partEndpoint, "status", err)
	}
	return c
}

// kind says what sort of endpoint it is, and what Plimsoll cannot do with it.
func kind(e experiment.EndpointState, v experiment.VariantState) Check {
	c := Check{Part: partEndpoint, Name: "variant", Status: OK}
	c.Evidence = fmt.Sprintf("%s: %d of %d × %s in service", v.Name, v.Current, v.Desired, v.InstanceType)
	switch {
	case e.Async:
		c.Status, c.Evidence = Fail, c.Evidence+", invoked asynchronously"
		c.Remedy = "InvokeEndpoint does not work on an asynchronous endpoint: scale it by its backlog, or measure a real-time endpoint of the same model"
	case v.Serverless:
		c.Status, c.Evidence = Warn, v.Name+": serverless"
		c.Remedy = "it has no instances to scale: what is measured is AWS's provisioning of it"
	case v.Components:
		c.Status, c.Evidence = Warn, c.Evidence+", hosting inference components"
		c.Remedy = "name the component with --inference-component; its copies, not the instances, are what scales"
	case len(v.Pools) > 0:
		c.Status = Warn
		c.Evidence = fmt.Sprintf("%s: %d of %d instances in service, of several types: %v", v.Name, v.Current, v.Desired, v.Pools)
		c.Remedy = "one target for each instance suits no mix of types"
	case v.Current != v.Desired:
		c.Status, c.Remedy = Warn, "wait until all instances are in service"
	case v.Current > 1:
		c.Evidence += "; finding MAX_RPS wants one (plimsoll pin)"
	}
	return c
}

func registered(s experiment.ScalingState) Check {
	c := Check{Part: partEndpoint, Name: "scaling", Status: OK, Evidence: "the variant is not registered for scaling"}
	if s.Target == nil {
		return c
	}
	c.Evidence = fmt.Sprintf("%d to %d instances, %s, %s", s.Target.Min, s.Target.Max,
		counted(len(s.Policies), "policy", "policies"), counted(s.Scheduled, "scheduled action", "scheduled actions"))
	if s.Target.Suspended != (experiment.Suspension{}) {
		c.Status, c.Evidence = Warn, c.Evidence+"; suspended at least in part"
		c.Remedy = "plimsoll restore gives back what a run suspended; otherwise resume it"
	}
	return c
}

func typesOf(v experiment.VariantState) []string {
	switch {
	case len(v.Pools) > 0:
		return v.Pools
	case v.InstanceType != "":
		return []string{v.InstanceType}
	}
	return nil
}

// quota compares a quota with what the variant may grow to, and what else there is.
func quota(ctx context.Context, t Trier, instanceType, endpoint string, v experiment.VariantState, target *experiment.ScalableTarget) Check {
	c := Check{Part: partEndpoint, Name: "quota", Status: OK}
	most, what := v.Desired, "it has"
	if target != nil && target.Max > most {
		most, what = target.Max, "scaling may go up to"
	}
	n, err := t.Quota(ctx, instanceType)
	if err != nil {
		c = refused(partEndpoint, "quota", err)
		c.Status = NotKnown
		return c
	}
	elsewhere := t.Elsewhere(ctx, instanceType, experiment.Variant{Endpoint: endpoint, Name: v.Name})
	c.Evidence = fmt.Sprintf("%d × %s for all endpoints of the account together, %s; %s %d", n, instanceType, elsewhere, what, most)
	left := n - elsewhere.Instances
	if left < most {
		c.Status = Warn // it may be given up by then
		c.Remedy = fmt.Sprintf("ask for more: Service Quotas, Amazon SageMaker, \"%s for endpoint usage\"; AWS refuses a scale-out past it as a whole", instanceType)
	}
	switch {
	case n < most:
		c.Status = Fail
	case left == most:
		c.Evidence += ", which leaves nothing for other endpoints"
	}
	return c
}
