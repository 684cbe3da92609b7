package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/report"
	"plimsoll/runlog"
	"plimsoll/sagemaker"
)

// making is find on endpoints that are made for it, one after the other.
type making struct {
	*control

	base   *job // with the payload; of no endpoint yet
	where  place
	aws    *sagemaker.Control
	began  time.Time // once the user has agreed
	spent  float64   // dollars, of those that are deleted
	source string    // ARN in the same account and region
	of     *experiment.Variant
}

// madeVariant is what the variant of a model's endpoint is called.
const madeVariant = "AllTraffic"

// findMade is find on endpoints that are made first and deleted afterwards.
func findMade(ctx context.Context, env Env, s Settings, where place) error {
	run := newRun(time.Now())
	base, err := where.baseJob(ctx, env, s, run)
	if err != nil {
		return err
	}
	defer base.close()
	m := &making{control: base.control(where.yes), base: base, where: where}
	if m.endpoint = ""; where.clone {
		m.endpoint = s.Endpoint[0]
	}
	if err := m.free(); err != nil {
		return err
	}
	if s.Dir != "" {
		if err := runlog.CheckVacant(s.Dir); err != nil {
			return coded(exitRecord, err)
		}
	}
	if m.aws, err = m.connect(ctx, s.Region); err != nil {
		return err
	}
	defer m.aws.Close()
	if err := m.aws.Split().RefuseChange(); err != nil {
		return coded(exitUsage, err)
	}
	made, err := m.deployments(ctx, run)
	if err != nil {
		return err
	}
	costs, err := m.agree(ctx, made)
	if err != nil {
		return err
	}
	m.began = time.Now()
	if base.settings.Dir, err = base.recordDir(); err != nil {
		return err
	}
	if where.kinds == "" {
		_, err := m.measure(ctx, made[0], costs[0], base.settings.Dir, nil)
		return err
	}
	return m.compare(ctx, made, costs)
}

// newRun is a name for a run that no other has.
func newRun(now time.Time) string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // it does not fail: crypto/rand ends the program instead
	return now.UTC().Format("20060102-150405-") + hex.EncodeToString(b[:])
}

// baseJob checks everything that a run needs before anything is made for it.
func (p *place) baseJob(ctx context.Context, env Env, s Settings, run string) (*job, error) {
	place := &experiment.Place{Deployment: &experiment.Deployment{Variant: s.Variant, Model: p.deploy, InstanceType: cmp.Or(p.kind, p.kinds)}}
	if p.clone {
		place.Original = &experiment.Variant{Endpoint: s.Endpoint[0], Name: s.Variant}
	}
	s.Endpoint = texts{"plimsoll-" + run}
	j, err := prepareFind(ctx, env, s, "find")
	if err == nil {
		j.plan.Place = place
	}
	return j, err
}

// deployments are what is to be made, in order, by the names of a run.
func (m *making) deployments(ctx context.Context, run string) ([]experiment.Deployment, error) {
	types := m.where.types()
	if !m.where.clone {
		arn, err := m.aws.ModelARN(ctx, m.where.deploy)
		if err != nil {
			return nil, err
		}
		m.source = arn
		var made []experiment.Deployment
		for _, kind := range types {
			made = append(made, m.named(run, experiment.Deployment{Variant: cmp.Or(m.variant, madeVariant), Model: m.where.deploy, InstanceType: kind}))
		}
		return made, nil
	}
	e, err := m.aws.Describe(ctx, m.endpoint)
	if err != nil {
		return nil, err
	}
	state, err := e.Variant(m.variant)
	if err != nil {
		return nil, err
	}
	m.source, m.of = e.ARN, &experiment.Variant{Endpoint: m.endpoint, Name: state.Name}
	if len(types) == 0 {
		types = []string{""}
	}
	var made []experiment.Deployment
	for _, kind := range types {
		d, left, err := m.aws.Copy(ctx, e, state.Name, kind)
		if err != nil {
			return nil, err
		}
		for _, part := range left {
			say(m.env.Stderr, fmt.Sprintf("note: the copy on %s leaves out %s", d.InstanceType, part))
		}
		made = append(made, m.named(run, d))
	}
	return made, nil
}

func (m *making) named(run string, d experiment.Deployment) experiment.Deployment {
	d.Name, d.Run, d.Region = experiment.DeploymentName(run, d.InstanceType), run, m.aws.Region()
	return d
}

// agree shows what will be made and what it costs, and asks. It refuses what is over a limit
// or a quota.
func (m *making) agree(ctx context.Context, made []experiment.Deployment) ([]experiment.Cost, error) {
	var types []string
	for _, d := range made {
		types = append(types, d.InstanceType)
	}
	o := m.base.settings.outlayOf(m.base.plan, types, 1, true, m.aws.Region())
	for _, kind := range types {
		quota := m.quota(ctx, kind)
		if err := quota.Allows(kind, 1); err != nil {
			return nil, err
		}
		o.notes = append(o.notes, fmt.Sprintf("the quota of %s is %s", experiment.EndpointQuotaName(kind), quota))
	}
	if err := m.base.agree(o); err != nil {
		return nil, err
	}
	for i, d := range made {
		v, changes := experiment.Deploy(d, o.costs[i].AnHour())
		m.show(v, changes, nil)
	}
	question := "make this endpoint, and delete it after the run?"
	if len(made) > 1 {
		question = "make these endpoints, one after the other, and delete each after its run?"
	}
	return o.costs, m.confirm(ctx, question)
}

// quota is looked up where AWS tells within a few seconds.
func (m *making) quota(ctx context.Context, instanceType string) experiment.Quota {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	return m.aws.InstanceQuota(ctx, instanceType, experiment.Variant{})
}

// measure makes an endpoint, finds its peak, and deletes it. Where result is given the
// answer goes there, and not to standard output.
func (m *making) measure(ctx context.Context, d experiment.Deployment, expected experiment.Cost, dir string, result **experiment.Result) (time.Duration, error) {
	j, err := m.base.on(ctx, d, dir, m.of)
	if err != nil {
		return 0, err
	}
	defer j.close()
	if err := j.ready(ctx); err != nil {
		return 0, err
	}
	record, err := j.open()
	if err != nil {
		return 0, err
	}
	find := j.find(nil)
	if result != nil {
		j.env.Stdout = io.Discard
		find = func(ctx context.Context, g *loadgen.Generator, o experiment.Observer) (report.Document, error) {
			doc, err := j.find(nil)(ctx, g, o)
			*result = doc.Result
			return doc, err
		}
	}
	v, changes := experiment.Deploy(d, expected.AnHour())
	l := looked{variant: v, endpoint: experiment.EndpointState{ARN: endpointARN(m.source, d.Name)}}
	limited, cancel := within(ctx, j.settings.limits(), m.began, m.spent, perHour([]experiment.Cost{expected}))
	defer cancel()
	began := time.Now()
	err = m.whileChanged(limited, m.plane(m.aws), m.aws.Region(), l, changes, record, func(ctx context.Context) error {
		if err := j.probe(ctx); err != nil {
			return errors.Join(err, record.Close())
		}
		return j.run(ctx, record, find)
	})
	took := time.Since(began)
	if !m.quiet {
		say(m.env.Stderr, fmt.Sprintf("made for the run: %s", experiment.CostOf(d.InstanceType, 1, true, took, expected.Price)))
	}
	return took, err
}

// on is the job on an endpoint that is made, with a directory of its own.
func (j *job) on(ctx context.Context, d experiment.Deployment, dir string, original *experiment.Variant) (*job, error) {
	k := *j
	k.settings.Endpoint, k.settings.Dir, k.aws = texts{d.Name}, dir, nil
	if err := k.buildTarget(ctx); err != nil {
		return nil, err
	}
	plan, err := k.describe(j.plan.Command)
	if err != nil {
		k.close()
		return nil, err
	}
	plan.Search, plan.Target, plan.Limits = j.plan.Search, j.plan.Target, j.plan.Limits
	plan.Place = &experiment.Place{Deployment: &d, Original: original}
	k.plan = plan
	return &k, nil
}

// endpointARN is the ARN of an endpoint in the account and the region of another resource.
func endpointARN(of, name string) string {
	at := strings.LastIndex(of, ":")
	return of[:at+1] + "endpoint/" + name
}

// unmeasured are the types whose turn did not come.
func unmeasured(made []experiment.Deployment, expected []experiment.Cost) []experiment.Typed {
	var types []experiment.Typed
	for i, d := range made {
		types = append(types, experiment.Typed{InstanceType: d.InstanceType, Price: expected[i].Price, Error: "the run had ended before"})
	}
	return types
}

// compare measures one type after the other, and shows them side by side.
func (m *making) compare(ctx context.Context, made []experiment.Deployment, expected []experiment.Cost) error {
	var types []experiment.Typed
	var first, broken error
	for i, d := range made {
		if !m.base.settings.Quiet {
			say(m.env.Stderr, fmt.Sprintf("%s (%d of %d)", d.InstanceType, i+1, len(made)))
		}
		typed := experiment.Typed{InstanceType: d.InstanceType, Dir: filepath.Join(m.base.settings.Dir, d.InstanceType), Price: expected[i].Price}
		var result *experiment.Result
		took, err := m.measure(ctx, d, expected[i], typed.Dir, &result)
		if took > 0 {
			cost := experiment.CostOf(d.InstanceType, 1, true, took, expected[i].Price)
			typed.Cost = &cost
			if cost.Dollars != nil {
				m.spent += *cost.Dollars
			}
		}
		if result != nil {
			typed.Peak, typed.Target = &result.Peak, result.Target
		}
		if outcome, ok := errors.AsType[*exitError](err); err != nil && !(ok && outcome.said) {
			typed.Error = err.Error()
			broken = errors.Join(broken, fmt.Errorf("%s: %w", d.InstanceType, err))
		}
		if first == nil {
			first = err
		}
		types = append(types, typed)
		if ends(ctx, err) {
			types = append(types, unmeasured(made[i+1:], expected[i+1:])...)
			break
		}
	}
	compared := experiment.Compare(types)
	compared.Dir = m.base.settings.Dir
	return errors.Join(broken, m.tellTypes(compared), outcomeOf(compared, first))
}
