package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plimsoll/experiment"
	"plimsoll/sagemaker"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// trafficWindow is how far back other people's traffic is looked for.
const trafficWindow = 15 * time.Minute

func newPin(env Env) *cobra.Command {
	c := &control{env: env}
	cmd := &cobra.Command{
		Use: "pin", Short: "Bring a variant to one instance whose number nothing changes, to be measured",
		Long: `Suspend the scaling of a variant and bring it to one instance, as step 1 of AWS's guide wants for
finding MAX_RPS, and wait until that is in service. plimsoll restore gives everything back:
instances, bounds, suspension; they are written to a journal before they are changed.

When the endpoint has answered requests in the last 15 minutes, that is said first: one instance
may be too little for them.`,
		Example: "  plimsoll pin --endpoint my-endpoint\n  plimsoll find --endpoint my-endpoint --payload body.json\n  plimsoll restore",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.settle(cmd.Flags()); err != nil {
				return err
			}
			return runPin(cmd.Context(), c)
		},
	}
	c.flagsOfEndpoint(cmd.Flags())
	c.flagsOfChange(cmd.Flags())
	return cmd
}

func runPin(ctx context.Context, c *control) error {
	if err := c.free(); err != nil {
		return err
	}
	aws, err := c.connect(ctx, c.region)
	if err != nil {
		return err
	}
	defer aws.Close()
	p := c.plane(aws)
	l, err := c.look(ctx, p)
	if err != nil {
		return err
	}
	changes, err := experiment.Pin(l.variant, l.endpoint, l.scaling)
	if err != nil {
		return err
	}
	result := applied{SchemaVersion: experiment.SchemaVersion, On: l.variant, Region: aws.Region(), Changes: changes, Warnings: []string{}}
	if len(changes) == 0 {
		result.Changes = []experiment.Change{}
		return c.tell(result, fmt.Sprintf("%s has one %s, and nothing scales it: nothing to change", l.variant, l.variant.Unit()))
	}
	result.Warnings = append(result.Warnings, othersUse(ctx, aws, l.variant)...)
	c.show(l.variant, changes, result.Warnings)
	if err := c.confirm(ctx, "make these changes?"); err != nil {
		return err
	}
	if result.Journal, err = c.change(ctx, p, "pin", aws.Region(), l, changes, false); err != nil {
		return err
	}
	result.Made = true
	return c.tell(result, fmt.Sprintf("%s has one %s in service, and nothing scales it\n  give it back: plimsoll restore --dir %s", l.variant, l.variant.Unit(), result.Journal))
}

// othersUse warns of traffic that would have to do with one instance.
func othersUse(ctx context.Context, aws *sagemaker.Control, v experiment.Variant) []string {
	traffic, err := experiment.LookForTraffic(ctx, aws, v, aws.Now(), trafficWindow)
	switch {
	case err != nil:
		return []string{"whether others use the endpoint is not known: " + err.Error()}
	case traffic.Requests > 0:
		return []string{fmt.Sprintf("others use the endpoint: %.0f requests in the last %v (%.4g/min); they will have one %s",
			traffic.Requests, traffic.Window, float64(traffic.PerMinute()), v.Unit())}
	}
	return nil
}

// pinning is how find brings a variant to one instance while it measures.
type pinning struct{ wanted, yes bool }

func (p *pinning) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&p.wanted, "pin", false, "of a SageMaker endpoint: suspend its scaling and bring it to one instance first, and give it back afterwards")
	fs.BoolVarP(&p.yes, "yes", "y", false, "with --pin: make the changes that are shown, without asking")
}

// findPinned is find with one instance, whose journal lies in the run's directory.
func (j *job) findPinned(ctx context.Context, pin pinning) error {
	s := j.settings
	if len(s.Endpoint) == 0 {
		return usageError("--pin is for a SageMaker endpoint, which --endpoint names")
	}
	c := &control{env: j.env, endpoint: s.Endpoint[0], variant: s.Variant, component: s.InferenceComponent, region: s.Region, profile: s.Profile, yes: pin.yes, quiet: s.Quiet}
	if err := c.free(); err != nil {
		return err
	}
	aws, err := c.connect(ctx, c.region)
	if err != nil {
		return err
	}
	defer aws.Close()
	p := c.plane(aws)
	l, err := c.look(ctx, p)
	if err != nil {
		return err
	}
	changes, err := experiment.Pin(l.variant, l.endpoint, l.scaling)
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		c.show(l.variant, changes, othersUse(ctx, aws, l.variant))
		if err := c.confirm(ctx, "make these changes, and take them back after the run?"); err != nil {
			return err
		}
	}
	record, err := j.begin(ctx)
	if err != nil {
		return err
	}
	if c.dir = record.Dir(); len(changes) == 0 {
		return j.run(ctx, record, j.find(nil))
	}
	journal, err := c.begin("find", aws.Region(), l)
	if err != nil {
		return errors.Join(err, record.Close())
	}
	p.Journal = journal
	began, ran := false, error(nil)
	err = p.Pinned(ctx, l.variant, changes, func(ctx context.Context) error {
		began, ran = true, j.run(ctx, record, j.find(nil))
		return nil // it is told apart from what giving back may fail with
	})
	if !began {
		err = errors.Join(err, record.Close())
	}
	err = errors.Join(err, coded(exitRecord, journal.Close()))
	if err != nil && ran != nil {
		say(j.env.Stderr, "plimsoll: "+ran.Error())
	}
	if err != nil {
		return err // what is left on the endpoint matters more than what was measured
	}
	return ran
}
