package hosting

import (
	"fmt"
	"slices"
	"time"
)

// The strategies by which copies are placed on instances.
const (
	placeSpread  = "SPREAD" // on the instance with the fewest copies of the component: the default
	placeBinpack = "BINPACK"
)

// idleRelease is how long, in model time, managed scaling keeps an instance without a
// copy: the ten minutes that AWS's announcement of scaling to zero tells of.
const idleRelease = 10 * time.Minute

// lose forgets the copies on an instance that goes; they are placed again elsewhere.
func (c *component) lose(h *Hosting, on *instance) {
	c.copies = slices.DeleteFunc(c.copies, func(d *duplicate) bool {
		if d.on != on {
			return false
		}
		h.dropCopy(c, d)
		return true
	})
}

func (h *Hosting) dropCopy(c *component, d *duplicate) {
	if d.unit == nil { // it was stuck
		return
	}
	c.retiring = append(c.retiring, d.unit)
	h.retire(d.unit)
}

// discardCopies takes n copies out of service, the newest first.
func (h *Hosting) discardCopies(c *component, n int) {
	for range n {
		last := len(c.copies) - 1
		h.dropCopy(c, c.copies[last])
		c.copies = c.copies[:last]
	}
}

// advanceComponent lets copies into service, replaces those that have died, places those
// that are missing and ends a change that is complete. It tells whether requests are to
// be routed anew.
func (h *Hosting) advanceComponent(c *component, now time.Time) (moved bool) {
	c.retiring = slices.DeleteFunc(c.retiring, func(u *unit) bool { return u.gone.Load() })
	failure := ""
	for _, d := range slices.Clone(c.copies) {
		was := d.up
		switch d.look(now, h.opts.ProvisionTimeout) {
		case unchanged:
			continue
		case arrived:
			moved = true
			continue
		case late:
			failure = noCapacity
		case unhealthy:
			if !was {
				failure = fmt.Sprintf(failedHealth, c.variant)
			}
		}
		c.copies = slices.DeleteFunc(c.copies, func(o *duplicate) bool { return o == d })
		h.dropCopy(c, d)
		moved = true
	}
	waited := now.Sub(c.modified) >= h.opts.ProvisionTimeout && (c.status == creating || c.status == updating)
	if waited && failure == "" && len(c.copies) < c.want {
		failure = noCapacity
	}
	if failure != "" && h.giveUp(c, failure, now) {
		return true
	}
	if c.status != failedState && c.status != deleting {
		moved = h.place(c, h.opts.CopyDelay, now) || moved
	}
	h.settleComponent(c, now)
	return moved
}

// giveUp ends a change that has failed; it is false if there is none.
func (h *Hosting) giveUp(c *component, failure string, now time.Time) bool {
	switch c.status {
	case creating:
		h.discardCopies(c, len(c.copies))
		c.become(failedState, now)
	case updating:
		c.copies = slices.DeleteFunc(c.copies, func(d *duplicate) bool {
			if d.up {
				return false
			}
			h.dropCopy(c, d)
			return true
		})
		for _, d := range c.copies {
			d.outdated = false // what serves stays
		}
		c.become(inService, now)
	default:
		return false
	}
	c.want, c.failure = len(c.copies), failure
	return true
}

// settleComponent ends a change that is complete.
func (h *Hosting) settleComponent(c *component, now time.Time) {
	done := c.up() == c.want && len(c.copies) == c.want && len(c.retiring) == 0 &&
		!slices.ContainsFunc(c.copies, func(d *duplicate) bool { return d.outdated })
	switch {
	case c.status == deleting && len(c.retiring) == 0:
		delete(h.components, c.name)
		delete(h.tags, c.arn)
		h.past = append(h.past, c.meter)
	case done && (c.status == creating || c.status == updating):
		c.become(inService, now)
	}
}

// place launches the copies that are missing, as far as there is room. During an update
// each outdated copy goes when one in its place serves; where there is no room for
// both, one goes first.
func (h *Hosting) place(c *component, delay Delay, now time.Time) (moved bool) {
	fresh, ready := 0, 0
	for _, d := range c.copies {
		if !d.outdated {
			fresh++
			if d.up {
				ready++
			}
		}
	}
	full := false
	for ; fresh < c.want && !full; fresh++ {
		if len(c.copies) > c.want {
			break // one more than wanted during an update, no more
		}
		on := h.room(c)
		if full = on == nil; full {
			break
		}
		need := c.spec.need()
		c.copies = append(c.copies, &duplicate{replica: h.launch(delay, c.spec.startup(), now), on: on, need: need})
	}
	outdated := len(c.copies) - fresh
	surplus := min(outdated, ready+outdated-c.want)
	if surplus <= 0 && full && outdated > 0 && fresh == ready {
		surplus = 1
	}
	for i := 0; i < len(c.copies) && surplus > 0; {
		if d := c.copies[i]; d.outdated {
			h.dropCopy(c, d)
			c.copies = slices.Delete(c.copies, i, i+1)
			surplus--
			moved = true
			continue
		}
		i++
	}
	return moved
}

// room is the instance on which the next copy goes; nil if none has room.
func (h *Hosting) room(c *component) *instance {
	v := c.endpoint.current.variant(c.variant)
	if v == nil {
		return nil
	}
	need, binpack := c.spec.need(), c.spec.SchedulingConfig != nil && c.spec.SchedulingConfig.PlacementStrategy == placeBinpack
	var best *instance
	most := 0
	for _, i := range v.instances {
		if !i.up || !h.free(i).holds(need) {
			continue
		}
		own := 0
		for _, d := range c.copies {
			if d.on == i {
				own++
			}
		}
		if best == nil || (own > most) == binpack && own != most {
			best, most = i, own
		}
	}
	return best
}

// free is what the copies on an instance leave of it.
func (h *Hosting) free(i *instance) capacity {
	left := capacityOf(i.kind)
	for _, c := range h.components {
		for _, d := range c.copies {
			if d.on == i {
				left = left.minus(d.need)
			}
		}
	}
	return left
}

// manageInstances grows and shrinks the variants with managed scaling: instances come for
// copies that find no room, and go when they have had no copy for a while.
func (h *Hosting) manageInstances(now time.Time) {
	for _, name := range sorted(h.endpoints) {
		e := h.endpoints[name]
		if e.status != inService {
			continue
		}
		for _, v := range e.current.variants {
			if m := v.spec.managed(); m != nil {
				h.manage(e, v, m, now)
			}
		}
	}
}

func (h *Hosting) manage(e *endpoint, v *variant, m *managedInstanceScaling, now time.Time) {
	missing := h.instancesMissing(e, v)
	launching := len(v.instances) - v.up()
	for n := min(missing-launching, *m.MaxInstanceCount-v.want); n > 0; n-- { // as many as the quota lets
		if types, err := h.reserve([]demand{{spec: v.spec, count: n}}); err == nil {
			v.want += n
			h.launchInstances(v, types[0], h.opts.Delay, now)
			break
		}
	}
	keep := idleRelease
	if p := m.ScaleInPolicy; p != nil && p.CooldownInMinutes != nil {
		keep = time.Duration(*p.CooldownInMinutes) * time.Minute
	}
	for _, i := range slices.Backward(slices.Clone(v.instances)) {
		switch {
		case h.hosting(i) || !i.up:
			i.empty = now
		case now.Sub(i.empty) >= keep && missing == 0 && v.want > m.min():
			v.want--
			v.instances = slices.DeleteFunc(v.instances, func(o *instance) bool { return o == i })
			h.drop(e, i)
		}
	}
}

// instancesMissing is how many instances would have to come for the copies of a variant
// that are not placed.
func (h *Hosting) instancesMissing(e *endpoint, v *variant) int {
	missing := 0
	for _, c := range h.components {
		if n := c.want - len(c.copies); n > 0 && c.endpoint == e && c.variant == v.spec.VariantName && c.status != failedState {
			each := capacityOf(v.spec.types()[0]).times(c.spec.need())
			missing += (n + each - 1) / each
		}
	}
	return missing
}

// hosting tells whether an instance has copies.
func (h *Hosting) hosting(i *instance) bool {
	for _, c := range h.components {
		if slices.ContainsFunc(c.copies, func(d *duplicate) bool { return d.on == i }) {
			return true
		}
	}
	return false
}
