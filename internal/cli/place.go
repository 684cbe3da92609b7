package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/runlog"

	"github.com/spf13/pflag"
)

// place is where find measures: on what it is pointed at, as it is; there with one instance
// (pin); or on an endpoint that is made for it and deleted after, a copy (clone) or of a
// model (deploy).
type place struct {
	pin, clone bool
	deploy     string // a model
	kind       string // instance type of what is made
	kinds      string // several, which are compared
	yes        bool
}

func (p *place) flags(fs *pflag.FlagSet) {
	p.flagsOfPlace(fs)
	fs.BoolVarP(&p.yes, "yes", "y", false, "with --pin, --clone or --deploy: make the changes that are shown, without asking")
}

func (p *place) flagsOfPlace(fs *pflag.FlagSet) {
	fs.BoolVar(&p.pin, "pin", false, "of a SageMaker endpoint: suspend its scaling and bring it to one instance first, and give it back afterwards")
	fs.BoolVar(&p.clone, "clone", false, "measure a copy of the endpoint's variant with one instance, which is made first and deleted afterwards")
	fs.StringVar(&p.deploy, "deploy", "", "measure a SageMaker model on an endpoint with one instance, which is made first and deleted afterwards")
	fs.StringVar(&p.kind, "instance-type", "", "with --deploy or --clone: its instance type, such as ml.m5.xlarge (--clone: otherwise that of the original)")
	fs.StringVar(&p.kinds, "instance-types", "", "with --deploy or --clone: several, such as ml.m5.xlarge,ml.c5.xlarge; measured one after the other and compared")
}

// made says that the endpoint is made for the run.
func (p *place) made() bool { return p.clone || p.deploy != "" }

// types are the instance types that are named.
func (p *place) types() []string {
	if p.kind != "" {
		return []string{p.kind}
	}
	if p.kinds == "" {
		return nil
	}
	kinds := strings.Split(p.kinds, ",")
	for i := range kinds {
		kinds[i] = strings.TrimSpace(kinds[i])
	}
	return kinds
}

// instanceType is SageMaker's pattern of one, from the API's ProductionVariantInstanceType.
var instanceType = regexp.MustCompile(`^ml\.[a-z0-9-]+\.[a-z0-9-]+$`)

// check reports flags that do not say together where to measure.
func (p *place) check(s *Settings) error {
	var chosen []string
	for _, c := range []struct {
		on   bool
		flag string
	}{{p.pin, "--pin"}, {p.clone, "--clone"}, {p.deploy != "", "--deploy"}} {
		if c.on {
			chosen = append(chosen, c.flag)
		}
	}
	types := p.types()
	switch {
	case len(chosen) > 1:
		return usageError("%s: give one of them", strings.Join(chosen, ", "))
	case p.kind != "" && p.kinds != "":
		return usageError("--instance-type %s and --instance-types %s: give one of the two", p.kind, p.kinds)
	case len(types) > 0 && !p.made():
		return usageError("--instance-type and --instance-types are of an endpoint that is made: give --deploy MODEL, or --clone with --endpoint")
	case p.deploy != "" && (s.URL != "" || len(s.Endpoint) > 0):
		return usageError("--deploy %s makes an endpoint of its own: leave out --url and --endpoint", p.deploy)
	case p.deploy != "" && len(types) == 0:
		return usageError("--deploy %s: on which instance? give --instance-type ml.m5.xlarge, or --instance-types with several", p.deploy)
	case (p.pin || p.clone) && len(s.Endpoint) == 0:
		return usageError("%s is for a SageMaker endpoint, which --endpoint names", chosen[0])
	case p.made() && s.InferenceComponent != "":
		return usageError("--inference-component %s: of an endpoint that is made there are none", s.InferenceComponent)
	}
	for i, kind := range types {
		if !instanceType.MatchString(kind) {
			return usageError("--instance-types: %q is no instance type such as ml.m5.xlarge", kind)
		}
		if slices.Contains(types[:i], kind) {
			return usageError("--instance-types: %s is given twice", kind)
		}
	}
	return nil
}

// findAsItIs is find on an endpoint that nothing is done to.
func (j *job) findAsItIs(ctx context.Context) error {
	o := j.asItIs(ctx)
	if err := j.agree(o); err != nil {
		return err
	}
	ctx, cancel := within(ctx, j.settings.limits(), time.Now(), 0, perHour(o.costs))
	defer cancel()
	record, err := j.begin(ctx)
	if err != nil {
		return err
	}
	return j.run(ctx, record, j.find(nil))
}

// findPinned is find with one instance, whose journal lies in the run's directory.
func (j *job) findPinned(ctx context.Context, where place) error {
	c := j.control(where.yes)
	r, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer r.aws.Close()
	changes, err := experiment.Pin(r.variant, r.endpoint, r.scaling)
	if err != nil {
		return err
	}
	state, err := r.endpoint.Variant(r.variant.Name)
	if err != nil {
		return err
	}
	o := j.settings.outlayOf(j.plan, []string{state.InstanceType}, 1, false, r.aws.Region())
	if err := j.agree(o); err != nil {
		return err
	}
	if len(changes) > 0 {
		warnings, err := c.othersUse(ctx, r.aws, r.variant)
		if err != nil {
			return err
		}
		c.show(r.variant, changes, warnings)
		if err := c.confirm(ctx, "make these changes, and take them back after the run?"); err != nil {
			return err
		}
	}
	j.plan.Place = &experiment.Place{Pinned: true}
	ctx, cancel := within(ctx, j.settings.limits(), time.Now(), 0, perHour(o.costs))
	defer cancel()
	record, err := j.begin(ctx)
	if err != nil {
		return err
	}
	run := func(ctx context.Context) error { return j.run(ctx, record, j.find(nil)) }
	if len(changes) == 0 {
		return run(ctx)
	}
	return c.whileChanged(ctx, r.plane, r.aws.Region(), r.looked, changes, record, run)
}

// control is the control plane of the job's endpoint.
func (j *job) control(yes bool) *control {
	s := j.settings
	c := &control{env: j.env, variant: s.Variant, component: s.InferenceComponent, region: s.Region, profile: s.Profile, yes: yes, quiet: s.Quiet, account: s.account}
	if len(s.Endpoint) > 0 {
		c.endpoint = s.Endpoint[0]
	}
	return c
}

// whileChanged makes changes under a journal in the run's directory, runs what is to be run,
// and takes them back. What is left on AWS matters more than what was measured.
func (c *control) whileChanged(ctx context.Context, p experiment.Plane, region string, l looked, changes []experiment.Change, record *runlog.Writer, run func(context.Context) error) error {
	c.dir = record.Dir()
	journal, err := c.begin("find", region, l)
	if err != nil {
		return errors.Join(err, record.Close())
	}
	p.Journal = journal
	began, ran := false, error(nil)
	err = p.Pinned(ctx, l.variant, changes, func(ctx context.Context) error {
		began, ran = true, run(ctx)
		return nil // it is told apart from what giving back may fail with
	})
	if !began {
		err = errors.Join(err, record.Close())
	}
	c.tellLeft(l.variant, journal.Changes())
	err = errors.Join(err, coded(exitRecord, journal.Close()))
	if err != nil && ran != nil {
		say(c.env.Stderr, "plimsoll: "+ran.Error())
	}
	if err != nil {
		return err
	}
	return ran
}

// tellLeft lists what a journal has left on AWS, with the commands that would undo it.
func (c *control) tellLeft(v experiment.Variant, was runlog.Changes) {
	for _, i := range slices.Backward(was.Intents) {
		if !i.Undone {
			say(c.env.Stderr, fmt.Sprintf("left on AWS, of %s; to undo it by hand:", v), "  "+i.Change.Command(v))
		}
	}
}

// placeWords are the flags that measure in the same place again. An endpoint that was made is
// made anew, so its name goes out of the settings.
func placeWords(p *experiment.Place, s *Settings) []string {
	switch {
	case p == nil:
		return nil
	case p.Pinned:
		return []string{"--pin"}
	case p.Deployment == nil:
		return nil
	case p.Original != nil:
		s.Endpoint, s.Variant = texts{p.Original.Endpoint}, p.Original.Name
		return append([]string{"--clone"}, typeWords(p.Deployment.InstanceType)...)
	}
	s.Endpoint = nil
	return append([]string{"--deploy", quote(p.Deployment.Model)}, typeWords(p.Deployment.InstanceType)...)
}

// typeWords name one instance type, or several with commas between.
func typeWords(types string) []string {
	switch {
	case types == "":
		return nil
	case strings.Contains(types, ","):
		return []string{"--instance-types", quote(types)}
	}
	return []string{"--instance-type", quote(types)}
}
