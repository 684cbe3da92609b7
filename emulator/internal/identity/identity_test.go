package identity

import (
	"net/http/httptest"
	"strings"
	"testing"

	"plimsoll/emulator/internal/wire"
)

// The caller is the user of the account, in both protocols that clients speak to STS.
func TestGetCallerIdentity(t *testing.T) {
	server, err := wire.NewServer(wire.ServerOptions{}, New("123456789012").Wire())
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ media, target, body string }{
		"query": {"application/x-www-form-urlencoded", "", "Action=GetCallerIdentity&Version=2011-06-15"},
		"json":  {"application/x-amz-json-1.1", "AWSSecurityTokenServiceV20110615.GetCallerIdentity", "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(row.body))
			request.Header.Set("Content-Type", row.media)
			if row.target != "" {
				request.Header.Set("X-Amz-Target", row.target)
			}
			recorder := httptest.NewRecorder()
			server.ServeHTTP(recorder, request)
			for _, want := range []string{"arn:aws:iam::123456789012:user/plimsoll", userID, "UserId", "Account"} {
				if text := recorder.Body.String(); recorder.Code != 200 || !strings.Contains(text, want) {
					t.Errorf("%d %s, want 200 with %q", recorder.Code, text, want)
				}
			}
		})
	}
}
