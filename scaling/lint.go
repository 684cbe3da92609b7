package scaling

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Setup is the scaling of one variant, or of the copies of an inference component, with
// what is known of its load, to be looked through for mistakes. What is zero is not known,
// and is not judged.
type Setup struct {
	Registered bool // as a scalable target
	Min, Max   int
	// SuspendedOut and SuspendedIn are of the scalable target.
	SuspendedOut, SuspendedIn bool
	Policies                  []Tracked
	Async                     bool    // the endpoint is invoked asynchronously
	Pools                     int     // instance types of the variant
	Copies                    *Copies // nil: instances are scaled
	// Hosted are the inference components of a variant whose own instances are looked at.
	Hosted []string

	// Activities are those of late, the newest first.
	Activities []Activity

	Peak         PerMinute     // of one instance or copy, measured
	Traffic      PerMinute     // usual, of the whole variant
	Provisioning time.Duration // from the launch of an instance until it is in service
}

// Tracked is a policy with the metric that it tracks.
type Tracked struct {
	Policy

	Metric string // PredefinedMetricType; "" for a customized metric
	// Alarms are those that the policy says are its own, as far as they are known.
	Alarms []OwnAlarm
}

// OwnAlarm is an alarm of a target-tracking policy, as it is found.
type OwnAlarm struct {
	Name     string
	Missing  bool // there is none of that name
	Disabled bool
	Rule     AlarmRule
	State    AlarmState
}

// Activity is an attempt to scale.
type Activity struct {
	At        time.Time // when it began
	Ended     time.Time // zero: it has not
	What      string    // its description
	Cause     string
	Status    string // in Application Auto Scaling's spelling
	Failed    bool   // or unfulfilled
	Why       string // the status message
	NotScaled string // the code of why nothing was done
	Current   int    // capacity as the reason has it; 0: it does not say
	Wanted    int    // capacity that it asks for; 0: it does not say
}

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	Wrong   Severity = "wrong"   // it does not do what it is for
	Doubted Severity = "doubted" // it works, and not well
)

// Finding is one thing that is amiss with a setup.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Policy   string   `json:"policy,omitzero"` // "" for the scalable target
	What     string   `json:"what"`
	Remedy   string   `json:"remedy"`
}

// ConsolePolicy is the name of the one policy that SageMaker's console shows.
const ConsolePolicy = "SageMakerEndpointInvocationScalingPolicy"

// exampleTarget is the value of AWS's example, which many have copied.
const exampleTarget = 70

// Lint looks a setup through; what is worst comes first for each policy. The assumptions
// say how long a metric takes.
func Lint(s Setup, a Assumptions) []Finding {
	l := linter{setup: s, a: a, unit: "instance", units: "instances", whole: "variant"}
	if s.Copies != nil {
		l.unit, l.units, l.whole = "copy", "copies", "inference component"
	}
	l.target()
	l.room()
	for _, p := range s.Policies {
		switch {
		case p.TargetTracking == nil:
			continue
		case p.Metric == InvocationsPerInstance, p.Metric == InvocationsPerCopy:
			l.invocations(p)
		case p.Metric != "":
			l.inFlight(p)
		}
		l.cooldowns(p)
		l.alarms(p)
	}
	l.activities()
	return l.found
}

type linter struct {
	setup Setup
	a     Assumptions
	found []Finding

	unit, units, whole string // what is scaled, and of what
}

func (l *linter) find(severity Severity, rule, policy, remedy, what string, args ...any) {
	l.found = append(l.found, Finding{Rule: rule, Severity: severity, Policy: policy, What: fmt.Sprintf(what, args...), Remedy: remedy})
}

// target judges the scalable target.
func (l *linter) target() {
	s := l.setup
	tracks, steps := 0, 0
	for _, p := range s.Policies {
		if p.TargetTracking != nil {
			tracks++
		}
		if p.Step != nil {
			steps++
		}
	}
	switch {
	case !s.Registered && len(s.Hosted) > 0:
		l.find(Doubted, "copies-not-judged", "", "plimsoll lint --inference-component "+s.Hosted[0],
			"the variant hosts inference components (%s), whose copies are what is scaled: this looked at its instances only", strings.Join(s.Hosted, ", "))
		return
	case !s.Registered:
		l.find(Wrong, "not-registered", "", "plimsoll apply registers it and puts a policy on it", "the %s is no scalable target: it is not scaled at all", l.whole)
		return
	case len(s.Policies) == 0:
		l.find(Wrong, "no-policy", "", "plimsoll apply puts a policy on it", "the scalable target has no policy: only its bounds act")
	}
	if s.Min == s.Max {
		l.find(Wrong, "fixed", "", "raise the maximum, or lower the minimum", "minimum and maximum are both %d: nothing is ever scaled", s.Min)
	}
	if s.SuspendedOut || s.SuspendedIn {
		which := "scale-out and scale-in are"
		switch {
		case !s.SuspendedIn:
			which = "scale-out is"
		case !s.SuspendedOut:
			which = "scale-in is"
		}
		l.find(Wrong, "suspended", "", "plimsoll restore, if a run was killed; otherwise register the target with nothing suspended", "%s suspended: policies do not act", which)
	}
	if tracks > 0 && steps > 0 && !l.fromZero() {
		l.find(Doubted, "step-beside-tracking", "", "keep one of the two, or let the steps only scale out", "a step policy stands beside target tracking: neither knows of the other, and the steps can remove what the target needs")
	}
}

// invocations judges a policy on requests a minute for each instance or copy.
func (l *linter) invocations(p Tracked) {
	s, target := l.setup, PerMinute(p.TargetTracking.Target)
	inBoth := fmt.Sprintf("%s/min (%s/s)", number(float64(target)), number(float64(target.PerSecond())))
	switch {
	case s.Async:
		l.find(Wrong, "async-metric", p.Name, "scale on ApproximateBacklogSizePerInstance", "an asynchronous endpoint does not publish invocations per instance: the policy never acts")
	case s.Peak > 0 && perSecond(target, s.Peak):
		l.find(Wrong, "per-second", p.Name, fmt.Sprintf("multiply by 60: %s/min", number(float64(target*60))),
			"the target is %s, and one %s carries %s/min, %s times as much: it looks like requests a second, and is taken as a minute's",
			inBoth, l.unit, number(float64(s.Peak)), number(math.Round(float64(s.Peak/target))))
	case s.Peak > 0 && target >= s.Peak:
		l.find(Wrong, "above-peak", p.Name, "plimsoll target --run DIR computes a target below it",
			"the target is %s and one %s carries %s/min: %s are overloaded before the policy acts", inBoth, l.unit, number(float64(s.Peak)), l.units)
	case target == exampleTarget:
		l.find(Doubted, "copied-70", p.Name, "measure: plimsoll find, then plimsoll apply --run DIR",
			"the target is 70, the number of AWS's example: it is %s for each %s, and no percentage", inBoth, l.unit)
	}
	if p.Name != ConsolePolicy && s.Copies == nil {
		l.find(Doubted, "hidden-name", p.Name, "name it "+ConsolePolicy, "SageMaker's console does not show a policy of this name, and people take the endpoint for unscaled")
	}
	if s.Pools > 1 {
		l.pools(p)
	}
	if s.Traffic > 0 && !s.Async && target > 0 {
		l.load(p, target)
	}
}

// perSecond is whether a target lies where targets would that are counted in requests a
// second: from a fifth of the peak to all of it.
func perSecond(target, peak PerMinute) bool {
	share := float64(target*60) / float64(peak)
	return share >= 0.2 && share <= 1
}

func (l *linter) pools(p Tracked) {
	l.find(Doubted, "instance-pools", p.Name, "use a customized metric that is weighted by what each type carries",
		"the variant has %d instance types, and one target for all of them overloads the weakest or idles the strongest", l.setup.Pools)
}

// Where usual traffic makes a fleet flap: in instances above and below a whole number,
// for fleets of so many. Measured by simulating a constant Poisson load: 5.97 to 6.10
// gave 38 to 89 scaling events a day, 5.2 to 5.9 and 6.2 to 6.7 none. For larger fleets
// the band of 10 % is wider than an instance.
const (
	flapAbove  = 0.1
	flapBelow  = 0.05
	flapFleets = 9
)

// load judges a target by the usual traffic.
func (l *linter) load(p Tracked, target PerMinute) {
	s := l.setup
	need := float64(s.Traffic / target)
	whole := math.Round(need)
	switch off := need - whole; {
	case s.Max > 0 && need > float64(s.Max):
		l.find(Wrong, "maximum-too-low", p.Name, fmt.Sprintf("raise the maximum to %d at least", int(math.Ceil(need))),
			"the usual traffic of %s/min needs %s %s at this target, and the maximum is %d", number(float64(s.Traffic)), number(need), l.units, s.Max)
	case whole < 1 || whole > flapFleets || off > flapAbove || off < -flapBelow || s.Max > 0 && int(whole) >= s.Max || int(whole) < s.Min:
	default:
		away := PerMinute(math.Floor(float64(s.Traffic) / (whole + 0.5)))
		l.find(Doubted, "flapping", p.Name, fmt.Sprintf("move the target to about %s/min, so that the traffic needs %s %s", number(float64(away)), number(whole+0.5), l.units),
			"the usual traffic of %s/min needs %s %s at this target: so near a whole number, chance alone makes it add and remove one again and again",
			number(float64(s.Traffic)), number(need), l.units)
	}
}

// longCooldown is where the second step of a scale-out comes too late to matter.
const longCooldown = 15 * time.Minute

// cooldowns judges how long a policy waits between changes.
func (l *linter) cooldowns(p Tracked) {
	t := p.TargetTracking
	stale := l.a.MetricDelay + time.Minute
	if m, known := PredefinedMetric(p.Metric); known && m.HighResolution {
		stale = l.a.HighResMetricDelay + m.Period
	}
	switch {
	case t.ScaleOutCooldown < stale:
		l.find(Doubted, "scale-out-cooldown", p.Name, fmt.Sprintf("give it %v or more", stale.Round(10*time.Second)),
			"the scale-out cooldown is %v, and for %v after new %s the metric still tells of the time before them: it can add too many", t.ScaleOutCooldown, stale, l.units)
	case t.ScaleOutCooldown > longCooldown:
		l.find(Doubted, "scale-out-cooldown", p.Name, fmt.Sprintf("%v is AWS's own", DefaultCooldown),
			"the scale-out cooldown is %v: when traffic goes on growing, the next step is not taken before", t.ScaleOutCooldown)
	}
	if s := l.setup; s.Provisioning > 0 && !t.DisableScaleIn && t.ScaleInCooldown < s.Provisioning && l.needsInstances() {
		takes := "an instance takes"
		if s.Copies != nil {
			takes = "a copy that needs an instance takes"
		}
		l.find(Doubted, "scale-in-cooldown", p.Name, fmt.Sprintf("give it %v or more", s.Provisioning.Round(time.Minute)+time.Minute),
			"the scale-in cooldown is %v, and %s %v to come: %s go faster than they can come back", t.ScaleInCooldown, takes, s.Provisioning, l.units)
	}
}

// alarms judges whether the alarms still are what the policy made.
func (l *linter) alarms(p Tracked) {
	const anew = "delete the policy and apply it again: AWS makes its alarms anew"
	for _, alarm := range p.Alarms {
		switch {
		case alarm.Missing:
			l.find(Wrong, "alarm-missing", p.Name, anew, "its alarm %s does not exist: somebody has deleted it, and the policy cannot act by it", alarm.Name)
		case alarm.Disabled:
			l.find(Wrong, "alarm-disabled", p.Name, "enable its actions: aws cloudwatch enable-alarm-actions --alarm-names '"+alarm.Name+"'", "the actions of its alarm %s are disabled", alarm.Name)
		case alarm.Rule.Comparison == Greater && math.Abs(alarm.Rule.Threshold-p.TargetTracking.Target) > 1e-6*p.TargetTracking.Target:
			l.find(Wrong, "alarm-edited", p.Name, anew, "its alarm %s fires above %s, and the target is %s: somebody has edited it", alarm.Name, number(alarm.Rule.Threshold), number(p.TargetTracking.Target))
		case alarm.State == StateInsufficient && l.setup.Traffic > 0 && !l.setup.Async:
			l.find(Doubted, "alarm-without-data", p.Name, "see whether the metric is published; a new alarm has no data for some minutes", "its alarm %s has no data although there is traffic", alarm.Name)
		}
	}
}

// activities judges what became of the attempts to scale.
func (l *linter) activities() {
	failed, full := 0, 0
	var last Activity
	for _, a := range l.setup.Activities {
		switch {
		case a.Failed && a.NotScaled == "":
			if failed++; failed == 1 {
				last = a
			}
		case a.NotScaled == AlreadyAtMaxCapacity:
			full++
		}
	}
	if failed > 0 {
		l.find(Wrong, "failed-activity", "", "remove its cause: for a quota, ask for a higher one (Service Quotas, Amazon SageMaker)",
			"%s of scaling failed, the last at %s: %s %s", count(failed, "attempt"), last.At.UTC().Format("2006-01-02 15:04Z"), last.What, last.Why)
	}
	if full > 0 {
		l.find(Doubted, "at-maximum", "", "raise the maximum", "%s wanted more than the maximum of %d %s", count(full, "alarm"), l.setup.Max, l.units)
	}
}
