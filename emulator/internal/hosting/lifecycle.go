package hosting

import (
	"fmt"
	"slices"
	"time"
)

// advance moves everything to an instant of model time; it returns the scalable
// resources that have gone.
func (h *Hosting) advance(now time.Time) (gone []string) {
	if h.closed {
		return nil
	}
	changed := false
	for _, name := range sorted(h.endpoints) {
		e := h.endpoints[name]
		e.retiring = slices.DeleteFunc(e.retiring, func(u *unit) bool { return u.gone.Load() })
		moved, failure := h.advanceInstances(e, now)
		ids, switched := h.advanceStatus(e, failure, now)
		gone = append(gone, ids...)
		changed = changed || moved || switched
		e.front.expire(now)
	}
	for _, name := range sorted(h.components) {
		changed = h.advanceComponent(h.components[name], now) || changed
	}
	h.manageInstances(now)
	if changed {
		h.reroute()
	}
	return gone
}

// advanceInstances lets instances into service and replaces those that have died. A
// change that is under way fails with the first launch of it that fails.
func (h *Hosting) advanceInstances(e *endpoint, now time.Time) (moved bool, failure string) {
	for _, d := range e.deployments() {
		for _, v := range d.variants {
			for _, i := range slices.Clone(v.instances) {
				was := i.up
				switch i.look(now, h.opts.ProvisionTimeout) {
				case unchanged:
					continue
				case arrived:
					moved = true
					continue
				case late:
					failure = noCapacity
				case unhealthy:
					if !was {
						failure = fmt.Sprintf(failedHealth, v.spec.VariantName)
					}
				}
				v.instances = slices.DeleteFunc(v.instances, func(o *instance) bool { return o == i })
				h.drop(e, i)
				if moved = true; was || e.status == inService {
					h.launchInstances(v, []string{i.kind}, h.opts.Delay, now)
				}
			}
		}
	}
	return moved, failure
}

// advanceStatus ends a change that is complete or has failed.
func (h *Hosting) advanceStatus(e *endpoint, failure string, now time.Time) (gone []string, switched bool) {
	switch {
	case e.status == creating && failure != "":
		for _, v := range e.current.variants {
			h.discard(e, v, len(v.instances))
		}
		e.failure = failure
		e.become(failedState, now)
	case e.status == creating && e.current.settled():
		e.become(inService, now)
		return nil, true
	case e.status == updating && e.next != nil:
		return h.advanceUpdate(e, failure, now)
	case e.status == updating && failure != "":
		for _, v := range e.current.variants {
			h.discard(e, v, len(v.instances)-v.up())
			v.want, v.wantWeight = len(v.instances), v.weight
		}
		e.failure = failure
		e.become(inService, now)
	case e.status == updating && e.current.settled() && len(e.retiring) == 0:
		for _, v := range e.current.variants {
			v.weight = v.wantWeight
		}
		e.become(inService, now)
		return nil, true
	case e.status == deleting && len(e.retiring) == 0:
		delete(h.endpoints, e.name)
		delete(h.tags, e.arn)
		for _, m := range e.meters {
			h.past = append(h.past, m)
		}
	}
	return nil, false
}

// advanceUpdate exchanges a deployment for the next as soon as all of that is in
// service, or gives the next up.
func (h *Hosting) advanceUpdate(e *endpoint, failure string, now time.Time) (gone []string, switched bool) {
	switch {
	case failure != "":
		for _, v := range e.next.variants {
			h.discard(e, v, len(v.instances))
		}
		e.next, e.failure = nil, failure
		e.become(inService, now)
	case e.next.settled():
		old := e.current
		e.current, e.next = e.next, nil
		for _, v := range old.variants {
			h.discard(e, v, len(v.instances))
			if name := v.spec.VariantName; e.current.variant(name) == nil {
				gone = append(gone, VariantID(e.name, name))
				h.past = append(h.past, e.meter(name))
				delete(e.meters, name)
			}
		}
		return gone, true
	}
	return nil, false
}
