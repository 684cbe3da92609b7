//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package runlog

import (
	"errors"
	"fmt"
	"os"
)

// lock claims a run for this process until release is called. A claim that a
// crash left behind must be removed by hand: its owner cannot be told from a
// living one here.
func lock(path string) (release func() error, err error) {
	claim := path + ".lock"
	f, err := os.OpenFile(claim, os.O_CREATE|os.O_EXCL|os.O_WRONLY, filePermissions)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w (if not, after a crash: delete %s)", errBusy, claim)
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(claim)) }, nil
}
