//go:build !unix

package httptarget

import (
	"errors"
	"syscall"
)

// The numbers that Windows gives for what unix calls by name; package syscall
// has only some of them.
const (
	wsaTooManyFiles = syscall.Errno(10024)
	wsaNotAvailable = syscall.Errno(10049)
	wsaAborted      = syscall.Errno(10053)
	wsaReset        = syscall.Errno(10054)
	wsaRefused      = syscall.Errno(10061)
)

func isRefused(err error) bool { return errors.Is(err, wsaRefused) }

func isReset(err error) bool { return errors.Is(err, wsaReset) || errors.Is(err, wsaAborted) }

func isNoDescriptor(err error) bool { return errors.Is(err, wsaTooManyFiles) }

func isNotAvailable(err error) bool { return errors.Is(err, wsaNotAvailable) }

// quiet cannot look into a socket on this system and takes it to be open; a
// connection that the server closed while idle then fails its next request.
func quiet(syscall.RawConn) bool { return true }
