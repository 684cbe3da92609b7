package cli

import (
	"context"
	"fmt"
	"strconv"

	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/sagemaker"
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
		plan.Quick = quick
		if plan, err = j.design(ctx, c, r.aws, plan, nil); err != nil {
			return nil, err
		}
		whole := j.plan
		whole.Verify = &plan
		result, err := experiment.Verify(ctx, whole, 0, sightOf(r.aws), generator, told)
		if result.SchemaVersion == 0 {
			return nil, err
		}
		return &result, err
	}
}

// sightOf is what a proof looks at AWS by.
func sightOf(aws *sagemaker.Control) experiment.Sight {
	return experiment.Sight{Hosting: aws, Autoscaler: aws, Metrics: aws, Clock: aws}
}

// design makes the programme of a proof, shows it with what it costs, and asks. others looks
// for other people's traffic; nil after a search, whose own requests it would find.
func (j *job) design(ctx context.Context, c *control, aws *sagemaker.Control, plan experiment.VerifyPlan, others func(context.Context, *sagemaker.Control, experiment.Variant) []string) (experiment.VerifyPlan, error) {
	plan.Region = aws.Region()
	plan, err := experiment.DesignVerify(ctx, plan, sightOf(aws))
	if err != nil {
		return plan, err
	}
	if others != nil {
		plan.Notes = append(plan.Notes, others(ctx, aws, plan.On)...)
	}
	if err := j.afford(ctx, aws, &plan); err != nil {
		return plan, err
	}
	if !c.quiet || !c.yes {
		say(c.env.Stderr, programmeLines(plan)...)
	}
	return plan, c.confirm(ctx, "hold this load?")
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
