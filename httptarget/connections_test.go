package httptarget

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/arrival"
	"plimsoll/internal/memnet"
	"plimsoll/loadgen"
)

// TestConnectionPerRequest against a server that would keep connections open.
func TestConnectionPerRequest(t *testing.T) {
	for _, viaNetHTTP := range []bool{false, true} {
		t.Run(fmt.Sprintf("net/http %v", viaNetHTTP), func(t *testing.T) {
			var kept atomic.Int64
			s := listen(t, func(_ int, conn net.Conn) {
				r := bufio.NewReader(conn)
				for n := 0; ; n++ {
					req, _, ok := readRequest(r)
					if !ok {
						return
					}
					if n > 0 || !req.Close {
						kept.Add(1)
					}
					_, _ = io.WriteString(conn, reply(200, "x"))
				}
			})
			session := openSession(t, Options{URL: s.url, ConnectionPerRequest: true, NetHTTP: viaNetHTTP, Bodies: body("x")})
			reconnects := 0
			for range 3 {
				out := session.Do(loadgen.Request{})
				wantClass(t, "Do", out, loadgen.OK, 200)
				reconnects += out.Reconnects
			}
			if kept.Load() > 0 || reconnects < 2 {
				t.Errorf("3 requests: %d on a connection that was used or to be kept, %d reconnects; want 0, and one for each later request", kept.Load(), reconnects)
			}
		})
	}
}

// TestLocalAddressOfAnotherFamily: names resolve to what can be reached from it.
func TestLocalAddressOfAnotherFamily(t *testing.T) {
	d, dialed, _ := resolving(t, []string{"2001:db8::1", "10.0.0.1"}, map[string]bool{"10.0.0.1": true, "2001:db8::1": true})
	d.local = netip.MustParseAddr("10.0.0.9")
	d.mustConnect(t)
	if len(*dialed) != 1 || (*dialed)[0] != "10.0.0.1:80" {
		t.Errorf("connect from %v: dialed %v, want 10.0.0.1:80 alone", d.local, *dialed)
	}
	d, _, _ = resolving(t, []string{"10.0.0.1"}, nil)
	d.local = netip.MustParseAddr("2001:db8::9")
	_, err := d.connect(t.Context())
	wantOpenError(t, err, loadgen.Network, "no address of the family of 2001:db8::9", "model.test")
}

// TestLocalAddressOfNobody: an address that the machine does not have is no limit of
// the machine's. 192.0.2.0/24 is for documentation (RFC 5737) and nobody's.
func TestLocalAddressOfNobody(t *testing.T) {
	s := listen(t, always(reply(200, "")))
	_, err := newTarget(t, Options{URL: s.url, LocalAddress: netip.MustParseAddr("192.0.2.1")}).Open(t.Context())
	wantOpenError(t, err, loadgen.Network, "none of this machine's")
}

// first is a corpus of the target's first body.
type first struct{}

func (first) Body(uint64, []byte) (int, []byte) { return 0, nil }

// TestNothingIsLeftAfterATrial: a bubble does not end while a goroutine is left.
func TestNothingIsLeftAfterATrial(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      Options
		secure bool
		freeze bool // requests are in flight when the trial ends
	}{
		{"plain", Options{}, false, false},
		{"long body", Options{Bodies: body(strings.Repeat("x", 2*inlineWrite))}, false, false},
		{"TLS", Options{}, true, false},
		{"a connection each", Options{ConnectionPerRequest: true}, false, false},
		{"net/http", Options{NetHTTP: true}, false, false},
		{"net/http, TLS", Options{NetHTTP: true}, true, false},
		{"frozen server", Options{}, false, true},
		{"frozen server, long body", Options{Bodies: body(strings.Repeat("x", 2*inlineWrite))}, false, true},
		{"frozen server, net/http", Options{NetHTTP: true}, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.o.URL = "http://model.test"
				serve := func(_ int, conn net.Conn) { answerSlowly(conn, tt.freeze) }
				if tt.secure {
					cert, ca := authority(t, "model.test") // good at the time of the bubble
					tt.o.URL, tt.o.CAPEM = "https://model.test", ca
					serve = overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, serve)
				}
				l := memnet.Listen()
				var servers sync.WaitGroup
				servers.Go(func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						servers.Go(func() {
							serve(0, conn)
							_ = conn.Close()
						})
					}
				})
				tt.o.DialContext = l.DialContext
				target := newTarget(t, tt.o)
				g, err := loadgen.New(t.Context(), loadgen.Options{Target: target, Bodies: first{}})
				if err != nil {
					t.Fatal(err)
				}
				for _, load := range []loadgen.Load{
					{Concurrency: 5, Measure: time.Second, Patience: time.Second},
					{Schedule: arrival.Constant{Rate: 100}, Measure: time.Second, Patience: time.Second},
				} {
					m, err := g.Run(t.Context(), load)
					if err != nil || !tt.freeze && m.Counts.Successes == 0 {
						t.Errorf("Run: %d successes (%v), error %v; want some and none", m.Counts.Successes, m.Samples, err)
					}
				}
				g.Close()
				_ = l.Close()
				servers.Wait()
			})
		})
	}
}

// answerSlowly answers after 10 ms, or reads and never answers.
func answerSlowly(conn net.Conn, never bool) {
	r := bufio.NewReader(conn)
	for {
		if _, _, ok := readRequest(r); !ok {
			return
		}
		if never {
			continue
		}
		time.Sleep(10 * time.Millisecond)
		if _, err := io.WriteString(conn, reply(200, "x")); err != nil {
			return
		}
	}
}
