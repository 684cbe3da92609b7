package httptarget

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/loadgen"
)

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = newTarget(t, Options{URL: "http://" + address}).Open(t.Context())
	wantOpenError(t, err, loadgen.Refused, address, "is the server running")
}

// TestServerGoesAway: requests fail by class while nobody listens, and succeed
// again when somebody does.
func TestServerGoesAway(t *testing.T) {
	var up atomic.Bool
	up.Store(true)
	s := listen(t, once("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	session := openSession(t, Options{URL: s.url, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if !up.Load() {
			address = gone.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	up.Store(false)
	out := session.Do(loadgen.Request{}) // answered, then cannot reconnect
	wantClass(t, "Do before", out, loadgen.OK, 200)
	if out.Reconnects != 0 {
		t.Errorf("Do before: got %d reconnects, want 0", out.Reconnects)
	}
	wantClass(t, "Do while away", session.Do(loadgen.Request{}), loadgen.Refused, 0)
	wantClass(t, "Do while away", session.Do(loadgen.Request{}), loadgen.Refused, 0)
	up.Store(true)
	out = session.Do(loadgen.Request{})
	wantClass(t, "Do after", out, loadgen.OK, 200)
	if out.Reconnects != 2 {
		t.Errorf("Do after: got %d reconnects, want 2 (before the request and after its answer)", out.Reconnects)
	}
}

func TestConnectionBreaks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		serve  func(conn net.Conn, r *bufio.Reader)
		want   loadgen.Class
		status int
	}{
		{"closed without an answer", func(_ net.Conn, r *bufio.Reader) { readRequest(r) }, loadgen.Reset, 0},
		{"reset without an answer", func(c net.Conn, r *bufio.Reader) { readRequest(r); reset(c) }, loadgen.Reset, 0},
		{"closed in the head", func(c net.Conn, r *bufio.Reader) { readRequest(r); io.WriteString(c, "HTTP/1.1 200 OK\r\nCont") }, loadgen.Reset, 200},
		{"closed in the body", func(c net.Conn, r *bufio.Reader) { readRequest(r); io.WriteString(c, reply(200, "xyz")[:44]) }, loadgen.Reset, 200},
		{"refusal closed in the body", func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			io.WriteString(c, "HTTP/1.1 413 x\r\nContent-Length: 100\r\n\r\ntoo")
		}, loadgen.ClientError, 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := listen(t, func(n int, conn net.Conn) {
				if n > 0 {
					always(reply(200, ""))(n, conn)
					return
				}
				tt.serve(conn, bufio.NewReader(conn))
			})
			session := openSession(t, Options{URL: s.url, Bodies: body("x")})
			out := session.Do(loadgen.Request{})
			if out.Class != tt.want || out.Status != tt.status || len(out.Detail) == 0 || out.Reconnects != 1 {
				t.Errorf("Do: got %v, status %d, %d reconnects (%s); want %v, status %d, 1 reconnect", out.Class, out.Status, out.Reconnects, out.Detail, tt.want, tt.status)
			}
			wantClass(t, "next Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
		})
	}
}

func TestTimeout(t *testing.T) {
	for _, tt := range []struct{ name, answer, detail string }{
		{"no answer", "", "no answer within 60ms"},
		{"half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123", "only status 200 and 3 bytes"},
	} {
		for _, viaNetHTTP := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/net/http %v", tt.name, viaNetHTTP), func(t *testing.T) {
				s := listen(t, always(tt.answer))
				session := openSession(t, Options{URL: s.url, Timeout: 60 * time.Millisecond, NetHTTP: viaNetHTTP})
				start := time.Now()
				out := session.Do(loadgen.Request{})
				if out.Class != loadgen.Timeout || !strings.Contains(string(out.Detail), tt.detail) {
					t.Errorf("Do: got %v (%s), want timeout (%s)", out.Class, out.Detail, tt.detail)
				}
				if took := time.Since(start); took < 60*time.Millisecond {
					t.Errorf("Do: timed out after %v, want not before 60ms", took)
				}
			})
		}
	}
}

// TestNeverRetries: a request that failed reached the server at most once.
func TestNeverRetries(t *testing.T) {
	for _, viaNetHTTP := range []bool{false, true} {
		for _, method := range []string{"POST", "GET"} {
			var requests atomic.Int64
			s := listen(t, func(_ int, conn net.Conn) {
				r := bufio.NewReader(conn)
				for first := true; ; first = false {
					if _, _, ok := readRequest(r); !ok {
						return
					}
					requests.Add(1)
					if !first { // the second on a connection gets no answer
						return
					}
					_, _ = io.WriteString(conn, reply(200, "x"))
				}
			})
			session := openSession(t, Options{URL: s.url, Method: method, NetHTTP: viaNetHTTP})
			wantClass(t, "first Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
			wantClass(t, "second Do", session.Do(loadgen.Request{}), loadgen.Reset, 0)
			if got := requests.Load(); got != 2 {
				t.Errorf("%s through net/http %v: the server saw %d requests for 2", method, viaNetHTTP, got)
			}
		}
	}
}

// TestEarlyAnswer: a server that refuses a body before reading it is understood,
// whether it then reads on, closes or only stops reading.
func TestEarlyAnswer(t *testing.T) {
	for _, size := range []int{60 << 10, 8 << 20} {
		for _, tt := range []struct {
			name string
			then func(*testing.T, net.Conn)
		}{
			{"reads on", func(_ *testing.T, c net.Conn) { _, _ = io.Copy(io.Discard, c) }},
			{"closes", func(_ *testing.T, c net.Conn) { _ = c.Close() }},
			{"stops reading", func(t *testing.T, _ net.Conn) { <-t.Context().Done() }},
		} {
			t.Run(fmt.Sprintf("%s/%d bytes", tt.name, size), func(t *testing.T) {
				s := listen(t, func(_ int, conn net.Conn) {
					if _, err := http.ReadRequest(bufio.NewReaderSize(conn, 16)); err == nil {
						_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo long")
						tt.then(t, conn)
					}
				})
				out := openSession(t, Options{URL: s.url, Bodies: body(strings.Repeat("x", size))}).Do(loadgen.Request{})
				wantClass(t, "Do", out, loadgen.ClientError, 413)
			})
		}
	}
}

// TestEarlyAnswerToLongBody: an answer ends the exchange although the body is not
// written, and its connection, in the middle of a request, is not used again.
func TestEarlyAnswerToLongBody(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		want         loadgen.Class
	}{
		{"answer that keeps the connection", reply(413, "too long"), loadgen.ClientError},
		{"garbage", "what?", loadgen.Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := listen(t, func(_ int, conn net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, tt.answer)
					<-t.Context().Done()
				}
			})
			// A timeout that no test outlives: the answer alone must end this.
			session := openSession(t, Options{URL: s.url, Bodies: body(strings.Repeat("x", 32<<20)), Timeout: time.Hour})
			for range 2 {
				if out := session.Do(loadgen.Request{}); out.Class != tt.want || out.Reconnects != 1 {
					t.Errorf("Do: got %v and %d reconnects (%s), want %v and 1", out.Class, out.Reconnects, out.Detail, tt.want)
				}
			}
		})
	}
}

// deaf is a connection that fails every write, as after a reset, with what the
// server had said before still to be read.
type deaf struct {
	net.Conn
	said *strings.Reader
}

func (d deaf) Write([]byte) (int, error)  { return 0, &net.OpError{Op: "write", Err: syscall.EPIPE} }
func (d deaf) Read(p []byte) (int, error) { return d.said.Read(p) }

func TestAnswerAfterFailedWrite(t *testing.T) {
	for _, tt := range []struct {
		name, said string
		want       loadgen.Class
		status     int
		detail     string
	}{
		{"nothing", "", loadgen.Reset, 0, "broken pipe"},
		{"half a head", "HTTP/1.1 4", loadgen.Reset, 0, "broken pipe"},
		{"refusal", reply(413, "too long"), loadgen.ClientError, 413, "too long"},
		{"half a refusal", reply(413, "too long")[:46], loadgen.ClientError, 413, "too"},
		{"answer", reply(200, "x"), loadgen.OK, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			session := openSession(t, Options{URL: "http://model.test", DialContext: func(context.Context, string, string) (net.Conn, error) {
				conn, _ := net.Pipe()
				return deaf{conn, strings.NewReader(tt.said)}, nil
			}})
			out := session.Do(loadgen.Request{})
			wantClass(t, "Do", out, tt.want, tt.status)
			if out.Reconnects != 1 || !strings.Contains(string(out.Detail), tt.detail) {
				t.Errorf("Do: got %d reconnects and detail %q, want 1 and %q", out.Reconnects, out.Detail, tt.detail)
			}
		})
	}
}

// closeNoted notes that it was closed.
type closeNoted struct {
	net.Conn
	closed *atomic.Bool
}

func (c closeNoted) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

// TestCloseWhileConnecting: a connection that arrives after Close is closed, too.
func TestCloseWhileConnecting(t *testing.T) {
	s := listen(t, once("HTTP/1.1 200 OK\r\n\r\n"))
	var (
		session loadgen.Session
		late    atomic.Bool
	)
	session = openSession(t, Options{URL: s.url, DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		if session == nil || err != nil {
			return conn, err
		}
		_ = session.Close()
		return closeNoted{conn, &late}, nil
	}})
	wantClass(t, "Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
	if !late.Load() {
		t.Error("a connection that was made during Close stayed open")
	}
}

// TestLongBothWays: a server that answers while it reads does not lock up with us.
func TestLongBothWays(t *testing.T) {
	const size = 8 << 20
	s := listen(t, func(_ int, conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", req.ContentLength)
			_, _ = io.Copy(conn, req.Body)
		}
	})
	content := bytes.Repeat([]byte("y"), size)
	session := openSession(t, Options{URL: s.url, Bodies: body(strings.Repeat("x", size))})
	for i, req := range []loadgen.Request{{}, {Content: content}, {Content: content[:size/2]}} {
		want := int64(size)
		if req.Content != nil {
			want = int64(len(req.Content))
		}
		out := session.Do(req)
		if out.Class != loadgen.OK || out.Received != want || out.Reconnects != 0 {
			t.Errorf("Do %d: got %v, %d bytes, %d reconnects (%s); want ok, %d, 0", i, out.Class, out.Received, out.Reconnects, out.Detail, want)
		}
	}
}

// TestHugeAnswer streams an answer that is far larger than the memory it may cost.
func TestHugeAnswer(t *testing.T) {
	const size, allowed = 256 << 20, 4 << 20
	block := make([]byte, 1<<20)
	s := listen(t, func(_ int, conn net.Conn) {
		_, _, _ = readRequest(bufio.NewReader(conn))
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		for range size / len(block) {
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	})
	session := openSession(t, Options{URL: s.url})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out := session.Do(loadgen.Request{})
	runtime.ReadMemStats(&after)
	if out.Class != loadgen.OK || out.Received != size {
		t.Errorf("Do: got %v and %d bytes, want ok and %d", out.Class, out.Received, size)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > allowed {
		t.Errorf("Do with an answer of %d bytes: allocated %d bytes, want at most %d", size, grown, allowed)
	}
}

func TestMaxAnswer(t *testing.T) {
	for _, viaNetHTTP := range []bool{false, true} {
		s := listen(t, always(reply(200, "12345")))
		out := openSession(t, Options{URL: s.url, MaxAnswer: 4, NetHTTP: viaNetHTTP}).Do(loadgen.Request{})
		wantClass(t, "Do", out, loadgen.Malformed, 200)
		out = openSession(t, Options{URL: s.url, MaxAnswer: 5, NetHTTP: viaNetHTTP}).Do(loadgen.Request{})
		wantClass(t, "Do", out, loadgen.OK, 200)
	}
}

// TestCloseUnblocks: Close ends a Do under way, a long write and a connect as well
// as a read, and no later Do connects again.
func TestCloseUnblocks(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
	}{
		{"reading", Options{}},
		{"writing", Options{Bodies: body(strings.Repeat("x", 32<<20))}},
		{"through net/http", Options{NetHTTP: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.URL, tt.o.Timeout = listen(t, silent(t)).url, time.Minute
			session := openSession(t, tt.o)
			done := make(chan loadgen.Outcome)
			go func() { done <- session.Do(loadgen.Request{}) }()
			time.Sleep(20 * time.Millisecond)
			_ = session.Close()
			wantClass(t, "Do during Close", <-done, loadgen.Network, 0)
			wantClass(t, "Do after Close", session.Do(loadgen.Request{}), loadgen.Network, 0)
			if err := session.Close(); err != nil {
				t.Errorf("second Close: got %v, want nil", err)
			}
		})
	}
	t.Run("connecting", func(t *testing.T) {
		s := listen(t, once("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		dials, dialing := 0, make(chan bool, 1)
		session := openSession(t, Options{URL: s.url, ConnectTimeout: time.Minute, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials++; dials == 1 {
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			dialing <- true
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		done := make(chan loadgen.Outcome)
		go func() { done <- session.Do(loadgen.Request{}) }()
		<-dialing
		_ = session.Close()
		wantClass(t, "Do during Close", <-done, loadgen.OK, 200)
	})
}

// overPipe is a target whose connections lead to serve through memory, for use in
// a bubble.
func overPipe(t *testing.T, timeout time.Duration, serve func(net.Conn)) loadgen.Session {
	t.Helper()
	return openSession(t, Options{URL: "http://model.test", Timeout: timeout, DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			serve(server)
		}()
		return client, nil
	}})
}

// TestTimeoutIsExact: the timeout is for the whole request, so that a server that
// sends a byte now and then does not outwit it, and each request has its own.
func TestTimeoutIsExact(t *testing.T) {
	const timeout = 10 * time.Second
	answer := []byte(reply(200, "x"))
	n := len(answer)
	slow := timeout / time.Duration(n+1)
	for _, tt := range []struct {
		name  string
		pause time.Duration // before each byte of the answer
		want  loadgen.Class
		took  time.Duration
	}{
		{"in time", slow, loadgen.OK, time.Duration(n) * slow},
		{"trickle", timeout / time.Duration(n-1), loadgen.Timeout, timeout},
		{"silence", timeout * 2, loadgen.Timeout, timeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				session := overPipe(t, timeout, func(conn net.Conn) {
					r := bufio.NewReader(conn)
					for {
						if _, _, ok := readRequest(r); !ok {
							return
						}
						for _, c := range answer {
							time.Sleep(tt.pause)
							if _, err := conn.Write([]byte{c}); err != nil {
								return
							}
						}
					}
				})
				for i := range 3 {
					start := time.Now()
					out := session.Do(loadgen.Request{})
					if took := time.Since(start); out.Class != tt.want || took != tt.took {
						t.Errorf("Do %d: got %v after %v (%s), want %v after %v", i, out.Class, took, out.Detail, tt.want, tt.took)
					}
					time.Sleep(timeout)
				}
			})
		})
	}
}
