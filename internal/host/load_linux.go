package host

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Load is how many processes wanted a processor, on the mean of the last minute; ok is
// false when that is unknown.
func Load() (load float64, ok bool) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err = strconv.ParseFloat(first, 64)
	return load, err == nil
}

// Stolen is the processor time that the hypervisor has given to others while this machine
// wanted it, since it started; 0 when unknown. It is part of what [Machine] calls busy.
func Stolen() time.Duration {
	const steal = 8 // in the line "cpu user nice system idle iowait irq softirq steal"
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) <= steal {
		return 0
	}
	n, err := strconv.ParseInt(fields[steal], 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * tick
}

// Memory is the memory in bytes that can be had without swapping: by the machine, and by
// this process's control group where that allows less; 0 when unknown.
func Memory() (available uint64) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == "MemAvailable:" {
			kilobytes, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			available = kilobytes << 10
		}
	}
	limit, limited := controlled("memory.max")
	used, known := controlled("memory.current")
	if limited && known && available > 0 {
		available = min(available, limit-min(limit, used))
	}
	return available
}

// controlled reads a figure of the control group that a container sees as its root; "max"
// is no figure.
func controlled(file string) (value uint64, ok bool) {
	text, err := os.ReadFile("/sys/fs/cgroup/" + file)
	if err != nil {
		return 0, false
	}
	value, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return value, err == nil
}

// ClockState is what the kernel says of its clock. A clock may be right all the same when
// another program, or the machine underneath, keeps it.
func ClockState() Clock {
	var t unix.Timex // all zero: nothing is set
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return Clock{}
	}
	return Clock{
		Known: true, Synchronized: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		MaxError: time.Duration(t.Maxerror) * time.Microsecond,
	}
}
