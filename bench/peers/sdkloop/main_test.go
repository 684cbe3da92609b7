package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"
)

// TestRun invokes an emulated endpoint until its time is up: every answer is good, or the
// first that is not ends it.
func TestRun(t *testing.T) {
	e, err := emulator.New(emulator.Options{Model: fleet.Model{Service: time.Microsecond, Workers: 8}, Endpoints: []emulator.Endpoint{{Name: "demo"}}, Speed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var got atomic.Int64
	var body atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		body.Store(string(content))
		got.Add(1)
		r.Body = io.NopCloser(strings.NewReader(string(content)))
		e.ServeHTTP(w, r)
	}))
	defer func() {
		server.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": emulator.DefaultRegion, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": emulator.DefaultAccessKey, "AWS_SECRET_ACCESS_KEY": emulator.DefaultSecretKey, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("5.1,3.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		args       []string
		sends      bool
	}{
		{"invokes", "", []string{"-body", file, "-c", "2", "-t", "200ms"}, true},
		{"no such endpoint", "Endpoint nobody of account", []string{"-body", file, "-endpoint", "nobody", "-t", "20s"}, true},
		{"no body", "no such file", []string{"-body", file + "s"}, false},
		{"none in flight", "c 0, t 1s: want at least 1", []string{"-body", file, "-c", "0"}, false},
		{"no time", "c 1, t 0s: want at least 1", []string{"-body", file, "-t", "0s"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got.Store(0)
			err := run(t.Context(), tt.args)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if n := got.Load(); (n > 0) != tt.sends {
				t.Errorf("%d requests", n)
			}
			if tt.sends && body.Load() != "5.1,3.5\n" {
				t.Errorf("sent %q", body.Load())
			}
		})
	}
}
