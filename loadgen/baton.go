package loadgen

import (
	"slices"
	"sync"
)

// baton passes between idle workers: whoever holds it waits for the next intended
// instant, hands it on, and sends. So one worker at a time keeps the schedule, and the
// one that kept it sends without a hand-over.
//
// It goes to the worker that became idle last, whose connection and memory are still
// warm in the caches. So a load uses as many connections as it needs, and the others
// rest.
type baton struct {
	mu   sync.Mutex
	free bool            // nobody holds it, and nobody waits
	idle []chan struct{} // of the workers that wait, the last that came on top; each has room for one
}

// take gets the baton for the worker that is told by mine; it is false when over is
// closed before.
func (b *baton) take(mine chan struct{}, over <-chan struct{}) bool {
	b.mu.Lock()
	if b.free {
		b.free = false
		b.mu.Unlock()
		return true
	}
	b.idle = append(b.idle, mine)
	b.mu.Unlock()
	select {
	case <-mine:
		return true
	case <-over:
		b.withdraw(mine)
		return false
	}
}

// withdraw takes back a worker that waits no longer. If it was handed the baton
// meanwhile, that word is taken too, lest the worker find it in another epoch.
func (b *baton) withdraw(mine chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.idle, mine); i >= 0 {
		b.idle = slices.Delete(b.idle, i, i+1)
		return
	}
	<-mine
}

// pass hands the baton on, or leaves it for the next worker that becomes idle. It tells
// how many idle ones are left.
func (b *baton) pass() (idle int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.idle) - 1
	if last < 0 {
		b.free = true
		return 0
	}
	b.idle[last] <- struct{}{} // it has room, and is waited for by its worker alone
	b.idle[last] = nil
	b.idle = b.idle[:last]
	return last
}
