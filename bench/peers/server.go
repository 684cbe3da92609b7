package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll/internal/host"
	"plimsoll/latency"
)

// role, in the environment, makes this program the server.
const (
	roleVariable = "PLIMSOLL_BENCH_ROLE"
	roleServer   = "server"
	roleBusy     = "busy"
)

// behaviour is how the server is to answer from now on.
type behaviour struct {
	Service     time.Duration // how long each request takes; 0 answers at once
	FreezeAfter time.Duration // after the first request nothing is answered
	Freeze      time.Duration // for so long; 0 never freezes
	Close       bool          // the connection after each answer
	Arrivals    int           // note when requests 0 to Arrivals-1, numbered in their bodies, arrive
}

// record is what the server saw since it was last told how to behave.
type record struct {
	Requests    int64
	Connections int64
	P50, P99    time.Duration   // from a request in full to its answer, where Service is not 0
	Arrived     []time.Duration // by number: on the machine's monotonic clock; 0 for one that did not come
}

// greeting tells where a server listens.
type greeting struct {
	Plain, Secure string
	CA            string // of Secure, in PEM form
}

// server is a small HTTP/1.1 server that answers every request with the same four
// bytes and notes its own times.
type server struct {
	sleeper host.Sleeper
	now     atomic.Pointer[epoch]
}

// epoch is one behaviour and what came of it.
type epoch struct {
	behaviour

	requests, connections atomic.Int64
	first                 atomic.Int64 // when the first request came, in monotonic nanoseconds

	mu      sync.Mutex
	took    *latency.Histogram
	arrived []time.Duration
}

// serve serves until standard input ends, and obeys what comes over it.
func serve() error {
	cert, ca, err := certificate()
	if err != nil {
		return err
	}
	s := &server{}
	defer s.sleeper.Close()
	s.behave(behaviour{})
	plain, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is not waited for
	if err != nil {
		return err
	}
	bare, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // likewise
	if err != nil {
		return err
	}
	secure := tls.NewListener(bare, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	go s.accept(plain)
	go s.accept(secure)
	told := json.NewEncoder(os.Stdout)
	if err := told.Encode(greeting{Plain: plain.Addr().String(), Secure: bare.Addr().String(), CA: string(ca)}); err != nil {
		return err
	}
	orders := json.NewDecoder(os.Stdin)
	for {
		var b behaviour
		if err := orders.Decode(&b); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := told.Encode(s.behave(b)); err != nil {
			return err
		}
	}
}

// behave takes up a behaviour and gives what came of the last.
func (s *server) behave(b behaviour) record {
	next := &epoch{behaviour: b, took: latency.New(), arrived: make([]time.Duration, b.Arrivals)}
	e := s.now.Swap(next)
	if e == nil {
		return record{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := record{Requests: e.requests.Load(), Connections: e.connections.Load(), Arrived: e.arrived}
	if e.took.Count() > 0 {
		r.P50, r.P99 = e.took.Quantile(0.5), e.took.Quantile(0.99)
	}
	return r
}

func (s *server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no file is left, say: connections that end bring some
			time.Sleep(10 * time.Millisecond)
			continue
		}
		s.now.Load().connections.Add(1)
		go s.converse(conn)
	}
}

const (
	answer     = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 4\r\n\r\n0.97"
	lastAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nConnection: close\r\nContent-Length: 4\r\n\r\n0.97"
)

// converse answers the requests of one connection.
func (s *server) converse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := reader{src: conn, buf: make([]byte, 4<<10)}
	for {
		start, err := r.request()
		if err != nil {
			return
		}
		e := s.now.Load()
		e.requests.Add(1)
		if e.Service > 0 || e.Freeze > 0 || e.Arrivals > 0 {
			s.take(e, start)
		}
		text := answer
		if e.Close {
			text = lastAnswer
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		if e.Service > 0 {
			e.note(time.Since(r.whole))
		}
		if e.Close {
			return
		}
	}
}

// take spends the time that a request takes, having noted its arrival.
func (s *server) take(e *epoch, body []byte) {
	whole := time.Now()
	now := host.Monotonic()
	if k, ok := number(body); ok && k < len(e.arrived) {
		e.arrived[k] = now // each number comes once
	}
	if e.Freeze > 0 {
		e.first.CompareAndSwap(0, int64(now))
		since := now - time.Duration(e.first.Load())
		if thawed := e.FreezeAfter + e.Freeze; since >= e.FreezeAfter && since < thawed {
			whole = whole.Add(thawed - since)
		}
	}
	s.sleeper.Until(whole.Add(e.Service))
}

func (e *epoch) note(took time.Duration) {
	e.mu.Lock()
	e.took.Record(took)
	e.mu.Unlock()
}

// number reads what numbered writes.
func number(body []byte) (int, bool) {
	k, err := strconv.Atoi(string(bytes.TrimLeft(body, " ")))
	return k, err == nil
}

// reader reads the requests of one connection.
type reader struct {
	src   io.Reader
	buf   []byte // unread is buf[r:w]
	r, w  int
	whole time.Time // when the last request was there in full
}

var errRequest = errors.New("not a request that the server understands")

// request reads one request and gives the beginning of its body.
func (r *reader) request() (body []byte, err error) {
	var head []byte
	for {
		unread := r.buf[r.r:r.w]
		if end := bytes.Index(unread, []byte("\r\n\r\n")); end >= 0 {
			head = unread[:end+4]
			r.r += end + 4
			break
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	length, err := contentLength(head)
	if err != nil {
		return nil, err
	}
	if length > len(r.buf)/2 {
		return nil, r.discard(length)
	}
	for r.w-r.r < length {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	body = r.buf[r.r : r.r+length]
	r.r += length
	r.whole = time.Now()
	return body, nil
}

// fill reads more, making room first.
func (r *reader) fill() error {
	if r.r > 0 {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
	}
	if r.w == len(r.buf) {
		return errRequest
	}
	n, err := r.src.Read(r.buf[r.w:])
	r.w += n
	if n > 0 {
		return nil
	}
	return err
}

// discard reads a long body over the whole buffer.
func (r *reader) discard(length int) error {
	left := length - (r.w - r.r)
	r.r, r.w = 0, 0
	if len(r.buf) < 64<<10 {
		r.buf = make([]byte, 64<<10)
	}
	for left > 0 {
		n, err := r.src.Read(r.buf[:min(left, len(r.buf))])
		left -= n
		if err != nil && left > 0 {
			return err
		}
	}
	r.whole = time.Now()
	return nil
}

// contentLength is the length that the head of a request gives its body.
func contentLength(head []byte) (int, error) {
	const name = "content-length:"
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return strconv.Atoi(string(bytes.TrimSpace(line[len(name):])))
		}
	}
	if bytes.Contains(head, []byte("ransfer-")) {
		return 0, errRequest // no peer sends chunks
	}
	return 0, nil
}
