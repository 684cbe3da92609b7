package sagemaker

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll/httptarget"
	"plimsoll/loadgen"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// sealed takes away what the machine that runs the tests has of AWS, and sets what
// is given as NAME=value.
func sealed(t testing.TB, settings ...string) {
	t.Helper()
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "AWS_") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			t.Setenv(name, "")
		}
	}
	dir := t.TempDir()
	defaults := []string{
		"HOME=" + dir, "AWS_CONFIG_FILE=" + dir + "/config", "AWS_SHARED_CREDENTIALS_FILE=" + dir + "/credentials",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + testCredentials(false).AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + testCredentials(false).SecretAccessKey,
	}
	for _, line := range append(defaults, settings...) {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
}

// gate lets through what the SDK's signer would have signed in the same way.
type gate struct {
	mu          sync.Mutex
	credentials aws.Credentials
	region      string
	seen        []*http.Request
	next        http.HandlerFunc // nil: 200
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	c, region := g.credentials, g.region
	g.seen = append(g.seen, r)
	g.mu.Unlock()
	if want, got := resigned(r, body, c, region), r.Header.Get("Authorization"); got != want {
		w.Header().Set("X-Amzn-ErrorType", "InvalidSignatureException:http://internal.amazon.com/coral/com.amazon.coral.service/")
		w.Header().Set("X-Amzn-RequestId", "1")
		w.WriteHeader(http.StatusForbidden)
		// As AWS does, it repeats what it was sent.
		_, _ = fmt.Fprintf(w, `{"message":"The request signature we calculated does not match. The Canonical String should have been 'x-amz-security-token:%s\n' and got %s"}`,
			r.Header.Get("X-Amz-Security-Token"), got)
		return
	}
	if g.next != nil {
		g.next(w, r)
		return
	}
	w.Header().Set("X-Amzn-RequestId", "1")
	_, _ = fmt.Fprintf(w, "%d bytes", len(body))
}

// resigned is the Authorization that the SDK gives to a request with the same
// signed headers and instant.
func resigned(r *http.Request, body []byte, c aws.Credentials, region string) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ := strings.Cut(rest, ",")
	again := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}}
	for name := range strings.SplitSeq(names, ";") {
		switch name {
		case "host", dateName, tokenName:
		case lengthName:
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	at, err := time.Parse(layout, r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "no date"
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), c, again, hex.EncodeToString(sum[:]), "sagemaker", region, at); err != nil {
		return err.Error()
	}
	return again.Header.Get("Authorization")
}

// serve starts a server that checks signatures, to which the environment points.
func serve(t testing.TB, g *gate, settings ...string) {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	if g.credentials.AccessKeyID == "" {
		g.credentials = testCredentials(false)
	}
	if g.region == "" {
		g.region = "us-east-1"
	}
	sealed(t, append([]string{"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=" + server.URL}, settings...)...)
}

// open makes an authenticated target and one session of it.
func open(t testing.TB, o Options) (*Target, loadgen.Session) {
	t.Helper()
	target, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	if err := target.Authenticate(t.Context()); err != nil {
		t.Fatal(err)
	}
	session, err := target.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return target, session
}

func wantOK(t testing.TB, what string, out loadgen.Outcome) {
	t.Helper()
	if out.Class != loadgen.OK {
		t.Errorf("%s: got %v, status %d (%s), want ok", what, out.Class, out.Status, out.Detail)
	}
}

// TestInvoke: what arrives is signed as the SDK would, by both engines, for small,
// long, rendered and empty bodies.
func TestInvoke(t *testing.T) {
	for _, netHTTP := range []bool{false, true} {
		for _, token := range []bool{false, true} {
			g := &gate{credentials: testCredentials(token)}
			serve(t, g, "AWS_SESSION_TOKEN="+g.credentials.SessionToken)
			target, session := open(t, Options{
				Endpoint: "my-endpoint", Variant: "Blue", SessionID: "NEW_SESSION", CustomAttributes: "a=1,  b=2", InferenceID: "run-7", TargetModel: "m/1.tar.gz",
				HTTP: httptarget.Options{
					NetHTTP: netHTTP, Header: http.Header{"X-Trace": {"one", "two"}},
					Bodies: []httptarget.Body{
						{Content: []byte(`{"x":1}`), ContentType: "application/json", Accept: "text/csv"},
						{Content: bytes.Repeat([]byte("y"), 50_000)},
						{Content: bytes.Repeat([]byte("z"), 300_000)},
						{},
					},
				},
			})
			for _, req := range []loadgen.Request{{}, {Body: 1}, {Body: 2}, {Body: 3}, {Content: []byte("rendered")}, {Body: 1, Content: bytes.Repeat([]byte("r"), 100_000)}, {}} {
				wantOK(t, fmt.Sprintf("net/http %v, token %v, body %d", netHTTP, token, req.Body), session.Do(req))
			}
			first := g.seen[0]
			if first.URL.Path != "/endpoints/my-endpoint/invocations" {
				t.Errorf("path %q", first.URL.Path)
			}
			for name, want := range map[string]string{
				"Content-Type": "application/json", "Accept": "text/csv", "X-Amzn-SageMaker-Target-Variant": "Blue", "X-Amzn-SageMaker-Session-Id": "NEW_SESSION",
				"X-Amzn-SageMaker-Custom-Attributes": "a=1,  b=2", "X-Amzn-SageMaker-Inference-Id": "run-7", "X-Amzn-SageMaker-Target-Model": "m/1.tar.gz",
				"X-Amz-Security-Token": g.credentials.SessionToken, "User-Agent": "plimsoll",
			} {
				if got := first.Header.Get(name); got != want {
					t.Errorf("header %s: got %q, want %q", name, got, want)
				}
			}
			if got := g.seen[1].Header.Get("Content-Type"); got != "application/octet-stream" {
				t.Errorf("content type of a body without one: got %q, want what the SDK sends", got)
			}
			if got := fmt.Sprintf("%v %+v %#v", target.HTTP(), Options{}, target.HTTP()); strings.Contains(got, g.credentials.SecretAccessKey) {
				t.Errorf("printed: %s", got)
			}
		}
	}
}

// TestRefusedSignature: the class is honest, and what the server sends back of the
// request is blanked.
func TestRefusedSignature(t *testing.T) {
	c := testCredentials(true)
	g := &gate{credentials: aws.Credentials{AccessKeyID: "another", SecretAccessKey: "other"}}
	serve(t, g, "AWS_SESSION_TOKEN="+c.SessionToken)
	for _, netHTTP := range []bool{false, true} {
		target, session := open(t, Options{Endpoint: "e", HTTP: httptarget.Options{NetHTTP: netHTTP, Bodies: []httptarget.Body{{Content: []byte("x")}}}})
		out := session.Do(loadgen.Request{})
		if out.Class != loadgen.Unauthorized || out.Status != 403 {
			t.Errorf("Do: got %v, status %d, want unauthorized and 403", out.Class, out.Status)
		}
		answer, err := target.HTTP().Probe(t.Context())
		if err != nil || answer.Class != loadgen.Unauthorized {
			t.Fatalf("Probe: got %v, %v, want unauthorized", answer.Class, err)
		}
		for _, text := range []string{string(out.Detail), string(answer.Body), answer.Detail} {
			for _, secret := range []string{c.AccessKeyID, "IQoJb3JpZ2lu"} {
				if strings.Contains(text, secret) {
					t.Errorf("net/http %v: %q is shown in %q", netHTTP, secret, text)
				}
			}
			if !strings.Contains(text, "signature we calculated does not match") {
				t.Errorf("net/http %v: the server's words are lost: %q", netHTTP, text)
			}
		}
		if got := Explain(answer); !strings.HasPrefix(got, "InvalidSignatureException: The request signature we calculated does not match.") {
			t.Errorf("Explain: got %q", got)
		}
	}
}

func TestBeforeAuthenticate(t *testing.T) {
	serve(t, &gate{})
	target, err := New(t.Context(), Options{Endpoint: "e"})
	if err != nil {
		t.Fatal(err)
	}
	target.Close() // nothing runs
	session, err := target.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if out := session.Do(loadgen.Request{}); out.Class != loadgen.Unauthorized || out.Status != 0 {
		t.Errorf("Do: got %v, status %d, want unauthorized without an answer", out.Class, out.Status)
	}
}

// TestInvokeDoesNotAllocate: signing included, over a socket.
func TestInvokeDoesNotAllocate(t *testing.T) {
	// The server runs in this process and does allocate; a memory connection that
	// answers by itself does not.
	serve(t, &gate{})
	target, err := New(t.Context(), Options{Endpoint: "e", HTTP: httptarget.Options{
		Bodies: []httptarget.Body{{Content: make([]byte, 1000)}}, DialContext: dialCanned,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if err := target.Authenticate(t.Context()); err != nil {
		t.Fatal(err)
	}
	session, err := target.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	failed := 0
	for _, req := range []loadgen.Request{{}, {Content: make([]byte, 1000)}} {
		if avg := testing.AllocsPerRun(300, func() {
			if out := session.Do(req); out.Class != loadgen.OK {
				failed++
			}
		}); avg != 0 || failed > 0 {
			t.Errorf("Do: %v allocations a request and %d failures, want none", avg, failed)
		}
	}
}
