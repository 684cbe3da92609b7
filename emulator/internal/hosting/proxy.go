package hosting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Dial opens a connection, as the DialContext of [net/http.Transport].
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// connectTimeout is how long a container may take to accept a connection (Developer
// Guide, "Use Your Own Inference Code with Hosting Services").
const connectTimeout = 250 * time.Millisecond

// newTransport returns a transport that keeps as many connections as there are requests
// at once, and that no proxy or compression comes between.
func newTransport(dial Dial) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: connectTimeout}).DialContext
	}
	return &http.Transport{
		DialContext: dial, MaxIdleConnsPerHost: 1 << 16, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
}

// proxy takes requests to a real container.
type proxy struct {
	url       *url.URL
	broke     func(error) // is told of answers that did not come, or not whole; nil tells nobody
	transport http.RoundTripper
	stopped   context.Context //nolint:containedctx // ends what is under way when the server stops
	stop      context.CancelFunc
}

func newProxy(to *url.URL, transport http.RoundTripper) proxy {
	stopped, stop := context.WithCancel(context.Background())
	return proxy{url: to, transport: transport, stopped: stopped, stop: stop}
}

// Invoke sends the request on, with only those headers that SageMaker lets through.
func (p *proxy) Invoke(ctx context.Context, call *Call) (Answer, error) {
	ctx, cancel := context.WithDeadline(ctx, call.Deadline)
	release := context.AfterFunc(p.stopped, cancel)
	end := func() { release(); cancel() }
	request := (&http.Request{
		Method: http.MethodPost, URL: p.url, Host: p.url.Host, Header: make(http.Header, 8),
		Body: io.NopCloser(call.Body), ContentLength: call.Length,
	}).WithContext(ctx)
	if call.Length == 0 {
		request.Body = http.NoBody
	}
	for name, value := range map[string]string{
		"Content-Type":                       call.Header.Get("Content-Type"),
		"Accept":                             accepted(call),
		"X-Amzn-Sagemaker-Custom-Attributes": call.Header.Get("X-Amzn-Sagemaker-Custom-Attributes"),
		"X-Amzn-Sagemaker-Target-Model":      call.Header.Get("X-Amzn-Sagemaker-Target-Model"),
		"X-Amzn-Sagemaker-Session-Id":        call.Session,
		"X-Amzn-Sagemaker-Inference-Id":      call.Header.Get("X-Amzn-Sagemaker-Inference-Id"),
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := p.transport.RoundTrip(request) //nolint:bodyclose // the answer's reader closes it
	if err != nil {
		defer end()
		return Answer{}, p.because(ctx, err)
	}
	return Answer{
		Status: response.StatusCode, ContentType: response.Header.Get("Content-Type"),
		Attributes: response.Header.Get("X-Amzn-Sagemaker-Custom-Attributes"),
		New:        sessionMade(response.Header, call.Session), Closed: response.Header.Get("X-Amzn-Sagemaker-Closed-Session-Id"),
		Body: &proxied{from: p, body: response.Body, ctx: ctx, end: end},
	}, nil
}

// sessionMade is the session that a container made. AWS's guide and its container
// library disagree about the header's name.
func sessionMade(header http.Header, asked string) string {
	if made := header.Get("X-Amzn-Sagemaker-New-Session-Id"); made != "" {
		return made
	}
	if asked == newSession {
		return header.Get("X-Amzn-Sagemaker-Session-Id")
	}
	return ""
}

// because tells a deadline that has passed from a connection that broke. What went wrong
// with the payload stays what it was.
func (p *proxy) because(ctx context.Context, err error) error {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errTimeout
	}
	if ctx.Err() == nil && p.broke != nil {
		p.broke(err)
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// proxied is the body of a container's answer.
type proxied struct {
	from *proxy
	body io.ReadCloser
	ctx  context.Context //nolint:containedctx // an io.Reader has no other way to be told
	end  func()
}

func (p *proxied) Read(into []byte) (int, error) {
	n, err := p.body.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		err = p.from.because(p.ctx, err)
	}
	return n, err
}

func (p *proxied) Close() error {
	defer p.end()
	return p.body.Close()
}

// shared is a backend with one real server behind all instances.
type shared struct {
	url       *url.URL
	transport *http.Transport
	log       func(line string)
	told      atomic.Int64 // when it last logged, Unix nanoseconds
}

// URL returns a backend whose instances all send their requests to one address, such as
// http://127.0.0.1:8080/invocations. A nil dial opens TCP connections. log is told when
// that server does not answer, once a minute at most; nil tells nobody.
func URL(address string, dial Dial, log func(line string)) (Backend, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("making instances of a URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("making instances of a URL: %q: want http://HOST:PORT/invocations", address)
	}
	if log == nil {
		log = func(string) {}
	}
	return &shared{url: u, transport: newTransport(dial), log: log}, nil
}

// Launch returns a server that is healthy at once: whether the real one is shows when it
// is asked.
func (b *shared) Launch(Launch) Server {
	r := &remote{newProxy(b.url, b.transport)}
	r.broke = b.tell
	return r
}

// tell logs what is wrong with the real server.
func (b *shared) tell(err error) {
	now, told := time.Now().UnixNano(), b.told.Load()
	if (told == 0 || now-told >= int64(time.Minute)) && b.told.CompareAndSwap(told, now) {
		b.log(fmt.Sprintf("no whole answer from %s, which is answered as ModelError (told once a minute): %v", b.url.Redacted(), err))
	}
}

// Close gives back the connections.
func (b *shared) Close() error {
	b.transport.CloseIdleConnections()
	return nil
}

// remote is an instance in front of a server that is shared.
type remote struct{ proxy }

var _ Server = (*remote)(nil)

func (r *remote) Health() Health { return Healthy }
func (r *remote) Stop()          { r.stop() }
