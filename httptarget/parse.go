package httptarget

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

const (
	// maxHead bounds the status lines, headers and trailers of one answer, those
	// of its 1xx answers included.
	maxHead = 64 << 10
	// firstBuffer is the size of a session's buffer; a longer head grows it up to
	// maxHead, a long body to bodyBuffer.
	firstBuffer = 4 << 10
	bodyBuffer  = 32 << 10
	// maxChunkLine and maxChunkExcess are net/http's limits for the line before a
	// chunk and for what an answer may hold beside its data.
	maxChunkLine   = 4096
	maxChunkExcess = 16 << 10
)

// malformed is an answer that is not HTTP. It is a constant type so that an
// error costs nothing.
type malformed string

func (m malformed) Error() string { return string(m) }

const (
	errNotHTTP      malformed = "the answer is not HTTP"
	errLooksLikeTLS malformed = "the answer looks like TLS; use https://"
	errStatusLine   malformed = "bad status line"
	errUpgrade      malformed = "101 Switching Protocols, which nobody asked for"
	errHeadTooLong  malformed = "headers longer than 64 KiB"
	errHeaderLine   malformed = "bad header line"
	errLength       malformed = "bad Content-Length"
	errLengths      malformed = "several different Content-Lengths"
	errEncoding     malformed = "unsupported Transfer-Encoding"
	errChunk        malformed = "bad chunk"
	errChunkExcess  malformed = "chunked answer with too much beside its data"
	errTrailer      malformed = "bad trailer"
	errTooLong      malformed = "answer longer than the limit"
)

// answerReader reads the answers of one connection, one after the other. It
// accepts what net/http accepts (bare line feeds and folded headers included,
// save in chunk lines) and holds at most maxHead bytes.
type answerReader struct {
	src       io.Reader
	headOnly  bool  // answers to HEAD have no body
	maxAnswer int64 // bytes of body, 0 for no limit
	follow    Follower

	buf  []byte // unread bytes are buf[r:w]
	r, w int

	answer
	budget int // bytes of head still allowed
}

// answer is what is known of the answer read last.
type answer struct {
	status   int
	received int64 // bytes of body
	close    bool  // the connection cannot carry another request

	sageMaker  bool // x-amzn-requestid was there
	throttling bool // x-amzn-errortype named ThrottlingException
	// unauthorized: x-amzn-errortype named a refusal of the credentials.
	unauthorized bool

	keep     []byte      // first bytes of the body of an answer that is not 2xx
	location []byte      // of a redirect
	full     http.Header // all headers, where they are asked for; nil otherwise
	keepAll  bool        // keep the body of a 2xx, too

	minor   int   // HTTP/1.minor
	length  int64 // Content-Length, -1 for none
	digits  int   // of the Content-Length
	chunked bool
	codings int  // how many Transfer-Encoding headers
	coding  bool // whether the last of them was chunked
	persist bool // Connection: keep-alive
}

// reset points the reader at a new connection.
func (a *answerReader) reset(src io.Reader) {
	if a.buf == nil {
		a.buf = make([]byte, firstBuffer)
	}
	a.src, a.r, a.w = src, 0, 0
}

// read reads one answer to its end, discarding the body save what a.keep has
// room for. After an error, or when a.close is set, the connection is of no more
// use; a.status tells how far an answer that failed had come.
func (a *answerReader) read() error {
	a.answer = answer{keep: a.keep[:0], location: a.location[:0], full: a.full, keepAll: a.keepAll}
	a.budget = maxHead
	for {
		if err := a.readHead(); err != nil {
			return err
		}
		if a.status == http.StatusSwitchingProtocols {
			return errUpgrade
		}
		if a.status/100 != 1 {
			break
		}
	}
	if err := a.readBody(); err != nil {
		return err
	}
	// Nobody asked for what comes after the answer; it must not be taken for
	// the next one.
	a.close = a.close || a.r < a.w
	return nil
}

func (a *answerReader) readBody() error {
	switch {
	case a.headOnly, a.status == http.StatusNoContent, a.status == http.StatusNotModified:
		return nil
	case a.chunked:
		return a.readChunks()
	case a.length >= 0:
		return a.discard(a.length)
	}
	a.close = true
	return a.readToClose()
}

// readHead reads a status line and its headers.
func (a *answerReader) readHead() error {
	a.status, a.length, a.digits, a.codings, a.coding, a.close, a.persist = 0, -1, 0, 0, false, false, false
	clear(a.full)
	if err := a.sniff(); err != nil {
		return err
	}
	line, err := a.line(false)
	if err != nil {
		return err
	}
	if err := a.statusLine(line); err != nil {
		return err
	}
	if err := a.headers(a.header); err != nil {
		return err
	}
	a.chunked = a.codings > 0 && a.minor > 0 // HTTP/1.0 has no transfer codings
	if a.chunked && (a.codings > 1 || !a.coding) {
		return errEncoding
	}
	if a.minor == 0 && !a.persist {
		a.close = true
	}
	return nil
}

const protocol = "HTTP/1."

// sniff looks at the first bytes, so that a server of another protocol is told
// at once and not when it closes or the time is up.
func (a *answerReader) sniff() error {
	for {
		p := a.buf[a.r:a.w]
		n := min(len(p), len(protocol))
		switch {
		case string(p[:n]) == protocol[:n] && n == len(protocol):
			return nil
		case string(p[:n]) == protocol[:n]:
		case p[0] == 0x15 && (n == 1 || p[1] == 3): // a TLS alert record
			return errLooksLikeTLS
		default:
			return errNotHTTP
		}
		if err := a.fill(); err != nil {
			return err
		}
	}
}

// statusLine reads "HTTP/1.1 200 OK"; sniff has seen its beginning.
func (a *answerReader) statusLine(line []byte) error {
	rest := line[len(protocol):]
	if len(rest) < len("1 200") || !isDigit(rest[0]) || rest[1] != ' ' {
		return errStatusLine
	}
	a.minor = int(rest[0] - '0')
	rest = bytes.TrimLeft(rest[1:], " ")
	if len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' || !isDigit(rest[0]) || !isDigit(rest[1]) || !isDigit(rest[2]) {
		return errStatusLine
	}
	a.status = int(rest[0]-'0')*100 + int(rest[1]-'0')*10 + int(rest[2]-'0')
	return nil
}

// headers reads lines up to an empty one and gives each to use.
func (a *answerReader) headers(use func(name, value []byte) error) error {
	for first := true; ; first = false {
		line, err := a.line(true)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || first && isBlank(line[0]) {
			return errHeaderLine
		}
		name, value := line[:colon], trimBlanks(line[colon+1:])
		for _, c := range name {
			if !validNameByte(c) && c != ' ' { // a space is let through, as net/http does
				return errHeaderLine
			}
		}
		if !validValue(value) {
			return errHeaderLine
		}
		if err := use(name, value); err != nil {
			return err
		}
	}
}

// header takes what matters of one header. The lengths spare most headers the
// comparison.
func (a *answerReader) header(name, value []byte) error {
	if a.full != nil {
		a.full.Add(string(name), string(value))
	}
	switch len(name) {
	case len("location"):
		if a.status/100 == 3 && equalFold(name, "location") {
			a.location = append(a.location[:0], value[:min(len(value), maxDetail)]...)
		}
	case len("connection"):
		if equalFold(name, "connection") {
			a.connection(value)
		}
	case len("content-length"):
		if equalFold(name, "content-length") {
			return a.contentLength(value)
		}
	case len("x-amzn-requestid"): // as long as x-amzn-errortype
		if equalFold(name, "x-amzn-requestid") {
			a.sageMaker = true
		} else if equalFold(name, "x-amzn-errortype") {
			a.throttling, a.unauthorized = isThrottlingName(value), isCredentialsName(value)
		}
	case len("transfer-encoding"):
		if equalFold(name, "transfer-encoding") {
			a.codings++
			a.coding = equalFold(value, "chunked")
		}
	}
	return nil
}

func (a *answerReader) connection(value []byte) {
	for len(value) > 0 {
		var token []byte
		token, value, _ = bytes.Cut(value, []byte{','})
		token = trimBlanks(token)
		switch {
		case equalFold(token, "close"):
			a.close = true
		case equalFold(token, "keep-alive"):
			a.persist = true
		}
	}
}

// contentLength reads one Content-Length. Two that differ in any digit are an
// attempt at smuggling (RFC 9112, 6.3).
func (a *answerReader) contentLength(value []byte) error {
	n, ok := parseDecimal(value)
	if !ok {
		return errLength
	}
	if a.length >= 0 && (a.length != n || a.digits != len(value)) {
		return errLengths
	}
	a.length, a.digits = n, len(value)
	return nil
}

// line gives the next line of a head without its end; it is valid until the next
// call. With fold, lines that begin with a blank continue the one before (the
// line ends between them become blanks).
func (a *answerReader) line(fold bool) ([]byte, error) {
	from := 0 // no line end of interest before this
	for {
		p := a.buf[a.r:a.w]
		i := bytes.IndexByte(p[from:], '\n')
		if i < 0 {
			from = len(p)
		} else {
			end := from + i
			text := p[:end]
			if end > 0 && p[end-1] == '\r' {
				text = p[:end-1]
			}
			switch {
			case !fold, len(text) == 0, end+1 < len(p) && !isBlank(p[end+1]):
				a.r += end + 1
				a.budget -= end + 1
				if a.budget < 0 {
					return nil, errHeadTooLong
				}
				return text, nil
			case end+1 < len(p):
				if bytes.IndexByte(text, ':') < 0 { // a name is never folded
					return nil, errHeaderLine
				}
				for j := len(text); j <= end; j++ {
					p[j] = ' '
				}
				from = end + 1
				continue
			}
			from = end // what follows the line end decides
		}
		if err := a.fill(); err != nil {
			return nil, err
		}
	}
}

// readChunks reads a chunked body with its trailer.
func (a *answerReader) readChunks() error {
	excess := int64(0)
	for {
		size, line, err := a.chunkSize()
		if err != nil {
			return err
		}
		// As net/http: sixteen bytes a chunk and twice its data are free, so that
		// one byte a chunk is fine and endless extensions are not.
		excess = max(0, excess+int64(line)+2-16-2*size)
		if excess > maxChunkExcess {
			return errChunkExcess
		}
		if size == 0 {
			return a.trailer()
		}
		if err := a.discard(size); err != nil {
			return err
		}
		if err := a.atLeast(2); err != nil {
			return err
		}
		if a.buf[a.r] != '\r' || a.buf[a.r+1] != '\n' {
			return errChunk
		}
		a.r += 2
	}
}

// maxChunk keeps the arithmetic on chunk sizes away from overflow.
const maxChunk = 1 << 60

// chunkSize reads the line before a chunk and gives the chunk's size and the
// length of the line. Its end is CR LF and nothing else (RFC 9112, 7.1).
func (a *answerReader) chunkSize() (size int64, length int, err error) {
	for from := 0; ; {
		p := a.buf[a.r:a.w]
		if i := bytes.IndexByte(p[from:], '\n'); i >= 0 {
			end := from + i
			if end == 0 || bytes.IndexByte(p[:end], '\r') != end-1 || end-1 >= maxChunkLine {
				return 0, 0, errChunk
			}
			a.r += end + 1
			line := trimRightBlanks(p[:end-1])
			digits, _, _ := bytes.Cut(line, []byte{';'})
			size, ok := parseHex(digits)
			if !ok || size > maxChunk {
				return 0, 0, errChunk
			}
			return size, end - 1, nil
		}
		from = len(p)
		if len(p) > maxChunkLine {
			return 0, 0, errChunk
		}
		if err := a.fill(); err != nil {
			return 0, 0, err
		}
	}
}

// trailer reads what follows the last chunk: an empty line, or headers that end
// in two line ends.
func (a *answerReader) trailer() error {
	if err := a.atLeast(2); err != nil {
		return err
	}
	if a.buf[a.r] == '\r' && a.buf[a.r+1] == '\n' {
		a.r += 2
		return nil
	}
	for from := 0; ; {
		p := a.buf[a.r:a.w]
		if bytes.Contains(p[from:], []byte("\r\n\r\n")) {
			break
		}
		from = max(0, len(p)-3)
		if err := a.fill(); err != nil {
			return err
		}
	}
	if a.headers(ignoreHeader) != nil {
		return errTrailer
	}
	return nil
}

func ignoreHeader(_, _ []byte) error { return nil }

// discard reads n bytes of body.
func (a *answerReader) discard(n int64) error {
	if a.maxAnswer > 0 && n > a.maxAnswer-a.received {
		return errTooLong
	}
	for {
		p := a.buf[a.r:a.w]
		if int64(len(p)) >= n {
			return a.take(p[:n])
		}
		if err := a.take(p); err != nil {
			return err
		}
		n -= int64(len(p))
		if n > firstBuffer {
			a.widen()
		}
		if err := a.fill(); err != nil {
			return err
		}
	}
}

// readToClose reads a body that ends with the connection.
func (a *answerReader) readToClose() error {
	for {
		if err := a.take(a.buf[a.r:a.w]); err != nil {
			return err
		}
		if a.maxAnswer > 0 && a.received > a.maxAnswer {
			return errTooLong
		}
		if a.received > firstBuffer {
			a.widen()
		}
		// Not io.ErrUnexpectedEOF, which is a TLS connection cut off in a record.
		if err := a.fill(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// widen makes the buffer, in which nothing is unread, fit for a long body.
func (a *answerReader) widen() {
	if len(a.buf) < bodyBuffer {
		a.buf, a.r, a.w = make([]byte, bodyBuffer), 0, 0
	}
}

// take counts p, which begins the unread bytes, as body and keeps its beginning
// where it is wanted.
func (a *answerReader) take(p []byte) error {
	if a.status/100 != 2 || a.keepAll {
		room := cap(a.keep) - len(a.keep)
		a.keep = append(a.keep, p[:min(room, len(p))]...)
	}
	a.received += int64(len(p))
	a.r += len(p)
	if a.follow != nil {
		return a.feedTo(a.follow, p)
	}
	return nil
}

// atLeast reads until n bytes are unread.
func (a *answerReader) atLeast(n int) error {
	for a.w-a.r < n {
		if err := a.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads more bytes, making room for them first: so much unread that there is
// none left can only be a head. The end of the stream is io.EOF.
func (a *answerReader) fill() error {
	switch {
	case a.r == a.w:
		a.r, a.w = 0, 0
	case a.w < len(a.buf):
	case a.r > 0:
		a.w = copy(a.buf, a.buf[a.r:a.w])
		a.r = 0
	default:
		if len(a.buf) >= maxHead {
			return errHeadTooLong
		}
		a.buf = append(a.buf, make([]byte, len(a.buf))...)
	}
	for range 100 {
		n, err := a.src.Read(a.buf[a.w:])
		a.w += n
		if n > 0 {
			return nil // an error with it comes again with the next read
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}
