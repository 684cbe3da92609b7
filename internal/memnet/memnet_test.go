package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/internal/memnet"
)

// TestHTTPTakesVirtualTime sends requests in parallel to a handler that sleeps for
// a minute; in the bubble each takes exactly that, and no real time.
func TestHTTPTakesVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const service, requests = time.Minute, 20
		listener := memnet.Listen()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // the client notices when it comes back short
			time.Sleep(service)
			_, _ = w.Write(body)
		})}
		var running sync.WaitGroup
		running.Go(func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("Serve(listener) = %v, want %v", err, http.ErrServerClosed)
			}
		})
		transport := &http.Transport{DialContext: listener.DialContext}
		client := &http.Client{Transport: transport}

		var sending sync.WaitGroup
		for range requests {
			sending.Go(func() {
				start := time.Now()
				body := strings.Repeat("x", 100_000)
				got, err := post(t.Context(), client, body)
				if err != nil || got != body {
					t.Errorf("POST = %d bytes, %v, want the %d bytes sent", len(got), err, len(body))
				}
				if took := time.Since(start); took != service {
					t.Errorf("POST took %v, want %v", took, service)
				}
			})
		}
		sending.Wait()
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Errorf("server.Close() = %v, want none", err)
		}
		running.Wait()

		if _, err := post(t.Context(), client, ""); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("POST after the server closed = %v, want %v", err, syscall.ECONNREFUSED)
		}
	})
}

func post(ctx context.Context, client *http.Client, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://model/invocations", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	got, err := io.ReadAll(response.Body)
	return string(got), errors.Join(err, response.Body.Close())
}

func TestDialContextGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := memnet.Listen()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := listener.DialContext(ctx, "tcp", "model:80") // nobody accepts
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("DialContext(1s) = %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("DialContext(1s) took %v, want 1s", took)
		}
		if _, err := listener.DialContext(ctx, "tcp", "model:80"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("DialContext of a context that is over = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestCloseEndsEveryWait(t *testing.T) {
	tests := []struct {
		name string
		wait func(context.Context, *memnet.Listener) error
		want error
	}{
		{"accept", func(_ context.Context, l *memnet.Listener) error {
			_, err := l.Accept()
			return err
		}, net.ErrClosed},
		{"dial", func(ctx context.Context, l *memnet.Listener) error {
			_, err := l.DialContext(ctx, "tcp", "model:80")
			return err
		}, syscall.ECONNREFUSED},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := memnet.Listen()
				var waiting sync.WaitGroup
				waiting.Go(func() {
					if err := tt.wait(t.Context(), listener); !errors.Is(err, tt.want) {
						t.Errorf("%s when the listener closes = %v, want %v", tt.name, err, tt.want)
					}
				})
				synctest.Wait()
				for range 2 {
					if err := listener.Close(); err != nil {
						t.Errorf("Close() = %v, want none", err)
					}
				}
				waiting.Wait()
				if err := tt.wait(t.Context(), listener); !errors.Is(err, tt.want) {
					t.Errorf("%s after Close() = %v, want %v", tt.name, err, tt.want)
				}
			})
		})
	}
	if got := memnet.Listen().Addr().String(); got != "memnet" {
		t.Errorf("Addr() = %q, want memnet", got)
	}
}
