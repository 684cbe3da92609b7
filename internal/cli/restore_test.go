package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRestoreWithAnotherAccount: an endpoint that is missing in the account that the
// credentials are of may stand, and cost money, in the journal's.
func TestRestoreWithAnotherAccount(t *testing.T) {
	const journal = `{"schema_version":1,"entry":"begun","at":"2026-11-24T18:00:00Z","changed":{"command":"find","on":{"endpoint":"plimsoll-1","variant":"AllTraffic"},"endpoint_arn":"arn:aws:sagemaker:us-east-1:111111111111:endpoint/plimsoll-1","region":"us-east-1"}}
{"schema_version":1,"entry":"intended","at":"2026-11-24T18:00:00Z","number":1,"change":{"what":"endpoint","name":"plimsoll-1","current":{},"desired":{"deployment":{"name":"plimsoll-1","variant":"AllTraffic","model":"m","instance_type":"ml.m5.xlarge","region":"us-east-1","run":"1"}},"reason":"r"}}
`
	for account, want := range map[string]int{"111111111111": exitOK, "222222222222": exitAWS} {
		t.Run(account, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, `{"__type":"ValidationException","message":"Could not find endpoint \"arn:aws:sagemaker:us-east-1:%s:endpoint/plimsoll-1\"."}`, account)
			}))
			defer server.Close()
			for name, value := range map[string]string{
				"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
				"AWS_SESSION_TOKEN": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
			} {
				t.Setenv(name, value)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "changes.jsonl"), []byte(journal), 0o600); err != nil {
				t.Fatal(err)
			}
			state := t.TempDir()
			var out, errs bytes.Buffer
			code := Main(Env{
				Args: []string{"restore", "--dir", dir}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return state },
			})
			if code != want || want == exitAWS && !strings.Contains(errs.String(), "use those of the other account") {
				t.Errorf("exit code %d, want %d: %s", code, want, errs.String())
			}
			left, err := os.ReadFile(filepath.Join(dir, "changes.jsonl"))
			if err != nil || strings.Contains(string(left), `"undone"`) != (want == exitOK) {
				t.Errorf("the journal says %s, %v", left, err)
			}
		})
	}
}
