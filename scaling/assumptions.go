package scaling

import (
	"errors"
	"fmt"
	"time"
)

// Evidence is how well something about AWS is known.
type Evidence string

// The kinds of evidence.
const (
	Documented Evidence = "documented" // by AWS
	Observed   Evidence = "observed"   // by people, on real endpoints
	Assumed    Evidence = "assumed"    // nobody says: a choice
)

// Sizing is by how much one scaling activity changes capacity.
type Sizing string

// The sizings.
const (
	Proportional Sizing = "proportional" // to ceil(capacity × metric / target)
	OneByOne     Sizing = "one"          // by one instance
)

// CooldownBase is the capacity that target tracking multiplies during a scale-out
// cooldown.
type CooldownBase string

// The capacities to choose from.
const (
	BaseBefore  CooldownBase = "before"  // what was in service before the scale-out
	BaseCurrent CooldownBase = "current" // what is in service now
)

// Reading is what target tracking makes of the datapoints that an alarm evaluated.
type Reading string

// The readings.
const (
	ReadLatest  Reading = "latest"
	ReadMean    Reading = "mean"
	ReadHighest Reading = "highest"
)

// ZeroTraffic is what a variant publishes in a minute without requests.
type ZeroTraffic string

// What a variant may publish.
const (
	TrafficZeros   ZeroTraffic = "zeros"
	TrafficMissing ZeroTraffic = "missing" // nothing: the alarms run out of data
)

// Assumptions is everything about the scaling loop that AWS does not state in full,
// or that this project had to choose. The zero value is not valid: start from
// [DefaultAssumptions]. Its List says what each one means and where it comes from.
type Assumptions struct {
	// The alarms of a target-tracking policy.
	LowThresholdRatio            float64
	HighEvaluationPeriods        int
	LowEvaluationPeriods         int
	HighResHighEvaluationPeriods int
	HighResLowPeriod             time.Duration
	HighResLowEvaluationPeriods  int
	AlarmMissingData             MissingData
	AlarmInitialState            AlarmState

	// How alarms are evaluated.
	AlarmInterval        time.Duration
	HighResAlarmInterval time.Duration
	AlarmActionInterval  time.Duration
	EvaluationRangeExtra int

	// What a policy makes of an alarm.
	ScaleOutSize             Sizing
	ScaleInSize              Sizing
	CooldownBase             CooldownBase
	ScaleOutDatapoint        Reading
	ScaleInDatapoint         Reading
	FlappingGuard            bool
	UpdatingBlocksScaling    bool
	ScaleOutCooldownBlocksIn bool

	// What the metrics are like.
	MetricDelay        time.Duration
	HighResMetricDelay time.Duration
	ZeroTraffic        ZeroTraffic
	CountRejected      bool

	// How long instances take.
	ProvisioningMedian time.Duration
	ProvisioningSigma  float64
}

// DefaultAssumptions are what the sources make most likely.
func DefaultAssumptions() Assumptions {
	return Assumptions{
		LowThresholdRatio:            0.9,
		HighEvaluationPeriods:        3,
		LowEvaluationPeriods:         15,
		HighResHighEvaluationPeriods: 3,
		HighResLowPeriod:             time.Minute,
		HighResLowEvaluationPeriods:  15,
		AlarmMissingData:             TreatMissing,
		AlarmInitialState:            StateInsufficient,

		AlarmInterval:        time.Minute,
		HighResAlarmInterval: 10 * time.Second,
		AlarmActionInterval:  time.Minute,
		EvaluationRangeExtra: 2,

		ScaleOutSize:          Proportional,
		ScaleInSize:           Proportional,
		CooldownBase:          BaseBefore,
		ScaleOutDatapoint:     ReadLatest,
		ScaleInDatapoint:      ReadHighest,
		FlappingGuard:         true,
		UpdatingBlocksScaling: true,

		MetricDelay:        150 * time.Second,
		HighResMetricDelay: 18 * time.Second,
		ZeroTraffic:        TrafficZeros,

		ProvisioningMedian: 270 * time.Second,
		ProvisioningSigma:  0.25,
	}
}

// Assumption is one of the assumptions, for people.
type Assumption struct {
	Name     string // as Set takes it
	Value    string // as it is
	Default  string
	Meaning  string
	Source   string
	Evidence Evidence // for the default
}

// List is every assumption with its value, in a fixed order.
func (a Assumptions) List() []Assumption {
	defaults := DefaultAssumptions()
	mine, theirs := a.settings(), defaults.settings()
	list := make([]Assumption, len(mine))
	for i, s := range mine {
		list[i] = s.Assumption
		list[i].Value, list[i].Default = s.kind.text(), theirs[i].kind.text()
	}
	return list
}

// Set gives one assumption a value, by its name in [Assumptions.List].
func (a *Assumptions) Set(name, value string) error {
	for _, s := range a.settings() {
		if s.Name != name {
			continue
		}
		before := *a
		if err := s.kind.read(value); err != nil {
			return fmt.Errorf("assumption %s=%s: %w", name, value, err)
		}
		if err := s.kind.check(); err != nil {
			*a = before
			return fmt.Errorf("assumption %s=%s: %w", name, value, err)
		}
		return nil
	}
	return fmt.Errorf("assumption %q is unknown: the list of them says which there are", name)
}

// Validate reports every assumption that is out of range, joined.
func (a Assumptions) Validate() error {
	var problems []error
	for _, s := range a.settings() {
		if err := s.kind.check(); err != nil {
			problems = append(problems, fmt.Errorf("assumption %s=%s: %w", s.Name, s.kind.text(), err))
		}
	}
	return errors.Join(problems...)
}
