package proof

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// failedActivities lists the attempts that came to nothing.
func (j *judging) failedActivities() answer {
	if why := j.Unknown["activities"]; why != "" {
		return unknown("the scaling activities are not known: %s", why)
	}
	failures := j.failures()
	if len(failures) == 0 {
		return found(Pass, "%s, none failed", counted(int64(len(j.Activity)), "attempt"))
	}
	a := failures[0]
	text := fmt.Sprintf("%s at %s: %s", strings.ToLower(a.Status), clock(a.Began), a.Message)
	if a.Message == "" {
		text = fmt.Sprintf("%s at %s, without a message", strings.ToLower(a.Status), clock(a.Began))
	}
	if len(failures) > 1 {
		text += fmt.Sprintf("; and %d more", len(failures)-1)
	}
	return found(Fail, "%s", text).dated(a.Began).remedied("%s", remedyOf(a))
}

// remedyOf is what helps against a failure.
func remedyOf(a Activity) string {
	switch {
	case a.quota():
		return "ask for more of this instance type in Service Quotas (Amazon SageMaker, \"for endpoint usage\"), or lower the max to what the quota allows"
	case a.lack():
		return "AWS had no such machine at the time: another instance type, instance pools, or more in reserve (a higher min)"
	}
	return "read the message: plimsoll lint lists the attempts of late, and describe-endpoint has the failure reason"
}

// How far what was observed may be from the forecast, whose launches all take the
// median: a metric that is seen a minute or two later, a launch out of the spread's
// ends, and what these make of the hours.
const (
	twinShare = 0.95 // of the minutes with the same number asked for
	twinHours = 0.05
	twoSigmas = 1.645 // P5 to P95
)

// twinAgreement compares the forecast with what was asked for: the same changes, at
// about the same times, and instance-hours that differ by no more than that explains.
func (j *judging) twinAgreement() answer {
	if len(j.forecast.Capacity) == 0 || len(j.Capacity) == 0 {
		return unknown("there is no forecast to compare with: the load of one instance, or the capacity, is not known")
	}
	predicted := &judging{Observed: Observed{Capacity: j.forecast.Capacity, Activity: j.forecast.Activity, Phases: j.Phases, Policy: j.Policy}, load: j.load}
	want, have := predicted.moves(), j.moves()
	shift, alike := j.compare(want, have)
	same, minutes := j.sameMinutes()
	share := float64(same) / float64(max(1, minutes))
	hours, twin := j.cost().InstanceHours, j.cost().Predicted
	text := fmt.Sprintf("%s, %d predicted; the same number asked for in %s of %d minutes; %s instance-hours, %s predicted",
		counted(int64(len(have)), "change"), len(want), percent(share), minutes, figure(hours), figure(twin))
	if alike {
		text += "; times differ by up to " + lasting(shift)
		if shift <= j.spread() && math.Abs(hours-twin) <= max(twinHours*twin, j.spread().Hours()*float64(len(have))) || share >= twinShare {
			return found(Pass, "%s", text)
		}
	}
	return found(Warn, "%s", text).remedied("%s", j.explain(want, have))
}

// spread is how far the time of a change may be from that of the forecast: two
// evaluations, and the spread of the launches before it.
func (j *judging) spread() time.Duration {
	launch := j.a.ProvisioningMedian.Seconds() * (math.Exp(twoSigmas*j.a.ProvisioningSigma) - 1)
	return 2*time.Minute + time.Duration(launch*float64(time.Second))
}

// compare is whether two series of changes are the same, and how far apart they are.
func (j *judging) compare(want, have []move) (apart time.Duration, alike bool) {
	if len(want) != len(have) {
		return 0, false
	}
	for i := range want {
		if want[i].from != have[i].from || want[i].to != have[i].to {
			return 0, false
		}
		apart = max(apart, have[i].at().Sub(want[i].at()).Abs())
	}
	return apart, true
}

// sameMinutes counts the minutes in which as many were asked for as predicted.
func (j *judging) sameMinutes() (same, all int) {
	end := j.ended()
	if end.Sub(j.began()) > maxForecast {
		return 0, 0
	}
	for t := j.began(); t.Before(end); t = t.Add(time.Minute) {
		all++
		if lookAt(j.Capacity, t).Desired == lookAt(j.forecast.Capacity, t).Desired {
			same++
		}
	}
	return same, all
}

// explain names what of the assumptions differs most.
func (j *judging) explain(want, have []move) string {
	median := j.a.ProvisioningMedian
	if longest := j.slowest(); len(j.outs()) > 0 && (longest > 2*median || longest < median/2) {
		return fmt.Sprintf("launches took up to %s, %s were assumed: set provisioning-median", lasting(longest), lasting(median))
	}
	if len(want) > 0 && len(have) > 0 && have[0].at().Sub(want[0].at()).Abs() > 2*time.Minute {
		return fmt.Sprintf("the first change came at %s, %s was predicted: set metric-delay", clock(have[0].at()), clock(want[0].at()))
	}
	for i := range min(len(want), len(have)) {
		if want[i].to != have[i].to {
			return fmt.Sprintf("at %s it went %d → %d, %d → %d was predicted: scale-out-size, scale-in-size, cooldown-base or updating-blocks-scaling are other than assumed",
				clock(have[i].at()), have[i].from, have[i].to, want[i].from, want[i].to)
		}
	}
	return "launches that take longer or shorter than the median do that; else cooldown-base or updating-blocks-scaling are other than assumed"
}
