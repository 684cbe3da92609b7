package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/runlog"
)

// bodies counts the requests of a quick endpoint and keeps what they carried.
type bodies struct {
	mu   sync.Mutex
	seen []string
}

func (b *bodies) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, string(body))
}

// runMain runs a command in this process.
func runMain(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	var out, errs bytes.Buffer
	code = Main(Env{
		Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
	})
	return code, out.String(), errs.String()
}

// TestMaxRequestsCountsTheProbe: of 300 requests not one more is sent, by an
// endpoint that would answer thousands before anything is known of it; and no
// two of them carry the same identifier.
func TestMaxRequestsCountsTheProbe(t *testing.T) {
	var endpoint bodies
	server := httptest.NewServer(&endpoint)
	defer server.Close()
	code, stdout, stderr := runMain(t, `{"id": "{{uuid}}"}`,
		"find", "--url", server.URL, "--payload", "-;type=application/json", "--max-requests", "300", "--dir", t.TempDir()+"/run", "--output", "json", "--quiet")
	if code != exitLimitReached {
		t.Errorf("exit code %d, want %d; %s", code, exitLimitReached, stderr)
	}
	endpoint.mu.Lock()
	defer endpoint.mu.Unlock()
	if n := len(endpoint.seen); n != 300 || !strings.Contains(stdout, `"requests_sent": 300,`) {
		t.Errorf("%d requests arrived, want the 300 that the result tells of", n)
	}
	unlike := map[string]bool{}
	for _, body := range endpoint.seen {
		unlike[body] = true
	}
	if len(unlike) != len(endpoint.seen) {
		t.Errorf("%d of %d bodies had an identifier that was sent before", len(endpoint.seen)-len(unlike), len(endpoint.seen))
	}
}

// TestSentBefore: a limit is only kept by a resumed run that knows what was sent.
func TestSentBefore(t *testing.T) {
	trials := []experiment.Recorded{{Observation: capacity.Observation{Sent: 100}}, {Observation: capacity.Observation{Sent: 50}}}
	result := &experiment.Result{RequestsSent: 170}
	for name, c := range map[string]struct {
		limit    int64
		finished bool
		result   *experiment.Result
		want     int64
		problem  string
	}{
		"the result tells":             {300, true, result, 170, ""},
		"all of it":                    {170, true, result, 170, "nothing to resume"},
		"ended without warning":        {300, false, nil, 150, "not known"},
		"result of an earlier part":    {300, false, result, 150, "not known"},
		"without a limit it is enough": {0, false, nil, 150, ""},
	} {
		run := &runlog.Run{Trials: trials, Result: c.result, Finished: c.finished, Plan: experiment.Plan{Search: &capacity.Plan{MaxRequests: c.limit}}}
		got, err := sentBefore(run)
		if got != c.want || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: sentBefore = %d, %v; want %d, %q", name, got, err, c.want, c.problem)
		}
	}
}
