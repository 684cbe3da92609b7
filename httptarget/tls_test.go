package httptarget

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plimsoll/loadgen"
)

// authority makes a certificate that signs itself, for the given name or address,
// and its PEM form.
func authority(t testing.TB, name string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// overTLS wraps what serves a connection.
func overTLS(config *tls.Config, serve func(int, net.Conn)) func(int, net.Conn) {
	return func(n int, conn net.Conn) {
		secure := tls.Server(conn, config)
		if secure.Handshake() == nil {
			serve(n, secure)
		}
	}
}

func TestTLS(t *testing.T) {
	cert, ca := authority(t, "127.0.0.1")
	named, namedCA := authority(t, "model.test")
	_, otherCA := authority(t, "127.0.0.1")
	for _, tt := range []struct {
		name   string
		config *tls.Config
		o      Options
		class  loadgen.Class
		words  []string
	}{
		{"own CA", &tls.Config{Certificates: []tls.Certificate{cert}}, Options{CAPEM: ca}, loadgen.OK, nil},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12}, Options{CAPEM: ca}, loadgen.OK, nil},
		{"server name", &tls.Config{Certificates: []tls.Certificate{named}}, Options{CAPEM: namedCA, ServerName: "model.test"}, loadgen.OK, nil},
		{"insecure", &tls.Config{Certificates: []tls.Certificate{named}}, Options{Insecure: true}, loadgen.OK, nil},
		{"no CA", &tls.Config{Certificates: []tls.Certificate{cert}}, Options{}, loadgen.TLSFailure, []string{"--ca-file", "--insecure"}},
		{"wrong CA", &tls.Config{Certificates: []tls.Certificate{cert}}, Options{CAPEM: otherCA}, loadgen.TLSFailure, []string{"--ca-file", "--insecure"}},
		{"wrong name", &tls.Config{Certificates: []tls.Certificate{named}}, Options{CAPEM: namedCA}, loadgen.TLSFailure, []string{"name", "--insecure"}},
		{"another protocol only", &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"acme-tls/1"}}, Options{CAPEM: ca}, loadgen.TLSFailure, []string{"HTTP/1.1"}},
		{"old TLS only", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, Options{CAPEM: ca}, loadgen.TLSFailure, []string{"TLS versions"}},
	} {
		for _, viaNetHTTP := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/net/http %v", tt.name, viaNetHTTP), func(t *testing.T) {
				s := listen(t, overTLS(tt.config, echo))
				address := s.Addr().String()
				tt.o.URL, tt.o.Bodies, tt.o.NetHTTP = "https://"+address, body(strings.Repeat("x", 50<<10)), viaNetHTTP
				session, err := newTarget(t, tt.o).Open(t.Context())
				if tt.class != loadgen.OK {
					wantOpenError(t, err, tt.class, append(tt.words, address)...)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer session.Close()
				for _, content := range [][]byte{nil, make([]byte, 1<<20), make([]byte, 10), nil} {
					out := session.Do(loadgen.Request{Content: content})
					want := int64(len(content))
					if content == nil {
						want = 50 << 10
					}
					if out.Class != loadgen.OK || out.Received != want || out.Reconnects != 0 {
						t.Errorf("Do: got %v, %d bytes, %d reconnects (%s); want ok, %d, 0", out.Class, out.Received, out.Reconnects, out.Detail, want)
					}
				}
			})
		}
	}
}

func TestWrongScheme(t *testing.T) {
	t.Run("https to a plaintext port", func(t *testing.T) {
		// Half the servers answer a handshake with 400, the others close.
		s := listen(t, func(_ int, conn net.Conn) {
			_, _ = bufio.NewReader(conn).ReadByte()
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		})
		_, err := newTarget(t, Options{URL: "https://" + s.Addr().String()}).Open(t.Context())
		wantOpenError(t, err, loadgen.TLSFailure, "use http://")
	})
	t.Run("http to a TLS port", func(t *testing.T) {
		s := listen(t, once("\x15\x03\x03\x00\x02\x02\x46")) // the alert of most servers
		out := openSession(t, Options{URL: s.url}).Do(loadgen.Request{})
		if out.Class != loadgen.Malformed || !strings.Contains(string(out.Detail), "use https://") {
			t.Errorf("Do: got %v (%s), want malformed with the advice to use https://", out.Class, out.Detail)
		}
	})
	t.Run("handshake cut off", func(t *testing.T) {
		s := listen(t, func(_ int, conn net.Conn) { _, _ = conn.Read(make([]byte, 1000)) })
		_, err := newTarget(t, Options{URL: "https://" + s.Addr().String()}).Open(t.Context())
		wantOpenError(t, err, loadgen.Reset, "TLS handshake")
	})
	t.Run("handshake never answered", func(t *testing.T) {
		s := listen(t, silent(t))
		_, err := newTarget(t, Options{URL: "https://" + s.Addr().String(), ConnectTimeout: 40 * time.Millisecond}).Open(t.Context())
		wantOpenError(t, err, loadgen.Timeout, "TLS handshake")
	})
}

// TestTLSIdle: an idle TLS connection is recognised as closed in spite of the
// session tickets that wait on it, and those do not make an open one look closed.
func TestTLSIdle(t *testing.T) {
	cert, ca := authority(t, "127.0.0.1")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, end := range []string{"stays open", "closing alert", "closed without", "data nobody asked for"} {
			t.Run(tls.VersionName(version)+"/"+end, func(t *testing.T) {
				acted := make(chan bool, 1)
				s := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: version}, func(n int, conn net.Conn) {
					if n == 0 {
						switch end {
						case "closing alert":
							_ = conn.Close()
						case "closed without":
							_ = conn.(*tls.Conn).NetConn().Close()
						case "data nobody asked for":
							_, _ = io.WriteString(conn, "HTTP/1.1 408 Idle\r\n\r\n")
						}
						acted <- true
					}
					always(reply(200, "x"))(n, conn)
				}))
				session := openSession(t, Options{URL: "https://" + s.Addr().String(), CAPEM: ca})
				<-acted
				time.Sleep(idleAfter + 20*time.Millisecond)
				out := session.Do(loadgen.Request{})
				wantClass(t, "Do after idling", out, loadgen.OK, 200)
				want := 1
				if end == "stays open" {
					want = 0
				}
				if out.Reconnects != want {
					t.Errorf("Do after idling: got %d reconnects, want %d", out.Reconnects, want)
				}
			})
		}
	}
}

// TestTLSResumes: a reconnect resumes the TLS session.
func TestTLSResumes(t *testing.T) {
	cert, ca := authority(t, "127.0.0.1")
	resumed := make(chan bool, 10)
	s := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, func(n int, conn net.Conn) {
		resumed <- conn.(*tls.Conn).ConnectionState().DidResume
		always("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")(n, conn)
	}))
	session := openSession(t, Options{URL: "https://" + s.Addr().String(), CAPEM: ca})
	wantClass(t, "Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
	if first, second := <-resumed, <-resumed; first || !second {
		t.Errorf("connections resumed: got %v then %v, want false then true", first, second)
	}
}

// counted counts the writes to a connection.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// TestTLSWrites: a body goes out in records of full size.
func TestTLSWrites(t *testing.T) {
	cert, ca := authority(t, "127.0.0.1")
	s := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, echo))
	var writes atomic.Int64
	o := Options{URL: "https://" + s.Addr().String(), CAPEM: ca, Bodies: body(strings.Repeat("x", 50_000))}
	o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return counted{conn, &writes}, err
	}
	session := openSession(t, o)
	writes.Store(0)
	wantClass(t, "Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
	if got := writes.Load(); got > 4 {
		t.Errorf("Do with 50 kB over TLS: got %d writes, want at most 4 (records hold 16 kB)", got)
	}
}

// TestTLSEarlyAnswer is TestEarlyAnswer over TLS.
func TestTLSEarlyAnswer(t *testing.T) {
	cert, ca := authority(t, "127.0.0.1")
	s := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, func(_ int, conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo long")
			<-t.Context().Done()
		}
	}))
	o := Options{URL: "https://" + s.Addr().String(), CAPEM: ca, Bodies: body(strings.Repeat("x", 16<<20))}
	wantClass(t, "Do", openSession(t, o).Do(loadgen.Request{}), loadgen.ClientError, 413)
}
