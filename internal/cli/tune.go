package cli

import (
	"context"
	"errors"
	"time"

	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/report"
	"plimsoll/scaling"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// tuning is how far tune goes and what it leaves; flags only, because a file that says
// yes would say it to everybody.
type tuning struct {
	yes      bool
	rollBack bool
	takeBack bool
	verify   bool
	quick    bool
	goalText string
	goal     scaling.PerMinute // traffic that scaling is to carry; 0: not said
	junit    string
}

func (t *tuning) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&t.verify, "verify", true, "prove the policy, up and down, after it was applied")
	fs.BoolVar(&t.quick, "quick", false, "prove one step up and one step down only: half the time, and less proved")
	fs.StringVar(&t.goalText, "goal", "", "traffic that the endpoint is to carry, such as 1200/s: warns when --max or the account's quota is too small for it")
	fs.StringVar(&t.junit, "junit", "", "write the checks to this file too, as JUnit XML")
}

func tuneGroups() []group {
	return []group{sagemakerFlags, requestFlags, payloadFlags, objectiveFlags, searchFlags, costFlags, targetFlags, targetFromFlags, policyFlags, scalingFlags, recordFlags}
}

func newTune(env Env) *cobra.Command {
	start := defaults()
	shown := start
	t := tuning{}
	cmd := &cobra.Command{
		Use: "tune", Short: "Everything on a SageMaker endpoint: find the peak, apply the policy, prove it up and down",
		Long: `Do all of AWS's guide on one variant of a SageMaker endpoint:

  1. bring it to one instance, its scaling suspended, and find the peak;
  2. give it back as it was;
  3. show the policy that follows as a difference, and apply it;
  4. prove it with increasing and decreasing traffic, and say one verdict.

Each change is shown and confirmed first (--yes agrees to all), and is written to a journal before it
is made. When something fails, is declined or is interrupted, all changes are taken back; after
a crash plimsoll restore does that. A policy that was applied stays whatever the verdict, unless
--rollback-on-fail is given.`,
		Example: "  plimsoll tune --endpoint my-endpoint --variant AllTraffic --payload body.json\n" +
			"  plimsoll tune --endpoint my-endpoint --payload body.json --slo p99=200ms --min 2 --max 10 --rollback-on-fail --yes --junit plimsoll.xml",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), start, tuneGroups()...)
			if err != nil {
				return err
			}
			if s.Mode == experiment.ModeSweep {
				return usageError("--mode sweep finds no peak, and tune needs one: leave it out, or use find")
			}
			if len(s.Endpoint) == 0 {
				return usageError("--endpoint is missing: give the name of the SageMaker endpoint (or try plimsoll rehearse)")
			}
			return runTune(cmd.Context(), env, env.Getenv, s, t, "tune")
		},
	}
	fs := cmd.Flags()
	flags(fs, &shown, tuneGroups()...)
	configFlag(fs)
	t.flags(fs)
	fs.BoolVarP(&t.yes, "yes", "y", false, "make the changes that are shown, without asking")
	fs.BoolVar(&t.rollBack, "rollback-on-fail", false, "take the policy back when it is not proved to work")
	return cmd
}

// runTune does all of it. getenv is the environment for the journal alone.
func runTune(ctx context.Context, env Env, getenv func(string) string, s Settings, t tuning, command string) error {
	j, err := prepareFind(ctx, env, s, command)
	if err != nil {
		return err
	}
	defer j.close()
	if j.plan.Tune, err = t.plan(s); err != nil {
		return err
	}
	j.plan.Rehearsal, j.plan.Model = s.rehearsal()
	c := j.control(t.yes)
	c.env.Getenv = getenv
	r, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer r.aws.Close()
	state, err := r.endpoint.Variant(r.variant.Name)
	if err != nil {
		return err
	}
	o := s.outlayOf(j.plan, []string{state.InstanceType}, 1, false, r.aws.Region())
	if err := j.agree(o); err != nil {
		return err
	}
	pin, err := c.agreeToPin(ctx, r)
	if err != nil {
		return err
	}
	record, err := j.begin(ctx)
	if err != nil {
		return err
	}
	c.dir = record.Dir()
	journal, err := c.begin(command, r.aws.Region(), r.looked)
	if err != nil {
		return errors.Join(err, record.Close())
	}
	r.plane.Journal = journal
	kept := false
	ctx, cancel := within(ctx, s.limits(), time.Now(), 0, perHour(o.costs))
	defer cancel()
	err = j.run(ctx, record, func(ctx context.Context, generator *loadgen.Generator, observer experiment.Observer) (report.Document, error) {
		tuned, err := j.tuning(c, r, pin, t, generator, observer).Run(ctx, *j.plan.Tune)
		kept = tuned.Kept()
		if tuned.SchemaVersion == 0 {
			return report.Document{}, err
		}
		observer.Observe(experiment.Event{SchemaVersion: experiment.SchemaVersion, Kind: experiment.RunFinished, At: time.Now(), Tuned: &tuned})
		doc := report.Document{Tuned: &tuned}
		return doc, errors.Join(err, writeJUnit(t.junit, doc))
	})
	if kept {
		err = errors.Join(err, coded(exitRecord, journal.Keep()))
	} else {
		c.tellLeft(r.variant, journal.Changes())
	}
	return errors.Join(err, coded(exitRecord, journal.Close()))
}

// agreeToPin shows what is changed for the search, and asks.
func (c *control) agreeToPin(ctx context.Context, r *reached) ([]experiment.Change, error) {
	changes, err := experiment.Pin(r.variant, r.endpoint, r.scaling)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	warnings, err := c.othersUse(ctx, r.aws, r.variant)
	if err != nil {
		return nil, err
	}
	c.show(r.variant, changes, warnings)
	return changes, c.confirm(ctx, "make these changes, and take them back after the search?")
}

// tuning are the parts of the use case.
func (j *job) tuning(c *control, r *reached, pin []experiment.Change, t tuning, generator *loadgen.Generator, observer experiment.Observer) experiment.Tuning {
	told := &withoutEnd{observer}
	parts := experiment.Tuning{
		Variant: r.variant, Plane: r.plane, Pin: pin,
		Find: func(ctx context.Context) (experiment.Result, error) {
			runner, end := j.runner(ctx, generator)
			defer end()
			return experiment.Find(ctx, j.plan, experiment.Earlier{Sent: j.sent}, runner, told)
		},
		Agree: func(ctx context.Context, p experiment.Proposal) error {
			c.show(r.variant, p.Changes, append(p.Warnings, r.obstacles(ctx, t.goal, p.Changes, j.settings.Max)...))
			return c.confirm(ctx, p.Question)
		},
	}
	if t.verify {
		parts.Clock, parts.Prove = r.aws, j.prove(c, r, t.quick, generator, told)
	}
	return parts
}

// plan is what becomes of the peak.
func (t *tuning) plan(s Settings) (*experiment.TunePlan, error) {
	var err error
	if t.goal, err = parseFlagRate("goal", t.goalText); err != nil {
		return nil, err
	}
	wanted := s.wanted()
	wanted.Target = 1 // that of the peak is not known yet
	if err := wanted.Validate(); err != nil {
		return nil, coded(exitUsage, err)
	}
	return &experiment.TunePlan{Wanted: s.wanted(), TakeBack: t.takeBack, RollBack: t.rollBack}, nil
}

// obstacles warn where the goal cannot be reached: by the maximum, by the quota.
func (r *reached) obstacles(ctx context.Context, goal scaling.PerMinute, changes []experiment.Change, most int) []string {
	state, err := r.endpoint.Variant(r.variant.Name)
	if err != nil {
		return nil
	}
	for _, change := range changes {
		if p := change.Desired.Policy; p != nil && goal > 0 {
			ctx, cancel := context.WithTimeout(ctx, lookPatience)
			defer cancel()
			_, obstacles := experiment.Reach(goal, scaling.PerMinute(p.Target), most, state.InstanceType, r.aws.InstanceQuota(ctx, state.InstanceType, r.variant))
			return obstacles
		}
	}
	return r.beyondQuota(ctx, most)
}

// withoutEnd passes on all but the end, which is not that of the whole.
type withoutEnd struct{ experiment.Observer }

// Observe passes the event on.
func (o *withoutEnd) Observe(e experiment.Event) {
	if e.Kind != experiment.RunFinished {
		o.Observer.Observe(e)
	}
}
