package diagnosis

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// roomy is a machine that nothing is wrong with.
func roomy() Machine {
	return Machine{
		OpenFiles: 10, OpenFilesLimit: 20000, OpenFilesHard: 20000, PortLow: 32768, PortHigh: 60999, PortsUsed: 100, TimeWait: 50,
		Processors: 4, Procs: 4, LoadAverage: 0.5, LoadKnown: true, Busy: 0.1, Stolen: 0, Memory: 4 << 30,
		ClockKnown: true, ClockSynchronized: true, ClockMaxError: 20 * time.Millisecond,
		Overshoot: slices.Repeat([]time.Duration{40 * time.Microsecond}, 80),
	}
}

func named(t *testing.T, checks []Check, name string) Check {
	t.Helper()
	i := slices.IndexFunc(checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check is called %q: %+v", name, checks)
	}
	return checks[i]
}

func TestClient(t *testing.T) {
	for _, tt := range []struct {
		name        string
		change      func(*Machine)
		connections int // 0: 4096
		check       string
		status      Status
		says        string // in the remedy, or in the evidence of what is not known or ok
	}{
		{name: "files enough", change: func(*Machine) {}, check: "open files", status: OK, says: "4096 connections need 4170"},
		{name: "files just enough", change: func(m *Machine) { m.OpenFilesLimit = 4170 }, check: "open files", status: OK, says: "limit 4170"},
		{name: "a file too few", change: func(m *Machine) { m.OpenFilesLimit, m.OpenFilesHard = 4169, 5000 }, check: "open files", status: Fail, says: "ulimit -n 4170"},
		{name: "only an administrator can help", change: func(m *Machine) { m.OpenFilesLimit, m.OpenFilesHard = 1024, 1024 }, check: "open files", status: Fail, says: "lower --max-connections to 950; above 1024 only an administrator"},
		{name: "a limit below what is open", change: func(m *Machine) { m.OpenFilesLimit = 20 }, check: "open files", status: Fail, says: "lower --max-connections to 0"},
		{name: "files not told", change: func(m *Machine) { m.OpenFilesLimit = 0 }, check: "open files", status: NotKnown, says: "does not tell"},
		{name: "ports enough", change: func(*Machine) {}, check: "local ports", status: OK, says: "28132 of 28232"},
		{name: "ports half gone", change: func(m *Machine) { m.PortsUsed = 15000 }, check: "local ports", status: Warn, says: "wait a minute"},
		{name: "ports all but gone", change: func(m *Machine) { m.PortsUsed = 28000 }, check: "local ports", status: Fail, says: "wait a minute"},
		{name: "more connections than ports", change: func(*Machine) {}, connections: 40000, check: "local ports", status: Fail, says: "lower --max-connections"},
		{name: "ports not told", change: func(m *Machine) { m.PortLow, m.PortHigh = 0, 0 }, check: "local ports", status: NotKnown, says: "does not tell"},
		{name: "idle", change: func(*Machine) {}, check: "processors", status: OK, says: "10 % busy"},
		{name: "busy", change: func(m *Machine) { m.Busy = 0.9 }, check: "processors", status: Warn, says: "end what else runs"},
		{name: "stolen", change: func(m *Machine) { m.Stolen, m.Busy = 0.2, 0.9 }, check: "processors", status: Warn, says: "not shared"},
		{name: "load not told", change: func(m *Machine) { m.Busy, m.Stolen, m.LoadKnown = -1, -1, false }, check: "processors", status: OK, says: "does not tell how busy"},
		{name: "timer on time", change: func(*Machine) {}, check: "timer", status: OK, says: "40µs late at the median"},
		{name: "one late sleep in eighty", change: func(m *Machine) { m.Overshoot[7] = time.Second }, check: "timer", status: OK, says: "40µs at p99"},
		{name: "timer late", change: func(m *Machine) { m.Overshoot[1], m.Overshoot[7] = 3*time.Millisecond, 3*time.Millisecond }, check: "timer", status: Warn, says: "processors of its own"},
		{name: "timer not tried", change: func(m *Machine) { m.Overshoot = nil }, check: "timer", status: NotKnown, says: "not measured"},
		{name: "memory short", change: func(m *Machine) { m.Memory = 100 << 20 }, check: "memory", status: Warn, says: "fewer connections"},
		{name: "memory not told", change: func(m *Machine) { m.Memory = 0 }, check: "memory", status: NotKnown, says: "does not tell"},
		{name: "clock kept", change: func(*Machine) {}, check: "clock", status: OK, says: "at most 20ms off"},
		{name: "clock not kept", change: func(m *Machine) { m.ClockSynchronized = false }, check: "clock", status: NotKnown, says: "the host may keep it"},
		{name: "clock not told", change: func(m *Machine) { m.ClockKnown = false }, check: "clock", status: NotKnown, says: "does not tell"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := roomy()
			tt.change(&m)
			connections := 4096
			if tt.connections > 0 {
				connections = tt.connections
			}
			c := named(t, Client(m, connections), tt.check)
			words := c.Remedy
			if c.Remedy == "" {
				words = c.Evidence
			}
			if c.Status != tt.status || !strings.Contains(words, tt.says) {
				t.Errorf("%s: %s, %q, remedy %q; want %s with %q", tt.check, c.Status, c.Evidence, c.Remedy, tt.status, tt.says)
			}
		})
	}
}

// TestWhatFailsHasARemedy, whatever the machine says, and more connections are never easier.
func TestWhatFailsHasARemedy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := roomy()
		m.OpenFiles, m.OpenFilesLimit = rapid.Uint64Max(5000).Draw(t, "open"), rapid.Uint64Max(5000).Draw(t, "limit")
		m.PortsUsed = rapid.IntRange(0, 28232).Draw(t, "used")
		m.Busy, m.Stolen = rapid.Float64Range(-1, 1).Draw(t, "busy"), rapid.Float64Range(-1, 1).Draw(t, "stolen")
		connections := rapid.IntRange(1, 50000).Draw(t, "connections")
		checks := Client(m, connections)
		for _, c := range checks {
			if (c.Status == Fail || c.Status == Warn) != (c.Remedy != "") || c.Evidence == "" || c.Part != partClient {
				t.Errorf("check %+v: a remedy is for what fails or is warned of, evidence for all", c)
			}
		}
		if Failed(checks) && !Failed(Client(m, connections+1)) {
			t.Errorf("%d connections fail and %d do not", connections, connections+1)
		}
	})
}
