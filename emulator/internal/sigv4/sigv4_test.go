package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// The credentials and the date of AWS's Signature Version 4 test suite.
const (
	suiteKey    = "AKIDEXAMPLE"
	suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	suiteDate   = "20150830T123600Z"
	suiteScope  = suiteKey + "/20150830/us-east-1/service/aws4_request"
)

func suiteTime(t testing.TB) time.Time {
	t.Helper()
	at, err := time.Parse(basic, suiteDate)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func suiteVerifier(t testing.TB, now time.Time) *Verifier {
	t.Helper()
	v, err := New(Options{
		Keys: func(key string) (string, string, bool) {
			switch key {
			case suiteKey:
				return suiteSecret, "", true
			case "ASIATEMPORARY":
				return suiteSecret, "token/+=", true
			}
			return "", "", false
		},
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// received is the request as a server sees it: the suite's are written raw, not as an
// HTTP client would send them.
func received(method, target string, headers ...string) *http.Request {
	path, query, _ := strings.Cut(target, "?")
	r := &http.Request{
		Method: method, RequestURI: target, Host: "example.amazonaws.com", Header: http.Header{},
		URL: &url.URL{Path: path, RawQuery: query}, Body: http.NoBody,
	}
	r.Header.Set("X-Amz-Date", suiteDate)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Add(name, value)
	}
	return r
}

// The signatures are those of aws-sig-v4-test-suite, which AWS published with the
// documentation of Signature Version 4; each row has the name that it has there.
func TestPublishedVectors(t *testing.T) {
	v := suiteVerifier(t, suiteTime(t))
	for _, c := range []struct {
		name, method, target string
		headers              []string
		body, signed, want   string
	}{
		{"get-vanilla", "GET", "/", nil, "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", nil, "", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-vanilla-query-order-value", "GET", "/?Param1=value2&Param1=value1", nil, "", "host;x-amz-date", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
		{"get-vanilla-utf8-query", "GET", "/?ሴ=bar", nil, "", "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", nil, "", "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{"get-utf8", "GET", "/ሴ", nil, "", "host;x-amz-date", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
		{"get-space", "GET", "/example space/", nil, "", "host;x-amz-date", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
		{"get-slashes", "GET", "//example//", nil, "", "host;x-amz-date", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{"get-slash-pointless-dot", "GET", "/./example", nil, "", "host;x-amz-date", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
		{"get-relative", "GET", "/example/..", nil, "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-relative-relative", "GET", "/example1/example2/../..", nil, "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-header-value-trim", "GET", "/", []string{"My-Header1: value1", `My-Header2: "a   b   c"`}, "", "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"post-vanilla", "POST", "/", nil, "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-vanilla-query", "POST", "/?Param1=value1", nil, "", "host;x-amz-date", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
		{"post-header-key-sort", "POST", "/", []string{"My-Header1:value1"}, "", "host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
		{"post-x-www-form-urlencoded", "POST", "/", []string{"Content-Type:application/x-www-form-urlencoded"}, "Param1=value1", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := received(c.method, c.target, c.headers...)
			r.Header.Set("Authorization", algorithm+" Credential="+suiteScope+", SignedHeaders="+c.signed+", Signature="+c.want)
			signer, failure := v.Verify(r, []byte(c.body), Scope{Region: "us-east-1", Service: "service"})
			if failure != nil {
				t.Fatalf("refused: %s", failure.Message)
			}
			if want := (Signer{AccessKey: suiteKey, Scope: Scope{Region: "us-east-1", Service: "service"}}); signer != want {
				t.Errorf("signer %+v, want %+v", signer, want)
			}
			if _, failure := v.Verify(r, []byte(c.body+"x"), Scope{}); failure == nil || failure.Kind != WrongSignature {
				t.Errorf("with another body: %+v, want WrongSignature", failure)
			}
		})
	}
}

// sent sends a request through the text of HTTP, so that it is what a server receives.
func sent(t interface{ Fatal(...any) }, r *http.Request, body []byte) *http.Request {
	var wire bytes.Buffer
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

type drawn struct {
	request *http.Request
	body    []byte
	creds   aws.Credentials
	scope   Scope
}

// draw makes a request such as nobody would send, but that is allowed.
func draw(t *rapid.T) drawn {
	segment := rapid.StringMatching(`[a-zA-Z0-9 ._~%/+&=;:@!$'()*,世-]{0,8}`)
	u := &url.URL{Scheme: "http", Host: rapid.SampledFrom([]string{"127.0.0.1:4566", "sagemaker.eu-west-1.amazonaws.com"}).Draw(t, "host")}
	for _, s := range rapid.SliceOfN(segment, 0, 4).Draw(t, "path") {
		u.Path += "/" + s
	}
	values := url.Values{}
	for _, name := range rapid.SliceOfN(segment, 0, 4).Draw(t, "names") {
		values[name] = rapid.SliceOfN(segment, 1, 3).Draw(t, "values")
	}
	u.RawQuery = values.Encode()
	body := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "body")
	r, err := http.NewRequestWithContext(context.Background(), rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method"), u.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"Content-Type", "X-Amz-Target", "X-Amzn-Query-Mode", "Accept", "Amz-Sdk-Request", "X-Amzn-Sagemaker-Session-Id",
	}), 0, 6, rapid.ID[string]).Draw(t, "headers") {
		for _, value := range rapid.SliceOfN(rapid.StringMatching(` {0,2}[a-z"=;,/]{1,4}( {1,3}[a-z]{1,3}){0,2} {0,2}`), 1, 2).Draw(t, "value") {
			r.Header.Add(name, value)
		}
	}
	creds := aws.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret}
	if rapid.Bool().Draw(t, "temporary") {
		creds = aws.Credentials{AccessKeyID: "ASIATEMPORARY", SecretAccessKey: suiteSecret, SessionToken: "token/+="}
	}
	return drawn{r, body, creds, Scope{
		Region:  rapid.SampledFrom([]string{"us-east-1", "eu-west-1"}).Draw(t, "region"),
		Service: rapid.SampledFrom([]string{"sagemaker", "monitoring"}).Draw(t, "service"),
	}}
}

func TestWhatTheGoSDKSignsIsAccepted(t *testing.T) {
	now := suiteTime(t)
	v := suiteVerifier(t, now)
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		hash := hashOf(d.body)
		switch rapid.IntRange(0, 2).Draw(t, "payload") {
		case 1:
			d.request.Header.Set("X-Amz-Content-Sha256", hash)
		case 2:
			hash = unsignedPayload
			d.request.Header.Set("X-Amz-Content-Sha256", hash)
		}
		at := now.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "skew")) * time.Second)
		if err := v4.NewSigner().SignHTTP(context.Background(), d.creds, d.request, hash, d.scope.Service, d.scope.Region, at); err != nil {
			t.Fatal(err)
		}
		r := sent(t, d.request, d.body)
		signer, failure := v.Verify(r, d.body, d.scope)
		if failure != nil {
			t.Fatalf("%s %s %v refused: %s", r.Method, r.RequestURI, r.Header, failure.Message)
		}
		if signer.AccessKey != d.creds.AccessKeyID || signer.Scope != d.scope {
			t.Fatalf("signer %+v", signer)
		}
		tamper(t, r, d.body, hash == unsignedPayload, func(what string, body []byte) {
			if _, failure := v.Verify(r, body, d.scope); failure == nil {
				t.Fatalf("accepted with another %s", what)
			}
		})
	})
}

// tamper changes one thing of a signed request.
func tamper(t *rapid.T, r *http.Request, body []byte, unsigned bool, check func(what string, body []byte)) {
	what := rapid.SampledFrom([]string{"method", "path", "query", "host", "target", "body", "date"}).Draw(t, "tampered")
	switch what {
	case "method":
		r.Method = "PATCH"
	case "path":
		r.RequestURI = "/x" + r.RequestURI
	case "query":
		r.URL.RawQuery += "&x=y"
	case "host":
		r.Host += "x"
	case "target":
		if r.Header.Get("X-Amz-Target") == "" {
			return
		}
		r.Header.Add("X-Amz-Target", "x")
	case "body":
		if unsigned {
			return
		}
		body = append(slices.Clip(body), 'x')
	case "date":
		other := "20150830T123601Z"
		if r.Header.Get("X-Amz-Date") == other {
			other = suiteDate
		}
		r.Header.Set("X-Amz-Date", other)
	}
	check(what, body)
}

func TestWhatTheGoSDKPresignsIsAccepted(t *testing.T) {
	now := suiteTime(t)
	v := suiteVerifier(t, now)
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		query := d.request.URL.Query()
		query.Set("X-Amz-Expires", "60")
		d.request.URL.RawQuery = query.Encode()
		age := rapid.IntRange(-301, 61).Draw(t, "age")
		at := now.Add(-time.Duration(age) * time.Second)
		target, _, err := v4.NewSigner().PresignHTTP(context.Background(), d.creds, d.request, hashOf(d.body), d.scope.Service, d.scope.Region, at)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		d.request.URL = u
		r := sent(t, d.request, d.body)
		_, failure := v.Verify(r, d.body, d.scope)
		switch {
		case age > 60:
			if failure == nil || failure.Kind != Expired || !strings.Contains(failure.Message, "is now earlier than 20150830T123500Z (20150830T123600Z - 1 min.)") {
				t.Fatalf("after its minute: %+v", failure)
			}
			return
		case age < -300:
			if failure == nil || failure.Kind != NotYetValid {
				t.Fatalf("before its time: %+v", failure)
			}
			return
		case failure != nil:
			t.Fatalf("%s refused: %s", r.RequestURI, failure.Message)
		}
		if _, failure := v.Verify(r, append([]byte("x"), d.body...), d.scope); failure == nil {
			t.Fatal("accepted with another body")
		}
	})
}

func TestRefusalsInAWSsWordsAndOrder(t *testing.T) {
	now := suiteTime(t)
	const signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	good := algorithm + " Credential=" + suiteScope + ", SignedHeaders=host;x-amz-date, Signature=" + signature
	with := func(old, replacement string) string { return strings.Replace(good, old, replacement, 1) }
	for _, c := range []struct {
		name, authorization, date string
		target                    string
		now                       time.Time
		kind                      Kind
		message                   string // in full up to a newline, or a prefix that ends in …
	}{
		{name: "unsigned", kind: MissingToken, message: "Missing Authentication Token"},
		{name: "another scheme", authorization: "a", kind: Incomplete, date: "-", message: "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=a"},
		{name: "a password", authorization: "Basic dXNlcg", kind: Incomplete, message: "'dXNlcg' not a valid key=value pair (missing equal-sign) in Authorization header: 'Basic dXNlcg'."},
		{name: "another algorithm", authorization: with(algorithm, "AWS4-HMAC-SHA512"), kind: Incomplete, message: "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512' (only AWS4-HMAC-SHA256 for now). "},
		{name: "no signature", authorization: with("Signature=", "S="), kind: Incomplete, message: "Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256"},
		{name: "no date", authorization: good, date: "-", kind: Incomplete, message: "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"},
		{name: "a date in words", authorization: good, date: "noon", kind: Incomplete, message: "Date must be in ISO-8601 'basic format'. Got 'noon'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{name: "host not signed", authorization: with("host;", ""), kind: WrongSignature, message: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{name: "short credential", authorization: with("/aws4_request", ""), kind: Incomplete, message: "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE/20150830/us-east-1/service'"},
		{name: "expired", authorization: good, now: now.Add(300*time.Second + time.Second), kind: Expired, message: "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"},
		{name: "not yet", authorization: good, now: now.Add(-301 * time.Second), kind: NotYetValid, message: "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"},
		{name: "expired before unknown", authorization: with(suiteKey, "AKIDOTHER"), now: now.Add(time.Hour), kind: Expired, message: "Signature expired: …"},
		{name: "everything of the scope", authorization: with("20150830/us-east-1/service/aws4_request", "20150829/mars/other/aws5"), kind: WrongScope, message: "Credential should be scoped to a valid region, not 'mars'. Credential should be scoped to correct service: 'service'. Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'."},
		{name: "wrong service", authorization: with("/service/", "/sagemaker/"), kind: WrongScope, message: "Credential should be scoped to correct service: 'service'. "},
		{name: "unknown key", authorization: with(suiteKey, "AKIDOTHER"), kind: UnknownKey, message: "The security token included in the request is invalid."},
		{name: "wrong signature", authorization: with(signature, strings.Repeat("0", 64)), kind: WrongSignature, message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
		{name: "short signature", authorization: with(signature, signature[:62]), kind: WrongSignature, message: "The request signature we calculated does not match…"},
		{name: "long signature", authorization: with(signature, signature+"00"), kind: WrongSignature, message: "The request signature we calculated does not match…"},
		{name: "no hexadecimal", authorization: with(signature, "z"+signature[1:]), kind: WrongSignature, message: "The request signature we calculated does not match…"},
		{name: "another secret's token", authorization: with(suiteKey, "ASIATEMPORARY"), kind: UnknownKey, message: "The security token included in the request is invalid."},
		{name: "twice", authorization: good, target: "/?X-Amz-Algorithm=a", kind: WrongSignature, message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},
		{name: "presigned, but nothing of it", target: "/?X-Amz-Algorithm", kind: Incomplete, message: "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
		{name: "presigned by another algorithm", target: "/?X-Amz-Algorithm=x&X-Amz-Credential=x&X-Amz-Signature=x&X-Amz-SignedHeaders=x&X-Amz-Date=x", kind: Incomplete, message: "Unsupported AWS 'algorithm': 'x' (only AWS4-HMAC-SHA256 for now). "},
		{name: "presigned for ever", target: "/?X-Amz-Algorithm=" + algorithm + "&X-Amz-Credential=x&X-Amz-Signature=x&X-Amz-SignedHeaders=x&X-Amz-Date=x&X-Amz-Expires=604801", kind: Incomplete, message: "X-Amz-Expires must be a number of seconds from 0 to 604800. Got '604801'."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.target == "" {
				c.target = "/"
			}
			if c.now.IsZero() {
				c.now = now
			}
			r := received("GET", c.target)
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			switch c.date {
			case "":
			case "-":
				r.Header.Del("X-Amz-Date")
			default:
				r.Header.Set("X-Amz-Date", c.date)
			}
			_, failure := suiteVerifier(t, c.now).Verify(r, nil, Scope{Region: "us-east-1", Service: "service"})
			if failure == nil {
				t.Fatal("accepted")
			}
			first, _, _ := strings.Cut(failure.Message, "\n")
			prefix, cut := strings.CutSuffix(c.message, "…")
			if failure.Kind != c.kind || first != c.message && !(cut && strings.HasPrefix(first, prefix)) {
				t.Errorf("got  %d %s\nwant %d %s", failure.Kind, failure.Message, c.kind, c.message)
			}
		})
	}
}

func TestAMismatchTellsWhatToSign(t *testing.T) {
	r := received("GET", "/a?b=c")
	r.Header.Set("Authorization", algorithm+" Credential="+suiteScope+",SignedHeaders=host;x-amz-date,Signature=00")
	_, failure := suiteVerifier(t, suiteTime(t)).Verify(r, nil, Scope{})
	if failure == nil {
		t.Fatal("accepted")
	}
	want := "\n\nThe Canonical String for this request should have been\n'GET\n/a\nb=c\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
	if !strings.Contains(failure.Message, want) {
		t.Errorf("got %s\nwant in it %s", failure.Message, want)
	}
}

func TestTheDateHeaderWillDo(t *testing.T) {
	now := suiteTime(t)
	r := received("GET", "/")
	r.Header.Del("X-Amz-Date")
	r.Header.Set("Date", now.Format(http.TimeFormat))
	s := &signature{headers: "date;host", day: "20150830", region: "us-east-1", service: "service", date: suiteDate}
	toSign, _ := s.stringToSign(r, "/", hashOf(nil))
	key := derive(keyID{suiteKey, "20150830", "us-east-1", "service"}, suiteSecret)
	r.Header.Set("Authorization", algorithm+" Credential="+suiteScope+" SignedHeaders=Date;Host Signature="+hex.EncodeToString(sign(key[:], toSign)))
	if _, failure := suiteVerifier(t, now).Verify(r, nil, Scope{}); failure != nil {
		t.Errorf("refused: %s", failure.Message)
	}
}

func TestAClaimedHashMustBeTheBodys(t *testing.T) {
	now := suiteTime(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", hashOf([]byte("mine")))
	creds := aws.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hashOf([]byte("mine")), "s", "r", now); err != nil {
		t.Fatal(err)
	}
	v := suiteVerifier(t, now)
	if _, failure := v.Verify(r, []byte("mine"), Scope{}); failure != nil {
		t.Errorf("refused: %s", failure.Message)
	}
	if _, failure := v.Verify(r, []byte("theirs"), Scope{}); failure == nil || !strings.HasPrefix(failure.Message, "The value of the header x-amz-content-sha256") {
		t.Errorf("another body behind a signed hash: %+v, want WrongSignature", failure)
	}
}

func TestAbsoluteTargets(t *testing.T) {
	for target, want := range map[string]string{
		"/a?b": "/a", "http://host/a/b?c": "/a/b", "http://host": "/", "http://host?c": "/", "": "/", "*": "*", "/http://x": "/http://x",
	} {
		if got := requestPath(&http.Request{RequestURI: target, URL: &url.URL{}}); got != want {
			t.Errorf("requestPath(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestCleanPaths(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "/a/b": "/a/b", "/a/": "/a/", "/../": "/", "/a/..": "/", "/a/../": "/", "//": "/", "/a//b/./c/../d/": "/a/b/d/", "/..a/.b": "/..a/.b",
	} {
		if got := cleanPath(path); got != want {
			t.Errorf("cleanPath(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestAMismatchOfMuchIsToldShortly(t *testing.T) {
	r := received("GET", "/"+strings.Repeat("x", 9<<10))
	r.Header.Set("Authorization", algorithm+" Credential="+suiteScope+",SignedHeaders=host,Signature=00")
	_, failure := suiteVerifier(t, suiteTime(t)).Verify(r, nil, Scope{})
	if failure == nil || len(failure.Message) > 1000 {
		t.Errorf("got %+v", failure)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		style  Style
		status int
		code   string
	}{
		{MissingToken, JSON, 400, "MissingAuthenticationTokenException"},
		{MissingToken, REST, 403, "MissingAuthenticationTokenException"},
		{MissingToken, Query, 403, "MissingAuthenticationToken"},
		{Incomplete, JSON, 400, "IncompleteSignatureException"},
		{Incomplete, REST, 403, "IncompleteSignatureException"},
		{Incomplete, Query, 400, "IncompleteSignature"},
		{UnknownKey, JSON, 400, "UnrecognizedClientException"},
		{UnknownKey, REST, 403, "UnrecognizedClientException"},
		{UnknownKey, Query, 403, "InvalidClientTokenId"},
		{Expired, JSON, 400, "InvalidSignatureException"},
		{NotYetValid, REST, 403, "InvalidSignatureException"},
		{WrongScope, Query, 403, "SignatureDoesNotMatch"},
		{WrongSignature, Query, 403, "SignatureDoesNotMatch"},
	} {
		f := &Failure{Kind: c.kind, Message: "m"}
		status, code, message := f.Answer(c.style)
		if status != c.status || code != c.code {
			t.Errorf("kind %d, style %d: %d %s, want %d %s", c.kind, c.style, status, code, c.status, c.code)
		}
		if want := "Request is missing Authentication Token"; (message == want) != (c.kind == MissingToken && c.style == Query) {
			t.Errorf("kind %d, style %d: message %q", c.kind, c.style, message)
		}
	}
}

func TestKeysAreKeptButNotForEver(t *testing.T) {
	var c keyCache
	id := keyID{"key", "20150830", "region", "service"}
	first := c.get(id, "old")
	if got := c.get(id, "old"); got != first {
		t.Error("one secret, two keys")
	}
	if got := c.get(id, "new"); got == first || got != derive(id, "new") {
		t.Error("a changed secret still has the old key")
	}
	for range 3 * maxKeys {
		id.region += "x"
		id.region = id.region[max(0, len(id.region)-3000):]
		c.get(id, "new")
	}
	if len(c.keys) > maxKeys {
		t.Errorf("%d keys kept, want at most %d", len(c.keys), maxKeys)
	}
}

func TestNewWantsKeysAndAClock(t *testing.T) {
	keys := func(string) (string, string, bool) { return "", "", false }
	for _, o := range []Options{{}, {Keys: keys}, {Now: time.Now}, {Keys: keys, Now: time.Now, Skew: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v): no error", o)
		}
	}
}

func FuzzVerify(f *testing.F) {
	good := algorithm + " Credential=" + suiteScope + ", SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	f.Add(good, suiteDate, "/", "", []byte(nil))
	f.Add("AWS4-HMAC-SHA256 Credential=,,SignedHeaders=;; ,Signature==", "20150830T123600Z", "//../%zz", "a=%&&=b", []byte("x"))
	f.Add("", "", "/", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Signature=0&X-Amz-SignedHeaders=host&X-Amz-Date=20150830T123600Z&X-Amz-Expires=9", []byte(nil))
	f.Add(strings.Replace(good, "20150830/", "99999999/", 1), "99991231T235959Z", "/", "", []byte(nil))
	f.Add("Bearer \xff=\x00", "Sun, 30 Aug 2015 12:36:00 GMT", "*", "", []byte(nil))
	f.Fuzz(func(t *testing.T, authorization, date, path, query string, body []byte) {
		v := suiteVerifier(t, suiteTime(t))
		r := received("GET", path)
		r.URL.RawQuery = query
		r.Header.Set("X-Amz-Date", date)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		_, failure := v.Verify(r, body, Scope{Region: "us-east-1", Service: "service"})
		if failure == nil {
			if !strings.Contains(authorization, "5fa00fa3") || len(body) > 0 {
				t.Errorf("accepted: %q %q %q %q %q", authorization, date, path, query, body)
			}
			return
		}
		for _, style := range []Style{JSON, REST, Query} {
			if status, code, message := failure.Answer(style); status != 400 && status != 403 || code == "" || message == "" || len(message) > 16<<10 {
				t.Errorf("%d %s %.100s (%d bytes)", status, code, message, len(message))
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	now := suiteTime(b)
	body := bytes.Repeat([]byte("x"), 1<<10)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1:4566/endpoints/iris/invocations", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "*/*", "Amz-Sdk-Request": "attempt=1; max=3", "Amz-Sdk-Invocation-Id": "b0a4ff2e-3d9a-4a0b-9f7e-6f0f2f0f2f0f"} {
		r.Header.Set(name, value)
	}
	creds := aws.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret}
	if err := v4.NewSigner().SignHTTP(b.Context(), creds, r, hashOf(body), "sagemaker", "us-east-1", now); err != nil {
		b.Fatal(err)
	}
	r = sent(b, r, body)
	v := suiteVerifier(b, now)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, failure := v.Verify(r, body, Scope{Service: "sagemaker"}); failure != nil {
			b.Fatal(failure.Message)
		}
	}
}
