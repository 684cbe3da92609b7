package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"plimsoll/loadgen"
)

// late is a target that notes how much longer than the model says its answers take, to
// the microsecond: the generator's histograms keep three digits, which at ten seconds
// is ten milliseconds.
type late struct {
	loadgen.Target

	service time.Duration

	mu   sync.Mutex
	over []time.Duration
}

// Open makes a session that notes its answers.
func (l *late) Open(ctx context.Context) (loadgen.Session, error) {
	s, err := l.Target.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &lateSession{Session: s, late: l}, nil
}

type lateSession struct {
	loadgen.Session

	late *late
}

// Do sends a request and notes it.
func (s *lateSession) Do(r loadgen.Request) loadgen.Outcome {
	sent := time.Now()
	outcome := s.Session.Do(r)
	over := time.Since(sent) - s.late.service
	if outcome.Class == loadgen.OK {
		s.late.mu.Lock()
		s.late.over = append(s.late.over, over)
		s.late.mu.Unlock()
	}
	return outcome
}

// take is what was noted since the last call, in milliseconds and ascending.
func (l *late) take() []float64 {
	l.mu.Lock()
	over := l.over
	l.over = nil
	l.mu.Unlock()
	ms := make([]float64, len(over))
	for i, d := range over {
		ms[i] = d.Seconds() * 1000
	}
	slices.Sort(ms)
	return ms
}

// quantile is that of sorted values, of which there is one at least.
func quantile(values []float64, q float64) float64 { return values[int(q*float64(len(values)-1))] }
