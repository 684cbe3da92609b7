package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"plimsoll/emulator/internal/hosting"
	"plimsoll/emulator/internal/identity"
	"plimsoll/emulator/internal/sigv4"
	"plimsoll/emulator/internal/wire"
)

// The names under which requests are signed.
const (
	signsSageMaker  = "sagemaker"
	signsCloudWatch = "monitoring"
	signsSTS        = "sts" // who one is cannot be denied (STS API reference, GetCallerIdentity)
)

// ServeHTTP answers one request: of the control API, of the runtime, or of one of the
// control planes.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.stamp(w)
	switch p := e.parts.Load(); {
	case strings.HasPrefix(r.URL.Path, ControlPath):
		e.control.ServeHTTP(w, r)
	case invokes(r):
		e.invoke(p, w, r)
	default:
		e.operate(p, w, r)
	}
}

// invokes says that a request is for the runtime.
func invokes(r *http.Request) bool {
	_, _, ok := hosting.Path(r.URL.Path)
	return ok
}

// stamp tells model time, and real time as it is told here.
func (e *Emulator) stamp(w http.ResponseWriter) {
	w.Header()[ModelTimeHeader] = []string{e.clock.Now().Format(time.RFC3339Nano)} // it is in canonical form
	if e.faults.Load().ClockSkew != 0 {
		w.Header().Set("Date", e.serviceTime().UTC().Format(http.TimeFormat))
	}
}

// serviceTime is the real time that signatures are checked by.
func (e *Emulator) serviceTime() time.Time {
	return time.Now().Add(time.Duration(e.faults.Load().ClockSkew))
}

func (e *Emulator) secretOf(accessKey string) (secret, token string, ok bool) {
	return e.opts.SecretKey, "", accessKey == e.opts.AccessKey
}

// invoke hands a signed invocation on.
func (e *Emulator) invoke(p *parts, w http.ResponseWriter, r *http.Request) {
	faults, operation := e.faults.Load(), "InvokeEndpoint"
	if strings.HasSuffix(r.URL.Path, "-response-stream") {
		operation = "InvokeEndpointWithResponseStream"
	}
	switch {
	case faults.ExpiredToken:
		p.server.Fail(w, r, expired(http.StatusForbidden))
		return
	case denies(faults, operation):
		p.server.Fail(w, r, e.denied(http.StatusForbidden, signsSageMaker, operation))
		return
	case e.opts.NoAuth:
		p.hosting.ServeHTTP(w, r)
		return
	}
	body := bodies.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool has nothing else
	defer func() {
		// A real container may answer before it has the payload, which then is still being sent.
		if modelled := e.opts.URL == "" && e.opts.Exec == ""; modelled && body.Cap() <= mostPooled {
			bodies.Put(body)
		}
	}()
	body.Reset()
	read, err := io.Copy(body, io.LimitReader(r.Body, e.opts.MaxBody+1))
	switch {
	case err != nil:
		p.server.Fail(w, r, wire.Errorf(http.StatusBadRequest, "ValidationError", "The body of the request broke off."))
		return
	case read > e.opts.MaxBody: // refused for its length alone, whoever signed it
		r.ContentLength = max(read, r.ContentLength)
		p.hosting.ServeHTTP(w, r)
		return
	}
	if _, failure := e.verifier.Verify(r, body.Bytes(), sigv4.Scope{Region: e.opts.Region, Service: signsSageMaker}); failure != nil {
		status, code, message := failure.Answer(sigv4.REST)
		p.server.Fail(w, r, wire.Errorf(status, code, "%s", message))
		return
	}
	r.Body = rest{bytes.NewReader(body.Bytes()), r.Body}
	r.ContentLength = int64(body.Len())
	p.hosting.ServeHTTP(w, r)
}

// mostPooled is the longest body whose memory is kept for the next one.
const mostPooled = 1 << 20

// bodies are kept because a signature covers the whole body, which must be read first.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }} //nolint:gochecknoglobals // a pool has no state that matters

// rest is a body that has been read in part.
type rest struct {
	io.Reader
	io.Closer
}

// operate runs a control plane's operation.
func (e *Emulator) operate(p *parts, w http.ResponseWriter, r *http.Request) {
	if err := e.admit(p, r); err != nil {
		p.server.Fail(w, r, err)
		return
	}
	p.server.ServeHTTP(w, r)
	e.keep()
}

// admit checks who asks. The body is read for it and put back.
func (e *Emulator) admit(p *parts, r *http.Request) *wire.Error {
	protocol, service := p.server.Protocol(r, nil)
	style := sigv4.JSON
	switch {
	case protocol == wire.REST:
		style = sigv4.REST
	case service != nil && service.Query != "":
		style = sigv4.Query
	}
	if e.faults.Load().ExpiredToken {
		if style == sigv4.JSON {
			return expired(http.StatusBadRequest)
		}
		return expired(http.StatusForbidden)
	}
	if e.opts.NoAuth {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, wire.DefaultMaxBody+1))
	if err != nil {
		return wire.Errorf(http.StatusBadRequest, "SerializationException", "The body of the request broke off.")
	}
	r.Body = rest{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	if len(body) > wire.DefaultMaxBody {
		return nil // the server refuses it
	}
	scope := sigv4.Scope{Region: e.opts.Region}
	if _, service = p.server.Protocol(r, body); service != nil {
		scope.Service = service.Signing
	}
	if _, failure := e.verifier.Verify(r, body, scope); failure != nil {
		status, code, message := failure.Answer(style)
		return wire.Errorf(status, code, "%s", message)
	}
	return nil
}

func expired(status int) *wire.Error {
	return wire.Errorf(status, "ExpiredTokenException", "The security token included in the request is expired")
}

// before lets the faults of control planes strike.
func (e *Emulator) before(ctx context.Context, service *wire.Service, operation string) error {
	f := e.faults.Load()
	if d := time.Duration(f.ControlDelay); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	switch {
	case denies(f, operation) && service.Signing != signsSTS:
		return e.denied(http.StatusBadRequest, permission(service), operation)
	case e.faults.Strikes(f.ControlThrottleShare):
		return wire.Errorf(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	case e.faults.Strikes(f.ControlErrorShare):
		return wire.Errorf(http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
	}
	return nil
}

func denies(f *Faults, operation string) bool {
	return slices.Contains(f.AccessDenied, operation) || slices.Contains(f.AccessDenied, "*")
}

// denied is what IAM has a service answer.
func (e *Emulator) denied(status int, service, operation string) *wire.Error {
	return wire.Errorf(status, "AccessDeniedException",
		"User: %s is not authorized to perform: %[2]s:%[3]s on resource: * because no identity-based policy allows the %[2]s:%[3]s action",
		identity.ARN(e.opts.Account), service, operation)
}

// permission is how IAM names a service.
func permission(service *wire.Service) string {
	if service.Signing == signsCloudWatch {
		return "cloudwatch"
	}
	return service.Signing
}

// broken notes a failure of ours.
func (e *Emulator) broken(service, operation string, err error) {
	if !errors.Is(err, context.Canceled) {
		e.opts.Log(fmt.Sprintf("%s %s failed: %v", service, operation, err))
	}
}

// missing is the operations that were asked for and are not there.
type missing struct {
	log func(string)

	mu   sync.Mutex
	seen map[string]bool
}

// mostMissing bounds what is remembered.
const mostMissing = 1000

func newMissing(log func(string)) *missing { return &missing{log: log, seen: map[string]bool{}} }

func (m *missing) note(service, operation string) {
	name := strings.TrimSpace(service + " " + operation)
	m.mu.Lock()
	known := m.seen[name] || len(m.seen) >= mostMissing
	if !known {
		m.seen[name] = true
	}
	m.mu.Unlock()
	if !known {
		m.log(fmt.Sprintf("missing here: %q was asked for, and answered as an unknown operation", name))
	}
}

func (m *missing) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.seen)
}

func (m *missing) list() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := make([]string, 0, len(m.seen))
	for name := range m.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
