package hosting

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/fleet"
)

// wantRefusal checks the shape of a refusal: status, error type and body.
func wantRefusal(t *testing.T, what string, got reply, status int, kind, body string) {
	t.Helper()
	if got.status != status || got.header.Get("x-amzn-ErrorType") != kind || got.body != body {
		t.Errorf("%s = %d %q %s,\nwant %d %q %s", what, got.status, got.header.Get("x-amzn-ErrorType"), got.body, status, kind, body)
	}
	if got.header.Get("x-amzn-RequestId") == "" {
		t.Errorf("%s has no request id", what)
	}
}

func TestInvokeEndpoint(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		got := w.invoke("iris", "5.1,3.5\n", "Accept", "text/csv", "Content-Type", "text/csv")
		if got.status != http.StatusOK || got.took != service || got.body != "0\n" {
			w.Errorf("answer = %d %q after %v, want 200, a prediction, after %v", got.status, got.body, got.took, service)
		}
		for name, want := range map[string]string{"x-Amzn-Invoked-Production-Variant": "main", "Content-Type": "text/csv"} {
			if got := got.header.Get(name); got != want {
				w.Errorf("header %s = %q, want %q", name, got, want)
			}
		}
		if id := got.header.Get("x-amzn-RequestId"); !matches(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`, id) {
			w.Errorf("request id = %q, want a UUID", id)
		}
		if got := w.send(w.Context(), "/some/prefix/endpoints/iris/invocations", strings.NewReader("")); got.status != http.StatusOK {
			w.Errorf("below a prefix = %d, want 200", got.status)
		}
	})
}

func TestInvocationRefusals(t *testing.T) {
	long := strings.Repeat("a", longestHeader+1)
	tests := []struct {
		name, endpoint string
		headers        []string
		message        string
	}{
		{"unknown endpoint", "nobody", nil, "Endpoint nobody of account 000000000000 not found."},
		{"unknown variant", "iris", []string{"Target-Variant", "x"}, "Variant x of endpoint iris of account 000000000000 not found."},
		{
			"component of an endpoint without", "iris",
			[]string{"Inference-Component", "x"},
			"Inference Component Name header is not allowed for endpoints to which you dont plan to deploy inference components. " +
				"Please remove the Inference Component Name header and try again.",
		},
		{"model of a single-model endpoint", "iris", []string{"Target-Model", "x"}, "Target-Model is for multi-model endpoints: the model of variant main does not have the mode MultiModel."},
		{
			"long attributes", "iris",
			[]string{"Custom-Attributes", long},
			"1 validation error detected: Value '" + long + "' at 'customAttributes' failed to satisfy constraint: Member must have length less than or equal to 1024",
		},
		{
			"attributes beyond ASCII", "iris",
			[]string{"Custom-Attributes", "é"},
			"1 validation error detected: Value 'é' at 'customAttributes' failed to satisfy constraint: Member must satisfy regular expression pattern: [[:ascii:]]*",
		},
		{
			"bad session", "iris",
			[]string{"Session-Id", "a_b"},
			"1 validation error detected: Value 'a_b' at 'sessionId' failed to satisfy constraint: Member must satisfy regular expression pattern: NEW_SESSION|[a-zA-Z0-9](-*[a-zA-Z0-9])*",
		},
		{"container", "iris", []string{"Target-Container-Hostname", "x"}, "X-Amzn-SageMaker-Target-Container-Hostname: the emulator does not serve it; leave it out."},
	}
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		for _, tt := range tests {
			headers := tt.headers
			if len(headers) > 0 {
				headers = []string{"X-Amzn-SageMaker-" + headers[0], headers[1]}
			}
			got := w.invoke(tt.endpoint, "", headers...)
			wantRefusal(w.T, tt.name, got, http.StatusBadRequest, "ValidationError", text(w.T, object{"Message": tt.message}))
		}
		if got := w.send(w.Context(), "/endpoints/iris/async-invocations", strings.NewReader("")); got.status != http.StatusNotFound ||
			got.header.Get("x-amzn-ErrorType") != "UnknownOperationException" {
			w.Errorf("InvokeEndpointAsync = %d %s, want 404 UnknownOperationException", got.status, got.header.Get("x-amzn-ErrorType"))
		}
	})
}

func TestFullQueue(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		var sending sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 5 {
			sending.Go(func() {
				got := w.invoke("iris", "")
				mu.Lock()
				defer mu.Unlock()
				statuses[got.status]++
				if got.status == http.StatusServiceUnavailable {
					wantRefusal(w.T, "a full queue", got, 503, "ServiceUnavailable", `{"Message":"The endpoint has no capacity for the request: its queue is full."}`)
				}
			})
		}
		sending.Wait()
		if statuses[200] != 2 || statuses[503] != 3 {
			w.Errorf("5 at once at one worker and one waiting place = %v, want 2 × 200 and 3 × 503", statuses)
		}
	}, withModel(fleet.Model{Service: service, Workers: 1, Queue: 1}))
}

func TestModelTimeout(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		got := w.invoke("iris", "")
		if got.took != DefaultTimeout {
			w.Errorf("a model of two minutes is answered for after %v, want %v", got.took, DefaultTimeout)
		}
		wantRefusal(w.T, "timeout", got, 424, "ModelError", modelErrorText(w.T, "INTERNAL_FAILURE_FROM_MODEL", "server", 0, timedOut))
	}, withModel(fleet.Model{Service: 2 * time.Minute, Workers: 1, Queue: fleet.Unbounded}))
}

// modelErrorText is the body of a ModelError of the endpoint iris.
func modelErrorText(t *testing.T, code, side string, status int, message string) string {
	t.Helper()
	group := "/aws/sagemaker/Endpoints/iris"
	return text(t, &modelError{
		ErrorCode: code, LogStreamArn: "arn:aws:logs:us-east-1:000000000000:log-group:" + group, OriginalMessage: message, OriginalStatusCode: status,
		Message: "Received " + side + " error (" + text(t, status) + `) from primary with message "` + message +
			`". See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logEventViewer:group=` + group +
			" in account 000000000000 for more information.",
	})
}

func TestPayloadLimit(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		if got := w.invoke("iris", "0123456789"); got.status != http.StatusOK {
			w.Errorf("10 bytes of 10 = %d, want 200", got.status)
		}
		wantRefusal(w.T, "11 bytes of 10", w.invoke("iris", "0123456789a"), 413, "", `{"message":"HTTP content length exceeded 10 bytes."}`)
		got := w.send(w.Context(), "/endpoints/iris/invocations", io.MultiReader(strings.NewReader("0123456789"), strings.NewReader("a")))
		wantRefusal(w.T, "11 bytes of 10, in chunks", got, 413, "", `{"message":"HTTP content length exceeded 10 bytes."}`)
	}, func(o *Options) { o.MaxBody = 10 })
}

func TestFaults(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.store(fault.Faults{ServerErrorShare: 1})
		wantRefusal(w.T, "server error", w.invoke("iris", ""), 500, "InternalFailure", `{"Message":"The request failed because of an internal error."}`)
		w.store(fault.Faults{ModelErrorShare: 1})
		wantRefusal(w.T, "model error", w.invoke("iris", ""), 424, "ModelError",
			modelErrorText(w.T, "INTERNAL_FAILURE_FROM_MODEL", "server", 500, "Internal Server Error"))
		w.store(fault.Faults{ResetShare: 1})
		if got := w.send(w.Context(), "/endpoints/iris/invocations", strings.NewReader("x")); got.err == nil {
			w.Errorf("reset = %d, want no answer", got.status)
		}
		w.store(fault.Faults{HangShare: 1})
		if got := w.invoke("iris", ""); got.status != http.StatusFailedDependency || got.took != DefaultTimeout {
			w.Errorf("hang = %d after %v, want 424 after %v", got.status, got.took, DefaultTimeout)
		}
	})
}

func TestThrottle(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		w.store(fault.Faults{ThrottlePerSecond: 5})
		for round := range 2 {
			throttled := 0
			for range 12 {
				if got := w.invoke("iris", ""); got.status != http.StatusOK {
					throttled++
					wantRefusal(w.T, "throttle", got, 400, "ThrottlingException", `{"message":null}`)
				}
			}
			if throttled != 6 {
				w.Errorf("round %d: %d of 12 in a row throttled at 5/s, want 6: five at once and one 200 ms later", round, throttled)
			}
			time.Sleep(time.Second)
		}
	})
}

// TestClientLeaves cancels a request in service: the worker stays busy with it, as a
// model server does, and nobody counts it in flight.
func TestClientLeaves(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		ctx, cancel := context.WithTimeout(w.Context(), service/2)
		defer cancel()
		if got := w.send(ctx, "/endpoints/iris/invocations", strings.NewReader("")); got.err == nil {
			w.Errorf("canceled request = %d, want an error", got.status)
		}
		time.Sleep(time.Millisecond)
		if n := w.unit("iris", 0).inFlight.Load(); n != 0 {
			w.Errorf("%d in flight after the client left, want 0", n)
		}
		if got := w.invoke("iris", ""); got.took <= service {
			w.Errorf("the next request took %v, want more than %v: the worker is busy", got.took, service)
		}
	})
}

// unit is the k-th in service of a variant.
func (w *world) unit(endpoint string, k int) *unit {
	w.Helper()
	r := (*w.h.table.Load())[endpoint]
	if r == nil || len(r.variants[0].units) <= k {
		w.Fatalf("endpoint %s has no instance %d in service", endpoint, k)
	}
	return r.variants[0].units[k]
}

func TestSessions(t *testing.T) {
	const header = "X-Amzn-SageMaker-Session-Id"
	bubble(t, func(w *world) {
		w.deploy("iris", 4)
		got := w.invoke("iris", `{"requestType":"NEW_SESSION"}`, header, "NEW_SESSION")
		id, expires := parseSession(got.header.Get("X-Amzn-SageMaker-New-Session-Id"))
		if want := w.clock.Now().Add(DefaultSessionLife); id == "" || expires.Sub(want).Abs() > time.Second {
			w.Fatalf("New-Session-Id = %q, want an id that expires at %v", got.header.Get("X-Amzn-SageMaker-New-Session-Id"), want)
		}
		bound := w.h.endpoints["iris"].front.bound(id)
		for range 20 {
			if got := w.invoke("iris", "", header, id); got.status != http.StatusOK {
				w.Fatalf("request in the session = %d %s, want 200", got.status, got.body)
			}
		}
		if peak := bound.takePeak(); peak != 1 {
			w.Errorf("the session's instance saw %d at once, want 1", peak)
		}
		for k := range 4 {
			if u := w.unit("iris", k); u != bound && u.takePeak() != 0 {
				w.Errorf("instance %d saw a request of another's session", k)
			}
		}
		closed := w.invoke("iris", `{"requestType":"CLOSE"}`, header, id)
		if got := closed.header.Get("X-Amzn-SageMaker-Closed-Session-Id"); got != id {
			w.Errorf("Closed-Session-Id = %q, want %q", got, id)
		}
		for range 20 { // at whichever instance
			wantRefusal(w.T, "a closed session", w.invoke("iris", "", header, id), 424, "ModelError",
				modelErrorText(w.T, "CLIENT_ERROR_FROM_MODEL", "client", 400, "Bad request: session not found: "+id))
		}
		got = w.send(w.Context(), "/endpoints/iris/invocations-response-stream", strings.NewReader(""), header, "NEW_SESSION")
		if got.status != http.StatusBadRequest {
			w.Errorf("a new session by a stream = %d, want 400", got.status)
		}
	})
}

// TestSessionsEnd has the sessions of an instance go with it, and others when they expire.
func TestSessionsEnd(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 2)
		for range 10 {
			w.invoke("iris", "", "X-Amzn-SageMaker-Session-Id", "NEW_SESSION")
		}
		f := w.h.endpoints["iris"].front
		kept := 0
		for _, s := range f.sessions {
			if s.unit == w.unit("iris", 0) {
				kept++
			}
		}
		w.scale(1)
		w.tick()
		if len(f.sessions) != kept || kept == 0 || kept == 10 {
			w.Errorf("%d sessions after the scale-in, want the %d of 10 at the instance that is left", len(f.sessions), kept)
		}
		w.run(DefaultSessionLife)
		if len(f.sessions) != 0 {
			w.Errorf("%d sessions after they have expired, want none", len(f.sessions))
		}
	})
}

// TestSessionKeepsItsVariant has a session go on where it began, whatever the weights.
func TestSessionKeepsItsVariant(t *testing.T) {
	bubble(t, func(w *world) {
		w.must("CreateModel", `{"ModelName":"m","PrimaryContainer":{"Image":"iris:1"}}`)
		w.configure("c",
			object{"VariantName": "a", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"},
			object{"VariantName": "b", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"})
		w.must("CreateEndpoint", `{"EndpointName":"iris","EndpointConfigName":"c"}`)
		w.run(delay)
		const variant = "x-Amzn-Invoked-Production-Variant"
		begun := w.invoke("iris", "", "X-Amzn-SageMaker-Session-Id", "NEW_SESSION")
		id, _ := parseSession(begun.header.Get("X-Amzn-SageMaker-New-Session-Id"))
		for range 20 {
			got := w.invoke("iris", "", "X-Amzn-SageMaker-Session-Id", id)
			if got.status != http.StatusOK || got.header.Get(variant) != begun.header.Get(variant) {
				w.Fatalf("session of variant %s = %d of variant %s %s", begun.header.Get(variant), got.status, got.header.Get(variant), got.body)
			}
		}
	})
}

// TestURL has a real container behind all instances.
func TestURL(t *testing.T) {
	container := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "" || r.URL.Path != "/invocations" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		switch string(body) {
		case "bad":
			w.WriteHeader(http.StatusUnsupportedMediaType)
			_, _ = io.WriteString(w, "not that")
			return
		case "crash":
			panic(http.ErrAbortHandler)
		case "slow":
			time.Sleep(2 * time.Minute)
		}
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		w.Header().Set("X-Amzn-SageMaker-Custom-Attributes", r.Header.Get("X-Amzn-SageMaker-Custom-Attributes")+"!")
		_, _ = io.WriteString(w, strings.ToUpper(string(body)))
	})
	var stop func()
	var told []string
	remote := func(o *Options) {
		var dial Dial
		dial, stop = serve(t, container)
		var err error
		if o.Backend, err = URL("http://container/invocations", dial, func(line string) { told = append(told, line) }); err != nil {
			t.Fatal(err)
		}
	}
	bubble(t, func(w *world) {
		defer func() { _ = w.h.Close(); stop() }()
		w.deploy("iris", 2)
		got := w.invoke("iris", "hello", "Accept", "text/plain", "X-Amzn-SageMaker-Custom-Attributes", "trace", "Authorization", "secret")
		if got.status != 200 || got.body != "HELLO" || got.header.Get("Content-Type") != "text/plain" || got.header.Get("X-Amzn-SageMaker-Custom-Attributes") != "trace!" {
			w.Errorf("answer = %d %q %v, want the container's", got.status, got.body, got.header)
		}
		wantRefusal(w.T, "415 of the container", w.invoke("iris", "bad"), 424, "ModelError",
			modelErrorText(w.T, "CLIENT_ERROR_FROM_MODEL", "client", 415, "not that"))
		absent := "Amazon SageMaker could not get a response from the iris endpoint. This can occur when CPU or memory utilization is high. " +
			"To check your utilization, see Amazon CloudWatch. To fix this problem, use an instance type with more CPU capacity or memory."
		wantRefusal(w.T, "a container that breaks off", w.invoke("iris", "crash"), 424, "ModelError",
			modelErrorText(w.T, "INTERNAL_FAILURE_FROM_MODEL", "server", 0, absent))
		_ = w.invoke("iris", "crash")
		if len(told) != 1 || !strings.HasPrefix(told[0], "no whole answer from http://container/invocations") || !strings.HasSuffix(told[0], ": EOF") {
			w.Errorf("the log has %q, want one line with the reason", told)
		}
		slow := w.invoke("iris", "slow")
		wantRefusal(w.T, "a slow container", slow, 424, "ModelError", modelErrorText(w.T, "INTERNAL_FAILURE_FROM_MODEL", "server", 0, timedOut))
		if slow.took != DefaultTimeout {
			w.Errorf("a slow container is answered for after %v, want %v", slow.took, DefaultTimeout)
		}
		time.Sleep(2 * time.Minute)
	}, remote)
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := New(Options{Account: "1", Region: "?", Quota: -1, MaxBody: -1, Timeout: -1, StreamTimeout: -1, ProvisionTimeout: -1})
	if err == nil {
		t.Fatal("New of nothing = nil error")
	}
	for _, want := range []string{
		"clock: is required", "faults: is required", "backend: is required", "delay: is required", "assumptions: ", `account "1"`, `region "?"`,
		"quota -1", "max body -1", "timeout -1ns", "stream timeout -1ns", "provision timeout -1ns",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New of nothing = %v, want %q in it", err, want)
		}
	}
	if _, err := Modelled(ModelOptions{Parts: -1}); err == nil || !strings.Contains(err.Error(), "parts -1") || !strings.Contains(err.Error(), "clock: is required") {
		t.Errorf("Modelled of nothing = %v, want what is wrong", err)
	}
	if _, err := URL("ftp://x", nil, nil); err == nil || !strings.Contains(err.Error(), `"ftp://x"`) {
		t.Errorf("URL of ftp = %v, want an error that names it", err)
	}
}

// FuzzInvocation sends any path, headers and body: there is always an answer, and its
// body is JSON unless it is a prediction.
func FuzzInvocation(f *testing.F) {
	f.Add("/endpoints/iris/invocations", "Session-Id", "NEW_SESSION", `{"requestType":"CLOSE"}`)
	f.Add("/endpoints/iris/invocations", "Custom-Attributes", "a\x00b", "")
	f.Add("/endpoints/", "Target-Variant", "main", "")
	f.Add("/endpoints/iris/invocations-response-stream", "Accept", "\xff", "x")
	h := instant(f)
	f.Fuzz(func(t *testing.T, path, name, value, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path = path
		r.Header["X-Amzn-Sagemaker-"+name] = []string{value}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q with %s: %q = %d %q, want JSON", path, name, value, w.Code, w.Body)
		}
	})
}
