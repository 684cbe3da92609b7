package httptarget

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"plimsoll/loadgen"
)

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		want []string // nil for valid
	}{
		{"least", Options{URL: "http://h"}, nil},
		{"IPv6", Options{URL: "https://[::1]:8443/x"}, nil},
		{"everything", Options{URL: "http://u:p@h:1/x?y=z", Method: "PUT", Header: http.Header{"X": {"ö", "a\tb"}}, Timeout: time.Second}, nil},
		{"no url", Options{}, []string{"url", "http://"}},
		{"no scheme", Options{URL: "127.0.0.1:8080/invocations"}, []string{"url", "127.0.0.1:8080"}},
		{"no scheme, name", Options{URL: "localhost:8080"}, []string{"needs http://"}},
		{"other scheme", Options{URL: "ftp://h"}, []string{"needs http://"}},
		{"no host", Options{URL: "http:///x"}, []string{"no host"}},
		{"port", Options{URL: "http://h:70000"}, []string{"70000"}},
		{"host outside ASCII", Options{URL: "http://mödel"}, []string{"punycode"}},
		{"query", Options{URL: "http://h/?a b"}, []string{"percent"}},
		{"control character", Options{URL: "http://h/\r\nX: y"}, []string{"url"}},
		{"method", Options{URL: "http://h", Method: "GE T"}, []string{"method", `"GE T"`}},
		{"connect", Options{URL: "http://h", Method: "CONNECT"}, []string{"CONNECT"}},
		{"header with a line end", Options{URL: "http://h", Header: http.Header{"X": {"a\r\nY: b"}}}, []string{`header "X"`, "0x0d"}},
		{"header name", Options{URL: "http://h", Header: http.Header{"X Y": {"a"}}}, []string{`"X Y"`}},
		{"reserved", Options{URL: "http://h", Header: http.Header{"content-length": {"1"}, "Transfer-Encoding": {"chunked"}, "Connection": {"close"}}}, []string{"content-length", "Transfer-Encoding", "Connection"}},
		{"two hosts", Options{URL: "http://h", Header: http.Header{"Host": {"a", "b"}}}, []string{"Host"}},
		{"two authorizations", Options{URL: "http://h", BearerToken: "t", Header: http.Header{"authorization": {"x"}}}, []string{"Authorization"}},
		{"user and token", Options{URL: "http://u:p@h", BearerToken: "t"}, []string{"user and password"}},
		{"token with a line end", Options{URL: "http://h", BearerToken: "tok\n"}, []string{"bearer token"}},
		{"content type", Options{URL: "http://h", Bodies: []Body{{}, {ContentType: "a\n"}}}, []string{"content type of body 1"}},
		{"accept", Options{URL: "http://h", Bodies: []Body{{Accept: "a\x00"}}}, []string{"accept of body 0"}},
		{"negative", Options{URL: "http://h", Timeout: -1, MaxAnswer: -2}, []string{"timeout", "max answer"}},
		{"local address", Options{URL: "http://h", LocalAddress: netip.MustParseAddr("::1")}, nil},
		{"local address, other family", Options{URL: "http://127.0.0.1", LocalAddress: netip.MustParseAddr("::1")}, []string{"local address ::1", "127.0.0.1", "same family"}},
		{"local address and dial", Options{URL: "http://h", LocalAddress: netip.MustParseAddr("::1"), DialContext: (&net.Dialer{}).DialContext}, []string{"local address ::1", "dial function"}},
		{"CA", Options{URL: "http://h", CAPEM: []byte("nothing")}, []string{"PEM"}},
		{"several", Options{Method: " ", BearerToken: "\n"}, []string{"url", "method", "bearer token"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.o.Validate()
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("Validate: got error %v, want one: %v", err, tt.want != nil)
			}
			for _, word := range tt.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("Validate: got %q, want it to mention %q", err, word)
				}
			}
			if _, newErr := New(tt.o); (newErr == nil) != (err == nil) {
				t.Errorf("New: got error %v, Validate's %v", newErr, err)
			}
		})
	}
}

const secret = "s3cr3t-t0k3n"

// TestNoSecretShows prints everything that could hold a secret in every way.
func TestNoSecretShows(t *testing.T) {
	s := listen(t, echo)
	for name, o := range map[string]Options{
		"bearer": {URL: s.url, BearerToken: secret},
		"user":   {URL: strings.Replace(s.url, "http://", "http://user:"+secret+"@", 1)},
		"header": {URL: s.url, Header: http.Header{"Authorization": {"Basic " + secret}}},
		"query":  {URL: s.url + "/?key=" + secret},
		"bad":    {URL: "http://user:" + secret + "@h:port/", BearerToken: secret},
		"bad 2":  {URL: "ftp://user:" + secret + "@h", Header: http.Header{"X": {secret + "\n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			values := []any{o, &o, o.BearerToken, []Options{o}, struct{ O Options }{o}, map[string]any{"o": o}}
			if target, err := New(o); err != nil {
				values = append(values, err)
			} else {
				session, err := target.Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer session.Close()
				session.Do(loadgen.Request{Content: []byte("x")})
				values = append(values, target, session, struct{ T *Target }{target})
			}
			basic := "dXNlcjpzM2NyM3QtdDBrM24=" // user:SECRET
			for i, v := range values {
				var log bytes.Buffer
				slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
				shown := log.String()
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
					shown += fmt.Sprintf(verb, v)
				}
				for _, hidden := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprint([]byte(secret)), basic, fmt.Sprint([]byte(basic))} {
					if strings.Contains(shown, strings.Trim(hidden, "[]")) {
						t.Errorf("value %d (%T) shows the secret: %s", i, v, shown)
					}
				}
			}
		})
	}
	if p, err := json.Marshal(map[string]Secret{"token": secret, "none": ""}); err != nil || string(p) != `{"none":"","token":"REDACTED"}` {
		t.Errorf("json.Marshal of a secret: got %s, %v", p, err)
	}
}

// TestServerSaysSecret: a server that sends the request back does not bring the
// token into the details.
func TestServerSaysSecret(t *testing.T) {
	for _, viaNetHTTP := range []bool{false, true} {
		for _, padding := range []int{0, 100, maxDetail - 20, maxDetail - len(secret) - 3} {
			answer := "HTTP/1.1 403 x\r\nX-Echo: Bearer " + secret + "\r\nConnection: close\r\n\r\n" + strings.Repeat(".", padding) + "you sent " + secret + " and " + secret
			s := listen(t, once(answer))
			o := Options{URL: s.url, BearerToken: secret, NetHTTP: viaNetHTTP}
			out := openSession(t, o).Do(loadgen.Request{})
			wantClass(t, "Do", out, loadgen.ClientError, 403)
			if strings.Contains(string(out.Detail), secret[:leastScrubbed]) {
				t.Errorf("Do: detail shows the secret or its beginning: %s", out.Detail)
			}
			a, err := newTarget(t, o).Probe(t.Context())
			if err != nil || a.Status != 403 {
				t.Fatalf("Probe: got status %d, error %v", a.Status, err)
			}
			if shown := fmt.Sprintf("%s %v %s", a.Body, a.Header, a.Detail); strings.Contains(shown, secret) {
				t.Errorf("Probe: shows the secret: %s", shown)
			}
			if !strings.Contains(string(a.Body), "you sent ****") {
				t.Errorf("Probe: got body %q, want the server's words with the secret blanked", a.Body)
			}
		}
	}
}
