package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"
	"plimsoll/internal/host"
	"plimsoll/scaling"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	authOn  = "on"
	authOff = "off"

	defaultEndpoint = "demo"
)

func emulateDefaults() Settings {
	s := defaults()
	s.Listen = "127.0.0.1:4566"
	s.Variant, s.InstanceType, s.Instances = emulator.DefaultVariant, emulator.DefaultInstanceType, 1
	s.Speed, s.Auth = 1, authOn
	s.AccessKey, s.SecretKey = emulator.DefaultAccessKey, emulator.DefaultSecretKey
	s.Region, s.Account = emulator.DefaultRegion, emulator.DefaultAccount
	s.Model = ""
	return s
}

func emulatorFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.Listen, "listen", s.Listen, "address to serve on")
	fs.Var(&s.Endpoint, "endpoint", "endpoint that exists from the start; may be repeated (empty: "+defaultEndpoint+")")
	fs.StringVar(&s.Variant, "variant", s.Variant, "its variant")
	fs.StringVar(&s.InstanceType, "instance-type", s.InstanceType, "its instance type")
	fs.IntVar(&s.Instances, "instances", s.Instances, "its instances at the start")
	fs.StringVar(&s.Model, "model", s.Model, "behind it: a modelled instance (the default: "+defaultModel+")")
	fs.StringVar(&s.URL, "url", s.URL, "or one real server, by its whole address")
	fs.StringVar(&s.Exec, "exec", s.Exec, "or a process for each instance: a shell command with {port} in it,\nwhich serves GET /ping and POST /invocations there")
	fs.Float64Var(&s.Speed, "speed", s.Speed, "model seconds that pass in a real one, 1 to 60; requests stay real")
	fs.StringVar(&s.Auth, "auth", s.Auth, "check signatures: on or off")
	fs.StringVar(&s.AccessKey, "access-key", s.AccessKey, "access key id that is known")
	fs.StringVar(&s.SecretKey, "secret-key", s.SecretKey, "its secret, made up: no real one belongs here")
	fs.StringVar(&s.Region, "region", s.Region, "AWS region")
	fs.StringVar(&s.Account, "account", s.Account, "account number")
	fs.IntVar(&s.Quota, "quota", s.Quota, "instances of each type that may run (0: 1000)")
	fs.Var(&s.Assume, "assume", "change an assumption about AWS, name=value; may be repeated")
	fs.StringVar(&s.State, "state", s.State, "file that keeps endpoints, policies and alarms across restarts")
	fs.StringVar(&s.Faults, "faults", s.Faults, "JSON file of faults that are switched on from the start")
	fs.StringVar(&s.MaxBody, "max-body", s.MaxBody, "largest payload of an invocation")
	fs.Uint64Var(&s.Seed, "seed", s.Seed, "seed of service times, delays, routing and faults (0: a new one, printed)")
	fs.BoolVarP(&s.Quiet, "quiet", "q", s.Quiet, "print nothing but errors")
}

func newEmulate(env Env) *cobra.Command {
	start := emulateDefaults()
	shown := emulateDefaults()
	listed := false
	cmd := &cobra.Command{
		Use: "emulate", Short: "Serve SageMaker, its runtime, CloudWatch and Application Auto Scaling on one port",
		Long: `Serve an emulated account on one port: the SageMaker control plane and runtime, CloudWatch, and
Application Auto Scaling with the scaling loop really running. Point any AWS client at it with
AWS_ENDPOINT_URL (or --endpoint-url). Behind an endpoint there is a modelled instance, one real
server, or a process for each instance. It runs until Ctrl-C.

Faults, model time and a reset are at ` + emulator.ControlPath + `, see docs/emulator.md.`,
		Example: `  plimsoll emulate --endpoint demo --model service=40ms,workers=4,queue=100 --speed 10
  plimsoll emulate --endpoint iris --exec './serve --port {port}'
  plimsoll emulate --assumptions`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), start, emulatorFlags)
			if err != nil {
				return err
			}
			if listed {
				return listAssumptions(env, s)
			}
			return runEmulate(cmd.Context(), env, s)
		},
	}
	flags(cmd.Flags(), &shown, emulatorFlags)
	cmd.Flags().BoolVar(&listed, "assumptions", false, "list what is assumed about AWS, with sources, and leave")
	configFlag(cmd.Flags())
	return cmd
}

func runEmulate(ctx context.Context, env Env, s Settings) error {
	if s.Seed == 0 {
		s.Seed = newSeed()
	}
	sleeper := &host.Sleeper{}
	defer sleeper.Close()
	opts, err := s.emulator()
	if err != nil {
		return err
	}
	opts.Sleep = sleeper.Wait
	opts.Log = func(line string) { say(env.Stderr, line) }
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("--listen %s: %w; give another address, such as 127.0.0.1:0 for a free port", s.Listen, err))
	}
	served, err := emulator.New(opts)
	if err != nil {
		return errors.Join(coded(exitUsage, err), listener.Close())
	}
	server := &http.Server{Handler: served, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if !s.Quiet {
		say(env.Stdout, s.welcome(opts, listener.Addr().String())...)
	}
	ready := make(chan error, 1)
	looking, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { ready <- served.WaitInService(looking) })
	defer watch.Wait()
	defer stop()
	for waiting := true; waiting; {
		select {
		case err = <-ended:
			err, waiting = fmt.Errorf("serving: %w", err), false
		case err = <-ready:
			if err == nil && !s.Quiet {
				say(env.Stdout, "in service: "+strings.Join(s.Endpoint, ", "))
			}
			ready = nil
		case <-ctx.Done():
			err, waiting = nil, false // Ctrl-C is how it ends
		}
	}
	return errors.Join(err, server.Close(), served.Close())
}

// emulator is what the settings ask to be emulated.
func (s *Settings) emulator() (emulator.Options, error) {
	o := emulator.Options{
		URL: s.URL, Exec: s.Exec, Speed: s.Speed, Region: s.Region, Account: s.Account, AccessKey: s.AccessKey, SecretKey: s.SecretKey,
		NoAuth: s.Auth == authOff, InstanceQuota: s.Quota, StateFile: s.State, Seed: s.Seed,
	}
	if len(s.Endpoint) == 0 {
		s.Endpoint = texts{defaultEndpoint}
	}
	problems := []error{choice("auth", s.Auth, authOn, authOff), s.checkListen()}
	if s.Speed == 0 {
		problems = append(problems, usageError("--speed 0: give from 1 to %d", emulator.MaxSpeed))
	}
	for _, name := range s.Endpoint {
		o.Endpoints = append(o.Endpoints, emulator.Endpoint{Name: name, Variant: s.Variant, InstanceType: s.InstanceType, Instances: s.Instances})
	}
	if s.Model == "" && s.URL == "" && s.Exec == "" {
		s.Model = defaultModel
	}
	var err error
	if s.Model != "" {
		o.Model, err = fleet.ParseModel(s.Model)
		problems = append(problems, coded(exitUsage, err))
	}
	o.MaxBody, err = parseSize(s.MaxBody)
	problems = append(problems, err)
	o.Assumptions, err = s.assumptions()
	problems = append(problems, err)
	o.Faults, err = readFaults(s.Faults)
	problems = append(problems, err)
	return o, errors.Join(problems...)
}

// checkListen refuses to serve anybody who asks on an address that others reach.
func (s *Settings) checkListen() error {
	hostname, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return usageError("--listen %q: give an address with a port, such as 127.0.0.1:4566", s.Listen)
	}
	address, err := netip.ParseAddr(hostname)
	loopback := hostname == "localhost" || err == nil && address.IsLoopback()
	if !loopback && s.Auth == authOff {
		return usageError("--listen %s --auth off: other machines could use it without a signature; listen on 127.0.0.1, or leave --auth on", s.Listen)
	}
	return nil
}

func (s *Settings) assumptions() (scaling.Assumptions, error) {
	a := scaling.DefaultAssumptions()
	for _, pair := range s.Assume {
		name, value, found := strings.Cut(pair, "=")
		if !found {
			return a, usageError("--assume %q: give name=value; plimsoll emulate --assumptions lists the names", pair)
		}
		if err := a.Set(name, value); err != nil {
			return a, coded(exitUsage, fmt.Errorf("--assume: %w", err))
		}
	}
	return a, nil
}

func readFaults(file string) (f emulator.Faults, err error) {
	if file == "" {
		return f, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return f, coded(exitUsage, fmt.Errorf("--faults: %w", err))
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return f, coded(exitUsage, fmt.Errorf("--faults %s: %w", file, err))
	}
	return f, coded(exitUsage, f.Validate())
}

func listAssumptions(env Env, s Settings) error {
	a, err := s.assumptions()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "NAME\tVALUE\tEVIDENCE\tMEANING\tSOURCE")
	for _, each := range a.List() {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", each.Name, each.Value, each.Evidence, each.Meaning, each.Source)
	}
	return w.Flush()
}

// welcome tells how to speak to the emulator.
func (s *Settings) welcome(o emulator.Options, address string) []string {
	lines := []string{
		fmt.Sprintf("emulating %s at http://%s, %g model seconds a second, seed %d", strings.Join(s.Endpoint, ", "), address, o.Speed, o.Seed),
		"",
		"  export AWS_ENDPOINT_URL=http://" + address + " AWS_REGION=" + o.Region,
	}
	if !o.NoAuth {
		lines = append(lines, fmt.Sprintf("  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s", o.AccessKey, o.SecretKey))
	}
	return append(lines, "  aws sagemaker describe-endpoint --endpoint-name "+s.Endpoint[0], "", "Ctrl-C ends it.", "")
}
