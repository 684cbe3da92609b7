package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoReportIsNamedThatIsNotThere: the report cannot be written where a
// directory of its name stands, which the endpoint puts there in time.
func TestNoReportIsNamedThatIsNotThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if _, err := os.Stat(filepath.Join(dir, "plan.json")); err == nil {
			_ = os.MkdirAll(filepath.Join(dir, "report.html", "in the way"), 0o755)
		}
	}))
	defer server.Close()
	code, stdout, stderr := runMain(t, "", "load", "--url", server.URL, "--method", "GET", "--rate", "50/s", "--duration", "300ms", "--warm-up", "0s", "--dir", dir)
	if code != exitRecord || strings.Count(stderr, "report.html") == 0 {
		t.Errorf("exit code %d, want %d, and the file in %q", code, exitRecord, stderr)
	}
	if strings.Contains(stdout, "report.html") || !strings.Contains(stdout, "Record       "+dir) {
		t.Errorf("the output names a report that is not there, or not the directory:\n%s", stdout)
	}
}
