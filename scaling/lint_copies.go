package scaling

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Copies is how the copies of an inference component stand, and the instances of the
// variant that they share.
type Copies struct {
	Current, Desired int
	Moving           bool // a change of them, or of the endpoint, is under way
	Instances        int  // asked for last
	Neighbours       int  // other components on the variant

	// Managed is whether SageMaker adds and removes instances as copies need them, from
	// MinInstances to MaxInstances.
	Managed                    bool
	MinInstances, MaxInstances int // 0: not told, of the maximum
}

// copies counts them in words.
func copies(n int) string {
	if n == 1 {
		return "1 copy"
	}
	return strconv.Itoa(n) + " copies"
}

// needsInstances is whether what is scaled out may have to wait for a new instance.
func (l *linter) needsInstances() bool {
	c := l.setup.Copies
	return c == nil || c.Managed && c.MaxInstances != c.MinInstances
}

// fromZero is whether steps stand beside target tracking because copies may go to zero,
// which only steps lead out of: AWS's own way of it.
func (l *linter) fromZero() bool { return l.setup.Copies != nil && l.setup.Min == 0 }

// room judges the copies against the instances.
//
// Sources: Amazon SageMaker Developer Guide, "Scale an endpoint to zero instances" (zero
// copies, MinInstanceCount 0, and the step policy that leads out of it); API reference,
// ProductionVariantManagedInstanceScaling.
func (l *linter) room() {
	c, s := l.setup.Copies, l.setup
	if c == nil || !s.Registered {
		return
	}
	l.unplaced(c)
	l.zero()
	switch {
	case !c.Managed && s.Max > c.Current && s.Max > s.Min:
		l.find(Doubted, "instances-do-not-follow", "", "enable ManagedInstanceScaling in the endpoint's configuration, or see that the instances have room for the maximum",
			"up to %d copies are asked for, and the %s of the variant do not follow them (no ManagedInstanceScaling): a copy that finds no room is never placed",
			s.Max, count(c.Instances, "instance"))
	case c.Managed && c.Neighbours == 0 && s.Min < c.MinInstances:
		l.find(Doubted, "idle-instances", "", fmt.Sprintf("set MinInstanceCount to %d, or the minimum of copies to %d", s.Min, c.MinInstances),
			"managed scaling keeps %s, and the minimum is %s: what has no copy is paid for nothing",
			count(c.MinInstances, "instance"), copies(s.Min))
	case c.Managed && c.Neighbours == 0 && s.Min > 0 && c.MinInstances == 0:
		l.find(Doubted, "never-zero-instances", "", "register the copies with a minimum of 0, and a step policy that leads out of it",
			"managed scaling may go to no instance, and never does: the minimum is %s", copies(s.Min))
	}
}

// unplaced judges copies that were asked for and are not there although nothing is on its
// way.
func (l *linter) unplaced(c *Copies) {
	missing := c.Desired - c.Current
	switch {
	case missing <= 0:
	case c.Managed && c.MaxInstances > 0 && c.Instances >= c.MaxInstances:
		l.find(Wrong, "no-room", "", "raise MaxInstanceCount, ask for less of an instance for each copy, or lower the maximum of copies",
			"%d of %s are not placed, and the variant has all of the %s that managed scaling may give it", missing, copies(c.Desired), count(c.MaxInstances, "instance"))
	case !c.Moving:
		l.find(Wrong, "no-room", "", "aws sagemaker describe-inference-component tells why: more instances, or a smaller copy",
			"%d of %s are not in service, and nothing is under way", missing, copies(c.Desired))
	}
}

// zero judges a minimum of no copy.
func (l *linter) zero() {
	if l.setup.Min > 0 {
		return
	}
	for _, p := range l.setup.Policies {
		if p.Step != nil {
			return
		}
	}
	l.find(Wrong, "stuck-at-zero", "", "add a step policy, called by an alarm on NoCapacityInvocationFailures of 1 or more; or a minimum of 1",
		"the minimum is no copy, and target tracking never leaves zero: once there, each request fails")
}

// inFlight judges a policy on requests in flight, or on another metric than invocations.
func (l *linter) inFlight(p Tracked) {
	if m, known := PredefinedMetric(p.Metric); known && m.HighResolution && l.setup.Peak > 0 {
		l.perMinute(p)
	}
	if l.setup.Pools > 1 {
		l.pools(p)
	}
}

// leastDoubted is the time in flight from which a target of requests in flight is rather
// one of requests a minute; SageMaker ends a request that is not streamed after a minute.
const leastDoubted = 12 * time.Second

// perMinute judges a target of requests in flight by the peak: Little's law, L = λ·W, gives
// the time in flight W at which an instance at its peak rate λ would hold so many.
func (l *linter) perMinute(p Tracked) {
	target, peak := p.TargetTracking.Target, l.setup.Peak
	seconds := target / float64(peak.PerSecond())
	if seconds < leastDoubted.Seconds() {
		return
	}
	l.find(Doubted, "per-minute", p.Name, "plimsoll find, then plimsoll apply --metric concurrency --run DIR, calibrates it",
		"the target is %s requests in flight for each %s, which at its peak of %s/min it holds only if each takes %s s: it looks like requests a minute",
		number(target), l.unit, number(float64(peak)), number(math.Round(seconds)))
}
