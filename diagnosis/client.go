package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Machine is what the client's machine tells of itself. Zeros are not known.
type Machine struct {
	OpenFiles, OpenFilesLimit, OpenFilesHard uint64 // of this process
	PortLow, PortHigh                        int    // the range of local ports
	PortsUsed, TimeWait                      int    // of the range: ports taken, connections that wait in it
	Processors, Procs                        int    // of the machine; those that this process may use
	LoadAverage                              float64
	LoadKnown                                bool
	Busy, Stolen                             float64 // share of the machine's processor time that was used, and that the hypervisor gave to others, as sampled; below 0: not known
	Memory                                   uint64  // bytes that can be had
	ClockKnown, ClockSynchronized            bool
	ClockMaxError                            time.Duration
	Overshoot                                []time.Duration // how late the generator's sleeper woke
}

// spareFiles is what a process has open beside its connections.
const spareFiles = 64

// Client judges the machine for a run with so many connections.
func Client(m Machine, connections int) []Check {
	return []Check{m.files(connections), m.ports(connections), m.processors(), m.timer(), m.memory(), m.clock()}
}

func (m Machine) files(connections int) Check {
	c := Check{Part: partClient, Name: "open files", Status: OK}
	if m.OpenFilesLimit == 0 {
		c.Status, c.Evidence = NotKnown, "this system does not tell its limit"
		return c
	}
	needed := m.OpenFiles + uint64(max(0, connections)) + spareFiles
	c.Evidence = fmt.Sprintf("limit %d, %d are open; %d connections need %d", m.OpenFilesLimit, m.OpenFiles, connections, needed)
	if needed > m.OpenFilesLimit {
		c.Status = Fail
		c.Remedy = fmt.Sprintf("raise it (ulimit -n %d), or lower --max-connections to %d", needed, m.OpenFilesLimit-min(m.OpenFilesLimit, m.OpenFiles+spareFiles))
		if m.OpenFilesHard < needed {
			c.Remedy += fmt.Sprintf("; above %d only an administrator can raise it (limits.conf, LimitNOFILE=, docker --ulimit)", m.OpenFilesHard)
		}
	}
	return c
}

func (m Machine) ports(connections int) Check {
	c := Check{Part: partClient, Name: "local ports", Status: OK}
	all := m.PortHigh - m.PortLow + 1
	if m.PortHigh == 0 {
		c.Status, c.Evidence = NotKnown, "this system does not tell their range"
		return c
	}
	free := all - m.PortsUsed
	c.Evidence = fmt.Sprintf("%d of %d (%d to %d) are free, %d connections wait in TIME_WAIT; %d connections need as many", free, all, m.PortLow, m.PortHigh, m.TimeWait, connections)
	switch {
	case free < connections:
		c.Status = Fail
	case 2*m.PortsUsed > all:
		c.Status = Warn
	default:
		return c
	}
	c.Remedy = "wait a minute for TIME_WAIT to pass, end what holds them, or widen the range: sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""
	if connections > all {
		c.Remedy = fmt.Sprintf("lower --max-connections to less than %d, or widen the range: sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"", free)
	}
	return c
}

const (
	muchBusy   = 0.5  // of all processors, by others
	muchStolen = 0.05 // of all processor time
)

func (m Machine) processors() Check {
	c := Check{Part: partClient, Name: "processors", Status: OK, Evidence: fmt.Sprintf("%d of %d may be used", m.Procs, m.Processors)}
	if m.Busy >= 0 {
		c.Evidence += fmt.Sprintf(", %.0f %% busy now", 100*m.Busy)
	}
	if m.LoadKnown {
		c.Evidence += fmt.Sprintf(", load average %.2g", m.LoadAverage)
	}
	if m.Stolen >= 0 {
		c.Evidence += fmt.Sprintf(", %.0f %% stolen by the hypervisor", 100*m.Stolen)
	}
	switch {
	case m.Stolen > muchStolen:
		c.Status, c.Remedy = Warn, "take a machine that is not shared, or one without burst credits: stolen time makes sends late"
	case m.Busy > muchBusy:
		c.Status, c.Remedy = Warn, "end what else runs here, or measure from a machine of its own: a busy client makes sends late, and trials INVALID"
	case m.Busy < 0 && !m.LoadKnown:
		c.Evidence += "; this system does not tell how busy they are"
	}
	return c
}

// lateBound is the lateness that at most one send in a hundred of a valid trial may have
// (loadgen.Limits).
const lateBound = 2 * time.Millisecond

func (m Machine) timer() Check {
	c := Check{Part: partClient, Name: "timer", Status: OK}
	if len(m.Overshoot) == 0 {
		c.Status, c.Evidence = NotKnown, "it was not measured"
		return c
	}
	late := slices.SortedFunc(slices.Values(m.Overshoot), cmp.Compare[time.Duration])
	median, p99 := late[len(late)/2], late[(len(late)-1)*99/100]
	c.Evidence = fmt.Sprintf("wakes %v late at the median, %v at p99 (%d sleeps); a valid trial allows %v at p99", short(median), short(p99), len(late), lateBound)
	if p99 > lateBound {
		c.Status, c.Remedy = Warn, "end what else runs here, or take a machine with processors of its own"
	}
	return c
}

// littleMemory is less than what a run with thousands of connections is known to fit in.
const littleMemory = 512 << 20

func (m Machine) memory() Check {
	c := Check{Part: partClient, Name: "memory", Status: OK, Evidence: fmt.Sprintf("%d MiB can be had", m.Memory>>20)}
	switch {
	case m.Memory == 0:
		c.Status, c.Evidence = NotKnown, "this system does not tell what can be had"
	case m.Memory < littleMemory:
		c.Status, c.Remedy = Warn, "end what else runs here, or use fewer connections and smaller payloads"
	}
	return c
}

func (m Machine) clock() Check {
	c := Check{Part: partClient, Name: "clock", Status: OK}
	switch {
	case !m.ClockKnown:
		c.Status, c.Evidence = NotKnown, "this system does not tell whether it is kept in step; a run's times are monotonic all the same"
	case !m.ClockSynchronized:
		c.Status = NotKnown
		c.Evidence = "not synchronized by the kernel's word, though the host may keep it; a run's times are monotonic all the same"
	default:
		c.Evidence = fmt.Sprintf("synchronized by the kernel's word, at most %v off", short(m.ClockMaxError))
	}
	return c
}

// short writes a time with three digits or so.
func short(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
