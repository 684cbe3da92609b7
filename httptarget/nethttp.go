package httptarget

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll/loadgen"
)

// netHTTP makes sessions over net/http: slower, and able to go through proxies.
type netHTTP struct {
	method string
	url    *url.URL
	proxy  *url.URL // nil for none
	host   string   // Host header where it is not the URL's
	tls    *tls.Config
	dialer *dialer // to what is connected to: the server or the proxy
}

func newNetHTTP(o Options, u, proxy *url.URL, server *dialer) *netHTTP {
	n := &netHTTP{method: o.method(), url: u, proxy: proxy, tls: tlsConfig(o, u), dialer: server}
	n.tls.ServerName = o.ServerName // net/http has its own default, which suits a proxy, too
	n.host, _ = requestHeader(o, u, Body{})
	if proxy != nil {
		n.dialer = newDialer(o, &url.URL{Scheme: proxy.Scheme, Host: proxy.Host})
		n.dialer.tls = nil // net/http itself shakes hands, with the proxy and through it
	}
	return n
}

// netSession is a session over a transport of its own, so that it has one
// connection and its connects can be counted.
type netSession struct {
	target    *Target
	transport *http.Transport
	dials     atomic.Int64
	ahead     chan net.Conn // the connection that open made, for the first request
	body      bytes.Reader
	buf       []byte
	answer    answer
	full      http.Header // of the last answer
	detail    []byte
	stamp     Stamp    // nil for none
	follow    Follower // nil for none
	lines     []byte   // that the stamp wrote

	running context.Context //nolint:containedctx // ends with the session, which outlives every call
	cancel  context.CancelFunc
	once    sync.Once
}

// open connects, to the proxy where there is one; the TLS handshake through a
// proxy is left to the first request, which is where net/http makes it.
func (n *netHTTP) open(ctx context.Context, t *Target) (*netSession, error) {
	s := n.newSession(t)
	conn, err := n.dialer.connect(ctx)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	s.ahead <- conn
	return s, nil
}

func (n *netHTTP) newSession(t *Target) *netSession {
	s := &netSession{target: t, ahead: make(chan net.Conn, 1), buf: make([]byte, bodyBuffer)}
	s.answer.keep = make([]byte, 0, maxDetail)
	s.stamp, s.follow = t.hooks()
	s.running, s.cancel = context.WithCancel(context.Background())
	s.transport = &http.Transport{
		Proxy:                  http.ProxyURL(n.proxy),
		DisableCompression:     true,
		DisableKeepAlives:      t.closes,
		MaxIdleConnsPerHost:    1,
		MaxConnsPerHost:        1,
		MaxResponseHeaderBytes: maxHead,
		TLSHandshakeTimeout:    n.dialer.timeout,
		DialContext:            s.dial,
		TLSClientConfig:        n.tls,
	}
	if n.proxy == nil {
		s.transport.DialTLSContext = s.dial
	}
	return s
}

// dial gives the transport the connection made ahead, else a new one.
func (s *netSession) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.dials.Add(1)
	select {
	case conn := <-s.ahead:
		return conn, nil
	default:
		return s.target.net.dialer.connect(ctx)
	}
}

// Do sends the request and reads its answer to the end.
func (s *netSession) Do(req loadgen.Request) loadgen.Outcome {
	var out loadgen.Outcome
	before := max(1, s.dials.Load()) // the first connection was made by open
	err := s.exchange(req)
	out.Reconnects = int(max(0, s.dials.Load()-before))
	out.Status, out.Received = s.answer.status, s.answer.received
	if err != nil {
		s.fail(&out, err)
	} else {
		s.answered(&out)
	}
	return out
}

func (s *netSession) exchange(req loadgen.Request) error {
	s.answer = answer{keep: s.answer.keep[:0], keepAll: s.answer.keepAll, location: s.answer.location[:0]}
	ctx, cancel := context.WithTimeout(s.running, s.target.timeout)
	defer cancel()
	now := time.Now()
	if s.follow != nil {
		s.follow.Start(now)
	}
	r := s.request(ctx, req)
	if err := s.addStamp(r.Header, req, now); err != nil {
		return err
	}
	resp, err := s.transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	a := &s.answer
	a.status, s.full = resp.StatusCode, resp.Header
	if a.status == http.StatusSwitchingProtocols {
		return errUpgrade
	}
	a.sageMaker = resp.Header.Get("X-Amzn-Requestid") != ""
	name := []byte(resp.Header.Get("X-Amzn-Errortype"))
	a.throttling, a.unauthorized = isThrottlingName(name), isCredentialsName(name)
	if a.status/100 == 3 {
		a.location = append(a.location, resp.Header.Get("Location")...)
	}
	return s.discard(resp.Body)
}

// request makes the request anew each time. Its body says nothing about how to
// read it again, so that net/http cannot send it twice.
func (s *netSession) request(ctx context.Context, req loadgen.Request) *http.Request {
	r := &s.target.requests[req.Body]
	content := r.body
	if req.Content != nil {
		content = req.Content
	}
	s.body.Reset(content)
	n := s.target.net
	h := &http.Request{
		Method: n.method, URL: n.url, Host: n.host, Header: r.header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(&s.body), ContentLength: int64(len(content)),
	}
	if len(content) == 0 && expectsContent(n.method) {
		h.Body = http.NoBody
	}
	return h.WithContext(ctx)
}

// addStamp sets the headers that the stamp wrote.
func (s *netSession) addStamp(header http.Header, req loadgen.Request, now time.Time) (err error) {
	if s.stamp == nil {
		return nil
	}
	if s.lines, err = s.stamp.Append(s.lines[:0], req, now); err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(s.lines), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			header.Set(name, value)
		}
	}
	return nil
}

func (s *netSession) discard(body io.Reader) error {
	a := &s.answer
	for {
		n, err := body.Read(s.buf)
		if a.status/100 != 2 || a.keepAll {
			a.keep = append(a.keep, s.buf[:min(n, cap(a.keep)-len(a.keep))]...)
		}
		a.received += int64(n)
		if s.follow != nil {
			if err := a.feedTo(s.follow, s.buf[:n]); err != nil {
				return err
			}
		}
		if limit := s.target.maxAnswer; limit > 0 && a.received > limit {
			return errTooLong
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *netSession) answered(out *loadgen.Outcome) {
	s.detail = finish(out, &s.answer, s.target, s.follow, s.detail)
	if len(out.Detail) > 0 {
		s.target.scrub(out.Detail, s.stamp)
	}
}

func (s *netSession) fail(out *loadgen.Outcome, err error) {
	open, notOpened := errors.AsType[*loadgen.OpenError](err)
	switch {
	case s.running.Err() != nil:
		out.Class, err = loadgen.Network, errSessionClosed
	case notOpened:
		out.Class, err = open.Class, open.Err
	default:
		out.Class = classOfNetHTTP(err)
		err = explain(err, &s.answer, s.target.timeout, nil)
		if out.Class == loadgen.TLSFailure { // the handshake through a proxy is made here
			err = fmt.Errorf("%w%s", err, remedy(err, out.Class))
		}
	}
	if out.Class == loadgen.Reset && out.Status >= 300 {
		s.answered(out)
		return
	}
	s.detail = appendText(s.detail[:0], err.Error())
	s.target.scrub(s.detail, s.stamp)
	out.Detail = s.detail
}

// classOfNetHTTP is classOfError for the errors of net/http, most of which have
// no type.
func classOfNetHTTP(err error) loadgen.Class {
	class := classOfError(err)
	if class != loadgen.Network {
		return class
	}
	text := err.Error()
	for _, sign := range []string{"malformed", "unsupported transfer encoding", "Content-Length", "chunk", "response headers exceeded", "invalid byte", "trailer"} {
		if strings.Contains(text, sign) {
			return loadgen.Malformed
		}
	}
	if strings.Contains(text, "server closed idle connection") {
		return loadgen.Reset
	}
	return class
}

// Aside is zero: net/http connects when a request needs it.
func (s *netSession) Aside() time.Duration { return 0 }

// Close ends the session and whatever Do is under way. It never fails.
func (s *netSession) Close() error {
	s.once.Do(func() {
		s.cancel()
		select {
		case conn := <-s.ahead:
			_ = conn.Close()
		default:
		}
		s.transport.CloseIdleConnections()
	})
	return nil
}

// Format writes no more than the target's String.
func (s *netSession) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "session of "+s.target.String())
}
