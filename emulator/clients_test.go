package emulator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll/emulator"
)

// TestForeignClients lets clients that nobody here wrote drive an emulator of their own
// over a real socket, each through the life of an endpoint: testdata/clients. They wait
// for the scaling loop, at sixty times real time, and all at once, because that is what
// most of their time goes to.
func TestForeignClients(t *testing.T) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, client := range []struct {
		name    string
		needs   map[string]string // what must be there: the package that brings it
		command func(t *testing.T, url string) *exec.Cmd
	}{
		{"boto3", map[string]string{"/usr/bin/python3": "python3-boto3"}, func(t *testing.T, url string) *exec.Cmd {
			return exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/clients/boto3_suite.py", url)
		}},
		{"AWS CLI", map[string]string{"/usr/bin/aws": "awscli", "curl": "curl"}, func(t *testing.T, url string) *exec.Cmd {
			return exec.CommandContext(t.Context(), "bash", "testdata/clients/awscli_suite.sh", url)
		}},
		{"JavaScript SDK", map[string]string{"node": "Node.js 20 or newer", "npm": "npm"}, javaScript},
		{"Go SDK before CBOR", map[string]string{"go": "Go"}, func(t *testing.T, _ string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), "go", "run", ".")
			cmd.Dir = "testdata/clients/goquery"
			return cmd
		}},
	} {
		all.Go(func() {
			t.Run(client.name, func(t *testing.T) {
				need(t, client.needs)
				url := listen(t)
				cmd := client.command(t, url)
				cmd.Env = append(withoutAWS(os.Environ()), "AWS_ENDPOINT_URL="+url, "AWS_REGION="+emulator.DefaultRegion, "AWS_DEFAULT_REGION="+emulator.DefaultRegion,
					"AWS_ACCESS_KEY_ID="+emulator.DefaultAccessKey, "AWS_SECRET_ACCESS_KEY="+emulator.DefaultSecretKey,
					"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_CLI=/usr/bin/aws")
				cmd.WaitDelay = time.Second
				out, err := cmd.CombinedOutput()
				t.Logf("\n%s", out)
				if err != nil || !bytes.Contains(out, []byte("ok ")) || bytes.Contains(out, []byte("FAIL")) {
					t.Errorf("the suite ended with %v", err)
				}
			})
		})
	}
}

// javaScript installs the SDK beside a copy of the suite.
func javaScript(t *testing.T, _ string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "suite.mjs"} {
		text, err := os.ReadFile(filepath.Join("testdata/clients/js", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "node", "suite.mjs")
	cmd.Dir = dir
	return cmd
}

// need fails in CI, and skips elsewhere, when something that a client needs is missing.
func need(t *testing.T, needs map[string]string) {
	t.Helper()
	var missing []string
	for program, name := range needs {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, name)
		}
	}
	if _, ok := needs["/usr/bin/python3"]; ok && exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import boto3").Run() != nil {
		missing = append(missing, "python3-boto3")
	}
	if len(missing) == 0 {
		return
	}
	message := "to run this test, install " + strings.Join(missing, ", ") + " (CONTRIBUTING.md)"
	if os.Getenv("CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}

// withoutAWS is the environment less what would lead a client elsewhere.
func withoutAWS(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "AWS_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// listen serves an emulator on loopback until the test ends.
func listen(t *testing.T) (url string) {
	t.Helper()
	e, err := emulator.New(emulator.Options{
		Model: oneInstance(), Speed: 60, Seed: 1, Log: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Errorf("closing the server: %v", err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving: %v", err)
		}
		if err := e.Close(); err != nil {
			t.Errorf("closing the emulator: %v", err)
		}
	})
	return fmt.Sprintf("http://%s", listener.Addr())
}
