package cli

import (
	"context"
	"fmt"
	"time"

	"plimsoll/experiment"
	"plimsoll/sagemaker"

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

When the endpoint has answered requests in the last 15 minutes, one instance may be too little for
them: it is pinned only with --yes, or when somebody agrees on a terminal. plimsoll find --clone
measures a copy instead.`,
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
	r, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer r.aws.Close()
	changes, err := experiment.Pin(r.variant, r.endpoint, r.scaling)
	if err != nil {
		return err
	}
	result := r.applied(changes, nil)
	if len(changes) == 0 {
		return c.tell(result, fmt.Sprintf("%s has one %s, and nothing scales it: nothing to change", r.variant, r.variant.Unit()))
	}
	warnings, err := c.othersUse(ctx, r.aws, r.variant)
	if err != nil {
		return err
	}
	result.Warnings = append(result.Warnings, warnings...)
	c.show(r.variant, changes, result.Warnings)
	if err := c.confirm(ctx, "make these changes?"); err != nil {
		return err
	}
	if result.Journal, err = c.change(ctx, r.plane, "pin", r.aws.Region(), r.looked, changes, false); err != nil {
		return err
	}
	result.Made = true
	return c.tell(result, fmt.Sprintf("%s has one %s in service, and nothing scales it\n  give it back: plimsoll restore --dir %s", r.variant, r.variant.Unit(), result.Journal))
}

// othersUse looks for traffic that would have to do with one instance. Where there is
// some, somebody has to agree: by --yes, or on a terminal.
func (c *control) othersUse(ctx context.Context, aws *sagemaker.Control, v experiment.Variant) (warnings []string, err error) {
	traffic, err := experiment.LookForTraffic(ctx, aws, v, aws.Now(), trafficWindow)
	if err != nil {
		return []string{"whether others use the endpoint is not known: " + err.Error()}, nil //nolint:nilerr // it is told; many may not read metrics
	}
	if traffic.Requests == 0 {
		return nil, nil
	}
	found := fmt.Sprintf("others use the endpoint: %.0f requests in the last %v (%.4g/min); they will have one %s", traffic.Requests, traffic.Window, float64(traffic.PerMinute()), v.Unit())
	const instead = "plimsoll find --clone measures a copy instead"
	if !c.yes && !c.env.StdinTerminal {
		return nil, coded(exitDeclined, fmt.Errorf("%s, so nothing was changed; %s; --yes does it all the same", found, instead))
	}
	return []string{found + "; " + instead}, nil
}
