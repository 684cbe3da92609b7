package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"plimsoll/arrival"
	"plimsoll/emulator"
	"plimsoll/fleet"
	"plimsoll/internal/host"

	"github.com/spf13/cobra"
)

// defaultModel is eight workers of 10 ms with some spread: 800 requests a second.
const defaultModel = "service=10ms,cv=0.3,workers=8,queue=400"

// rehearsalBody is sent where no payload is given: one row of the iris data.
const rehearsalBody = `{"instances":[{"features":[5.1,3.5,1.4,0.2]}]}`

// rehearsalBudget is enough for the default model.
const rehearsalBudget = 60 * time.Second

func rehearseGroups() []group {
	return []group{modelFlags, payloadFlags, objectiveFlags, searchFlags, targetFlags, targetFromFlags, recordFlags}
}

func newRehearse(env Env) *cobra.Command {
	start := defaults()
	start.Budget = rehearsalBudget
	shown := start
	cmd := &cobra.Command{
		Use: "rehearse", Short: "Run the whole flow against a modelled endpoint: no server, no account",
		Long: `Start a modelled endpoint on loopback and run find against it: the whole flow without a server
or an AWS account. The model is one instance with so many workers, a service time with a
spread (cv, the standard deviation over the mean) and a bounded queue.`,
		Example: "  plimsoll rehearse\n  plimsoll rehearse --model service=40ms,workers=4,queue=100 --slo p99=200ms",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), start, rehearseGroups()...)
			if err != nil {
				return err
			}
			return runRehearse(cmd.Context(), env, s)
		},
	}
	flags(cmd.Flags(), &shown, rehearseGroups()...)
	configFlag(cmd.Flags())
	return cmd
}

func runRehearse(ctx context.Context, env Env, s Settings) error {
	model, err := fleet.ParseModel(s.Model)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("--model: %w", err))
	}
	if s.Seed == 0 {
		s.Seed = newSeed()
	}
	endpoint, err := startEndpoint(model, s.Seed)
	if err != nil {
		return err
	}
	defer endpoint.stop()
	s.URL = endpoint.url
	if len(s.Payload) == 0 {
		s.Payload = texts{"-;type=application/json"}
		env.Stdin = strings.NewReader(rehearsalBody)
	}
	j, err := prepareFind(ctx, env, s, "rehearse")
	if err != nil {
		return err
	}
	j.plan.Model = model.String()
	record, err := j.begin(ctx)
	if err != nil {
		return err
	}
	if !s.Quiet {
		say(env.Stderr, fmt.Sprintf("modelled endpoint: %s at %s; by construction it saturates at %s",
			model, endpoint.url, arrival.Rate(model.Saturation())))
	}
	return j.run(ctx, record, j.find(nil))
}

// endpoint is a modelled endpoint that is being served.
type endpoint struct {
	url      string
	server   *http.Server
	sleeper  *host.Sleeper
	emulated *emulator.Emulator
	ended    chan struct{}
}

const rehearsalEndpoint = "rehearsal"

// startEndpoint serves the model on a loopback port of the system's choice.
func startEndpoint(model fleet.Model, seed uint64) (*endpoint, error) {
	sleeper := &host.Sleeper{}
	emulated, err := emulator.New(emulator.Options{
		Endpoints: []emulator.Endpoint{{Name: rehearsalEndpoint}}, Model: model, Seed: seed, Sleep: sleeper.Wait, Speed: 1, NoAuth: true,
	})
	if err != nil {
		return nil, coded(exitUsage, err)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the modelled endpoint: %w", err), emulated.Close())
	}
	e := &endpoint{
		url:     fmt.Sprintf("http://%s/endpoints/%s/invocations", listener.Addr(), rehearsalEndpoint),
		server:  &http.Server{Handler: emulated, ReadHeaderTimeout: 10 * time.Second},
		sleeper: sleeper, emulated: emulated, ended: make(chan struct{}),
	}
	go func() {
		defer close(e.ended)
		_ = e.server.Serve(listener) // it ends by stop only, with ErrServerClosed
	}()
	return e, nil
}

// stop ends the server and its connections.
func (e *endpoint) stop() {
	_ = e.server.Close() // nothing is lost with a modelled endpoint
	<-e.ended
	_ = e.emulated.Close() // it keeps no file that could fail
	e.sleeper.Close()
}
