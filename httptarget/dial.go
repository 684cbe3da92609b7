package httptarget

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"plimsoll/loadgen"
)

// dialer opens connections to one address, through TLS where it is asked for.
type dialer struct {
	host, port string
	timeout    time.Duration // for one connection, handshake included
	tls        *tls.Config   // nil for plain connections
	own        func(ctx context.Context, network, address string) (net.Conn, error)
	local      netip.Addr // where connections come from; invalid for anywhere

	// The network, apart for tests.
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	mu    sync.Mutex
	addrs []netip.Addr // where new connections go in turn; empty until the first
	turn  int
}

func newDialer(o Options, u *url.URL) *dialer {
	d := &dialer{
		host: u.Hostname(), port: u.Port(), timeout: o.connectTimeout(), own: o.DialContext, local: o.LocalAddress,
		dial: networkDialer(o.LocalAddress).DialContext, lookup: net.DefaultResolver.LookupNetIP,
	}
	if d.port == "" {
		d.port = defaultPorts(u.Scheme)
	}
	if u.Scheme == "https" {
		d.tls = tlsConfig(o, u)
	}
	return d
}

// networkDialer connects from a local address, if one is given. Its port is left to
// the connecting: a port that is taken when the address is bound serves no other
// connection, so that 28 thousand to all servers together would be the most.
func networkDialer(local netip.Addr) *net.Dialer {
	if !local.IsValid() {
		return new(net.Dialer)
	}
	return &net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0)),
		Control: func(_, _ string, raw syscall.RawConn) error {
			bindWithoutPort(raw)
			return nil
		},
	}
}

// sameFamily reports whether one address can be reached from the other: both IPv4, or
// both IPv6.
func sameFamily(a, b netip.Addr) bool { return a.Unmap().Is4() == b.Unmap().Is4() }

func defaultPorts(scheme string) string {
	switch scheme {
	case "https":
		return "443"
	case "socks5", "socks5h":
		return "1080"
	}
	return "80"
}

func tlsConfig(o Options, u *url.URL) *tls.Config {
	c := &tls.Config{
		ServerName:         o.ServerName,
		InsecureSkipVerify: o.Insecure, //nolint:gosec // asked for by name
		NextProtos:         []string{"http/1.1"},
		// Reconnecting clients resume sessions; a load test should cost the server
		// what they cost it.
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
		// Records grow from one packet up by default, which cuts a body of 50 kB
		// into dozens of writes.
		DynamicRecordSizingDisabled: true,
	}
	if c.ServerName == "" {
		c.ServerName = u.Hostname()
	}
	if len(o.CAPEM) > 0 {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AppendCertsFromPEM(o.CAPEM)
	}
	return c
}

func (d *dialer) address() string { return net.JoinHostPort(d.host, d.port) }

// connect opens one connection, TLS handshake done. Its error is a
// *loadgen.OpenError that names the address and a remedy.
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.connectPlain(ctx)
	if err != nil {
		return nil, d.openError("connecting to", err)
	}
	if d.tls == nil {
		return conn, nil
	}
	secure := tls.Client(peekable(conn), d.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, d.openError("TLS handshake with", err)
	}
	return secure, nil
}

func (d *dialer) openError(doing string, err error) error {
	class := classOfError(err)
	return &loadgen.OpenError{Class: class, Err: fmt.Errorf("%s %s: %w%s", doing, d.address(), err, remedy(err, class))}
}

// connectPlain opens a connection to the next address of the host. Names are
// resolved once and then kept, because a query for each connection would load the
// name server as much as the target; a failure forgets them. The first connection
// tries each address until one answers, which also decides between IPv4 and IPv6;
// after that each goes to one address, so that an address that refuses shows.
func (d *dialer) connectPlain(ctx context.Context) (net.Conn, error) {
	if d.own != nil {
		return d.own(ctx, "tcp", d.address())
	}
	if _, err := netip.ParseAddr(d.host); err == nil {
		return d.dial(ctx, "tcp", d.address())
	}
	addr, ok := d.nextAddr()
	if !ok {
		return d.discover(ctx)
	}
	conn, err := d.dial(ctx, "tcp", net.JoinHostPort(addr.String(), d.port))
	if err != nil {
		d.setAddrs(nil)
	}
	return conn, err
}

func (d *dialer) nextAddr() (netip.Addr, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.addrs) == 0 {
		return netip.Addr{}, false
	}
	d.turn++
	return d.addrs[d.turn%len(d.addrs)], true
}

func (d *dialer) setAddrs(addrs []netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addrs = addrs
}

// discover resolves the host, connects to the first address that answers and
// keeps the addresses of its family.
func (d *dialer) discover(ctx context.Context) (net.Conn, error) {
	addrs, err := d.lookup(ctx, "ip", d.host)
	if err != nil {
		return nil, err
	}
	if d.local.IsValid() {
		addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !sameFamily(a, d.local) })
	}
	var first error
	for i, addr := range addrs {
		conn, err := d.dialShare(ctx, addr, len(addrs)-i)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		var family []netip.Addr
		for _, a := range addrs {
			if sameFamily(a, addr) {
				family = append(family, a.Unmap())
			}
		}
		d.setAddrs(family)
		return conn, nil
	}
	if first == nil {
		first = &net.DNSError{Err: d.noAddress(), Name: d.host, IsNotFound: true}
	}
	return nil, first
}

// noAddress says why no address of the host will do.
func (d *dialer) noAddress() string {
	if d.local.IsValid() {
		return "no address of the family of " + d.local.String()
	}
	return "no address"
}

// dialShare tries one address for its share of the time that is left.
func (d *dialer) dialShare(ctx context.Context, addr netip.Addr, share int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(share))
		defer cancel()
	}
	return d.dial(ctx, "tcp", net.JoinHostPort(addr.Unmap().String(), d.port))
}

// peekConn is the connection below TLS. While peeking it gives what has arrived
// and then a timeout instead of waiting, which TLS takes for a temporary error.
type peekConn struct {
	net.Conn
	raw     syscall.RawConn
	peeking bool
}

func peekable(conn net.Conn) net.Conn {
	if raw := rawConn(conn); raw != nil {
		return &peekConn{Conn: conn, raw: raw}
	}
	return conn
}

func (c *peekConn) Read(p []byte) (int, error) {
	if c.peeking && quiet(c.raw) {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Read(p)
}

// alive reports whether an idle connection still is what it should be: open, with
// nothing arrived. What has arrived on a plain connection is the server's goodbye;
// on TLS it may be a session ticket, or wait within TLS already, so that TLS has
// to read it. The deadline of the connection must not have passed. Connections
// that are no sockets are taken to be alive.
func alive(conn net.Conn) bool {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		raw := rawConn(conn)
		return raw == nil || quiet(raw)
	}
	below, ok := secure.NetConn().(*peekConn)
	if !ok {
		return true
	}
	below.peeking = true
	defer func() { below.peeking = false }()
	var b [1]byte
	_, err := secure.Read(b[:])
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func rawConn(conn net.Conn) syscall.RawConn {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
