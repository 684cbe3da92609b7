package emulator_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"

	"plimsoll/emulator"
	"plimsoll/fleet"
)

// everyService asks each service for something that succeeds unless it is refused.
func (s *sdk) everyService() map[string]error {
	errs := map[string]error{}
	_, errs["SageMaker"] = s.sagemaker.DescribeEndpoint(s.Context(), &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)})
	_, errs["CloudWatch"] = s.cloudwatch.DescribeAlarms(s.Context(), &cloudwatch.DescribeAlarmsInput{})
	_, errs["Application Auto Scaling"] = s.scaling.DescribeScalableTargets(s.Context(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: astypes.ServiceNamespaceSagemaker})
	_, errs["SageMaker Runtime"] = s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String(sdkEndpoint), Body: []byte("{}")})
	return errs
}

// wantEverywhere asks for an error of all services; CloudWatch has its own names.
func (s *sdk) wantEverywhere(code, cloudWatch string) {
	s.Helper()
	for service, err := range s.everyService() {
		switch want := code; {
		case code == "":
			s.must(service, err)
		case service == "CloudWatch":
			s.wantCode(service, err, cloudWatch)
		default:
			s.wantCode(service, err, want)
		}
	}
}

// TestAuthBySDK has the SDK sign wrongly, and looks how it types the refusal.
func TestAuthBySDK(t *testing.T) {
	key := func(access, secret, token string) func(*aws.Config) {
		return func(c *aws.Config) { c.Credentials = credentials.NewStaticCredentialsProvider(access, secret, token) }
	}
	for _, tt := range []struct {
		name             string
		change           func(*aws.Config)
		faults           string
		code, cloudWatch string
	}{
		{name: "as it should be", change: func(*aws.Config) {}},
		{"unsigned", func(c *aws.Config) { c.Credentials = aws.AnonymousCredentials{} }, "{}", "MissingAuthenticationTokenException", "MissingAuthenticationToken"},
		{"unknown key", key("AKIDEXAMPLE", emulator.DefaultSecretKey, ""), "{}", "UnrecognizedClientException", "InvalidClientTokenId"},
		{"wrong secret", key(emulator.DefaultAccessKey, "guessed", ""), "{}", "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"session token of nobody", key(emulator.DefaultAccessKey, emulator.DefaultSecretKey, "token"), "{}", "UnrecognizedClientException", "InvalidClientTokenId"},
		{"wrong region", func(c *aws.Config) { c.Region = "eu-west-1" }, "{}", "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"signed too long ago", func(*aws.Config) {}, `{"clock_skew": "6m"}`, "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"signed in the future", func(*aws.Config) {}, `{"clock_skew": "-6m"}`, "InvalidSignatureException", "SignatureDoesNotMatch"},
		{name: "signed almost too long ago", change: func(*aws.Config) {}, faults: `{"clock_skew": "4m"}`},
		{"expired token", func(*aws.Config) {}, `{"expired_token": true}`, "ExpiredTokenException", "ExpiredToken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, byHand())
			if tt.faults != "" {
				w.faults(tt.faults)
			}
			newSDK(w, tt.change).wantEverywhere(tt.code, tt.cloudWatch)
		})
	}
}

// plain is a request of a protocol that succeeds when it is signed.
type plain struct {
	name, service, path, body string
	header                    [2]string
}

func protocols() []plain {
	return []plain{
		{"awsJson 1.1", "sagemaker", "/", `{"EndpointName":"sdk-endpoint"}`, [2]string{"X-Amz-Target", "SageMaker.DescribeEndpoint"}},
		{"awsJson 1.1 of Application Auto Scaling", "application-autoscaling", "/", `{"ServiceNamespace":"sagemaker"}`, [2]string{"X-Amz-Target", "AnyScaleFrontendService.DescribeScalableTargets"}},
		{"awsJson 1.0", "monitoring", "/", `{}`, [2]string{"X-Amz-Target", "GraniteServiceVersion20100801.DescribeAlarms"}},
		{"AWS Query", "monitoring", "/", `Action=DescribeAlarms&Version=2010-08-01`, [2]string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"CBOR", "monitoring", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", "\xa0", [2]string{"Smithy-Protocol", "rpc-v2-cbor"}},
		{"REST", "sagemaker", "/endpoints/sdk-endpoint/invocations", `{}`, [2]string{"Content-Type", "application/json"}},
		{"REST, streamed", "sagemaker", "/endpoints/sdk-endpoint/invocations-response-stream", `{}`, [2]string{"Content-Type", "application/json"}},
	}
}

func (p plain) request(t *testing.T, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://emulator"+p.path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(p.header[0], p.header[1])
	return r
}

// sign signs a request for a service with a signer that we did not write.
func sign(t *testing.T, r *http.Request, body []byte, service string) {
	t.Helper()
	sum := sha256.Sum256(body)
	pair := aws.Credentials{AccessKeyID: emulator.DefaultAccessKey, SecretAccessKey: emulator.DefaultSecretKey}
	err := v4.NewSigner().SignHTTP(t.Context(), pair, r, hex.EncodeToString(sum[:]), service, emulator.DefaultRegion, time.Now())
	if err != nil {
		t.Fatal(err)
	}
}

// TestAuthByProtocol changes signed requests of every protocol on the way.
func TestAuthByProtocol(t *testing.T) {
	ok := func(got answer) bool { return got.status == http.StatusOK }
	// The answer's code is in a header or in the body, by protocol, and there are two names.
	refused := func(codes ...string) func(answer) bool {
		return func(got answer) bool {
			text := got.header.Get("X-Amzn-Errortype") + got.body
			return got.status/100 == 4 && (strings.Contains(text, codes[0]) || strings.Contains(text, codes[1]))
		}
	}
	for _, p := range protocols() {
		body := []byte(p.body)
		for _, tt := range []struct {
			name string
			make func(t *testing.T) *http.Request
			want func(answer) bool
		}{
			{"signed", func(t *testing.T) *http.Request {
				r := p.request(t, bytes.NewReader(body))
				sign(t, r, body, p.service)
				return r
			}, ok},
			{"unsigned", func(t *testing.T) *http.Request { return p.request(t, bytes.NewReader(body)) }, refused("MissingAuthenticationTokenException", "MissingAuthenticationToken<")},
			{"body changed", func(t *testing.T) *http.Request {
				r := p.request(t, bytes.NewReader(body))
				sign(t, r, append([]byte(" "), body...), p.service)
				return r
			}, refused("InvalidSignatureException", "SignatureDoesNotMatch<")},
			{"header changed", func(t *testing.T) *http.Request {
				r := p.request(t, bytes.NewReader(body))
				r.Header.Set("X-Amz-Extra", "as signed")
				sign(t, r, body, p.service)
				r.Header.Set("X-Amz-Extra", "as sent")
				return r
			}, refused("InvalidSignatureException", "SignatureDoesNotMatch<")},
			{"for another service", func(t *testing.T) *http.Request {
				r := p.request(t, bytes.NewReader(body))
				sign(t, r, body, "s3")
				return r
			}, refused("InvalidSignatureException", "SignatureDoesNotMatch<")},
			{"half a signature", func(t *testing.T) *http.Request {
				r := p.request(t, bytes.NewReader(body))
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=plimsoll")
				return r
			}, refused("IncompleteSignatureException", "IncompleteSignature<")},
			{"gzipped and then signed", func(t *testing.T) *http.Request {
				small := compress(t, body)
				r := p.request(t, bytes.NewReader(small))
				r.Header.Set("Content-Encoding", "gzip")
				sign(t, r, small, p.service)
				return r
			}, ok},
			{"in chunks, without a length", func(t *testing.T) *http.Request {
				r := p.request(t, nil)
				sign(t, r, body, p.service)
				r.Body, r.ContentLength = io.NopCloser(iotest.OneByteReader(bytes.NewReader(body))), -1
				return r
			}, ok},
			{"broken off", func(t *testing.T) *http.Request {
				r := p.request(t, nil)
				sign(t, r, body, p.service)
				r.Body, r.ContentLength = io.NopCloser(io.MultiReader(bytes.NewReader(body[:1]), iotest.ErrReader(io.ErrUnexpectedEOF))), -1
				return r
			}, func(got answer) bool { return got.status == http.StatusBadRequest }},
		} {
			t.Run(p.name+"/"+tt.name, func(t *testing.T) {
				if got := newWorld(t, byHand()).send(tt.make(t)); !tt.want(got) {
					t.Errorf("answered %d %q %.300s", got.status, got.header.Get("X-Amzn-Errortype"), got.body)
				}
			})
		}
		t.Run(p.name+"/unsigned, with auth off", func(t *testing.T) {
			options := byHand()
			options.NoAuth = true
			for name, change := range map[string]func(*http.Request){
				"without a signature": func(*http.Request) {},
				"with a wrong one":    func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") },
			} {
				r := p.request(t, bytes.NewReader(body))
				change(r)
				if got := newWorld(t, options).send(r); !ok(got) {
					t.Errorf("%s: answered %d %.300s", name, got.status, got.body)
				}
			}
		})
	}
}

func compress(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(body)
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPresigned asks by a signature in the query.
func TestPresigned(t *testing.T) {
	w := newWorld(t, byHand())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://emulator/?Action=DescribeAlarms&Version=2010-08-01&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	pair := aws.Credentials{AccessKeyID: emulator.DefaultAccessKey, SecretAccessKey: emulator.DefaultSecretKey}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	url, _, err := v4.NewSigner().PresignHTTP(t.Context(), pair, r, empty, "monitoring", emulator.DefaultRegion, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(url, "http://emulator")
	if got := w.ask(http.MethodGet, path, ""); got.status != http.StatusOK {
		t.Errorf("a presigned request = %d %.300s, want 200", got.status, got.body)
	}
	if got := w.ask(http.MethodGet, path+"&MaxRecords=1", ""); got.status != http.StatusForbidden {
		t.Errorf("a presigned request with one more parameter = %d %.300s, want 403", got.status, got.body)
	}
}

// TestOversized refuses what is too long, signed or not, and passes nothing of it on that
// is not signed.
func TestOversized(t *testing.T) {
	var passed atomic.Int64
	container := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed.Add(1) }))
	defer container.Close()
	options := byHand()
	options.Model, options.URL, options.MaxBody = fleet.Model{}, container.URL, 1000
	for _, noAuth := range []bool{false, true} {
		options.NoAuth = noAuth
		w := newWorld(t, options)
		for _, p := range protocols() {
			length, code := 4<<20+1, "RequestEntityTooLargeException"
			if strings.HasPrefix(p.name, "REST") {
				length, code = 1001, "HTTP content length exceeded 1000 bytes."
			}
			for _, known := range []bool{true, false} {
				r := p.request(t, strings.NewReader(strings.Repeat(" ", length)))
				if !known {
					r.ContentLength = -1
				}
				got := w.send(r)
				if got.status != http.StatusRequestEntityTooLarge || !strings.Contains(got.header.Get("X-Amzn-Errortype")+got.body, code) {
					t.Errorf("%s, length known %v, auth off %v: %d %.300s, want 413 %s", p.name, known, noAuth, got.status, got.body, code)
				}
			}
		}
		if n := passed.Load(); n != 0 && !noAuth {
			t.Errorf("%d requests that were too long and not signed reached the container", n)
		}
	}
}
