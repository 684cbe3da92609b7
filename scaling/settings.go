package scaling

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is an assumption bound to its field.
type setting struct {
	Assumption

	kind kind
}

// kind is how the field of a setting is read, written and checked.
type kind interface {
	text() string
	read(value string) error
	check() error
}

// settings binds every assumption to a field of a.
func (a *Assumptions) settings() []setting {
	return slices.Concat(a.alarmSettings(), a.policySettings(), a.metricSettings())
}

// The sources, as they are cited in the list.
const (
	sourceRepost      = `AWS re:Post "sagemaker-autoscaling-delay"`
	sourceGuideAlarms = `CloudWatch User Guide, "Alarm evaluation"`
	sourceGuideTarget = `Application Auto Scaling User Guide, "Target tracking scaling policies"`
	sourceGuideMetric = `SageMaker Developer Guide, "Define a scaling policy"`
)

func (a *Assumptions) alarmSettings() []setting {
	return []setting{
		{Assumption{
			Name: "low-threshold-ratio", Evidence: Observed, Source: sourceRepost + `: 1350 for a target of 1500; the guide says "usually more than 10% lower"`,
			Meaning: "threshold of a target-tracking policy's low alarm, as a share of the target value",
		}, &fraction{&a.LowThresholdRatio, func(x float64) bool { return x > 0 && x <= 1 }, "a share above 0 and at most 1"}},
		{Assumption{
			Name: "high-evaluation-periods", Evidence: Observed, Source: sourceRepost + ": 3 datapoints within 3 minutes",
			Meaning: "periods, of the metric's length, for which the metric is above the target before a policy scales out",
		}, &whole{&a.HighEvaluationPeriods, 1, 100}},
		{Assumption{
			Name: "low-evaluation-periods", Evidence: Observed, Source: sourceRepost + ": 15 datapoints within 15 minutes",
			Meaning: "periods, of the metric's length, for which the metric is below the low threshold before a policy scales in",
		}, &whole{&a.LowEvaluationPeriods, 1, 100}},
		{Assumption{
			Name: "highres-high-evaluation-periods", Evidence: Observed, Source: "a public capacity model that waits 3 periods of 10 s",
			Meaning: "the same as high-evaluation-periods, for a high-resolution metric",
		}, &whole{&a.HighResHighEvaluationPeriods, 1, 100}},
		{Assumption{
			Name: "highres-low-period", Evidence: Assumed, Source: sourceGuideMetric + `: high-resolution metrics scale in "at the same speed as standard metrics"; no such alarm has been published`,
			Meaning: "period of the low alarm on a high-resolution metric",
		}, &length{&a.HighResLowPeriod, alarmPeriod, "10s, 20s, 30s or whole minutes"}},
		{Assumption{
			Name: "highres-low-evaluation-periods", Evidence: Assumed, Source: "as highres-low-period",
			Meaning: "periods of highres-low-period for which a high-resolution metric is low before a policy scales in",
		}, &whole{&a.HighResLowEvaluationPeriods, 1, 100}},
		{Assumption{
			Name: "alarm-missing-data", Evidence: Assumed, Source: sourceGuideTarget + ": no scale-in while data is insufficient",
			Meaning: "how the alarms of a policy treat missing data",
		}, choose(&a.AlarmMissingData, TreatMissing, TreatIgnore, TreatBreaching, TreatNotBreaching)},
		{Assumption{
			Name: "alarm-initial-state", Evidence: Observed, Source: "a public lab: INSUFFICIENT_DATA first, ALARM about 5 minutes later",
			Meaning: "state of a new alarm until it has been evaluated",
		}, choose(&a.AlarmInitialState, StateInsufficient, StateOK)},
		{Assumption{
			Name: "alarm-interval", Evidence: Documented, Source: sourceGuideAlarms,
			Meaning: "time between evaluations of an alarm with a period of a minute or more",
		}, &length{&a.AlarmInterval, wholeSeconds(1, 3600), "whole seconds from 1s to 1h"}},
		{Assumption{
			Name: "highres-alarm-interval", Evidence: Documented, Source: sourceGuideAlarms,
			Meaning: "time between evaluations of an alarm with a period of less than a minute",
		}, &length{&a.HighResAlarmInterval, wholeSeconds(1, 3600), "whole seconds from 1s to 1h"}},
		{Assumption{
			Name: "alarm-action-interval", Evidence: Documented, Source: `CloudWatch User Guide, "Using Amazon CloudWatch alarms": for Auto Scaling, actions repeat each minute`,
			Meaning: "time between calls of a scaling policy while its alarm stays in ALARM",
		}, &length{&a.AlarmActionInterval, wholeSeconds(1, 3600), "whole seconds from 1s to 1h"}},
		{Assumption{
			Name: "evaluation-range-extra", Evidence: Assumed, Source: `CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data": its examples look at 5 periods for 3`,
			Meaning: "periods, beyond its evaluation periods, in which an alarm looks for datapoints when some are missing",
		}, &whole{&a.EvaluationRangeExtra, 0, 100}},
	}
}

func (a *Assumptions) policySettings() []setting {
	return []setting{
		{Assumption{
			Name: "scale-out-size", Evidence: Observed, Source: "public labs: from 1 to 4 in one activity at 26 and at 10 times the target; the guide says proportional, rounded up; no formula is published",
			Meaning: "new capacity of a scale-out: proportional is ceil(capacity × metric / target), one adds one",
		}, choose(&a.ScaleOutSize, Proportional, OneByOne)},
		{Assumption{
			Name: "scale-in-size", Evidence: Assumed, Source: sourceGuideTarget + `: "scales in more gradually", removals rounded down`,
			Meaning: "new capacity of a scale-in: proportional is ceil(capacity × metric / target), one removes one in each cooldown",
		}, choose(&a.ScaleInSize, Proportional, OneByOne)},
		{Assumption{
			Name: "cooldown-base", Evidence: Assumed, Source: sourceGuideTarget + ": capacity added by the scale-out counts toward the next one",
			Meaning: "capacity that the formula multiplies during a scale-out cooldown: before the scale-out, or current",
		}, choose(&a.CooldownBase, BaseBefore, BaseCurrent)},
		{Assumption{
			Name: "scale-out-datapoint", Evidence: Assumed, Source: "not published",
			Meaning: "metric that the formula uses to scale out, of the datapoints that the alarm evaluated: latest, mean or highest",
		}, choose(&a.ScaleOutDatapoint, ReadLatest, ReadMean, ReadHighest)},
		{Assumption{
			Name: "scale-in-datapoint", Evidence: Assumed, Source: sourceGuideTarget + `: it "scales in more gradually"; with the latest, one quiet minute would do whenever the low alarm is in ALARM already`,
			Meaning: "metric that the formula uses to scale in, likewise",
		}, choose(&a.ScaleInDatapoint, ReadLatest, ReadMean, ReadHighest)},
		{Assumption{
			Name: "flapping-guard", Evidence: Documented, Source: `Application Auto Scaling User Guide, "Scaling activities", AutoScalingAnticipatedFlapping`,
			Meaning: "a scale-in that would raise the metric above the target is not made",
		}, &onOff{&a.FlappingGuard}},
		{Assumption{
			Name: "updating-blocks-scaling", Evidence: Assumed, Source: `SageMaker Developer Guide, "Update or delete endpoints that use automatic scaling": written of UpdateEndpoint; a change of capacity sets Updating too`,
			Meaning: "no change of capacity is begun while the endpoint is Updating, so that changes never overlap",
		}, &onOff{&a.UpdatingBlocksScaling}},
		{Assumption{
			Name: "scale-out-cooldown-blocks-in", Evidence: Assumed, Source: sourceGuideTarget + ": a scale-in waits for the scale-in cooldown; the other one is not mentioned",
			Meaning: "a scale-in waits for the end of a scale-out cooldown too",
		}, &onOff{&a.ScaleOutCooldownBlocksIn}},
	}
}

func (a *Assumptions) metricSettings() []setting {
	return []setting{
		{Assumption{
			Name: "metric-delay", Evidence: Observed, Source: "a public benchmark of ECS: 363 s to detect on a metric of 60 s is half a period, 3 periods and 150 s",
			Meaning: "time from the end of a minute until its datapoint can be seen",
		}, &length{&a.MetricDelay, wholeSeconds(0, 3600), "whole seconds from 0s to 1h"}},
		{Assumption{
			Name: "highres-metric-delay", Evidence: Assumed, Source: "the same benchmark: 86 s on a metric of 20 s leaves 16 s; no figure for 10 s",
			Meaning: "the same as metric-delay, for a high-resolution metric",
		}, &length{&a.HighResMetricDelay, wholeSeconds(0, 3600), "whole seconds from 0s to 1h"}},
		{Assumption{
			Name: "zero-traffic", Evidence: Documented, Source: `SageMaker Developer Guide, "Auto scaling prerequisites": metrics with a value of zero are emitted`,
			Meaning: "what a variant without requests publishes",
		}, choose(&a.ZeroTraffic, TrafficZeros, TrafficMissing)},
		{Assumption{
			Name: "count-rejected", Evidence: Observed, Source: "a public lab: requests answered 415 left no usable datapoint",
			Meaning: "requests that are throttled, or that the container answers with 4xx, count in the invocations per instance",
		}, &onOff{&a.CountRejected}},
		{Assumption{
			Name: "provisioning-median", Evidence: Observed, Source: "public reports: 4 to 5 minutes for a small image on a CPU instance; 2 to 9 for GPUs",
			Meaning: "median time from the launch of an instance until it is in service",
		}, &length{&a.ProvisioningMedian, wholeSeconds(0, 6*3600), "whole seconds from 0s to 6h"}},
		{Assumption{
			Name: "provisioning-sigma", Evidence: Observed, Source: "public reports: repeated launches differ by about a quarter",
			Meaning: "spread of that time: standard deviation of its logarithm; 0 for none",
		}, &fraction{&a.ProvisioningSigma, func(x float64) bool { return x >= 0 && x <= 2 }, "a number from 0 to 2"}},
	}
}

// whole is a whole number from least to most.
type whole struct {
	field       *int
	least, most int
}

func (k *whole) text() string { return strconv.Itoa(*k.field) }

func (k *whole) read(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return fmt.Errorf("want a whole number from %d to %d", k.least, k.most)
	}
	*k.field = n
	return nil
}

func (k *whole) check() error {
	if *k.field < k.least || *k.field > k.most {
		return fmt.Errorf("want a whole number from %d to %d", k.least, k.most)
	}
	return nil
}

// fraction is a number in a range.
type fraction struct {
	field *float64
	valid func(float64) bool
	want  string
}

func (k *fraction) text() string { return strconv.FormatFloat(*k.field, 'g', -1, 64) }

func (k *fraction) read(value string) error {
	x, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("want %s", k.want)
	}
	*k.field = x
	return nil
}

func (k *fraction) check() error {
	if !k.valid(*k.field) {
		return fmt.Errorf("want %s", k.want)
	}
	return nil
}

// length is a length of time.
type length struct {
	field *time.Duration
	valid func(time.Duration) bool
	want  string
}

func (k *length) text() string { return k.field.String() }

func (k *length) read(value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("want %s, with the unit", k.want)
	}
	*k.field = d
	return nil
}

func (k *length) check() error {
	if !k.valid(*k.field) {
		return fmt.Errorf("want %s", k.want)
	}
	return nil
}

// wholeSeconds accepts whole seconds in a range: the loop goes second by second.
func wholeSeconds(least, most int) func(time.Duration) bool {
	return func(d time.Duration) bool {
		return d%time.Second == 0 && d >= time.Duration(least)*time.Second && d <= time.Duration(most)*time.Second
	}
}

// onOff is a switch.
type onOff struct{ field *bool }

func (k *onOff) text() string {
	if *k.field {
		return "on"
	}
	return "off"
}

func (k *onOff) read(value string) error {
	switch value {
	case "on":
		*k.field = true
	case "off":
		*k.field = false
	default:
		return errors.New("want on or off")
	}
	return nil
}

func (k *onOff) check() error { return nil }

// choice is one of several words.
type choice[T ~string] struct {
	field *T
	among []T
}

func choose[T ~string](field *T, among ...T) *choice[T] { return &choice[T]{field, among} }

func (k *choice[T]) text() string { return string(*k.field) }

func (k *choice[T]) read(value string) error {
	*k.field = T(value)
	return nil
}

func (k *choice[T]) check() error {
	if slices.Contains(k.among, *k.field) {
		return nil
	}
	var words strings.Builder
	for i, w := range k.among {
		switch {
		case i > 0 && i == len(k.among)-1:
			words.WriteString(" or ")
		case i > 0:
			words.WriteString(", ")
		}
		words.WriteString(string(w))
	}
	return errors.New("want " + words.String())
}
