//go:build !linux

package httptarget

import "syscall"

// bindWithoutPort is only known on Linux.
func bindWithoutPort(syscall.RawConn) {}
