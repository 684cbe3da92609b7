package cli

import (
	"context"
	"fmt"
	"strconv"

	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/scaling"
	"plimsoll/slo"
)

// prove is the proof of tune: of the policy that was applied, by the peak and the
// objectives that the search has come to.
func (j *job) prove(c *control, r *reached, quick bool, generator *loadgen.Generator, told experiment.Observer) func(context.Context, experiment.Result) (*experiment.Verification, error) {
	return func(ctx context.Context, found experiment.Result) (*experiment.Verification, error) {
		plan, err := j.proofPlan(r.variant, found)
		if err != nil {
			return nil, err
		}
		plan.Region, plan.Quick = r.aws.Region(), quick
		sight := experiment.Sight{Hosting: r.aws, Autoscaler: r.aws, Metrics: r.aws, Clock: r.aws}
		if plan, err = experiment.DesignVerify(ctx, plan, sight); err != nil {
			return nil, err
		}
		if err := j.afford(ctx, r.aws, &plan); err != nil {
			return nil, err
		}
		if !c.quiet || !c.yes {
			say(c.env.Stderr, programmeLines(plan)...)
		}
		if err := c.confirm(ctx, "hold this load?"); err != nil {
			return nil, err
		}
		whole := j.plan
		whole.Verify = &plan
		result, err := experiment.Verify(ctx, whole, 0, sight, generator, told)
		if result.SchemaVersion == 0 {
			return nil, err
		}
		return &result, err
	}
}

// afford puts the price of the instances into the plan of a proof, and holds its cost against
// the limit.
func (j *job) afford(ctx context.Context, hosting experiment.Hosting, p *experiment.VerifyPlan) error {
	s := j.settings
	e, err := hosting.Describe(ctx, p.On.Endpoint)
	if err != nil {
		return err
	}
	state, err := e.Variant(p.On.Name)
	if err != nil {
		return err
	}
	known := s.priceOf(state.InstanceType, p.Region)
	if known != nil {
		p.Price = known.PerHour
	}
	refused := &experiment.LimitError{Flag: "max-cost", Limit: strconv.FormatFloat(s.MaxCost, 'g', 4, 64)}
	switch {
	case s.MaxCost <= 0:
		return nil
	case known == nil:
		refused.Why = "the price of the instances is not known; give --price, in dollars for an instance and an hour"
	case p.Dollars() > s.MaxCost:
		refused.Why = fmt.Sprintf("the proof is expected to cost %.2f dollars; prove less with --quick, or raise the limit", p.Dollars())
	default:
		return nil
	}
	return refused
}

// proofPlan is what is to be proved after a search.
func (j *job) proofPlan(v experiment.Variant, found experiment.Result) (experiment.VerifyPlan, error) {
	s := j.settings
	s.Objectives = callersObjectives(found.Peak)
	objective, err := s.objective()
	if err != nil {
		return experiment.VerifyPlan{}, err
	}
	wanted := s.wanted()
	wanted.Target = scaling.PerMinute(found.Target.PerMinute)
	plan := experiment.VerifyPlan{
		On: v, Asked: wanted.InForce(v), Peak: scaling.PerSecond(found.Target.Peak), Objective: objective, From: experiment.LimitOfRun,
	}
	most, err := parseFlagRate("max-rate", s.MaxRate)
	plan.MaxRate = most.PerSecond()
	return plan, err
}

// callersObjectives are the objectives of a peak by which a fleet is judged: of those on the
// response time the one that sets the peak, because a slice of the load has one limit.
func callersObjectives(p experiment.Peak) []string {
	var kept []string
	latency := ""
	for _, text := range p.Objectives {
		o, err := slo.Parse(text)
		switch {
		case err != nil || o.Kind == slo.Success:
			kept = append(kept, text)
		case latency == "" || text == p.Binding:
			latency = text
		}
	}
	if latency != "" {
		kept = append(kept, latency)
	}
	return kept
}
