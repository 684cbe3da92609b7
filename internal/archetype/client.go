package archetype

import (
	"math"
	"math/rand/v2"

	"plimsoll/capacity"
)

// Client holds trials against a server in virtual time. The load of one trial
// goes on until the next one starts, and what a trial leaves queued is found by
// the next.
type Client struct {
	MaxRate float64 // the generator's own limit, per second; 0: none

	server   Server
	rng      *rand.Rand
	now      float64
	rate     float64 // open loop
	parallel int     // closed loop
	arrival  float64 // next one of the open loop
	inflight int
	sent     int
	window   window
	buffer   []Answer
}

// window is the measured part of a trial.
type window struct {
	from, to   float64
	first      int // id of the first measured request
	measured   []measured
	completed  []float64 // instants of good answers, whenever their requests were intended
	mostFlight int
	over       bool
	unsettled  int
}

type measured struct {
	intended, done float64
	ok, throttled  bool
}

// NewClient is a client that has sent nothing.
func NewClient(s Server, seed uint64) *Client {
	return &Client{server: s, rng: rand.New(rand.NewPCG(seed, 77)), window: window{from: math.Inf(1), to: math.Inf(1)}}
}

// advance plays until an instant, or until stop says so after an event.
func (c *Client) advance(until float64, stop func() bool) {
	for {
		at, sends := c.server.Next(), false
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

func (c *Client) answered() {
	c.buffer = c.server.Step(c.now, c.buffer[:0])
	w := &c.window
	for _, o := range c.buffer {
		c.inflight--
		if o.OK && c.now >= w.from && c.now < w.to && !w.over {
			w.completed = append(w.completed, c.now)
		}
		if i := o.ID - w.first; i >= 0 && i < len(w.measured) {
			m := &w.measured[i]
			m.done, m.ok, m.throttled = c.now, o.OK, o.Throttled
			w.unsettled--
		}
	}
	c.fill()
}

func (c *Client) fill() {
	for c.parallel > 0 && c.inflight < c.parallel {
		c.send()
	}
}

func (c *Client) send() {
	w := &c.window
	if c.now >= w.from && c.now < w.to && !w.over {
		if len(w.measured) == 0 {
			w.first = c.sent
		}
		w.measured = append(w.measured, measured{intended: c.now, done: math.Inf(1)})
		w.unsettled++
	}
	c.inflight++
	c.server.Arrive(c.now, c.sent)
	c.sent++
	if w.mostFlight > 0 && c.inflight > w.mostFlight && c.now >= w.from {
		w.over = true
	}
}

// Hold executes a trial.
func (c *Client) Hold(t capacity.Trial) capacity.Observation {
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
