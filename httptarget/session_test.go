package httptarget

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plimsoll/loadgen"
)

// TestRequestOnTheWire checks every byte of what is sent.
func TestRequestOnTheWire(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		req  loadgen.Request
		want string
	}{
		{
			"post",
			Options{URL: "http://HOST/invocations?a=%20b", Bodies: body("1,2")},
			loadgen.Request{},
			"POST /invocations?a=%20b HTTP/1.1\r\nHost: HOST\r\nAccept: application/json\r\nContent-Type: text/csv\r\nUser-Agent: plimsoll\r\nContent-Length: 3\r\n\r\n1,2",
		},
		{
			"templated",
			Options{URL: "http://HOST", Bodies: body("1,2")},
			loadgen.Request{Content: []byte("longer, 3")},
			"POST / HTTP/1.1\r\nHost: HOST\r\nAccept: application/json\r\nContent-Type: text/csv\r\nUser-Agent: plimsoll\r\nContent-Length: 9\r\n\r\nlonger, 3",
		},
		{
			"templated and empty",
			Options{URL: "http://HOST", Bodies: []Body{{Content: []byte("x")}}},
			loadgen.Request{Content: []byte{}},
			"POST / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: plimsoll\r\nContent-Length: 0\r\n\r\n",
		},
		{
			"second body",
			Options{URL: "http://HOST/x", Bodies: append(body("a"), Body{Content: []byte("bb")})},
			loadgen.Request{Body: 1},
			"POST /x HTTP/1.1\r\nHost: HOST\r\nUser-Agent: plimsoll\r\nContent-Length: 2\r\n\r\nbb",
		},
		{
			"get without body",
			Options{URL: "http://HOST/ping", Method: "GET"},
			loadgen.Request{},
			"GET /ping HTTP/1.1\r\nHost: HOST\r\nUser-Agent: plimsoll\r\n\r\n",
		},
		{
			"post without body",
			Options{URL: "http://HOST/ping"},
			loadgen.Request{},
			"POST /ping HTTP/1.1\r\nHost: HOST\r\nUser-Agent: plimsoll\r\nContent-Length: 0\r\n\r\n",
		},
		{
			"headers",
			Options{
				URL: "http://HOST/", BearerToken: "tok", Bodies: body("x"),
				Header: http.Header{"host": {"model.example"}, "X-B": {"1", "2"}, "X-A": {"z"}, "user-agent": {"me"}, "accept": {"text/plain"}, "content-type": {"text/plain"}},
			},
			loadgen.Request{},
			"POST / HTTP/1.1\r\nHost: model.example\r\nAccept: application/json\r\nAuthorization: Bearer tok\r\nContent-Type: text/csv\r\nX-A: z\r\nX-B: 1\r\nX-B: 2\r\nuser-agent: me\r\nContent-Length: 1\r\n\r\nx",
		},
		{
			"header for bodies without",
			Options{URL: "http://HOST/", Bodies: []Body{{Content: []byte("x")}}, Header: http.Header{"Content-Type": {"text/plain"}}},
			loadgen.Request{},
			"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Type: text/plain\r\nUser-Agent: plimsoll\r\nContent-Length: 1\r\n\r\nx",
		},
		{
			"user in the URL",
			Options{URL: "http://al:secret@HOST/", Method: "GET"},
			loadgen.Request{},
			"GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: Basic YWw6c2VjcmV0\r\nUser-Agent: plimsoll\r\n\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent := make(chan string, 1)
			s := listen(t, func(_ int, conn net.Conn) {
				var wire bytes.Buffer
				if _, _, ok := readRequest(bufio.NewReader(io.TeeReader(conn, &wire))); ok {
					sent <- wire.String()
					_, _ = io.WriteString(conn, reply(200, ""))
				}
			})
			host := s.Addr().String()
			tt.o.URL = strings.Replace(tt.o.URL, "HOST", host, 1)
			wantClass(t, "Do", openSession(t, tt.o).Do(tt.req), loadgen.OK, 200)
			if got, want := <-sent, strings.Replace(tt.want, "HOST", host, 1); got != want {
				t.Errorf("sent\n%q, want\n%q", got, want)
			}
		})
	}
}

func TestClasses(t *testing.T) {
	throttle := "HTTP/1.1 400 Bad Request\r\nx-amzn-ErrorType: ThrottlingException:http://internal.amazon.com/\r\nContent-Length: 2\r\n\r\n{}"
	for _, tt := range []struct {
		name, path, answer string
		want               loadgen.Class
		status             int
		detail             string
	}{
		{"ok", "", reply(200, "fine"), loadgen.OK, 200, ""},
		{"created", "", reply(201, ""), loadgen.OK, 201, ""},
		{"no content", "", "HTTP/1.1 204 No Content\r\n\r\n", loadgen.OK, 204, ""},
		{"after early hints", "", "HTTP/1.1 103 Early Hints\r\n\r\n" + reply(200, ""), loadgen.OK, 200, ""},
		{"redirect", "", "HTTP/1.1 307 x\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n", loadgen.Redirect, 307, "redirect to http://other/"},
		{"not modified", "", "HTTP/1.1 304 Not Modified\r\n\r\n", loadgen.Redirect, 304, "304 Not Modified, without a body"},
		{"too many", "", reply(429, "slow down"), loadgen.Throttled, 429, "slow down"},
		{"throttling header", "", throttle, loadgen.Throttled, 400, "{}"},
		{"throttling type", "", reply(400, `{"message": "x", "__type" : "com.amazonaws#ThrottlingException"}`), loadgen.Throttled, 400, "ThrottlingException"},
		{"throttling code", "", reply(400, `{"code":"ThrottlingException"}`), loadgen.Throttled, 400, "ThrottlingException"},
		{"null message of SageMaker", "/endpoints/model/invocations", reply(400, ` { "message" : null } `), loadgen.Throttled, 400, "null"},
		{"null message by its request id", "/x", "HTTP/1.1 400 x\r\nx-amzn-RequestId: 1\r\nContent-Length: 16\r\n\r\n{\"message\":null}", loadgen.Throttled, 400, "null"},
		{"null message of another", "/other", reply(400, `{"message":null}`), loadgen.ClientError, 400, "null"},
		{"message that speaks of throttling", "/endpoints/model/invocations", reply(400, `{"message":"no ThrottlingException"}`), loadgen.ClientError, 400, "no Thr"},
		{"model error", "", reply(424, "container"), loadgen.ModelError, 424, "container"},
		{"not found", "", reply(404, ""), loadgen.ClientError, 404, "404 Not Found, without a body"},
		{"server error", "", reply(503, strings.Repeat("é", 400)), loadgen.ServerError, 503, strings.Repeat("é", 256)},
		{"status of no class", "", reply(799, "x"), loadgen.ServerError, 799, "x"},
		{"malformed", "", "HTTP/1.1 2x0\r\n\r\n", loadgen.Malformed, 0, "bad status line"},
		{"another protocol", "", "+OK POP3 ready\r\n", loadgen.Malformed, 0, `not HTTP: "+OK POP3`},
		{"upgrade", "", "HTTP/1.1 101 x\r\n\r\n", loadgen.Malformed, 101, "101"},
	} {
		for _, viaNetHTTP := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/net/http %v", tt.name, viaNetHTTP), func(t *testing.T) {
				s := listen(t, always(tt.answer))
				out := openSession(t, Options{URL: s.url + tt.path, Bodies: body("x"), NetHTTP: viaNetHTTP}).Do(loadgen.Request{})
				if out.Class != tt.want || out.Status != tt.status && tt.want != loadgen.Malformed {
					t.Errorf("Do: got %v with status %d (%s), want %v with %d", out.Class, out.Status, out.Detail, tt.want, tt.status)
				}
				ours := tt.want != loadgen.Malformed || !viaNetHTTP // net/http has its own words for what is malformed
				if ours && !strings.Contains(string(out.Detail), tt.detail) || len(out.Detail) > maxDetail {
					t.Errorf("Do: got detail %q, want at most %d bytes with %q", out.Detail, maxDetail, tt.detail)
				}
				if (len(out.Detail) == 0) != (tt.want == loadgen.OK) {
					t.Errorf("Do: got detail %q with class %v, want one exactly for a failure", out.Detail, out.Class)
				}
			})
		}
	}
}

func TestFramings(t *testing.T) {
	for _, tt := range []struct {
		name, method, answer string
		received             int64
		reconnects           int
	}{
		{"length", "POST", reply(200, "12345"), 5, 0},
		{"chunked", "POST", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n", 5, 0},
		{"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 0, 0},
		{"connection close", "POST", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", 1, 1},
		{"HTTP/1.0", "POST", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 1, 1},
		{"HTTP/1.0 kept alive", "POST", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", 1, 0},
		{"garbage behind", "POST", reply(200, "x") + "garbage", 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := listen(t, always(tt.answer))
			session := openSession(t, Options{URL: s.url, Method: tt.method})
			for i := range 3 {
				out := session.Do(loadgen.Request{})
				wantClass(t, "Do", out, loadgen.OK, 200)
				if out.Received != tt.received || out.Reconnects != tt.reconnects {
					t.Errorf("Do %d: got %d bytes and %d reconnects, want %d and %d", i, out.Received, out.Reconnects, tt.received, tt.reconnects)
				}
			}
		})
	}
}

// TestCloseDelimited reads bodies that end with the connection.
func TestCloseDelimited(t *testing.T) {
	s := listen(t, once("HTTP/1.1 200 OK\r\n\r\nto the end"))
	session := openSession(t, Options{URL: s.url})
	for range 3 {
		out := session.Do(loadgen.Request{})
		wantClass(t, "Do", out, loadgen.OK, 200)
		if out.Received != 10 || out.Reconnects != 1 {
			t.Errorf("Do: got %d bytes and %d reconnects, want 10 and 1", out.Received, out.Reconnects)
		}
	}
}

// TestServerClosesAfterN: a server that announces the end of the connection costs
// no request.
func TestServerClosesAfterN(t *testing.T) {
	var conns atomic.Int64
	s := listen(t, func(_ int, conn net.Conn) {
		conns.Add(1)
		r := bufio.NewReader(conn)
		for i := range 4 {
			if _, _, ok := readRequest(r); !ok {
				return
			}
			head := ""
			if i == 3 {
				head = "Connection: close\r\n"
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head+"Content-Length: 0\r\n\r\n")
		}
	})
	session := openSession(t, Options{URL: s.url})
	reconnects := 0
	for range 20 {
		out := session.Do(loadgen.Request{})
		wantClass(t, "Do", out, loadgen.OK, 200)
		reconnects += out.Reconnects
	}
	if reconnects != 5 {
		t.Errorf("20 requests, 4 a connection: got %d reconnects, want 5", reconnects)
	}
}

// TestReconnectIsAside: the time for the next connection is known apart.
func TestReconnectIsAside(t *testing.T) {
	s := listen(t, always("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	dials := 0
	session := openSession(t, Options{URL: s.url, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials > 1 {
			time.Sleep(30 * time.Millisecond)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	session.Do(loadgen.Request{})
	if aside := session.(interface{ Aside() time.Duration }).Aside(); aside < 30*time.Millisecond {
		t.Errorf("Aside after a reconnect of 30 ms: got %v", aside)
	}
}

// TestIdleClose: a connection that the server ended while it was idle is replaced
// before the request, which succeeds.
func TestIdleClose(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(net.Conn)
	}{
		{"closed", func(c net.Conn) { _ = c.Close() }},
		{"reset", reset},
		{"says why", func(c net.Conn) { _, _ = io.WriteString(c, reply(408, "idle")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan bool, 1)
			s := listen(t, func(n int, conn net.Conn) {
				r := bufio.NewReader(conn)
				for {
					if _, _, ok := readRequest(r); !ok {
						return
					}
					_, _ = io.WriteString(conn, reply(200, "x"))
					if n == 0 {
						time.Sleep(20 * time.Millisecond)
						tt.end(conn)
						ended <- true
					}
				}
			})
			session := openSession(t, Options{URL: s.url})
			wantClass(t, "first Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
			<-ended
			time.Sleep(idleAfter + 20*time.Millisecond)
			out := session.Do(loadgen.Request{})
			wantClass(t, "Do after the close", out, loadgen.OK, 200)
			if out.Reconnects != 1 {
				t.Errorf("Do after the close: got %d reconnects, want 1", out.Reconnects)
			}
			time.Sleep(idleAfter + 20*time.Millisecond)
			if out := session.Do(loadgen.Request{}); out.Class != loadgen.OK || out.Reconnects != 0 {
				t.Errorf("Do on an idle open connection: got %v and %d reconnects, want ok and 0", out.Class, out.Reconnects)
			}
		})
	}
}

// TestTemplatedSizes sends contents on both sides of every threshold.
func TestTemplatedSizes(t *testing.T) {
	s := listen(t, echo)
	session := openSession(t, Options{URL: s.url, Bodies: body("template")})
	for _, size := range []int{0, 1, 9, 10, 4096, inlineWrite - 200, inlineWrite - 100, inlineWrite, inlineWrite + 1, 300000, 5} {
		out := session.Do(loadgen.Request{Content: make([]byte, size)})
		if out.Class != loadgen.OK || out.Received != int64(size) || out.Reconnects != 0 {
			t.Errorf("Do with %d bytes: got %v, %d bytes back, %d reconnects (%s)", size, out.Class, out.Received, out.Reconnects, out.Detail)
		}
	}
}

func TestOpenHonoursContext(t *testing.T) {
	for _, viaNetHTTP := range []bool{false, true} {
		target := newTarget(t, Options{URL: "http://model.test", NetHTTP: viaNetHTTP, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := target.Open(ctx)
		wantOpenError(t, err, loadgen.Timeout, "model.test:80")
	}
}

// TestNoAllocations asserts the promise of the steady state over real sockets.
func TestNoAllocations(t *testing.T) {
	ok := []byte(reply(200, "0.97"))
	chunked := []byte("HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	for _, tt := range []struct {
		name    string
		answer  []byte
		bodies  []Body
		content []byte
	}{
		{"fixed", ok, body(strings.Repeat("x", 1000)), nil},
		{"chunked answer", chunked, body("x"), nil},
		{"templated", ok, body("x"), make([]byte, 1000)},
		{"fixed and long", ok, body(strings.Repeat("x", 200<<10)), nil},
		{"templated and long", ok, body("x"), make([]byte, 200<<10)},
		{"fixed, 50 kB", ok, body(strings.Repeat("x", 50<<10)), nil},
		{"failing", []byte(reply(503, "busy")), body("x"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			size := len(tt.content)
			if tt.content == nil {
				size = len(tt.bodies[0].Content)
			}
			session := openSession(t, Options{URL: listen(t, lean(size, tt.answer)).url, Bodies: tt.bodies})
			failed := 0
			avg := testing.AllocsPerRun(200, func() {
				if out := session.Do(loadgen.Request{Content: tt.content}); out.Status == 0 {
					failed++
				}
			})
			if avg != 0 || failed > 0 {
				t.Errorf("Do: got %v allocations a request and %d failures, want 0 and 0", avg, failed)
			}
		})
	}
}

// lean is a server that does not allocate either: it looks for the end of each
// head, skips a body of the given size and answers.
func lean(size int, answer []byte) func(int, net.Conn) {
	return func(_ int, conn net.Conn) {
		buf := make([]byte, 64<<10)
		have := 0
		for {
			n, err := conn.Read(buf[have:])
			if err != nil {
				return
			}
			have += n
			end := bytes.Index(buf[:have], []byte("\r\n\r\n"))
			if end < 0 {
				continue
			}
			for left := end + 4 + size - have; left > 0; left -= n {
				if n, err = conn.Read(buf); err != nil {
					return
				}
			}
			have = 0
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
}
