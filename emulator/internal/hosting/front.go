package hosting

import (
	"sync"
	"time"
)

// front is what an endpoint keeps of its requests, whatever stands behind it: the
// throttle and the sessions. It has a lock of its own.
type front struct {
	mu       sync.Mutex
	tokens   float64
	filled   time.Time // real time
	sessions map[string]session
}

// session is where a stateful session's requests go.
type session struct {
	unit    *unit
	expires time.Time // model time; zero if the container did not say
}

func newFront() *front { return &front{sessions: map[string]session{}} }

// admit takes a token of a bucket that fills at a rate and holds a second's worth, at
// least one. A rate of 0 admits everything.
func (f *front) admit(rate float64, now time.Time) bool {
	if !(rate > 0) {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	size := max(1, rate)
	f.tokens = min(size, f.tokens+rate*now.Sub(f.filled).Seconds()) // the first time, it is full
	f.filled = now
	if f.tokens < 1 {
		return false
	}
	f.tokens--
	return true
}

// remember binds a session to a unit.
func (f *front) remember(id string, s session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[id] = s
}

func (f *front) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, id)
}

// bound is the unit that has a session; nil if none is known, or it serves no more.
func (f *front) bound(id string) *unit {
	f.mu.Lock()
	defer f.mu.Unlock()
	if u := f.sessions[id].unit; u != nil && !u.leaving.Load() {
		return u
	}
	return nil
}

// expire forgets the sessions that have expired.
func (f *front) expire(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, s := range f.sessions {
		if !s.expires.IsZero() && !s.expires.After(now) || s.unit.leaving.Load() {
			delete(f.sessions, id)
		}
	}
}
