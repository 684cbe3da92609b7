package loadgen

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// startSessions is how many sessions an open loop begins with; it grows the
// pool while it settles.
const startSessions = 16

// sessions is how many sessions a load wants open before it starts.
func (l Load) sessions(o Options) int {
	switch {
	case l.Concurrency > 0:
		return l.Concurrency
	case o.Sessions > 0:
		return o.Sessions
	}
	return min(startSessions, o.MaxSessions)
}

// busy is how many of the open sessions a load makes use of, 0 for all: a closed loop
// before may have opened more than an open loop is to have.
func (l Load) busy(o Options) int {
	if l.Concurrency > 0 {
		return l.Concurrency
	}
	return o.Sessions
}

// pool is the set of open sessions, by the number of the worker that owns each.
type pool struct {
	mu       sync.Mutex
	sessions map[int]Session
	next     int // number of the next worker
	opening  int // sessions being opened in the background
	closed   bool

	looked time.Time     // when the processor time was last looked at
	used   time.Duration // by then
	spent  bool          // nearly all of it was used before
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}

// close closes every session, which fails the requests that are in flight.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, s := range p.sessions {
		_ = s.Close() // nothing can be done about a failure to close
	}
}

// admit takes in a session and numbers its worker; it refuses after close.
func (p *pool) admit(s Session) (id int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = s.Close() // as above
		return 0, false
	}
	id = p.next
	p.next++
	p.sessions[id] = s
	return id, true
}

// open brings the pool to at least n sessions, a few at a time.
func (g *Generator) open(ctx context.Context, n int) error {
	missing := n - g.pool.size()
	if missing <= 0 {
		return nil
	}
	const parallel = 16
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	slots := make(chan struct{}, parallel)
	for range missing {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := g.openOne(ctx); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wg.Wait()
	if first != nil {
		return fmt.Errorf("opening %d sessions, of which %d are open: %w", n, g.pool.size(), first)
	}
	return nil
}

// openOne opens a session and starts its worker.
func (g *Generator) openOne(ctx context.Context) error {
	s, err := g.opts.Target.Open(ctx)
	if err != nil {
		return err
	}
	if id, ok := g.pool.admit(s); ok {
		g.workers.Go(func() { g.work(id, s) })
	}
	return nil
}

const (
	// lookEvery is how often growing looks at the processor time.
	lookEvery = 10 * time.Millisecond
	// enough is the share of the processors from which there is none left for growing.
	enough = 0.9
)

// exhausted says that the generator has no processor time left, so that its workers are
// busy with being late and not with waiting for answers. Opening a session costs as
// much as several requests: growing then would make it later still, without end. p.mu is held.
func (p *pool) exhausted(o Options) bool {
	if o.CPU == nil {
		return false
	}
	now := time.Now()
	if since := now.Sub(p.looked); since >= lookEvery {
		used := o.CPU()
		p.spent = float64(used-p.used) > enough*float64(o.Procs)*float64(since)
		p.looked, p.used = now, used
	}
	return p.spent
}

// grow opens one more session in the background when few are idle, so that the
// next burst finds them open.
func (g *Generator) grow(e *epoch, idle int) {
	p := &g.pool
	p.mu.Lock()
	size := len(p.sessions)
	spare := max(4, size/8)
	want := size+p.opening < g.opts.MaxSessions && idle+p.opening < spare && !p.closed && !p.exhausted(g.opts)
	if want {
		p.opening++
	}
	p.mu.Unlock()
	if !want {
		return
	}
	e.grown.Add(1)
	g.workers.Go(func() {
		err := g.openOne(g.context)
		p.mu.Lock()
		p.opening--
		p.mu.Unlock()
		if err != nil {
			e.openFailures.Add(1)
			e.openFailure.CompareAndSwap(nil, &err)
		}
	})
}
