package loadgen

import (
	"sync"
	"time"

	"plimsoll/latency"
)

// BinCount is the number of equal slices that the measured window is counted by, unless
// Load.Bins says otherwise.
const BinCount = 120

// Bin is one slice of the measured window.
type Bin struct {
	Offered   int64          // requests intended in it, dropped ones included
	Successes int64          // of those: answered well
	Failed    int64          // of those: failed or dropped
	Slow      [MaxSlow]int64 // of those: not answered well within Load.SlowAbove[i], whatever the reason
	Completed int64          // good answers that arrived in it, whenever they were intended
	Response  time.Duration  // sum of the response times of its successes
}

// Single is one request of the window.
type Single struct {
	At     time.Duration // intended, from the window's start
	Took   time.Duration // response time of a good answer; -1 for any other outcome
	Failed time.Duration // how long another outcome took; 0 for none
}

// end notes how a request ended.
func (s *Single) end(took time.Duration, class Class) {
	if class == OK {
		s.Took = took
		return
	}
	s.Failed = took
}

// shard is what some of the workers record. Its lock is held for the few writes only.
type shard struct {
	mu       sync.Mutex
	sealed   bool
	counts   Counts
	response *latency.Histogram
	service  *latency.Histogram
	lateness *latency.Histogram
	stream   *StreamTimes // nil until an answer came in parts
	bins     []Bin
	samples  []Sample
}

func newShard(bins int) *shard {
	return &shard{response: latency.New(), service: latency.New(), lateness: latency.New(), bins: make([]Bin, bins)}
}

// drop counts a request that was not sent.
func (s *shard) drop(slice int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Dropped++
	s.bins[slice].Failed++
	for i := range s.bins[slice].Slow {
		s.bins[slice].Slow[i]++
	}
}

// record enters the outcome of one request.
func (e *epoch) record(worker int, t ticket, sent, done time.Duration, o Outcome) {
	if !t.measured && t.intended < e.from {
		e.early.Add(1)
		if sent-t.intended > e.opts.LateAfter {
			e.earlyLate.Add(1)
		}
	}
	s := e.shards[worker%len(e.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed {
		return // it counted as unanswered when the books were closed
	}
	s.counts.Reconnects += int64(o.Reconnects)
	if t.measured {
		s.enter(e, t.intended, sent, done, o)
		if t.rank > 0 {
			e.mu.Lock()
			e.first[t.rank-1].end(done-t.intended, o.Class)
			e.mu.Unlock()
		}
		e.outstanding.Add(-1)
	}
}

// complete counts a good answer that arrived now, whichever load its request
// belongs to: it is this load's throughput.
func (e *epoch) complete(worker int, done time.Duration) {
	if e.paused() || !e.measured(done) {
		return
	}
	s := e.shards[worker%len(e.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sealed {
		s.counts.Completed++
		s.bins[e.slice(done)].Completed++
	}
}

func (s *shard) enter(e *epoch, intended, sent, done time.Duration, o Outcome) {
	response, late := done-intended, max(sent-intended, 0)
	bin := &s.bins[e.slice(intended)]
	s.counts.Received += o.Received
	s.lateness.Record(late)
	if late > e.opts.LateAfter {
		s.counts.Late++
	}
	for i, limit := range e.load.SlowAbove {
		if o.Class != OK || response > limit {
			bin.Slow[i]++
		}
	}
	if o.Class != OK {
		bin.Failed++
		s.counts.Errors[o.Class]++
		s.keepSample(o)
		return
	}
	bin.Successes++
	bin.Response += response
	s.counts.Successes++
	s.response.Record(response)
	s.service.Record(done - sent)
	if o.Stream != nil {
		if s.stream == nil {
			s.stream = newStreamTimes()
		}
		s.stream.record(*o.Stream, sent-intended, done-sent)
	}
}

// keepSample keeps the first words of each kind of failure.
func (s *shard) keepSample(o Outcome) {
	for _, have := range s.samples {
		if have.Class == o.Class && have.Status == o.Status {
			return
		}
	}
	if len(s.samples) < 16 {
		s.samples = append(s.samples, Sample{Class: o.Class, Status: o.Status, Detail: string(o.Detail)})
	}
}

// usage is the processor time over the measured window: the generator's own, and
// that of the whole machine.
type usage struct {
	opts         Options
	cpu          time.Duration
	busy, total  time.Duration
	share        float64
	machineShare float64
}

func (u *usage) begin() {
	if u.opts.CPU != nil {
		u.cpu = u.opts.CPU()
	}
	if u.opts.Machine != nil {
		u.busy, u.total = u.opts.Machine()
	}
}

func (u *usage) end(window time.Duration) {
	if window <= 0 {
		return
	}
	if u.opts.CPU != nil {
		u.share = float64(u.opts.CPU()-u.cpu) / float64(window)
	}
	if u.opts.Machine != nil {
		if busy, total := u.opts.Machine(); total > u.total {
			u.machineShare = float64(busy-u.busy) / float64(total-u.total)
		}
	}
}
