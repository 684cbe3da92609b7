//go:build unix

package httptarget

import (
	"errors"
	"syscall"
)

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

func isNoDescriptor(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func isNotAvailable(err error) bool { return errors.Is(err, syscall.EADDRNOTAVAIL) }

// quiet reports whether nothing has arrived on the socket, neither bytes nor its
// end, without waiting and without taking anything.
func quiet(raw syscall.RawConn) bool {
	nothing := true
	err := raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK) // sockets of package net do not block
		nothing = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
		return true
	})
	return err == nil && nothing
}
