package sagemaker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"plimsoll/httptarget"
	"plimsoll/loadgen"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fixedIdentity gives the same credentials for ever.
func fixedIdentity(c aws.Credentials) func(time.Time) (*identity, error) {
	id := newIdentity(c)
	return func(time.Time) (*identity, error) { return id, nil }
}

// signedBySDK is what the SDK's signer adds to the request.
func signedBySDK(t rapid.TB, req *http.Request, content []byte, c aws.Credentials, service, region string, now time.Time) http.Header {
	r := req.Clone(context.Background())
	r.ContentLength = int64(len(content))
	sum := sha256.Sum256(content)
	if err := v4.NewSigner().SignHTTP(context.Background(), c, r, hex.EncodeToString(sum[:]), service, region, now); err != nil {
		t.Fatalf("SignHTTP: %v", err)
	}
	return r.Header
}

// parseLines are header lines as a header.
func parseLines(t rapid.TB, lines []byte) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(lines), "\r\n"), "\r\n") {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			t.Fatalf("no header line: %q", line)
		}
		h.Add(name, value)
	}
	return h
}

// TestSignsAsTheSDK: the same headers, to the last digit, as the SDK's own signer
// makes, for random requests, bodies, credentials and instants, fixed and rendered
// bodies, on one session that sees them one after the other.
func TestSignsAsTheSDK(t *testing.T) {
	text := rapid.StringMatching(`[ -~]{0,40}`)
	name := rapid.StringMatching(`[A-Z][a-z]{1,9}(-[A-Z][a-z0-9]{1,7}){0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SampledFrom([]string{"us-east-1", "cn-north-1", "us-gov-west-1", "eu-isoe-west-1"}).Draw(t, "region")
		service := rapid.SampledFrom([]string{"sagemaker", "execute-api"}).Draw(t, "service")
		segment := rapid.StringMatching(`[a-zA-Z0-9._~ %:@!$&'()*+,;=/-]{0,20}`)
		query := url.Values{}
		for range rapid.IntRange(0, 3).Draw(t, "queries") {
			query.Add(text.Draw(t, "query"), text.Draw(t, "value"))
		}
		u := &url.URL{
			Scheme: "https", Host: rapid.SampledFrom([]string{"runtime.sagemaker.us-east-1.amazonaws.com", "127.0.0.1:4566", "[::1]:8443"}).Draw(t, "host"),
			Path: "/" + segment.Draw(t, "path"), RawQuery: query.Encode(),
		}
		var reqs []*http.Request
		var contents [][]byte
		s := newSigner(region, service, nil)
		for i := range rapid.IntRange(1, 3).Draw(t, "bodies") {
			req := &http.Request{Method: rapid.SampledFrom([]string{"POST", "PUT", "GET"}).Draw(t, "method"), URL: u, Host: u.Host, Header: http.Header{"User-Agent": {"plimsoll"}}}
			for range rapid.IntRange(0, 5).Draw(t, "headers") {
				req.Header.Add(name.Draw(t, "name"), text.Draw(t, "value"))
			}
			if rapid.Bool().Draw(t, "sagemaker headers") {
				req.Header.Set("X-Amzn-SageMaker-Target-Variant", "AllTraffic")
				req.Header.Set("X-Amz-Foo", "between date and token")
			}
			content := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "content")
			reqs, contents = append(reqs, req), append(contents, content)
			if err := s.Prepare(i, req, content); err != nil {
				t.Fatal(err)
			}
		}
		stamp := s.Session()
		credentials := func() aws.Credentials {
			return aws.Credentials{
				AccessKeyID:     rapid.StringMatching(`[A-Z0-9]{16,20}`).Draw(t, "access key"),
				SecretAccessKey: rapid.StringMatching(`[A-Za-z0-9/+]{40}`).Draw(t, "secret key"),
				SessionToken:    rapid.StringMatching(`([A-Za-z0-9/+]{50,100}==)?`).Draw(t, "token"),
			}
		}
		c, now := credentials(), time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "instant"), rapid.Int64Range(0, 999_999_999).Draw(t, "fraction"))
		s.identity = fixedIdentity(c)
		for range rapid.IntRange(1, 6).Draw(t, "requests") {
			switch rapid.IntRange(0, 4).Draw(t, "then") {
			case 0:
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "later")))
			case 1:
				c = credentials()
				s.identity = fixedIdentity(c)
			}
			i := rapid.IntRange(0, len(reqs)-1).Draw(t, "body")
			req, content := loadgen.Request{Body: i}, contents[i]
			if rapid.Bool().Draw(t, "rendered") {
				req.Content = rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "content of the moment")
				content = req.Content
			}
			lines, err := stamp.Append(nil, req, now)
			if err != nil {
				t.Fatal(err)
			}
			got, want := parseLines(t, lines), signedBySDK(t, reqs[i], content, c, service, region, now)
			for name := range got {
				if diff := cmp.Diff(want[name], got[name]); diff != "" {
					t.Fatalf("%s %s, %d bytes: %s (-SDK +ours)\n%s", reqs[i].Method, u, len(content), name, diff)
				}
			}
			if len(got) != 2+min(len(c.SessionToken), 1) {
				t.Fatalf("Append: got the headers %v", got)
			}
		}
	})
}

func testRequest() *http.Request {
	return &http.Request{
		Method: http.MethodPost, Host: "runtime.sagemaker.us-east-1.amazonaws.com",
		URL: &url.URL{Scheme: "https", Host: "runtime.sagemaker.us-east-1.amazonaws.com", Path: "/endpoints/my-endpoint/invocations"},
		Header: http.Header{
			"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"plimsoll"}, "X-Amzn-Sagemaker-Target-Variant": {"AllTraffic"},
		},
	}
}

// testCredentials are AWS's example keys, and a token of a usual length.
func testCredentials(token bool) aws.Credentials {
	c := aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	if token {
		c.SessionToken = strings.Repeat("IQoJb3JpZ2luX2VjEMv//", 40) + "=="
	}
	return c
}

func preparedStamp(t testing.TB, c aws.Credentials, content []byte) httptarget.Stamp {
	t.Helper()
	s := newSigner("us-east-1", "sagemaker", fixedIdentity(c))
	if err := s.Prepare(0, testRequest(), content); err != nil {
		t.Fatal(err)
	}
	return s.Session()
}

// TestSigningDoesNotAllocate, whether a signature is new, used again within its
// second, or of a body rendered for the moment.
func TestSigningDoesNotAllocate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		token   bool
		step    time.Duration
		content []byte
	}{
		{"a new second each", false, time.Second, nil},
		{"a new second each, with a token", true, time.Second, nil},
		{"within a second", true, 0, nil},
		{"rendered", true, time.Second, make([]byte, 1000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stamp := preparedStamp(t, testCredentials(tt.token), make([]byte, 1000))
			head, now := make([]byte, 0, 8<<10), time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
			avg := testing.AllocsPerRun(500, func() {
				now = now.Add(tt.step)
				if _, err := stamp.Append(head, loadgen.Request{Content: tt.content}, now); err != nil {
					t.Fatal(err)
				}
			})
			if avg != 0 {
				t.Errorf("Append: %v allocations, want none", avg)
			}
		})
	}
}

// TestNoSignatureWithoutCredentials: the failure has its class, so that it is not
// taken for the model's.
func TestNoSignatureWithoutCredentials(t *testing.T) {
	s := newSigner("us-east-1", "sagemaker", func(time.Time) (*identity, error) { return nil, errors.New("expired at noon") })
	if err := s.Prepare(0, testRequest(), nil); err != nil {
		t.Fatal(err)
	}
	_, err := s.Session().Append(nil, loadgen.Request{}, time.Now())
	if open, ok := errors.AsType[*loadgen.OpenError](err); !ok || open.Class != loadgen.Unauthorized {
		t.Errorf("Append: got %v, want a *loadgen.OpenError of class unauthorized", err)
	}
}

func TestScrub(t *testing.T) {
	c := testCredentials(true)
	c.AccountID = "123456789012"
	stamp := preparedStamp(t, c, nil)
	lines, err := stamp.Append(nil, loadgen.Request{}, time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	echoed := "The Canonical String should have been: " + string(lines) + strings.ReplaceAll(c.SessionToken, "/", `\/`) +
		" Endpoint x of account 210987654321 not found, arn:aws:sagemaker:us-east-1:111122223333:endpoint/x, 123456789012, order 555566667777."
	text := []byte(echoed)
	stamp.Scrub(text)
	signature := parseLines(t, lines).Get("Authorization")
	for _, secret := range []string{c.AccessKeyID, c.SecretAccessKey, "IQoJb3JpZ2lu", signature[len(signature)-64:], "123456789012", "210987654321", "111122223333"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("Scrub leaves %q in %s", secret, text)
		}
	}
	for _, kept := range []string{"Canonical String", "555566667777", "SignedHeaders=accept;content-type;host", "endpoint/x"} {
		if !strings.Contains(string(text), kept) {
			t.Errorf("Scrub takes %q out of %s", kept, text)
		}
	}
}

// BenchmarkSign is one signature, next to that of the SDK.
func BenchmarkSign(b *testing.B) {
	start := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for _, bb := range []struct {
		name     string
		token    bool
		step     time.Duration
		rendered bool
	}{
		{"another body", false, 0, false},
		{"another body, with token", true, 0, false},
		{"another second", false, time.Second, false},
		{"same body and second", true, 0, false},
		{"rendered body of 1 kB", false, 0, true},
	} {
		b.Run(bb.name, func(b *testing.B) {
			content := make([]byte, 1000)
			s := newSigner("us-east-1", "sagemaker", fixedIdentity(testCredentials(bb.token)))
			for i := range 2 {
				if err := s.Prepare(i, testRequest(), content); err != nil {
					b.Fatal(err)
				}
			}
			stamp, req, bodies := s.Session(), loadgen.Request{}, 1
			if bb.rendered {
				req.Content = content
			}
			if strings.HasPrefix(bb.name, "another body") {
				bodies = 2
			}
			// Seconds go round within one day: a new one is not what is measured.
			head, n := make([]byte, 0, 8<<10), 0
			b.ReportAllocs()
			for b.Loop() {
				n++
				req.Body = n % bodies
				if _, err := stamp.Append(head, req, start.Add(time.Duration(n%40_000)*bb.step)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("SDK 1 kB", func(b *testing.B) {
		content := make([]byte, 1000)
		c, signer, req := testCredentials(false), v4.NewSigner(), testRequest()
		req.ContentLength = int64(len(content))
		b.ReportAllocs()
		for b.Loop() {
			sum := sha256.Sum256(content)
			if err := signer.SignHTTP(b.Context(), c, req, hex.EncodeToString(sum[:]), "sagemaker", "us-east-1", start); err != nil {
				b.Fatal(err)
			}
		}
	})
}
