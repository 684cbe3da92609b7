package hosting

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Backend makes what stands behind instances.
type Backend interface {
	// Launch begins to start a server and returns at once.
	Launch(l Launch) Server
	// Close ends every server and waits until all have ended.
	Close() error
}

// Launch says what a server is started for.
type Launch struct {
	// K numbers the launches.
	K uint64
	// StartupTimeout is how long, in real time, the server may take until it is healthy.
	StartupTimeout time.Duration
}

// Server is a container on an instance.
type Server interface {
	// Health tells how it is; it returns at once.
	Health() Health
	// Invoke takes one request to it. An error is one of those below, or that of the
	// context; whatever the container itself answers is no error.
	Invoke(ctx context.Context, call *Call) (Answer, error)
	// Stop ends the server and returns at once; what is under way breaks off.
	Stop()
}

// Health is how a server is.
type Health int

// The states of a server, in order.
const (
	Starting Health = iota
	Healthy
	Unhealthy // it has not come up, or ended by itself: it will not recover
)

// worker is a server that knows how many requests it can work on at once.
type worker interface {
	// Workers is that number, at least 1.
	Workers() int
}

// Why a server does not answer.
var (
	errFull    = errors.New("the queue is full")
	errTimeout = errors.New("the container did not answer in time")
	errBroken  = errors.New("the connection to the container broke")
)

// Call is a request as it goes to a container.
type Call struct {
	// Header has the headers of the request to the runtime, those that are not for the
	// container too.
	Header http.Header
	// Body is the payload.
	Body io.Reader
	// Length is its length, negative if not known.
	Length int64
	// Deadline is when the answer must be complete.
	Deadline time.Time
	// Stream asks for an answer in parts.
	Stream bool
	// Session is the session's ID, NEW_SESSION, or empty.
	Session string
}

// Answer is what a container answered.
type Answer struct {
	Status      int
	ContentType string
	Attributes  string // custom attributes
	New, Closed string // sessions
	// Text is the whole body; Body is what to read it from instead, to be closed.
	Text string
	Body io.ReadCloser
	// Busy is how long a worker was occupied, as far as known.
	Busy time.Duration
}
