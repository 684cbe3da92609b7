package experiment

import (
	"fmt"
	"time"

	"plimsoll/price"
)

// Cost is the time of instances that a run takes, and what that costs as far as the price
// is known.
type Cost struct {
	InstanceType  string       `json:"instance_type,omitzero"` // "" where it is not known
	Instances     int          `json:"instances"`
	Seconds       float64      `json:"seconds"` // for which they are needed
	InstanceHours float64      `json:"instance_hours"`
	Price         *price.Price `json:"price"`   // null: it is not known
	Dollars       *float64     `json:"dollars"` // null: the price is not known
	// Made: for the run, and deleted after. Otherwise they are paid with or without it.
	Made bool `json:"made_for_the_run"`
}

// leastBilled is the shortest time that is counted of an instance. AWS bills SageMaker's
// instances by the second; that a minute is the least, as it is for EC2, is assumed.
const leastBilled = time.Minute

// CostOf is what some instances cost for a time, by the second and at least for a
// minute: instances · seconds / 3600 · price. p is nil where the price is not known.
func CostOf(instanceType string, instances int, made bool, d time.Duration, p *price.Price) Cost {
	hours := float64(instances) * max(d, leastBilled).Hours()
	c := Cost{InstanceType: instanceType, Instances: instances, Seconds: d.Seconds(), InstanceHours: hours, Price: p, Made: made}
	if p != nil {
		dollars := hours * p.PerHour
		c.Dollars = &dollars
	}
	return c
}

// Sum is the dollars of several costs; ok is false if one of them is not known.
func Sum(costs []Cost) (dollars float64, ok bool) {
	for _, c := range costs {
		if c.Dollars == nil {
			return 0, false
		}
		dollars += *c.Dollars
	}
	return dollars, true
}

// CostAssumptions are what a cost rests on that AWS does not say; made is for instances
// that are launched for the run.
func CostAssumptions(made bool) []string {
	assumed := []string{"an instance is billed by the second; storage, data transfer and requests to CloudWatch are not counted"}
	if made {
		assumed = append(assumed, fmt.Sprintf("a new instance is in service after %v, and is billed from when its endpoint is created until it is deleted, for %v at least",
			ProvisioningPrior(), leastBilled))
	}
	return assumed
}

// String is a cost in a line.
func (c Cost) String() string {
	kind := c.InstanceType
	if kind == "" {
		kind = "instance"
	}
	line := fmt.Sprintf("%.3g instance-hours (%d × %s)", c.InstanceHours, c.Instances, kind)
	if c.Dollars == nil {
		return line + "; what they cost is not known"
	}
	line += fmt.Sprintf(", about %.2f %s at %s", *c.Dollars, c.Price.Currency, c.Price)
	if !c.Made {
		line += "; paid with or without the run"
	}
	return line
}

// AnHour is what the instances cost for as long as they are there, in words.
func (c Cost) AnHour() string {
	if c.Price == nil {
		return "what it costs an hour is not known"
	}
	if c.Instances == 1 {
		return "it costs " + c.Price.String()
	}
	return fmt.Sprintf("each of %d instances costs %s", c.Instances, c.Price)
}

// Limits bound a whole run, with what is deployed for it. Zero is no limit.
type Limits struct {
	Duration time.Duration
	Dollars  float64
}

// LimitError is a run that would exceed a limit, or has reached it.
type LimitError struct {
	Flag    string // that set it
	Limit   string
	Reached bool   // false: it was refused before anything was done
	Why     string // of a refusal
}

// Error says which limit it is.
func (e *LimitError) Error() string {
	if e.Reached {
		return fmt.Sprintf("--%s %s was reached", e.Flag, e.Limit)
	}
	return fmt.Sprintf("--%s %s: %s; nothing was done", e.Flag, e.Limit, e.Why)
}

// Refuse says why a run that is expected to take so long and to cost so much is not to
// begin; nil if it may.
func (l Limits) Refuse(expected time.Duration, costs []Cost) error {
	if l.Duration > 0 && expected > l.Duration {
		return &LimitError{Flag: flagDuration, Limit: l.Duration.String(), Why: fmt.Sprintf("the run is expected to take %v; lower --budget, or raise the limit", expected.Round(time.Second))}
	}
	if l.Dollars <= 0 {
		return nil
	}
	dollars, known := Sum(costs)
	switch {
	case !known || len(costs) == 0:
		return &LimitError{Flag: flagCost, Limit: l.dollars(), Why: "the price of the instances is not known; give --price, in dollars for an instance and an hour"}
	case dollars > l.Dollars:
		return &LimitError{Flag: flagCost, Limit: l.dollars(), Why: fmt.Sprintf("the run is expected to cost %.2f %s; lower --budget, or raise the limit", dollars, price.Currency)}
	}
	return nil
}

// The flags that set the limits.
const (
	flagDuration = "max-duration"
	flagCost     = "max-cost"
)

func (l Limits) dollars() string { return fmt.Sprintf("%.4g", l.Dollars) }

// Ends says when a run that began at an instant, and has spent some dollars since, has to
// end while it spends so many an hour, and which limit that is. ok is false where no
// limit ends it.
func (l Limits) Ends(began, now time.Time, spent, perHour float64) (at time.Time, limit *LimitError, ok bool) {
	if l.Duration > 0 {
		at, limit, ok = began.Add(l.Duration), &LimitError{Flag: flagDuration, Limit: l.Duration.String(), Reached: true}, true
	}
	if l.Dollars > 0 && perHour > 0 {
		left := time.Duration(max(0, l.Dollars-spent) / perHour * float64(time.Hour))
		if spendUntil := now.Add(left); !ok || spendUntil.Before(at) {
			at, limit, ok = spendUntil, &LimitError{Flag: flagCost, Limit: l.dollars(), Reached: true}, true
		}
	}
	return at, limit, ok
}
