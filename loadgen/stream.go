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
	Parts             int64
}

func newStreamTimes() *StreamTimes {
	return &StreamTimes{FirstByteResponse: latency.New(), FirstByteService: latency.New(), Gaps: latency.New()}
}

// record enters one answer, whose request left so late.
func (s *StreamTimes) record(o Stream, late time.Duration) {
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
	s.Parts += other.Parts
}
