package hosting

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator/internal/eventstream"
	"plimsoll/fleet"
)

// part is an event of a streamed answer and when it came.
type part struct {
	after time.Duration
	kind  string
	text  string
}

// stream sends one invocation of the endpoint iris with a streamed answer.
func (w *world) stream(body string) (*http.Response, []part) {
	w.Helper()
	begun := time.Now()
	target := "http://runtime/endpoints/iris/invocations-response-stream"
	request, err := http.NewRequestWithContext(w.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("X-Amzn-SageMaker-Accept", "application/jsonlines")
	response, err := w.client.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return response, []part{{time.Since(begun), "refusal", string(text)}}
	}
	var parts []part
	for events := eventstream.NewReader(response.Body, 0); ; {
		m, err := events.Next()
		if errors.Is(err, io.EOF) {
			return response, parts
		}
		if err != nil {
			w.Fatalf("reading the stream: %v", err)
		}
		parts = append(parts, part{time.Since(begun), m.Get(":event-type") + m.Get(":exception-type"), string(m.Payload)})
	}
}

// TestStreamOfModel has the parts of a modelled answer evenly over its service time.
func TestStreamOfModel(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		response, parts := w.stream("x")
		for name, want := range map[string]string{
			"Content-Type": "application/vnd.amazon.eventstream", "X-Amzn-SageMaker-Content-Type": "application/jsonlines",
			"x-Amzn-Invoked-Production-Variant": "main",
		} {
			if got := response.Header.Get(name); got != want {
				w.Errorf("header %s = %q, want %q", name, got, want)
			}
		}
		if len(parts) != DefaultParts {
			w.Fatalf("%d parts, want %d: %v", len(parts), DefaultParts, parts)
		}
		for k, got := range parts {
			if want := (part{time.Duration(k+1) * service / DefaultParts, "PayloadPart", prediction}); got != want {
				w.Errorf("part %d = %v, want %v", k, got, want)
			}
		}
	})
}

func TestStreamTimeout(t *testing.T) {
	bubble(t, func(w *world) {
		w.deploy("iris", 1)
		_, parts := w.stream("x")
		last := parts[len(parts)-1]
		if last.kind != "ModelStreamError" || !strings.Contains(last.text, `"ErrorCode":"ModelInvocationTimeExceeded"`) || last.after != DefaultStreamTimeout {
			w.Errorf("a model of ten minutes ends with %v, want a ModelStreamError after %v", last, DefaultStreamTimeout)
		}
		if parts[0].kind != "PayloadPart" {
			w.Errorf("it begins with %v, want a part", parts[0])
		}
		w.run(3 * time.Minute)
		_, parts = w.stream("x")
		if len(parts) != 1+6 {
			w.Errorf("the next has %d parts and an exception, want 6 and one", len(parts)-1)
		}
	}, withModel(fleet.Model{Service: 10 * time.Minute, Workers: 1, Queue: fleet.Unbounded}))
}

// TestStreamOfContainer passes a container's chunks on as they come, and says how it
// broke off.
func TestStreamOfContainer(t *testing.T) {
	container := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == "bad" {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		for word := range strings.FieldsSeq(string(body)) {
			if word == "crash" {
				panic(http.ErrAbortHandler)
			}
			_, _ = io.WriteString(w, word)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
		}
	})
	var stop func()
	remote := func(o *Options) {
		var dial Dial
		dial, stop = serve(t, container)
		var err error
		if o.Backend, err = URL("http://container/invocations", dial, nil); err != nil {
			t.Fatal(err)
		}
	}
	bubble(t, func(w *world) {
		defer func() { _ = w.h.Close(); stop() }()
		w.deploy("iris", 1)
		_, parts := w.stream("one two three")
		want := []part{{0, "PayloadPart", "one"}, {time.Second, "PayloadPart", "two"}, {2 * time.Second, "PayloadPart", "three"}}
		if len(parts) != len(want) {
			w.Fatalf("parts = %v, want %v", parts, want)
		}
		for k := range want {
			if parts[k] != want[k] {
				w.Errorf("part %d = %v, want %v", k, parts[k], want[k])
			}
		}
		_, parts = w.stream("one crash")
		if len(parts) != 2 || parts[0].text != "one" || parts[1].kind != "ModelStreamError" || !strings.Contains(parts[1].text, `"ErrorCode":"StreamBroken"`) {
			w.Errorf("a container that breaks off = %v, want a part and StreamBroken", parts)
		}
		response, parts := w.stream("crash")
		if response.StatusCode != http.StatusFailedDependency {
			w.Errorf("a container that breaks off at once = %d %v, want 424", response.StatusCode, parts)
		}
		response, parts = w.stream("bad")
		if want := modelErrorText(w.T, "CLIENT_ERROR_FROM_MODEL", "client", 400, "no\n"); response.StatusCode != http.StatusFailedDependency || len(parts) != 1 || !sameJSON(parts[0].text, want) {
			w.Errorf("a container's refusal = %d %v, want 424 %s", response.StatusCode, parts, want)
		}
		w.run(time.Minute)
		if d, ok := w.datum("InvocationModelErrors"); !ok || d.Samples.Sum() != 3 {
			w.Errorf("InvocationModelErrors = %v, want 3", d.Samples)
		}
	}, remote)
}
