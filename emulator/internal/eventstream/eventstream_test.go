package eventstream

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	sdk "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func messages() *rapid.Generator[Message] {
	return rapid.Custom(func(t *rapid.T) Message {
		var m Message
		for _, name := range rapid.SliceOfNDistinct(rapid.StringN(1, 30, 255), 0, 5, rapid.ID[string]).Draw(t, "names") {
			m.Headers = append(m.Headers, Header{name, rapid.StringN(0, 40, -1).Draw(t, "value")})
		}
		m.Payload = rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")
		return m
	})
}

func TestTheSDKReadsWhatWeWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := messages().Draw(t, "message")
		frame, err := m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sdk.NewDecoder().Decode(bytes.NewReader(frame), nil)
		if err != nil {
			t.Fatalf("%x: %v", frame, err)
		}
		if !bytes.Equal(got.Payload, m.Payload) || len(got.Headers) != len(m.Headers) {
			t.Fatalf("sent %v, the SDK read %v", m, got)
		}
		for i, h := range got.Headers {
			if h.Name != m.Headers[i].Name || h.Value.String() != m.Headers[i].Value {
				t.Fatalf("sent %v, the SDK read %v", m.Headers[i], h)
			}
		}
	})
}

func TestWeReadWhatTheSDKWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream bytes.Buffer
		all := rapid.SliceOfN(messages(), 0, 4).Draw(t, "messages")
		for _, m := range all {
			var msg sdk.Message
			for _, h := range m.Headers {
				msg.Headers.Set(h.Name, sdk.StringValue(h.Value))
			}
			for name, v := range map[string]sdk.Value{
				"bool": sdk.BoolValue(true), "no": sdk.BoolValue(false), "byte": sdk.Int8Value(-1), "short": sdk.Int16Value(2), "int": sdk.Int32Value(3),
				"long": sdk.Int64Value(4), "bytes": sdk.BytesValue{1, 2}, "time": sdk.TimestampValue{}, "uuid": sdk.UUIDValue{5},
			} {
				if rapid.Bool().Draw(t, name) && msg.Headers.Get(name) == nil {
					msg.Headers.Set(name, v)
				}
			}
			msg.Payload = m.Payload
			if err := sdk.NewEncoder().Encode(&stream, msg); err != nil {
				t.Fatal(err)
			}
		}
		r := NewReader(iotest.OneByteReader(&stream), 0)
		for _, want := range all {
			got, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if len(want.Payload) == 0 {
				want.Payload, got.Payload = nil, nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("(-written +read):\n%s", diff)
			}
		}
		if _, err := r.Next(); err != io.EOF { //nolint:errorlint // EOF itself is promised
			t.Fatalf("after the last: %v, want io.EOF", err)
		}
	})
}

// The frame was worked out by hand from the Smithy specification's layout; zlib's
// crc32 gave the checksums.
func TestOneFrameToTheByte(t *testing.T) {
	frame, err := Message{Headers: []Header{{"a", "bc"}}, Payload: []byte("{}")}.Append([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "78" + "00000019" + "00000007" + "96b6bf39" + "0161" + "07" + "0002" + "6263" + "7b7d" + "083b96d8"
	if got := hex.EncodeToString(frame); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEventsAndExceptions(t *testing.T) {
	e := Event("PayloadPart", "application/octet-stream", []byte("x"))
	if e.Get(":message-type") != "event" || e.Get(":event-type") != "PayloadPart" || e.Get(":content-type") != "application/octet-stream" || e.Get("none") != "" {
		t.Errorf("event %v", e)
	}
	x := Exception("ModelStreamError", "application/json", []byte(`{}`))
	if x.Get(":message-type") != "exception" || x.Get(":exception-type") != "ModelStreamError" || x.Get(":content-type") != "application/json" {
		t.Errorf("exception %v", x)
	}
}

func TestTooLongToSend(t *testing.T) {
	many := Message{}
	for range 10 {
		many.Headers = append(many.Headers, Header{"n", strings.Repeat("v", maxValue)})
	}
	for name, m := range map[string]Message{
		"no name":   {Headers: []Header{{"", "v"}}},
		"long name": {Headers: []Header{{strings.Repeat("n", 256), "v"}}},
		"value":     {Headers: []Header{{"n", strings.Repeat("v", maxValue+1)}}},
		"headers":   many,
		"payload":   {Payload: make([]byte, maxPayload+1)},
	} {
		got, err := m.Append([]byte("kept"))
		if err == nil || string(got) != "kept" {
			t.Errorf("%s: %d bytes, %v; want an error and nothing written", name, len(got), err)
		}
	}
}

func TestEventsArriveOneByOne(t *testing.T) {
	recorder := httptest.NewRecorder()
	if err := NewWriter(recorder).Write(Message{}); err != nil || !recorder.Flushed {
		t.Fatalf("flushed %v, %v: the client would wait for ever", recorder.Flushed, err)
	}
	next := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := NewWriter(w)
		for _, part := range []string{"one", "two"} {
			if err := out.Write(Event("PayloadPart", "text/plain", []byte(part))); err != nil {
				t.Errorf("Write: %v", err)
			}
			select {
			case <-next: // the client has seen it
			case <-r.Context().Done():
			}
		}
		if err := out.Write(Exception("ModelStreamError", "application/json", []byte(`{"ErrorCode":"StreamBroken"}`))); err != nil {
			t.Errorf("Write: %v", err)
		}
		if err := out.Write(Message{Headers: []Header{{}}}); err == nil {
			t.Error("a header without a name was sent")
		}
	}))
	defer s.Close()
	answer, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Type"); got != ContentType {
		t.Errorf("Content-Type %q", got)
	}
	r := NewReader(answer.Body, 1<<10)
	for _, want := range []string{"one", "two", `{"ErrorCode":"StreamBroken"}`} {
		m, err := r.Next()
		if err != nil || string(m.Payload) != want {
			t.Fatalf("got %q %v, want %q", m.Payload, err, want)
		}
		if m.Get(":event-type") != "" {
			next <- struct{}{}
		}
	}
	if _, err := r.Next(); err != io.EOF { //nolint:errorlint // EOF itself is promised
		t.Errorf("at the end: %v", err)
	}
}

func TestAClientThatLeft(t *testing.T) {
	out := NewWriter(deaf{httptest.NewRecorder()})
	if err := out.Write(Event("e", "c", nil)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write: %v, want the connection's error", err)
	}
}

type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestDamagedFrames(t *testing.T) {
	frame, err := Event("PayloadPart", "text/plain", []byte("payload")).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range frame {
		damaged := bytes.Clone(frame)
		damaged[i] ^= 0x10
		if m, err := NewReader(bytes.NewReader(damaged), 0).Next(); err == nil {
			t.Errorf("byte %d changed: read %v", i, m)
		}
		if _, err := NewReader(bytes.NewReader(frame[:i]), 0).Next(); i > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %v, want io.ErrUnexpectedEOF", i, err)
		}
	}
	if _, err := NewReader(bytes.NewReader(frame), len(frame)-1).Next(); err == nil || !strings.Contains(err.Error(), "want at most") {
		t.Errorf("longer than the limit: %v", err)
	}
	if _, err := NewReader(bytes.NewReader(frame), len(frame)).Next(); err != nil {
		t.Errorf("as long as the limit: %v", err)
	}
}

// sealed is a frame of any content with the right checksums.
func sealed(total, headers uint32, content string) []byte {
	var b []byte
	for _, n := range []uint32{total, headers} {
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	b = appendCRC(b)
	return appendCRC(append(b, content...))
}

func appendCRC(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func TestHeadersThatCannotBe(t *testing.T) {
	for _, content := range []string{"\x00", "\x00\x00", strings.Repeat("\x01a\x00", maxHeaders/3+1), "\x02a", "\x01a", "\x01a\x0a", "\x01a\x07", "\x01a\x07\x00", "\x01a\x07\x00\x02b", "\x01a\x09123456789012345", "\x01a\x00\x01"} {
		if m, err := NewReader(bytes.NewReader(sealed(uint32(overhead+len(content)), uint32(len(content)), content)), 0).Next(); err == nil {
			t.Errorf("headers %.40q: read %v", content, m)
		}
	}
	for _, lengths := range [][2]uint32{{0, 0}, {15, 0}, {16, 1}, {1 << 20, maxHeaders + 1}, {20, 1<<32 - 1}} {
		if m, err := NewReader(bytes.NewReader(sealed(lengths[0], lengths[1], "")), 0).Next(); err == nil {
			t.Errorf("lengths %v: read %v", lengths, m)
		}
	}
}

func TestAnnouncedLengthsTakeNoMemory(t *testing.T) {
	announced := sealed(overhead+maxPayload, 0, "")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := NewReader(bytes.NewReader(announced), 0).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want io.ErrUnexpectedEOF", err)
	}
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 1<<20 {
		t.Errorf("%d bytes allocated for 16 that arrived", spent)
	}
}

func FuzzReader(f *testing.F) {
	for _, m := range []Message{{}, Event("PayloadPart", "text/plain", []byte("x")), Exception("E", "application/json", []byte("{}"))} {
		frame, err := m.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
		f.Add(append(frame, frame...))
		f.Add(frame[:len(frame)-1])
	}
	f.Add(sealed(overhead+maxPayload, 0, ""))
	f.Add(sealed(overhead+4, 4, "\x01a\x07\xff"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := NewReader(bytes.NewReader(stream), 1<<16)
		for {
			m, err := r.Next()
			if err != nil {
				return
			}
			frame, err := m.Append(nil)
			if err != nil {
				return // a name or value that may be read, but not written
			}
			again, err := NewReader(bytes.NewReader(frame), 0).Next()
			if err != nil || !cmp.Equal(m, again) {
				t.Errorf("%v is read again as %v, %v", m, again, err)
			}
		}
	})
}

// FuzzSealed mends the checksums, so that what lies behind them is reached.
func FuzzSealed(f *testing.F) {
	f.Add(uint32(4), "\x01a\x07\x00\x01bpayload")
	f.Add(uint32(6), "\x01a\x07\x00\x01bpayload")
	f.Add(uint32(1<<31), "\x01a\x09")
	f.Fuzz(func(t *testing.T, headers uint32, content string) {
		m, err := NewReader(bytes.NewReader(sealed(uint32(overhead+len(content)), headers, content)), 0).Next()
		if err == nil && int(headers)+len(m.Payload) != len(content) {
			t.Errorf("%d bytes of headers and %d of payload in %d", headers, len(m.Payload), len(content))
		}
	})
}
