package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"
	"plimsoll/loadgen"
)

// TestMain is also the children, which are this program in another role.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"repeats 0":     {"-repeats", "0"},
		"window 10ms":   {"-window", "10ms"},
		"connections 0": {"-connections", "0"},
		"concurrent -1": {"-concurrent", "-1"},
		"invocations 0": {"-invocations", "0"},
		`parts "speed": want some of ` + allParts: {"-parts", "cost,speed"},
	} {
		var out bytes.Buffer
		if err := run(args, &out); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%q: %v, and printed %q; want %q and nothing", args, err, out.String(), want)
		}
	}
}

// TestSigned: an emulator that checks signatures takes what is signed, and not another body.
func TestSigned(t *testing.T) {
	e, err := emulator.New(emulator.Options{Model: fleet.Model{Service: time.Microsecond, Workers: 1}, Endpoints: []emulator.Endpoint{{Name: endpoint}}, Speed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	defer func() {
		server.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	address, err := url.Parse(server.URL + "/endpoints/" + endpoint + "/invocations")
	if err != nil {
		t.Fatal(err)
	}
	header := signed(address, []byte(payload), time.Now())
	if status := post(t, address.String(), header, payload); status != http.StatusOK {
		t.Errorf("the body that was signed: status %d", status)
	}
	if status := post(t, address.String(), header, payload+"1"); status != http.StatusForbidden {
		t.Errorf("another body: status %d, want it refused", status)
	}
}

func post(t *testing.T, address string, header http.Header, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header.Clone()
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode
}

// TestChildren: each answers on loopback, tells its usage, and ends.
func TestChildren(t *testing.T) {
	b := bench{out: io.Discard}
	for role, start := range map[string]func() (*child, error){
		roleBare: func() (*child, error) { return startChild(t.Context(), false, roleBare) },
		roleNoted: func() (*child, error) {
			return startChild(t.Context(), false, roleNoted, "service=20ms,workers=1", "1")
		},
		roleEmulator: func() (*child, error) { return b.emulate(t.Context(), idle, "--auth", "off") },
	} {
		t.Run(role, func(t *testing.T) {
			c, err := start()
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := c.stop(); err != nil || c.cmd.ProcessState == nil {
					t.Errorf("stopping it: %v, state %v", err, c.cmd.ProcessState)
				}
			}()
			if !strings.HasPrefix(c.url, "http://127.0.0.1:") {
				t.Errorf("it serves at %s", c.url)
			}
			if status := post(t, c.url, nil, payload); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			if u, err := c.ask(askMemory); err != nil || u.CPU <= 0 || u.Heap == 0 || u.Held < u.Heap {
				t.Errorf("usage %+v, %v", u, err)
			}
			if role != roleNoted {
				return
			}
			if u, err := c.ask(askLate); err != nil || u.Late.N != 1 {
				t.Errorf("the sleep of one request: %+v, %v", u.Late, err)
			}
			if u, err := c.ask(askTogether + " 16"); err != nil || u.Late.N != 16 || u.Late.Max < u.Late.P50 {
				t.Errorf("16 sleeps: %+v, %v", u.Late, err)
			}
		})
	}
	if c, err := startChild(t.Context(), false, roleNoted); err == nil || !strings.Contains(err.Error(), "ended before it served") {
		t.Errorf("a child without a model: %+v, %v", c, err)
	}
}

// TestCost loads the three servers, shortly, and prints a row for each.
func TestCost(t *testing.T) {
	var out bytes.Buffer
	b := bench{plan: plan{Repeats: 1, Window: 100 * time.Millisecond, Connections: 2}, out: &out}
	if err := b.cost(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 7 {
		t.Fatalf("printed\n%s", out.String())
	}
	for i, name := range []string{"net/http alone", "emulator, auth off", "emulator, auth on"} {
		if line := lines[4+i]; !strings.HasPrefix(line, "| "+name+" | ") || strings.Count(line, "|") != strings.Count(lines[2], "|") {
			t.Errorf("row %d: %s", i+1, line)
		}
	}
}

// TestCells forms a row from figures that are given: the medians, and the extremes.
func TestCells(t *testing.T) {
	c := contender{name: "it"}
	for _, server := range []time.Duration{40 * time.Microsecond, 20 * time.Microsecond, 25 * time.Microsecond} {
		m := loadgen.Measurement{Window: 2 * time.Second}
		m.Counts.Completed = server.Microseconds() * 10
		c.costs = append(c.costs, cost{Measurement: m, server: server, client: 2 * server})
	}
	if got, want := c.cells(), []string{"it", "25.0", "20.0 to 40.0", "40000", "125", "50.0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestLateness is of what was noted since it was last taken.
func TestLateness(t *testing.T) {
	n := noted{late: []time.Duration{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond}}
	if got, want := n.take(), (lateness{N: 3, P50: 2, P99: 2, Max: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := n.take(); got != (lateness{}) {
		t.Errorf("%+v after it was taken", got)
	}
	l := late{over: []time.Duration{2 * time.Millisecond, time.Millisecond}}
	if got := l.take(); !slices.Equal(got, []float64{1, 2}) || quantile(got, 1) != 2 || len(l.take()) != 0 {
		t.Errorf("over the model: %v", got)
	}
}
