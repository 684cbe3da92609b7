package hosting

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/modeltime"
	"plimsoll/fleet"
	"plimsoll/scaling"
)

// instant is a hosting whose endpoint iris takes no time, in real time.
func instant(tb testing.TB) *Hosting {
	tb.Helper()
	clock, err := modeltime.New(start, 0)
	if err != nil {
		tb.Fatal(err)
	}
	faults, err := fault.NewSet(fault.Faults{}, 1)
	if err != nil {
		tb.Fatal(err)
	}
	backend, err := Modelled(ModelOptions{
		Clock: clock, Model: fleet.Model{Service: time.Microsecond, Workers: 64, Queue: fleet.Unbounded},
	})
	if err != nil {
		tb.Fatal(err)
	}
	h, err := New(Options{
		Clock: clock, Faults: faults, Backend: backend, Assumptions: scaling.DefaultAssumptions(), Delay: func(uint64) time.Duration { return 0 },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = h.Close() })
	one := 1
	if _, err := h.createModel(tb.Context(), &createModelInput{ModelName: "m", PrimaryContainer: &containerDefinition{Image: "i"}}); err != nil {
		tb.Fatal(err)
	}
	variants := []productionVariant{{VariantName: "main", ModelName: "m", InitialInstanceCount: &one, InstanceType: "ml.m5.xlarge"}}
	if _, err := h.createEndpointConfig(tb.Context(), &createEndpointConfigInput{EndpointConfigName: "c", ProductionVariants: variants}); err != nil {
		tb.Fatal(err)
	}
	if _, err := h.createEndpoint(tb.Context(), &createEndpointInput{EndpointName: "iris", EndpointConfigName: "c"}); err != nil {
		tb.Fatal(err)
	}
	h.Tick(clock.Now())
	return h
}

// nowhere is a response writer without a network.
type nowhere struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(status int)      { w.status = status }
func (w *nowhere) Write(b []byte) (int, error) { return w.body.Write(b) }

// repeated is a request body that can be read again and again.
type repeated struct{ *bytes.Reader }

func (repeated) Close() error { return nil }

func invocationOf(payload []byte) (*http.Request, repeated) {
	body := repeated{bytes.NewReader(payload)}
	return &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/endpoints/iris/invocations"}, Body: body, ContentLength: int64(len(payload)),
		Header: http.Header{"Content-Type": {"text/csv"}, "Accept": {"text/csv"}},
	}, body
}

func BenchmarkInvoke(b *testing.B) {
	h := instant(b)
	r, body := invocationOf([]byte("5.1,3.5,1.4,0.2\n"))
	w := &nowhere{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = body.Seek(0, io.SeekStart)
		clear(w.header)
		w.body.Reset()
		h.ServeHTTP(w, r)
	}
	if w.body.String() != prediction {
		b.Fatalf("answer = %d %q, want a prediction", w.status, w.body.String())
	}
}

// TestInvokeAllocates keeps the hot path lean: the request id, the state of the
// invocation, which has the values of its headers, and little more.
func TestInvokeAllocates(t *testing.T) {
	h := instant(t)
	r, body := invocationOf([]byte("5.1,3.5,1.4,0.2\n"))
	w := &nowhere{header: http.Header{}}
	const limit = 4
	if got := testing.AllocsPerRun(1000, func() {
		_, _ = body.Seek(0, io.SeekStart)
		w.body.Reset()
		h.ServeHTTP(w, r)
	}); got > limit {
		t.Errorf("an invocation allocates %v times, want at most %d", got, limit)
	}
}
