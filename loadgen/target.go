package loadgen

import (
	"context"
	"time"
)

// Target is what is invoked. It opens sessions; the generator keeps each session
// to one goroutine.
type Target interface {
	// Open makes one session, ready to send: connected, TLS handshake done. A
	// failure is a *OpenError, so that it can be counted by class.
	Open(ctx context.Context) (Session, error)
}

// Session is one connection's worth of a target: it carries one request at a
// time, without retries.
type Session interface {
	// Do sends the request and waits until its answer has arrived in full, or
	// has failed. It reconnects after an answer that closed the connection,
	// before it returns, so that no later request pays for that.
	Do(req Request) Outcome
	// Close ends the session; a Do under way on another goroutine returns soon
	// after with a failed Outcome. It may be called more than once.
	Close() error
}

// Reconnector is a Session that tells how long its last Do was about connecting
// anew after the answer had come. It is no part of that request's times.
type Reconnector interface {
	Aside() time.Duration
}

// Bodies decides what each request carries.
type Bodies interface {
	// Body is what the k-th request of a run carries (k from 0): the index of a
	// body in the corpus that the target was built with and, for a templated
	// body, its content rendered for k, which may use scratch's memory and is
	// nil otherwise. It depends on k alone and is safe for concurrent use.
	Body(k uint64, scratch []byte) (index int, content []byte)
}

// Request is one request as a session sees it.
type Request struct {
	K       uint64 // number within the run, from 0
	Body    int    // index in the corpus that the target was built with
	Content []byte // rendered content of a templated body, nil for a fixed one
}

// Outcome is how one request ended. Times are not in it: the generator keeps
// both clocks itself.
type Outcome struct {
	Class      Class
	Status     int   // HTTP status, 0 when there was no answer
	Received   int64 // bytes of the answer's body
	Reconnects int   // connections opened by this Do after an answer or a failure closed the last one
	// Stream is of a good answer that came in parts, nil otherwise; valid until the next Do.
	Stream *Stream
	Detail []byte // of a failure: the server's words or the error, at most 512 bytes, valid until the next Do
}

// Stream is when the parts of one answer came.
type Stream struct {
	FirstByte time.Duration   // from the send to the first byte of the first part
	Gaps      []time.Duration // from the end of one part to the end of the next
	Parts     int
}

// OpenError is a failure to open a session.
type OpenError struct {
	Class Class
	Err   error
}

// Error is the cause with its class.
func (e *OpenError) Error() string { return e.Class.String() + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *OpenError) Unwrap() error { return e.Err }

// Class says how a request ended. Only OK is a success.
type Class uint8

// The classes of outcomes. Every failure has exactly one.
const (
	OK           Class = iota // 2xx, answer complete
	Throttled                 // 429, or 400 with SageMaker's ThrottlingException (its message may be null)
	ModelError                // 424, SageMaker's word for a failure in the model container
	Redirect                  // 3xx: not followed, because a load test that follows measures two servers
	ClientError               // other 4xx
	ServerError               // 5xx
	Timeout                   // no complete answer within the request timeout
	Refused                   // connection refused
	Reset                     // connection reset or closed before the answer was complete
	Malformed                 // an answer that is not HTTP, or not the stream that was asked for
	TLSFailure                // handshake or certificate
	Network                   // name resolution, no route, anything else below HTTP
	Unauthorized              // AWS refused the signature, the credentials or the permission, or there are no valid credentials to sign with
	StreamFailed              // an exception within a streamed answer, after its 200
	Exhausted                 // this machine had no file or local port left for a connection; it tells nothing of the target
	BodyFailed                // 2xx, and a body that says by a condition of the user's that it failed
	NumClasses                // how many classes there are
)

var classNames = [NumClasses]string{ //nolint:gochecknoglobals // a table; Go has no constant arrays
	OK: "ok", Throttled: "throttled", ModelError: "model_error", Redirect: "http_3xx", ClientError: "http_4xx", ServerError: "http_5xx",
	Timeout: "timeout", Refused: "connection_refused", Reset: "connection_reset", Malformed: "malformed", TLSFailure: "tls", Network: "network",
	Unauthorized: "unauthorized", StreamFailed: "stream_error", Exhausted: "client_exhausted", BodyFailed: "body_failed",
}

// String is the name of the class in reports and files, for example http_5xx.
func (c Class) String() string {
	if c >= NumClasses {
		return "unknown"
	}
	return classNames[c]
}
