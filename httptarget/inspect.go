package httptarget

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"plimsoll/loadgen"
)

// Inspection is what it takes to connect to a target, address by address. No request is sent.
type Inspection struct {
	Address string        // host and port that are connected to: the server's, or the proxy's
	Lookup  time.Duration // that resolving the name took; 0 for an address
	Routes  []Route       // in the resolver's order
	Err     error         // why the name could not be resolved
	Remedy  string        // what to do about Err
}

// Route is one address of a target.
type Route struct {
	Address   string        // with the port
	Connect   time.Duration // that the connection took
	Handshake time.Duration // that TLS took on it, in full; 0 without TLS
	// Certificate is what the server showed; nil without TLS.
	Certificate *Certificate
	Err         error  // why it could not be connected to
	Remedy      string // what to do about Err
}

// Certificate is who a server says it is.
type Certificate struct {
	Names   []string // DNS names and addresses, or the subject where there are none
	Issuer  string
	Expires time.Time
}

// Inspect resolves the target's name, connects to each of its addresses and closes the
// connections again. Where requests go through a proxy, it is the proxy that is connected
// to, without TLS.
func (t *Target) Inspect(ctx context.Context) Inspection {
	d := t.dialer
	if t.net != nil {
		d = t.net.dialer
	}
	in := Inspection{Address: d.address()}
	addresses := []string{d.address()}
	if _, err := netip.ParseAddr(d.host); err != nil && d.own == nil {
		began := time.Now()
		found, err := d.resolve(ctx)
		in.Lookup = time.Since(began)
		if err != nil {
			in.Err, in.Remedy = err, advice(err)
			return in
		}
		addresses = addresses[:0]
		for _, a := range found {
			addresses = append(addresses, net.JoinHostPort(a.Unmap().String(), d.port))
		}
	}
	for _, a := range addresses {
		in.Routes = append(in.Routes, d.inspect(ctx, a))
	}
	return in
}

// resolve asks for the addresses of the host, and keeps none.
func (d *dialer) resolve(ctx context.Context) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	found, err := d.lookup(ctx, "ip", d.host)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no address", Name: d.host, IsNotFound: true}
	}
	return found, err
}

func (d *dialer) inspect(ctx context.Context, address string) Route {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	dial := d.dial
	if d.own != nil {
		dial = d.own
	}
	r := Route{Address: address}
	began := time.Now()
	conn, err := dial(ctx, "tcp", address)
	r.Connect = time.Since(began)
	if err != nil {
		r.Err, r.Remedy = err, advice(err)
		return r
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	if d.tls == nil {
		return r
	}
	config := d.tls.Clone()
	config.ClientSessionCache = nil // a resumed session shows no certificate
	secure := tls.Client(conn, config)
	began = time.Now()
	err = secure.HandshakeContext(ctx)
	r.Handshake = time.Since(began)
	if err != nil {
		r.Err, r.Remedy = fmt.Errorf("TLS: %w", err), advice(err)
		return r
	}
	if shown := secure.ConnectionState().PeerCertificates; len(shown) > 0 {
		c := shown[0]
		r.Certificate = &Certificate{Names: append([]string{}, c.DNSNames...), Issuer: c.Issuer.String(), Expires: c.NotAfter}
		for _, ip := range c.IPAddresses {
			r.Certificate.Names = append(r.Certificate.Names, ip.String())
		}
		if len(r.Certificate.Names) == 0 {
			r.Certificate.Names = []string{c.Subject.String()}
		}
	}
	return r
}

// advice is the remedy as a sentence of its own.
func advice(err error) string {
	class := classOfError(err)
	if class == loadgen.Reset {
		return "something in between closes connections: is the port right, and does it want TLS?"
	}
	return strings.TrimPrefix(remedy(err, class), "; ")
}
