// Package memnet is a network inside the process: a listener and the dialer that
// reaches it, so that net/http runs inside a testing/synctest bubble, where a real
// socket would keep virtual time from moving.
//
// Connections are [net.Pipe]: a write returns once it has been read, so there is no
// buffer to hide in and no bandwidth, delay or loss. It is for tests only.
//
// A bubble must not end while a connection is open: close the client's idle
// connections, then the server, which closes the listener. A server that refused a
// body unread lingers half a second on that connection: sleep past it.
//
// Start at [Listen]; give the listener to [net/http.Server.Serve] and its
// [Listener.DialContext] to [net/http.Transport].
package memnet

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// network is the name of the network in addresses and errors.
const network = "memnet"

// Listener accepts the connections that its own DialContext makes. It is safe for
// concurrent use.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*Listener)(nil)

// Listen returns an open listener. In a synctest test, call it inside the bubble: a
// channel belongs to the bubble that makes it.
func Listen() *Listener {
	return &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext connects to the listener whatever network and address are asked for,
// and returns once the connection is accepted. After Close it fails with
// [syscall.ECONNREFUSED] in a [net.OpError], as a closed port does; a canceled
// context fails it with the context's error.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	// Two ready cases of a select are chosen between at random; what is already
	// closed or canceled must win every time.
	if err := ctx.Err(); err != nil {
		return nil, dialError(err)
	}
	select {
	case <-l.closed:
		return nil, dialError(syscall.ECONNREFUSED)
	default:
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, dialError(syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, dialError(ctx.Err())
	}
}

// Accept waits for the next connection. After Close it returns [net.ErrClosed] in a
// [net.OpError].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: network, Addr: address{}, Err: net.ErrClosed}
	}
}

// Close ends Accept and DialContext; connections already accepted stay open. It
// always returns nil and may be called again.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns the listener's one address, which no real network has.
func (l *Listener) Addr() net.Addr { return address{} }

func dialError(err error) error {
	return &net.OpError{Op: "dial", Net: network, Addr: address{}, Err: err}
}

type address struct{}

func (address) Network() string { return network }
func (address) String() string  { return network }
