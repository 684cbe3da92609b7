package hosting

import "syscall"

// ownGroup makes a process the leader of a group, and has the system end it when the
// thread that started it ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
