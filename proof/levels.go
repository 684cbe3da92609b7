package proof

import (
	"fmt"
	"math"
	"strings"
)

// levels are the loads of a programme, in requests per second of the whole variant,
// with the instances that they need.
type levels struct {
	base int     // the fewest instances
	low  float64 // the load of the baseline
	up   int     // after the step up
	step float64
	full int // on the plateau
	top  float64
	// clamped is whether the plateau needs more than the most instances, which carry it.
	clamped bool
	notes   []string
}

// Where loads lie.
const (
	// margin keeps a load away from where an alarm fires.
	margin = 1.05
	// above is how many instances more than the maximum the plateau would need.
	above = 0.3
	// carried is the share of its peak that an instance can be trusted to carry.
	carried = 0.95
	// aStep is how many instances more the step up needs, where bounds allow it.
	aStep = 2
)

// levels chooses the loads. n − ½ instances' worth needs n: as far as can be from where
// n − 1 or n + 1 would be needed.
func (o Options) levels() (levels, error) {
	p, one := o.Policy, float64(o.Load.PerInstance)
	l := levels{base: max(1, p.Min)}
	if p.DisableScaleIn {
		l.base = max(l.base, min(o.Start, p.Max))
		l.note("scale-in is disabled in policy %s: that capacity comes back cannot be shown, only that nothing is taken away", p.Name)
	}
	if l.base == p.Max {
		return l, o.nothingAbove(l.base)
	}
	l.low = (float64(l.base) - 0.5) * one
	if !p.DisableScaleIn {
		l.low = (float64(o.lowest(l.base)) - 0.5) * one
	}
	most := p.Max
	if o.MaxRate > 0 {
		most = min(most, int(min(mostInstances, math.Floor(float64(o.MaxRate)/one+0.5))))
	}
	if most <= l.base {
		return l, fmt.Errorf("highest rate %s/s: one instance more than %d is needed from %s/s on; allow that, or lower the target for the test",
			figure(float64(o.MaxRate)), l.base, figure((float64(l.base)+0.5)*one))
	}
	l.chooseStep(o, most)
	l.chooseTop(o, most)
	if strings.Contains(p.Metric, "Concurrent") {
		l.note("policy %s tracks a concurrency: the rate of %s/s at which one instance is at the target comes from a calibration, and concurrency grows faster than the rate where instances are busy",
			p.Name, figure(one))
	}
	return l, nil
}

func (o Options) nothingAbove(base int) error {
	if base > o.Policy.Min && base > 1 {
		return fmt.Errorf("all %d instances that max capacity allows are in service, and scale-in is disabled: nothing can scale; bring the variant to its min of %d first, or enable scale-in",
			base, o.Policy.Min)
	}
	return fmt.Errorf("max capacity is %d: one instance is needed for any load, so that nothing can scale; raise the max (plimsoll apply --max)", o.Policy.Max)
}

// lowest is how many instances the baseline needs: those that there are at least, or
// fewer in a large fleet, for the low alarm must fire when there is one more.
func (o Options) lowest(base int) int {
	k := int(math.Floor(o.Policy.lowRatio()/margin*float64(base+1) + 0.5))
	return min(base, max(1, k))
}

// chooseStep asks for two instances more, or for as many as make the high alarm fire
// for certain in a large fleet, and for no more than that: until they are in service
// those that are there bear it all.
func (l *levels) chooseStep(o Options, most int) {
	sure := int(math.Ceil(margin*o.Policy.highRatio()*float64(l.base) + 0.5))
	want := max(l.base+aStep, sure)
	l.up = min(want, most)
	l.step = (float64(l.up) - 0.5) * float64(o.Load.PerInstance)
	switch {
	case l.up == want:
	case o.Policy.Max-l.base == 1:
		l.note("from %d to %d instances there is one step only: a scale-out by two at once cannot be shown", l.base, o.Policy.Max)
	case l.up < l.base+aStep:
		l.note("the highest rate of %s/s leaves one step only: a scale-out by two at once cannot be shown", figure(float64(o.MaxRate)))
	}
	if l.up < sure {
		l.note("the step up brings %d instances to %.3g of the target only: the high alarm may miss it", l.base, (float64(l.up)-0.5)/float64(l.base))
	}
}

// chooseTop asks for slightly more than the most instances carry at the target, where
// they carry it and it may be sent.
func (l *levels) chooseTop(o Options, most int) {
	one, n := float64(o.Load.PerInstance), float64(o.Policy.Max)
	over := max(n+above, margin*o.Policy.highRatio()*n) * one
	peak := carried * n * float64(o.Load.Peak)
	switch {
	case most < o.Policy.Max || o.MaxRate > 0 && over > float64(o.MaxRate):
		l.full, l.top = most, (float64(most)-0.5)*one
		l.note("the highest rate of %s/s is not enough to ask for more than the %d instances of the max: the limit is not tried", figure(float64(o.MaxRate)), o.Policy.Max)
	case peak > 0 && over > peak:
		l.full, l.top = o.Policy.Max, (n-0.5)*one
		l.note("the target is so near the peak that what asks for more than %d instances would overload them: the limit is not tried", o.Policy.Max)
	default:
		l.full, l.top, l.clamped = o.Policy.Max, over, true
	}
}

func (l *levels) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}
