package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll/arrival"
)

// epoch is one load being played, from its first send until the next load
// replaces it. Offsets are from start.
type epoch struct {
	load     Load
	opts     Options
	books    *books
	start    time.Time
	from     time.Duration // of the measured window
	busy     int           // workers with numbers from here rest; 0 for none
	replaced chan struct{} // closed when another epoch is played

	// lead is for the next intended instant of an open loop. In a closed loop with a
	// greatest rate it is for the next turn.
	lead baton

	mu      sync.Mutex // guards the fields below, up to the blank line; never held while waiting
	cursor  arrival.Cursor
	drawn   time.Duration // the last offset taken from the cursor
	ended   bool          // the cursor is over
	over    bool          // another epoch is played: nothing more is admitted
	offered []int64       // measured requests by slice, counted when they are sent or dropped
	latest  time.Duration // the last intended offset that was admitted
	first   []Single      // the first measured requests of a schedule, at most Load.Singles

	to           atomic.Int64 // end of the measured window; an overload moves it forward
	outstanding  atomic.Int64 // measured requests that are sent and not recorded
	overloaded   atomic.Bool
	spent        atomic.Bool  // Load.MaxRequests were sent
	early        atomic.Int64 // requests sent while the load settled
	earlyLate    atomic.Int64 // of those: late
	grown        atomic.Int64 // sessions opened while this load was held
	openFailures atomic.Int64
	openFailure  atomic.Pointer[error] // the first of them
	shards       []*shard
	usage        usage
	interrupted  bool
}

// books are what a generator counts over all its loads. A number is used once,
// whichever epoch's worker takes it.
type books struct {
	sent atomic.Int64  // requests
	next atomic.Uint64 // number of the next request

	answered atomic.Int64 // requests answered well
	service  atomic.Int64 // sum of their service times, nanoseconds

	mu   sync.Mutex
	free time.Time // when a closed loop with a greatest rate may send next
}

// answer counts a request that was answered well.
func (b *books) answer(service time.Duration) {
	b.answered.Add(1)
	b.service.Add(int64(service))
}

// turn reserves the next instant, now or later, so that sends are so far apart.
func (b *books) turn(now time.Time, apart time.Duration) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free.After(now) {
		now = b.free
	}
	b.free = now.Add(apart)
	return now
}

// take counts one more request, unless that would be more than the limit.
func (b *books) take(limit int64) bool {
	for {
		n := b.sent.Load()
		if limit > 0 && n >= limit {
			return false
		}
		if b.sent.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// skipTo makes the next number at least k.
func (b *books) skipTo(k uint64) {
	for n := b.next.Load(); n < k && !b.next.CompareAndSwap(n, k); {
		n = b.next.Load()
	}
}

// newPause is an epoch in which nothing is sent.
func newPause() *epoch { return &epoch{replaced: make(chan struct{})} }

// shardCount keeps workers on different processors from waiting for one lock.
const shardCount = 4

func newEpoch(load Load, opts Options, b *books) *epoch {
	b.skipTo(load.FirstRequest)
	e := &epoch{
		load: load, opts: opts, books: b, from: load.Settle, busy: load.busy(opts), replaced: make(chan struct{}),
		lead: baton{free: true}, offered: make([]int64, load.bins()), usage: usage{opts: opts},
	}
	e.to.Store(int64(load.Settle + load.Measure))
	for range shardCount {
		e.shards = append(e.shards, newShard(load.bins()))
	}
	if load.Schedule != nil {
		e.cursor = load.Schedule.Cursor()
	}
	e.start = time.Now()
	return e
}

func (e *epoch) paused() bool { return e.load.Measure == 0 }

func (e *epoch) offset() time.Duration { return time.Since(e.start) }

// measured says whether a request that was intended at an offset belongs to the window.
func (e *epoch) measured(at time.Duration) bool {
	return at >= e.from && at < time.Duration(e.to.Load())
}

// ticket is one request to send.
type ticket struct {
	k        uint64
	intended time.Duration
	measured bool
	rank     int // from 1 among the first measured requests of a schedule; 0 beyond
}

// admit numbers a request that is about to be sent. Only here does it enter the
// books, so that a request which never left is not taken for an unanswered one.
// ok is false when it must not be sent: the load is over, or Load.MaxRequests
// have been.
func (e *epoch) admit(intended time.Duration) (t ticket, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return ticket{}, false
	}
	if !e.books.take(e.load.MaxRequests) {
		e.spend(intended)
		return ticket{}, false
	}
	t = ticket{k: e.books.next.Add(1) - 1, intended: intended, measured: e.measured(intended)}
	e.latest = max(e.latest, intended)
	if t.measured {
		e.offered[e.slice(intended)]++
		e.outstanding.Add(1)
		t.rank = e.enlist(intended)
	}
	return t, true
}

// enlist keeps one of the first measured requests of a schedule; e.mu is held.
func (e *epoch) enlist(intended time.Duration) (rank int) {
	if e.cursor == nil || len(e.first) >= e.load.Singles {
		return 0
	}
	e.first = append(e.first, Single{At: intended - e.from, Took: -1})
	return len(e.first)
}

// spend ends the load before the request that would have been one too many;
// e.mu is held.
func (e *epoch) spend(intended time.Duration) {
	e.ended = true
	e.to.Store(min(e.to.Load(), int64(max(intended, e.from, e.latest+1))))
	e.spent.Store(true)
}

// turn reserves the next instant at which a closed loop may send.
func (e *epoch) turn(now time.Duration) time.Duration {
	apart := time.Duration(float64(time.Second) / float64(e.load.MaxRate))
	return e.books.turn(e.start.Add(now), apart).Sub(e.start)
}

// leave ends the admitting, when another epoch is played.
func (e *epoch) leave() {
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
	close(e.replaced)
}

// next is the next intended offset of the open loop; requests that are
// hopelessly late are dropped on the way. ok is false when the schedule is over.
func (e *epoch) next(now time.Duration) (at time.Duration, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.draw() {
		if now-e.drawn <= e.opts.DropAfter {
			return e.drawn, true
		}
		e.drop()
	}
	return 0, false
}

// draw takes one offset from the cursor; e.mu is held.
func (e *epoch) draw() bool {
	at, more := e.cursor.Next()
	if more {
		e.drawn = at
	}
	e.ended = !more
	return more
}

// drop counts the drawn request as not sent; e.mu is held.
func (e *epoch) drop() {
	e.books.next.Add(1)
	if e.measured(e.drawn) {
		slice := e.slice(e.drawn)
		e.offered[slice]++
		e.enlist(e.drawn)
		e.shards[0].drop(slice)
	}
}

// cut ends the measured window now, after everything that was admitted.
func (e *epoch) cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := max(e.offset(), e.from, e.latest+1)
	e.to.Store(min(e.to.Load(), int64(now)))
}

// overload ends the window early because the target has fallen behind.
func (e *epoch) overload() {
	if e.overloaded.CompareAndSwap(false, true) {
		e.cut()
	}
}

// slice is the bin of the measured window that an offset falls in.
func (e *epoch) slice(at time.Duration) int {
	n := e.load.bins()
	i := int((at - e.from) * time.Duration(n) / e.load.Measure)
	return min(max(i, 0), n-1)
}

// pollEvery is how often the end of a trial is looked for.
const pollEvery = time.Millisecond

// await returns when the window is over and its requests are answered, or
// patience has ended, or ctx has.
func (e *epoch) await(ctx context.Context, inFlight *atomic.Int64) error {
	if err := e.reach(ctx, e.from, inFlight); err != nil {
		e.interrupt()
		return err
	}
	e.usage.begin()
	if err := e.reach(ctx, e.from+e.load.Measure, inFlight); err != nil {
		e.interrupt()
		return err
	}
	e.usage.end(time.Duration(e.to.Load()) - e.from)
	for !e.determined() {
		if e.load.Patience > 0 && e.offset() >= time.Duration(e.to.Load())+e.load.Patience {
			return nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return err
		}
	}
	return nil
}

// reach waits for an offset, watching for an overload.
func (e *epoch) reach(ctx context.Context, at time.Duration, inFlight *atomic.Int64) error {
	const look = 10 * time.Millisecond
	for !e.overloaded.Load() && !e.spent.Load() {
		left := at - e.offset()
		if left <= 0 {
			return nil
		}
		if err := sleep(ctx, min(left, look)); err != nil {
			return err
		}
		if limit := e.load.MaxInFlight; limit > 0 && inFlight.Load() > int64(limit) {
			e.overload()
		}
	}
	return nil
}

// interrupt shortens the window to what was held.
func (e *epoch) interrupt() {
	e.cut()
	e.interrupted = true
	e.usage.end(time.Duration(e.to.Load()) - e.from)
}

// determined says whether nothing of the measured window is still open.
func (e *epoch) determined() bool {
	e.mu.Lock()
	drawnAll := e.cursor == nil || e.ended || int64(e.drawn) >= e.to.Load()
	e.mu.Unlock()
	return drawnAll && e.outstanding.Load() == 0
}
