// Package cloudwatch emulates Amazon CloudWatch: it keeps metrics, makes them visible
// as late as AWS does, evaluates alarms on them and calls their actions.
//
// It runs in model time and reads no clock of its own accord: [Service.Tick] moves
// alarms on, one model second after the other; operations are dated by the clock that
// the emulator gives. What there is of AWS Metrics Insights, anomaly detection,
// composite alarms and dashboards is an error that says so, or an unknown operation.
// Start at [New].
package cloudwatch

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/modeltime"
	"plimsoll/emulator/internal/wire"
	"plimsoll/scaling"
)

// Options say whose metrics these are and what drives them.
type Options struct {
	// Region and Account are the ones in ARNs.
	Region, Account string
	// Clock dates what clients do.
	Clock *modeltime.Clock
	// Faults delay and lose datapoints and hold alarms.
	Faults *fault.Set
	// Assumptions has the publishing delays and the rhythm of alarms.
	Assumptions scaling.Assumptions
	// Action is told of every action of an alarm, while no lock is held. Nil is nobody.
	Action func(ActionEvent)
}

// Validate reports everything that is wrong.
func (o Options) Validate() error {
	var problems []error
	if o.Region == "" {
		problems = append(problems, errors.New("region: must not be empty"))
	}
	if o.Account == "" {
		problems = append(problems, errors.New("account: must not be empty"))
	}
	if o.Clock == nil {
		problems = append(problems, errors.New("clock: must be given"))
	}
	if o.Faults == nil {
		problems = append(problems, errors.New("faults: must be given"))
	}
	if err := o.Assumptions.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("assumptions: %w", err))
	}
	return errors.Join(problems...)
}

// Service is CloudWatch in one account and region. It is safe for concurrent use.
type Service struct {
	opts  Options
	store *store

	mu      sync.Mutex // taken before the store's
	alarms  map[string]*AlarmRecord
	history history
}

// New starts without metrics and alarms. It fails when the options do not validate.
func New(opts Options) (*Service, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if opts.Action == nil {
		opts.Action = func(ActionEvent) {}
	}
	return &Service{opts: opts, store: newStore(), alarms: map[string]*AlarmRecord{}}, nil
}

// Put publishes a datum: it is visible when its period and the publishing delay are
// over. One without samples says nothing.
func (s *Service) Put(d metric.Datum) {
	if len(d.Samples) == 0 {
		return
	}
	s.publish(identify(d.Namespace, d.Name, d.Dimensions), d.Unit, d.At, d.Resolution, time.Time{}, summarize(d.Samples))
}

// publish keeps what was measured in the period that an instant lies in, unless the
// fault of lost datapoints strikes. It is not visible before some instant, if that is
// not zero.
func (s *Service) publish(id identity, unit string, at time.Time, resolution time.Duration, notBefore time.Time, measured summary) {
	faults := s.opts.Faults.Load()
	if s.opts.Faults.Strikes(faults.MetricLoss) {
		return
	}
	if unit == "" {
		unit = noUnit
	}
	seconds := max(1, int64(resolution/time.Second))
	start := at.Unix() - at.Unix()%seconds
	visible := time.Unix(start+seconds, 0).Add(s.delay(resolution) + time.Duration(faults.MetricDelay))
	if visible.Before(notBefore) {
		visible = notBefore
	}
	s.store.put(id, unit, point{at: start, visible: visible.UnixNano(), resolution: seconds, summary: measured})
}

// delay is how long after the end of its period a datapoint is visible.
func (s *Service) delay(resolution time.Duration) time.Duration {
	if resolution < time.Minute {
		return s.opts.Assumptions.HighResMetricDelay
	}
	return s.opts.Assumptions.MetricDelay
}

// Wire is CloudWatch's operations.
func (s *Service) Wire() wire.Service {
	return wire.Service{
		Name:        "CloudWatch",
		Signing:     "monitoring",
		Target:      "GraniteServiceVersion20100801",
		JSON:        "1.0",
		Query:       "2010-08-01",
		Namespace:   "http://monitoring.amazonaws.com/doc/2010-08-01/",
		RPC:         true,
		ErrorPrefix: "com.amazonaws.cloudwatch#",
		ErrorShapes: map[string]string{
			"InternalServiceError":        "InternalServiceFault",
			"InvalidFormat":               "InvalidFormatFault",
			"InvalidParameterCombination": "InvalidParameterCombinationException",
			"InvalidParameterValue":       "InvalidParameterValueException",
			"LimitExceeded":               "LimitExceededFault",
			"MissingParameter":            "MissingRequiredParameterException",
		},
		Operations: slices.Concat(s.dataOperations(), s.alarmOperations(), s.tagOperations()),
	}
}
