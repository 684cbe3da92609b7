package wire

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
)

// DefaultMaxBody is the longest body of a control plane's request, 4 MiB.
const DefaultMaxBody = 4 << 20

// ServerOptions say how requests are answered. The zero value works.
type ServerOptions struct {
	// MaxBody is the longest body in bytes, also after decompression. Zero means
	// DefaultMaxBody.
	MaxBody int64
	// RequestID makes the id of an answer. Nil makes random UUIDs.
	RequestID func() string
	// Before, unless nil, runs when the operation is known and before its input is
	// read; an error is the answer.
	Before func(ctx context.Context, service *Service, operation string) error
	// Unknown, unless nil, is told of operations that nobody has; service is empty if
	// nobody has that either.
	Unknown func(service, operation string)
	// Broken, unless nil, is told of failures that are answered as internal ones.
	Broken func(service, operation string, err error)
}

// Server answers the requests of some services. It is safe for concurrent use.
type Server struct {
	opts     ServerOptions
	targets  map[string]*served
	querying []*served
	cbor     cborCodec
}

var _ http.Handler = (*Server)(nil)

// served is a service that is ready to be asked.
type served struct {
	Service
	operations map[string]*prepared
}

// prepared is an operation with what AWS Query needs of its types; nil if the service
// does not speak it.
type prepared struct {
	Operation
	inPlan, outPlan *plan
}

// NewServer makes a server. It fails when a service is not valid, two have one Target,
// or a type cannot be written in a protocol of its service, with every problem named.
func NewServer(opts ServerOptions, services ...Service) (*Server, error) {
	if opts.MaxBody == 0 {
		opts.MaxBody = DefaultMaxBody
	}
	if opts.RequestID == nil {
		opts.RequestID = newUUID
	}
	s := &Server{opts: opts, targets: map[string]*served{}}
	var problems []error
	if opts.MaxBody < 0 {
		problems = append(problems, fmt.Errorf("max body %d: want a number of bytes, or 0 for %d", opts.MaxBody, DefaultMaxBody))
	}
	codec, err := newCBOR()
	problems = append(problems, err)
	s.cbor = codec
	plans := newPlanner()
	for _, service := range services {
		if s.targets[service.Target] != nil {
			problems = append(problems, fmt.Errorf("service %q: another one has Target %q", service.Name, service.Target))
		}
		ready, err := prepare(service, plans)
		problems = append(problems, err)
		s.targets[service.Target] = ready
		if service.Query != "" {
			s.querying = append(s.querying, ready)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return s, nil
}

func prepare(service Service, plans planner) (*served, error) {
	if err := service.Validate(); err != nil {
		return nil, err
	}
	ready := &served{Service: service, operations: make(map[string]*prepared, len(service.Operations))}
	var problems []error
	for _, op := range service.Operations {
		p := &prepared{Operation: op}
		if service.Query != "" {
			var inErr, outErr error
			p.inPlan, inErr = plans.plan(op.in)
			p.outPlan, outErr = plans.plan(op.out)
			if err := errors.Join(inErr, outErr); err != nil {
				problems = append(problems, fmt.Errorf("service %q: operation %s: %w", service.Name, op.Name, err))
			}
		}
		ready.operations[op.Name] = p
	}
	return ready, errors.Join(problems...)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.identify(r)
	c.requestID = s.requestID(w)
	if c.protocol == REST {
		s.unrouted(w, r, c)
		return
	}
	answer, err := s.run(w, r, c)
	if err != nil {
		s.fail(w, c, s.explain(c, err))
		return
	}
	s.write(w, c, http.StatusOK, answer)
}

// run reads the request, runs its operation and encodes the answer.
func (s *Server) run(w http.ResponseWriter, r *http.Request, c *call) ([]byte, error) {
	var err error
	if c.body, err = readBody(w, r, s.opts.MaxBody); err != nil {
		return nil, err
	}
	if c.protocol == Query {
		if err := s.resolve(c, r.URL.RawQuery); err != nil {
			return nil, err
		}
	}
	op := s.operation(c)
	if op == nil {
		return nil, s.unknown(c)
	}
	if s.opts.Before != nil {
		if err := s.opts.Before(r.Context(), c.service(), op.Name); err != nil {
			return nil, err
		}
	}
	out, err := op.run(r.Context(), func(into any) error { return s.decode(c, op, into) })
	if err != nil {
		return nil, err
	}
	return s.encode(c, op, out)
}

func (s *Server) operation(c *call) *prepared {
	if c.to == nil {
		return nil
	}
	return c.to.operations[c.operation]
}

// unknown is what AWS answers when it does not have an operation: in JSON a name
// without a message.
func (s *Server) unknown(c *call) error {
	name := ""
	if c.to != nil {
		name = c.to.Name
	}
	s.tellUnknown(name, c.operation)
	if c.protocol == Query {
		return Errorf(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s", c.operation, c.to.Query)
	}
	return &Error{Status: http.StatusBadRequest, Code: "UnknownOperationException"}
}

func (s *Server) tellUnknown(service, operation string) {
	if s.opts.Unknown != nil {
		s.opts.Unknown(service, operation)
	}
}

// unrouted answers a request in no protocol as AWS's front ends do.
func (s *Server) unrouted(w http.ResponseWriter, r *http.Request, c *call) {
	s.tellUnknown("", r.Method+" "+r.URL.Path)
	w.Header().Set("x-amzn-RequestId", c.requestID)
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("<UnknownOperationException/>\n")) // a client that left is not told
}

func (s *Server) decode(c *call, op *prepared, into any) error {
	switch c.protocol {
	case CBOR:
		return s.cbor.decode(c.body, into)
	case Query:
		var r formReader
		return r.fill(op.inPlan, reflect.ValueOf(into).Elem(), c.form, 0)
	default:
		return decodeJSON(c.body, into)
	}
}

func (s *Server) encode(c *call, op *prepared, out any) ([]byte, error) {
	switch c.protocol {
	case CBOR:
		return s.cbor.enc.Marshal(out)
	case Query:
		return xmlAnswer(c.service(), op.Name, c.requestID, op.outPlan, reflect.ValueOf(out).Elem())
	default:
		return encodeJSON(out)
	}
}

// explain turns what went wrong into what is answered.
func (s *Server) explain(c *call, err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if s.opts.Broken != nil {
		name := ""
		if c.to != nil {
			name = c.to.Name
		}
		s.opts.Broken(name, c.operation, err)
	}
	return internalFailure()
}

// Fail answers a request with an error, in the protocol that the request speaks.
func (s *Server) Fail(w http.ResponseWriter, r *http.Request, e *Error) {
	c := s.identify(r)
	c.requestID = s.requestID(w)
	s.fail(w, c, e)
}

func (s *Server) fail(w http.ResponseWriter, c *call, e *Error) {
	shape, query := c.service().names(e.Code)
	var body []byte
	var err error
	switch c.protocol {
	case Query:
		body = xmlFailure(c.service(), query, c.requestID, e)
	case CBOR:
		body, err = s.cbor.enc.Marshal(e.members(c.prefix() + shape))
	case JSON:
		w.Header().Set("x-amzn-ErrorType", shape)
		body, err = encodeJSON(e.members(c.prefix() + shape))
	default:
		w.Header().Set("x-amzn-ErrorType", shape)
		body, err = encodeJSON(e.members(""))
	}
	if err != nil {
		s.fail(w, c, s.explain(c, fmt.Errorf("writing error %s: %w", e.Code, err)))
		return
	}
	if c.queryMode && c.protocol != Query {
		w.Header().Set("x-amzn-query-error", query+";"+e.side())
	}
	s.write(w, c, e.Status, body)
}

func (c *call) prefix() string {
	if c.to == nil {
		return ""
	}
	return c.to.ErrorPrefix
}

func (s *Server) write(w http.ResponseWriter, c *call, status int, body []byte) {
	h := w.Header()
	h.Set("x-amzn-RequestId", c.requestID)
	h.Set("Content-Type", c.contentType())
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if c.protocol == CBOR {
		h.Set("smithy-protocol", "rpc-v2-cbor")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is not told
}

// requestID is the id that was set before, or a new one.
func (s *Server) requestID(w http.ResponseWriter) string {
	if id := w.Header().Get("x-amzn-RequestId"); id != "" {
		return id
	}
	return s.opts.RequestID()
}

// newUUID makes a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read does not fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
