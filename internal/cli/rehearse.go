package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"plimsoll/emulator"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// defaultModel is eight workers of 10 ms with some spread: 800 requests a second.
const defaultModel = "service=10ms,cv=0.3,workers=8,queue=400"

// rehearsalBody is sent where no payload is given: one row of the iris data.
const rehearsalBody = `{"instances":[{"features":[5.1,3.5,1.4,0.2]}]}`

// rehearsalPayload stands for it among the sources.
const rehearsalPayload = "-;type=application/json"

// rehearsalBudget is enough for the default model.
const rehearsalBudget = 60 * time.Second

// rehearsalSpeed is how many seconds of the emulated services pass in a real one: the proof's
// two hours in two minutes.
const rehearsalSpeed = emulator.MaxSpeed

// rehearsalInstances are there at the start, so that pinning has something to do.
const rehearsalInstances = 2

func rehearseGroups() []group {
	return []group{rehearsalFlags, payloadFlags, objectiveFlags, searchFlags, costFlags, targetFlags, targetFromFlags, policyFlags, scalingFlags, recordFlags}
}

// rehearsalFlags are the emulated account.
func rehearsalFlags(fs *pflag.FlagSet, s *Settings) {
	modelFlags(fs, s)
	fs.StringVar(&s.Exec, "exec", s.Exec, "or a shell command that serves one instance at {port}: GET /ping and POST /invocations")
	fs.IntVar(&s.Instances, "instances", s.Instances, "instances at the start")
	fs.Float64Var(&s.Speed, "speed", s.Speed, fmt.Sprintf("seconds of the emulated services in a real one, from 1 to %d", emulator.MaxSpeed))
}

func rehearseDefaults() Settings {
	s := defaults()
	s.Budget, s.Speed, s.Instances = rehearsalBudget, rehearsalSpeed, rehearsalInstances
	return s
}

func newRehearse(env Env) *cobra.Command {
	start := rehearseDefaults()
	shown := start
	t := tuning{takeBack: true}
	cmd := &cobra.Command{
		Use: "rehearse", Short: "Run the whole of tune on an emulated account: no server, no AWS",
		Long: `Serve an emulated AWS account on loopback and run tune on it: an endpoint is brought to one instance,
its peak is found, the policy that follows is applied and proved up and down with alarms that
fire and instances that come and go, and all is given back. The services' time passes quickly
while requests are real.

The instances are a model, so many workers with a service time of some spread (cv, the standard
deviation over the mean) and a bounded queue; or, with --exec, processes of yours. Your AWS
configuration is not read, and nothing leaves this machine. --verify=false leaves the proof out.`,
		Example: "  plimsoll rehearse\n  plimsoll rehearse --model service=40ms,workers=4,queue=100 --slo p99=200ms\n" +
			"  plimsoll rehearse --exec './serve --port {port}' --payload body.json --max 2",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), start, rehearseGroups()...)
			if err != nil {
				return err
			}
			if s.Exec != "" && cmd.Flags().Changed("model") {
				return usageError("--model and --exec: give one of the two")
			}
			return runRehearse(cmd.Context(), env, s, t)
		},
	}
	fs := cmd.Flags()
	flags(fs, &shown, rehearseGroups()...)
	configFlag(fs)
	t.flags(fs)
	fs.BoolVarP(&t.yes, "yes", "y", true, "make the changes that are shown, without asking: the account is an emulated one")
	return cmd
}

func runRehearse(ctx context.Context, env Env, s Settings, t tuning) (err error) {
	if s.Seed == 0 {
		s.Seed = newSeed()
	}
	r, err := startRehearsal(ctx, env, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	s.URL, s.Endpoint, s.account = "", texts{rehearsalEndpoint}, r.account
	if len(s.Payload) == 0 {
		s.Payload = texts{rehearsalPayload}
		env.Stdin = strings.NewReader(rehearsalBody)
	}
	if !s.Quiet {
		say(env.Stderr, fmt.Sprintf("emulated account at %s, %g of its seconds in one here; %s", r.account.URL, s.Speed, s.rehearsedOn()))
	}
	return runTune(ctx, env, r.getenv(env.Getenv), s, t, "rehearse")
}
