package httptarget

import "syscall"

// ipBindAddressNoPort is IP_BIND_ADDRESS_NO_PORT of linux/in.h (ip(7)), which package
// syscall lacks. It is good for IPv6, too.
const ipBindAddressNoPort = 24

// bindWithoutPort leaves the choice of the local port to connect, which may give one
// port to connections to different servers. An old kernel does without.
func bindWithoutPort(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	})
}
