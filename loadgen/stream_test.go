package loadgen

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/arrival"
)

// parts is a target whose answers come in three parts, 10, 30 and 60 ms after the
// send.
type parts struct{ stream Stream }

func (p *parts) Open(context.Context) (Session, error) { return p, nil }

func (p *parts) Do(Request) Outcome {
	time.Sleep(60 * time.Millisecond)
	return Outcome{Class: OK, Status: 200, Stream: &p.stream}
}

func (p *parts) Close() error { return nil }

// TestTimesOfStreams: the first byte and the gaps of every answer.
func TestTimesOfStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &parts{Stream{FirstByte: 10 * time.Millisecond, Gaps: []time.Duration{20 * time.Millisecond, 30 * time.Millisecond}, Parts: 3}}
		g, err := New(t.Context(), Options{Target: target, Bodies: oneBody{}})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		m, err := g.Run(t.Context(), Load{Schedule: arrival.Constant{Rate: 20}, Measure: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		s := m.Stream
		if s == nil || m.Counts.Successes == 0 {
			t.Fatalf("Run: got the times %v of %d successes", s, m.Counts.Successes)
		}
		n := m.Counts.Successes
		if s.Parts != 3*n || s.FirstByteService.Count() != n || s.FirstByteResponse.Count() != n || s.Gaps.Count() != 2*n {
			t.Errorf("Run: %d parts, %d and %d first bytes, %d gaps of %d answers", s.Parts, s.FirstByteService.Count(), s.FirstByteResponse.Count(), s.Gaps.Count(), n)
		}
		if got := s.FirstByteService.Max().Round(time.Millisecond); got != 10*time.Millisecond {
			t.Errorf("first byte from the send: %v, want 10ms", got)
		}
		if lo, hi := s.Gaps.Quantile(0.5).Round(time.Millisecond), s.Gaps.Max().Round(time.Millisecond); lo != 20*time.Millisecond || hi != 30*time.Millisecond {
			t.Errorf("gaps: %v and %v, want 20ms and 30ms", lo, hi)
		}
	})
}

// TestFirstByteHasBothClocks: a late send is part of the response time.
func TestFirstByteHasBothClocks(t *testing.T) {
	s := newStreamTimes()
	s.record(Stream{FirstByte: 10 * time.Millisecond, Parts: 1}, 40*time.Millisecond, 30*time.Millisecond)
	response, service := s.FirstByteResponse.Max().Round(time.Millisecond), s.FirstByteService.Max().Round(time.Millisecond)
	if response != 50*time.Millisecond || service != 10*time.Millisecond {
		t.Errorf("first byte: %v from the intended instant and %v from the send, want 50ms and 10ms", response, service)
	}
}

// TestTokens: an answer's time for a token is its service time over its tokens; answers
// in which none was found are told apart from those where none were looked for.
func TestTokens(t *testing.T) {
	s, other := newStreamTimes(), newStreamTimes()
	s.record(Stream{Parts: 1, Counted: true, Tokens: 20}, time.Hour, 2*time.Second)
	other.record(Stream{Parts: 1, Counted: true, Tokens: 40}, 0, time.Second)
	other.record(Stream{Parts: 1, Counted: true}, 0, time.Second)
	s.merge(other)
	if !s.Counted || s.Tokens != 60 || s.Tokenless != 1 || s.PerToken.Count() != 2 || s.PerToken.Max() != 100*time.Millisecond {
		t.Errorf("got %d tokens, %d answers without, %d times of at most %v; want 60, 1, 2, 100ms", s.Tokens, s.Tokenless, s.PerToken.Count(), s.PerToken.Max())
	}
	uncounted := newStreamTimes()
	uncounted.record(Stream{Parts: 1}, 0, time.Second)
	if uncounted.Counted || uncounted.Tokenless != 0 {
		t.Errorf("tokens that nobody asked for: %+v", uncounted)
	}
}

// TestNoTimesWithoutStreams: nothing is made, and nothing shown, of answers that
// come in one.
func TestNoTimesWithoutStreams(t *testing.T) {
	s := newShard(BinCount)
	if s.stream != nil || Unmeasured(Load{}).Stream != nil {
		t.Error("histograms of streams are made without a stream")
	}
}
