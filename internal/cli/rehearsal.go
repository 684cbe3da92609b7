package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"plimsoll/arrival"
	"plimsoll/emulator"
	"plimsoll/experiment"
	"plimsoll/fleet"
	"plimsoll/internal/host"
	"plimsoll/sagemaker"
)

// rehearsalEndpoint is the endpoint of a rehearsal.
const rehearsalEndpoint = "rehearsal"

// rehearsal is an emulated account that is being served on a loopback port.
type rehearsal struct {
	account  *sagemaker.Account
	state    string // folder that stands in for the user's state folder
	server   *http.Server
	sleeper  *host.Sleeper
	emulated *emulator.Emulator
	ended    chan struct{}
}

// startRehearsal serves an account with one endpoint and waits until that is in service.
func startRehearsal(ctx context.Context, env Env, s Settings) (*rehearsal, error) {
	r := &rehearsal{sleeper: &host.Sleeper{}, ended: make(chan struct{})}
	opts := emulator.Options{
		Endpoints: []emulator.Endpoint{{Name: rehearsalEndpoint, Instances: s.Instances}}, Exec: s.Exec, Seed: s.Seed,
		Sleep: r.sleeper.Wait, Speed: s.Speed, AccessKey: emulator.DefaultAccessKey, SecretKey: emulator.DefaultSecretKey, Region: emulator.DefaultRegion,
	}
	var err error
	if s.Exec == "" {
		if opts.Model, err = fleet.ParseModel(s.Model); err != nil {
			return nil, coded(exitUsage, fmt.Errorf("--model: %w", err))
		}
	} else {
		opts.Log = func(line string) { say(env.Stderr, line) }
	}
	if r.emulated, err = emulator.New(opts); err != nil {
		return nil, coded(exitUsage, err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the emulated account: %w", err), r.emulated.Close())
	}
	r.server = &http.Server{Handler: r.emulated, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(r.ended)
		_ = r.server.Serve(listener) // it ends by stop only, with ErrServerClosed
	}()
	r.account = &sagemaker.Account{URL: "http://" + listener.Addr().String(), Region: opts.Region, AccessKey: opts.AccessKey, SecretKey: opts.SecretKey}
	// Nothing of a rehearsal outlives it, so no reminder of it may lie where restore looks.
	if r.state, err = os.MkdirTemp("", "plimsoll-rehearsal-"); err == nil {
		err = r.emulated.WaitInService(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the emulated account: %w", err), r.stop())
	}
	return r, nil
}

// getenv is the environment, but for the state folder.
func (r *rehearsal) getenv(outer func(string) string) func(string) string {
	return func(name string) string {
		if name == "XDG_STATE_HOME" {
			return r.state
		}
		return outer(name)
	}
}

// stop ends the server, its connections and the processes of the instances.
func (r *rehearsal) stop() error {
	_ = r.server.Close() // nothing is lost with an emulated account
	<-r.ended
	err := r.emulated.Close()
	r.sleeper.Close()
	if r.state != "" {
		err = errors.Join(err, os.RemoveAll(r.state))
	}
	return err
}

// rehearsal is what a plan keeps of the account; nil and "" where there is none.
func (s *Settings) rehearsal() (account *experiment.RehearsalPlan, model string) {
	if s.account == nil {
		return nil, ""
	}
	if s.Exec == "" {
		model = s.Model
	}
	return &experiment.RehearsalPlan{Exec: s.Exec, Speed: s.Speed, Instances: s.Instances}, model
}

// rehearsedOn says what answers.
func (s *Settings) rehearsedOn() string {
	if s.Exec != "" {
		return "its instances are processes: " + strings.TrimSpace(s.Exec)
	}
	model, err := fleet.ParseModel(s.Model)
	if err != nil {
		return err.Error() // it was parsed before
	}
	return fmt.Sprintf("its instances are modelled: %s; by construction one saturates at %s", model, arrival.Rate(model.Saturation()))
}
