package main

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/internal/archetype"
	"plimsoll/internal/memnet"
)

// asleep is the sleep of a bubble, in which the runtime's timers are exact.
func asleep(until time.Time) { time.Sleep(time.Until(until)) }

// served runs a model behind HTTP in a bubble, and gives a client of it.
func served(t *testing.T, model archetype.Server, do func(s *server, post func() (status int, took time.Duration))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := memnet.Listen()
		s := newServer(model, asleep)
		web := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
		ended := make(chan error, 1)
		go func() { ended <- web.Serve(listener) }()
		transport := &http.Transport{DialContext: listener.DialContext, MaxIdleConnsPerHost: 100}
		client := &http.Client{Transport: transport}
		do(s, func() (int, time.Duration) {
			began := time.Now()
			r, err := client.Post("http://model/invocations", contentType, strings.NewReader(content))
			if err != nil {
				t.Error(err)
				return 0, 0
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
			return r.StatusCode, time.Since(began)
		})
		transport.CloseIdleConnections()
		_ = web.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		s.close()
	})
}

// A client that has one request in flight sees the service times of the model.
func TestOneInFlightSeesTheServiceTimes(t *testing.T) {
	times := []float64{0.010, 0.0325, 0.001, 0.25, 1e-9}
	model := archetype.NewFIFO(1, 2, constant(times).at)
	served(t, model, func(s *server, post func() (int, time.Duration)) {
		for _, want := range times {
			status, took := post()
			if off := math.Abs(took.Seconds() - want); status != http.StatusOK || off > 2*soon {
				t.Errorf("status %d after %v, want 200 after %g s", status, took, want)
			}
		}
		if l := s.lateness(); l.P99 > 1e3*soon {
			t.Errorf("lateness %+v ms in a bubble, want none", l)
		}
	})
}

// Two workers and five requests at once: the answers come at the model's instants, and
// what does not fit is refused.
func TestAnswersComeAtTheModelsInstants(t *testing.T) {
	model := archetype.NewFIFO(1, 2, constant{0.1, 0.3, 0.1, 0.1}.at)
	model.Room = 4
	served(t, model, func(_ *server, post func() (int, time.Duration)) {
		var all sync.WaitGroup
		var mu sync.Mutex
		got := map[time.Duration]int{}
		for i := range 5 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond) // in order
				status, took := post()
				mu.Lock()
				defer mu.Unlock()
				got[(time.Duration(i)*time.Millisecond + took).Round(10*time.Microsecond)] = status
			})
		}
		all.Wait()
		// The first ends at 100 ms; the second, begun at 1 ms, at 301; the third follows
		// the first, the fourth the third. The fifth finds four, and a refusal takes 1 ms.
		want := map[time.Duration]int{100e6: 200, 301e6: 200, 200e6: 200, 300e6: 200, 5e6: 503}
		for at, status := range want {
			if got[at] != status {
				t.Errorf("at %v status %d, want %d; all: %v", at, got[at], status, got)
			}
		}
	})
}

type constant []float64

// at is the k-th time.
func (c constant) at(_ *rand.Rand, k int) float64 { return c[k%len(c)] }

func TestThrottledIs429(t *testing.T) {
	model := archetype.NewFIFO(1, 1, constant{0.001}.at)
	model.ThrottleRate, model.Burst, model.Tokens = 1, 1, 1
	served(t, model, func(_ *server, post func() (int, time.Duration)) {
		for i, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
			if status, _ := post(); status != want {
				t.Errorf("request %d: status %d, want %d", i, status, want)
			}
		}
		time.Sleep(time.Second)
		if status, _ := post(); status != http.StatusOK {
			t.Errorf("status %d after a second, want 200", status)
		}
	})
}

// Events of the model that come between answers, such as a batch that is due, are not
// waited for by an arrival.
func TestBatchStartsWhenItsDelayIsOver(t *testing.T) {
	model := &archetype.Batcher{Size: 8, Fixed: 0.02, PerItem: 0.001, Delay: 0.005, Devices: 1}
	served(t, model, func(_ *server, post func() (int, time.Duration)) {
		for range 3 {
			status, took := post()
			if off := (took - 26*time.Millisecond).Abs(); status != http.StatusOK || off > 10*time.Microsecond {
				t.Errorf("status %d after %v, want 200 after 26ms", status, took)
			}
		}
	})
}

// A processor-sharing server is later for each arrival: an alarm for an instant that has
// moved must neither answer early nor be the last.
func TestArrivalsMoveTheInstants(t *testing.T) {
	speed := func(n int) float64 { return 1 / float64(n) }
	model := archetype.NewSharing(1, 100, constant{0.1}.at, speed)
	served(t, model, func(_ *server, post func() (int, time.Duration)) {
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, took := post(); (took - 300*time.Millisecond).Abs() > 50*time.Microsecond {
					t.Errorf("answered after %v, want 300ms", took)
				}
			})
		}
		all.Wait()
	})
}

// Over an open loop in real time's stead, the answers' lateness is what the sleep adds.
func TestLatenessIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const late = 3 * time.Millisecond
		s := newServer(archetype.NewFIFO(1, 1, constant{0.01}.at), func(until time.Time) { asleep(until.Add(late)) })
		a := <-s.arrive()
		s.note(a)
		if l := s.lateness(); math.Abs(l.P50-millis(late)) > 0.01*millis(late) {
			t.Errorf("lateness %+v, want %v", l, late)
		}
		if l := s.lateness(); l.P99 != 0 {
			t.Errorf("lateness %+v after it was asked for, want none", l)
		}
		s.close()
	})
}
