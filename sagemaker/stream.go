package sagemaker

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"plimsoll/httptarget"
	"plimsoll/loadgen"
)

// stream reads the event stream of one answer after the other as it arrives
// ("Amazon event stream specification", Smithy):
//
//	total length, headers' length, CRC-32 of these (4 bytes each) | headers | payload | CRC-32 of all before (4 bytes)
//
// It holds the headers of one message and, of an exception, the beginning of its
// payload; the payloads of parts are only counted.
type stream struct {
	held  []byte // of a message: prelude and headers, or its last CRC-32, as far as it has come
	need  int    // how many bytes are to be held before the next step
	step  step
	left  int    // bytes of payload that are still to come
	crc   uint32 // of the message so far
	part  bool   // the message is a part of the answer
	fatal bool   // the message is an exception, of which detail is the name and the words
	ended bool   // an exception has come: nothing may follow

	sent    time.Time
	started bool
	last    time.Time // arrival of the last part
	times   loadgen.Stream
	detail  []byte
	inner   httptarget.Follower // of the parts' payloads as one text, nil for none
}

var _ httptarget.Follower = (*stream)(nil)

type step uint8

const (
	inPrelude step = iota
	inHeaders
	inPayload
	inCRC
)

const (
	preludeLength = 12
	crcLength     = 4
	// The limits of the specification for one message.
	mostHeaders = 128 << 10
	mostMessage = 24 << 20
	// mostDetail is how much is kept of what an exception says.
	mostDetail = 512
)

var (
	errNotEvents   = errors.New("the answer is no event stream: bad checksum of a message's beginning")
	errBadLength   = errors.New("the answer is no event stream: impossible length of a message")
	errBadHeaders  = errors.New("bad headers in the event stream")
	errBadChecksum = errors.New("bad checksum in the event stream")
	errAfterEnd    = errors.New("the event stream goes on after an exception")
)

// Start forgets the last answer.
func (s *stream) Start(sent time.Time) {
	*s = stream{held: s.held[:0], need: preludeLength, sent: sent, detail: s.detail[:0], times: loadgen.Stream{Gaps: s.times.Gaps[:0]}, inner: s.inner}
	if s.inner != nil {
		s.inner.Start(sent)
	}
}

// Feed reads what has arrived.
func (s *stream) Feed(p []byte, at time.Time) error {
	for len(p) > 0 {
		if s.ended {
			return errAfterEnd
		}
		if s.step == inPayload {
			n := min(len(p), s.left)
			if err := s.payload(p[:n], at); err != nil {
				return err
			}
			p = p[n:]
			continue
		}
		n := min(len(p), s.need-len(s.held))
		s.held = append(s.held, p[:n]...)
		p = p[n:]
		if len(s.held) < s.need {
			return nil
		}
		if err := s.next(at); err != nil {
			return err
		}
	}
	return nil
}

// payload takes a piece of a message's payload.
func (s *stream) payload(p []byte, at time.Time) error {
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p)
	s.left -= len(p)
	if s.part && !s.started {
		s.started = true
		s.times.FirstByte = at.Sub(s.sent)
	}
	if s.fatal {
		s.detail = append(s.detail, p[:min(len(p), max(0, mostDetail-len(s.detail)))]...)
	}
	if s.left == 0 {
		s.expect(inCRC, crcLength)
	}
	if s.part && s.inner != nil {
		return s.inner.Feed(p, at)
	}
	return nil
}

// expect holds the next n bytes for a step.
func (s *stream) expect(next step, n int) {
	s.step, s.need, s.held = next, n, s.held[:0]
}

// next makes the step for which enough is held.
func (s *stream) next(at time.Time) error {
	switch s.step {
	case inPrelude:
		return s.prelude()
	case inHeaders:
		return s.headers()
	default:
		return s.message(at)
	}
}

func (s *stream) prelude() error {
	if binary.BigEndian.Uint32(s.held[8:]) != crc32.ChecksumIEEE(s.held[:8]) {
		return errNotEvents
	}
	total, headers := int64(binary.BigEndian.Uint32(s.held)), int64(binary.BigEndian.Uint32(s.held[4:]))
	if headers > mostHeaders || total > mostMessage || total < headers+preludeLength+crcLength {
		return errBadLength
	}
	s.left = int(total - headers - preludeLength - crcLength)
	s.crc = crc32.ChecksumIEEE(s.held)
	s.part, s.fatal = false, false
	s.expect(inHeaders, int(headers))
	if headers == 0 {
		s.afterHeaders()
	}
	return nil
}

// headers reads those that say what the message is.
func (s *stream) headers() error {
	s.crc = crc32.Update(s.crc, crc32.IEEETable, s.held)
	var kind, event, exception, code, words []byte
	for rest := s.held; len(rest) > 0; {
		name, value, after, ok := nextHeader(rest)
		if !ok {
			return errBadHeaders
		}
		switch string(name) {
		case ":message-type":
			kind = value
		case ":event-type":
			event = value
		case ":exception-type":
			exception = value
		case ":error-code":
			code = value
		case ":error-message":
			words = value
		}
		rest = after
	}
	switch string(kind) {
	case "event":
		s.part = string(event) == "PayloadPart"
	case "exception":
		s.fatal = true
		s.detail = append(append(s.detail[:0], exception...), ": "...)
	case "error":
		s.fatal = true
		s.detail = append(append(append(s.detail[:0], code...), ": "...), words...)
		s.detail = s.detail[:min(len(s.detail), mostDetail)]
	default:
		return errBadHeaders
	}
	s.afterHeaders()
	return nil
}

func (s *stream) afterHeaders() {
	if s.left > 0 {
		s.step = inPayload
		return
	}
	s.expect(inCRC, crcLength)
}

// nextHeader reads one header: its name, its value where that is a text, and what
// follows it.
func nextHeader(p []byte) (name, value, rest []byte, ok bool) {
	if len(p) == 0 || len(p) < int(p[0])+2 {
		return nil, nil, nil, false
	}
	size := int(p[0])
	name, kind, p := p[1:1+size], p[1+size], p[2+size:]
	size = 0
	switch kind {
	case 0, 1: // true, false
	case 2: // byte
		size = 1
	case 3: // 16 bits
		size = 2
	case 4: // 32 bits
		size = 4
	case 5, 8: // 64 bits, instant
		size = 8
	case 9: // UUID
		size = 16
	case 6, 7: // bytes, text
		if len(p) < 2 {
			return nil, nil, nil, false
		}
		size, p = int(binary.BigEndian.Uint16(p)), p[2:]
	default:
		return nil, nil, nil, false
	}
	if len(p) < size {
		return nil, nil, nil, false
	}
	return name, p[:size], p[size:], true
}

// message ends one message.
func (s *stream) message(at time.Time) error {
	if binary.BigEndian.Uint32(s.held) != s.crc {
		return errBadChecksum
	}
	if s.part {
		if s.times.Parts > 0 {
			s.times.Gaps = append(s.times.Gaps, at.Sub(s.last))
		}
		s.times.Parts++
		s.last = at
	}
	s.ended = s.fatal
	s.expect(inPrelude, preludeLength)
	return nil
}

// End gives the times, or the exception, or what the parts say.
func (s *stream) End(out loadgen.Outcome) loadgen.Outcome {
	switch {
	case s.ended:
		out.Class, out.Detail = loadgen.StreamFailed, s.detail
	case s.step != inPrelude || len(s.held) > 0:
		out.Class, out.Detail = loadgen.Malformed, append(s.detail[:0], "the event stream ended within a message"...)
	case s.inner != nil:
		out = s.inner.End(out)
	}
	if out.Class == loadgen.OK && s.times.Parts > 0 {
		out.Stream = &s.times
	}
	return out
}
