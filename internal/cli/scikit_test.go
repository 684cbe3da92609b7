package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plimsoll/experiment"
)

// TestFindOnARealModelServer starts nginx, gunicorn and a scikit-learn model,
// and runs a short find against them.
func TestFindOnARealModelServer(t *testing.T) {
	needScikit(t)
	url := startScikit(t)
	dir := filepath.Join(t.TempDir(), "run")
	var out, progress bytes.Buffer
	code := Main(Env{
		Args: []string{
			"find", "--url", url, "--payload", "../../examples/scikit/iris.csv", "--content-type", "text/csv",
			"--slo", "p99=100ms", "--budget", "20s", "--precision", "20%", "--dir", dir, "--output", "json", "--config", os.DevNull,
		},
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &progress, Getenv: func(string) string { return "" },
	})
	t.Logf("progress:\n%s", progress.String())
	var r experiment.Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("exit code %d; the result is not JSON: %v\n%s", code, err, out.String())
	}
	if code != exitOK || !r.Peak.Found || r.Target == nil {
		t.Fatalf("exit code %d, found %v, cause %q, reasons %q; want a peak", code, r.Peak.Found, r.Peak.Cause, r.Peak.Reasons)
	}
	// One pinned worker answers some hundreds to some thousands a second.
	if *r.Peak.Rate < 50 || *r.Peak.Rate > 20_000 || *r.Peak.Low > *r.Peak.Rate || *r.Peak.Rate > *r.Peak.High {
		t.Errorf("peak %v/s in [%v, %v]", *r.Peak.Rate, *r.Peak.Low, *r.Peak.High)
	}
	if r.Target.PerMinute >= *r.Peak.Low*60 {
		t.Errorf("target %v/min is not below the peak's lower end %v/s", r.Target.PerMinute, *r.Peak.Low)
	}
	for _, file := range []string{"plan.json", "events.jsonl", "trials.jsonl", "histograms.hlog", "result.json", "report.html"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Errorf("the record lacks %s: %v", file, err)
		}
	}
}

// needScikit fails in CI, and skips elsewhere, when the server's packages are missing.
func needScikit(t *testing.T) {
	t.Helper()
	check := exec.Command("/usr/bin/python3", "-c", "import flask, sklearn")
	var missing []string
	if check.Run() != nil {
		missing = append(missing, "python3-flask", "python3-sklearn")
	}
	for binary, name := range map[string]string{"nginx": "nginx-light", "gunicorn": "gunicorn"} {
		if _, err := exec.LookPath(binary); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return
	}
	message := "to run this test: apt-get install " + strings.Join(missing, " ")
	if os.Getenv("CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}

// startScikit starts the example server on one core and stops it after the test.
func startScikit(t *testing.T) (url string) {
	t.Helper()
	cmd := exec.Command("../../examples/scikit/serve", "--port", fmt.Sprint(freePort(t)), "--workers", "1", "--cores", "0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself; Wait tells
		if err := cmd.Wait(); err != nil {
			t.Errorf("the example server ended badly: %v", err)
		}
	})
	ready := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if found, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
				ready <- found
			}
		}
	}()
	select {
	case url = <-ready:
	case <-time.After(time.Minute):
		t.Fatal("the example server was not ready within a minute")
	}
	return url
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // the port is free again
	return listener.Addr().(*net.TCPAddr).Port
}
