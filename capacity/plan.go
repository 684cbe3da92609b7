package capacity

import (
	"errors"
	"fmt"
	"math"
	"time"

	"plimsoll/slo"
)

// Plan is what a search is asked to find and what it may spend.
type Plan struct {
	// Objectives are what must hold at the peak. Without one for latency, a limit
	// is derived from the unloaded latency; without one for success, 99 % of
	// requests must succeed.
	Objectives []slo.Objective `json:"-"`
	// Precision is the wanted relative half-width of the interval; 0.025 is ±2.5 %.
	Precision float64 `json:"precision"`
	// Confidence is the share of searches whose interval should hold the truth.
	Confidence float64 `json:"confidence"`
	// Budget is the time that all trials together may take.
	Budget time.Duration `json:"budget_ns"`
	// MaxRate is the highest rate to offer, per second; 0 is no limit. Whoever
	// holds the trials spaces the sends of a closed loop by it.
	MaxRate float64 `json:"max_rate_per_second"`
	// MaxConcurrency is the highest number of requests in flight to ask for in a
	// closed loop. An open loop is given up at four times as many at the latest.
	MaxConcurrency int `json:"max_concurrency"`
	// MaxRequests ends the search when so many requests were sent; 0 is no limit.
	// The search plans by it; that not one more leaves is up to whoever holds the
	// trials.
	MaxRequests int64 `json:"max_requests"`
	// EvenArrivals says that open-loop trials space requests evenly instead of
	// by a Poisson process.
	EvenArrivals bool `json:"even_arrivals"`
}

// DefaultPlan is ±2.5 % at 95 % confidence within 90 s and 1024 requests in flight.
func DefaultPlan() Plan {
	return Plan{Precision: 0.025, Confidence: 0.95, Budget: 90 * time.Second, MaxConcurrency: 1024}
}

// MinBudget is the shortest time in which every phase has room.
const MinBudget = 5 * time.Second

// Validate reports every problem of the plan.
func (p Plan) Validate() error {
	var problems []error
	if !(p.Precision > 0 && p.Precision < 0.5) {
		problems = append(problems, fmt.Errorf("precision %g: must lie between 0 and 0.5 (0.025 is ±2.5 %%)", p.Precision))
	}
	if !(p.Confidence > 0.5 && p.Confidence < 1) {
		problems = append(problems, fmt.Errorf("confidence %g: must lie between 0.5 and 1", p.Confidence))
	}
	if p.Budget < MinBudget {
		problems = append(problems, fmt.Errorf("budget %v: at least %v are needed", p.Budget, MinBudget))
	}
	if !(p.MaxRate >= 0) || math.IsInf(p.MaxRate, 1) || p.MaxConcurrency < 1 || p.MaxRequests < 0 {
		problems = append(problems, fmt.Errorf("max rate %g, max concurrency %d, max requests %d: none may be negative, concurrency must be at least 1", p.MaxRate, p.MaxConcurrency, p.MaxRequests))
	}
	quantiles := 0
	for _, o := range p.Objectives {
		if o.Kind == slo.Quantile {
			quantiles++
		}
		if o.Kind != slo.Success && o.Limit <= 0 || o.Kind != slo.Mean && !(o.Level > 0 && o.Level < 1) {
			problems = append(problems, fmt.Errorf("objective %v: its limit must be above zero and its level between 0 and 1", o))
		}
	}
	if quantiles > mostThresholds {
		problems = append(problems, fmt.Errorf("%d latency quantiles: at most %d can be judged at once; leave out the laxer ones", quantiles, mostThresholds))
	}
	return errors.Join(problems...)
}
