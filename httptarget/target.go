package httptarget

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"plimsoll/loadgen"
)

// Target is one endpoint with the requests that it is sent. It is safe for
// concurrent use; make one with [New].
type Target struct {
	shown     string // for people
	headOnly  bool
	maxAnswer int64
	timeout   time.Duration
	requests  []rendered
	secrets   [][]byte
	// invocationPath says that the URL has the path of a SageMaker invocation.
	invocationPath bool
	sendsLength    bool // even for an empty body
	closes         bool // each connection after its answer
	stamper        Stamper
	follow         func() Follower

	dialer *dialer // to the server or, through net/http, to the proxy
	// net is set where requests go through net/http.
	net    *netHTTP
	reason string
}

var _ loadgen.Target = (*Target)(nil)

// The engines.
const (
	engineFast    = "http1"
	engineNetHTTP = "net/http"
)

// New makes a target, rendering every body. It opens no connection. Its error
// joins every problem of the options.
func New(o Options) (*Target, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("making an HTTP target: %w", err)
	}
	u, err := o.parsedURL()
	if err != nil {
		return nil, err
	}
	t := &Target{
		shown:          o.method() + " " + showURL(u),
		headOnly:       o.method() == http.MethodHead,
		maxAnswer:      o.MaxAnswer,
		timeout:        o.timeout(),
		secrets:        o.secrets(u),
		invocationPath: isInvocationPath(u.Path),
		sendsLength:    expectsContent(o.method()),
		closes:         o.ConnectionPerRequest,
		stamper:        o.Stamper,
		follow:         o.Follow,
		dialer:         newDialer(o, u),
	}
	bodies := o.Bodies
	if len(bodies) == 0 {
		bodies = []Body{{}}
	}
	for i, b := range bodies {
		r := render(o, u, b)
		t.requests = append(t.requests, r)
		if o.Stamper == nil {
			continue
		}
		if err := o.Stamper.Prepare(i, &http.Request{Method: o.method(), URL: u, Host: r.host, Header: r.header}, b.Content); err != nil {
			return nil, fmt.Errorf("preparing the request of body %d: %w", i, err)
		}
	}
	if err := t.chooseEngine(o, u); err != nil {
		return nil, err
	}
	return t, nil
}

// chooseEngine turns to net/http where it is asked for or a proxy needs it.
func (t *Target) chooseEngine(o Options, u *url.URL) error {
	var (
		proxy *url.URL
		err   error
	)
	if find := proxyFunc(o); find != nil {
		proxy, err = find(&http.Request{Method: o.method(), URL: u, Header: http.Header{}})
	}
	switch {
	case err != nil:
		return fmt.Errorf("finding the proxy for %s: %w", u.Host, err)
	case proxy != nil:
		t.reason = "requests to " + u.Host + " go through the proxy " + showURL(proxy)
	case o.NetHTTP:
		t.reason = "asked for"
	default:
		t.reason = "no proxy applies"
		return nil
	}
	t.net = newNetHTTP(o, u, proxy, t.dialer)
	return nil
}

// proxyFunc is what finds the proxy for a request, nil where there is none to find.
func proxyFunc(o Options) func(*http.Request) (*url.URL, error) {
	if o.Proxy == nil && o.DialContext == nil {
		return http.ProxyFromEnvironment
	}
	return o.Proxy
}

// isInvocationPath reports whether path ends in /endpoints/NAME/invocations, with
// or without what follows for a stream. Gateways put a prefix in front.
func isInvocationPath(path string) bool {
	parts := strings.Split(path, "/")
	n := len(parts)
	return n >= 4 && parts[n-3] == "endpoints" &&
		(parts[n-1] == "invocations" || parts[n-1] == "invocations-response-stream")
}

// Open makes one session, connected and with its TLS handshake done (through a
// proxy: connected to the proxy). Its error is a *loadgen.OpenError that names
// the address and a remedy.
func (t *Target) Open(ctx context.Context) (loadgen.Session, error) {
	if t.net != nil {
		s, err := t.net.open(ctx, t)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	s, err := t.openFast(ctx)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Engine says what speaks HTTP here: "http1", the package's own fast path, or
// "net/http".
func (t *Target) Engine() string {
	if t.net != nil {
		return engineNetHTTP
	}
	return engineFast
}

// EngineReason says in a few words why the target uses its Engine.
func (t *Target) EngineReason() string { return t.reason }

// Proxied says that requests go through a proxy.
func (t *Target) Proxied() bool { return t.net != nil && t.net.proxy != nil }

// Format writes String whatever the verb, so that no rendered secret shows.
func (t *Target) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// String names the endpoint, without user and query, and the engine.
func (t *Target) String() string { return t.shown + " (" + t.Engine() + ")" }

// LogValue is String, for structured logs.
func (t *Target) LogValue() slog.Value { return slog.StringValue(t.String()) }
