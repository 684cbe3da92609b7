package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestNoSecretReachesTheRecord, although the endpoint repeats the request in its
// errors; nor the terminal.
func TestNoSecretReachesTheRecord(t *testing.T) {
	var served atomic.Int64
	var failFirst atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if served.Add(1) > 1 || failFirst.Load() {
			http.Error(w, r.RequestURI+fmt.Sprint(r.Header, r.URL.Query()), http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	dir := filepath.Join(t.TempDir(), "run")
	args := []string{
		"load", "--url", server.URL + "/?sig=h1dd3n%2Bsig&apikey=h1dd3nkey&model=iris", "-H", "X-Api-Key: h1dd3nheader", "-H", "Cookie: sid=h1dd3nsid",
		"--method", "GET", "--rate", "50/s", "--duration", "300ms", "--warm-up", "0s", "--dir", dir, "--output", "json",
	}
	_, stdout, stderr := runMain(t, "", args...)
	shown := map[string]string{"stdout": stdout, "stderr": stderr}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 6 {
		t.Fatalf("the record has %v, %v; want six files", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown[filepath.Base(file)] = string(content)
	}
	failFirst.Store(true)
	if code, _, stderr := runMain(t, "", append(args, "--dir", dir+"2")...); code != exitRefused {
		t.Errorf("exit code %d of a probe that fails, want %d", code, exitRefused)
	} else {
		shown["stderr of the probe"] = stderr
	}
	for where, text := range shown {
		if strings.Contains(text, "h1dd3n") {
			t.Errorf("%s shows a secret: %.2000s", where, text)
		}
	}
	if !strings.Contains(shown["result.json"], "model=iris") {
		t.Error("the result lacks what is no secret")
	}
}
