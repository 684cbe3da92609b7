package hosting

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/metric"
	"plimsoll/emulator/internal/modeltime"
	"plimsoll/emulator/internal/wire"
	"plimsoll/fleet"
	"plimsoll/internal/memnet"
	"plimsoll/scaling"
)

// start is when the model time of every test begins.
var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	service = 40 * time.Millisecond
	delay   = 90 * time.Second
	role    = "arn:aws:iam::000000000000:role/hosting"
)

// world is a hosting behind an HTTP server on an in-memory network, with a clock at
// speed 1.
type world struct {
	*testing.T
	clock  *modeltime.Clock
	faults *fault.Set
	h      *Hosting
	client *http.Client

	mu   sync.Mutex
	data []metric.Datum
	gone []string
}

// setting changes the options of a world.
type setting func(*Options)

// model is the instances' model of a world.
func withModel(m fleet.Model) setting {
	return func(o *Options) {
		backend, err := Modelled(ModelOptions{Model: m, Clock: o.Clock})
		if err != nil {
			panic(err)
		}
		o.Backend = backend
	}
}

// options are those of most tests: one worker of 40 ms, 90 s until an instance serves.
func options(t *testing.T, clock *modeltime.Clock) Options {
	t.Helper()
	faults, err := fault.NewSet(fault.Faults{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Clock: clock, Faults: faults, Assumptions: scaling.DefaultAssumptions(),
		Delay: func(uint64) time.Duration { return delay },
	}
	withModel(fleet.Model{Service: service, Workers: 1, Queue: fleet.Unbounded})(&o)
	return o
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, test func(*world), settings ...setting) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		clock, err := modeltime.New(start, 1)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, clock: clock}
		o := options(t, clock)
		o.Publish = func(d metric.Datum) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.data = append(w.data, d)
		}
		o.Deleted = func(id string) { w.gone = append(w.gone, id) }
		for _, s := range settings {
			s(&o)
		}
		w.faults = o.Faults
		if w.h, err = New(o); err != nil {
			t.Fatal(err)
		}
		control, err := wire.NewServer(wire.ServerOptions{}, w.h.Wire())
		if err != nil {
			t.Fatal(err)
		}
		dial, stop := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if _, _, ok := Path(r.URL.Path); ok {
				w.h.ServeHTTP(rw, r)
				return
			}
			control.ServeHTTP(rw, r)
		}))
		transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 100}
		w.client = &http.Client{Transport: transport}
		defer stop()
		defer func() {
			if err := w.h.Close(); err != nil {
				t.Errorf("Close() = %v", err)
			}
		}()
		defer transport.CloseIdleConnections()
		test(w)
	})
}

// serve serves a handler in the bubble until stop is called.
func serve(t *testing.T, handler http.Handler) (dial Dial, stop func()) {
	t.Helper()
	listener := memnet.Listen()
	server := &http.Server{Handler: handler}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	return listener.DialContext, func() {
		_ = server.Close()
		running.Wait()
		time.Sleep(time.Second) // net/http lingers on a connection whose body it did not read
	}
}

// run lets model time pass, with a tick for each second.
func (w *world) run(d time.Duration) {
	for range d / time.Second {
		now := w.clock.Now()
		next := now.Truncate(time.Second).Add(time.Second)
		time.Sleep(next.Sub(now))
		w.h.Tick(next)
	}
}

// tick is one second.
func (w *world) tick() { w.run(time.Second) }

// object is a JSON object.
type object = map[string]any

// control sends one control operation.
func (w *world) control(operation, input string) (status int, out object) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://sagemaker/", strings.NewReader(input))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "SageMaker."+operation)
	response, err := w.client.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		w.Fatalf("%s: answer is not JSON: %v", operation, err)
	}
	return response.StatusCode, out
}

// must sends a control operation that is to succeed.
func (w *world) must(operation, input string) object {
	w.Helper()
	status, out := w.control(operation, input)
	if status != http.StatusOK {
		w.Fatalf("%s %s = %d %v, want 200", operation, input, status, out)
	}
	return out
}

// refused sends a control operation that is to fail.
func (w *world) refused(operation, input, code, message string) {
	w.Helper()
	status, out := w.control(operation, input)
	if status != http.StatusBadRequest || out["__type"] != code || out["message"] != message {
		w.Errorf("%s %s = %d %v: %v,\nwant 400 %s: %s", operation, input, status, out["__type"], out["message"], code, message)
	}
}

// describe is an endpoint's description.
func (w *world) describe(name string) object {
	w.Helper()
	return w.must("DescribeEndpoint", `{"EndpointName":"`+name+`"}`)
}

// status is an endpoint's.
func (w *world) status(name string) string {
	w.Helper()
	s, _ := w.describe(name)["EndpointStatus"].(string)
	return s
}

// counts are the current and desired instance counts of the variant "main".
func (w *world) counts(endpoint string) [2]float64 {
	w.Helper()
	v := w.variant(endpoint, "main")
	current, _ := v["CurrentInstanceCount"].(float64)
	desired, _ := v["DesiredInstanceCount"].(float64)
	return [2]float64{current, desired}
}

func (w *world) variant(endpoint, name string) object {
	w.Helper()
	variants, _ := w.describe(endpoint)["ProductionVariants"].([]any)
	for _, v := range variants {
		if v, ok := v.(object); ok && v["VariantName"] == name {
			return v
		}
	}
	w.Fatalf("endpoint %s has no variant %s: %v", endpoint, name, variants)
	return nil
}

func (w *world) wantCounts(endpoint string, current, desired float64) {
	w.Helper()
	if got, want := w.counts(endpoint), [2]float64{current, desired}; got != want {
		w.Errorf("%s has %v instances, current and desired; want %v", endpoint, got, want)
	}
}

func (w *world) wantStatus(endpoint, want string) {
	w.Helper()
	if got := w.status(endpoint); got != want {
		w.Errorf("endpoint %s is %s at %s, want %s", endpoint, got, w.clock.Now().Sub(start), want)
	}
}

// deploy makes an endpoint with one variant "main" and waits until it is in service.
func (w *world) deploy(name string, count int) {
	w.Helper()
	w.must("CreateModel", `{"ModelName":"m-`+name+`","PrimaryContainer":{"Image":"iris:1"},"ExecutionRoleArn":"`+role+`"}`)
	variant := object{"VariantName": "main", "ModelName": "m-" + name, "InitialInstanceCount": count, "InstanceType": "ml.m5.xlarge"}
	w.configure("c-"+name, variant)
	w.must("CreateEndpoint", `{"EndpointName":"`+name+`","EndpointConfigName":"c-`+name+`"}`)
	w.run(delay + time.Second)
	w.wantStatus(name, "InService")
}

// configure makes an endpoint configuration.
func (w *world) configure(name string, variants ...object) {
	w.Helper()
	text, err := json.Marshal(object{"EndpointConfigName": name, "ProductionVariants": variants})
	if err != nil {
		w.Fatal(err)
	}
	w.must("CreateEndpointConfig", string(text))
}

// scale asks for a number of instances of the endpoint iris.
func (w *world) scale(n int) {
	w.Helper()
	text, err := json.Marshal(object{
		"EndpointName": "iris", "DesiredWeightsAndCapacities": []object{{"VariantName": "main", "DesiredInstanceCount": n}},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.must("UpdateEndpointWeightsAndCapacities", string(text))
}

// reply is what a client saw of one invocation.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration
	err    error
}

// invoke sends one invocation that must be answered; headers come in pairs.
func (w *world) invoke(endpoint, body string, headers ...string) reply {
	w.Helper()
	got := w.send(w.Context(), "/endpoints/"+endpoint+"/invocations", strings.NewReader(body), headers...)
	if got.err != nil {
		w.Errorf("invoking %s: %v", endpoint, got.err)
	}
	return got
}

func (w *world) send(ctx context.Context, path string, body io.Reader, headers ...string) reply {
	begun := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://runtime"+path, body)
	if err != nil {
		return reply{err: err}
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := w.client.Do(request)
	if err != nil {
		return reply{err: err}
	}
	text, err := io.ReadAll(response.Body)
	took := time.Since(begun)
	return reply{response.StatusCode, response.Header, string(text), took, errors.Join(err, response.Body.Close())}
}

// datum is the last that was published of a metric.
func (w *world) datum(name string) (metric.Datum, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range slices.Backward(w.data) {
		if d.Name == name {
			return d, true
		}
	}
	return metric.Datum{}, false
}

// forget drops what has been published.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.data = nil
}

// text is a value as JSON.
func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
