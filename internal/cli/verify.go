package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"plimsoll/arrival"
	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/proof"
	"plimsoll/report"
	"plimsoll/sagemaker"
	"plimsoll/scaling"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// verifyGroups are the settings of verify.
func verifyGroups() []group {
	return []group{sagemakerFlags, requestFlags, payloadFlags, objectiveFlags, limitFlags, costFlags, scalingFlags, recordFlags}
}

// proving is what verify is told on the command line alone.
type proving struct {
	run, peak, atTarget string
	provisioning        time.Duration
	quick, yes          bool
	junit               string
}

func (p *proving) flags(fs *pflag.FlagSet) {
	fs.StringVar(&p.run, "run", "", "directory of a run of find whose peak and objectives to judge by")
	fs.StringVar(&p.peak, "peak", "", "peak of one instance, such as 412/s or 24720/min")
	fs.StringVar(&p.atTarget, "at-target", "", "rate at which one instance is at the policy's target, such as 206/s; needed for metrics that do not count requests")
	fs.DurationVar(&p.provisioning, "provisioning", experiment.ProvisioningPrior(), "time that a new instance is expected to take until it is in service")
	fs.BoolVar(&p.quick, "quick", false, "only one step up and one step down: half the time, and less proved")
	fs.StringVar(&p.junit, "junit", "", "write the checks and objectives as a JUnit file, too")
	fs.BoolVarP(&p.yes, "yes", "y", false, "begin without asking")
}

func newVerify(env Env) *cobra.Command {
	start := defaults()
	start.Arrivals = experiment.ArrivalsConstant
	shown := start
	p := proving{}
	cmd := &cobra.Command{
		Use: "verify", Short: "Prove that the scaling policy of an endpoint works: under load, up and down",
		Long: `Hold a load programme that is made from the policy in force, and judge what becomes of it: a
baseline, a step up that needs two instances more, a ramp to the most instances, a plateau, a step
down, a ramp down, each long enough for alarms, launches and cooldowns. Meanwhile the endpoint is
looked at every ten seconds; afterwards the history of the alarms, the scaling activities and the
metrics are read. The result is a timeline of every change of capacity, sixteen checks with their
evidence, and one verdict.

It takes about three hours on AWS, and is shown before it begins, with its rates, requests,
instance-hours and dollars. Nothing on the endpoint is changed but by its own
scaling. On an emulator, time passes as fast as the emulator's.

Response times are judged by --slo or by the objectives of a run (--run); with neither, a limit is
derived from the first minutes of the baseline. What scaling itself shall keep is asked with
--recover, --errors, --back-to-min and --flaps, or in plimsoll.yaml:

  scaling: {recover: 6m, errors: 0.5%, back-to-min: 30m, flaps: 0}`,
		Example: "  plimsoll verify --endpoint my-endpoint --payload body.json --run ~/.local/state/plimsoll/runs/2026-11-24T10-00-00Z-find\n" +
			"  plimsoll verify --endpoint my-endpoint --payload body.json --peak 412/s --slo p99=200ms --recover 6m --errors 0.5% --yes --junit verify.xml",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), start, verifyGroups()...)
			if err != nil {
				return err
			}
			return runVerify(cmd.Context(), env, s, p)
		},
	}
	fs := cmd.Flags()
	flags(fs, &shown, verifyGroups()...)
	configFlag(fs)
	p.flags(fs)
	return cmd
}

func runVerify(ctx context.Context, env Env, s Settings, p proving) error {
	if len(s.Endpoint) == 0 {
		return usageError("--endpoint is missing: give the name of the SageMaker endpoint")
	}
	s.URL = "" // which may stand in the file, for other commands
	wanted, err := p.plan(&s)
	if err != nil {
		return err
	}
	j, err := prepare(ctx, env, s, "verify")
	if err != nil {
		return err
	}
	defer j.close()
	c := j.control(p.yes)
	aws, err := c.connect(ctx, s.Region)
	if err != nil {
		return err
	}
	defer aws.Close()
	designed, err := j.design(ctx, c, aws, wanted, othersLoad)
	if err != nil {
		return err
	}
	j.plan.Verify, j.plan.Limits = &designed, s.limitsPlan()
	record, err := j.begin(ctx)
	if err != nil {
		return err
	}
	return j.run(ctx, record, j.verify(sightOf(aws), p.junit))
}

// othersLoad warns of traffic that would be taken for that of the programme.
func othersLoad(ctx context.Context, aws *sagemaker.Control, v experiment.Variant) []string {
	traffic, err := experiment.LookForTraffic(ctx, aws, v, aws.Now(), trafficWindow)
	switch {
	case err != nil:
		return []string{"whether others use the endpoint is not known: " + err.Error()}
	case traffic.Requests > 0:
		return []string{fmt.Sprintf("the endpoint has answered %.0f requests in the last %v (%.4g/min): if they go on, they add to the programme, and their senders share its overload",
			traffic.Requests, traffic.Window, float64(traffic.PerMinute()))}
	}
	return nil
}

// verify is the use case.
func (j *job) verify(sight experiment.Sight, junit string) useCase {
	return func(ctx context.Context, generator *loadgen.Generator, observer experiment.Observer) (report.Document, error) {
		result, err := experiment.Verify(ctx, j.plan, j.sent, sight, generator, observer)
		if result.SchemaVersion == 0 {
			return report.Document{}, err
		}
		doc := report.Document{Verification: &result}
		return doc, errors.Join(err, writeJUnit(junit, doc))
	}
}

func writeJUnit(path string, doc report.Document) error {
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return coded(exitRecord, fmt.Errorf("--junit: %w", err))
	}
	err = errors.Join(report.JUnit(file, doc), file.Close())
	return coded(exitRecord, err)
}

// plan is what is asked, before the policy is known. Objectives of a run become those of
// the settings.
func (p *proving) plan(s *Settings) (experiment.VerifyPlan, error) {
	wanted := experiment.VerifyPlan{
		On: experiment.Variant{Endpoint: s.Endpoint[0], Name: s.Variant}, From: experiment.LimitGiven, MaxRequests: s.MaxRequests,
		MaxDuration: proof.Span(s.MaxDuration), Quick: p.quick, Provisioning: proof.Span(p.provisioning),
	}
	if p.run != "" && p.peak != "" {
		return wanted, usageError("give --run DIR or --peak 412/s, one of the two")
	}
	if s.MaxDuration < 0 || s.MaxCost < 0 || p.provisioning <= 0 || s.MaxRequests < 0 {
		return wanted, usageError("--max-duration %v, --max-cost %g, --max-requests %d, --provisioning %v: none may be negative, and instances take a time", s.MaxDuration, s.MaxCost, s.MaxRequests, p.provisioning)
	}
	var problems []error
	rate := func(name, text string) scaling.PerSecond {
		perMinute, err := parseFlagRate(name, text)
		problems = append(problems, err)
		return perMinute.PerSecond()
	}
	wanted.Peak, wanted.AtTarget, wanted.MaxRate = rate("peak", p.peak), rate("at-target", p.atTarget), rate("max-rate", s.MaxRate)
	if p.run != "" {
		problems = append(problems, p.ofRun(s, &wanted))
	}
	objective, err := s.objective()
	problems = append(problems, err)
	if wanted.Objective = objective; objective.Limit == 0 {
		wanted.From = experiment.LimitBaseline
	}
	return wanted, errors.Join(problems...)
}

// ofRun takes the peak of a run and the targets that follow from it, and its objectives
// where none are given.
func (p *proving) ofRun(s *Settings, wanted *experiment.VerifyPlan) error {
	run, err := runWithPeak(p.run)
	if err != nil {
		return err
	}
	wanted.Peak, wanted.Run = scaling.PerSecond(*run.Peak.Rate), run.Advice()
	if len(s.Objectives) > 0 {
		return nil
	}
	applied, err := objectivesOfRun(p.run)
	s.Objectives, wanted.From = applied, experiment.LimitOfRun
	return err
}

// provingWords are the flags of a proof that no setting keeps.
func provingWords(v *experiment.VerifyPlan) []string {
	if v == nil {
		return nil
	}
	var words []string
	for _, rate := range []struct {
		flag string
		is   scaling.PerSecond
	}{{"--peak", v.Peak}, {"--at-target", v.AtTarget}} {
		if rate.is > 0 {
			words = append(words, rate.flag, arrival.Rate(rate.is).String())
		}
	}
	if d := time.Duration(v.Provisioning); d != experiment.ProvisioningPrior() {
		words = append(words, "--provisioning", d.String())
	}
	if v.Quick {
		words = append(words, "--quick")
	}
	return words
}

// verifyCode is the exit code of a proof that has been shown.
func verifyCode(v *experiment.Verification) (code int, why string) {
	switch v.Verdict {
	case proof.Undecided:
		return exitInconclusive, "it is not decided whether the policy scales"
	case proof.NoScaling, proof.NoProtection:
		return exitNoScaling, "the policy " + string(v.Verdict)
	default:
	}
	for _, f := range v.Objectives {
		if f.Judged && !f.Met {
			return exitScalingMissed, fmt.Sprintf("the scaling objective %s %s is missed", f.Name, f.Asked)
		}
	}
	return exitOK, ""
}
