package httptarget

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll/loadgen"
)

// server hands each connection on loopback to serve, with its number from 0, and
// ends them all with the test.
type server struct {
	net.Listener
	url string
}

func listen(t testing.TB, serve func(n int, conn net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	wg.Go(func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				serve(n, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return &server{Listener: l, url: "http://" + l.Addr().String()}
}

// readRequest reads one request and gives its body; ok is false at the end of
// the connection.
func readRequest(r *bufio.Reader) (req *http.Request, body string, ok bool) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil, "", false
	}
	p, err := io.ReadAll(req.Body)
	return req, string(p), err == nil
}

// always answers every request with the same bytes.
func always(answer string) func(int, net.Conn) {
	return func(_ int, conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			if _, _, ok := readRequest(r); !ok {
				return
			}
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
	}
}

// once answers one request and closes the connection.
func once(answer string) func(int, net.Conn) {
	return func(_ int, conn net.Conn) {
		if _, _, ok := readRequest(bufio.NewReader(conn)); ok {
			_, _ = io.WriteString(conn, answer)
		}
	}
}

// echo answers with the body of the request.
func echo(_ int, conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		_, body, ok := readRequest(r)
		if !ok {
			return
		}
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
}

// silent neither reads nor answers until the test ends.
func silent(t testing.TB) func(int, net.Conn) {
	t.Helper()
	return func(int, net.Conn) { <-t.Context().Done() }
}

// reset ends a connection with a TCP reset.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func newTarget(t testing.TB, o Options) *Target {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	target, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func openSession(t testing.TB, o Options) loadgen.Session {
	t.Helper()
	s, err := newTarget(t, o).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func body(content string) []Body {
	return []Body{{Name: "test", Content: []byte(content), ContentType: "text/csv", Accept: "application/json"}}
}

// wantClass fails unless the outcome has the class and status.
func wantClass(t testing.TB, what string, out loadgen.Outcome, class loadgen.Class, status int) {
	t.Helper()
	if out.Class != class || out.Status != status {
		t.Errorf("%s: got %v with status %d (%s), want %v with status %d", what, out.Class, out.Status, out.Detail, class, status)
	}
}

func wantOpenError(t testing.TB, err error, class loadgen.Class, words ...string) {
	t.Helper()
	var open *loadgen.OpenError
	if !errors.As(err, &open) || open.Class != class {
		t.Fatalf("Open: got error %v, want a *loadgen.OpenError of class %v", err, class)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("Open: got error %q, want it to mention %q", err, word)
		}
	}
}

func reply(status int, content string) string {
	return "HTTP/1.1 " + strconv.Itoa(status) + " Status\r\nContent-Length: " + strconv.Itoa(len(content)) + "\r\n\r\n" + content
}
