package host

import (
	"net"
	"testing"
)

// TestAConnectionTakesALocalPort counts before and after one is open.
func TestAConnectionTakesALocalPort(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	filesBefore, hard := Files()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := LocalPorts()
	if p.Low <= 0 || p.High < p.Low {
		t.Fatalf("LocalPorts() = %+v, want the range", p)
	}
	if p.Used < 1 || p.Used > p.High-p.Low+1 {
		t.Errorf("LocalPorts() = %+v with a connection open, want it counted", p)
	}
	if after, _ := Files(); after <= filesBefore || hard < OpenFiles() {
		t.Errorf("Files() = %d before a connection, %d with it, %d at most; the limit is %d", filesBefore, after, hard, OpenFiles())
	}
}

func TestPortsOfTheTable(t *testing.T) {
	p := Ports{Low: 32768, High: 60999}
	used := map[int]bool{}
	p.read("testdata/tcp", used)
	// Two in TIME_WAIT, one established on one of their ports, one listening outside the range.
	if len(used) != 2 || p.TimeWait != 2 {
		t.Errorf("%d ports used, %d waiting; want 2 and 2", len(used), p.TimeWait)
	}
}

func TestTheMachineTells(t *testing.T) {
	if load, ok := Load(); !ok || load < 0 {
		t.Errorf("Load() = %v, %v; want the mean of a minute", load, ok)
	}
	if Memory() == 0 {
		t.Error("Memory() = 0, want what is available")
	}
	if _, total := Machine(); Stolen() < 0 || Stolen() > total {
		t.Errorf("Stolen() = %v of %v", Stolen(), total)
	}
	if c := ClockState(); c.Known && c.MaxError < 0 {
		t.Errorf("ClockState() = %+v", c)
	}
}
