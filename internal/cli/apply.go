package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"plimsoll/arrival"
	"plimsoll/experiment"
	"plimsoll/runlog"
	"plimsoll/scaling"

	"github.com/spf13/cobra"
)

// applied is what apply and pin print for programs.
type applied struct {
	SchemaVersion int                 `json:"schema_version"`
	On            experiment.Variant  `json:"on"`
	Region        string              `json:"region"`
	Changes       []experiment.Change `json:"changes"`
	Warnings      []string            `json:"warnings"`
	Made          bool                `json:"made"`
	Journal       string              `json:"journal,omitzero"` // directory
}

func newApply(env Env) *cobra.Command {
	c := &control{env: env}
	shown := defaults()
	var run, target, metric string
	cmd := &cobra.Command{
		Use: "apply", Short: "Put the scaling target on an endpoint: bounds of capacity and a target-tracking policy",
		Long: `Register a variant of a SageMaker endpoint for scaling and put a target-tracking policy on it,
named ` + scaling.ConsolePolicy + `, the one that SageMaker's console shows.

--metric concurrency tracks requests in flight instead, which CloudWatch has every ten seconds, so
that load is noticed sooner. With --run its value is what CloudWatch read at the peak × the safety
factor; the client's own number of requests in flight is another thing. --inference-component
scales the copies of a component instead of instances.

What is and what will be is shown first, and made when it is confirmed. Every change is written
to a journal before it is made. When one fails, those before it are taken back; afterwards,
plimsoll restore --dir DIR takes all of them back.`,
		Example: "  plimsoll apply --run ~/.local/state/plimsoll/runs/2026-11-24T10-00-00Z-find --endpoint my-endpoint --min 1 --max 4\n" +
			"  plimsoll apply --target 12360 --endpoint my-endpoint --variant AllTraffic --min 2 --max 10 --scale-in-cooldown 10m --yes\n" +
			"  plimsoll apply --run DIR --metric concurrency --endpoint my-endpoint --inference-component my-llm --max 8",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), defaults(), policyFlags, targetFlags, targetFromFlags)
			if err := errors.Join(err, c.settle(cmd.Flags())); err != nil {
				return err
			}
			if (run == "") == (target == "") {
				return usageError("give --run DIR of a run that found a peak, or --target 12360 in requests a minute, one of the two")
			}
			wanted := s.wanted()
			wanted.Metric = metric
			if run != "" {
				wanted.Target, err = c.valueOfRun(run, wanted.Metric, s, cmd.Flags().Changed)
			} else {
				wanted.Target, err = c.parseTarget(target, wanted.Metric)
			}
			if err != nil {
				return err
			}
			if err := wanted.Validate(); err != nil {
				return coded(exitUsage, err)
			}
			return runApply(cmd.Context(), c, wanted)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&run, "run", "", "directory of a run whose target to apply")
	fs.StringVar(&target, "target", "", "target value for each instance or copy: 12360 or 12360/min, or 206/s; of concurrency, 3.5 requests in flight")
	fs.StringVar(&metric, "metric", experiment.OnInvocations, "what the policy tracks: invocations, concurrency, or a PredefinedMetricType")
	c.flagsOfEndpoint(fs)
	flags(fs, &shown, policyFlags, targetFlags, targetFromFlags)
	c.flagsOfChange(fs)
	return cmd
}

// parseTarget reads a target value; a bare number is a minute's, or of concurrency the
// requests in flight.
func (c *control) parseTarget(text, metric string) (scaling.PerMinute, error) {
	m, err := experiment.MetricFor(c.on(), metric)
	if err != nil {
		return 0, usageError("--%w", err)
	}
	if x, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
		return scaling.PerMinute(x), nil
	}
	rate, err := arrival.ParseRate(text)
	switch {
	case m.HighResolution:
		return 0, usageError("--target %q: %s counts requests in flight: give a number such as 3.5", text, m.Type)
	case err != nil:
		return 0, coded(exitUsage, fmt.Errorf("--target: %w", err))
	}
	return scaling.PerSecond(rate).PerMinute(), nil
}

func runApply(ctx context.Context, c *control, wanted experiment.Wanted) error {
	r, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer r.aws.Close()
	changes, warnings, err := experiment.Apply(r.variant, r.endpoint, r.scaling, wanted)
	if err != nil {
		return err
	}
	warnings = append(warnings, r.beyondQuota(ctx, wanted.Max)...)
	result := r.applied(changes, warnings)
	if len(changes) == 0 {
		return c.tell(result, fmt.Sprintf("%s has this scaling already: nothing to change", r.variant))
	}
	c.show(r.variant, changes, warnings)
	if err := c.confirm(ctx, "make these changes?"); err != nil {
		return err
	}
	result.Journal, err = c.change(ctx, r.plane, "apply", r.aws.Region(), r.looked, changes, true)
	if err != nil {
		return err
	}
	result.Made = true
	return c.tell(result, fmt.Sprintf("applied to %s: target value %g%s, %d to %d %s\n  take it back: plimsoll restore --dir %s",
		r.variant, float64(wanted.Target), unitOf(r.variant, wanted), wanted.Min, wanted.Max, r.variant.Units(), result.Journal))
}

// beyondQuota warns of a maximum that the account may not have: scaling out would stop there,
// and say so in its activities only. Copies of a component are no instances.
func (r *reached) beyondQuota(ctx context.Context, most int) []string {
	if r.variant.Component != "" {
		return nil
	}
	state, err := r.endpoint.Variant(r.variant.Name)
	if err != nil || state.InstanceType == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	if err := r.aws.InstanceQuota(ctx, state.InstanceType, r.variant).Allows(state.InstanceType, most); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// change makes changes under a journal, whose directory it returns. When one fails, all
// are taken back. keep says that they are meant to stay.
func (c *control) change(ctx context.Context, p experiment.Plane, command, region string, l looked, changes []experiment.Change, keep bool) (dir string, err error) {
	journal, err := c.begin(command, region, l)
	if err != nil {
		return "", err
	}
	p.Journal = journal
	if err := p.Make(ctx, l.variant, changes); err != nil {
		say(c.env.Stderr, "taking back what was changed: "+err.Error())
		return "", errors.Join(err, c.giveBack(ctx, p, journal, l.variant))
	}
	if keep {
		err = journal.Keep()
	}
	return journal.Changes().Dir, coded(exitRecord, errors.Join(err, journal.Close()))
}

// giveBack undoes what a journal has, also when the context is done.
func (c *control) giveBack(ctx context.Context, p experiment.Plane, journal *runlog.Journal, v experiment.Variant) error {
	err := p.GiveBack(ctx, v, journal.Changes().Intents)
	c.tellLeft(v, journal.Changes())
	return errors.Join(err, journal.Close())
}

// tell prints what came of it.
func (c *control) tell(result any, text string) error {
	if c.output == outputJSON {
		return printJSON(c.env.Stdout, result)
	}
	_, err := fmt.Fprintln(c.env.Stdout, text)
	return err
}
