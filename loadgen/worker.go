package loadgen

import "time"

// work is the life of one session: it takes requests of whatever is being
// played, sends them and records them.
func (g *Generator) work(id int, s Session) {
	w := worker{g: g, id: id, session: s, turn: make(chan struct{}, 1)}
	w.reconnector, _ = s.(Reconnector)
	defer w.leave()
	for g.context.Err() == nil {
		e := g.current.Load()
		switch {
		case e.paused() || e.busy > 0 && id >= e.busy:
			w.idle(e)
		case e.cursor == nil:
			w.closedLoop(e)
		default:
			w.openLoop(e)
		}
	}
}

type worker struct {
	g       *Generator
	id      int
	session Session
	// reconnector is the session, if it tells what reconnecting took.
	reconnector Reconnector
	scratch     []byte
	timer       *time.Timer
	turn        chan struct{} // tells that it was handed the lead
}

// leave takes the session out of the pool.
func (w *worker) leave() {
	_ = w.session.Close() // it may be closed already
	p := &w.g.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, w.id)
}

// idle waits for another epoch. The last pause of a closed generator is never
// replaced, and a worker may come to it after Close has looked for waiting ones.
func (w *worker) idle(e *epoch) {
	select {
	case <-e.replaced:
	case <-w.g.context.Done():
	}
}

// closedLoop sends the next request as soon as the last one is answered.
func (w *worker) closedLoop(e *epoch) {
	now := e.offset()
	for w.g.current.Load() == e {
		if e.load.MaxRate > 0 {
			if !w.awaitTurn(e) {
				return
			}
			now = e.offset()
		}
		t, ok := e.admit(now)
		if !ok {
			w.idle(e)
			return
		}
		if now, ok = w.send(e, t, now); !ok {
			w.rest(e, w.g.opts.BackOff)
			now = e.offset()
		}
	}
}

// awaitTurn waits until the closed loop may send again by its greatest rate; it
// is false when the epoch is replaced meanwhile. One worker at a time waits for
// the instant, so that few are reserved in vain.
func (w *worker) awaitTurn(e *epoch) bool {
	if !e.lead.take(w.turn, e.replaced) {
		return false
	}
	waited := w.waitUntil(e, e.turn(e.offset()))
	e.lead.pass()
	return waited
}

// openLoop waits for the lead, keeps the schedule until the next intended
// instant, hands the lead on and sends.
func (w *worker) openLoop(e *epoch) {
	if !e.lead.take(w.turn, e.replaced) {
		return
	}
	at, more := e.next(e.offset())
	if !more {
		w.idle(e)
		return
	}
	if !w.waitUntil(e, at) {
		return
	}
	t, ok := e.admit(at)
	if !ok { // the lead is kept: nobody else may send either
		w.idle(e)
		return
	}
	w.g.grow(e, e.lead.pass())
	w.send(e, t, e.offset())
}

// send carries one request and records it. It returns when the session was free
// again and whether the request was a success.
func (w *worker) send(e *epoch, t ticket, sent time.Duration) (free time.Duration, ok bool) {
	body, content := w.g.opts.Bodies.Body(t.k, w.scratch)
	if content != nil {
		w.scratch = content
	}
	w.g.inFlight.Add(1)
	outcome := w.session.Do(Request{K: t.k, Body: body, Content: content})
	free = e.offset()
	done := free // when the answer came
	if w.reconnector != nil {
		done -= w.reconnector.Aside()
	}
	w.g.inFlight.Add(-1)
	e.record(w.id, t, sent, done, outcome)
	if outcome.Class != OK {
		return free, false
	}
	w.g.books.answer(done - sent)
	now := w.g.current.Load()
	now.complete(w.id, done-now.start.Sub(e.start))
	return free, true
}

// fine is how long before an instant the precise sleep takes over from the timer.
const fine = 2 * time.Millisecond

// waitUntil returns at an offset, or false as soon as the epoch is replaced.
func (w *worker) waitUntil(e *epoch, at time.Duration) bool {
	left := at - e.offset()
	coarse := left
	if w.g.opts.Sleep != nil {
		coarse -= fine
	}
	if coarse > 0 && !w.rest(e, coarse) {
		return false
	}
	if w.g.opts.Sleep != nil && left > 0 {
		w.g.opts.Sleep(e.start.Add(at))
	}
	return true
}

// rest waits by a timer; it is false when the epoch is replaced meanwhile.
func (w *worker) rest(e *epoch, d time.Duration) bool {
	if w.timer == nil {
		w.timer = time.NewTimer(d)
	} else {
		w.timer.Reset(d)
	}
	select {
	case <-w.timer.C:
		return true
	case <-e.replaced:
		w.timer.Stop()
		return false
	}
}
