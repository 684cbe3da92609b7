package experiment

import (
	"context"
	"fmt"
	"math"

	"plimsoll/scaling"
)

// Quotas are an account's limits. That one is not known is a regular answer: many may
// not read them.
type Quotas interface {
	// InstanceQuota is how many instances of a type all endpoints together may have, and how
	// many of them are not the variant's; no variant: all.
	InstanceQuota(ctx context.Context, instanceType string, v Variant) Quota
}

// Quota is a limit of instances.
type Quota struct {
	Instances int
	Known     bool
	Why       string // it is not known
	Elsewhere Elsewhere
}

// Elsewhere is what an account has of an instance type besides a variant's own.
type Elsewhere struct {
	Instances int    // as far as they were counted
	Gap       string // "not counted" beyond what, or why; empty: all were
}

// String is in words what is in use.
func (e Elsewhere) String() string {
	switch {
	case e.Gap == "":
		return fmt.Sprintf("%d in use elsewhere", e.Instances)
	case e.Instances == 0:
		return "in use elsewhere: " + e.Gap
	}
	return fmt.Sprintf("at least %d in use elsewhere (%s)", e.Instances, e.Gap)
}

// String is the quota in words.
func (q Quota) String() string {
	if !q.Known {
		return "not known: " + q.Why
	}
	return fmt.Sprintf("%d for all endpoints together, %s", q.Instances, q.Elsewhere)
}

// Allows says why so many instances of a type cannot be had; nil where they can, as far as
// is known. What is in use elsewhere now may be given up or grow by then.
func (q Quota) Allows(instanceType string, n int) error {
	if !q.Known || n <= q.Instances-q.Elsewhere.Instances {
		return nil
	}
	taken := ""
	if q.Elsewhere.Instances > 0 {
		taken = ", " + q.Elsewhere.String()
	}
	return &ControlError{
		Problem: ProblemQuota, Err: fmt.Errorf("the account's quota is %d of %s for endpoint usage%s, and %d are needed", q.Instances, instanceType, taken, n),
		Remedy: fmt.Sprintf("ask for more (Service Quotas, Amazon SageMaker, %q), or take another type", EndpointQuotaName(instanceType)),
	}
}

// EndpointQuotaName is what Service Quotas calls the limit.
func EndpointQuotaName(instanceType string) string { return instanceType + " for endpoint usage" }

// Reach says how many instances a traffic needs at a target, ⌈traffic/target⌉, and what
// stands in its way: the capacity that scaling may go up to, and the quota.
func Reach(traffic, target scaling.PerMinute, most int, instanceType string, q Quota) (need int, obstacles []string) {
	if !(traffic > 0) || !(target > 0) || math.IsInf(float64(traffic/target), 0) {
		return 0, nil
	}
	need = int(math.Ceil(float64(traffic / target)))
	if need > most {
		obstacles = append(obstacles, fmt.Sprintf("%.6g/min need %d instances at %.6g/min each, and at most %d may be had: raise the maximum",
			float64(traffic), need, float64(target), most))
	}
	if err := q.Allows(instanceType, max(need, most)); err != nil {
		obstacles = append(obstacles, err.Error())
	}
	return need, obstacles
}
