// Package fault is what can be made to go wrong in the emulator while it runs: the
// troubles that tools which drive AWS must survive.
//
// A [Set] is shared by all parts; each asks for the present [Faults] where it could
// fail. Shares are probabilities by request, from a seeded source.
package fault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Faults are the switches. The zero value is an emulator without faults.
type Faults struct {
	// Invocations.
	ThrottlePerSecond float64 `json:"throttle_per_second,omitempty"` // real requests/s above which an endpoint throttles: 400, message null
	ServerErrorShare  float64 `json:"server_error_share,omitempty"`  // answered 500 InternalFailure
	ModelErrorShare   float64 `json:"model_error_share,omitempty"`   // answered 424 ModelError
	NotReadyShare     float64 `json:"not_ready_share,omitempty"`     // answered 429 ModelNotReadyException
	ResetShare        float64 `json:"reset_share,omitempty"`         // connection closed without an answer
	HangShare         float64 `json:"hang_share,omitempty"`          // no answer until the client leaves, or 60 s

	// Control planes.
	ControlDelay         Duration `json:"control_delay,omitempty"`          // real time before each operation is carried out
	ControlThrottleShare float64  `json:"control_throttle_share,omitempty"` // answered ThrottlingException "Rate exceeded"
	ControlErrorShare    float64  `json:"control_error_share,omitempty"`    // answered 500
	AccessDenied         []string `json:"access_denied,omitempty"`          // operations answered AccessDeniedException, or "*"
	ExpiredToken         bool     `json:"expired_token,omitempty"`          // every request: ExpiredTokenException

	// Capacity.
	InstanceQuota  *int     `json:"instance_quota,omitempty"`  // account-level limit for every instance type
	StuckInstances bool     `json:"stuck_instances,omitempty"` // instances launched from now on never come up
	ProvisionDelay Duration `json:"provision_delay,omitempty"` // model time added to every launch

	// Metrics and alarms.
	MetricDelay Duration `json:"metric_delay,omitempty"` // model time added to the publishing delay
	MetricLoss  float64  `json:"metric_loss,omitempty"`  // share of datapoints that never appear
	AlarmsHeld  bool     `json:"alarms_held,omitempty"`  // alarms are not evaluated
	ClockSkew   Duration `json:"clock_skew,omitempty"`   // real time added to the Date header and to the clock that signatures are checked by
}

// Duration is a length of time that is written as in Go: "90s".
type Duration time.Duration

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q: not a length of time, such as 90s", text)
	}
	*d = Duration(v)
	return nil
}

// Validate reports every switch that is out of range.
func (f Faults) Validate() error {
	var problems []error
	for name, share := range map[string]float64{
		"server_error_share": f.ServerErrorShare, "model_error_share": f.ModelErrorShare, "not_ready_share": f.NotReadyShare, "reset_share": f.ResetShare, "hang_share": f.HangShare,
		"control_throttle_share": f.ControlThrottleShare, "control_error_share": f.ControlErrorShare, "metric_loss": f.MetricLoss,
	} {
		if !(share >= 0 && share <= 1) {
			problems = append(problems, fmt.Errorf("%s %v: want a share from 0 to 1", name, share))
		}
	}
	for name, d := range map[string]Duration{"control_delay": f.ControlDelay, "provision_delay": f.ProvisionDelay, "metric_delay": f.MetricDelay} {
		if d < 0 {
			problems = append(problems, fmt.Errorf("%s %v: must not be negative", name, time.Duration(d)))
		}
	}
	if !(f.ThrottlePerSecond >= 0) {
		problems = append(problems, fmt.Errorf("throttle_per_second %v: want a rate above 0, or 0 for none", f.ThrottlePerSecond))
	}
	if f.InstanceQuota != nil && *f.InstanceQuota < 0 {
		problems = append(problems, fmt.Errorf("instance_quota %d: must not be negative", *f.InstanceQuota))
	}
	return errors.Join(problems...)
}

// Set holds the faults of a running emulator. It is safe for concurrent use.
type Set struct {
	now atomic.Pointer[Faults]

	mu  sync.Mutex
	rng *rand.Rand
}

// NewSet starts with some faults, which must be valid.
func NewSet(f Faults, seed uint64) (*Set, error) {
	s := &Set{rng: rand.New(rand.NewPCG(seed, 0x6661756c74))}
	return s, s.Store(f)
}

// Load is the present faults. They are not to be changed.
func (s *Set) Load() *Faults { return s.now.Load() }

// Store replaces them.
func (s *Set) Store(f Faults) error {
	if err := f.Validate(); err != nil {
		return err
	}
	s.now.Store(&f)
	return nil
}

// Strikes draws whether something with a probability happens.
func (s *Set) Strikes(share float64) bool {
	if !(share > 0) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64() < share
}
