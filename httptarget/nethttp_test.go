package httptarget

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"plimsoll/loadgen"
)

// proxy is an HTTP proxy for plain requests and tunnels, counting both.
func proxy(t *testing.T) (at *url.URL, requests *atomic.Int64) {
	t.Helper()
	serve, requests := proxying("")
	s := listen(t, serve)
	return &url.URL{Scheme: "http", User: url.UserPassword("u", secret), Host: s.Addr().String()}, requests
}

// proxying serves a connection as a proxy; tunnels lead to the given address
// where there is one.
func proxying(always string) (serve func(int, net.Conn), requests *atomic.Int64) {
	requests = new(atomic.Int64)
	return func(_ int, conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			requests.Add(1)
			if req.Method == http.MethodConnect {
				tunnel(conn, r, cmp.Or(always, req.Host))
				return
			}
			req.RequestURI = ""
			resp, err := new(http.Transport).RoundTrip(req)
			if err != nil {
				return
			}
			err = resp.Write(conn)
			_ = resp.Body.Close()
			if err != nil {
				return
			}
		}
	}, requests
}

func tunnel(conn net.Conn, r io.Reader, address string) {
	up, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer up.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connected\r\n\r\n")
	go func() {
		_, _ = io.Copy(up, r)
		_ = up.Close()
	}()
	_, _ = io.Copy(conn, up)
}

func TestProxy(t *testing.T) {
	cert, ca := authority(t, "127.0.0.1")
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			serve := echo
			if scheme == "https" {
				serve = overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, echo)
			}
			s := listen(t, serve)
			at, requests := proxy(t)
			o := Options{URL: scheme + "://" + s.Addr().String() + "/x", CAPEM: ca, Proxy: http.ProxyURL(at), Bodies: body("hello")}
			target := newTarget(t, o)
			if target.Engine() != "net/http" || !strings.Contains(target.EngineReason(), at.Host) || strings.Contains(target.EngineReason(), secret) {
				t.Errorf("Engine: got %s because %q, want net/http because of the proxy at %s", target.Engine(), target.EngineReason(), at.Host)
			}
			session, err := target.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			for range 3 {
				out := session.Do(loadgen.Request{Content: []byte("templated")})
				if out.Class != loadgen.OK || out.Received != 9 || out.Reconnects != 0 {
					t.Errorf("Do: got %v, %d bytes, %d reconnects (%s), want ok, 9, 0", out.Class, out.Received, out.Reconnects, out.Detail)
				}
			}
			if want := int64(3); scheme == "http" && requests.Load() != want || scheme == "https" && requests.Load() != 1 {
				t.Errorf("%s: the proxy saw %d requests", scheme, requests.Load())
			}
		})
	}
}

// TestProxyOverTLS: the proxy and the server behind it each have a certificate
// for their own name.
func TestProxyOverTLS(t *testing.T) {
	proxyCert, proxyCA := authority(t, "127.0.0.1")
	cert, ca := authority(t, "model.test")
	s := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, echo))
	serve, _ := proxying(s.Addr().String())
	p := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{proxyCert}}, serve))
	at := &url.URL{Scheme: "https", Host: p.Addr().String()}
	o := Options{URL: "https://model.test", CAPEM: append(proxyCA, ca...), Proxy: http.ProxyURL(at), Bodies: body("hello")}
	wantClass(t, "Do", openSession(t, o).Do(loadgen.Request{}), loadgen.OK, 200)
}

func TestProxyFailures(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	gone := &url.URL{Scheme: "http", Host: l.Addr().String()}
	_, err = newTarget(t, Options{URL: "http://model.test", Proxy: http.ProxyURL(gone)}).Open(t.Context())
	wantOpenError(t, err, loadgen.Refused, gone.Host)
	at, _ := proxy(t)
	cert, _ := authority(t, "127.0.0.1")
	s := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, echo))
	out := openSession(t, Options{URL: "https://" + s.Addr().String(), Proxy: http.ProxyURL(at)}).Do(loadgen.Request{})
	if out.Class != loadgen.TLSFailure || !strings.Contains(string(out.Detail), "--ca-file") {
		t.Errorf("Do through a proxy to an unknown authority: got %v (%s), want tls with a remedy", out.Class, out.Detail)
	}
	_, err = New(Options{URL: "http://h", Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("bad proxy") }})
	if err == nil || !strings.Contains(err.Error(), "bad proxy") {
		t.Errorf("New with a bad proxy: got error %v", err)
	}
}

func TestEngine(t *testing.T) {
	for _, tt := range []struct {
		o            Options
		want, reason string
	}{
		{Options{URL: "http://127.0.0.1"}, "http1", "no proxy"},
		{Options{URL: "http://127.0.0.1", NetHTTP: true}, "net/http", "asked for"},
	} {
		target := newTarget(t, tt.o)
		if target.Engine() != tt.want || !strings.Contains(target.EngineReason(), tt.reason) {
			t.Errorf("%v: got engine %s because %q, want %s because %q", tt.o, target.Engine(), target.EngineReason(), tt.want, tt.reason)
		}
		if !strings.Contains(target.String(), tt.want) {
			t.Errorf("String: got %q, want it to name the engine %s", target, tt.want)
		}
	}
}

// TestProxyComesFromEnvironment: unless connections are made by a function of
// one's own, which knows best.
func TestProxyComesFromEnvironment(t *testing.T) {
	own := func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF }
	for _, tt := range []struct {
		o    Options
		want bool
	}{{Options{}, true}, {Options{DialContext: own}, false}, {Options{DialContext: own, Proxy: http.ProxyURL(nil)}, true}} {
		if got := proxyFunc(tt.o) != nil; got != tt.want {
			t.Errorf("proxyFunc with DialContext %v and Proxy %v: got one %v, want %v", tt.o.DialContext != nil, tt.o.Proxy != nil, got, tt.want)
		}
	}
}

// TestCloseEndsConnection: the server sees the end of a session.
func TestCloseEndsConnection(t *testing.T) {
	for _, viaNetHTTP := range []bool{false, true} {
		for _, requests := range []int{0, 1} {
			ended := make(chan bool)
			s := listen(t, func(n int, conn net.Conn) {
				echo(n, conn)
				close(ended)
			})
			session := openSession(t, Options{URL: s.url, NetHTTP: viaNetHTTP})
			for range requests {
				wantClass(t, "Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
			}
			_ = session.Close()
			<-ended
		}
	}
}

// TestNetHTTPSends checks that both engines send the same request.
func TestNetHTTPSends(t *testing.T) {
	for _, o := range []Options{
		{Bodies: body("hello"), BearerToken: "t0ken", Header: http.Header{"X-A": {"1", "2"}, "Host": {"model.example"}}},
		{Method: "GET"},
		{Method: "POST"},
		{Method: "HEAD"},
		{Method: "PUT", Bodies: body("")},
	} {
		var got [2]string
		for i := range got {
			sent := make(chan string, 1)
			s := listen(t, func(_ int, conn net.Conn) {
				req, content, ok := readRequest(bufio.NewReader(conn))
				if !ok {
					return
				}
				host := strings.Replace(req.Host, conn.LocalAddr().String(), "HOST", 1)
				sent <- fmt.Sprint(req.Method, req.RequestURI, host, req.Header, content, req.ContentLength, req.TransferEncoding)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			})
			o.URL, o.NetHTTP = s.url+"/path?q=1", i == 1
			wantClass(t, "Do", openSession(t, o).Do(loadgen.Request{}), loadgen.OK, 200)
			got[i] = <-sent
		}
		if got[0] != got[1] {
			t.Errorf("%v: the engines differ:\nhttp1    %s\nnet/http %s", o, got[0], got[1])
		}
	}
}

// TestNetHTTPReconnects counts like the fast path.
func TestNetHTTPReconnects(t *testing.T) {
	s := listen(t, once("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	session := openSession(t, Options{URL: s.url, NetHTTP: true})
	for i, want := range []int{0, 1, 1} {
		out := session.Do(loadgen.Request{})
		wantClass(t, "Do", out, loadgen.OK, 200)
		if out.Reconnects != want {
			t.Errorf("Do %d: got %d reconnects, want %d", i, out.Reconnects, want)
		}
	}
}
