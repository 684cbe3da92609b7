package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"plimsoll/arrival"
	"plimsoll/experiment"
	"plimsoll/runlog"
	"plimsoll/sagemaker"
	"plimsoll/scaling"

	"github.com/spf13/cobra"
)

// lintWindow is how far back the usual traffic is looked for.
const lintWindow = 3 * time.Hour

// activityWindow is how far back attempts to scale are looked at.
const activityWindow = 7 * 24 * time.Hour

// linted is what lint prints for programs.
type linted struct {
	SchemaVersion int                     `json:"schema_version"`
	On            experiment.Variant      `json:"on"`
	Scaling       experiment.ScalingState `json:"scaling"`
	Peak          *float64                `json:"peak_per_minute"`    // null: not known
	Traffic       *float64                `json:"traffic_per_minute"` // null: none, or not known
	Findings      []scaling.Finding       `json:"findings"`
}

func newLint(env Env) *cobra.Command {
	c := &control{env: env}
	var run, peak, traffic string
	known := experiment.Known{}
	cmd := &cobra.Command{
		Use: "lint", Short: "Look an endpoint's scaling through for mistakes; changes nothing",
		Long: `Look through what is registered with Application Auto Scaling for a variant: the copied 70, a
target in requests a second that is taken for a minute's, a target above the peak, minimum =
maximum, cooldowns that fight the time that instances take, the invocation metric on an
asynchronous endpoint, a name that the console hides, suspended scaling, alarms that were deleted,
disabled or edited, attempts to scale that failed in the last week (a quota shows nowhere else), and
usual traffic that sits on a whole number of instances, where chance alone makes a fleet flap.

With --inference-component NAME it is the copies of that component: copies that find no instance, or
no managed one that could still come; a minimum of no copy that nothing leads out of; instances
that are kept and paid without one.

The peak comes from a run (--run) or --peak; the usual traffic from CloudWatch, the median of the
last three hours, or --traffic. Without them, what needs them is not judged.`,
		Example: "  plimsoll lint --endpoint my-endpoint\n  plimsoll lint --endpoint my-endpoint --peak 412/s --traffic 30000/min --output json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.settle(cmd.Flags()); err != nil {
				return err
			}
			if run != "" && peak != "" {
				return usageError("give --run DIR or --peak 412/s, one of the two")
			}
			var problems [3]error
			known.Peak, problems[0] = parseFlagRate("peak", peak)
			known.Traffic, problems[1] = parseFlagRate("traffic", traffic)
			if run != "" {
				var found experiment.Result
				if found, problems[2] = runWithPeak(run); problems[2] == nil {
					known.Peak = scaling.PerSecond(*found.Peak.Rate).PerMinute()
				}
			}
			if err := errors.Join(problems[:]...); err != nil {
				return err
			}
			return runLint(cmd.Context(), c, known)
		},
	}
	fs := cmd.Flags()
	c.flagsOfEndpoint(fs)
	fs.StringVar(&run, "run", "", "directory of a run whose peak to judge by")
	fs.StringVar(&peak, "peak", "", "peak of one instance or copy, such as 412/s or 24720/min")
	fs.StringVar(&traffic, "traffic", "", "usual traffic of the variant or component, such as 500/s (empty: as CloudWatch has it)")
	fs.DurationVar(&known.Provisioning, "provisioning", experiment.ProvisioningPrior(), "time that a new instance takes to be in service")
	return cmd
}

// parseFlagRate reads a rate; empty is unknown.
func parseFlagRate(name, text string) (scaling.PerMinute, error) {
	if text == "" {
		return 0, nil
	}
	rate, err := arrival.ParseRate(text)
	if err != nil {
		return 0, coded(exitUsage, fmt.Errorf("--%s: %w", name, err))
	}
	return scaling.PerSecond(rate).PerMinute(), nil
}

// runWithPeak is the result of a run that has one.
func runWithPeak(dir string) (experiment.Result, error) {
	run, err := runlog.Open(dir)
	switch {
	case err != nil:
		return experiment.Result{}, coded(exitRecord, err)
	case run.Result == nil || run.Result.Peak.Rate == nil:
		return experiment.Result{}, coded(exitInconclusive, fmt.Errorf("%s: the run has no peak", dir))
	}
	return *run.Result, nil
}

func runLint(ctx context.Context, c *control, known experiment.Known) error {
	aws, err := c.connect(ctx, c.region)
	if err != nil {
		return err
	}
	defer aws.Close()
	c.tellSplit(aws)
	l, err := c.look(ctx, c.plane(aws))
	if err != nil {
		return err
	}
	if known.Traffic == 0 {
		known.Traffic = c.usualTraffic(ctx, aws, l.variant)
	}
	c.history(ctx, aws, l, &known)
	found, err := experiment.Lint(l.variant, l.endpoint, l.scaling, known)
	if err != nil {
		return err
	}
	if err := c.tellFindings(l, known, found); err != nil {
		return err
	}
	for _, f := range found {
		if f.Severity == scaling.Wrong {
			return &exitError{code: exitMistake, err: errors.New(f.What), said: true}
		}
	}
	return nil
}

// usualTraffic asks CloudWatch. That it cannot be read is no reason not to lint.
func (c *control) usualTraffic(ctx context.Context, aws *sagemaker.Control, v experiment.Variant) scaling.PerMinute {
	now := aws.Now()
	points, err := aws.Series(ctx, v, experiment.Reading{Metric: "Invocations", Statistic: "Sum", Period: time.Minute, From: now.Add(-lintWindow), To: now})
	if err != nil {
		say(c.env.Stderr, "note: the usual traffic is not known, so nothing is judged by it: "+err.Error())
		return 0
	}
	return experiment.UsualTraffic(points)
}

// history adds what became of the policies' alarms and of attempts to scale. What cannot
// be read is not judged.
func (c *control) history(ctx context.Context, aws *sagemaker.Control, l looked, known *experiment.Known) {
	var names []string
	for _, p := range l.scaling.Policies {
		if p.Tracks() {
			names = append(names, p.Alarms...)
		}
	}
	var err error
	if len(names) > 0 {
		if known.Alarms, err = aws.Alarms(ctx, names); err != nil {
			say(c.env.Stderr, "note: the alarms are not judged: "+err.Error())
		}
	}
	if l.scaling.Target == nil {
		return
	}
	if known.Activities, err = aws.Activities(ctx, l.variant, aws.Now().Add(-activityWindow)); err != nil {
		say(c.env.Stderr, "note: attempts to scale are not judged: "+err.Error())
	}
}

func (c *control) tellFindings(l looked, known experiment.Known, found []scaling.Finding) error {
	if c.output == outputJSON {
		return printJSON(c.env.Stdout, linted{
			SchemaVersion: experiment.SchemaVersion, On: l.variant, Scaling: l.scaling,
			Peak: figure(known.Peak), Traffic: figure(known.Traffic), Findings: append([]scaling.Finding{}, found...),
		})
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", l.variant, l.summary())
	if len(found) == 0 {
		text.WriteString("  nothing amiss\n")
	}
	if known.Peak == 0 {
		text.WriteString("  not judged: the target by the peak; give --run DIR or --peak\n")
	}
	for _, f := range found {
		fmt.Fprintf(&text, "  %-7s %s: %s\n          %s\n", f.Severity, f.Rule, f.What, f.Remedy)
	}
	_, err := io.WriteString(c.env.Stdout, text.String())
	return err
}

// summary is what is registered, in a line.
func (l looked) summary() string {
	if l.scaling.Target == nil {
		return "not registered for scaling"
	}
	parts := []string{fmt.Sprintf("%d to %d %s", l.scaling.Target.Min, l.scaling.Target.Max, l.variant.Units())}
	for _, p := range l.scaling.Policies {
		text := p.Name
		if p.Tracks() {
			text += fmt.Sprintf(" at %g", p.Target)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// figure is a figure that may not be known.
func figure(rate scaling.PerMinute) *float64 {
	if rate == 0 {
		return nil
	}
	x := float64(rate)
	return &x
}
