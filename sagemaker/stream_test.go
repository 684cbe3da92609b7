package sagemaker

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"

	"plimsoll/httptarget"
	"plimsoll/loadgen"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"pgregory.net/rapid"
)

// encode writes messages as the SDK's own encoder does.
func encode(t rapid.TB, messages ...eventstream.Message) []byte {
	var b bytes.Buffer
	for _, m := range messages {
		if err := eventstream.NewEncoder().Encode(&b, m); err != nil {
			t.Fatalf("Encode: %v", err)
		}
	}
	return b.Bytes()
}

func message(payload string, headers ...string) eventstream.Message {
	m := eventstream.Message{Payload: []byte(payload)}
	for i := 0; i < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	return m
}

func part(payload string) eventstream.Message {
	return message(payload, ":message-type", "event", ":event-type", "PayloadPart", ":content-type", "application/octet-stream")
}

// TestStreamInAnyPieces: what the SDK's encoder writes is read alike however the
// network cuts it, and the times are those of the pieces.
func TestStreamInAnyPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var messages []eventstream.Message
		parts := 0
		for range rapid.IntRange(0, 6).Draw(t, "messages") {
			m := part(rapid.StringN(0, 300, -1).Draw(t, "payload"))
			m.Headers.Set("other", rapid.SampledFrom([]eventstream.Value{
				eventstream.BoolValue(true), eventstream.Int8Value(1), eventstream.Int16Value(2), eventstream.Int32Value(3), eventstream.Int64Value(4),
				eventstream.BytesValue("abc"), eventstream.TimestampValue(time.Unix(1, 0)),
				eventstream.UUIDValue{1, 2},
			}).Draw(t, "other header"))
			if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
				m.Headers.Set(":event-type", eventstream.StringValue("SomethingNew"))
			} else {
				parts++
			}
			messages = append(messages, m)
		}
		failed := rapid.Bool().Draw(t, "exception")
		if failed {
			messages = append(messages, message(`{"Message":"the model timed out","ErrorCode":"ModelInvocationTimeExceeded"}`, ":message-type", "exception", ":exception-type", "ModelStreamError"))
		}
		wire := encode(t, messages...)
		cut := failed || rapid.IntRange(0, 3).Draw(t, "cut off") > 0
		whole := len(wire)
		if !cut && whole > 0 {
			wire = wire[:rapid.IntRange(0, whole-1).Draw(t, "length")]
		}
		s := &stream{}
		start := time.Unix(1000, 0)
		for range rapid.IntRange(1, 2).Draw(t, "answers") { // one session reads many
			s.Start(start)
			at := start
			for rest := wire; len(rest) > 0; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
				at = at.Add(time.Millisecond)
				if err := s.Feed(rest[:n], at); err != nil {
					t.Fatalf("Feed: %v", err)
				}
				rest = rest[n:]
			}
			out := s.End(loadgen.Outcome{Status: 200})
			switch {
			case failed:
				if out.Class != loadgen.StreamFailed || !strings.HasPrefix(string(out.Detail), `ModelStreamError: {"Message":"the model timed out"`) {
					t.Fatalf("End: got %v (%s), want the exception", out.Class, out.Detail)
				}
			case len(wire) < whole && out.Class == loadgen.OK: // cut between two messages
			case len(wire) < whole:
				if out.Class != loadgen.Malformed {
					t.Fatalf("End of a stream that was cut off: got %v", out.Class)
				}
			case parts == 0:
				if out.Class != loadgen.OK || out.Stream != nil {
					t.Fatalf("End without parts: got %v, %v", out.Class, out.Stream)
				}
			default:
				if out.Class != loadgen.OK || out.Stream.Parts != parts || len(out.Stream.Gaps) != parts-1 {
					t.Fatalf("End: got %v with %v, want %d parts", out.Class, out.Stream, parts)
				}
				sum := time.Duration(0)
				for _, gap := range out.Stream.Gaps {
					sum += gap
				}
				if sum > at.Sub(start) || out.Stream.FirstByte > at.Sub(start) {
					t.Fatalf("End: %v to the first byte and gaps of %v together in an answer of %v", out.Stream.FirstByte, sum, at.Sub(start))
				}
			}
		}
	})
}

// TestStreamTimes is one drawn stream: parts that end at 30, 50 and 50 ms after the
// send, of which the first begins at 20 ms.
func TestStreamTimes(t *testing.T) {
	one, two, three := encode(t, part("one")), encode(t, part("two")), encode(t, part("three"))
	s, sent := &stream{}, time.Unix(1000, 0)
	at := func(ms int) time.Time { return sent.Add(time.Duration(ms) * time.Millisecond) }
	s.Start(sent)
	begun := len(one) - crcLength - 1 // two bytes of the payload are there
	for _, piece := range []struct {
		p  []byte
		at time.Time
	}{{one[:5], at(10)}, {one[5:begun], at(20)}, {one[begun:], at(30)}, {append(two, three...), at(50)}} {
		if err := s.Feed(piece.p, piece.at); err != nil {
			t.Fatal(err)
		}
	}
	out := s.End(loadgen.Outcome{})
	if got := fmt.Sprint(*out.Stream); got != "{20ms [20ms 0s] 3}" {
		t.Errorf("End: got %s, want {20ms [20ms 0s] 3}", got)
	}
}

func TestStreamsThatAreNone(t *testing.T) {
	good := encode(t, part("payload"))
	broken := func(at int) []byte {
		p := bytes.Clone(good)
		p[at] ^= 0xff
		return p
	}
	prelude := func(total, headers uint32) []byte {
		p := binary.BigEndian.AppendUint32(nil, total)
		p = binary.BigEndian.AppendUint32(p, headers)
		return append(binary.BigEndian.AppendUint32(p, crc32.ChecksumIEEE(p)), make([]byte, 64)...)
	}
	exception := encode(t, message("{}", ":message-type", "exception", ":exception-type", "InternalStreamFailure"))
	for _, tt := range []struct {
		name string
		p    []byte
		want error
	}{
		{"plain text", []byte("data: this is a server-sent event\n\n"), errNotEvents},
		{"broken length", broken(2), errNotEvents},
		{"broken payload", broken(len(good) - 6), errBadChecksum},
		{"broken checksum", broken(len(good) - 1), errBadChecksum},
		{"impossible length", prelude(15, 0), errBadLength},
		{"endless message", prelude(1<<31, 0), errBadLength},
		{"endless headers", prelude(1<<20, 1<<19), errBadLength},
		{"headers that are none", prelude(80, 40), errBadHeaders},
		{"a header that is too long", encodeRaw(10, "\x01a\x07\xff\xff"), errBadHeaders},
		{"no message type", encode(t, message("x", ":event-type", "PayloadPart")), errBadHeaders},
		{"more after an exception", append(exception, good...), errAfterEnd},
	} {
		s := &stream{}
		s.Start(time.Now())
		if err := s.Feed(tt.p, time.Now()); err != tt.want { //nolint:errorlint // each is given as it is
			t.Errorf("Feed, %s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	s := &stream{}
	s.Start(time.Now())
	if err := s.Feed(encode(t, message("", ":message-type", "error", ":error-code", "500", ":error-message", "broken")), time.Now()); err != nil {
		t.Fatal(err)
	}
	if out := s.End(loadgen.Outcome{}); out.Class != loadgen.StreamFailed || string(out.Detail) != "500: broken" {
		t.Errorf("End of an error: got %v (%s)", out.Class, out.Detail)
	}
}

// encodeRaw is a message with these bytes for headers.
func encodeRaw(payload int, headers string) []byte {
	p := binary.BigEndian.AppendUint32(nil, uint32(preludeLength+len(headers)+payload+crcLength))
	p = binary.BigEndian.AppendUint32(p, uint32(len(headers)))
	p = append(binary.BigEndian.AppendUint32(p, crc32.ChecksumIEEE(p)), headers...)
	return append(p, make([]byte, payload+crcLength)...)
}

func FuzzStream(f *testing.F) {
	f.Add(encode(f, part("one"), message("{}", ":message-type", "exception", ":exception-type", "ModelStreamError")))
	f.Fuzz(func(_ *testing.T, p []byte) {
		s := &stream{}
		s.Start(time.Now())
		if s.Feed(p, time.Now()) == nil {
			s.End(loadgen.Outcome{})
		}
	})
}

func TestReadingAStreamDoesNotAllocate(t *testing.T) {
	wire, s := encode(t, part("one"), part("two"), part("three")), &stream{}
	now := time.Unix(1000, 0)
	if avg := testing.AllocsPerRun(100, func() {
		s.Start(now)
		if err := s.Feed(wire, now); err != nil {
			t.Error(err)
		}
		if out := s.End(loadgen.Outcome{}); out.Stream.Parts != 3 {
			t.Error(out.Stream)
		}
	}); avg != 0 {
		t.Errorf("%v allocations an answer, want none", avg)
	}
}

// TestInvokeStream: over HTTP, by both engines; Accept travels under the name that
// a streaming invocation has for it.
func TestInvokeStream(t *testing.T) {
	events := [][]byte{encode(t, part("Once ")), encode(t, part("upon ")), encode(t, part("a time"))}
	failing := encode(t, message(`{"Message":"gone"}`, ":message-type", "exception", ":exception-type", "InternalStreamFailure"))
	for _, netHTTP := range []bool{false, true} {
		requests := 0
		g := &gate{next: func(w http.ResponseWriter, _ *http.Request) {
			requests++
			w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
			for i, event := range events {
				if requests == 2 && i == 2 {
					event = failing
				}
				_, _ = w.Write(event)
				_ = http.NewResponseController(w).Flush()
			}
		}}
		serve(t, g)
		_, session := open(t, Options{Endpoint: "llm", Stream: true, HTTP: httptarget.Options{
			NetHTTP: netHTTP, Bodies: []httptarget.Body{{Content: []byte("{}"), ContentType: "application/json", Accept: "text/plain"}},
		}})
		out := session.Do(loadgen.Request{})
		wantOK(t, "Do", out)
		if out.Stream == nil || out.Stream.Parts != 3 || out.Stream.FirstByte <= 0 {
			t.Errorf("net/http %v: got the times %+v, want three parts", netHTTP, out.Stream)
		}
		r := g.seen[0]
		if r.URL.Path != "/endpoints/llm/invocations-response-stream" || r.Header.Get("X-Amzn-SageMaker-Accept") != "text/plain" || r.Header.Get("Accept") != "" {
			t.Errorf("net/http %v: %s with the headers %v", netHTTP, r.URL.Path, r.Header)
		}
		out = session.Do(loadgen.Request{})
		if out.Class != loadgen.StreamFailed || out.Status != 200 || out.Stream != nil || string(out.Detail) != `InternalStreamFailure: {"Message":"gone"}` {
			t.Errorf("net/http %v, an exception within: got %v, status %d (%s)", netHTTP, out.Class, out.Status, out.Detail)
		}
		wantOK(t, "Do after that", session.Do(loadgen.Request{}))
	}
}

// TestStreamIsJudgedByItsText: the conditions see what the parts say together, and
// nothing of the frames around it.
func TestStreamIsJudgedByItsText(t *testing.T) {
	condition, err := httptarget.ParseFailIf("json:error")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]loadgen.Class{`{"error": "out of| memory"}`: loadgen.BodyFailed, `{"error": |null}`: loadgen.OK} {
		before, after, _ := strings.Cut(text, "|")
		events := encode(t, part(before), part(after))
		serve(t, &gate{next: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(events) }})
		_, session := open(t, Options{Endpoint: "llm", Stream: true, HTTP: httptarget.Options{Follow: httptarget.FollowFailIf([]httptarget.FailIf{condition})}})
		for range 2 {
			out := session.Do(loadgen.Request{})
			if out.Class != want || (out.Stream != nil) != (want == loadgen.OK) {
				t.Errorf("%s: got %v (%s) with times %v, want %v", text, out.Class, out.Detail, out.Stream, want)
			}
		}
	}
}
