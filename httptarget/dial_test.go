package httptarget

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"plimsoll/loadgen"
)

// resolving is a dialer with a made-up network: names resolve to addrs, and only
// the addresses in up answer.
func resolving(t *testing.T, addrs []string, up map[string]bool) (d *dialer, dialed, looked *[]string) {
	t.Helper()
	d = newDialer(Options{}, &url.URL{Scheme: "http", Host: "model.test"})
	dialed, looked = new([]string), new([]string)
	d.lookup = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		*looked = append(*looked, host)
		var parsed []netip.Addr
		for _, a := range addrs {
			parsed = append(parsed, netip.MustParseAddr(a))
		}
		return parsed, nil
	}
	d.dial = func(ctx context.Context, _, address string) (net.Conn, error) {
		*dialed = append(*dialed, address)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if host, _, _ := net.SplitHostPort(address); !up[host] {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		client, server := net.Pipe()
		t.Cleanup(func() { _ = server.Close() })
		return client, nil
	}
	return d, dialed, looked
}

func (d *dialer) mustConnect(t *testing.T) {
	t.Helper()
	conn, err := d.connect(t.Context())
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	_ = conn.Close()
}

func TestSpreadsOverAddresses(t *testing.T) {
	up := map[string]bool{"10.0.0.1": true, "10.0.0.2": true, "10.0.0.3": true}
	d, dialed, looked := resolving(t, []string{"10.0.0.1", "10.0.0.2", "::ffff:10.0.0.3"}, up)
	for range 7 {
		d.mustConnect(t)
	}
	times := map[string]int{}
	for _, address := range *dialed {
		times[address]++
	}
	for _, address := range []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"} {
		if times[address] < 2 {
			t.Errorf("7 connections over 3 addresses: got %d to %s, want at least 2 (%v)", times[address], address, *dialed)
		}
	}
	if len(*looked) != 1 {
		t.Errorf("7 connections: got %d name queries, want 1", len(*looked))
	}
}

// TestKeepsAFamily: what localhost means on most machines, with a server on one
// of the two.
func TestKeepsAFamily(t *testing.T) {
	d, dialed, _ := resolving(t, []string{"::1", "127.0.0.1"}, map[string]bool{"127.0.0.1": true})
	for range 3 {
		d.mustConnect(t)
	}
	if want := []string{"[::1]:80", "127.0.0.1:80", "127.0.0.1:80", "127.0.0.1:80"}; !slices.Equal(*dialed, want) {
		t.Errorf("3 connections: dialed %v, want %v", *dialed, want)
	}
}

// TestShowsAnAddressThatRefuses: a failure is not hidden by another address, and
// the name is asked for again after it.
func TestShowsAnAddressThatRefuses(t *testing.T) {
	up := map[string]bool{"10.0.0.1": true, "10.0.0.2": true}
	d, _, looked := resolving(t, []string{"10.0.0.1", "10.0.0.2"}, up)
	d.mustConnect(t)
	up["10.0.0.2"] = false
	_, err := d.connect(t.Context())
	wantOpenError(t, err, loadgen.Refused, "model.test:80")
	d.mustConnect(t)
	if len(*looked) != 2 {
		t.Errorf("connections after a refusal: got %d name queries, want 2", len(*looked))
	}
}

func TestNobodyAnswers(t *testing.T) {
	d, dialed, _ := resolving(t, []string{"10.0.0.1", "10.0.0.2"}, nil)
	_, err := d.connect(t.Context())
	wantOpenError(t, err, loadgen.Refused, "model.test:80")
	if len(*dialed) != 2 {
		t.Errorf("connect: dialed %v, want both addresses", *dialed)
	}
	d, _, _ = resolving(t, nil, nil)
	_, err = d.connect(t.Context())
	wantOpenError(t, err, loadgen.Network, "no address")
	d.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "model.test", IsNotFound: true}
	}
	_, err = d.connect(t.Context())
	wantOpenError(t, err, loadgen.Network, "no such host", "check the host name")
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
		// No IPv6 here: what is dialed still shows.
		dialed := ""
		target := newTarget(t, Options{URL: "http://[fe80::1%25eth0]:81", DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
			dialed = address
			return nil, syscall.EAFNOSUPPORT
		}})
		if _, err := target.Open(t.Context()); err == nil || dialed != "[fe80::1%eth0]:81" {
			t.Errorf("Open: dialed %q with error %v, want [fe80::1%%eth0]:81", dialed, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan bool)
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			always(reply(200, ""))(0, conn)
			_ = conn.Close()
		}
	}()
	session := openSession(t, Options{URL: "http://" + l.Addr().String() + "/"})
	wantClass(t, "Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
	_ = session.Close()
	<-done
}

func TestHostHeader(t *testing.T) {
	for in, want := range map[string]string{
		"http://h": "h", "http://h:": "h", "http://h:80": "h:80", "http://[::1]:8080": "[::1]:8080", "http://[fe80::1%25eth0]:1": "[fe80::1]:1", "https://[fe80::1%25e]": "[fe80::1]",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostHeader(u); got != want {
			t.Errorf("hostHeader(%s): got %s, want %s", in, got, want)
		}
	}
}

func TestClassOfError(t *testing.T) {
	for _, tt := range []struct {
		err    error
		want   loadgen.Class
		remedy string
	}{
		{&net.OpError{Op: "dial", Err: syscall.EMFILE}, loadgen.Exhausted, "ulimit"},
		{&net.OpError{Op: "dial", Err: syscall.EADDRNOTAVAIL}, loadgen.Exhausted, "no local port"},
		{&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, loadgen.Network, ""},
		{&net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, loadgen.Timeout, "firewall"},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, loadgen.Reset, ""},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, loadgen.Reset, ""},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, loadgen.TLSFailure, "certificate"},
		{errors.New("tls: bad record"), loadgen.TLSFailure, "certificate"},
		{context.DeadlineExceeded, loadgen.Timeout, "firewall"},
		{errChunk, loadgen.Malformed, ""},
	} {
		class := classOfError(tt.err)
		if got := remedy(tt.err, class); class != tt.want || (got == "") != (tt.remedy == "") || !strings.Contains(got, tt.remedy) {
			t.Errorf("classOfError(%v): got %v with remedy %q, want %v with %q", tt.err, class, got, tt.want, tt.remedy)
		}
	}
}

// TestDialShares: an address that swallows packets leaves time for the others.
func TestDialShares(t *testing.T) {
	d, _, _ := resolving(t, []string{"10.0.0.1", "10.0.0.2"}, map[string]bool{"10.0.0.2": true})
	d.timeout = 100 * time.Millisecond
	answering := d.dial
	d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "10.0.0.1:80" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return answering(ctx, network, address)
	}
	d.mustConnect(t)
}
