package emulator_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// nowhere is a response writer without a network.
type nowhere struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(status int)      { w.status = status }
func (w *nowhere) Write(b []byte) (int, error) { return w.body.Write(b) }

// hot is an emulator whose endpoint takes no time, and a signed request to it that can
// be served again and again.
type hot struct {
	emulator *emulator.Emulator
	writer   nowhere
	request  *http.Request
	payload  *bytes.Reader
}

func newHot(tb testing.TB, noAuth bool) *hot {
	tb.Helper()
	e, err := emulator.New(emulator.Options{
		Endpoints: []emulator.Endpoint{{Name: "iris"}}, Model: fleet.Model{Service: time.Microsecond, Workers: 64, Queue: fleet.Unbounded},
		Speed: 1, NoAuth: noAuth,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	payload := []byte("5.1,3.5,1.4,0.2\n")
	h := &hot{emulator: e, writer: nowhere{header: http.Header{}}, payload: bytes.NewReader(payload)}
	h.request = &http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: "localhost", Path: "/endpoints/iris/invocations"}, Host: "localhost",
		RequestURI: "/endpoints/iris/invocations", ContentLength: int64(len(payload)),
		Header: http.Header{"Content-Type": {"text/csv"}, "Accept": {"text/csv"}},
	}
	sum := sha256.Sum256(payload)
	creds := aws.Credentials{AccessKeyID: emulator.DefaultAccessKey, SecretAccessKey: emulator.DefaultSecretKey}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, h.request, hex.EncodeToString(sum[:]), "sagemaker", emulator.DefaultRegion, time.Now()); err != nil {
		tb.Fatal(err)
	}
	h.request.Header.Set("Content-Length", strconv.Itoa(len(payload))) // which the SDK signs and net/http keeps
	return h
}

func (h *hot) serve() {
	_, _ = h.payload.Seek(0, io.SeekStart)
	clear(h.writer.header)
	h.writer.body.Reset()
	h.request.Body, h.request.ContentLength = io.NopCloser(h.payload), h.payload.Size()
	h.emulator.ServeHTTP(&h.writer, h.request)
}

func BenchmarkServeHTTP(b *testing.B) {
	for _, how := range []struct {
		name   string
		noAuth bool
	}{{"auth off", true}, {"auth on", false}} {
		b.Run(how.name, func(b *testing.B) {
			h := newHot(b, how.noAuth)
			b.ReportAllocs()
			for b.Loop() {
				h.serve()
			}
			if got := h.writer.body.String(); got != "0\n" {
				b.Fatalf("answer = %d %q, want a prediction", h.writer.status, got)
			}
		})
	}
}
