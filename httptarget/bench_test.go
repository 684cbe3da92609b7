package httptarget

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"

	"plimsoll/loadgen"
)

// BenchmarkDo is one session in a closed loop against a minimal server in the same
// process: the figure includes the server's work.
func BenchmarkDo(b *testing.B) {
	cert, ca := authority(b, "127.0.0.1")
	ok := []byte(reply(200, "0.97"))
	for _, bb := range []struct {
		name      string
		size      int
		templated bool
		o         Options
	}{
		{"post 16 B", 16, false, Options{}},
		{"post 1 kB", 1000, false, Options{}},
		{"post 1 kB templated", 1000, true, Options{}},
		{"post 50 kB", 50_000, false, Options{}},
		{"post 6 MB", 6_000_000, false, Options{}},
		{"post 1 kB TLS", 1000, false, Options{CAPEM: ca}},
		{"post 1 kB net http", 1000, false, Options{NetHTTP: true}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			serve := lean(bb.size, ok)
			if len(bb.o.CAPEM) > 0 {
				serve = overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, serve)
			}
			s := listen(b, serve)
			bb.o.URL = s.url
			if len(bb.o.CAPEM) > 0 {
				bb.o.URL = strings.Replace(s.url, "http:", "https:", 1)
			}
			bb.o.Bodies = body(strings.Repeat("x", bb.size))
			req := loadgen.Request{}
			if bb.templated {
				req.Content = make([]byte, bb.size)
			}
			session := openSession(b, bb.o)
			b.ReportAllocs()
			for b.Loop() {
				if out := session.Do(req); out.Class != loadgen.OK {
					b.Fatalf("Do: %v (%s)", out.Class, out.Detail)
				}
			}
		})
	}
}

// forever gives the same answer over and over, one for each read.
type forever []byte

func (f forever) Read(p []byte) (int, error) { return copy(p, f), nil }

var _ io.Reader = forever(nil)

// BenchmarkParse is the parser alone.
func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct{ name, answer string }{
		{"small", reply(200, "0.97")},
		{"SageMaker", "HTTP/1.1 200 OK\r\nx-amzn-RequestId: 3f5a0a4e-7d0e-4b52-9d6f-2b1f0c6c1a51\r\nx-Amzn-Invoked-Production-Variant: AllTraffic\r\nDate: Mon, 02 Jun 2025 10:00:00 GMT\r\n" +
			"Content-Type: text/csv; charset=utf-8\r\nContent-Length: 18\r\nConnection: keep-alive\r\n\r\n0.9713241934776306"},
		{"chunked", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n0.9713241934776306\r\n0\r\n\r\n"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var a answerReader
			a.reset(forever(bb.answer))
			b.ReportAllocs()
			for b.Loop() {
				if err := a.read(); err != nil || a.close {
					b.Fatal(err, a.close)
				}
			}
		})
	}
}
