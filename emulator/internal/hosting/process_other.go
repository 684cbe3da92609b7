//go:build !unix

package hosting

import (
	"errors"
	"io"
	"time"
)

// ExecOptions say which process each instance is.
type ExecOptions struct {
	Command string
	Dir     string
	Output  io.Writer
	Log     func(line string)
	Grace   time.Duration
}

// Exec fails: this system has no process groups, by which processes are ended.
func Exec(ExecOptions) (Backend, error) {
	return nil, errors.New("instances that are processes need Linux, macOS or another Unix")
}
