package loadgen

import (
	"time"

	"plimsoll/latency"
)

// StreamTimes are the times within answers that came in parts. Only successes are
// in them.
type StreamTimes struct {
	FirstByteResponse *latency.Histogram // to the first byte of the first part, from the intended instant
	FirstByteService  *latency.Histogram // the same, from the send
	Gaps              *latency.Histogram // from the end of one part to the end of the next
	PerToken          *latency.Histogram // service time of an answer over its tokens, of answers that had some
	Parts             int64
	Tokens            int64
	Counted           bool  // tokens are counted
	Tokenless         int64 // answers in which none was found
}

func newStreamTimes() *StreamTimes {
	return &StreamTimes{FirstByteResponse: latency.New(), FirstByteService: latency.New(), Gaps: latency.New(), PerToken: latency.New()}
}

// record enters one answer, whose request left so late, and its service time.
func (s *StreamTimes) record(o Stream, late, service time.Duration) {
	s.Counted = s.Counted || o.Counted
	s.Tokens += o.Tokens
	switch {
	case o.Tokens > 0:
		s.PerToken.Record(service / time.Duration(o.Tokens))
	case o.Counted:
		s.Tokenless++
	}
	s.FirstByteResponse.Record(late + o.FirstByte)
	s.FirstByteService.Record(o.FirstByte)
	for _, gap := range o.Gaps {
		s.Gaps.Record(gap)
	}
	s.Parts += int64(o.Parts)
}

// merge adds what another has.
func (s *StreamTimes) merge(other *StreamTimes) {
	s.FirstByteResponse.Merge(other.FirstByteResponse)
	s.FirstByteService.Merge(other.FirstByteService)
	s.Gaps.Merge(other.Gaps)
	s.PerToken.Merge(other.PerToken)
	s.Parts += other.Parts
	s.Tokens += other.Tokens
	s.Tokenless += other.Tokenless
	s.Counted = s.Counted || other.Counted
}
