package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"plimsoll/httptarget"
	"plimsoll/loadgen"
)

// Target is one SageMaker endpoint with the requests that it is sent. It is safe
// for concurrent use; make one with [New], and close it.
type Target struct {
	http   *httptarget.Target
	wire   *wire
	keeper *keeper
	split  *Split

	mu     sync.Mutex
	cancel context.CancelFunc // of the refreshing; nil before Authenticate
	done   sync.WaitGroup
}

var _ loadgen.Target = (*Target)(nil)

// New makes a target: it loads the SDK's configuration, asks where invocations go
// and prepares every request. It connects to nothing and needs no credentials.
func New(ctx context.Context, o Options) (*Target, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	cfg, err := loadConfig(ctx, o)
	if err != nil {
		return nil, err
	}
	w, err := resolve(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	h, err := o.httpOptions(w)
	if err != nil {
		return nil, err
	}
	t := &Target{wire: w, split: splitOf(cfg), keeper: &keeper{provider: cfg.Credentials, warn: o.Warn}}
	h.Stamper = newSigner(w.region, w.service, t.keeper.identity)
	t.http, err = httptarget.New(h)
	return t, err
}

// Authenticate fetches the credentials and keeps them fresh until Close. Before
// it, every request fails as unauthorized. Its error is a *CredentialsError, or
// ctx's when that ended first.
func (t *Target) Authenticate(ctx context.Context) error {
	t.mu.Lock()
	started := t.cancel != nil
	t.mu.Unlock()
	if started {
		return errors.New("the target is authenticated already")
	}
	if err := t.keeper.retrieve(ctx); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("fetching the AWS credentials: %w", context.Cause(ctx))
		}
		return &CredentialsError{Err: err}
	}
	// The refreshing ends with Close: ctx may be that of the start alone.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t.mu.Lock()
	t.cancel = cancel
	t.mu.Unlock()
	t.done.Go(func() { t.keeper.run(running) })
	return nil
}

// Close ends the refreshing of the credentials. It may be called more than once.
func (t *Target) Close() {
	t.mu.Lock()
	cancel := t.cancel
	t.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	t.done.Wait()
}

// Open makes one session, connected and with its TLS handshake done.
func (t *Target) Open(ctx context.Context) (loadgen.Session, error) { return t.http.Open(ctx) }

// HTTP is the target underneath, which signs by this one: for what is not about
// SageMaker, such as its engine.
func (t *Target) HTTP() *httptarget.Target { return t.http }

// URL is where invocations go, as the SDK resolved it.
func (t *Target) URL() string { return t.wire.url }

// Region is the region that requests are signed for.
func (t *Target) Region() string { return t.wire.region }
