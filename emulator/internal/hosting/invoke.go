package hosting

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"plimsoll/emulator/internal/eventstream"
)

// Path tells the endpoint and the operation in a path of the runtime, such as
// "/endpoints/demo/invocations"; anything may stand before it.
func Path(path string) (endpoint, operation string, ok bool) {
	_, rest, ok := strings.Cut(path, "/endpoints/")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}

// The operations of the runtime that are served.
const (
	invocations = "invocations"
	streaming   = "invocations-response-stream"
)

// ServeHTTP answers InvokeEndpoint and InvokeEndpointWithResponseStream.
func (h *Hosting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, operation, ok := Path(r.URL.Path)
	if !ok || r.Method != http.MethodPost || operation != invocations && operation != streaming {
		h.opts.Unknown(r.Method + " " + r.URL.Path)
		i := &invocation{h: h, w: w}
		i.head()
		i.fail(refusal{status: http.StatusNotFound, kind: "UnknownOperationException"})
		return
	}
	i := &invocation{h: h, w: w, r: r, endpoint: name, received: time.Now()}
	i.call.Stream = operation == streaming
	i.special = special(r.Header)
	i.head()
	i.serve()
}

// invocation is one request to the runtime.
type invocation struct {
	h        *Hosting
	w        http.ResponseWriter
	r        *http.Request
	endpoint string
	received time.Time

	route  *route
	group  *group
	unit   *unit
	minute int64 // model time, when it arrived at the unit
	weight float64
	asked  time.Time // when the unit was asked
	call   Call
	body   payload

	special bool // it has headers of the runtime's own

	// Values of the answer's headers, which net/http wants as slices.
	id, kind [1]string
}

// serve takes the request from the front door to a unit.
func (i *invocation) serve() {
	faults := i.h.opts.Faults.Load()
	if i.h.opts.Faults.Strikes(faults.ResetShare) {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	if i.r.ContentLength > i.h.opts.MaxBody {
		i.fail(tooLong(i.h.opts.MaxBody))
		return
	}
	if refused := i.direct(); refused != nil {
		i.fail(*refused)
		return
	}
	if !i.route.front.admit(faults.ThrottlePerSecond, i.received) {
		if i.h.opts.Assumptions.CountRejected && len(i.group.units) > 0 {
			i.group.meter.arrive(i.now(), len(i.group.units), i.h.opts.Clock.Weight())
		}
		i.fail(throttled())
		return
	}
	if i.h.opts.Faults.Strikes(faults.ServerErrorShare) {
		i.fail(refusal{status: http.StatusInternalServerError, kind: "InternalFailure", message: "The request failed because of an internal error."})
		return
	}
	if i.h.opts.Faults.Strikes(faults.NotReadyShare) {
		i.fail(notReady())
		return
	}
	if !i.enter() {
		i.absent()
		return
	}
	i.ask(i.h.opts.Faults.Strikes(faults.HangShare), i.h.opts.Faults.Strikes(faults.ModelErrorShare))
}

// now is the present minute of model time.
func (i *invocation) now() int64 {
	minute, _ := periods(i.h.opts.Clock.Now())
	return minute
}

// enter finds a unit that takes the request. One that has just begun to leave does not,
// and is in no newer routing table.
func (i *invocation) enter() bool {
	const attempts = 3
	for range attempts {
		u := i.bound()
		if u == nil {
			u = i.group.choose(i.draw())
		}
		if u == nil {
			return false
		}
		if u.enter() {
			i.unit = u
			return true
		}
		if refused := i.direct(); refused != nil {
			return false
		}
	}
	return false
}

func (i *invocation) draw() float64 { return draw(i.h.opts.Seed, i.h.draws.Add(1)) }

// bound is the unit that has the request's session, whichever variant that is of; nil if
// it has none.
func (i *invocation) bound() *unit {
	if i.call.Session == "" || i.call.Session == newSession {
		return nil
	}
	u := i.route.front.bound(i.call.Session)
	if u == nil || slices.Contains(i.group.units, u) {
		return u
	}
	if at := slices.IndexFunc(i.route.variants, func(g *group) bool { return slices.Contains(g.units, u) }); at >= 0 {
		i.group = i.route.variants[at]
		return u
	}
	return nil
}

// absent answers when nothing is in service behind a variant or a component.
func (i *invocation) absent() {
	if i.group.component {
		i.group.meter.refuse(i.now(), i.h.opts.Clock.Weight())
		i.fail(noCopies())
		return
	}
	i.group.meter.answer(i.now(), brokenModel, 0, time.Since(i.received), i.h.opts.Clock.Weight())
	i.fail(i.modelError(0, i.noResponse()))
}

// ask takes the request to its unit and answers it. It counts in flight until the last
// byte has been sent.
func (i *invocation) ask(hangs, breaks bool) {
	defer i.unit.leave()
	i.weight = i.h.opts.Clock.Weight()
	i.minute = i.now()
	units := len(i.group.units)
	i.group.meter.arrive(i.minute, units, i.weight)
	i.asked = time.Now()
	timeout := i.h.opts.Timeout
	if i.call.Stream {
		timeout = i.h.opts.StreamTimeout
	}
	i.call.Deadline = i.asked.Add(timeout)
	i.call.Header = i.r.Header
	i.call.Length = i.r.ContentLength
	i.body.from = i.r.Body
	if i.call.Length < 0 {
		i.body.from = http.MaxBytesReader(i.w, i.r.Body, i.h.opts.MaxBody)
	}
	i.call.Body = &i.body

	var answer Answer
	var err error
	switch {
	case hangs:
		if _, err = drain(&i.call); err == nil { // net/http tells of a client that left when its payload has been read
			sleepOnTimer(i.r.Context(), i.call.Deadline)
			err = errTimeout
		}
	case breaks:
		answer = Answer{Status: http.StatusInternalServerError, Text: "Internal Server Error"}
	default:
		answer, err = i.unit.server.Invoke(i.r.Context(), &i.call)
	}
	if answer.Body != nil {
		defer func() { _ = answer.Body.Close() }() // it was read as far as it is of use
	}
	i.unit.busy.Add(int64(float64(answer.Busy) * i.weight))
	i.answer(answer, err, units)
}

// answer writes what the container answered, and notes it.
func (i *invocation) answer(answer Answer, err error, units int) {
	whole := answer.Text
	if err == nil && answer.Body != nil {
		if i.call.Stream && answer.Status/100 == 2 {
			i.stream(answer)
			return
		}
		whole, err = i.read(answer.Body)
	}
	model := time.Since(i.asked)
	if i.r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client has left; returning would send an empty 200
	}
	switch {
	case err != nil:
		i.explain(err, model)
	case answer.Status/100 != 2:
		i.refused(answer, whole, units, model)
	default:
		i.note(succeeded, model)
		i.accept(answer)
		_, _ = io.WriteString(i.w, whole) // fails only when the client has left
	}
}

// note counts the request as answered.
func (i *invocation) note(v verdict, model time.Duration) {
	i.group.meter.answer(i.now(), v, model, time.Since(i.received)-model, i.weight)
}

// refused answers for a container that did not accept the request.
func (i *invocation) refused(answer Answer, whole string, units int, model time.Duration) {
	verdict := serverError
	if answer.Status/100 == 4 {
		verdict = clientError
		if !i.h.opts.Assumptions.CountRejected {
			i.group.meter.arrive(i.minute, units, -i.weight)
		}
	}
	i.note(verdict, model)
	i.fail(i.modelError(answer.Status, whole))
}

// explain answers for a container that did not answer.
func (i *invocation) explain(err error, model time.Duration) {
	if broken := i.body.err.Load(); broken != nil {
		i.fail(i.badBody(*broken))
		return
	}
	switch {
	case errors.Is(err, errFull):
		i.note(serverError, model)
		i.fail(queueFull())
	case errors.Is(err, errTimeout):
		i.note(brokenModel, model)
		i.fail(i.modelError(0, timedOut))
	default:
		i.note(brokenModel, model)
		i.fail(i.modelError(0, i.noResponse()))
	}
}

// read is the whole of a container's answer, which may not be longer than a request.
func (i *invocation) read(body io.Reader) (string, error) {
	b, ok := i.h.buffers.Get().(*bytes.Buffer)
	if !ok {
		b = new(bytes.Buffer)
	}
	defer i.h.buffers.Put(b)
	b.Reset()
	if _, err := io.Copy(b, io.LimitReader(body, i.h.opts.MaxBody+1)); err != nil {
		return "", err
	}
	if int64(b.Len()) > i.h.opts.MaxBody {
		return "", errBroken
	}
	return b.String(), nil
}

// accept writes the headers of a good answer.
func (i *invocation) accept(answer Answer) {
	header := i.w.Header()
	header["X-Amzn-Invoked-Production-Variant"] = i.group.header
	kind := "Content-Type"
	if i.call.Stream {
		kind = "X-Amzn-Sagemaker-Content-Type"
		header.Set("Content-Type", eventstream.ContentType)
	}
	if answer.ContentType != "" {
		i.kind[0] = answer.ContentType
		header[kind] = i.kind[:]
	}
	if answer.Attributes != "" {
		header.Set("X-Amzn-Sagemaker-Custom-Attributes", answer.Attributes)
	}
	if answer.New != "" {
		id, expires := parseSession(answer.New)
		i.route.front.remember(id, session{unit: i.unit, expires: expires})
		header.Set("X-Amzn-Sagemaker-New-Session-Id", answer.New)
	}
	if answer.Closed != "" {
		id, _ := parseSession(answer.Closed)
		i.route.front.forget(id)
		header.Set("X-Amzn-Sagemaker-Closed-Session-Id", answer.Closed)
	}
}

// payload is the body of a request; it keeps why it could not be read, which is the
// caller's doing and not the container's.
type payload struct {
	from  io.Reader
	ended bool
	err   atomic.Pointer[error]
}

// Read asks no more of a body that has ended: net/http closes it when the answer begins,
// and then takes a transport's look for more for a failure.
func (p *payload) Read(into []byte) (int, error) {
	if p.ended {
		return 0, io.EOF
	}
	n, err := p.from.Read(into)
	if p.ended = errors.Is(err, io.EOF); err != nil && !p.ended {
		why := err // err itself would then be on the heap for every read
		p.err.Store(&why)
	}
	return n, err
}
