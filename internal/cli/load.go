package cli

import (
	"context"

	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/report"

	"github.com/spf13/cobra"
)

func loadGroups() []group {
	return []group{endpointFlags, payloadFlags, objectiveFlags, loadFlags, recordFlags}
}

func newLoad(env Env) *cobra.Command {
	start := defaults()
	shown := start
	cmd := &cobra.Command{
		Use: "load", Short: "Hold one load against an endpoint and measure it",
		Long: `Hold one load and measure it: a rate, whose requests leave when they are due whether or not
earlier ones were answered (open loop), or so many requests in flight (closed loop).

Response times count from the instant at which a request was due, service times from its
send. What was late, dropped or failed is counted; nothing is retried.`,
		Example: "  plimsoll load --url http://127.0.0.1:8080/invocations --payload body.json --rate 100/s --duration 30s\n" +
			"  plimsoll load --url http://127.0.0.1:8080/invocations --payload body.json --concurrency 64 --slo p99=200ms --output json\n" +
			"  plimsoll load --endpoint my-llm --stream --payload prompts.jsonl --rate 5/s --duration 1m",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), start, loadGroups()...)
			if err != nil {
				return err
			}
			return runLoad(cmd.Context(), env, s)
		},
	}
	flags(cmd.Flags(), &shown, loadGroups()...)
	configFlag(cmd.Flags())
	return cmd
}

func runLoad(ctx context.Context, env Env, s Settings) error {
	j, err := prepareLoad(ctx, env, s)
	if err != nil {
		return err
	}
	defer j.close()
	record, err := j.begin(ctx)
	if err != nil {
		return err
	}
	return j.run(ctx, record, func(ctx context.Context, generator *loadgen.Generator, observer experiment.Observer) (report.Document, error) {
		runner, end := j.runner(ctx, generator)
		defer end()
		result, err := experiment.Load(ctx, j.plan, runner, observer)
		if result.SchemaVersion == 0 {
			return report.Document{}, err
		}
		return report.Document{Load: &result}, err
	})
}

func prepareLoad(ctx context.Context, env Env, s Settings) (*job, error) {
	load, err := s.load()
	if err != nil {
		return nil, err
	}
	j, err := prepare(ctx, env, s, "load")
	if err != nil {
		return nil, err
	}
	j.plan.Load = load
	return j, nil
}
