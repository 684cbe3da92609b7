package eventstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
)

// Writer sends messages as the answer to an HTTP request, each at once. It is for one
// goroutine.
type Writer struct {
	out        io.Writer
	controller *http.ResponseController
	frame      []byte
}

// NewWriter streams to w. What the answer's head needs besides its Content-Type is to
// be set before the first message.
func NewWriter(w http.ResponseWriter) *Writer {
	w.Header().Set("Content-Type", ContentType)
	return &Writer{out: w, controller: http.NewResponseController(w)}
}

// Write sends one message.
func (w *Writer) Write(m Message) error {
	frame, err := m.Append(w.frame[:0])
	if err != nil {
		return err
	}
	w.frame = frame
	if _, err := w.out.Write(frame); err != nil {
		return fmt.Errorf("sending an event: %w", err)
	}
	if err := w.controller.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("sending an event: %w", err)
	}
	return nil
}

// Reader reads the messages of a stream. It is for one goroutine.
type Reader struct {
	in   io.Reader
	most int
}

// NewReader reads from in, frames of at most most bytes; zero means what AWS allows.
func NewReader(in io.Reader, most int) *Reader {
	if most == 0 {
		most = overhead + maxHeaders + maxPayload
	}
	return &Reader{in: in, most: most}
}

// Next is the next message; io.EOF after the last. A stream that ends within a message
// is io.ErrUnexpectedEOF.
func (r *Reader) Next() (Message, error) {
	var frame bytes.Buffer
	if n, err := io.CopyN(&frame, r.in, preludeLen); err != nil {
		if errors.Is(err, io.EOF) && n == 0 {
			return Message{}, io.EOF
		}
		return Message{}, cutOff(err)
	}
	prelude := frame.Bytes()
	total, headers := binary.BigEndian.Uint32(prelude), binary.BigEndian.Uint32(prelude[4:])
	switch {
	case crc32.ChecksumIEEE(prelude[:8]) != binary.BigEndian.Uint32(prelude[8:]):
		return Message{}, errors.New("event stream message: the checksum of the prelude is wrong")
	case int64(total) > int64(r.most):
		return Message{}, fmt.Errorf("event stream message of %d bytes: want at most %d", total, r.most)
	case int64(total) < overhead+int64(headers) || headers > maxHeaders:
		return Message{}, fmt.Errorf("event stream message of %d bytes with %d of headers: the lengths cannot be", total, headers)
	}
	// Copying takes memory for what arrives, not for what was announced.
	if _, err := io.CopyN(&frame, r.in, int64(total)-preludeLen); err != nil {
		return Message{}, cutOff(err)
	}
	all := frame.Bytes()
	content, sum := all[:len(all)-4], all[len(all)-4:]
	if crc32.ChecksumIEEE(content) != binary.BigEndian.Uint32(sum) {
		return Message{}, errors.New("event stream message: the checksum is wrong")
	}
	parsed, err := parseHeaders(content[preludeLen : preludeLen+headers])
	if err != nil {
		return Message{}, err
	}
	return Message{Headers: parsed, Payload: content[preludeLen+headers:]}, nil
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading an event: %w", err)
}

// parseHeaders reads the headers whose values are strings; those of other types are
// checked for their form and left out.
func parseHeaders(b []byte) ([]Header, error) {
	var all []Header
	for len(b) > 0 {
		name, kind, rest, ok := headerName(b)
		if !ok {
			return nil, errors.New("event stream message: a header is cut off")
		}
		size, lengthBytes := valueSize(kind, rest)
		if size < 0 || size > len(rest)-lengthBytes {
			return nil, fmt.Errorf("event stream header %.40q: its value of type %d is cut off, or has no such type", name, kind)
		}
		value := rest[lengthBytes : lengthBytes+size]
		if kind == stringValue {
			all = append(all, Header{Name: name, Value: string(value)})
		}
		b = rest[lengthBytes+size:]
	}
	return all, nil
}

func headerName(b []byte) (name string, kind byte, rest []byte, ok bool) {
	n := int(b[0])
	if n == 0 || len(b) < 1+n+1 {
		return "", 0, nil, false
	}
	return string(b[1 : 1+n]), b[1+n], b[1+n+1:], true
}

// valueSize is how long a value of a type is, and how many bytes its length takes
// before it; a size of -1 means that there is no such type.
func valueSize(kind byte, rest []byte) (size, lengthBytes int) {
	switch kind {
	case 0, 1: // true, false
		return 0, 0
	case 2: // byte
		return 1, 0
	case 3: // short
		return 2, 0
	case 4: // integer
		return 4, 0
	case 5, 8: // long, timestamp
		return 8, 0
	case 6, stringValue: // bytes
		if len(rest) < 2 {
			return -1, 0
		}
		return int(binary.BigEndian.Uint16(rest)), 2
	case 9: // UUID
		return 16, 0
	}
	return -1, 0
}
