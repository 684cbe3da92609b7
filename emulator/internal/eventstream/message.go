// Package eventstream writes and reads application/vnd.amazon.eventstream, the frames
// in which AWS streams an answer, such as that of InvokeEndpointWithResponseStream.
//
// A [Writer] sends events and exceptions as they come; a [Reader] reads them back. It
// does not know what is in an event, and does not sign events. The form is that of the
// Smithy specification, "Amazon Event Stream": all numbers are big-endian,
//
//	length of all | length of headers | CRC of these | headers | payload | CRC of all
//	     4 B      |        4 B        |      4 B     |         |         |     4 B
//
// and the CRCs are those of gzip (IEEE 802.3).
package eventstream

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// ContentType is the media type of a stream.
const ContentType = "application/vnd.amazon.eventstream"

// The sizes of a frame's parts, and how long AWS lets them be.
const (
	preludeLen  = 12
	overhead    = preludeLen + 4 // a frame without headers and payload
	maxHeaders  = 128 << 10
	maxPayload  = 24 << 20
	maxName     = 255
	maxValue    = 1<<15 - 1
	stringValue = 7
)

// Header is one header of a message. The names that begin with a colon are the
// protocol's.
type Header struct{ Name, Value string }

// Message is one frame.
type Message struct {
	Headers []Header
	Payload []byte
}

// Event is a message of a stream that goes well: eventType is the member of the
// stream's union, "PayloadPart".
func Event(eventType, contentType string, payload []byte) Message {
	return Message{Payload: payload, Headers: []Header{
		{":message-type", "event"}, {":event-type", eventType}, {":content-type", contentType},
	}}
}

// Exception is the message that ends a stream with a modelled error, "ModelStreamError".
func Exception(exceptionType, contentType string, payload []byte) Message {
	return Message{Payload: payload, Headers: []Header{
		{":message-type", "exception"}, {":exception-type", exceptionType}, {":content-type", contentType},
	}}
}

// Get is the value of a header, empty if it is not there.
func (m Message) Get(name string) string {
	for _, h := range m.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// Append writes the message's frame after dst. It fails when a part is longer than AWS
// allows, and then returns dst as it was.
func (m Message) Append(dst []byte) ([]byte, error) {
	headers := 0
	for _, h := range m.Headers {
		if h.Name == "" || len(h.Name) > maxName || len(h.Value) > maxValue {
			return dst, fmt.Errorf("event stream header %.40q of %d bytes: want a name of 1 to %d bytes and at most %d of value",
				h.Name, len(h.Value), maxName, maxValue)
		}
		headers += 1 + len(h.Name) + 1 + 2 + len(h.Value)
	}
	if headers > maxHeaders || len(m.Payload) > maxPayload {
		return dst, fmt.Errorf("event stream message of %d bytes of headers and %d of payload: want at most %d and %d",
			headers, len(m.Payload), maxHeaders, maxPayload)
	}
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(overhead+headers+len(m.Payload)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(headers))
	dst = binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:]))
	for _, h := range m.Headers {
		dst = append(dst, byte(len(h.Name)))
		dst = append(dst, h.Name...)
		dst = append(dst, stringValue)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(h.Value)))
		dst = append(dst, h.Value...)
	}
	dst = append(dst, m.Payload...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:])), nil
}
