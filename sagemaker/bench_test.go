package sagemaker

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"plimsoll/httptarget"
	"plimsoll/loadgen"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
)

// cannedTransport answers without a connection, for the SDK's client.
type cannedTransport struct{}

func (cannedTransport) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"X-Amzn-Requestid": {"1"}}, Body: io.NopCloser(bytes.NewReader([]byte("0.97"))), ContentLength: 4, Request: r}, nil
}

// BenchmarkInvoke is the client's part of one request without the network: without
// a signature, with one, and by the SDK's client (without its HTTP).
func BenchmarkInvoke(b *testing.B) {
	body := make([]byte, 1000)
	do := func(b *testing.B, target loadgen.Target, req loadgen.Request) {
		b.Helper()
		session, err := target.Open(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer session.Close()
		b.ReportAllocs()
		for b.Loop() {
			if out := session.Do(req); out.Class != loadgen.OK {
				b.Fatalf("Do: %v (%s)", out.Class, out.Detail)
			}
		}
	}
	options := httptarget.Options{Bodies: []httptarget.Body{{Content: body}}, DialContext: dialCanned}
	b.Run("unsigned", func(b *testing.B) {
		o := options
		o.URL = "http://127.0.0.1:1/endpoints/e/invocations"
		target, err := httptarget.New(o)
		if err != nil {
			b.Fatal(err)
		}
		do(b, target, loadgen.Request{})
	})
	for name, req := range map[string]loadgen.Request{"signed": {}, "signed, rendered body": {Content: body}} {
		b.Run(name, func(b *testing.B) {
			sealed(b, "AWS_ENDPOINT_URL=http://127.0.0.1:1")
			target, err := New(b.Context(), Options{Endpoint: "e", HTTP: options})
			if err != nil {
				b.Fatal(err)
			}
			defer target.Close()
			if err := target.Authenticate(b.Context()); err != nil {
				b.Fatal(err)
			}
			do(b, target, req)
		})
	}
	b.Run("SDK", func(b *testing.B) {
		c := testCredentials(false)
		client := sagemakerruntime.New(sagemakerruntime.Options{
			Region: "us-east-1", Retryer: aws.NopRetryer{}, HTTPClient: cannedTransport{},
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil }),
		})
		name := "e"
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.InvokeEndpoint(b.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: &name, Body: body}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
