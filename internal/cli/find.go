package cli

import (
	"context"
	"errors"
	"fmt"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/report"
	"plimsoll/runlog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// findGroups are the settings of find.
func findGroups() []group {
	return []group{endpointFlags, payloadFlags, objectiveFlags, searchFlags, targetFlags, targetFromFlags, recordFlags}
}

func newFind(env Env) *cobra.Command {
	start := defaults()
	shown := start
	var resume string
	var pin pinning
	cmd := &cobra.Command{
		Use: "find", Short: "Find the peak of an endpoint and compute the scaling target",
		Long: `Find the peak of an HTTP inference endpoint (--url) or of a SageMaker endpoint (--endpoint) and
compute the scaling target from it.

First the number of parallel requests is raised (1, 2, 4, …) until throughput stops growing,
as AWS's guide describes. Then rates on both sides of the knee are held with arrivals that do
not wait for answers, until the peak, the highest rate that meets every objective, is known
with an interval. Without --slo the knee is found from the endpoint's own unloaded latency.

With --mode sweep the whole curve is measured instead: throughput and latency with confidence
bands over concurrencies (closed loop) and rates (open loop), and the Universal Scalability Law
of it. It finds no target.

With --pin a SageMaker endpoint is brought to one instance first, with its scaling suspended, and
given back afterwards, also after Ctrl-C; after a crash plimsoll restore does that.

The run is recorded in a directory; an interrupted one goes on with --resume.`,
		Example: "  plimsoll find --url http://127.0.0.1:8080/invocations --payload iris.csv --content-type text/csv\n" +
			"  plimsoll find --url https://host/invocations --payload requests.jsonl --slo p99=200ms --slo success=99.9%\n" +
			"  plimsoll find --endpoint my-endpoint --variant AllTraffic --region eu-central-1 --payload body.json\n" +
			"  plimsoll find --endpoint my-endpoint --payload body.json --pin\n" +
			"  plimsoll find --url http://127.0.0.1:8080/invocations --payload body.json --mode sweep --budget 5m\n" +
			"  plimsoll find --resume ~/.local/state/plimsoll/runs/2026-11-24T10-00-00Z-find",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if resume != "" {
				if pin.wanted {
					return usageError("--pin and --resume: pin it with plimsoll pin, and give it back with plimsoll restore")
				}
				return resumeFind(cmd.Context(), env, cmd.Flags(), resume)
			}
			s, _, err := settle(cmd.Flags(), start, findGroups()...)
			if err != nil {
				return err
			}
			return runFind(cmd.Context(), env, s, pin)
		},
	}
	fs := cmd.Flags()
	flags(fs, &shown, findGroups()...)
	configFlag(fs)
	fs.StringVar(&resume, "resume", "", "go on with the interrupted run in this directory")
	pin.flags(fs)
	return cmd
}

func runFind(ctx context.Context, env Env, s Settings, pin pinning) error {
	j, err := prepareFind(ctx, env, s, "find")
	if err != nil {
		return err
	}
	defer j.close()
	if pin.wanted {
		return j.findPinned(ctx, pin)
	}
	record, err := j.begin(ctx)
	if err != nil {
		return err
	}
	return j.run(ctx, record, j.find(nil))
}

// prepareFind builds the job of a search.
func prepareFind(ctx context.Context, env Env, s Settings, command string) (*job, error) {
	search, err := s.search()
	if err != nil {
		return nil, err
	}
	j, err := prepare(ctx, env, s, command)
	if err != nil {
		return nil, err
	}
	j.plan.Search = search
	if s.Mode == experiment.ModeSweep {
		j.plan.Mode = s.Mode
	}
	j.plan.Target = &experiment.TargetPlan{SafetyFactor: s.SafetyFactor, PerMinute: s.PerMinute, From: s.TargetFrom}
	return j, nil
}

// find is the use case, after the trials that an earlier run has recorded.
func (j *job) find(recorded []experiment.Recorded) useCase {
	return func(ctx context.Context, generator *loadgen.Generator, observer experiment.Observer) (report.Document, error) {
		result, err := experiment.Find(ctx, j.plan, experiment.Earlier{Trials: recorded, Sent: j.sent}, generator, observer)
		if result.SchemaVersion == 0 {
			return report.Document{}, err
		}
		return report.Document{Result: &result}, err
	}
}

// resumeFind goes on with an interrupted run: its plan, its trials, its
// directory. Of the flags only those count that a plan does not keep.
func resumeFind(ctx context.Context, env Env, given *pflag.FlagSet, dir string) error {
	record, old, err := runlog.Resume(dir)
	if err != nil {
		return coded(exitRecord, err)
	}
	j, err := resumedJob(ctx, env, given, old)
	if err != nil {
		return errors.Join(err, record.Close())
	}
	defer j.close()
	for _, note := range old.Notes {
		say(env.Stderr, "note: "+note)
	}
	if err := j.authenticate(ctx); err != nil {
		return errors.Join(err, record.Close())
	}
	if err := j.probe(ctx); err != nil {
		return errors.Join(err, record.Close())
	}
	return j.run(ctx, record, j.find(old.Trials))
}

func resumedJob(ctx context.Context, env Env, given *pflag.FlagSet, old *runlog.Run) (*job, error) {
	if old.Plan.Search == nil || old.Plan.Command != "find" {
		return nil, coded(exitRecord, fmt.Errorf("%s is a run of %s, and only find can be resumed", old.Dir, old.Plan.Command))
	}
	if old.Result != nil && old.Result.Status == experiment.Complete {
		return nil, coded(exitRecord, fmt.Errorf("%s is complete: there is nothing to resume; read its result.json", old.Dir))
	}
	s, err := settingsOf(old.Plan, given)
	if err != nil {
		return nil, err
	}
	j, err := prepareFind(ctx, env, s, "find")
	if err != nil {
		return nil, err
	}
	if j.plan.Payload.SHA256 != old.Plan.Payload.SHA256 {
		return nil, coded(exitUsage, fmt.Errorf("the payload has changed since the run in %s began; start a new run, or put the payload back", old.Dir))
	}
	j.plan = old.Plan
	j.sent, err = sentBefore(old)
	return j, err
}

// sentBefore is how many requests a run has sent. With a limit on them it must be
// known exactly, room for a probe included.
func sentBefore(old *runlog.Run) (int64, error) {
	var sent int64
	for _, t := range old.Trials {
		sent += t.Observation.Sent
	}
	known := old.Finished && old.Result != nil
	if known {
		sent = max(sent, old.Result.RequestsSent)
	}
	switch limit := old.Plan.Search.MaxRequests; {
	case limit == 0:
	case !known:
		return sent, coded(exitRecord, fmt.Errorf("%s ended without warning, so that how much of its limit of %d requests was sent is not known; start a new run", old.Dir, limit))
	case sent >= limit:
		return sent, coded(exitRecord, fmt.Errorf("%s has sent its limit of %d requests: there is nothing to resume; start a new run with a higher --max-requests", old.Dir, limit))
	}
	return sent, nil
}

// peakCode is the exit code of a search's answer.
func peakCode(p experiment.Peak) (code int, why string) {
	switch {
	case !p.Valid:
		return exitInconclusive, "no believable peak"
	case p.Found:
		return exitOK, ""
	case p.Cause == capacity.CauseClient:
		return exitClientLimited, "client limited: a lower bound only"
	case p.Cause == capacity.CauseLimit:
		return exitLimitReached, "limit reached: a lower bound only"
	case p.Missed:
		return exitMissed, "the objectives are missed at the lightest load"
	default:
		return exitInconclusive, "no peak was bracketed"
	}
}

// curveCode is the exit code of a sweep.
func curveCode(p experiment.Peak) (code int, why string) {
	if !p.Valid {
		return exitInconclusive, "no believable curve"
	}
	return exitOK, ""
}
