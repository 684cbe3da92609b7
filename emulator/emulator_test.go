package emulator_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"
)

const (
	service  = 40 * time.Millisecond
	endpoint = "/endpoints/iris/invocations"
)

// oneWorker is the instance of most tests: 40 ms, one at a time, any number waiting.
func oneWorker() emulator.Options {
	return emulator.Options{
		EndpointName: "iris",
		Model:        fleet.Model{Service: service, Workers: 1, Queue: fleet.Unbounded},
	}
}

func TestAnswerTakesTheServiceTime(t *testing.T) {
	bubble(t, oneWorker(), func(s *served) {
		got := s.post(endpoint, "5.1,3.5,1.4,0.2\n", "Accept", "text/csv")
		if got.status != http.StatusOK || got.took != service {
			s.Errorf("POST %s = %d after %v, want 200 after %v", endpoint, got.status, got.took, service)
		}
		for header, want := range map[string]string{
			"x-Amzn-Invoked-Production-Variant": "AllTraffic",
			"Content-Type":                      "text/csv",
		} {
			if got := got.header.Get(header); got != want {
				s.Errorf("header %s = %q, want %q", header, got, want)
			}
		}
		if got.body != "0\n" {
			s.Errorf("body = %q, want a prediction", got.body)
		}
		s.wantCounts(emulator.Counts{Received: 1, Answered: 1})
	})
}

func TestContentType(t *testing.T) {
	bubble(t, oneWorker(), func(s *served) {
		for accept, want := range map[string]string{
			"":                       "application/json",
			"*/*":                    "application/json",
			"text/csv, */*;q=0.5":    "application/json",
			"application/jsonlines":  "application/jsonlines",
			"application/x-recordio": "application/x-recordio",
		} {
			if got := s.post(endpoint, "", "Accept", accept).header.Get("Content-Type"); got != want {
				s.Errorf("Accept %q is answered with Content-Type %q, want %q", accept, got, want)
			}
		}
	})
}

func TestRequestsQueue(t *testing.T) {
	bubble(t, oneWorker(), func(s *served) {
		var took []time.Duration
		for _, got := range s.postTogether(3, endpoint) {
			took = append(took, got.took)
		}
		slices.Sort(took)
		if want := []time.Duration{service, 2 * service, 3 * service}; !slices.Equal(took, want) {
			s.Errorf("three requests at once took %v, want %v", took, want)
		}
	})
}

func TestFullQueueRejects(t *testing.T) {
	options := oneWorker()
	options.Model.Queue = 1
	for path, want := range map[string]struct{ kind, body string }{
		endpoint:       {"ServiceUnavailable", `{"Message":"The endpoint has no capacity for the request: its queue is full."}`},
		"/invocations": {"", "the queue is full\n"},
	} {
		t.Run(path, func(t *testing.T) {
			bubble(t, options, func(s *served) {
				rejected := 0
				for _, got := range s.postTogether(5, path) {
					if got.status == http.StatusOK {
						continue
					}
					rejected++
					if got.status != http.StatusServiceUnavailable || got.took != 0 {
						s.Errorf("rejection = %d after %v, want 503 at once", got.status, got.took)
					}
					if kind := got.header.Get("x-amzn-errortype"); kind != want.kind || got.body != want.body {
						s.Errorf("rejection = %q with error type %q, want %q with %q", got.body, kind, want.body, want.kind)
					}
				}
				if rejected != 3 {
					s.Errorf("%d of 5 rejected by one worker and one waiting place, want 3", rejected)
				}
				s.wantCounts(emulator.Counts{Received: 5, Answered: 2, Rejected: 3})
			})
		})
	}
}

func TestUnknownEndpoint(t *testing.T) {
	bubble(t, oneWorker(), func(s *served) {
		got := s.post(`/endpoints/it"s/invocations`, "")
		if kind := got.header.Get("x-amzn-errortype"); got.status != http.StatusBadRequest || kind != "ValidationError" {
			s.Errorf("unknown endpoint = %d, error type %q, want 400, ValidationError", got.status, kind)
		}
		if want := `{"Message":"Endpoint it\"s of account 000000000000 not found."}`; got.body != want {
			s.Errorf("unknown endpoint = %s, want %s", got.body, want)
		}
		s.wantCounts(emulator.Counts{Received: 1, Invalid: 1})
	})
}

func TestBodyLimit(t *testing.T) {
	options := oneWorker()
	options.MaxBody = 10
	bubble(t, options, func(s *served) {
		if got := s.post(endpoint, "0123456789"); got.status != http.StatusOK {
			s.Errorf("body of 10 bytes, limit 10 = %d, want 200", got.status)
		}
		const tooLarge = http.StatusRequestEntityTooLarge
		got := s.post(endpoint, "0123456789a")
		if want := `{"message":"HTTP content length exceeded 10 bytes."}`; got.status != tooLarge || got.body != want {
			s.Errorf("body of 11 bytes, limit 10 = %d %s, want %d %s", got.status, got.body, tooLarge, want)
		}
		if got := s.post("/invocations", "0123456789a"); got.status != tooLarge {
			s.Errorf("body of 11 bytes, limit 10, container path = %d, want %d", got.status, tooLarge)
		}
		s.wantCounts(emulator.Counts{Received: 3, Answered: 1, Invalid: 2})
	})
}

func TestDefaultBodyLimit(t *testing.T) {
	bubble(t, oneWorker(), func(s *served) {
		long := strings.Repeat("x", emulator.DefaultMaxBody)
		if got := s.post(endpoint, long); got.status != http.StatusOK {
			s.Errorf("body of 25 MiB = %d, want 200", got.status)
		}
		if got := s.post(endpoint, long+"x"); got.status != http.StatusRequestEntityTooLarge {
			s.Errorf("body of 25 MiB and a byte = %d, want 413", got.status)
		}
	})
}

func TestBrokenBody(t *testing.T) {
	for _, path := range []string{endpoint, "/invocations"} {
		bubble(t, oneWorker(), func(s *served) {
			conn, err := s.dial(s.Context(), "tcp", "model:80")
			if err != nil {
				s.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"); err != nil {
				s.Fatal(err)
			}
			got := make([]byte, len("HTTP/1.1 400"))
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != "HTTP/1.1 400" {
				s.Errorf("a malformed chunk to %s is answered with %q, %v, want HTTP/1.1 400", path, got, err)
			}
			s.wantCounts(emulator.Counts{Received: 1, Invalid: 1})
		})
	}
}

func TestThrottle(t *testing.T) {
	options := oneWorker()
	options.Model.Workers = 100
	options.Throttle = 5
	bubble(t, options, func(s *served) {
		for round := range 2 {
			throttled := 0
			for _, got := range s.postTogether(12, endpoint) {
				if got.status == http.StatusOK {
					continue
				}
				throttled++
				kind := got.header.Get("x-amzn-errortype")
				if got.status != http.StatusBadRequest || kind != "ThrottlingException" || got.body != `{"message":null}` {
					s.Errorf("throttled answer = %d, %q, %s, want 400, ThrottlingException, {\"message\":null}", got.status, kind, got.body)
				}
			}
			if throttled != 7 {
				s.Errorf("round %d: %d of 12 at once throttled at 5/s, want 7", round, throttled)
			}
			time.Sleep(time.Second - service) // the answers took one service time
		}
		if got := s.postTogether(12, "/invocations"); slices.ContainsFunc(got, func(r reply) bool { return r.status != http.StatusOK }) {
			s.Errorf("container path throttled, want 200 for all: %+v", got)
		}
		s.wantCounts(emulator.Counts{Received: 36, Answered: 22, Throttled: 14})
	})
}

// TestThrottledRate offers twice the throttle's rate: it must pass its rate and its
// first second's worth.
func TestThrottledRate(t *testing.T) {
	options := oneWorker()
	options.Model.Workers = 100
	options.Throttle = 50
	bubble(t, options, func(s *served) {
		for range 1000 { // ten seconds of 100/s
			s.sending.Go(func() { s.post(endpoint, "") })
			time.Sleep(10 * time.Millisecond)
		}
		s.sending.Wait()
		if got := s.handler.Counts().Answered; got < 549 || got > 550 {
			s.Errorf("10 s of 100/s through a throttle of 50/s answered %d, want 50 + 10×50", got)
		}
	})
}

// TestSlowThrottle has a rate below one a second: a whole request must still fit.
func TestSlowThrottle(t *testing.T) {
	options := oneWorker()
	options.Throttle = 0.5
	bubble(t, options, func(s *served) {
		for _, want := range []int{http.StatusOK, http.StatusBadRequest, http.StatusOK} {
			if got := s.post(endpoint, ""); got.status != want {
				s.Errorf("a request each 1.1 s at 0.5/s = %d, want %d", got.status, want)
			}
			time.Sleep(1100 * time.Millisecond)
		}
	})
}

func TestContainerContract(t *testing.T) {
	bubble(t, oneWorker(), func(s *served) {
		tests := []struct {
			method, path string
			status       int
			took         time.Duration
		}{
			{http.MethodGet, "/ping", http.StatusOK, 0},
			{http.MethodPost, "/invocations", http.StatusOK, service},
			{http.MethodGet, "/invocations", http.StatusMethodNotAllowed, 0},
			{http.MethodGet, endpoint, http.StatusMethodNotAllowed, 0},
			{http.MethodPost, "/", http.StatusNotFound, 0},
		}
		for _, tt := range tests {
			got := s.do(s.Context(), tt.method, tt.path, "")
			if got.status != tt.status || got.took != tt.took {
				s.Errorf("%s %s = %d after %v, want %d after %v", tt.method, tt.path, got.status, got.took, tt.status, tt.took)
			}
			if got := got.header.Get("x-Amzn-Invoked-Production-Variant"); got != "" {
				s.Errorf("%s %s names the variant %q, which only the service knows", tt.method, tt.path, got)
			}
		}
		s.wantCounts(emulator.Counts{Received: 1, Answered: 1})
	})
}

// TestClientLeaves cancels a request in service: its worker stays busy, as a model
// server's does, and the next request waits for it.
func TestClientLeaves(t *testing.T) {
	bubble(t, oneWorker(), func(s *served) {
		ctx, cancel := context.WithTimeout(s.Context(), service/4)
		defer cancel()
		if got := s.do(ctx, http.MethodPost, endpoint, ""); !errors.Is(got.err, context.DeadlineExceeded) {
			s.Fatalf("request canceled after %v = %+v, want %v", service/4, got, context.DeadlineExceeded)
		}
		synctest.Wait()
		s.wantCounts(emulator.Counts{Received: 1, Abandoned: 1})
		if got, want := s.post(endpoint, "").took, service*7/4; got != want {
			s.Errorf("the request after an abandoned one took %v, want %v", got, want)
		}
	})
}

func TestSleepOption(t *testing.T) {
	const early = 5 * time.Millisecond
	options := oneWorker()
	var mu sync.Mutex
	var waits []time.Duration
	options.Sleep = func(_ context.Context, until time.Time) {
		wait := time.Until(until)
		mu.Lock()
		waits = append(waits, wait)
		mu.Unlock()
		time.Sleep(wait - early)
	}
	bubble(t, options, func(s *served) {
		if got, want := s.post(endpoint, "").took, service-early; got != want {
			s.Errorf("answer after %v, want the sleeper's %v", got, want)
		}
		if want := []time.Duration{service}; !slices.Equal(waits, want) {
			s.Errorf("the sleeper was asked for %v, want %v", waits, want)
		}
	})
}

func TestSeedFixesServiceTimes(t *testing.T) {
	times := func(seed uint64) (took []time.Duration) {
		options := oneWorker()
		options.Model.CV, options.Seed = 0.5, seed
		bubble(t, options, func(s *served) {
			for range 5 {
				took = append(took, s.post(endpoint, "").took)
			}
		})
		return took
	}
	first, again, other := times(1), times(1), times(2)
	if !slices.Equal(first, again) {
		t.Errorf("seed 1 took %v, then %v, want the same", first, again)
	}
	if slices.Equal(first, other) {
		t.Errorf("seeds 1 and 2 both took %v, want them to differ", first)
	}
}

// TestClosedLoopSaturates keeps more requests in flight than there are workers: the
// endpoint must answer at its model's saturation rate, to the client's own clock.
func TestClosedLoopSaturates(t *testing.T) {
	options := oneWorker()
	options.Model.Workers, options.Model.CV = 4, 0.3
	bubble(t, options, func(s *served) {
		const window = 30 * time.Second
		end := time.Now().Add(window)
		for range 8 {
			s.sending.Go(func() {
				for time.Now().Before(end) {
					s.post(endpoint, "")
				}
			})
		}
		s.sending.Wait()
		got := float64(s.handler.Counts().Answered) / window.Seconds()
		if want := options.Model.Saturation(); math.Abs(got-want) > 0.02*want {
			s.Errorf("8 sessions got %v/s from %v, want %v/s within 2 %%", got, options.Model, want)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*emulator.Options)
		want   string
	}{
		{"no name", func(o *emulator.Options) { o.EndpointName = "" }, `endpoint name ""`},
		{"name with a slash", func(o *emulator.Options) { o.EndpointName = "a/b" }, `endpoint name "a/b"`},
		{"name that ends in a hyphen", func(o *emulator.Options) { o.EndpointName = "a-" }, `endpoint name "a-"`},
		{"long name", func(o *emulator.Options) { o.EndpointName = strings.Repeat("a-", 31) + "ab" }, "want 1 to 63 letters"},
		{"model", func(o *emulator.Options) { o.Model.Workers = 0 }, "model: workers 0"},
		{"negative throttle", func(o *emulator.Options) { o.Throttle = -1 }, "throttle -1"},
		{"throttle that is no number", func(o *emulator.Options) { o.Throttle = math.NaN() }, "throttle NaN"},
		{"negative body limit", func(o *emulator.Options) { o.MaxBody = -1 }, "max body -1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := oneWorker()
			tt.change(&options)
			if _, err := emulator.New(options); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New(%+v) = %v, want an error that says %q", options, err, tt.want)
			}
		})
	}
	_, err := emulator.New(emulator.Options{Throttle: -1})
	for _, want := range []string{"endpoint name", "service 0s", "workers 0", "throttle -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New of wrong options = %v, want every problem, also %q", err, want)
		}
	}
}
