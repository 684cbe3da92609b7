package sagemaker

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"plimsoll/httptarget"
)

// Options says which endpoint to invoke, and how. The zero value of every field
// but Endpoint is what the SDK does by default.
type Options struct {
	// Endpoint is the endpoint's name.
	Endpoint string
	// Variant, InferenceComponent and TargetModel say what of the endpoint is
	// invoked: a production variant, an inference component, a model of a
	// multi-model endpoint.
	Variant, InferenceComponent, TargetModel string
	// SessionID is of a stateful session, or NEW_SESSION.
	SessionID string
	// CustomAttributes go to the container, with every request.
	CustomAttributes string
	// InferenceID marks the requests in what the endpoint captures.
	InferenceID string
	// Stream asks for the answer as a stream of events.
	Stream bool

	// Region and Profile, unless empty, win over the SDK's environment and files.
	Region, Profile string

	// HTTP is what else is said of the requests: bodies, further headers, times,
	// certificates. Its URL, Method, BearerToken and Stamper must be empty. Its
	// Follow is given the payloads of a stream's parts as one text.
	HTTP httptarget.Options

	// Warn, unless nil, is told in a line when credentials cannot be refreshed,
	// and when they can again. It must not block for long.
	Warn func(line string)
}

var resourceName = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)

// Validate reports every problem of the options that shows without asking the SDK.
func (o Options) Validate() error {
	problems := []error{
		checkName("endpoint", o.Endpoint),
		checkText("target model", o.TargetModel, 1024),
		checkText("session id", o.SessionID, 256),
		checkText("custom attributes", o.CustomAttributes, 1024),
		checkText("inference id", o.InferenceID, 64),
		checkText("region", o.Region, 64),
	}
	if o.Endpoint == "" {
		problems[0] = errors.New("endpoint: no name is given; aws sagemaker list-endpoints shows them")
	}
	problems = append(problems, checkName("variant", o.Variant), checkName("inference component", o.InferenceComponent))
	if o.Stream && o.TargetModel != "" {
		problems = append(problems, errors.New("target model next to a stream: SageMaker streams from no multi-model endpoint; give one of them"))
	}
	if h := o.HTTP; h.URL != "" || h.Method != "" || h.BearerToken != "" || h.Stamper != nil {
		problems = append(problems, errors.New("HTTP options: URL, method, bearer token and stamper are set by the endpoint; leave them out"))
	}
	return errors.Join(append(problems, o.checkHeader()...)...)
}

// checkHeader refuses the headers that signing sets.
func (o Options) checkHeader() []error {
	var problems []error
	for name := range o.HTTP.Header {
		switch lower := strings.ToLower(name); lower {
		case "authorization", dateName, tokenName, "x-amz-content-sha256", "host":
			problems = append(problems, fmt.Errorf("header %s: set by the signature; leave it out", name))
		}
	}
	return problems
}

func checkName(what, name string) error {
	if name == "" || resourceName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%s %q: not a SageMaker name; letters, digits and single hyphens within, at most 63 (the name, not the ARN or the URL)", what, name)
}

func checkText(what, text string, most int) error {
	if len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("%s %.80q: must be at most %d characters of printable ASCII", what, text, most)
	}
	return nil
}

// httpOptions are the options of the target underneath, for the request that the
// SDK would send.
func (o Options) httpOptions(w *wire) (httptarget.Options, error) {
	h := o.HTTP
	h.URL, h.Method = w.url, http.MethodPost
	h.Header = http.Header{}
	for name, values := range o.HTTP.Header {
		h.Header[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
	}
	for name, values := range w.header {
		if _, given := h.Header[name]; given {
			if name == contentType {
				continue
			}
			return h, fmt.Errorf("header %s next to the option that sets it: give one of them", name)
		}
		h.Header[name] = values
	}
	if o.Stream {
		h.Bodies = append([]httptarget.Body(nil), h.Bodies...)
		for i := range h.Bodies {
			acceptStream(&h.Bodies[i])
		}
		h.Follow = followStream(o.HTTP.Follow)
	}
	return h, nil
}

// followStream makes the followers of streams, around those of their text.
func followStream(inner func() httptarget.Follower) func() httptarget.Follower {
	return func() httptarget.Follower {
		if inner == nil {
			return &stream{}
		}
		return &stream{inner: inner()}
	}
}

// acceptStream moves a body's Accept to where a streaming invocation has it: the
// header itself would be about the stream.
func acceptStream(b *httptarget.Body) {
	if b.Accept != "" {
		b.Header, b.Accept = http.Header{"X-Amzn-Sagemaker-Accept": {b.Accept}}, ""
	}
}

// String names the endpoint; like httptarget.Options it shows no secret.
func (o Options) String() string { return "SageMaker endpoint " + o.Endpoint }

// Format writes String whatever the verb.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }
