package httptarget

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"plimsoll/loadgen"
)

const (
	// idleAfter is how long after the last send a connection is looked at before
	// the next one: long enough that a busy session never pays for it, shorter
	// than servers keep idle connections.
	idleAfter = 100 * time.Millisecond
	// inlineWrite is the longest request written before its answer is read: what
	// the socket's buffers surely take. A longer one is written while reading, so
	// that an early answer is seen and neither side waits for the other.
	inlineWrite = 64 << 10
	// copied is the longest content that is copied behind a stamped head, so that
	// both go out in one piece; above it, the copy costs more than a second piece.
	copied = 16 << 10
	// lateAnswer is how long to look for an answer after the write failed, and for
	// the write to end after the answer has come. Both normally have happened.
	lateAnswer = 50 * time.Millisecond
)

var errSessionClosed = errors.New("the session is closed")

// session is one connection of the fast path. Its fields belong to the goroutine
// that calls Do, save those under mu.
type session struct {
	target *Target
	conn   net.Conn // nil after it was closed, until the next connect
	in     answerReader
	last   time.Time // of the last send
	aside  time.Duration
	detail []byte

	stamp  Stamp    // nil for none
	follow Follower // nil for none

	out     []byte      // a request with a content of the moment
	vec     [2][]byte   // head and content, when the content is too long to copy
	buffers net.Buffers // over vec
	write   func()      // writeAll, as a value so that starting it allocates nothing
	wrote   chan error

	dialing context.Context //nolint:containedctx // ends with the session, which outlives every call
	cancel  context.CancelFunc

	mu     sync.Mutex // not held during I/O
	closed bool
	live   net.Conn // conn, for Close
}

func (t *Target) openFast(ctx context.Context) (*session, error) {
	s := t.newSession()
	if err := s.connect(ctx); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

func (t *Target) newSession() *session {
	s := &session{target: t, wrote: make(chan error, 1)}
	s.in.headOnly, s.in.maxAnswer = t.headOnly, t.maxAnswer
	s.stamp, s.follow = t.hooks()
	s.in.follow = s.follow
	s.in.keep = make([]byte, 0, maxDetail)
	s.write = s.writeAll
	s.dialing, s.cancel = context.WithCancel(context.Background())
	return s
}

// Do sends the request and reads its answer. A request whose connection was found
// closed before anything of it was written goes out on a new one; nothing else is
// ever sent twice.
func (s *session) Do(req loadgen.Request) loadgen.Outcome {
	s.aside = 0
	out, sent := s.once(req)
	if sent && s.conn == nil {
		s.reconnect(&out)
	}
	return out
}

// once is Do without what follows the answer. It reports whether there was a
// connection to send the request on, which is closed where it is of no more use.
func (s *session) once(req loadgen.Request) (out loadgen.Outcome, sent bool) {
	now := time.Now()
	deadline := now.Add(s.target.timeout)
	if s.conn != nil {
		// A failure shows at the next read or write. The deadline comes first
		// because an old one that has passed would spoil the look at the socket.
		_ = s.conn.SetDeadline(deadline)
		if now.Sub(s.last) > idleAfter && !alive(s.conn) {
			s.disconnect()
		}
	}
	s.last = now
	if s.follow != nil {
		s.follow.Start(now)
	}
	if s.conn == nil {
		if err := s.connectBy(deadline); err != nil {
			s.fail(&out, err)
			return out, false
		}
		out.Reconnects++
		_ = s.conn.SetDeadline(deadline)
	}
	if err := s.exchange(req); err != nil {
		s.fail(&out, err)
		if !is[*loadgen.OpenError](err) { // the stamp's: nothing was sent
			s.disconnect()
		}
		return out, true
	}
	s.answered(&out)
	if s.in.close || s.target.closes {
		s.disconnect()
	}
	return out, true
}

// reconnect opens the connection for the next request. A failure is left to that
// request, which tries again.
func (s *session) reconnect(out *loadgen.Outcome) {
	start := time.Now()
	if s.connect(s.dialing) == nil {
		out.Reconnects++
	}
	s.aside = time.Since(start)
}

// Aside is how much of the last Do went into connecting anew after its answer had
// come (or had failed to). It is no part of that request's service time.
func (s *session) Aside() time.Duration { return s.aside }

// exchange writes one request and reads its answer into s.in.
func (s *session) exchange(req loadgen.Request) error {
	s.in.status, s.in.received = 0, 0
	head, content, err := s.compose(req)
	if err != nil {
		return err
	}
	switch {
	case len(head)+len(content) > inlineWrite:
		return s.exchangeLong(head, content)
	case len(content) > 0:
		err = s.writeBoth(head, content)
	default:
		_, err = s.conn.Write(head)
	}
	if err != nil {
		return s.afterWrite(err)
	}
	return s.in.read()
}

// compose gives the bytes of the request: all in head or, where a content of the
// moment is too long to be worth a copy, in both.
func (s *session) compose(req loadgen.Request) (head, content []byte, err error) {
	r := &s.target.requests[req.Body]
	if s.stamp != nil {
		return s.composeStamped(r, req)
	}
	if req.Content == nil {
		return r.wire, nil, nil
	}
	s.out = append(s.out[:0], r.prefix...)
	s.out = strconv.AppendInt(s.out, int64(len(req.Content)), 10)
	s.out = append(s.out, "\r\n\r\n"...)
	if len(s.out)+len(req.Content) > inlineWrite {
		return s.out, req.Content, nil
	}
	s.out = append(s.out, req.Content...)
	return s.out, nil, nil
}

// composeStamped is compose where headers are added as the request leaves.
func (s *session) composeStamped(r *rendered, req loadgen.Request) (head, content []byte, err error) {
	s.out, err = s.stamp.Append(append(s.out[:0], r.head()...), req, s.last)
	if err != nil {
		return nil, nil, err
	}
	content = r.body
	if req.Content != nil {
		content = req.Content
	}
	if len(content) > 0 || s.target.sendsLength {
		s.out = append(s.out, contentLength...)
		s.out = strconv.AppendInt(s.out, int64(len(content)), 10)
		s.out = append(s.out, "\r\n"...)
	}
	s.out = append(s.out, "\r\n"...)
	if len(content) > copied {
		return s.out, content, nil
	}
	s.out = append(s.out, content...)
	return s.out, nil, nil
}

// writeBoth writes head and content, in one system call where the connection can.
func (s *session) writeBoth(head, content []byte) error {
	s.vec = [2][]byte{head, content}
	s.buffers = s.vec[:]
	_, err := s.buffers.WriteTo(s.conn)
	s.vec = [2][]byte{}
	return err
}

// exchangeLong writes the request on a second goroutine and waits for both ends.
func (s *session) exchangeLong(head, content []byte) error {
	s.vec = [2][]byte{head, content}
	s.buffers = s.vec[:]
	go s.write()
	err := s.in.read()
	if err != nil {
		closeNow(s.conn) // ends the write
	} else {
		_ = s.conn.SetWriteDeadline(time.Now().Add(lateAnswer))
	}
	if <-s.wrote != nil {
		s.in.close = true // the next request would be taken for the rest of this one
	}
	s.vec = [2][]byte{}
	return err
}

func (s *session) writeAll() {
	_, err := s.buffers.WriteTo(s.conn)
	s.wrote <- err
}

// afterWrite looks for an answer that the server gave before it closed the
// connection on the request. Without one, the failure of the write stands.
func (s *session) afterWrite(werr error) error {
	_ = s.conn.SetReadDeadline(time.Now().Add(lateAnswer))
	err := s.in.read()
	s.in.close = true
	if err != nil && s.in.status == 0 {
		return werr
	}
	return err
}

// answered fills in the outcome of a complete answer, whatever its status.
func (s *session) answered(out *loadgen.Outcome) {
	out.Status, out.Received = s.in.status, s.in.received
	s.detail = finish(out, &s.in.answer, s.target, s.follow, s.detail)
	s.scrub(out)
}

// scrub blanks in the detail what must not be shown.
func (s *session) scrub(out *loadgen.Outcome) {
	if len(out.Detail) > 0 {
		s.target.scrub(out.Detail, s.stamp)
	}
}

// fail fills in the outcome of a request that got no complete answer. When the
// server told its refusal before the connection broke, the refusal is the class.
func (s *session) fail(out *loadgen.Outcome, err error) {
	if s.conn != nil {
		out.Status, out.Received = s.in.status, s.in.received
	}
	open, notOpened := errors.AsType[*loadgen.OpenError](err)
	switch {
	case s.isClosed():
		out.Class, err = loadgen.Network, errSessionClosed
	case notOpened:
		out.Class, err = open.Class, open.Err
	default:
		out.Class, err = classOfError(err), s.explain(err)
	}
	if out.Class == loadgen.Reset && out.Status >= 300 {
		s.answered(out)
		return
	}
	s.detail = appendText(s.detail[:0], err.Error())
	out.Detail = s.detail
	s.scrub(out)
}

func (s *session) connectBy(deadline time.Time) error {
	ctx, cancel := context.WithDeadline(s.dialing, deadline)
	defer cancel()
	return s.connect(ctx)
}

// explain adds to an error of an exchange what the reader knows.
func (s *session) explain(err error) error {
	return explain(err, &s.in.answer, s.target.timeout, s.in.buf[s.in.r:s.in.w])
}

// connect opens the session's connection.
func (s *session) connect(ctx context.Context) error {
	if s.isClosed() {
		return errSessionClosed
	}
	conn, err := s.target.dialer.connect(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.live = conn
	}
	s.mu.Unlock()
	if closed {
		_ = conn.Close()
		return errSessionClosed
	}
	s.conn = conn
	s.in.reset(conn)
	return nil
}

func (s *session) disconnect() {
	if s.conn == nil {
		return
	}
	conn := s.conn
	s.mu.Lock()
	s.conn, s.live = nil, nil
	s.mu.Unlock()
	closeNow(conn)
}

// closeNow closes a connection without TLS's word of farewell, for which
// crypto/tls would wait up to five seconds on a server that does not read.
func closeNow(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_ = conn.Close()
}

func (s *session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close ends the session and whatever Do is under way. It never fails.
func (s *session) Close() error {
	s.mu.Lock()
	s.closed = true
	conn := s.live
	s.live = nil
	s.mu.Unlock()
	s.cancel()
	if conn != nil {
		closeNow(conn)
	}
	return nil
}

// Format writes no more than the target's String: the buffers hold its secrets.
func (s *session) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "session of "+s.target.String())
}
