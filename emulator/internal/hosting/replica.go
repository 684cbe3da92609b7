package hosting

import (
	"maps"
	"slices"
	"time"
)

// defaultStartup is how long a container may take until it answers pings (Developer
// Guide, "Use Your Own Inference Code with Hosting Services").
const defaultStartup = 4 * time.Minute

// Why a change failed, in AWS's words.
const (
	noCapacity   = "Unable to provision requested ML compute capacity. Please retry using a different ML instance type or after some time."
	failedHealth = "The primary container for production variant %s did not pass the ping health check. Please check CloudWatch logs for this endpoint."
)

// replica is an instance of a variant, or a copy of an inference component.
type replica struct {
	launched time.Time
	due      time.Time // when it comes into service at the earliest
	stuck    bool      // it never comes into service
	up       bool      // it is in service
	unit     *unit     // nil for an instance that hosts copies
}

// launch starts one; startup is its container's limit, negative for none at all. A nil
// delay is for what has been in service before: it is due at once, whatever the faults.
func (h *Hosting) launch(delay Delay, startup time.Duration, now time.Time) replica {
	k := h.launches
	h.launches++
	r := replica{launched: now, due: now}
	if delay != nil {
		faults := h.opts.Faults.Load()
		r.due, r.stuck = now.Add(delay(k)+time.Duration(faults.ProvisionDelay)), faults.StuckInstances
	}
	if startup >= 0 && !r.stuck {
		r.unit = newUnit(h.opts.Backend.Launch(Launch{K: k, StartupTimeout: startup}))
	}
	return r
}

// event is what has become of a replica since the last look.
type event int

const (
	unchanged event = iota
	arrived         // it is in service now
	late            // it has not come up in time
	unhealthy       // its container has not come up, or it has died
)

func (r *replica) look(now time.Time, timeout time.Duration) event {
	health := Healthy
	if r.unit != nil {
		health = r.unit.server.Health()
	}
	switch {
	case health == Unhealthy:
		return unhealthy
	case r.up:
		return unchanged
	case !r.stuck && health == Healthy && !now.Before(r.due):
		r.up = true
		return arrived
	case now.Sub(r.launched) >= timeout:
		return late
	}
	return unchanged
}

// startup is how long a variant's container may take to become healthy, in real time;
// negative if it has none.
func (v *productionVariant) startup() time.Duration {
	switch s := v.ContainerStartupHealthCheckTimeoutInSeconds; {
	case v.hosts():
		return -1
	case s != nil:
		return time.Duration(*s) * time.Second
	}
	return defaultStartup
}

func (h *Hosting) launchInstances(v *variant, types []string, delay Delay, now time.Time) {
	for _, kind := range types {
		i := &instance{replica: h.launch(delay, v.spec.startup(), now), kind: kind, empty: now}
		if i.unit != nil {
			i.unit.cores = capacityOf(kind).cores
		}
		v.instances = append(v.instances, i)
	}
}

// discard takes n instances out of service: first those that are not in it yet, then
// the newest. The routing table is to be made anew afterwards.
func (h *Hosting) discard(e *endpoint, v *variant, n int) {
	slices.SortStableFunc(v.instances, func(a, b *instance) int {
		switch {
		case a.up == b.up:
			return 0
		case a.up:
			return -1
		}
		return 1
	})
	keep := len(v.instances) - n
	for _, i := range v.instances[keep:] {
		h.drop(e, i)
	}
	v.instances = slices.Clone(v.instances[:keep])
}

// drop retires an instance, and the copies that it hosts.
func (h *Hosting) drop(e *endpoint, i *instance) {
	if i.unit != nil {
		e.retiring = append(e.retiring, i.unit)
		h.retire(i.unit)
	}
	for _, name := range sorted(h.components) {
		h.components[name].lose(h, i)
	}
}

// demand is how many instances of a variant are to be launched.
type demand struct {
	spec  *productionVariant
	count int
}

// reserve chooses the types of the instances to launch, all or none.
func (h *Hosting) reserve(demands []demand) ([][]string, error) {
	quota := h.Quota()
	used, taken := h.usage(), map[string]int{}
	chosen := make([][]string, len(demands))
	for i, d := range demands {
		types := d.spec.types()
		for range d.count {
			kind := types[0] // which is what is short, if all are
			if at := slices.IndexFunc(types, func(t string) bool { return used[t]+taken[t] < quota }); at >= 0 {
				kind = types[at]
			}
			taken[kind]++
			chosen[i] = append(chosen[i], kind)
		}
	}
	for _, kind := range sorted(taken) {
		if used[kind]+taken[kind] > quota {
			return nil, exceeded(kind, quota, used[kind], taken[kind])
		}
	}
	return chosen, nil
}

// Quota is how many instances of each type may run now.
func (h *Hosting) Quota() int {
	if q := h.opts.Faults.Load().InstanceQuota; q != nil {
		return *q
	}
	return h.opts.Quota
}

// usage is how many instances of each type there are.
func (h *Hosting) usage() map[string]int {
	used := map[string]int{}
	for _, e := range h.endpoints {
		for _, d := range e.deployments() {
			for _, v := range d.variants {
				for _, i := range v.instances {
					used[i.kind]++
				}
			}
		}
	}
	return used
}

// deployments are those that have instances: the current one and the next.
func (e *endpoint) deployments() []*deployment {
	if e.next == nil {
		return []*deployment{e.current}
	}
	return []*deployment{e.current, e.next}
}

// sorted are the keys of a map in order, so that what is drawn or launched for them
// does not depend on chance.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
