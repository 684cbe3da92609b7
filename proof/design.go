package proof

import (
	"errors"
	"fmt"
	"math"
	"time"

	"plimsoll/scaling"
)

// Options are what a programme is designed from.
type Options struct {
	Policy Policy // as it was read, its alarms too
	Load   Load
	Start  int // instances in service now

	SuspendedOut, SuspendedIn bool // of the scalable target

	// Assumptions are those of the forecast that lengths are made by.
	Assumptions scaling.Assumptions
	// Provisioning is the median time until a new instance is in service; 0: that of
	// the assumptions.
	Provisioning time.Duration
	MaxRate      scaling.PerSecond // the highest rate that may be sent; 0: any
	Quick        bool              // the steps up and down alone
}

// Validate says what keeps a policy from being proved.
func (o Options) Validate() error {
	p := o.Policy
	switch {
	case p.Name == "" && p.Target == 0:
		return errors.New("there is no target-tracking policy: nothing scales; put one with plimsoll apply")
	case !(p.Target > 0) || math.IsInf(p.Target, 0):
		return fmt.Errorf("policy %s: target value %v: want a number above 0; put the policy anew with plimsoll apply", p.Name, p.Target)
	case p.Min < 0 || p.Max < p.Min || p.Max > mostInstances:
		return fmt.Errorf("bounds from %d to %d: want 0 <= min <= max <= %d", p.Min, p.Max, mostInstances)
	case p.Max == p.Min:
		return fmt.Errorf("min and max capacity are both %d: nothing can scale; raise the max (plimsoll apply --max)", p.Max)
	case o.SuspendedOut:
		return errors.New("scaling out is suspended: nothing can be proved; resume it first (plimsoll restore, where a run was broken off)")
	case o.SuspendedIn && !p.DisableScaleIn:
		return errors.New("scaling in is suspended: that it works cannot be proved; resume it first (plimsoll restore, where a run was broken off)")
	case !(o.Load.PerInstance > 0) || math.IsInf(float64(o.Load.PerInstance), 0):
		return fmt.Errorf("load %v/s of one instance at the target: want a number above 0, from a calibration of the metric", float64(o.Load.PerInstance))
	case o.Load.Peak < 0 || math.IsNaN(float64(o.Load.Peak)):
		return fmt.Errorf("peak %v/s of one instance: want a number above 0, or 0 where it is not known", float64(o.Load.Peak))
	case o.MaxRate < 0 || math.IsNaN(float64(o.MaxRate)):
		return fmt.Errorf("highest rate %v/s: want a number above 0, or 0 for any", float64(o.MaxRate))
	case o.Start < 0 || o.Start > mostInstances:
		return fmt.Errorf("%d instances in service: want from 0 to %d", o.Start, mostInstances)
	case max(o.Start, p.Min) == 0:
		return errors.New("no instance is in service, and the min is 0: target tracking cannot bring the first one, for there is no metric; bring the variant to 1 first")
	case o.Provisioning < 0 || o.Provisioning > longestHold/4:
		return fmt.Errorf("provisioning %v: want from 0s to %v", o.Provisioning, longestHold/4)
	}
	return errors.Join(o.checkAlarm("high", p.High), o.checkLow(), o.Assumptions.Validate())
}

// mostInstances bounds what a forecast counts with; no endpoint has so many.
const mostInstances = 1000

func (o Options) checkAlarm(which string, alarm *Alarm) error {
	if alarm == nil {
		return fmt.Errorf("policy %s has no %s alarm: somebody deleted it, and nothing scales by it; put the policy anew with plimsoll apply", o.Policy.Name, which)
	}
	if err := alarm.Validate(); err != nil {
		return fmt.Errorf("%s alarm %s: %w", which, alarm.Name, err)
	}
	return nil
}

func (o Options) checkLow() error {
	if o.Policy.DisableScaleIn {
		return nil
	}
	return o.checkAlarm("low", o.Policy.Low)
}

// Design makes the programme that proves a policy: loads at which capacity must grow by
// two instances at once, follow a ramp, stop at its maximum and come back. Each is held
// as long as the alarms and cooldowns, as they were read, need at a provisioning half as
// slow again as expected, and rates keep half an instance away from where one instance
// more or less would be needed: there a fleet flaps.
func Design(o Options) (Programme, error) {
	if err := o.Validate(); err != nil {
		return Programme{}, fmt.Errorf("designing the load programme: %w", err)
	}
	if o.Provisioning > 0 {
		o.Assumptions.ProvisioningMedian = o.Provisioning.Truncate(time.Second)
	}
	l, err := o.levels()
	if err != nil {
		return Programme{}, fmt.Errorf("designing the load programme: %w", err)
	}
	d := newDesign(o, l)
	d.baseline()
	d.stepUp()
	if !o.Quick {
		d.rampUp()
		d.plateau()
	}
	d.stepDown()
	if !o.Quick && !o.Policy.DisableScaleIn {
		d.rampDown()
	}
	return d.finish(), nil
}

// design is a programme that grows phase by phase, with an endpoint that follows it
// whose launches are slow.
type design struct {
	Programme

	o    Options
	l    levels
	pace pace
	twin *twin
	lost bool // the forecast does not get where it should
}

// slowLaunch is how much longer than the median a launch may take without the
// programme being too short for it. Repeated launches differ by a quarter.
const slowLaunch = 1.5

func newDesign(o Options, l levels) *design {
	a := o.Assumptions
	a.ProvisioningMedian = time.Duration(slowLaunch * float64(a.ProvisioningMedian)).Truncate(time.Second)
	d := &design{o: o, l: l, Programme: Programme{Start: o.Start, Load: o.Load, Notes: l.notes}}
	d.pace = paceOf(o.Policy, a.ProvisioningMedian).slower(o.Policy, a)
	d.twin = newTwin(time.Unix(0, 0).UTC(), o.Start, o.Policy, o.Load, a)
	return d
}

func (d *design) baseline() {
	least := max(leastBaseline, d.pace.notice+afterLow)
	why := fmt.Sprintf("a steady %s for %s, until the low alarm, which takes up to %v, has settled; errors and response times here are what later ones are compared with",
		d.rate(d.l.low), instances(d.l.base), d.pace.notice)
	if d.pace.notice == 0 {
		why = fmt.Sprintf("a steady %s for %s: errors and response times here are what later ones are compared with", d.rate(d.l.low), instances(d.l.base))
	}
	d.hold(Phase{Kind: Baseline, From: d.l.low, To: d.l.low, Expect: d.l.base, Why: why}, least, afterLow)
}

func (d *design) stepUp() {
	least := d.pace.react() + time.Duration(d.o.Policy.ScaleOut) + settled
	why := fmt.Sprintf("at once %s, which needs %s: %d more; held for up to %v until the alarm, %v for a launch, the cooldown of %v and %v on",
		d.rate(d.l.step), instances(d.l.up), d.l.up-d.l.base, d.pace.detect, d.pace.ready, d.o.Policy.ScaleOut, settled)
	d.hold(Phase{Kind: StepUp, From: d.l.step, To: d.l.step, Expect: d.l.up, Why: why + d.overload(d.l.step, d.l.base)}, least, settled)
}

// rampUp grows, within a reaction, by half of what is in service: a fleet whose target
// is well below its peak can follow.
func (d *design) rampUp() {
	if d.l.top <= d.l.step {
		return
	}
	more := (d.l.top - d.l.step) / float64(d.o.Load.PerInstance)
	length := time.Duration(float64(d.pace.react()) * more / (float64(d.l.up) / 2))
	length = min(max(length, leastRamp), mostRamp)
	d.add(Phase{
		Kind: RampUp, From: d.l.step, To: d.l.top, Length: minutes(length),
		Why: fmt.Sprintf("growing steadily to %s, in each reaction of up to %v by half of what was in service at most, unless that takes more than %v",
			d.rate(d.l.top), d.pace.react(), mostRamp),
	})
}

func (d *design) plateau() {
	if d.l.top <= d.l.step {
		return
	}
	least := d.pace.react() + time.Duration(d.o.Policy.ScaleOut) + settled
	why := fmt.Sprintf("held at %s, which needs %s", d.rate(d.l.top), instances(d.l.full))
	if d.l.clamped {
		why = fmt.Sprintf("held at %s, slightly more than %s, the most allowed, carry at the target: scaling must stop there, and they must serve it", d.rate(d.l.top), instances(d.l.full))
	}
	d.hold(Phase{Kind: Plateau, From: d.l.top, To: d.l.top, Expect: d.l.full, Why: why}, least, settled)
}

func (d *design) stepDown() {
	if d.o.Policy.DisableScaleIn {
		d.hold(Phase{
			Kind: StepDown, From: d.l.low, To: d.l.low, Expect: d.twin.state.Capacity,
			Why: fmt.Sprintf("at once down to %s: scale-in is disabled, so that nothing may be taken away", d.rate(d.l.low)),
		}, leastBaseline, settled)
		return
	}
	least := max(leastDown, d.pace.notice+time.Duration(d.o.Policy.ScaleIn)+drain+settled)
	d.hold(Phase{
		Kind: StepDown, From: d.l.low, To: d.l.low, Expect: d.l.base,
		Why: fmt.Sprintf("at once down to %s, for %s: held for up to %v until the low alarm, the cooldowns of %v between removals, %v to drain, and at least %v in all, for scale-in has been seen to take more than 25m",
			d.rate(d.l.low), instances(d.l.base), d.pace.notice, d.o.Policy.ScaleIn, drain, leastDown),
	}, least, settled+drain)
}

// rampDown is long enough for the fleet to follow up and for a first removal.
func (d *design) rampDown() {
	length := d.pace.react() + d.pace.notice + time.Duration(d.o.Policy.ScaleIn) + settled
	d.add(Phase{
		Kind: RampDown, From: d.l.step, To: d.l.low, Length: minutes(length),
		Why: fmt.Sprintf("a second step to %s, from there steadily down to %s: capacity must follow up and then down again, step by step and without going up and down more than once",
			d.rate(d.l.step), d.rate(d.l.low)) + d.overload(d.l.step, d.l.base),
	})
}

// longestHold is where a forecast is given up.
const longestHold = 24 * time.Hour

// hold adds a steady phase: at least so long, and until what it expects has been in
// service for a while.
func (d *design) hold(p Phase, least, after time.Duration) {
	began := d.twin.now
	for !d.there(p.Expect) && d.twin.now.Sub(began) < longestHold {
		d.twin.second(p.From)
	}
	if !d.there(p.Expect) {
		d.lost = true
		d.Notes = append(d.Notes, fmt.Sprintf("by the assumptions, the load of phase %s does not bring %s into service within %v: it is held for %v",
			p.Kind, instances(p.Expect), longestHold, minutes(least)))
		p.Length = minutes(least)
		d.Phases = append(d.Phases, p)
		return
	}
	p.Length = minutes(max(least, d.twin.now.Sub(began)+after))
	rest := p
	rest.Length -= Span(d.twin.now.Sub(began))
	d.twin.hold(rest)
	d.Phases = append(d.Phases, p)
}

// there is whether a number is in service and stays.
func (d *design) there(n int) bool {
	return d.twin.state.Capacity == n && !d.twin.state.InProgress
}

// add adds a phase whose length is given.
func (d *design) add(p Phase) {
	d.twin.hold(p)
	d.Phases = append(d.Phases, p)
}

// finish says what the programme takes, by launches of the median length. What a ramp
// should have led to depends on them too.
func (d *design) finish() Programme {
	p := d.Programme
	p.Length, p.Provisioning = Span(p.length()), Span(d.o.Assumptions.ProvisioningMedian)
	begin := time.Unix(0, 0).UTC()
	f := Foretell(begin, p, d.o.Policy, d.o.Load, d.o.Assumptions)
	end := begin
	for i := range p.Phases {
		phase := &p.Phases[i]
		end = end.Add(time.Duration(phase.Length))
		p.Requests += (phase.From + phase.To) / 2 * phase.Length.Seconds()
		switch there := lookAt(f.Capacity, end).Current; {
		case !phase.steady():
			phase.Expect = there
		case there != phase.Expect && !d.lost:
			p.Notes = append(p.Notes, fmt.Sprintf("by the assumptions, phase %s ends with %s instead of %d: with a scale-out cooldown of %s, what the metric said of the old number is applied to the new one",
				phase.Kind, instances(there), phase.Expect, d.o.Policy.ScaleOut))
		}
	}
	p.InstanceHours = instanceHours(f.Capacity, begin, end)
	return p
}

// overload says what the fleet bears until more of it is in service.
func (d *design) overload(rate float64, n int) string {
	peak := float64(d.o.Load.Peak) * float64(n)
	if !(peak > 0) {
		return ""
	}
	share := percent(rate / peak)
	if rate <= peak {
		return fmt.Sprintf("; meanwhile %s at %s of the peak", those(n), share)
	}
	return fmt.Sprintf("; meanwhile %s at %s of the peak, overloaded on purpose: requests will be slow or fail", those(n), share)
}

// those writes a number of instances that are something.
func those(n int) string {
	if n == 1 {
		return "1 instance is"
	}
	return instances(n) + " are"
}

// rate writes a rate with its unit, and as a multiple of the target.
func (d *design) rate(r float64) string {
	return fmt.Sprintf("%s/s (%.2g × the target)", figure(r), r/float64(d.o.Load.PerInstance))
}
