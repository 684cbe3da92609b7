package capacity

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"
)

// The bench: a client that executes trials in virtual time as the generator does
// in real time, against modelled endpoints. The load of one trial goes on until
// the next one starts, and what a trial leaves queued is found by the next.

// outcome of one request.
type outcome struct {
	id        int
	at        float64
	ok        bool
	throttled bool
}

// endpoint is a server in virtual time.
type endpoint interface {
	arrive(now float64, id int)
	next() float64                                 // time of the next answer or internal event, +Inf for none
	step(now float64, answers []outcome) []outcome // handle what is due
}

// heap of outcomes by time; ties by id, so that runs replay.
type answerHeap []outcome

func (h *answerHeap) push(o outcome) {
	*h = append(*h, o)
	a := *h
	for i := len(a) - 1; i > 0; {
		parent := (i - 1) / 2
		if !earlier(a[i], a[parent]) {
			break
		}
		a[i], a[parent] = a[parent], a[i]
		i = parent
	}
}

func earlier(a, b outcome) bool { return a.at < b.at || a.at == b.at && a.id < b.id }

func (h *answerHeap) pop() outcome {
	a := *h
	top, last := a[0], len(a)-1
	a[0] = a[last]
	a = a[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && earlier(a[child+1], a[child]) {
			child++
		}
		if !earlier(a[child], a[i]) {
			break
		}
		a[i], a[child] = a[child], a[i]
		i = child
	}
	*h = a
	return top
}

func (h answerHeap) next() float64 {
	if len(h) == 0 {
		return math.Inf(1)
	}
	return h[0].at
}

// warp is a clock of work: the speed of a server over time, piecewise constant.
type warp struct {
	at, work, speed []float64
	more            func(i int) (length, speed float64) // segment i
}

func (w *warp) extend() {
	i := len(w.at)
	length, speed := w.more(i)
	if i == 0 {
		w.at, w.work = append(w.at, 0), append(w.work, 0)
	}
	n := len(w.speed)
	w.speed = append(w.speed, speed)
	w.at = append(w.at, w.at[n]+length)
	w.work = append(w.work, w.work[n]+length*speed)
}

func (w *warp) done(t float64) float64 {
	if w == nil {
		return t
	}
	for len(w.at) == 0 || w.at[len(w.at)-1] <= t {
		w.extend()
	}
	i := sort.SearchFloat64s(w.at, t)
	i = max(0, i-1)
	return w.work[i] + (t-w.at[i])*w.speed[i]
}

func (w *warp) when(work float64) float64 {
	if w == nil {
		return work
	}
	for len(w.work) == 0 || w.work[len(w.work)-1] <= work {
		w.extend()
	}
	i := max(0, sort.SearchFloat64s(w.work, work)-1)
	if w.speed[i] == 0 {
		return w.at[i+1]
	}
	return w.at[i] + (work-w.work[i])/w.speed[i]
}

const refusalTime = 0.001 // s until a refusal has come back

// fifo is c workers behind one queue, with everything that a first-come
// first-served endpoint can have: a bound, pauses, a throttle, a slow start.
type fifo struct {
	rng                                   *rand.Rand
	free                                  []float64 // work time at which each worker is free
	service                               func(rng *rand.Rand, k int) float64
	room                                  int // greatest number in the system; 0: unbounded
	speed                                 *warp
	throttleRate, burst, tokens, refilled float64
	served                                int
	dieAt                                 float64 // from then on, everything fails
	failing                               float64 // share that fails anyhow
	answers                               answerHeap
	inside                                int
}

func (f *fifo) arrive(now float64, id int) {
	if f.dieAt > 0 && now > f.dieAt {
		f.answers.push(outcome{id: -id - 1, at: now + refusalTime})
		return
	}
	if f.throttleRate > 0 && !f.pass(now) {
		f.answers.push(outcome{id: -id - 1, at: now + refusalTime, throttled: true})
		return
	}
	if f.room > 0 && f.inside >= f.room || f.failing > 0 && f.rng.Float64() < f.failing {
		f.answers.push(outcome{id: -id - 1, at: now + refusalTime})
		return
	}
	f.inside++
	first := 0
	for i, at := range f.free {
		if at < f.free[first] {
			first = i
		}
	}
	end := max(f.speed.done(now), f.free[first]) + f.service(f.rng, f.served)
	f.served++
	f.free[first] = end
	f.answers.push(outcome{id: id, at: f.speed.when(end), ok: true})
}

func (f *fifo) pass(now float64) bool {
	f.tokens = min(f.burst, f.tokens+(now-f.refilled)*f.throttleRate)
	f.refilled = now
	if f.tokens < 1 {
		return false
	}
	f.tokens--
	return true
}

func (f *fifo) next() float64 { return f.answers.next() }

func (f *fifo) step(now float64, out []outcome) []outcome {
	for f.answers.next() <= now {
		o := f.answers.pop()
		if o.ok {
			f.inside--
		} else {
			o.id = -o.id - 1
		}
		out = append(out, o)
	}
	return out
}

// sharing is a processor-sharing endpoint: n requests in service progress at
// speed(n) each; beyond so many threads they wait.
type sharing struct {
	rng     *rand.Rand
	service func(rng *rand.Rand) float64
	speed   func(n int) float64
	threads int
	jobs    answerHeap // at is in virtual work
	waiting []int
	virtual float64
	clock   float64
}

func (p *sharing) advance(now float64) {
	if n := len(p.jobs); n > 0 {
		p.virtual += (now - p.clock) * p.speed(n)
	}
	p.clock = now
}

func (p *sharing) arrive(now float64, id int) {
	p.advance(now)
	if len(p.jobs) >= p.threads {
		p.waiting = append(p.waiting, id)
		return
	}
	p.jobs.push(outcome{id: id, at: p.virtual + p.service(p.rng), ok: true})
}

func (p *sharing) next() float64 {
	if len(p.jobs) == 0 {
		return math.Inf(1)
	}
	return p.clock + max(0, p.jobs[0].at-p.virtual)/p.speed(len(p.jobs))
}

func (p *sharing) step(now float64, out []outcome) []outcome {
	p.advance(now)
	for len(p.jobs) > 0 && p.jobs[0].at <= p.virtual+1e-9 {
		o := p.jobs.pop()
		o.at = now
		out = append(out, o)
		if len(p.waiting) > 0 {
			p.jobs.push(outcome{id: p.waiting[0], at: p.virtual + p.service(p.rng), ok: true})
			p.waiting = p.waiting[1:]
		}
	}
	return out
}

// batcher collects requests into batches: it starts one when a device is free
// and the batch is full or its oldest request has waited the delay.
type batcher struct {
	size           int
	fixed, perItem float64
	delay          float64
	devices        int
	busy           int
	queue          []outcome // at: arrival
	answers        answerHeap
	done           []float64 // ends of running batches, ascending
}

func (b *batcher) arrive(now float64, id int) {
	b.queue = append(b.queue, outcome{id: id, at: now, ok: true})
	b.start(now)
}

func (b *batcher) start(now float64) {
	for b.busy < b.devices && len(b.queue) > 0 && (len(b.queue) >= b.size || now >= b.queue[0].at+b.delay-1e-12) {
		n := min(b.size, len(b.queue))
		end := now + b.fixed + b.perItem*float64(n)
		for _, o := range b.queue[:n] {
			o.at = end
			b.answers.push(o)
		}
		b.queue = b.queue[n:]
		b.busy++
		b.done = append(b.done, end)
		slices.Sort(b.done)
	}
}

func (b *batcher) next() float64 {
	next := b.answers.next()
	if b.busy < b.devices && len(b.queue) > 0 {
		next = min(next, b.queue[0].at+b.delay)
	}
	if len(b.done) > 0 {
		next = min(next, b.done[0])
	}
	return next
}

func (b *batcher) step(now float64, out []outcome) []outcome {
	for b.answers.next() <= now {
		out = append(out, b.answers.pop())
	}
	for len(b.done) > 0 && b.done[0] <= now {
		b.done = b.done[1:]
		b.busy--
	}
	b.start(now)
	return out
}

// client executes trials against an endpoint.
type client struct {
	end      endpoint
	rng      *rand.Rand
	now      float64
	rate     float64 // open loop
	parallel int     // closed loop
	arrival  float64 // next one of the open loop
	inflight int
	sent     int
	maxRate  float64 // the generator's own limit; 0: none
	window   window
	buffer   []outcome
}

// window is the measured part of a trial.
type window struct {
	from, to   float64
	first      int // id of the first measured request
	measured   []measured
	mostFlight int
	over       bool
	unsettled  int
}

type measured struct {
	intended, done float64
	ok, throttled  bool
}

func newClient(e endpoint, seed uint64) *client {
	return &client{end: e, rng: rand.New(rand.NewPCG(seed, 77)), window: window{from: math.Inf(1), to: math.Inf(1)}}
}

// advance plays until an instant, or until stop says so after an event.
func (c *client) advance(until float64, stop func() bool) {
	for {
		at, sends := c.end.next(), false
		if c.rate > 0 && c.arrival < at {
			at, sends = c.arrival, true
		}
		if at >= until {
			c.now = max(c.now, until)
			return
		}
		c.now = at
		if sends {
			c.send()
			c.arrival += c.rng.ExpFloat64() / c.rate
		} else {
			c.answered()
		}
		if stop != nil && stop() {
			return
		}
	}
}

func (c *client) answered() {
	c.buffer = c.end.step(c.now, c.buffer[:0])
	for _, o := range c.buffer {
		c.inflight--
		if i := o.id - c.window.first; i >= 0 && i < len(c.window.measured) {
			m := &c.window.measured[i]
			m.done, m.ok, m.throttled = c.now, o.ok, o.throttled
			c.window.unsettled--
		}
	}
	c.fill()
}

func (c *client) fill() {
	for c.parallel > 0 && c.inflight < c.parallel {
		c.send()
	}
}

func (c *client) send() {
	w := &c.window
	if c.now >= w.from && c.now < w.to && !w.over {
		if len(w.measured) == 0 {
			w.first = c.sent
		}
		w.measured = append(w.measured, measured{intended: c.now, done: math.Inf(1)})
		w.unsettled++
	}
	c.inflight++
	c.end.arrive(c.now, c.sent)
	c.sent++
	if w.mostFlight > 0 && c.inflight > w.mostFlight && c.now >= w.from {
		w.over = true
	}
}

// hold executes a trial.
func (c *client) hold(t Trial) Observation {
	began := c.now
	if t.Drain > 0 {
		c.rate, c.parallel = 0, 0
		c.advance(c.now+t.Drain.Seconds(), func() bool { return c.inflight == 0 })
	}
	c.window = window{from: math.Inf(1), to: math.Inf(1), first: math.MaxInt}
	c.rate, c.parallel = t.Rate, t.Concurrency
	c.arrival = math.Inf(1)
	if t.Rate > 0 {
		c.arrival = c.now + c.rng.ExpFloat64()/t.Rate
	}
	c.fill()
	from := c.now + t.Settle.Seconds()
	c.advance(from, nil)
	c.window.from, c.window.to, c.window.mostFlight = from, from+t.Measure.Seconds(), t.MaxInFlight
	c.advance(c.window.to, func() bool { return c.window.over })
	to := c.now
	if !c.window.over {
		to = c.window.to
	}
	patience := t.Patience.Seconds()
	if t.Patience == 0 {
		patience = 60
	}
	c.window.to = to
	if c.window.unsettled > 0 {
		c.advance(to+patience, func() bool { return c.window.unsettled == 0 })
	}
	o := c.observe(t, from, to)
	o.Elapsed = seconds(c.now - began)
	return o
}

const benchBins = 120

func (c *client) observe(t Trial, from, to float64) Observation {
	length := max(to-from, 1e-6)
	o := Observation{Window: seconds(length), Overloaded: c.window.over, Slow: make([]int64, len(t.SlowAbove)), Bins: make([]Bin, benchBins)}
	for i := range o.Bins {
		o.Bins[i].Slow = make([]int64, len(t.SlowAbove))
	}
	var times []float64
	for _, m := range c.window.measured {
		b := &o.Bins[min(benchBins-1, int(float64(benchBins)*(m.intended-from)/length))]
		b.Offered++
		o.Offered++
		answered := !math.IsInf(m.done, 1)
		switch {
		case answered && m.ok:
			b.Successes++
			o.Successes++
			b.Response += seconds(m.done - m.intended)
			times = append(times, m.done-m.intended)
		case answered:
			b.Failed++
			o.Failed++
			if m.throttled {
				o.Throttled++
			}
		default:
			o.Unanswered++
		}
		for i, limit := range t.SlowAbove {
			if !answered || !m.ok || m.done-m.intended > limit.Seconds() {
				b.Slow[i]++
				o.Slow[i]++
			}
		}
	}
	summarize(&o, times)
	if c.maxRate > 0 && float64(o.Offered)/length > c.maxRate {
		o.Doubts = []string{"sent late: the generator reached its limit"}
	}
	return o
}

func summarize(o *Observation, times []float64) {
	if len(times) == 0 {
		return
	}
	slices.SortFunc(times, cmp.Compare[float64])
	m := mean(times)
	o.Mean = seconds(m)
	o.P50 = seconds(times[(len(times)-1)/2])
	o.P99 = seconds(times[min(len(times)-1, int(math.Ceil(0.99*float64(len(times))))-1)])
	o.SquaredCV = variance(times) / (m * m)
}

// play runs a search to its end.
func play(s *Search, c *client) (Result, time.Duration, []Trial) {
	var spent time.Duration
	var trials []Trial
	for {
		t, ok := s.Next()
		if !ok {
			return s.Result(), spent, trials
		}
		o := c.hold(t)
		spent += o.Elapsed
		trials = append(trials, t)
		if err := s.Record(o); err != nil {
			panic(err)
		}
	}
}
