package httptarget

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"plimsoll/loadgen"
)

// fakeStamp adds the number of the body and what a Prepare told of it.
type fakeStamp struct {
	paths []string
	err   error
}

func (f *fakeStamp) Prepare(_ int, req *http.Request, content []byte) error {
	f.paths = append(f.paths, fmt.Sprintf("%s %s %s %s %d", req.Method, req.Host, req.URL.Path, req.Header.Get("Content-Type"), len(content)))
	return f.err
}

func (f *fakeStamp) Session() Stamp { return f }

func (f *fakeStamp) Append(head []byte, req loadgen.Request, now time.Time) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	if now.IsZero() {
		return nil, errors.New("no instant")
	}
	head = append(head, "X-Stamp: hush-"...)
	head = strconv.AppendInt(head, int64(req.Body), 10)
	return append(head, "\r\n"...), nil
}

func (f *fakeStamp) Scrub(text []byte) { Scrub(text, [][]byte{[]byte("hush-1")}) }

// tell answers with 400 and what it was sent.
func tell(_ int, conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		req, body, ok := readRequest(r)
		if !ok {
			return
		}
		_, _ = conn.Write([]byte(reply(400, fmt.Sprintf("%s|%d|%.8s", req.Header.Get("X-Stamp"), len(body), body))))
	}
}

func TestStampIsAddedToEveryRequest(t *testing.T) {
	s := listen(t, tell)
	for _, netHTTP := range []bool{false, true} {
		stamp := &fakeStamp{}
		o := Options{URL: s.url + "/in", Stamper: stamp, NetHTTP: netHTTP, Bodies: []Body{
			{Content: []byte("short"), ContentType: "text/csv"}, {Content: bytes.Repeat([]byte("y"), 20<<10)}, {Content: bytes.Repeat([]byte("z"), 100<<10)}, {},
		}}
		session := openSession(t, o)
		host := s.Addr().String()
		if want := "POST " + host + " /in text/csv 5"; len(stamp.paths) != 4 || stamp.paths[0] != want {
			t.Errorf("Prepare was told %q, want 4 of which the first is %q", stamp.paths, want)
		}
		for _, tt := range []struct {
			req  loadgen.Request
			want string
		}{
			{loadgen.Request{}, "hush-0|5|short"},
			{loadgen.Request{Body: 1}, "******|20480|yyyyyyyy"},
			{loadgen.Request{Body: 2}, "hush-2|102400|zzzzzzzz"},
			{loadgen.Request{Body: 3}, "hush-3|0|"},
			{loadgen.Request{Body: 3, Content: []byte("now")}, "hush-3|3|now"},
		} {
			out := session.Do(tt.req)
			if string(out.Detail) != tt.want {
				t.Errorf("net/http %v, body %d: the server saw %q, want %q", netHTTP, tt.req.Body, out.Detail, tt.want)
			}
		}
	}
}

// TestStampThatFails: nothing is sent, and the connection stays.
func TestStampThatFails(t *testing.T) {
	s := listen(t, always(reply(200, "ok")))
	for _, netHTTP := range []bool{false, true} {
		stamp := &fakeStamp{}
		session := openSession(t, Options{URL: s.url, Stamper: stamp, NetHTTP: netHTTP})
		stamp.err = &loadgen.OpenError{Class: loadgen.Unauthorized, Err: errors.New("no credentials since noon")}
		out := session.Do(loadgen.Request{})
		wantClass(t, "Do without credentials", out, loadgen.Unauthorized, 0)
		if string(out.Detail) != "no credentials since noon" || out.Reconnects != 0 {
			t.Errorf("Do: got detail %q and %d reconnects", out.Detail, out.Reconnects)
		}
		stamp.err = nil
		out = session.Do(loadgen.Request{})
		wantClass(t, "Do after that", out, loadgen.OK, 200)
		if out.Reconnects != 0 {
			t.Errorf("Do after that: %d reconnects, want none", out.Reconnects)
		}
	}
	if _, err := New(Options{URL: s.url, Stamper: &fakeStamp{err: errors.New("cannot sign")}}); err == nil || !strings.Contains(err.Error(), "cannot sign") {
		t.Errorf("New: got %v, want the error of Prepare", err)
	}
}

// fakeFollower notes what it is told.
type fakeFollower struct {
	started, fed, ended int
	seen                bytes.Buffer
	err                 error
	class               loadgen.Class
}

func (f *fakeFollower) Start(time.Time) { f.started++; f.seen.Reset() }

func (f *fakeFollower) Feed(p []byte, at time.Time) error {
	if at.IsZero() {
		return errors.New("no instant")
	}
	f.fed++
	f.seen.Write(p)
	return f.err
}

func (f *fakeFollower) End(out loadgen.Outcome) loadgen.Outcome {
	f.ended++
	if f.class != loadgen.OK {
		out.Class, out.Detail = f.class, []byte(strings.Repeat("x", maxDetail)+"more")
	}
	return out
}

func TestFollowerReadsGoodAnswers(t *testing.T) {
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
	for _, netHTTP := range []bool{false, true} {
		f := &fakeFollower{}
		open := func(answer string) loadgen.Session {
			*f = fakeFollower{}
			return openSession(t, Options{URL: listen(t, always(answer)).url, NetHTTP: netHTTP, Follow: func() Follower { return f }})
		}
		session := open(chunked)
		wantClass(t, "Do", session.Do(loadgen.Request{}), loadgen.OK, 200)
		if f.seen.String() != "abcdefg" || f.started != 1 || f.ended != 1 || f.fed == 0 {
			t.Errorf("the follower saw %q in %d pieces, %d starts, %d ends", f.seen.String(), f.fed, f.started, f.ended)
		}
		f.class = loadgen.StreamFailed
		out := session.Do(loadgen.Request{})
		wantClass(t, "Do, an exception within", out, loadgen.StreamFailed, 200)
		if len(out.Detail) != maxDetail {
			t.Errorf("Do: a detail of %d bytes, want %d", len(out.Detail), maxDetail)
		}
		f.err = errors.New("bad checksum")
		out = session.Do(loadgen.Request{})
		wantClass(t, "Do, a body that is not understood", out, loadgen.Malformed, 200)

		session = open(reply(503, "busy"))
		wantClass(t, "Do", session.Do(loadgen.Request{}), loadgen.ServerError, 503)
		if f.fed != 0 || f.ended != 0 {
			t.Errorf("the follower was given a failure: %d pieces, %d ends", f.fed, f.ended)
		}
	}
}

func TestHooksDoNotAllocate(t *testing.T) {
	for _, size := range []int{1000, 50_000} {
		s := listen(t, lean(size, []byte(reply(200, "0.97"))))
		f := &fakeFollower{}
		session := openSession(t, Options{URL: s.url, Bodies: body(strings.Repeat("x", size)), Stamper: &fakeStamp{}, Follow: func() Follower { return f }})
		failed := 0
		avg := testing.AllocsPerRun(200, func() {
			if out := session.Do(loadgen.Request{}); out.Class != loadgen.OK {
				failed++
			}
		})
		if avg != 0 || failed > 0 {
			t.Errorf("Do, %d B: got %v allocations a request and %d failures, want 0 and 0", size, avg, failed)
		}
	}
}

// TestRefusedCredentialsHaveAClass: what AWS says of a signature is no word on the
// model or its load.
func TestRefusedCredentialsHaveAClass(t *testing.T) {
	head := func(status, header, content string) string {
		return "HTTP/1.1 " + status + " Status\r\n" + header + "Content-Length: " + strconv.Itoa(len(content)) + "\r\n\r\n" + content
	}
	for _, tt := range []struct {
		answer string
		class  loadgen.Class
	}{
		{head("403", "x-amzn-ErrorType: ExpiredTokenException:http://internal.amazon.com/\r\n", `{"message":"The security token included in the request is expired"}`), loadgen.Unauthorized},
		{head("403", "x-amzn-ErrorType: InvalidSignatureException\r\n", `{}`), loadgen.Unauthorized},
		{head("403", "x-amzn-ErrorType: AccessDeniedException\r\n", `{"Message":"User: x is not authorized to perform: sagemaker:InvokeEndpoint"}`), loadgen.Unauthorized},
		{head("403", "x-amzn-RequestId: 1\r\n", `{}`), loadgen.Unauthorized},
		{head("400", "", `{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"x"}`), loadgen.Unauthorized},
		{head("400", "", `{"code":"IncompleteSignature"}`), loadgen.Unauthorized},
		{head("403", "", `forbidden`), loadgen.ClientError},
		{head("401", "", `who are you?`), loadgen.ClientError},
		{head("400", "x-amzn-ErrorType: ValidationError\r\nx-amzn-RequestId: 1\r\n", `{"message":"Endpoint x not found"}`), loadgen.ClientError},
		{head("424", "x-amzn-ErrorType: ModelError\r\n", `{"OriginalMessage":"AccessDenied"}`), loadgen.ModelError},
		{head("503", "x-amzn-ErrorType: AccessDenied\r\n", `{}`), loadgen.ServerError},
	} {
		for _, netHTTP := range []bool{false, true} {
			session := openSession(t, Options{URL: listen(t, always(tt.answer)).url, NetHTTP: netHTTP})
			if out := session.Do(loadgen.Request{}); out.Class != tt.class {
				t.Errorf("net/http %v, %q: got %v, want %v", netHTTP, tt.answer, out.Class, tt.class)
			}
		}
	}
}

func TestThrottleBehindAPrefix(t *testing.T) {
	s := listen(t, always(reply(400, `{"message":null}`)))
	for path, class := range map[string]loadgen.Class{
		"/endpoints/e/invocations":                         loadgen.Throttled,
		"/gateway/v1/endpoints/e/invocations":              loadgen.Throttled,
		"/gateway/endpoints/e/invocations-response-stream": loadgen.Throttled,
		"/invocations": loadgen.ClientError,
	} {
		out := openSession(t, Options{URL: s.url + path}).Do(loadgen.Request{})
		wantClass(t, path, out, class, 400)
	}
}
