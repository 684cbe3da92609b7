package emulator_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/emulator"
	"plimsoll/internal/memnet"
)

// served is a handler behind an HTTP server on an in-memory network.
type served struct {
	*testing.T
	handler *emulator.Handler
	dial    dialer
	client  *http.Client
	sending sync.WaitGroup
}

// dialer is the type of an http.Transport's DialContext.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// bubble serves the options in virtual time while the test runs. However a test
// ends, every request received must have been counted once as something else.
func bubble(t *testing.T, options emulator.Options, test func(*served)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		handler, err := emulator.New(options)
		if err != nil {
			t.Fatal(err)
		}
		listener := memnet.Listen()
		server := &http.Server{Handler: handler}
		var running sync.WaitGroup
		running.Go(func() { _ = server.Serve(listener) })
		transport := &http.Transport{DialContext: listener.DialContext, MaxIdleConnsPerHost: 100}
		defer func() {
			transport.CloseIdleConnections()
			if err := server.Close(); err != nil {
				t.Errorf("closing the server: %v", err)
			}
			running.Wait()
			time.Sleep(time.Second) // net/http lingers on a connection whose body it did not read
			c := handler.Counts()
			if ended := c.Answered + c.Rejected + c.Throttled + c.Invalid + c.Abandoned; ended != c.Received {
				t.Errorf("counts = %+v: %d ended, want all %d received", c, ended, c.Received)
			}
		}()
		test(&served{T: t, handler: handler, dial: listener.DialContext, client: &http.Client{Transport: transport}})
	})
}

// reply is what a client saw of one request.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration
	err    error
}

// post sends one request that must be answered; headers come in pairs.
func (s *served) post(path, body string, headers ...string) reply {
	s.Helper()
	got := s.do(s.Context(), http.MethodPost, path, body, headers...)
	if got.err != nil {
		s.Errorf("POST %s: %v", path, got.err)
	}
	return got
}

// postTogether sends n requests at one instant.
func (s *served) postTogether(n int, path string) []reply {
	replies := make([]reply, n)
	for k := range replies {
		s.sending.Go(func() { replies[k] = s.post(path, "") })
	}
	s.sending.Wait()
	return replies
}

func (s *served) do(ctx context.Context, method, path, body string, headers ...string) reply {
	start := time.Now()
	target := &url.URL{Scheme: "http", Host: "model", Path: path}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := s.client.Do(request)
	if err != nil {
		return reply{err: err}
	}
	text, err := io.ReadAll(response.Body)
	took := time.Since(start)
	return reply{response.StatusCode, response.Header, string(text), took, errors.Join(err, response.Body.Close())}
}

func (s *served) wantCounts(want emulator.Counts) {
	s.Helper()
	if got := s.handler.Counts(); got != want {
		s.Errorf("Counts() = %+v, want %+v", got, want)
	}
}
