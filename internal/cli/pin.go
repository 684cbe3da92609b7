package cli

import (
	"context"
	"fmt"
	"time"

	"plimsoll/experiment"

	"github.com/spf13/cobra"
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
			if err := c.check(); err != nil {
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
		return c.tell(result, fmt.Sprintf("%s has one instance, and nothing scales it: nothing to change", l.variant))
	}
	traffic, err := experiment.LookForTraffic(ctx, aws, l.variant, aws.Now(), trafficWindow)
	switch {
	case err != nil:
		result.Warnings = append(result.Warnings, "whether others use the endpoint is not known: "+err.Error())
	case traffic.Requests > 0:
		result.Warnings = append(result.Warnings, fmt.Sprintf("others use the endpoint: %.0f requests in the last %v (%.4g/min); they will have one instance", traffic.Requests, traffic.Window, float64(traffic.PerMinute())))
	}
	c.show(l.variant, changes, result.Warnings)
	if err := c.confirm(ctx, "make these changes?"); err != nil {
		return err
	}
	if result.Journal, err = c.change(ctx, p, "pin", aws.Region(), l, changes, false); err != nil {
		return err
	}
	result.Made = true
	return c.tell(result, fmt.Sprintf("%s has one instance in service, and nothing scales it\n  give it back: plimsoll restore --dir %s", l.variant, result.Journal))
}
