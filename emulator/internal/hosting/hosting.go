// Package hosting is the emulator's SageMaker: models, endpoint configurations,
// endpoints with their variants and instances, inference components, and the runtime
// that invokes them.
//
// What happens, in order:
//
//	control operation  changes what is desired; launches instances, due in model time
//	Tick               lets them into service, drains those that leave, publishes metrics
//	routing table      what is in service, replaced as a whole, read without a lock
//	invocation         table → group → unit → server → answer, noted in the group's meter
//
// The control plane is a [wire.Service]; the runtime is an [net/http.Handler]. Neither
// checks a signature. What stands behind an instance is a [Backend]'s business: a model
// in arithmetic, one real server, or a process for each instance.
//
// Start at [New]; call [Hosting.Tick] once for each model second.
package hosting

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/modeltime"
	"plimsoll/scaling"
)

// Defaults of [Options].
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
	// DefaultQuota is how many instances of each type may run.
	DefaultQuota = 1000
	// DefaultMaxBody is the payload limit of a real-time endpoint, 25 MiB.
	DefaultMaxBody = 25 << 20
	// DefaultTimeout is how long a container may take to answer.
	DefaultTimeout = 60 * time.Second
	// DefaultStreamTimeout is how long a container may take to stream an answer.
	DefaultStreamTimeout = 8 * time.Minute
	// DefaultProvisionTimeout is how long, in model time, a change waits for what it
	// launched. AWS does not state it; updates were seen to hang for half an hour.
	DefaultProvisionTimeout = 45 * time.Minute
)

// drainBound is how long an instance that leaves may finish its requests, and how long
// its container may take to stop (Developer Guide, "Use Your Own Inference Code with
// Hosting Services").
const drainBound = 30 * time.Second

// Delay is how long, in model time, the k-th launch takes until the instance serves.
type Delay func(k uint64) time.Duration

// Options say how endpoints are hosted. Clock, Faults, Backend, Delay and Assumptions
// are required.
type Options struct {
	Clock   *modeltime.Clock
	Faults  *fault.Set
	Backend Backend
	// Delay is that of instances.
	Delay Delay
	// CopyDelay is that of an inference component's copies, on an instance that is in
	// service. Nil means Delay.
	CopyDelay Delay
	// Assumptions says what an idle variant publishes and whether what was turned away
	// counts as an invocation.
	Assumptions scaling.Assumptions
	// Publish takes each datum of the metrics. Nil discards them.
	Publish func(metric.Datum)
	// Deleted is told the scalable resources that have gone: "endpoint/e/variant/v" and
	// "inference-component/c". Nil tells nobody.
	Deleted func(resourceID string)
	// Registered tells whether a resource is a scalable target: the instance type of
	// such a variant cannot be changed, nor the variant removed from its endpoint. Nil
	// means that none is.
	Registered func(resourceID string) bool
	// Unknown is told of the runtime's operations that this package does not have. Nil
	// tells nobody.
	Unknown func(operation string)
	// Account is the 12 digits of the account. Empty means DefaultAccount.
	Account string
	// Region is the AWS region. Empty means DefaultRegion.
	Region string
	// Quota is how many instances of each type may run. Zero means DefaultQuota.
	Quota int
	// Seed fixes which variant and instance each request goes to. Every value is a seed.
	Seed uint64
	// MaxBody is the longest payload in bytes, of requests and answers. Zero means
	// DefaultMaxBody.
	MaxBody int64
	// Timeout is how long, in real time, a container may take to answer. Zero means
	// DefaultTimeout.
	Timeout time.Duration
	// StreamTimeout is the same for the whole of a streamed answer. Zero means
	// DefaultStreamTimeout.
	StreamTimeout time.Duration
	// ProvisionTimeout is how long, in model time, a change waits for what it launched
	// before it fails. Zero means DefaultProvisionTimeout.
	ProvisionTimeout time.Duration
}

// Validate reports every option that cannot be used, joined; it changes nothing.
func (o Options) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, needed := range []struct {
		name    string
		missing bool
	}{{"clock", o.Clock == nil}, {"faults", o.Faults == nil}, {"backend", o.Backend == nil}, {"delay", o.Delay == nil}} {
		if needed.missing {
			wrong("%s: is required", needed.name)
		}
	}
	if err := o.Assumptions.Validate(); err != nil {
		wrong("assumptions: %w", err)
	}
	if o.Account != "" && !matches(`[0-9]{12}`, o.Account) {
		wrong("account %q: want 12 digits", o.Account)
	}
	if o.Region != "" && !matches(`[a-z0-9-]{1,32}`, o.Region) {
		wrong("region %q: want an AWS region, such as %s", o.Region, DefaultRegion)
	}
	if o.Quota < 0 {
		wrong("quota %d: want a number of instances, or 0 for %d", o.Quota, DefaultQuota)
	}
	if o.MaxBody < 0 {
		wrong("max body %d: want a number of bytes, or 0 for %d", o.MaxBody, DefaultMaxBody)
	}
	for _, limit := range []struct {
		name string
		d    time.Duration
	}{{"timeout", o.Timeout}, {"stream timeout", o.StreamTimeout}, {"provision timeout", o.ProvisionTimeout}} {
		if limit.d < 0 {
			wrong("%s %v: must not be negative", limit.name, limit.d)
		}
	}
	return errors.Join(problems...)
}

// matches tells whether a pattern describes the whole of a text.
func matches(pattern, text string) bool {
	matched, err := regexp.MatchString(`\A(?:`+pattern+`)\z`, text)
	return err == nil && matched
}

func (o Options) withDefaults() Options {
	if o.CopyDelay == nil {
		o.CopyDelay = o.Delay
	}
	if o.Publish == nil {
		o.Publish = func(metric.Datum) {}
	}
	if o.Deleted == nil {
		o.Deleted = func(string) {}
	}
	if o.Registered == nil {
		o.Registered = func(string) bool { return false }
	}
	if o.Unknown == nil {
		o.Unknown = func(string) {}
	}
	setDefault(&o.Account, DefaultAccount)
	setDefault(&o.Region, DefaultRegion)
	setDefault(&o.Quota, DefaultQuota)
	setDefault(&o.MaxBody, DefaultMaxBody)
	setDefault(&o.Timeout, DefaultTimeout)
	setDefault(&o.StreamTimeout, DefaultStreamTimeout)
	setDefault(&o.ProvisionTimeout, DefaultProvisionTimeout)
	return o
}

func setDefault[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}

// Hosting is one account's endpoints in one region. It is safe for concurrent use.
type Hosting struct {
	opts    Options
	table   atomic.Pointer[table]
	buffers sync.Pool      // of *bytes.Buffer, for what real containers answer
	draws   atomic.Uint64  // how many requests have been routed; each has a draw of its own
	leaving sync.WaitGroup // units that finish their requests
	closing chan struct{}  // closed by Close: nothing is waited for any more

	mu         sync.Mutex // held for arithmetic only, never across a sleep, I/O or a callback
	models     map[string]*model
	configs    map[string]*endpointConfig
	endpoints  map[string]*endpoint
	components map[string]*component
	tags       map[string][]tag // by ARN
	past       []*meter         // of what has gone, until its last minute is published
	launches   uint64
	minute     int64 // the last that was published, counted from 1970
	window     int64 // the same of ten seconds
	closed     bool
}

var _ http.Handler = (*Hosting)(nil)

// New returns a hosting without a model or endpoint. It fails when the options do not
// validate, with every problem named.
func New(o Options) (*Hosting, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("making an emulated SageMaker: %w", err)
	}
	h := &Hosting{opts: o.withDefaults(), closing: make(chan struct{})}
	now := h.opts.Clock.Now()
	h.minute, h.window = periods(now)
	h.clear()
	return h, nil
}

// clear forgets everything; what is in service is forgotten, not ended.
func (h *Hosting) clear() {
	h.models = map[string]*model{}
	h.configs = map[string]*endpointConfig{}
	h.endpoints = map[string]*endpoint{}
	h.components = map[string]*component{}
	h.tags = map[string][]tag{}
	h.reroute()
}

// Tick moves the lifecycle to a model second and then publishes what has ended with
// it. It is to be called once for each model second, in order.
func (h *Hosting) Tick(now time.Time) {
	h.mu.Lock()
	gone := h.advance(now)
	readings := h.due(now)
	h.mu.Unlock()
	for _, id := range gone {
		h.opts.Deleted(id)
	}
	for _, r := range readings {
		r.publish(h.opts)
	}
}

// Close ends every server and waits until all have ended. No request should be under
// way any more: one that is will be broken off.
func (h *Hosting) Close() error {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.closing)
	}
	h.mu.Unlock()
	err := h.opts.Backend.Close()
	h.leaving.Wait()
	return err
}
