package host

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// Files is how many files this process has open, and how many it may have at most if it
// asks for more than [OpenFiles]; zeros when unknown.
func Files() (open, hard uint64) {
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		open = uint64(len(entries))
	}
	return open, hardFiles()
}

// Ports is the range from which the kernel takes the local ports of connections, and
// what is taken of it.
type Ports struct {
	Low, High int // both of the range; zeros when unknown
	Used      int // distinct ports of the range that connections have, those in TimeWait included
	TimeWait  int // connections from ports of the range that are closed and still wait, a minute on Linux
}

// LocalPorts looks at the kernel's tables. The connections are those of this network
// namespace, whoever has them.
func LocalPorts() Ports {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return Ports{}
	}
	bounds := strings.Fields(string(text))
	if len(bounds) != 2 {
		return Ports{}
	}
	low, errLow := strconv.Atoi(bounds[0])
	high, errHigh := strconv.Atoi(bounds[1])
	if errLow != nil || errHigh != nil || high < low {
		return Ports{}
	}
	p := Ports{Low: low, High: high}
	used := map[int]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		p.read(table, used)
	}
	p.Used = len(used)
	return p
}

// timeWait is TCP_TIME_WAIT of the kernel's include/net/tcp_states.h, as the tables have it.
const timeWait = "06"

// read counts a table's connections: "sl: local_address rem_address st …", in hexadecimal.
func (p *Ports) read(table string, used map[int]bool) {
	file, err := os.Open(table)
	if err != nil {
		return // without IPv6 there is no table of it
	}
	defer func() { _ = file.Close() }() // it was only read
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 {
			continue
		}
		_, text, _ := strings.Cut(fields[1], ":")
		port, err := strconv.ParseUint(text, 16, 16)
		if err != nil || int(port) < p.Low || int(port) > p.High {
			continue
		}
		used[int(port)] = true
		if fields[3] == timeWait {
			p.TimeWait++
		}
	}
}
