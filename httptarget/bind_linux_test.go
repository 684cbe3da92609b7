package httptarget

import (
	"net"
	"net/netip"
	"syscall"
	"testing"

	"plimsoll/loadgen"
)

// TestLocalAddress: connections come from the address that was asked for, by both
// engines, and leave their port to the connecting. All of 127.0.0.0/8 is the machine's on
// Linux.
func TestLocalAddress(t *testing.T) {
	from := make(chan net.Addr, 1)
	s := listen(t, func(n int, conn net.Conn) {
		from <- conn.RemoteAddr()
		always(reply(200, ""))(n, conn)
	})
	local := netip.MustParseAddr("127.0.0.2")
	for _, viaNetHTTP := range []bool{false, true} {
		session := openSession(t, Options{URL: s.url, LocalAddress: local, NetHTTP: viaNetHTTP})
		if got := (<-from).(*net.TCPAddr).AddrPort().Addr().Unmap(); got != local {
			t.Errorf("net/http %v: the server was connected to from %v, want %v", viaNetHTTP, got, local)
		}
		wantClass(t, "Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
	}
	conn, err := networkDialer(local).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	<-from
	if err := rawConn(conn).Control(func(fd uintptr) {
		if on, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort); err != nil || on != 1 {
			t.Errorf("IP_BIND_ADDRESS_NO_PORT: got %d, error %v; want 1", on, err)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
