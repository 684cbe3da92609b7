package httptarget

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pieces is a connection that gives what the server sent in given pieces, the
// last of them over and over, and then its end.
type pieces struct {
	data []byte
	cuts []int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := len(p.data)
	if len(p.cuts) > 0 {
		n = min(n, p.cuts[0])
		if len(p.cuts) > 1 {
			p.cuts = p.cuts[1:]
		}
	}
	n = copy(b, p.data[:n])
	p.data = p.data[n:]
	return n, nil
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// result is what a parser made of one answer.
type result struct {
	status   int
	received int64
	consumed int
	keep     bool // the connection could go on
}

func (r result) String() string {
	return fmt.Sprintf("status %d, %d bytes of body, %d bytes consumed, keep-alive %v", r.status, r.received, r.consumed, r.keep)
}

func parseOurs(t failer, data []byte, cuts []int, method string) (result, error) {
	src := &pieces{data: data, cuts: cuts}
	a := answerReader{headOnly: method == http.MethodHead}
	a.keep = make([]byte, 0, maxDetail)
	a.reset(src)
	err := a.read()
	if len(a.buf) > maxHead || len(a.keep) > maxDetail {
		t.Fatalf("read(%q): holds a buffer of %d bytes and a detail of %d", data, len(a.buf), len(a.keep))
	}
	consumed := len(data) - len(src.data) - (a.w - a.r)
	return result{status: a.status, received: a.received, consumed: consumed, keep: !a.close && consumed == len(data)}, err
}

var errOracle = errors.New("an answer that net/http lets through and we do not")

// parseNetHTTP is what net/http makes of the same bytes. Where the two differ on
// purpose, the error is errOracle: other major versions, signed status codes and
// 101, which we refuse.
func parseNetHTTP(data []byte, method string) (result, error) {
	src := bytes.NewReader(data)
	br := bufio.NewReaderSize(src, 2*maxHead)
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return result{}, err
		}
		if resp.ProtoMajor != 1 || resp.StatusCode == http.StatusSwitchingProtocols || strings.ContainsAny(resp.Status[:1], "+-") {
			return result{}, errOracle
		}
		if resp.StatusCode/100 == 1 {
			continue
		}
		n, err := io.Copy(io.Discard, resp.Body)
		consumed := len(data) - src.Len() - br.Buffered()
		return result{status: resp.StatusCode, received: n, consumed: consumed, keep: !resp.Close && consumed == len(data)}, err
	}
}

// compare demands that both parsers refuse the answer or make the same of it.
func compare(t failer, data []byte, cuts []int, method string) {
	t.Helper()
	want, wantErr := parseNetHTTP(data, method)
	if wantErr != nil && strings.Contains(wantErr.Error(), "bad trailer key") {
		return // net/http refuses some announcements of trailers, which say nothing to us
	}
	got, gotErr := parseOurs(t, data, cuts, method)
	switch {
	case (gotErr != nil) != (wantErr != nil):
		t.Fatalf("read(%q) to a %s: got error %v, net/http's %v", data, method, gotErr, wantErr)
	case gotErr == nil && got != want:
		t.Fatalf("read(%q) to a %s: got %v, net/http's %v", data, method, got, want)
	}
}

// TestReadLikeNetHTTP drives random answers, valid and slightly broken, cut at
// random places, through our parser and through net/http's.
func TestReadLikeNetHTTP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawAnswer(t)
		data = mutate(t, data)
		cuts := rapid.SliceOfN(rapid.IntRange(1, 40), 0, 20).Draw(t, "cuts")
		method := rapid.SampledFrom([]string{"POST", "POST", "POST", "HEAD"}).Draw(t, "method")
		compare(t, data, cuts, method)
	})
}

func drawAnswer(t *rapid.T) []byte {
	var b bytes.Buffer
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "informational") {
		fmt.Fprintf(&b, "HTTP/1.1 %d Wait\r\n%s\r\n", rapid.SampledFrom([]int{100, 103, 199, 101}).Draw(t, "1xx"), drawHeaders(t))
	}
	body := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body")
	proto := rapid.SampledFrom([]string{"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1"}).Draw(t, "proto")
	status := rapid.SampledFrom([]string{"200 OK", "200", "204 No Content", "304 Not Modified", "404  Not  Found", "500 ", "099 x", "999 y", "20 z", "2000 z", "abc"}).Draw(t, "status")
	fmt.Fprintf(&b, "%s %s%s%s", proto, status, lineEnd(t), drawHeaders(t))
	switch rapid.SampledFrom([]string{"length", "length", "chunked", "chunked", "close", "both", "lengths"}).Draw(t, "framing") {
	case "length":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", max(0, len(body)+rapid.SampledFrom([]int{0, 0, 0, -3, 4}).Draw(t, "length off")))
		b.Write(body)
	case "lengths":
		fmt.Fprintf(&b, "Content-Length: %d\r\ncontent-length:%d\r\n\r\n", len(body), len(body)+rapid.IntRange(0, 1).Draw(t, "conflict"))
		b.Write(body)
	case "close":
		b.WriteString("\r\n")
		b.Write(body)
	case "both":
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
		fallthrough
	case "chunked":
		b.WriteString("Transfer-Encoding: " + rapid.SampledFrom([]string{"chunked", "CHUNKED", "gzip", "chunked, gzip"}).Draw(t, "coding") + "\r\n\r\n")
		drawChunks(t, &b, body)
	}
	b.WriteString(rapid.SampledFrom([]string{"", "", "", "x", "HTTP/1.1 200 OK\r\n\r\n"}).Draw(t, "after"))
	return b.Bytes()
}

func drawHeaders(t *rapid.T) string {
	var b strings.Builder
	header := rapid.SampledFrom([]string{
		"Server: model", "Date:", "X-Empty: ", "x-folded: a\r\n b\r\n\tc", "Connection: close", "connection: Keep-Alive", "Connection: foo, close ,bar",
		"Connection: keep-alive,\r\n close", "Content-Length: 7", "Content-Length: ", "Content-Length: +5", "Content-Length: 5, 5", "Content-Length : 5",
		"Transfer-Encoding:\r\n chunked", "Transfer-Encoding: identity", "No colon", ": no name", " leading: blank", "Sp ace: x", "Tab\tname: x",
		"X-Bytes: \xff\x80", "X-Control: a\x01b", "X-CR: a\rb", "Trailer: X-Sum", "Content-Length: 99999999999999999999", "Transfer-Encoding: chunked",
	})
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 2, 5}).Draw(t, "headers") {
		b.WriteString(header.Draw(t, "header") + lineEnd(t))
	}
	return b.String()
}

func lineEnd(t *rapid.T) string {
	return rapid.SampledFrom([]string{"\r\n", "\r\n", "\r\n", "\r\n", "\n"}).Draw(t, "line end")
}

func drawChunks(t *rapid.T, b *bytes.Buffer, body []byte) {
	extension := rapid.SampledFrom([]string{"", "", ";a=b", ";a=\"q;r\"", " ;x", "  ", ";" + strings.Repeat("e", 500)})
	for len(body) > 0 {
		n := rapid.IntRange(1, len(body)).Draw(t, "chunk")
		format := rapid.SampledFrom([]string{"%x", "%X", "%04x"}).Draw(t, "hex")
		fmt.Fprintf(b, format+"%s\r\n", n, extension.Draw(t, "extension"))
		b.Write(body[:n])
		b.WriteString("\r\n")
		body = body[n:]
	}
	b.WriteString("0" + extension.Draw(t, "last extension") + "\r\n")
	b.WriteString(rapid.SampledFrom([]string{"", "", "X-Sum: 1\r\n", "X-Sum: 1\r\nY: 2\r\n  3\r\n", "bad\r\n", "X: 1\n"}).Draw(t, "trailer"))
	b.WriteString("\r\n")
}

func mutate(t *rapid.T, data []byte) []byte {
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "mutations") {
		if len(data) == 0 {
			break
		}
		at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
		c := rapid.SampledFrom([]byte("\r\n :;,0129afX\x00\x7f\xff")).Draw(t, "byte")
		switch rapid.SampledFrom([]string{"replace", "insert", "delete", "cut"}).Draw(t, "mutation") {
		case "replace":
			data[at] = c
		case "insert":
			data = append(data[:at], append([]byte{c}, data[at:]...)...)
		case "delete":
			data = append(data[:at], data[at+1:]...)
		case "cut":
			data = data[:at]
		}
	}
	return data
}

// TestReadEveryCut cuts a few answers at every single place.
func TestReadEveryCut(t *testing.T) {
	for _, text := range seeds() {
		if len(text) > 2000 {
			continue
		}
		for cut := 1; cut < len(text); cut++ {
			compare(t, []byte(text), []int{cut, len(text)}, http.MethodPost)
		}
		compare(t, []byte(text), []int{1}, http.MethodPost)
	}
}

func seeds() []string {
	return []string{
		"",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 500",
		"HTTP/1.0 200 OK\r\n\r\nto the end",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;ext=\"a\"\r\nhello\r\n00a\r\n0123456789\r\n0\r\nX: y\r\n z\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 03\r\n\r\nabc",
		"HTTP/1.1 200 OK\nA: b\n c\nContent-Length: 1\n\nx",
		"HTTP/1.1 200 OK\r\nNo colon\r\n here: but there\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n folded: first\r\n\r\n",
		"HTTP/1.1 429 Slow down\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"\x15\x03\x01\x00\x02\x02\x46",
		"SSH-2.0-OpenSSH_9.9\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 5000) + "\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("e", 900)+"\r\nx\r\n", 30) + "0\r\n\r\n",
	}
}

// FuzzParse feeds anything to the parser: it must not panic, must hold no more
// than its bounds, and must agree with net/http.
func FuzzParse(f *testing.F) {
	for i, s := range seeds() {
		f.Add([]byte(s), byte(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, cut byte) {
		if len(data) > maxHead/2 {
			return // past it our limits, which net/http lacks, would show
		}
		method := http.MethodPost
		if cut > 200 {
			method = http.MethodHead
		}
		compare(t, data, []int{int(cut%37) + 1, int(cut) + 1}, method)
	})
}

func TestReadRefuses(t *testing.T) {
	long := strings.Repeat("a", 70<<10)
	for _, tt := range []struct {
		name, data string
		limit      int64
		want       error
	}{
		{"TLS alert", "\x15\x03\x03\x00\x02\x02\x16", 0, errLooksLikeTLS},
		{"another protocol", "220 mail.example.com ESMTP\r\n", 0, errNotHTTP},
		{"other protocol, no line end", "\x00\x00\x12", 0, errNotHTTP},
		{"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", 0, errNotHTTP},
		{"status line", "HTTP/1.1 +20 OK\r\n\r\n", 0, errStatusLine},
		{"upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 0, errUpgrade},
		{"long status line", "HTTP/1.1 200 " + long, 0, errHeadTooLong},
		{"long header", "HTTP/1.1 200 OK\r\nX: " + long + "\r\n\r\n", 0, errHeadTooLong},
		{"header flood", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Flood: 0123456789\r\n", 5000) + "\r\n", 0, errHeadTooLong},
		{"endless folding", "HTTP/1.1 200 OK\r\nX: y\r\n" + strings.Repeat(" z\r\n", 50000) + "\r\n", 0, errHeadTooLong},
		{"endless 1xx", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 5000), 0, errHeadTooLong},
		{"long trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + long, 0, errHeadTooLong},
		{"endless extensions", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("e", 1000)+"\r\nx\r\n", 60), 0, errChunkExcess},
		{"different lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", 0, errLengths},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, errLength},
		{"two codings", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, errEncoding},
		{"chunk of no size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", 0, errChunk},
		{"trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n", 0, errTrailer},
		{"long answer, length", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", 10, errTooLong},
		{"long answer, chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n", 10, errTooLong},
		{"long answer, to close", "HTTP/1.1 200 OK\r\n\r\n01234567890", 10, errTooLong},
		{"cut in the head", "HTTP/1.1 200 OK\r\nContent-", 0, io.EOF},
		{"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", 0, io.EOF},
		{"cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nx", 0, io.EOF},
		{"nothing", "", 0, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := answerReader{maxAnswer: tt.limit}
			a.reset(&pieces{data: []byte(tt.data)})
			if err := a.read(); !errors.Is(err, tt.want) {
				t.Errorf("read(%.60q): got error %v, want %v", tt.data, err, tt.want)
			}
			if len(a.buf) > maxHead {
				t.Errorf("read(%.60q): holds %d bytes, want at most %d", tt.data, len(a.buf), maxHead)
			}
		})
	}
}

func TestReadAtTheLimit(t *testing.T) {
	for _, data := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n4\r\nabcd\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n0123456789",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", maxHead-60) + "\r\nContent-Length: 0\r\n\r\n",
	} {
		a := answerReader{maxAnswer: 10}
		a.reset(&pieces{data: []byte(data)})
		if err := a.read(); err != nil {
			t.Errorf("read(%.60q): got error %v, want none", data, err)
		}
	}
}

// TestReadSeveral reads answers of all framings off one connection.
func TestReadSeveral(t *testing.T) {
	one := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	two := "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n"
	src := &pieces{data: []byte(one + two + one), cuts: []int{len(one), len(two), len(one)}}
	a := answerReader{}
	a.keep = make([]byte, 0, maxDetail)
	a.reset(src)
	for i, want := range []struct {
		status int
		keep   string
	}{{200, ""}, {503, "abc"}, {200, ""}} {
		if err := a.read(); err != nil || a.status != want.status || string(a.keep) != want.keep || a.close {
			t.Fatalf("read %d: got status %d, kept %q, close %v, error %v; want %d, %q, false, none", i, a.status, a.keep, a.close, err, want.status, want.keep)
		}
	}
}

// TestReadMarksGarbage: bytes after an answer must end the connection.
func TestReadMarksGarbage(t *testing.T) {
	a := answerReader{}
	a.reset(&pieces{data: []byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n")})
	if err := a.read(); err != nil || !a.close {
		t.Errorf("read with bytes after the answer: got close %v, error %v; want true, none", a.close, err)
	}
}

// TestReadSeveralLikeNetHTTP: an answer on a connection that carried others is read as
// it is on a new one. The server sends each when the one before was read.
func TestReadSeveralLikeNetHTTP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		used := answerReader{}
		used.keep = make([]byte, 0, maxDetail)
		used.reset(nil)
		for i := range rapid.IntRange(2, 6).Draw(t, "answers") {
			data := mutate(t, drawAnswer(t))
			cuts := rapid.SliceOfN(rapid.IntRange(1, 40), 0, 20).Draw(t, "cuts")
			want, wantErr := parseNetHTTP(data, http.MethodPost)
			if wantErr != nil {
				continue // a refusal ends a connection; TestReadLikeNetHTTP has those
			}
			src := &pieces{data: data, cuts: cuts}
			used.src = src
			if err := used.read(); err != nil {
				t.Fatalf("read %d (%q): got error %v, net/http's none", i, data, err)
			}
			consumed := len(data) - len(src.data) - (used.w - used.r)
			if got := (result{used.status, used.received, consumed, !used.close && consumed == len(data)}); got != want {
				t.Fatalf("read %d (%q): got %v, net/http's %v", i, data, got, want)
			}
			used.r, used.w = 0, 0 // what came after it ends the connection, too
		}
	})
}
