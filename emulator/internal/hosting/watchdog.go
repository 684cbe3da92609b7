//go:build unix

package hosting

import (
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// watchdog ends process groups when this program ends, however that comes about: it is a
// shell that reads which groups there are, and acts when there is no more to read.
// The parent-death signal alone would reach a group's leader and not its children.
type watchdog struct {
	cmd   *exec.Cmd
	input io.WriteCloser
}

// watching is the watchdog's program; its argument is the grace in seconds.
const watching = `trap '' INT TERM HUP
groups=' '
while read -r op group; do
	case $op in
	+) groups="$groups$group " ;;
	-) groups="${groups%% $group *} ${groups#* $group }" ;;
	esac
done
send() { for group in $groups; do kill -s "$1" -- "-$group"; done 2>/dev/null; }
alive() { for group in $groups; do kill -s 0 -- "-$group" && return; done 2>/dev/null; return 1; }
send TERM
left=$1
while [ "$left" -gt 0 ] && alive; do sleep 1; left=$((left - 1)); done
send KILL
`

// startWatchdog starts one; it stops by itself.
func startWatchdog(grace time.Duration) (*watchdog, error) {
	seconds := strconv.Itoa(int((grace + time.Second - 1) / time.Second))
	cmd := exec.Command("/bin/sh", "-c", watching, "watchdog", seconds) //nolint:noctx // it outlives this program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}               // away from the terminal's signals
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a watchdog: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a watchdog: %w", err)
	}
	return &watchdog{cmd: cmd, input: input}, nil
}

// add tells it of a group.
func (w *watchdog) add(group int) { w.tell("+", group) }

// remove tells it that a group has ended.
func (w *watchdog) remove(group int) { w.tell("-", group) }

func (w *watchdog) tell(op string, group int) {
	_, _ = fmt.Fprintln(w.input, op, group) // fails if somebody killed it; the parent-death signal is left
}

// close dismisses it; it ends the groups that it still knows.
func (w *watchdog) close() {
	_ = w.input.Close()
	_ = w.cmd.Wait() // how it ended makes no difference
}
