package loadgen

import (
	"sync"
	"time"

	"plimsoll/latency"
)

// BinCount is the number of equal slices that the measured window is counted by.
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

// shard is what some of the workers record. Its lock is held for the few writes only.
type shard struct {
	mu       sync.Mutex
	sealed   bool
	counts   Counts
	response *latency.Histogram
	service  *latency.Histogram
	lateness *latency.Histogram
	bins     []Bin
	samples  []Sample
}

func newShard() *shard {
	return &shard{response: latency.New(), service: latency.New(), lateness: latency.New(), bins: make([]Bin, BinCount)}
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
	s := e.shards[worker%len(e.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sealed {
		return // it counted as unanswered when the books were closed
	}
	s.counts.Reconnects += int64(o.Reconnects)
	if o.Class == OK && e.measured(done) {
		s.counts.Completed++
		s.bins[e.slice(done)].Completed++
	}
	if t.measured {
		s.enter(e, t.intended, sent, done, o)
		e.outstanding.Add(-1)
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

// usage is the processor time over the measured window.
type usage struct {
	read   func() time.Duration
	before time.Duration
	share  float64
	ended  bool
}

func (u *usage) begin() { u.before = u.read() }

func (u *usage) end(window time.Duration) {
	if window > 0 {
		u.share = float64(u.read()-u.before) / float64(window)
	}
	u.ended = true
}
