package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/runlog"
	"plimsoll/sagemaker"

	"github.com/spf13/pflag"
)

// control is what the commands share that look at an endpoint's scaling or change it.
type control struct {
	env       Env
	endpoint  string
	variant   string
	component string // inference component
	region    string
	profile   string
	dir       string
	yes       bool
	quiet     bool
	output    string
	account   *sagemaker.Account // that is spoken to instead of the configured one
}

// flagsOfEndpoint define whose endpoint it is.
func (c *control) flagsOfEndpoint(fs *pflag.FlagSet) {
	fs.StringVar(&c.endpoint, "endpoint", "", "name of the SageMaker endpoint")
	fs.StringVar(&c.variant, "variant", "", "its production variant (empty: the only one)")
	fs.StringVar(&c.component, "inference-component", "", "an inference component on it, whose copies are scaled instead of instances")
	fs.StringVar(&c.region, "region", "", "AWS region (otherwise by the environment or the profile)")
	c.flagsOfOutput(fs)
}

func (c *control) flagsOfOutput(fs *pflag.FlagSet) {
	fs.StringVar(&c.profile, "profile", "", "AWS profile (otherwise by the environment)")
	fs.StringVarP(&c.output, "output", "o", outputText, "what standard output gets: text or json")
	configFlag(fs)
}

// flagsOfChange define how a change is agreed to and where its journal lies.
func (c *control) flagsOfChange(fs *pflag.FlagSet) {
	fs.StringVar(&c.dir, "dir", "", "directory of the journal (empty: a dated one under the user's state folder)")
	fs.BoolVarP(&c.yes, "yes", "y", false, "make the changes that are shown, without asking")
	fs.BoolVarP(&c.quiet, "quiet", "q", false, "no progress, the result only")
}

// settle takes from the YAML file what was not given as a flag, and checks it.
func (c *control) settle(given *pflag.FlagSet) error {
	s := defaults()
	if _, err := readConfig(given, &s); err != nil {
		return err
	}
	if c.endpoint == "" && len(s.Endpoint) == 1 {
		c.endpoint = s.Endpoint[0]
	}
	c.component = cmp.Or(c.component, s.InferenceComponent)
	c.variant, c.region, c.profile = cmp.Or(c.variant, s.Variant), cmp.Or(c.region, s.Region), cmp.Or(c.profile, s.Profile)
	if c.endpoint == "" {
		return usageError("--endpoint is missing: give the name of the SageMaker endpoint")
	}
	return choice("output", c.output, outputText, outputJSON)
}

// connect reaches AWS.
func (c *control) connect(ctx context.Context, region string) (*sagemaker.Control, error) {
	return sagemaker.Connect(ctx, sagemaker.ControlOptions{Region: region, Profile: c.profile, Account: c.account})
}

// tellSplit warns of a control that asks AWS about what is invoked elsewhere.
func (c *control) tellSplit(aws *sagemaker.Control) {
	if split := aws.Split(); split != nil && !split.Private() {
		say(c.env.Stderr, "warning: "+split.Warning())
	}
}

// plane is the control plane over a connection; its journal is still to be given.
func (c *control) plane(aws *sagemaker.Control) experiment.Plane {
	p := experiment.Plane{Hosting: aws, Autoscaler: aws, Deployer: aws, Poll: aws.Poll}
	if !c.quiet {
		p.Note = func(line string) { say(c.env.Stderr, line) }
	}
	return p
}

// looked is a variant as it was found.
type looked struct {
	variant  experiment.Variant
	endpoint experiment.EndpointState
	scaling  experiment.ScalingState
}

// look describes the endpoint that the flags name.
func (c *control) look(ctx context.Context, p experiment.Plane) (looked, error) {
	e, err := p.Hosting.Describe(ctx, c.endpoint)
	if err != nil {
		return looked{}, err
	}
	name := c.variant
	if c.component != "" {
		component, err := e.Component(c.component)
		if err != nil {
			return looked{}, err
		}
		name = cmp.Or(name, component.Variant)
	}
	state, err := e.Variant(name)
	if err != nil {
		return looked{}, err
	}
	v := experiment.Variant{Endpoint: c.endpoint, Name: state.Name, Component: c.component}
	s, err := p.Autoscaler.Scaling(ctx, v)
	return looked{v, e, s}, err
}

// reached is a variant that may be changed: what leads to it, and how it was found.
type reached struct {
	looked

	aws   *sagemaker.Control // to be closed
	plane experiment.Plane   // its journal is still to be given
}

// reach connects to the endpoint that the flags name, and looks at it. It refuses one that
// an earlier run has not given back, and to change AWS while an emulator is invoked.
func (c *control) reach(ctx context.Context) (*reached, error) {
	if err := c.free(); err != nil {
		return nil, err
	}
	aws, err := c.connect(ctx, c.region)
	if err != nil {
		return nil, err
	}
	if err := aws.Split().RefuseChange(); err != nil {
		aws.Close()
		return nil, coded(exitUsage, err)
	}
	r := &reached{aws: aws, plane: c.plane(aws)}
	if r.looked, err = c.look(ctx, r.plane); err != nil {
		aws.Close()
		return nil, err
	}
	return r, nil
}

// applied is what is printed of changes before they are made.
func (r *reached) applied(changes []experiment.Change, warnings []string) applied {
	return applied{
		SchemaVersion: experiment.SchemaVersion, On: r.variant, Region: r.aws.Region(),
		Changes: append([]experiment.Change{}, changes...), Warnings: append([]string{}, warnings...),
	}
}

// free refuses to change an endpoint that an earlier run has not given back.
func (c *control) free() error {
	unfinished, err := runlog.Unfinished(c.env.Getenv)
	if err != nil {
		return coded(exitRecord, err)
	}
	for _, u := range unfinished {
		if u.Changed.Variant.Endpoint == c.endpoint {
			return coded(exitLeftovers, fmt.Errorf("an earlier %s has left changes on endpoint %s; give it back first: plimsoll restore --dir %s", u.Changed.Command, c.endpoint, u.Dir))
		}
		say(c.env.Stderr, fmt.Sprintf("note: an earlier %s has left changes on endpoint %s; plimsoll restore gives it back", u.Changed.Command, u.Changed.Variant.Endpoint))
	}
	return nil
}

// begin opens the journal of a command that changes what was looked at.
func (c *control) begin(command, region string, l looked) (*runlog.Journal, error) {
	dir := c.dir
	if dir == "" {
		var err error
		if dir, err = runlog.DefaultDir(command, time.Now(), c.env.Getenv); err != nil {
			return nil, coded(exitRecord, err)
		}
	}
	j, err := runlog.CreateJournal(dir, runlog.Changed{Command: command, Variant: l.variant, ARN: l.endpoint.ARN, Region: region}, c.env.Getenv)
	return j, coded(exitRecord, err)
}

// show tells on standard error what is about to be changed.
func (c *control) show(v experiment.Variant, changes []experiment.Change, warnings []string) {
	for _, w := range warnings {
		say(c.env.Stderr, "warning: "+w)
	}
	if c.quiet && c.yes {
		return // nobody is asked
	}
	say(c.env.Stderr, "endpoint "+v.Endpoint+", variant "+v.Name+ofComponent(v)+":")
	for _, change := range changes {
		say(c.env.Stderr, change.Lines()...)
	}
}

// ofComponent names the component, where there is one.
func ofComponent(v experiment.Variant) string {
	if v.Component == "" {
		return ""
	}
	return ", inference component " + v.Component
}

// confirm asks, unless --yes was given.
func (c *control) confirm(ctx context.Context, question string) error {
	if c.yes {
		return nil
	}
	_, _ = io.WriteString(c.env.Stderr, question+" [y/N] ")
	answered := make(chan string, 1)
	go func() { // a terminal cannot be read until a deadline; it ends with the process
		line, _ := bufio.NewReader(c.env.Stdin).ReadString('\n')
		answered <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-answered:
		if answer == "y" || answer == "yes" {
			return nil
		}
		return coded(exitDeclined, errors.New("not confirmed, so nothing was changed; --yes makes the changes without asking"))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// printJSON is how results are printed for programs.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// controlCode is the exit code of trouble with the control plane.
func controlCode(p experiment.Problem) int {
	switch p {
	case experiment.ProblemUnreachable:
		return exitUnreachable
	case experiment.ProblemCredentials, experiment.ProblemDenied:
		return exitCredentials
	case experiment.ProblemIdle:
		return exitNoScaling
	case experiment.ProblemLeftovers:
		return exitLeftovers
	default:
		return exitAWS
	}
}
