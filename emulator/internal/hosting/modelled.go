package hosting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"plimsoll/emulator/internal/modeltime"
	"plimsoll/fleet"
)

// Defaults of [ModelOptions].
const (
	// DefaultParts is in how many parts a modelled instance streams its answer.
	DefaultParts = 8
	// DefaultSessionLife is how long, in model time, a session lasts: that of AWS's
	// container library.
	DefaultSessionLife = 20 * time.Minute
)

// maxParts keeps the arithmetic of their instants far inside a [time.Duration].
const maxParts = 10_000

// prompt is the wait that is not worth a timer: an answer that is due within it is
// given at once.
const prompt = 20 * time.Microsecond

// ModelOptions say what a modelled instance is like. Model and Clock are required.
type ModelOptions struct {
	Model fleet.Model
	// Clock dates sessions.
	Clock *modeltime.Clock
	// Seed fixes the service times: the n-th request admitted by the k-th launch draws
	// alike. Every value is a seed.
	Seed uint64
	// Sleep waits until an instant or until the context is done, and not less. Nil waits
	// on a timer of package time, which may wake half a millisecond late.
	Sleep func(ctx context.Context, until time.Time)
	// Parts is in how many parts, evenly over the service time, an answer is streamed.
	// Zero means DefaultParts.
	Parts int
}

// Validate reports every option that cannot be used, joined; it changes nothing.
func (o ModelOptions) Validate() error {
	var problems []error
	if err := o.Model.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("model: %w", err))
	}
	if o.Clock == nil {
		problems = append(problems, errors.New("clock: is required"))
	}
	if o.Parts < 0 || o.Parts > maxParts {
		problems = append(problems, fmt.Errorf("parts %d: want at most %d, or 0 for %d", o.Parts, maxParts, DefaultParts))
	}
	return errors.Join(problems...)
}

// models is a backend whose servers are arithmetic.
type models struct{ opts ModelOptions }

// Modelled returns a backend whose servers take the time that a model says. It fails
// when the options do not validate, with every problem named.
func Modelled(o ModelOptions) (Backend, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("making modelled instances: %w", err)
	}
	if o.Sleep == nil {
		o.Sleep = sleepOnTimer
	}
	setDefault(&o.Parts, DefaultParts)
	return &models{opts: o}, nil
}

func sleepOnTimer(ctx context.Context, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Launch returns an idle instance, healthy at once.
func (b *models) Launch(l Launch) Server {
	instance, err := fleet.NewInstance(b.opts.Model, rand.New(rand.NewPCG(b.opts.Seed, l.K)))
	if err != nil {
		return failed{} // the model was validated
	}
	stopped, stop := context.WithCancel(context.Background())
	return &modelled{
		opts: &b.opts, origin: time.Now(), instance: instance, stopped: stopped, stop: stop, sessions: map[string]time.Time{},
	}
}

// Close does nothing: there is nothing that runs.
func (b *models) Close() error { return nil }

// failed is a server that could not be made.
type failed struct{}

func (failed) Health() Health                                { return Unhealthy }
func (failed) Invoke(context.Context, *Call) (Answer, error) { return Answer{}, errBroken }
func (failed) Stop()                                         {}

// modelled is an instance whose requests take the time that its model says.
type modelled struct {
	opts    *ModelOptions
	origin  time.Time
	stopped context.Context //nolint:containedctx // ends what is under way when the server stops
	stop    context.CancelFunc

	mu       sync.Mutex // held for arithmetic only
	instance *fleet.Instance
	sessions map[string]time.Time // when each expires, model time
}

var (
	_ Server = (*modelled)(nil)
	_ worker = (*modelled)(nil)
)

func (m *modelled) Health() Health { return Healthy }
func (m *modelled) Workers() int   { return m.opts.Model.Workers }
func (m *modelled) Stop()          { m.stop() }

// prediction is the body of every answer, well-formed as JSON, CSV and plain text alike
// since the content type is the caller's choice.
const prediction = "0\n"

// Invoke reads the payload, at which the model does not look, and waits until the
// instance has finished the request. A client that leaves frees its handler, not its
// worker: the model goes on with the request, as model servers do.
func (m *modelled) Invoke(ctx context.Context, call *Call) (Answer, error) {
	payload, err := drain(call)
	if err != nil {
		return Answer{}, err
	}
	start, finish, rejected := m.offer()
	if rejected {
		return Answer{}, errFull
	}
	answer := Answer{Status: 200, ContentType: contentType(call), Text: prediction, Busy: finish.Sub(start)}
	if call.Session != "" {
		m.session(&answer, call.Session, payload)
	}
	if call.Stream && answer.Status == 200 {
		answer.Body = &parts{ctx: ctx, server: m, start: start, finish: finish, deadline: call.Deadline, total: m.opts.Parts}
		return answer, nil
	}
	if finish.After(call.Deadline) {
		return answer, errors.Join(m.wait(ctx, call.Deadline), errTimeout)
	}
	return answer, m.wait(ctx, finish)
}

// longestCommand is how much of a payload is looked at for what it says about a session.
const longestCommand = 4096

// drain reads the payload, and keeps its beginning if it may speak of a session.
func drain(call *Call) (payload string, err error) {
	if call.Session != "" {
		var b strings.Builder
		if _, err := io.CopyN(&b, call.Body, longestCommand); err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		payload = b.String()
	}
	_, err = io.Copy(io.Discard, call.Body)
	return payload, err
}

func (m *modelled) offer() (start, finish time.Time, rejected bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := time.Since(m.origin) // under the lock, since an instance takes arrivals in order
	a := m.instance.Offer(at)
	return m.origin.Add(a.Start), m.origin.Add(a.Finish), a.Rejected
}

// wait returns at an instant, or when the client leaves or the server stops.
func (m *modelled) wait(ctx context.Context, until time.Time) error {
	left := time.Until(until)
	if left <= prompt {
		return ctx.Err()
	}
	if left < drainBound { // a server stops no sooner than that after it was last asked
		m.opts.Sleep(ctx, until)
		return ctx.Err()
	}
	either, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.stopped, cancel)()
	m.opts.Sleep(either, until)
	if ctx.Err() == nil && m.stopped.Err() != nil {
		return errBroken
	}
	return ctx.Err()
}

// contentType is what the caller accepts. One that asks for a range of types, or does
// not ask, gets JSON.
func contentType(call *Call) string {
	accept := accepted(call)
	if accept == "" || strings.ContainsAny(accept, "*,;") {
		return "application/json"
	}
	return accept
}

// accepted is the Accept header for the container; streaming clients send it under
// another name.
func accepted(call *Call) string {
	if accept := call.Header.Get("X-Amzn-Sagemaker-Accept"); accept != "" {
		return accept
	}
	return call.Header.Get("Accept")
}

// session does what AWS's stateful containers do: makes, continues and closes sessions.
func (m *modelled) session(answer *Answer, id, payload string) {
	now := m.opts.Clock.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for old, expires := range m.sessions {
		if !expires.After(now) {
			delete(m.sessions, old)
		}
	}
	if id == newSession {
		id, expires := newRequestID(), now.Add(DefaultSessionLife)
		m.sessions[id] = expires
		answer.New = id + "; Expires=" + expires.UTC().Format("2006-01-02T15:04:05Z")
		return
	}
	switch _, known := m.sessions[id]; {
	case !known:
		answer.Status, answer.Text = 400, "Bad request: session not found: "+id
	case strings.Contains(payload, `"CLOSE"`):
		delete(m.sessions, id)
		answer.Closed = id
	}
}

// parts is a modelled answer that comes bit by bit: the i-th of n parts when i/n of the
// service time have passed.
type parts struct {
	ctx                     context.Context //nolint:containedctx // an io.Reader has no other way to be told
	server                  *modelled
	start, finish, deadline time.Time
	total, given            int
	rest                    string
}

func (p *parts) Read(into []byte) (int, error) {
	if p.rest == "" {
		if p.given == p.total {
			return 0, io.EOF
		}
		p.given++
		due := p.start.Add(p.finish.Sub(p.start) * time.Duration(p.given) / time.Duration(p.total))
		if due.After(p.deadline) {
			return 0, errors.Join(p.server.wait(p.ctx, p.deadline), errTimeout)
		}
		if err := p.server.wait(p.ctx, due); err != nil {
			return 0, err
		}
		p.rest = prediction
	}
	n := copy(into, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *parts) Close() error { return nil }
