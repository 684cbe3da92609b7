package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"plimsoll/experiment"
	"plimsoll/runlog"
	"plimsoll/scaling"

	"github.com/spf13/cobra"
)

func newTarget(env Env) *cobra.Command {
	start := defaults()
	shown := start
	var peak float64
	var dir string
	cmd := &cobra.Command{
		Use: "target", Short: "Compute the scaling target from a peak: the formula alone",
		Long: `Compute the value for SageMakerVariantInvocationsPerInstance:

  target = MAX_RPS × SAFETY_FACTOR × 60

from a peak that is given (--peak, in requests per second, or per minute with
--per-minute) or that a run found (--run). The value lies below the peak.`,
		Example: "  plimsoll target --peak 412\n  plimsoll target --peak 24720 --per-minute --safety-factor 0.6\n  plimsoll target --run ~/.local/state/plimsoll/runs/2026-11-24T10-00-00Z-find",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), start, targetGroups()...)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("peak") == (dir != "") {
				return usageError("give --peak 412 or --run DIR, one of the two")
			}
			var target *experiment.Target
			if dir != "" {
				target, err = targetOfRun(dir, s, cmd.Flags().Changed)
			} else {
				target, err = targetOfPeak(peak, s)
			}
			if err != nil {
				return err
			}
			return printTarget(env.Stdout, target, s.Output)
		},
	}
	fs := cmd.Flags()
	fs.Float64Var(&peak, "peak", 0, "MAX_RPS: the peak in requests per second (per minute with --per-minute)")
	fs.StringVar(&dir, "run", "", "directory of a run whose peak to use")
	flags(fs, &shown, targetGroups()...)
	configFlag(fs)
	return cmd
}

func targetGroups() []group { return []group{targetFlags, targetFromFlags, outputFlags} }

func targetOfPeak(peak float64, s Settings) (*experiment.Target, error) {
	if !(peak > 0) {
		return nil, usageError("--peak %g: must be above zero", peak)
	}
	perMinute := scaling.PerSecond(peak).PerMinute()
	if s.PerMinute {
		perMinute = scaling.PerMinute(peak)
	}
	t, err := scaling.FromPeak(perMinute, s.SafetyFactor)
	if err != nil {
		return nil, coded(exitUsage, err)
	}
	out := experiment.NewTarget(t, s.PerMinute)
	out.From = "given"
	return out, nil
}

// targetOfRun makes the target anew; what is not given is as the run had it.
func targetOfRun(dir string, s Settings, given func(string) bool) (*experiment.Target, error) {
	run, err := runlog.Open(dir)
	if err != nil {
		return nil, coded(exitRecord, err)
	}
	switch run.Plan.Command {
	case "load":
		return nil, coded(exitInconclusive, fmt.Errorf("%s is a run of load, which holds one load and finds no peak; give a run of find", dir))
	case "verify":
		return nil, coded(exitInconclusive, fmt.Errorf("%s is a run of verify, which finds no peak; give a run of find", dir))
	}
	if run.Result == nil {
		return nil, coded(exitInconclusive, fmt.Errorf("%s: the run has no result; go on with it by plimsoll find --resume %s", dir, dir))
	}
	plan := experiment.TargetPlan{SafetyFactor: s.SafetyFactor, PerMinute: s.PerMinute, From: s.TargetFrom}
	if was := run.Result.Plan.Target; was != nil {
		if !given("safety-factor") {
			plan.SafetyFactor = was.SafetyFactor
		}
		if !given("per-minute") {
			plan.PerMinute = was.PerMinute
		}
		if !given("target-from") {
			plan.From = was.From
		}
	}
	target, err := experiment.TargetFor(run.Result.Peak, plan)
	if err != nil {
		return nil, coded(exitInconclusive, err)
	}
	if target == nil {
		return nil, coded(exitInconclusive, fmt.Errorf("%s: the run found no valid peak to make a target from", dir))
	}
	return target, nil
}

func printTarget(w io.Writer, t *experiment.Target, output string) error {
	if output == outputJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(map[string]any{"schema_version": experiment.SchemaVersion, "target": t})
	}
	_, err := fmt.Fprintf(w, "%s\n  %s\n  target value %.6g/min (%.4g/s), safety factor %g\n", t.Metric, t.Formula, t.PerMinute, t.PerSecond, t.SafetyFactor)
	return err
}
