package main

import (
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"plimsoll/internal/archetype"
	"plimsoll/latency"
)

// soon (s) is how much before its instant an event of the model counts as due: less than
// any timer tells apart, and more than the conversion of a time costs.
const soon = 1e-6

// server plays a modelled server by the wall clock, and answers HTTP. The model is told
// of arrivals when they come and of its own events at its own instants, however late
// the machine wakes up for them: what is late is the answer alone, and it is noted.
//
//	request → arrive ─→ model.Arrive ─→ arm: the next instant is earlier than the alarm's?
//	                                     └→ ring: sleep until then → settle → arm
//	          settle: model.Step at every instant that has passed → answers → requests
type server struct {
	sleep func(until time.Time)
	began time.Time

	mu      sync.Mutex
	model   archetype.Server
	at      float64 // the model's time, s since began
	alarm   float64 // the earliest instant that somebody sleeps for
	waiting map[int]chan archetype.Answer
	taken   int
	due     []archetype.Answer
	late    *latency.Histogram
	closed  bool
	ringing sync.WaitGroup
}

var _ http.Handler = (*server)(nil)

// newServer starts a model's time now; sleep returns as close to an instant as it can.
func newServer(model archetype.Server, sleep func(until time.Time)) *server {
	return &server{
		sleep: sleep, began: time.Now(), model: model, alarm: math.Inf(1),
		waiting: map[int]chan archetype.Answer{}, late: latency.New(),
	}
}

// ServeHTTP answers at the instant that the model says: 200, 429 where it throttles,
// 503 where it refuses or fails.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the client has gone
	}
	var a archetype.Answer
	select {
	case a = <-s.arrive():
	case <-r.Context().Done():
		return
	}
	status, text := http.StatusOK, "0.97"
	switch {
	case a.Throttled:
		status, text = http.StatusTooManyRequests, "slow"
	case !a.OK:
		status, text = http.StatusServiceUnavailable, "full"
	}
	w.Header().Set("Content-Length", "4")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)            // to a client that may have gone
	_ = http.NewResponseController(w).Flush() // likewise
	s.note(a)
}

// arrive hands a request to the model; the answer comes over the channel.
func (s *server) arrive() <-chan archetype.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	answer := make(chan archetype.Answer, 1)
	s.waiting[s.taken] = answer
	s.model.Arrive(s.at, s.taken)
	s.taken++
	s.arm()
	return answer
}

// settle brings the model up to now.
func (s *server) settle() {
	now := time.Since(s.began).Seconds()
	for next := s.model.Next(); next <= now+soon; next = s.model.Next() {
		s.at = max(s.at, next)
		s.due = s.model.Step(s.at, s.due[:0])
		for _, a := range s.due {
			a.At = s.at
			s.waiting[a.ID] <- a // it has room
			delete(s.waiting, a.ID)
		}
	}
	s.at = max(s.at, now)
}

// arm sees to it that somebody wakes up for the model's next instant.
func (s *server) arm() {
	next := s.model.Next()
	if next >= s.alarm || s.closed {
		return
	}
	s.alarm = next
	s.ringing.Go(func() { s.ring(next) })
}

func (s *server) ring(at float64) {
	s.sleep(s.instant(at))
	s.mu.Lock()
	defer s.mu.Unlock()
	if at == s.alarm { // otherwise an earlier one has taken its place, and rung
		s.alarm = math.Inf(1)
	}
	s.settle()
	s.arm()
}

func (s *server) instant(at float64) time.Time {
	return s.began.Add(time.Duration(math.Ceil(at * float64(time.Second))))
}

// note keeps how much later than the model says an answer has left.
func (s *server) note(a archetype.Answer) {
	late := max(0, time.Since(s.instant(a.At)))
	s.mu.Lock()
	s.late.Record(late)
	s.mu.Unlock()
}

// lateness is what was noted since it was last asked for.
func (s *server) lateness() lateness {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := latenessOf(s.late)
	s.late.Reset()
	return l
}

// close waits for whoever sleeps; nothing rings afterwards.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.ringing.Wait()
}

// lateness is of sends or of answers, in milliseconds.
type lateness struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

func latenessOf(h *latency.Histogram) lateness {
	return lateness{P50: millis(h.Quantile(0.5)), P99: millis(h.Quantile(0.99))}
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// endpoint is a server that listens.
type endpoint struct {
	url      string
	lateness func() lateness // of its answers, since it was last asked; nil for a real server
	close    func() error
}
