package loadgen

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"plimsoll/latency"
)

// Counts are the requests of a measured window by what became of them.
//
//	Requests = Successes + sum of Errors + Dropped + Unanswered
type Counts struct {
	Requests   int64             // intended within the window
	Successes  int64             // answered well
	Errors     [NumClasses]int64 // failed, by class; Errors[OK] is zero
	Dropped    int64             // not sent: more than Options.DropAfter late, or not yet due for a free session at the end
	Unanswered int64             // sent, without an answer when patience ended
	Late       int64             // sent more than Options.LateAfter late
	Completed  int64             // good answers that arrived within the window, whenever they were intended
	Received   int64             // bytes of the answers' bodies
	Reconnects int64             // connections opened anew by sessions
}

// Failed is the number of requests that were not answered well for a known reason.
func (c Counts) Failed() int64 {
	n := c.Dropped
	for _, e := range c.Errors {
		n += e
	}
	return n
}

func (c *Counts) add(o Counts) {
	c.Successes += o.Successes
	for i := range c.Errors {
		c.Errors[i] += o.Errors[i]
	}
	c.Dropped += o.Dropped
	c.Late += o.Late
	c.Completed += o.Completed
	c.Received += o.Received
	c.Reconnects += o.Reconnects
}

// Sample is the first failure of its kind, in the server's words where it had any.
type Sample struct {
	Class  Class
	Status int
	Detail string
}

// Client is what the generator knows of itself during a window.
type Client struct {
	CPU          float64 // processor seconds per second of the window; 0 when unknown
	CPUKnown     bool
	Machine      float64 // share of the whole machine's processor time that was busy; 0 when unknown
	Procs        int     // processors that it may use
	Sessions     int     // open sessions at the end
	Grown        int64   // sessions opened while the load was held
	OpenFailures int64   // sessions that could not be opened meanwhile
	OpenFailure  string  // why the first of them could not
	InFlight     int64   // in a snapshot: requests in flight
}

// Measurement is one load as it was held.
type Measurement struct {
	Load     Load
	Start    time.Time     // when the load began, settling included
	Window   time.Duration // length of the measured window as held
	Elapsed  time.Duration // all that Run took, draining and patience included
	Counts   Counts
	Response *latency.Histogram // successes, from the intended instant
	Service  *latency.Histogram // successes, from the send
	Lateness *latency.Histogram // every send: from the intended instant to the send
	Stream   *StreamTimes       // of answers that came in parts; nil where there was none
	Bins     []Bin              // equal slices of Load.Measure
	First    []Single           // the window's first requests of a schedule, by At; at most Load.Singles
	Samples  []Sample
	Client   Client
	// NextRequest is the number after the last request that was issued.
	NextRequest uint64
	Sent        int64 // requests that the generator has sent in all its life until now
	Early       int64 // requests sent while the load settled
	EarlyLate   int64 // of those: sent more than Options.LateAfter late
	Overloaded  bool  // the window ended early: Load.MaxInFlight was passed
	Spent       bool  // the window ended early: Load.MaxRequests were sent
	Interrupted bool  // the window ended early: the context ended
}

// OfferedPerSecond is the number of requests intended in the window over its length.
func (m Measurement) OfferedPerSecond() float64 { return m.perSecond(m.Counts.Requests) }

// AchievedPerSecond is the number of good answers that arrived within the window
// over its length.
func (m Measurement) AchievedPerSecond() float64 { return m.perSecond(m.Counts.Completed) }

func (m Measurement) perSecond(n int64) float64 {
	if m.Window <= 0 {
		return 0
	}
	return float64(n) / m.Window.Seconds()
}

// SuccessRatio is the share of the window's requests that were answered well; 0
// when there was none.
func (m Measurement) SuccessRatio() float64 {
	if m.Counts.Requests == 0 {
		return 0
	}
	return float64(m.Counts.Successes) / float64(m.Counts.Requests)
}

// collect merges the shards as they are.
func (e *epoch) collect() Measurement {
	m := e.blank()
	m.Service, m.Lateness = latency.New(), latency.New()
	for _, s := range e.shards {
		s.mu.Lock()
		m.merge(s)
		m.Service.Merge(s.service)
		m.Lateness.Merge(s.lateness)
		s.mu.Unlock()
	}
	e.addOffered(&m)
	return m
}

// breath is how long a glance pauses between its parts. Yielding is not enough: Go's
// scheduler looks for answers only when nothing else is ready, and the glance would be.
const breath = time.Millisecond

// glance is collect for a live view. With one processor, all of it at once would make the
// requests of two milliseconds late, and two looks a second are enough to be seen in the
// 99th percentile: so it leaves out what a view does not show, and pauses between its parts.
func (e *epoch) glance() Measurement {
	m := e.blank()
	for _, s := range e.shards {
		time.Sleep(breath)
		s.mu.Lock()
		m.merge(s)
		s.mu.Unlock()
	}
	e.addOffered(&m)
	return m
}

// blank is a measurement with nothing of the shards in it.
func (e *epoch) blank() Measurement {
	return Measurement{
		Load: e.load, Start: e.start, Window: min(max(e.offset(), e.from), time.Duration(e.to.Load())) - e.from,
		Response: latency.New(), Bins: make([]Bin, e.load.bins()),
		Overloaded: e.overloaded.Load(), Spent: e.spent.Load(), Sent: e.books.sent.Load(),
	}
}

func (e *epoch) addOffered(m *Measurement) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m.First = slices.Clone(e.first)
	slices.SortStableFunc(m.First, func(a, b Single) int { return cmp.Compare(a.At, b.At) })
	for i, n := range e.offered {
		m.Bins[i].Offered = n
		m.Counts.Requests += n
	}
}

// seal closes the books: whatever is still open is unanswered, whatever was not
// drawn from the schedule yet is dropped.
func (e *epoch) seal(elapsed time.Duration) Measurement {
	next := e.dropUndrawn()
	for _, s := range e.shards {
		s.mu.Lock()
		s.sealed = true
		s.mu.Unlock()
	}
	m := e.collect()
	m.settleUnanswered()
	m.Early, m.EarlyLate = e.early.Load(), e.earlyLate.Load()
	m.Elapsed, m.NextRequest, m.Interrupted = elapsed, next, e.interrupted
	m.Client = Client{
		CPU: e.usage.share, CPUKnown: e.opts.CPU != nil, Machine: e.usage.machineShare, Procs: e.opts.Procs,
		Grown: e.grown.Load(), OpenFailures: e.openFailures.Load(),
	}
	if why := e.openFailure.Load(); why != nil {
		m.Client.OpenFailure = (*why).Error()
	}
	return m
}

// dropUndrawn counts the requests that were intended in the window and that no
// session was free to take. It returns the number after the last request.
func (e *epoch) dropUndrawn() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.cursor != nil && !e.ended && int64(e.drawn) < e.to.Load() {
		if e.draw() {
			e.drop()
		}
	}
	return e.books.next.Load()
}

// settleUnanswered enters the requests that were sent and are still open, as
// slow ones of the slices in which they were intended.
func (m *Measurement) settleUnanswered() {
	for i := range m.Bins {
		b := &m.Bins[i]
		open := b.Offered - b.Successes - b.Failed
		m.Counts.Unanswered += open
		for j := range b.Slow {
			b.Slow[j] += open
		}
	}
}

// merge adds what a live view shows of a shard.
func (m *Measurement) merge(s *shard) {
	m.Counts.add(s.counts)
	m.Response.Merge(s.response)
	if s.stream != nil {
		if m.Stream == nil {
			m.Stream = newStreamTimes()
		}
		m.Stream.merge(s.stream)
	}
	for i, b := range s.bins {
		sum := &m.Bins[i]
		sum.Successes += b.Successes
		sum.Failed += b.Failed
		sum.Completed += b.Completed
		sum.Response += b.Response
		for j := range sum.Slow {
			sum.Slow[j] += b.Slow[j]
		}
	}
	for _, sample := range s.samples {
		m.addSample(sample)
	}
}

func (m *Measurement) addSample(s Sample) {
	for _, have := range m.Samples {
		if have.Class == s.Class && have.Status == s.Status {
			return
		}
	}
	m.Samples = append(m.Samples, s)
}

// Limits are the bounds past which a measurement says more about the generator
// than about the target.
type Limits struct {
	// Lateness is what at most 1 % of the sends may exceed; 0 is 2 ms.
	Lateness time.Duration
	// Held is the least share of the intended requests that must have been sent;
	// 0 is 0.98.
	Held float64
	// CPU is the greatest share of its processors that the generator may have
	// used; 0 is 0.85.
	CPU float64
}

// Doubts are the reasons why the generator did not hold the load, each one
// clause with the figure and its limit. None means that the measurement is valid.
func (m Measurement) Doubts(l Limits) []string {
	if l.Lateness == 0 {
		l.Lateness = 2 * time.Millisecond
	}
	if l.Held == 0 {
		l.Held = 0.98
	}
	if l.CPU == 0 {
		l.CPU = 0.85
	}
	var out []string
	doubt := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if n := m.Lateness.Count(); m.Load.Schedule != nil && m.Lateness.CountAbove(l.Lateness) > tolerated(n) {
		doubt("%.3g %% of %d sends left more than %v late (limit 1 %%)", 100*float64(m.Lateness.CountAbove(l.Lateness))/float64(n), n, l.Lateness)
	}
	// An overload before the window has no lateness in the books. If sends were
	// late by then, it may be the generator that fell behind.
	if m.Overloaded && m.Counts.Requests == 0 && float64(m.EarlyLate) > (1-l.Held)*float64(m.Early) {
		doubt("%d of %d sends were late before the load was found too high", m.EarlyLate, m.Early)
	}
	if n := m.Counts.Requests; n > 0 && float64(m.Counts.Dropped) > (1-l.Held)*float64(n) {
		doubt("%d of %d requests were not sent (limit %.3g %%)", m.Counts.Dropped, n, 100*(1-l.Held))
	}
	if c := m.Client; c.CPUKnown && c.CPU > l.CPU*float64(c.Procs) {
		doubt("the generator used %.2f of %d processors (limit %.3g %%)", c.CPU, c.Procs, 100*l.CPU)
	}
	if n := m.Counts.Errors[Unauthorized]; n > 0 { // it says nothing of the target's load, whatever their share
		doubt("%d requests were refused for their credentials or permission", n)
	}
	if n := m.Counts.Errors[Exhausted]; n > 0 { // nor does this
		doubt("%d requests found no file or local port left on this machine for a connection; plimsoll doctor shows its limits", n)
	}
	if c := m.Client; c.OpenFailures > 0 {
		why := ""
		if c.OpenFailure != "" {
			why = ": " + c.OpenFailure
		}
		doubt("%d connections could not be opened%s", c.OpenFailures, why)
	}
	return out
}

// tolerated is how many of n sends may be very late: one in a hundred, and what
// chance adds to that in a small sample (two standard deviations and one).
func tolerated(n int64) int64 {
	mean := float64(n) / 100
	return int64(mean + 2*math.Sqrt(mean) + 1)
}

// Unmeasured is the measurement of a load that could not be held at all: empty.
func Unmeasured(l Load) Measurement {
	return Measurement{
		Load: l, Response: latency.New(), Service: latency.New(), Lateness: latency.New(), Bins: make([]Bin, l.bins()),
	}
}
