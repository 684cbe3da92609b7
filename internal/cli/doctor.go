package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"plimsoll/diagnosis"
	"plimsoll/experiment"
	"plimsoll/httptarget"
	"plimsoll/internal/host"
	"plimsoll/payload"
	"plimsoll/sagemaker"

	"github.com/spf13/cobra"
)

// doctor is what the command was told.
type doctor struct {
	env      Env
	settings Settings
	commands []string // that permissions are for; none: all
	policy   bool
	probe    bool
}

// diagnosed is what doctor prints for programs.
type diagnosed struct {
	SchemaVersion int               `json:"schema_version"`
	Failed        bool              `json:"failed"`
	Checks        []diagnosis.Check `json:"checks"`
}

func newDoctor(env Env) *cobra.Command {
	d := &doctor{env: env}
	shown := defaults()
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look through what a run needs: this machine, the network, AWS; changes nothing",
		Long: `Look through what a run needs before there is one:

  client    open files and local ports against --max-connections, processors and what is
            loaded on them, the timer that sends are kept by, memory, the clock
  network   proxies, name, addresses, connections, certificate (with --url or --endpoint); one
            request with --probe
  aws       credentials, identity, region, clock skew, and each permission that only reads,
            tried for real. What writes is not tried: --policy prints what to allow
  endpoint  status, variant, scaling, quota against capacity (with --endpoint)

Each check is ok, a warning, failed, or not known, with its evidence and what to do. No credential
is printed. The exit code is 0 when nothing failed, 15 otherwise. Without AWS credentials the
client's half is looked at, and the rest is not known, or failed where it was asked for.`,
		Example: "  plimsoll doctor\n  plimsoll doctor --url http://127.0.0.1:8080/invocations --payload body.json --probe\n  plimsoll doctor --endpoint my-endpoint --for find,pin\n  plimsoll doctor --for apply --policy --endpoint my-endpoint --region eu-central-1",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := settle(cmd.Flags(), defaults(), doctorGroups()...)
			if err != nil {
				return err
			}
			d.settings = s
			if err := d.check(); err != nil {
				return err
			}
			if d.policy {
				return d.printPolicy()
			}
			return d.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	flags(fs, &shown, doctorGroups()...)
	fs.StringSliceVar(&d.commands, "for", nil, "commands whose permissions to look at, such as find,pin (empty: all): "+strings.Join(diagnosis.Commands(), ", "))
	fs.BoolVar(&d.policy, "policy", false, "print the IAM policy that those commands need, and look at nothing")
	fs.BoolVar(&d.probe, "probe", false, "send one request to --url")
	configFlag(fs)
	return cmd
}

func doctorGroups() []group { return []group{endpointFlags, payloadFlags, outputFlags} }

// check reports what does not go together.
func (d *doctor) check() error {
	s := d.settings
	if err := diagnosis.CheckCommands(d.commands); err != nil {
		return usageError("--for: %w", err)
	}
	if s.MaxConnections < 1 {
		return usageError("--max-connections %d: must be above zero", s.MaxConnections)
	}
	if d.probe && s.URL == "" {
		return usageError("--probe: there is nothing to send a request to; give --url (an invocation of a SageMaker endpoint is what plimsoll load --max-requests 1 makes)")
	}
	if s.URL == "" && len(s.Endpoint) == 0 {
		return nil
	}
	return d.settings.checkTarget()
}

// endpoint is the SageMaker endpoint that was named, if one was.
func (d *doctor) endpoint() string {
	if len(d.settings.Endpoint) == 0 {
		return ""
	}
	return d.settings.Endpoint[0]
}

func (d *doctor) printPolicy() error {
	s := diagnosis.Scope{Region: d.settings.Region, Endpoint: d.endpoint()}
	if _, err := io.WriteString(d.env.Stdout, diagnosis.Policy(d.commands, s)); err != nil {
		return err
	}
	say(d.env.Stderr, "put in what stands in capitals; docs/permissions.md says which command needs what")
	return nil
}

func (d *doctor) run(ctx context.Context) error {
	checks := diagnosis.Client(d.machine(ctx), d.settings.MaxConnections)
	network, err := d.network(ctx)
	if err != nil {
		return err
	}
	checks = append(checks, network...)
	if d.settings.URL == "" {
		checks = append(checks, d.aws(ctx)...)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := d.tell(checks); err != nil {
		return err
	}
	if diagnosis.Failed(checks) {
		return &exitError{code: exitUnfit, err: errors.New("a check failed"), said: true}
	}
	return nil
}

// How long the sleeper is tried: 80 sleeps of 2.5 ms.
const (
	sleeps     = 80
	sleepFor   = 2500 * time.Microsecond
	patience   = 30 * time.Second // for the first answers of AWS; the metadata service keeps one waiting
	askPatient = 2 * time.Minute  // for all others
)

// machine asks this machine, and tries its timer.
func (d *doctor) machine(ctx context.Context) diagnosis.Machine {
	m := diagnosis.Machine{OpenFilesLimit: host.OpenFiles(), Processors: runtime.NumCPU(), Procs: runtime.GOMAXPROCS(0), Memory: host.Memory(), Busy: -1, Stolen: -1}
	m.OpenFiles, m.OpenFilesHard = host.Files()
	p := host.LocalPorts()
	m.PortLow, m.PortHigh, m.PortsUsed, m.TimeWait = p.Low, p.High, p.Used, p.TimeWait
	m.LoadAverage, m.LoadKnown = host.Load()
	c := host.ClockState()
	m.ClockKnown, m.ClockSynchronized, m.ClockMaxError = c.Known, c.Synchronized, c.MaxError
	busy, total := host.Machine()
	stolen := host.Stolen()
	m.Overshoot = overshoot(ctx)
	if busyAfter, totalAfter := host.Machine(); totalAfter > total {
		m.Busy = float64(busyAfter-busy) / float64(totalAfter-total)
		m.Stolen = float64(host.Stolen()-stolen) / float64(totalAfter-total)
	}
	return m
}

// overshoot is how late the generator's sleeper wakes.
func overshoot(ctx context.Context) []time.Duration {
	var sleeper host.Sleeper
	defer sleeper.Close()
	var late []time.Duration
	for len(late) < sleeps && ctx.Err() == nil {
		until := time.Now().Add(sleepFor)
		sleeper.Until(until)
		late = append(late, time.Since(until))
	}
	return late
}

// network looks at the way to what was named.
func (d *doctor) network(ctx context.Context) ([]diagnosis.Check, error) {
	s := d.settings
	if s.URL == "" && d.endpoint() == "" {
		return []diagnosis.Check{diagnosis.Proxies(d.proxies())}, nil
	}
	if s.URL == "" {
		s.CAFile = orEmpty(s.CAFile, d.env.Getenv("AWS_CA_BUNDLE"))
	}
	j := &job{env: d.env, settings: s, corpus: payload.Empty(s.ContentType)}
	if len(s.Payload) > 0 || d.probe {
		var err error
		if j.corpus, err = loadCorpus(d.env, s); err != nil {
			return nil, coded(exitUsage, err)
		}
	}
	if err := j.buildTarget(ctx); err != nil {
		if errors.Is(err, sagemaker.ErrNoRegion) {
			return nil, nil // the AWS half says so
		}
		return nil, err
	}
	defer j.close()
	checks := diagnosis.Network(way(j.target, j.target.Inspect(ctx)), time.Now())
	if d.probe && !diagnosis.Failed(checks) {
		checks = append(checks, probed(ctx, j))
	}
	return checks, nil
}

func orEmpty(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// proxies are the names of the variables that set one, as net/http reads them.
func (d *doctor) proxies() []string {
	var set []string
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		if d.env.Getenv(name) != "" {
			set = append(set, name)
		}
	}
	return set
}

// way is an inspection in the words of diagnosis.
func way(t *httptarget.Target, in httptarget.Inspection) diagnosis.Way {
	w := diagnosis.Way{
		Engine: t.Engine(), EngineReason: t.EngineReason(), Proxied: t.Proxied(),
		Address: in.Address, Lookup: in.Lookup, Problem: problem(in.Err, in.Remedy),
	}
	for _, r := range in.Routes {
		route := diagnosis.Route{Address: r.Address, Connect: r.Connect, Handshake: r.Handshake, Problem: problem(r.Err, r.Remedy)}
		if c := r.Certificate; c != nil {
			route.Names, route.Issuer, route.Expires = c.Names, c.Issuer, c.Expires
		}
		w.Routes = append(w.Routes, route)
	}
	return w
}

func problem(err error, remedy string) diagnosis.Problem {
	if err == nil {
		return diagnosis.Problem{}
	}
	return diagnosis.Problem{What: err.Error(), Remedy: remedy}
}

// probed sends one request.
func probed(ctx context.Context, j *job) diagnosis.Check {
	began := time.Now()
	if err := j.probe(ctx); err != nil {
		remedy := "is it the right port, and does it want https://?"
		if codeOf(err) == exitRefused {
			remedy = "payload, path and headers must be what the server takes, and --timeout as long as it needs"
		}
		return diagnosis.Check{Part: "network", Name: "probe", Status: diagnosis.Fail, Evidence: err.Error(), Remedy: remedy}
	}
	return diagnosis.Check{Part: "network", Name: "probe", Status: diagnosis.OK, Evidence: fmt.Sprintf("one request was answered well in %v, connecting included", time.Since(began).Round(10*time.Microsecond))}
}

// tell prints the checks.
func (d *doctor) tell(checks []diagnosis.Check) error {
	if d.settings.Output == outputJSON {
		return printJSON(d.env.Stdout, diagnosed{SchemaVersion: experiment.SchemaVersion, Failed: diagnosis.Failed(checks), Checks: checks})
	}
	_, err := io.WriteString(d.env.Stdout, checksText(checks))
	return err
}

// checksText is a line for each check, what to do below it.
func checksText(checks []diagnosis.Check) string {
	const line = "  %-9s  %-11s  %s\n"
	var b strings.Builder
	part := ""
	count := map[diagnosis.Status]int{}
	for _, c := range checks {
		if c.Part != part {
			part = c.Part
			b.WriteString(part + "\n")
		}
		count[c.Status]++
		fmt.Fprintf(&b, line, c.Status, c.Name, c.Evidence)
		if c.Remedy != "" {
			fmt.Fprintf(&b, line, "", "", "→ "+c.Remedy)
		}
	}
	fmt.Fprintf(&b, "%d ok, %d warn, %d fail, %d not known\n", count[diagnosis.OK], count[diagnosis.Warn], count[diagnosis.Fail], count[diagnosis.NotKnown])
	return b.String()
}
