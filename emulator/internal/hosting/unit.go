package hosting

import (
	"sync"
	"sync/atomic"
	"time"
)

// unit is a server in service, and the requests that are at it. Its counters are read
// and written without the hosting's lock.
type unit struct {
	server   Server
	cores    float64 // of its instance
	inFlight atomic.Int64
	peak     atomic.Int64 // most in flight since it was last taken
	busy     atomic.Int64 // model nanoseconds of worker time since it was last taken

	leaving atomic.Bool // takes no more requests
	gone    atomic.Bool // has stopped
	once    sync.Once
	empty   chan struct{} // closed when it leaves and nothing is in flight
}

func newUnit(s Server) *unit { return &unit{server: s, empty: make(chan struct{})} }

// enter counts a request in; it is false when the unit takes no more.
func (u *unit) enter() bool {
	n := u.inFlight.Add(1)
	if u.leaving.Load() {
		u.leave()
		return false
	}
	for {
		peak := u.peak.Load()
		if n <= peak || u.peak.CompareAndSwap(peak, n) {
			return true
		}
	}
}

// leave counts a request out.
func (u *unit) leave() {
	if u.inFlight.Add(-1) == 0 && u.leaving.Load() {
		u.once.Do(func() { close(u.empty) })
	}
}

// takePeak is the most requests that were in flight since the last call.
func (u *unit) takePeak() int64 { return u.peak.Swap(u.inFlight.Load()) }

// workers is how many requests the server can work on at once, 0 if not known.
func (u *unit) workers() int {
	if w, ok := u.server.(worker); ok {
		return w.Workers()
	}
	return 0
}

// retire takes a unit out of service: no more requests go to it, those that it has may
// finish for a while, then its server stops. The unit must be in no routing table that
// is still to be made.
func (h *Hosting) retire(u *unit) {
	u.leaving.Store(true)
	if u.inFlight.Load() == 0 {
		u.once.Do(func() { close(u.empty) })
	}
	select {
	case <-u.empty:
		u.server.Stop()
		u.gone.Store(true)
		return
	default:
	}
	h.leaving.Go(func() {
		timer := time.NewTimer(drainBound)
		defer timer.Stop()
		select {
		case <-u.empty:
		case <-timer.C:
		case <-h.closing:
		}
		u.server.Stop()
		u.gone.Store(true)
	})
}
