package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// TestRequest reads requests as peers write them, whole and byte by byte.
func TestRequest(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	wire := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nfirst" +
		"POST / HTTP/1.1\r\ncontent-length:6\r\n\r\nsecond" + "GET / HTTP/1.1\r\n\r\n" +
		fmt.Sprintf("POST / HTTP/1.1\r\nCONTENT-LENGTH: %d\r\n\r\n%s", len(long), long) + "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nlast"
	for name, src := range map[string]io.Reader{"whole": strings.NewReader(wire), "byte by byte": iotest.OneByteReader(strings.NewReader(wire))} {
		r := reader{src: src, buf: make([]byte, 4<<10)}
		for i, want := range []string{"first", "second", "", "", "last"} { // the body of a long one is not kept
			body, err := r.request()
			if err != nil || string(body) != want {
				t.Fatalf("%s: request %d: got %q, error %v; want %q", name, i, body, err, want)
			}
		}
		if _, err := r.request(); err == nil {
			t.Errorf("%s: a request after the last", name)
		}
	}
	r := reader{src: strings.NewReader("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), buf: make([]byte, 4<<10)}
	if _, err := r.request(); err == nil {
		t.Error("a chunked request: got no error, want one")
	}
}

func TestNumberedBodies(t *testing.T) {
	var scratch []byte
	for _, k := range []uint64{0, 7, 12_345_678_901} {
		scratch = numbered(k, scratch)
		if got, ok := number(scratch); !ok || uint64(got) != k || len(scratch) != numberLength {
			t.Errorf("number(numbered(%d)) = %d, %v of %d bytes", k, got, ok, len(scratch))
		}
	}
	if _, ok := number([]byte("5.1,3.5,1.4,0.2\n")); ok {
		t.Error("a body of another client is taken for a number")
	}
}

// TestReports reads what the peers wrote, shortened.
func TestReports(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"fortio.json": `{"DurationHistogram": {"Percentiles": [{"Percentile": 50, "Value": 0.001}, {"Percentile": 99, "Value": 0.002}, {"Percentile": 99.9, "Value": 0.003}]}}`,
		"k6.json":     `{"http_req_duration": {"type": "trend", "values": {"med": 1, "p(99)": 2, "p(99.9)": 3}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wrk2 := "  Latency Distribution (HdrHistogram - Recorded Latency)\n 50.000%    1.00ms\n 75.000%    1.50ms\n 99.000%    2.00ms\n 99.900%    3.00ms\n"
	ours := `{"response_time_ms": {"p50": 1, "p99": 2, "p99.9": 3}, "valid": false, "doubts": ["late"]}`
	for _, p := range peers(dir) {
		out := map[string]string{plimsoll: ours, "wrk2": wrk2}[p.name]
		if p.quantiles == nil || p.name == "vegeta" { // vegeta's own program reads its report
			continue
		}
		q, err := p.quantiles(t.Context(), p, load{dir: dir}, []byte(out))
		if err != nil || q.p50 != time.Millisecond || q.p99 != 2*time.Millisecond || q.p999 != 3*time.Millisecond {
			t.Errorf("%s: got %+v, error %v; want 1, 2 and 3 ms", p.name, q, err)
		}
		if (q.doubt != "") != (p.name == plimsoll) {
			t.Errorf("%s: doubt %q", p.name, q.doubt)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 1: 5} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile(%v, %v) = %v, want %v", values, q, got, want)
		}
	}
}

// A client that dies has a row that says so, with its last words.
func TestAFailureIsARemark(t *testing.T) {
	var words lastWords
	for range 100 {
		if _, err := words.Write([]byte("earlier noise\n")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := words.Write([]byte("too many | open files\n")); err != nil {
		t.Fatal(err)
	}
	failed := mishaps{}
	failed.add("wrk", words.said(errors.New("no request came")))
	failed.add("wrk", errors.New("again"))
	got := failed.of("wrk")
	if !strings.HasPrefix(got, "failed 2 times: no request came; it said: ") || !strings.HasSuffix(got, "too many / open files") || len(got) > 400 {
		t.Errorf("remark %q", got)
	}
	if got := failed.of("hey"); got != "-" {
		t.Errorf("remark %q of a client that has not failed", got)
	}
}

func TestLoadsAreChosenByName(t *testing.T) {
	p, err := parse([]string{"-parts", "cost", "-loads", "1 kB on 10 000 connections,6 MB on 4 connections"})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.chosenCells(); len(got) != 2 || got[0].parallel != 10_000 || got[1].bytes != 6_000_000 {
		t.Errorf("chosen %+v", got)
	}
	if p.estimate([]peer{{name: wrk, program: "wrk"}}) <= 0 {
		t.Error("no time is stated")
	}
	if _, err := parse([]string{"-loads", "7 GB"}); err == nil || !strings.Contains(err.Error(), "7 GB") || !strings.Contains(err.Error(), "50 kB") {
		t.Errorf("a load that does not exist: %v", err)
	}
}
