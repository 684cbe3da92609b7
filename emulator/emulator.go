// Package emulator serves a modelled inference endpoint over HTTP, as a test double
// for a SageMaker endpoint: the requests are real, the time that they take comes
// from a [fleet.Model].
//
// It answers the service's own invocation path and, for tools that speak to a model
// server directly, the container's:
//
//	POST /endpoints/{name}/invocations   what InvokeEndpoint sends
//	POST /invocations, GET /ping         what a model container serves on its port
//
// All of them reach the same one instance. It does not check signatures, run a
// model, look into a body, stream, scale, or publish metrics.
//
// Start at [New]; the [Handler] goes into an [net/http.Server] or
// [net/http/httptest.Server]. The package example asks it one question.
package emulator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync"
	"time"

	"plimsoll/fleet"
)

// DefaultMaxBody is the body limit of a real-time endpoint, 25 MiB.
const DefaultMaxBody = 25 << 20

// Options say what is served. EndpointName and Model are required.
type Options struct {
	// EndpointName is the one endpoint that exists: 1 to 63 letters, digits and
	// inner hyphens.
	EndpointName string
	// Model is the instance behind the endpoint.
	Model fleet.Model
	// Seed fixes the service times: the k-th admitted request of two handlers with
	// one seed and model draws alike. Every value is a seed, zero too.
	Seed uint64
	// Throttle is the rate, in requests per second, above which the endpoint path
	// throttles; a second's worth, at least one request, may come at once. The
	// container's path is never throttled. Zero throttles nothing.
	Throttle float64
	// MaxBody is the longest body accepted, in bytes. Zero means DefaultMaxBody.
	MaxBody int64
	// Sleep waits until an instant or until the context is done, whichever comes
	// first, and not less. Nil waits on a timer of package time, which on many
	// machines wakes half a millisecond late or more; that lateness is then part of
	// every answer.
	Sleep func(ctx context.Context, until time.Time)
}

// Validate reports every option that cannot be served, joined; it changes nothing.
func (o Options) Validate() error {
	var problems []error
	if !validName(o.EndpointName) {
		problems = append(problems, fmt.Errorf(
			"endpoint name %q: want 1 to 63 letters, digits and inner hyphens", o.EndpointName))
	}
	if err := o.Model.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("model: %w", err))
	}
	if math.IsNaN(o.Throttle) || math.IsInf(o.Throttle, 0) || o.Throttle < 0 {
		problems = append(problems, fmt.Errorf("throttle %v: want 0/s (none) or a finite rate above it", o.Throttle))
	}
	if o.MaxBody < 0 {
		problems = append(problems, fmt.Errorf("max body %d: want a number of bytes, or 0 for %d", o.MaxBody, DefaultMaxBody))
	}
	return errors.Join(problems...)
}

// validName follows the pattern of the EndpointName parameter in the SageMaker API.
func validName(name string) bool {
	matched, err := regexp.MatchString(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`, name)
	return err == nil && matched && len(name) <= 63
}

// Counts are the invocations since the handler was made. Each ends in exactly one of
// the counters after Received, so the difference is how many are in flight.
type Counts struct {
	// Received is every request on an invocation path, whatever became of it.
	Received uint64
	// Answered got its 200.
	Answered uint64
	// Rejected found the instance's queue full and got 503.
	Rejected uint64
	// Throttled got 400 with ThrottlingException.
	Throttled uint64
	// Invalid named another endpoint (400), or had a body that broke off (400) or was
	// too long (413).
	Invalid uint64
	// Abandoned lost its client before it could be answered.
	Abandoned uint64
}

// Handler serves the endpoint. It is safe for concurrent use.
type Handler struct {
	name    string
	maxBody int64
	sleep   func(ctx context.Context, until time.Time)
	start   time.Time
	routes  *http.ServeMux

	mu       sync.Mutex // held for arithmetic only, never across a sleep or I/O
	instance *fleet.Instance
	throttle bucket
	counts   Counts
}

var _ http.Handler = (*Handler)(nil)

// New returns a handler whose instance is idle. It fails when the options do not
// validate, with every problem named.
func New(o Options) (*Handler, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("making an emulated endpoint: %w", err)
	}
	instance, err := fleet.NewInstance(o.Model, rand.New(rand.NewPCG(o.Seed, 0)))
	if err != nil {
		return nil, fmt.Errorf("making an emulated endpoint: %w", err)
	}
	h := &Handler{
		name:     o.EndpointName,
		maxBody:  o.MaxBody,
		sleep:    o.Sleep,
		start:    time.Now(),
		routes:   http.NewServeMux(),
		instance: instance,
		throttle: newBucket(o.Throttle),
	}
	if h.maxBody == 0 {
		h.maxBody = DefaultMaxBody
	}
	if h.sleep == nil {
		h.sleep = sleepOnTimer
	}
	h.routes.HandleFunc("POST /endpoints/{name}/invocations", h.invokeEndpoint)
	h.routes.HandleFunc("POST /invocations", h.invokeContainer)
	h.routes.HandleFunc("GET /ping", func(http.ResponseWriter, *http.Request) {}) // 200, no body: ready
	return h, nil
}

// ServeHTTP answers one request; see the package comment for the paths. A request
// that is admitted is answered when its instance has finished it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.routes.ServeHTTP(w, r)
}

// Counts returns all counters at one instant. An invocation is counted before its
// answer is written: a client that holds an answer finds it counted.
func (h *Handler) Counts() Counts {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts
}

func sleepOnTimer(ctx context.Context, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
