package emulator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll/emulator/internal/autoscaling"
	"plimsoll/emulator/internal/cloudwatch"
	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/hosting"
	"plimsoll/emulator/internal/identity"
	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/modeltime"
	"plimsoll/emulator/internal/quota"
	"plimsoll/emulator/internal/sigv4"
	"plimsoll/emulator/internal/wire"
	"plimsoll/fleet"
)

// Emulator serves one account in one region. It is safe for concurrent use. End it with
// Close.
type Emulator struct {
	opts     Options
	clock    *modeltime.Clock
	faults   *fault.Set
	verifier *sigv4.Verifier
	control  http.Handler
	missing  *missing
	stop     context.CancelFunc
	running  sync.WaitGroup

	parts atomic.Pointer[parts]

	ticking sync.Mutex // held while model time moves on; taken before the parts' own
	ticked  time.Time  // the last model second that the parts were told

	saving sync.Mutex
	saved  []byte // what the state file holds
}

var _ http.Handler = (*Emulator)(nil)

// parts are the services; a reset replaces them all.
type parts struct {
	hosting     *hosting.Hosting
	cloudwatch  *cloudwatch.Service
	autoscaling *autoscaling.Autoscaler
	server      *wire.Server
}

// New makes an emulator whose model time runs from now on, unless Speed is 0. It fails
// when the options do not validate, with every problem named, and when the state file
// cannot be read.
func New(o Options) (*Emulator, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("making an emulator: %w", err)
	}
	o = o.withDefaults()
	e := &Emulator{opts: o, missing: newMissing(o.Log)}
	if err := e.prepare(); err != nil {
		return nil, fmt.Errorf("making an emulator: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	if e.opts.Speed > 0 {
		e.running.Go(func() { e.run(ctx) })
	}
	return e, nil
}

// prepare makes everything but the loop.
func (e *Emulator) prepare() error {
	state, err := readState(e.opts.StateFile)
	if err != nil {
		return err
	}
	if state.ModelTime.After(e.opts.Start) {
		e.opts.Start = state.ModelTime // model time never runs backwards
	}
	if e.clock, err = modeltime.New(e.opts.Start, e.opts.Speed); err != nil {
		return err
	}
	e.ticked = e.clock.Now().Truncate(step)
	if e.faults, err = fault.NewSet(e.opts.Faults, e.opts.Seed); err != nil {
		return err
	}
	if e.verifier, err = sigv4.New(sigv4.Options{Keys: e.secretOf, Now: e.serviceTime}); err != nil {
		return err
	}
	p, err := e.build()
	if err != nil {
		return err
	}
	if err := p.restore(state); err != nil {
		return errors.Join(fmt.Errorf("state file %s: %w", e.opts.StateFile, err), p.hosting.Close())
	}
	if err := e.deploy(p); err != nil {
		return errors.Join(err, p.hosting.Close())
	}
	e.parts.Store(p)
	e.control = e.controlRoutes()
	return e.save()
}

// build makes the services and connects them:
//
//	hosting ──metrics──→ cloudwatch ──alarms in ALARM──→ autoscaling ──capacity──→ hosting
func (e *Emulator) build() (*parts, error) {
	p := &parts{}
	backend, err := e.backend()
	if err != nil {
		return nil, err
	}
	delay := fleet.Provisioning{Median: e.opts.Assumptions.ProvisioningMedian, Sigma: e.opts.Assumptions.ProvisioningSigma}
	p.hosting, err = hosting.New(hosting.Options{
		Clock: e.clock, Faults: e.faults, Backend: backend, Assumptions: e.opts.Assumptions,
		Delay:   func(k uint64) time.Duration { return delay.Delay(e.opts.Seed, k) },
		Publish: func(d metric.Datum) { p.cloudwatch.Put(d) },
		Deleted: func(id string) { p.autoscaling.Deleted(id) }, Registered: func(id string) bool { return p.autoscaling.Registered(id) },
		Unknown: func(operation string) { e.missing.note("SageMaker Runtime", operation) },
		Account: e.opts.Account, Region: e.opts.Region, Quota: e.opts.InstanceQuota, Seed: e.opts.Seed, MaxBody: e.opts.MaxBody,
	})
	if err != nil {
		return nil, errors.Join(err, backend.Close())
	}
	p.cloudwatch, err = cloudwatch.New(cloudwatch.Options{
		Region: e.opts.Region, Account: e.opts.Account, Clock: e.clock, Faults: e.faults, Assumptions: e.opts.Assumptions,
		Action: func(event cloudwatch.ActionEvent) { deliver(p.autoscaling, event) },
	})
	if err != nil {
		return nil, errors.Join(err, p.hosting.Close())
	}
	p.autoscaling, err = autoscaling.New(autoscaling.Options{
		Region: e.opts.Region, Account: e.opts.Account, Clock: e.clock, Assumptions: e.opts.Assumptions,
		Alarms: alarms{p.cloudwatch}, Capacity: resources{p.hosting}, NewID: ids(e.opts.Seed, e.clock.Now()),
	})
	if err != nil {
		return nil, errors.Join(err, p.hosting.Close())
	}
	quotas, err := quota.New(quota.Options{
		Region: e.opts.Region, Account: e.opts.Account, Applied: p.hosting.Quota, Default: func() int { return e.opts.InstanceQuota },
	})
	if err != nil {
		return nil, errors.Join(err, p.hosting.Close())
	}
	p.server, err = wire.NewServer(wire.ServerOptions{
		Before: e.before, Unknown: e.missing.note, Broken: e.broken,
	}, p.hosting.Wire(), p.cloudwatch.Wire(), p.autoscaling.Wire(), identity.New(e.opts.Account).Wire(), quotas.Wire())
	if err != nil {
		return nil, errors.Join(err, p.hosting.Close())
	}
	return p, nil
}

// deploy makes the endpoints that are to exist from the start.
func (e *Emulator) deploy(p *parts) error {
	for _, d := range e.opts.Endpoints {
		err := p.hosting.Deploy(hosting.Deployment{Endpoint: d.Name, Variant: d.Variant, InstanceType: d.InstanceType, Instances: d.Instances})
		if err != nil {
			return err
		}
	}
	return nil
}

// backend is what stands behind instances.
func (e *Emulator) backend() (hosting.Backend, error) {
	switch {
	case e.opts.URL != "":
		return hosting.URL(e.opts.URL, nil, e.opts.Log)
	case e.opts.Exec != "":
		return hosting.Exec(hosting.ExecOptions{Command: e.opts.Exec, Log: e.opts.Log})
	}
	return hosting.Modelled(hosting.ModelOptions{Model: e.opts.Model, Clock: e.clock, Seed: e.opts.Seed, Sleep: e.opts.Sleep})
}

// ids makes UUIDs that depend on the seed and on when it began, so that a run can be
// repeated, and one that goes on from a state file makes others than before.
func ids(seed uint64, began time.Time) func() string {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, uint64(began.UnixNano())))
	return func() string {
		mu.Lock()
		high, low := rng.Uint64(), rng.Uint64()
		mu.Unlock()
		return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", high>>32, high>>16&0xffff, high&0xfff, low>>48&0x3fff|0x8000, low&0xffffffffffff)
	}
}

// Now is the present model time.
func (e *Emulator) Now() time.Time { return e.clock.Now() }

// WaitInService waits until the endpoints of the options are in service with all their
// instances: at once where those are modelled, when their processes answer otherwise.
func (e *Emulator) WaitInService(ctx context.Context) error {
	const every = 50 * time.Millisecond
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		waiting, err := e.notInService()
		if err != nil || !waiting {
			return err
		}
		timer.Reset(every)
	}
}

// notInService says that an endpoint of the options is not complete yet.
func (e *Emulator) notInService() (bool, error) {
	p := e.parts.Load()
	for _, d := range e.opts.Endpoints {
		current, desired, updating, err := p.hosting.Capacity(hosting.VariantID(d.Name, d.Variant), hosting.InstanceCount)
		if err != nil {
			return false, fmt.Errorf("waiting for endpoint %s: %w", d.Name, err)
		}
		if updating || current < desired {
			return true, nil
		}
	}
	return false, nil
}

// Faults are the faults that are switched on.
func (e *Emulator) Faults() Faults { return *e.faults.Load() }

// SetFaults replaces the faults that are switched on; it changes nothing when one is out
// of range.
func (e *Emulator) SetFaults(f Faults) error { return e.faults.Store(f) }

// Reset forgets everything and begins again with the endpoints, policies and faults of
// the options. Model time goes on.
func (e *Emulator) Reset() error {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	p, err := e.build()
	if err != nil {
		return fmt.Errorf("resetting the emulator: %w", err)
	}
	if err := e.deploy(p); err != nil {
		return errors.Join(fmt.Errorf("resetting the emulator: %w", err), p.hosting.Close())
	}
	if err := e.faults.Store(e.opts.Faults); err != nil {
		return errors.Join(err, p.hosting.Close())
	}
	e.missing.forget()
	e.ticked = e.clock.Now().Truncate(step)
	old := e.parts.Swap(p)
	return errors.Join(old.hosting.Close(), e.save())
}

// Close ends the loop and every process behind an instance, and waits for them. End the
// server first: requests that are under way break off.
func (e *Emulator) Close() error {
	e.stop()
	e.running.Wait()
	return errors.Join(e.save(), e.parts.Load().hosting.Close())
}
