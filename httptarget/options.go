package httptarget

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits that apply where [Options] leaves them zero.
const (
	DefaultTimeout        = 60 * time.Second // SageMaker's own limit for an invocation
	DefaultConnectTimeout = 5 * time.Second
)

// Options describes an endpoint and what is sent to it. However it is printed,
// it shows no secret: only header names, and the URL without user and query.
type Options struct {
	// URL is the endpoint, http or https with a host. User and password in it
	// become basic authentication; a fragment is not sent.
	URL string
	// Method is the request method; empty is POST.
	Method string
	// Bodies is the corpus, numbered as in loadgen.Request.Body. None is one body
	// without content.
	Bodies []Body
	// Header are extra headers of every request. Host replaces the URL's host in
	// the request; Content-Type and Accept are defaults for bodies that name none.
	// Content-Length, Transfer-Encoding and Connection are refused: the target
	// sets them.
	Header http.Header
	// BearerToken, unless empty, is sent as `Authorization: Bearer`.
	BearerToken Secret

	// Timeout is for one request, from its send (and the connecting it needs) to
	// the last byte of its answer. Zero is DefaultTimeout.
	Timeout time.Duration
	// ConnectTimeout is for name resolution, connecting and the TLS handshake
	// together. Zero is DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// MaxAnswer is the greatest number of bytes in an answer's body; a longer one
	// is cut off and counts as malformed. Zero is no limit. Bodies of answers are
	// never held, whatever their length.
	MaxAnswer int64

	// CAPEM are certificates in PEM form, trusted instead of the system's.
	CAPEM []byte
	// Insecure accepts any certificate.
	Insecure bool
	// ServerName is the name that the server's certificate must have, and that
	// is announced to it; empty is the URL's host.
	ServerName string

	// DialContext opens connections; nil uses the network. With a function of
	// one's own, names are left to it and the environment's proxy does not apply.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Proxy gives the proxy for a request, nil for none; a nil function is
	// http.ProxyFromEnvironment. A proxy is spoken to through net/http.
	Proxy func(*http.Request) (*url.URL, error)
	// NetHTTP sends through net/http even where the fast path would do.
	NetHTTP bool
	// LocalAddress is the address of this machine that connections come from; the
	// zero Addr leaves it to the system.
	LocalAddress netip.Addr
	// ConnectionPerRequest sends each request on a connection of its own: it asks the
	// server to close ("Connection: close"). The next connection is opened when the
	// answer has come, so that connecting is no part of a request's times.
	ConnectionPerRequest bool

	// Stamper, unless nil, adds headers to each request as it leaves.
	Stamper Stamper
	// Follow, unless nil, makes for each session what reads the bodies of good
	// answers as they arrive, such as FollowFailIf.
	Follow func() Follower
}

// Body is one body of the corpus.
type Body struct {
	Name        string // for people; not sent
	Content     []byte
	ContentType string // Content-Type header; empty sends that of Options.Header, if any
	Accept      string // Accept header; likewise
	// Header are further headers of this body, as in Options.Header, which they
	// replace.
	Header http.Header
}

// Validate reports every problem of the options.
func (o Options) Validate() error {
	_, err := o.parsedURL()
	problems := []error{err}
	if o.Method != "" && !isToken(o.Method) {
		problems = append(problems, fmt.Errorf("method %q: not an HTTP method; give a word such as POST or GET", o.Method))
	}
	if strings.EqualFold(o.Method, http.MethodConnect) {
		problems = append(problems, errors.New("method CONNECT: it opens a tunnel and invokes nothing; give a word such as POST or GET"))
	}
	for i, b := range o.Bodies {
		problems = append(problems,
			checkValue(fmt.Sprintf("content type of body %d", i), b.ContentType),
			checkValue(fmt.Sprintf("accept of body %d", i), b.Accept))
		problems = append(problems, o.checkHeader(b.Header)...)
		if headerHas(b.Header, "Host") {
			problems = append(problems, fmt.Errorf("header Host of body %d: give it in Options.Header, for all bodies", i))
		}
	}
	problems = append(problems, o.checkHeader(o.Header)...)
	if strings.ContainsFunc(string(o.BearerToken), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		problems = append(problems, errors.New("bearer token: it holds a space, a line end or a character outside ASCII; give the bare token"))
	}
	if o.Timeout < 0 || o.ConnectTimeout < 0 {
		problems = append(problems, fmt.Errorf("timeout %v, connect timeout %v: neither may be negative", o.Timeout, o.ConnectTimeout))
	}
	if o.MaxAnswer < 0 {
		problems = append(problems, fmt.Errorf("max answer %d bytes: must not be negative; zero is no limit", o.MaxAnswer))
	}
	problems = append(problems, o.checkLocalAddress())
	if len(o.CAPEM) > 0 && !x509.NewCertPool().AppendCertsFromPEM(o.CAPEM) {
		problems = append(problems, errors.New("CA certificates: no certificate found; give a file in PEM form (-----BEGIN CERTIFICATE-----)"))
	}
	return errors.Join(problems...)
}

func (o Options) checkLocalAddress() error {
	if !o.LocalAddress.IsValid() {
		return nil
	}
	if o.DialContext != nil {
		return fmt.Errorf("local address %v next to a dial function, which chooses it: give one of them", o.LocalAddress)
	}
	u, err := o.parsedURL()
	if err != nil {
		return nil //nolint:nilerr // it is reported as the URL's
	}
	if server, err := netip.ParseAddr(u.Hostname()); err == nil && !sameFamily(server, o.LocalAddress) {
		return fmt.Errorf("local address %v: cannot reach %v; give one of the same family, IPv4 or IPv6", o.LocalAddress, server)
	}
	return nil
}

// parsedURL is the URL, with what is wrong about it. Its errors never hold the
// password of a URL.
func (o Options) parsedURL() (*url.URL, error) {
	shown := o.URL
	if i := strings.LastIndexByte(shown, '@'); i >= 0 {
		shown = redacted + shown[i:]
	}
	u, err := url.Parse(o.URL)
	if cause, ok := errors.AsType[*url.Error](err); ok { // its text would repeat the URL, with the password
		err = cause.Err
	}
	switch {
	case err != nil && shown != o.URL:
		return nil, fmt.Errorf("url %q: cannot be parsed; write it as https://user:password@host:port/path", shown)
	case err != nil:
		return nil, fmt.Errorf("url %q: %w; write it as http://host:port/path", shown, err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("url %q: needs http:// or https:// in front", shown)
	case u.Hostname() == "":
		return nil, fmt.Errorf("url %q: names no host; write it as http://host:port/path", shown)
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return nil, fmt.Errorf("url %q: the host has characters outside ASCII; write it in its punycode form (xn--…)", shown)
	}
	if strings.ContainsFunc(u.RawQuery, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, fmt.Errorf("url %q: the query has characters that must be percent-encoded (a space is %%20)", shown)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("url %q: port %s is outside 1 to 65535", shown, p)
		}
	}
	if u.User != nil && (o.BearerToken != "" || headerHas(o.Header, "Authorization")) {
		return nil, fmt.Errorf("url %q: user and password next to another authorization; give one of them", shown)
	}
	return u, nil
}

func (o Options) checkHeader(header http.Header) []error {
	var problems []error
	hosts := 0
	for _, name := range sortedNames(header) {
		switch strings.ToLower(name) {
		case "content-length", "transfer-encoding", "connection":
			problems = append(problems, fmt.Errorf("header %s: set by the target itself; leave it out", name))
		case "host":
			hosts += len(header[name])
		case "authorization":
			if o.BearerToken != "" {
				problems = append(problems, errors.New("header Authorization next to a bearer token: give one of them"))
			}
		}
		if !isToken(name) {
			problems = append(problems, fmt.Errorf("header %q: not a header name", name))
		}
		for _, value := range header[name] {
			problems = append(problems, checkValue("header "+strconv.Quote(name), value))
		}
	}
	if hosts > 1 {
		problems = append(problems, fmt.Errorf("header Host: given %d times; give it once", hosts))
	}
	return problems
}

// checkValue says what is wrong with a header's value, without showing it: it
// may be a secret.
func checkValue(what, value string) error {
	for i := range len(value) {
		if c := value[i]; !validValueByte(c) {
			return fmt.Errorf("%s: byte %#02x at position %d is not allowed in a header; it must be one line of text", what, c, i)
		}
	}
	return nil
}

func isToken(s string) bool {
	for i := range len(s) {
		if !validNameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// headerHas reports whether the header is there under any spelling of its name.
func headerHas(h http.Header, name string) bool {
	for n, values := range h {
		if strings.EqualFold(n, name) && len(values) > 0 {
			return true
		}
	}
	return false
}

func (o Options) timeout() time.Duration {
	if o.Timeout == 0 {
		return DefaultTimeout
	}
	return o.Timeout
}

func (o Options) connectTimeout() time.Duration {
	if o.ConnectTimeout == 0 {
		return DefaultConnectTimeout
	}
	return o.ConnectTimeout
}

func (o Options) method() string {
	if o.Method == "" {
		return http.MethodPost
	}
	return o.Method
}

// String names the endpoint and the corpus, without any secret.
func (o Options) String() string {
	shown := "no valid URL"
	if u, err := o.parsedURL(); err == nil {
		shown = showURL(u)
	}
	bodies := "bodies"
	if len(o.Bodies) == 1 {
		bodies = "body"
	}
	s := fmt.Sprintf("%s %s, %d %s", o.method(), shown, len(o.Bodies), bodies)
	if names := sortedNames(o.Header); len(names) > 0 {
		s += ", headers " + strings.Join(names, " ")
	}
	if o.BearerToken != "" {
		s += ", bearer token " + redacted
	}
	return s
}

// Format writes String whatever the verb, so that %+v and %#v show no secret.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// LogValue is String, for structured logs.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// showURL is the URL without user, password and query.
func showURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
