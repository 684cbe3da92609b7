package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	return []group{endpointFlags, payloadFlags, objectiveFlags, searchFlags, costFlags, targetFlags, targetFromFlags, recordFlags}
}

func newFind(env Env) *cobra.Command {
	start := defaults()
	shown := start
	var resume string
	var where place
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
given back afterwards, also after Ctrl-C; after a crash plimsoll restore does that. With --clone a
copy of its variant is made and measured instead, and with --deploy an endpoint of a model; both
have one instance, and are deleted afterwards in the same way. --instance-types measures several types
one after the other and compares what a million requests cost on each.

What the run is expected to take and to cost is shown first. --max-duration and --max-cost refuse a
run that would exceed them, and stop one that does; --budget and --max-requests are of each search.

The run is recorded in a directory; an interrupted one goes on with --resume.`,
		Example: "  plimsoll find --url http://127.0.0.1:8080/invocations --payload iris.csv --content-type text/csv\n" +
			"  plimsoll find --url https://host/invocations --payload requests.jsonl --slo p99=200ms --slo success=99.9%\n" +
			"  plimsoll find --endpoint my-endpoint --variant AllTraffic --region eu-central-1 --payload body.json\n" +
			"  plimsoll find --endpoint my-endpoint --payload body.json --pin\n" +
			"  plimsoll find --deploy my-model --instance-types ml.m5.xlarge,ml.c5.xlarge --payload body.json --slo p99=200ms --max-cost 2\n" +
			"  plimsoll find --url http://127.0.0.1:8080/invocations --payload body.json --mode sweep --budget 5m\n" +
			"  plimsoll find --resume ~/.local/state/plimsoll/runs/2026-11-24T10-00-00Z-find",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if resume != "" {
				if where.pin || where.made() {
					return usageError("--pin, --clone, --deploy and --resume: pin it with plimsoll pin, and give it back with plimsoll restore; an endpoint that was made is deleted")
				}
				return resumeFind(cmd.Context(), env, cmd.Flags(), resume)
			}
			s, _, err := settle(cmd.Flags(), start, findGroups()...)
			if err != nil {
				return err
			}
			return runFind(cmd.Context(), env, s, where)
		},
	}
	fs := cmd.Flags()
	flags(fs, &shown, findGroups()...)
	configFlag(fs)
	fs.StringVar(&resume, "resume", "", "go on with the interrupted run in this directory")
	where.flags(fs)
	return cmd
}

func runFind(ctx context.Context, env Env, s Settings, where place) error {
	if err := where.check(&s); err != nil {
		return err
	}
	if where.made() {
		return findMade(ctx, env, s, where)
	}
	j, err := prepareFind(ctx, env, s, "find")
	if err != nil {
		return err
	}
	defer j.close()
	if where.pin {
		return j.findPinned(ctx, where)
	}
	return j.findAsItIs(ctx)
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
	j.plan.Limits = s.limitsPlan()
	return j, nil
}

// find is the use case, after the trials that an earlier run has recorded.
func (j *job) find(recorded []experiment.Recorded) useCase {
	return func(ctx context.Context, generator *loadgen.Generator, observer experiment.Observer) (report.Document, error) {
		runner, end := j.runner(ctx, generator)
		defer end()
		result, err := experiment.Find(ctx, j.plan, experiment.Earlier{Trials: recorded, Sent: j.sent}, runner, observer)
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
	ctx, cancel := j.withinRest(ctx, old)
	defer cancel()
	if err := j.authenticate(ctx); err != nil {
		return errors.Join(err, record.Close())
	}
	if err := j.probe(ctx); err != nil {
		return errors.Join(err, record.Close())
	}
	return j.run(ctx, record, j.find(old.Trials))
}

// withinRest is a context that ends when a resumed run has reached a limit, with the time that
// its earlier trials took.
func (j *job) withinRest(ctx context.Context, old *runlog.Run) (context.Context, context.CancelFunc) {
	var before time.Duration
	for _, t := range old.Trials {
		before += toDuration(t.Trial.ElapsedSeconds)
	}
	rate := 0.0
	if j.settings.MaxCost > 0 {
		rate = perHour(j.asItIs(ctx).costs)
	}
	return within(ctx, j.settings.limits(), time.Now().Add(-before), rate*before.Hours(), rate)
}

func resumedJob(ctx context.Context, env Env, given *pflag.FlagSet, old *runlog.Run) (*job, error) {
	if old.Plan.Search == nil || old.Plan.Command != "find" {
		return nil, coded(exitRecord, fmt.Errorf("%s is a run of %s, and only find can be resumed", old.Dir, old.Plan.Command))
	}
	if old.Result != nil && old.Result.Status == experiment.Complete {
		return nil, coded(exitRecord, fmt.Errorf("%s is complete: there is nothing to resume; read its result.json", old.Dir))
	}
	if p := old.Plan.Place; p != nil && p.Deployment != nil {
		return nil, coded(exitRecord, fmt.Errorf("%s was measured on an endpoint that was made for it and is deleted: start a new run", old.Dir))
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
