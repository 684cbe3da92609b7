package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"plimsoll/arrival"
	"plimsoll/httptarget"
	"plimsoll/internal/host"
	"plimsoll/loadgen"
)

// The kinds of a block.
const (
	openLoop   = "open"
	closedLoop = "closed"
)

// block is one load that was held, as it is kept.
type block struct {
	Server     string    `json:"server"`
	Kind       string    `json:"kind"`
	Objective  string    `json:"objective"`
	Rate       float64   `json:"rate_per_second,omitempty"` // open loop: intended
	Parallel   int       `json:"concurrency,omitempty"`     // closed loop
	Seed       uint64    `json:"seed"`
	Started    time.Time `json:"started"`
	Seconds    float64   `json:"seconds"` // of the measured window
	Requests   int64     `json:"requests"`
	Bad        int64     `json:"bad"`    // of those: not answered well within the limit, for whatever reason
	Failed     int64     `json:"failed"` // of those: answered badly, or not sent
	Throttled  int64     `json:"throttled"`
	Unanswered int64     `json:"unanswered"`
	Completed  int64     `json:"completed"` // good answers within the window
	P50        float64   `json:"p50_ms"`
	P99        float64   `json:"p99_ms"`
	Overloaded bool      `json:"overloaded,omitempty"` // the window ended early: hopelessly many were in flight
	Client     lateness  `json:"client_late"`
	Answers    *lateness `json:"server_late,omitempty"` // unknown of a real server
	CPU        float64   `json:"cpu"`                   // processors that this process used: generators, and modelled servers
	Machine    float64   `json:"machine_busy"`          // share of the whole machine
	Doubts     []string  `json:"doubts,omitempty"`      // why it is left out
}

// bodies is the same body for every request.
type bodies struct{}

// Body is the first one, as it is.
func (bodies) Body(uint64, []byte) (index int, content []byte) { return 0, nil }

const (
	content     = "5.1,3.5,1.4,0.2\n"
	contentType = "text/csv"
)

// holder holds blocks against one server.
type holder struct {
	subject   subject
	endpoint  *endpoint
	generator *loadgen.Generator
}

// newHolder starts a server and what sends to it.
func newHolder(ctx context.Context, s subject, seed uint64, sleeper *host.Sleeper) (*holder, error) {
	e, err := s.start(ctx, seed, true)
	if err != nil {
		return nil, err
	}
	target, err := httptarget.New(httptarget.Options{URL: e.url, Bodies: []httptarget.Body{{Content: []byte(content), ContentType: contentType}}})
	if err == nil {
		var g *loadgen.Generator
		g, err = loadgen.New(ctx, loadgen.Options{
			Target: target, Bodies: bodies{}, Sleep: sleeper.Until, CPU: host.CPU, Machine: host.Machine, Procs: runtime.GOMAXPROCS(0),
		})
		if err == nil {
			return &holder{subject: s, endpoint: e, generator: g}, nil
		}
	}
	_ = e.close() // what went wrong first is told
	return nil, err
}

func (h *holder) close() error {
	h.generator.Close()
	return h.endpoint.close()
}

// hold is one block: open at a rate, closed with so many in flight.
func (h *holder) hold(ctx context.Context, rate float64, parallel int, seed uint64, settle, measure time.Duration) (block, error) {
	limit := h.subject.objective.Limit
	load := loadgen.Load{Settle: settle, Measure: measure, Patience: 2*limit + time.Second, SlowAbove: []time.Duration{limit}, Bins: 1}
	b := block{Server: h.subject.name, Kind: openLoop, Objective: h.subject.objective.String(), Rate: rate, Parallel: parallel, Seed: seed}
	if parallel > 0 {
		b.Kind, load.Concurrency = closedLoop, parallel
	} else {
		load.Schedule = arrival.Poisson{Rate: arrival.Rate(rate), Seed: seed}
		load.MaxInFlight = int(20*rate*limit.Seconds()) + 500
	}
	if h.endpoint.lateness != nil {
		h.endpoint.lateness()
	}
	m, err := h.generator.Run(ctx, load)
	if err != nil {
		return b, err
	}
	b.enter(m, limit)
	if h.endpoint.lateness != nil {
		late := h.endpoint.lateness()
		b.Answers = &late
		b.Doubts = append(b.Doubts, late.doubts(limit)...)
	}
	if b.Overloaded {
		h.generator.Pause()
	}
	return b, nil
}

// doubts are of answers that a modelled server gave late. Half of them by 1 % of the limit
// would move the peak by about 1 % of its distance from the saturation; the latest one in a
// hundred may be as late as the latest sends.
func (l lateness) doubts(limit time.Duration) (out []string) {
	if bound := max(200*time.Microsecond, limit/100); l.P50 > millis(bound) {
		out = append(out, fmt.Sprintf("half of the server's answers were more than %.3g ms late (limit %v)", l.P50, bound))
	}
	if bound := sendLate(limit); l.P99 > millis(bound) {
		out = append(out, fmt.Sprintf("1 %% of the server's answers were more than %.3g ms late (limit %v)", l.P99, bound))
	}
	return out
}

// sendLate is what at most 1 % of the sends may be late, as experiment has it for trials.
func sendLate(limit time.Duration) time.Duration { return max(2*time.Millisecond, limit/20) }

func (b *block) enter(m loadgen.Measurement, limit time.Duration) {
	b.Started, b.Seconds = m.Start, m.Window.Seconds()
	b.Requests, b.Failed, b.Completed = m.Counts.Requests, m.Counts.Failed(), m.Counts.Completed
	b.Throttled, b.Unanswered = m.Counts.Errors[loadgen.Throttled], m.Counts.Unanswered
	for _, bin := range m.Bins {
		b.Bad += bin.Slow[0]
	}
	if b.Overloaded = m.Overloaded; b.Overloaded {
		b.Bad = b.Requests // those in flight would have been late
	}
	b.P50, b.P99 = millis(m.Response.Quantile(0.5)), millis(m.Response.Quantile(0.99))
	b.Client = latenessOf(m.Lateness)
	b.CPU, b.Machine = m.Client.CPU, m.Client.Machine
	b.Doubts = m.Doubts(loadgen.Limits{Lateness: sendLate(limit)})
}
