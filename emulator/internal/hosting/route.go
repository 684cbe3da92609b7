package hosting

import (
	"math"
	"slices"
)

// table is what requests are routed by. It is never changed, only replaced.
type table map[string]*route

// route is an endpoint that takes requests.
type route struct {
	name, arn  string
	hosts      bool // it has inference components instead of models
	variants   []*group
	total      float64 // of the variants' weights
	components map[string]*group
	front      *front
}

// group is the units that share requests: a variant's instances or a component's copies.
type group struct {
	variant   string
	header    []string // the variant, as the answer's header has it
	weight    float64
	least     bool
	component bool
	multi     bool // the model has Mode MultiModel
	units     []*unit
	meter     *meter
}

// reroute replaces the routing table by one of what is in service now.
func (h *Hosting) reroute() {
	t := make(table, len(h.endpoints))
	for name, e := range h.endpoints {
		if e.status != inService && e.status != updating {
			continue
		}
		r := &route{name: name, arn: e.arn, front: e.front, components: map[string]*group{}}
		for _, v := range e.current.variants {
			r.hosts = v.spec.hosts()
			g := &group{
				variant: v.spec.VariantName, header: []string{v.spec.VariantName}, weight: v.weight,
				least: v.spec.least(), meter: e.meter(v.spec.VariantName),
			}
			if m := h.models[v.spec.ModelName]; m != nil {
				g.multi = m.primary().Mode == "MultiModel"
			}
			for _, i := range v.instances {
				if i.up && i.unit != nil {
					g.units = append(g.units, i.unit)
				}
			}
			r.variants = append(r.variants, g)
			r.total += v.weight
		}
		t[name] = r
	}
	for name, c := range h.components {
		r := t[c.endpoint.name]
		if r == nil || c.status == failedState || c.status == deleting {
			continue
		}
		v := c.endpoint.current.variant(c.variant)
		g := &group{variant: c.variant, header: []string{c.variant}, least: v.spec.least(), component: true, meter: c.meter}
		for _, d := range c.copies {
			if d.up {
				g.units = append(g.units, d.unit)
			}
		}
		r.components[name] = g
	}
	h.table.Store(&t)
}

// meter is a variant's, which outlives its deployments.
func (e *endpoint) meter(variant string) *meter {
	m := e.meters[variant]
	if m == nil {
		m = newVariantMeter(e.name, variant)
		e.meters[variant] = m
	}
	return m
}

// pick is the variant whose share of the weights a draw from 0 to 1 falls into.
func (r *route) pick(draw float64) *group {
	at := draw * r.total
	for _, g := range r.variants {
		if at -= g.weight; at < 0 {
			return g
		}
	}
	for _, g := range slices.Backward(r.variants) { // rounding
		if g.weight > 0 {
			return g
		}
	}
	return nil
}

func (r *route) variant(name string) *group {
	if at := slices.IndexFunc(r.variants, func(g *group) bool { return g.variant == name }); at >= 0 {
		return r.variants[at]
	}
	return nil
}

// choose is the unit to which a draw from 0 to 1 sends a request: any, or one of those
// with the fewest requests. It is nil if there is none.
func (g *group) choose(draw float64) *unit {
	n := len(g.units)
	if n == 0 {
		return nil
	}
	start := min(int(draw*float64(n)), n-1)
	best := g.units[start]
	if !g.least {
		return best
	}
	fewest := int64(math.MaxInt64)
	for k := range n { // from a place drawn at random, so that equals share
		u := g.units[(start+k)%n]
		if at := u.inFlight.Load(); at < fewest {
			best, fewest = u, at
		}
	}
	return best
}

// draw is the n-th number of a sequence from 0 to 1, below 1, that a seed fixes:
// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
// OOPSLA 2014). It needs no lock.
func draw(seed, n uint64) float64 {
	z := seed + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return float64((z^(z>>31))>>11) / (1 << 53)
}
