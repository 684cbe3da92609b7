package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"plimsoll/experiment"
	"plimsoll/httptarget"
	"plimsoll/internal/host"
	"plimsoll/loadgen"
	"plimsoll/payload"
	"plimsoll/sagemaker"
)

// job is a command that has been read, checked and wired, and has sent nothing.
type job struct {
	env      Env
	settings Settings
	plan     experiment.Plan
	corpus   *payload.Corpus
	target   *httptarget.Target
	aws      *sagemaker.Target // around target where it is an endpoint of SageMaker, else nil
	sent     int64             // requests sent before the generator's first
}

// prepare builds the job of a command.
func prepare(ctx context.Context, env Env, s Settings, command string) (*job, error) {
	if s.Seed == 0 {
		s.Seed = newSeed()
	}
	if err := s.checkTarget(); err != nil {
		return nil, err
	}
	if len(s.Endpoint) > 0 && s.CAFile == "" {
		s.CAFile = env.Getenv("AWS_CA_BUNDLE") // as every AWS tool does
	}
	corpus, err := loadCorpus(env, s)
	if err != nil {
		return nil, coded(exitUsage, err)
	}
	j := &job{env: env, settings: s, corpus: corpus}
	if err := j.buildTarget(ctx); err != nil {
		return nil, err
	}
	j.plan, err = j.describe(command)
	return j, err
}

// newSeed is a seed that people can type.
func newSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it does not fail: crypto/rand ends the program instead
	return binary.LittleEndian.Uint64(b[:])%1_000_000_000 + 1
}

// payloadSeed keeps the order of payloads apart from the arrivals.
func payloadSeed(seed uint64) uint64 { return seed ^ 0x7061796c6f6164 }

func loadCorpus(env Env, s Settings) (*payload.Corpus, error) {
	if len(s.Payload) == 0 {
		if m := strings.ToUpper(s.Method); m == http.MethodGet || m == http.MethodHead || m == http.MethodDelete {
			return payload.Empty(s.ContentType), nil
		}
		return nil, errors.New("--payload is missing: give the body to send (a file, a directory, .jsonl, or - for standard input), or --method GET")
	}
	templates, err := payload.ParseTemplates(s.Templates)
	if err != nil {
		return nil, fmt.Errorf("--%w", err)
	}
	limit, err := parseSize(s.MaxBody)
	if err != nil {
		return nil, err
	}
	opts := payload.Options{
		ContentType: s.ContentType, Accept: s.Accept, MaxBody: limit, Templates: templates, Seed: payloadSeed(s.Seed), Stdin: env.Stdin,
	}
	for _, text := range s.Payload {
		source, err := payload.ParseSource(text)
		if err != nil {
			return nil, err
		}
		opts.Sources = append(opts.Sources, source)
	}
	return payload.Load(opts)
}

// buildTarget makes the target, which opens no connection yet.
func (j *job) buildTarget(ctx context.Context) error {
	opts, err := httpOptions(j.env, j.settings, j.corpus)
	if err != nil {
		return err
	}
	if len(j.settings.Endpoint) == 0 {
		j.target, err = httptarget.New(opts)
		return coded(exitUsage, err)
	}
	if j.aws, err = buildInvocations(ctx, j.env, j.settings, opts); err != nil {
		return err
	}
	j.target = j.aws.HTTP()
	return nil
}

func httpOptions(env Env, s Settings, corpus *payload.Corpus) (httptarget.Options, error) {
	header, err := parseHeaders(s.Headers)
	if err != nil {
		return httptarget.Options{}, coded(exitUsage, err)
	}
	opts := httptarget.Options{
		URL: s.URL, Method: s.Method, Header: header, BearerToken: httptarget.Secret(env.Getenv(s.BearerEnv)),
		Timeout: s.Timeout, ConnectTimeout: s.ConnectTimeout, Insecure: s.Insecure, ServerName: s.ServerName, NetHTTP: s.NetHTTP,
		ConnectionPerRequest: s.PerRequest,
	}
	if s.Timeout <= 0 || s.ConnectTimeout <= 0 || s.MaxConnections < 1 {
		return opts, usageError("--timeout %v, --connect-timeout %v, --max-connections %d: all must be above zero", s.Timeout, s.ConnectTimeout, s.MaxConnections)
	}
	if s.Connections < 0 || s.Connections > s.MaxConnections {
		return opts, usageError("--connections %d: must be from 0 to --max-connections, which is %d", s.Connections, s.MaxConnections)
	}
	if s.LocalAddress != "" {
		if opts.LocalAddress, err = netip.ParseAddr(s.LocalAddress); err != nil {
			return opts, usageError("--local-address %q: give an IP address of this machine, such as 10.0.0.7", s.LocalAddress)
		}
	}
	if s.CAFile != "" {
		if opts.CAPEM, err = os.ReadFile(s.CAFile); err != nil {
			return opts, coded(exitUsage, fmt.Errorf("--ca-file: %w", err))
		}
	}
	if opts.Follow, err = parseFailIf(s.FailIf); err != nil {
		return opts, coded(exitUsage, err)
	}
	for _, b := range corpus.Bodies() {
		opts.Bodies = append(opts.Bodies, httptarget.Body{Name: b.Name, Content: b.Content, ContentType: b.ContentType, Accept: b.Accept})
	}
	return opts, nil
}

func parseHeaders(lines []string) (http.Header, error) {
	header := http.Header{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		if !found || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("--header: %q is not \"Name: value\"", strings.TrimSpace(name))
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return header, nil
}

// parseFailIf makes what judges the bodies of answers, nil where nothing is asked.
func parseFailIf(texts []string) (func() httptarget.Follower, error) {
	if len(texts) == 0 {
		return nil, nil //nolint:nilnil // nil is "none" in Options.Follow
	}
	var conditions []httptarget.FailIf
	for _, text := range texts {
		condition, err := httptarget.ParseFailIf(text)
		if err != nil {
			return nil, fmt.Errorf("--%w", err)
		}
		conditions = append(conditions, condition)
	}
	return httptarget.FollowFailIf(conditions), nil
}

// describe is the plan that is recorded and shown: everything but secrets.
func (j *job) describe(command string) (experiment.Plan, error) {
	s := j.settings
	p := experiment.Plan{
		SchemaVersion: experiment.SchemaVersion, Plimsoll: version(), Command: command, Created: time.Now().UTC(),
		Objectives: append([]string{}, s.Objectives...), Arrivals: s.Arrivals, Seed: s.Seed,
		Endpoint: experiment.Endpoint{
			URL: publicURL(j.url()), Method: strings.ToUpper(s.Method), TimeoutSeconds: s.Timeout.Seconds(), ConnectSeconds: s.ConnectTimeout.Seconds(),
			MaxSessions: s.MaxConnections, CAFile: absolute(s.CAFile), ServerName: s.ServerName, Insecure: s.Insecure, Engine: j.target.Engine(), SageMaker: j.invocations(),
			FailIf: s.FailIf, Connections: s.Connections, ConnectionPerRequest: s.PerRequest, LocalAddress: s.LocalAddress,
		},
	}
	if why := j.target.EngineReason(); p.Endpoint.Engine == netHTTP {
		p.Endpoint.Engine += " (" + why + ")"
	}
	for _, line := range s.Headers {
		p.Endpoint.Headers = append(p.Endpoint.Headers, publicHeader(line))
	}
	if j.aws == nil && j.env.Getenv(s.BearerEnv) != "" {
		p.Endpoint.Authorization = s.BearerEnv
	}
	limit, err := parseSize(s.MaxBody)
	if err != nil {
		return p, err
	}
	sum := j.corpus.Describe()
	p.Payload = experiment.Payload{
		Sources: absoluteSources(s.Payload), ContentType: s.ContentType, Accept: s.Accept, Templates: s.Templates, MaxBody: limit,
		Seed: payloadSeed(s.Seed), Count: sum.Bodies, Bytes: sum.Bytes, SHA256: sum.SHA256,
	}
	return p, nil
}

// url is where requests go.
func (j *job) url() string {
	if j.aws != nil {
		return j.aws.URL()
	}
	return j.settings.URL
}

const redacted = "(redacted)"

// publicHeader hides the value of a header whose name smells of a secret.
func publicHeader(line string) string {
	name, value, _ := strings.Cut(line, ":")
	if httptarget.SecretName(name) {
		value = " " + redacted
	}
	return strings.TrimSpace(name) + ": " + strings.TrimSpace(value)
}

// publicURL hides the password and the query values whose names smell of one.
func publicURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return redacted
	}
	if u.User != nil {
		u.User = url.User("REDACTED")
	}
	query := u.Query()
	for name := range query {
		if httptarget.SecretName(name) {
			query.Set(name, "REDACTED")
			u.RawQuery = query.Encode()
		}
	}
	return u.String()
}

// absolute makes a path that another working directory can use.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// absoluteSources does so for payload sources, which may have attributes.
func absoluteSources(sources []string) []string {
	out := []string{}
	for _, s := range sources {
		path, attributes, more := strings.Cut(s, ";")
		at := strings.HasPrefix(path, "@")
		path = strings.TrimPrefix(path, "@")
		if path != "-" {
			path = absolute(path)
		}
		if at {
			path = "@" + path
		}
		if more {
			path += ";" + attributes
		}
		out = append(out, path)
	}
	return out
}

// firstProbe numbers the probes of a run apart from the requests of its trials,
// so that no two carry the same {{uuid}}.
const firstProbe = 1 << 63

// probe sends one request and turns anything but a success into an error in the
// server's own words.
func (j *job) probe(ctx context.Context) error {
	number := firstProbe + uint64(j.sent)
	index, content := j.corpus.Body(number, nil)
	j.sent++
	answer, err := j.target.ProbeWith(ctx, loadgen.Request{K: number, Body: index, Content: content})
	var open *loadgen.OpenError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &open) && open.Class == loadgen.Timeout:
		return coded(exitRefused, fmt.Errorf("%w; raise --timeout (now %v) or look at the server", err, j.settings.Timeout))
	case errors.As(err, &open) && open.Class == loadgen.Unauthorized:
		return coded(exitCredentials, err)
	case err != nil:
		return coded(exitUnreachable, err)
	case answer.Class == loadgen.BodyFailed:
		return coded(exitRefused, fmt.Errorf("the first request was answered with HTTP status %d, but has failed by --fail-if %s", answer.Status, words([]byte(answer.Detail))))
	case answer.Class != loadgen.OK && j.aws != nil:
		return refusal(answer)
	case answer.Class != loadgen.OK:
		return coded(exitRefused, fmt.Errorf("the first request was answered with HTTP status %d (%s); the server says: %s", answer.Status, answer.Class, words(answer.Body)))
	}
	return nil
}

// words are what a server said, on one line.
func words(body []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "�")), " ")
	if text == "" {
		return "nothing"
	}
	if runes := []rune(text); len(runes) > 400 {
		text = string(runes[:400]) + "…"
	}
	return text
}

// generator is the load generator of the job.
func (j *job) generator(ctx context.Context, sleeper *host.Sleeper) (*loadgen.Generator, error) {
	return loadgen.New(ctx, loadgen.Options{
		Target: j.target, Bodies: j.corpus, MaxSessions: j.settings.MaxConnections, Sessions: j.settings.Connections,
		Sleep: sleeper.Until, CPU: host.CPU, Machine: host.Machine, Procs: runtime.GOMAXPROCS(0),
	})
}

// netHTTP is the engine of httptarget that is not the fast path.
const netHTTP = "net/http"

// warnings are what must be said loudly before anything is sent.
func (j *job) warnings() []string {
	var out []string
	if j.settings.Insecure && strings.HasPrefix(j.url(), "https:") {
		out = append(out, "INSECURE: certificates are not checked; anybody in between can read and change what is sent")
	}
	if split := j.split(); split != nil && !split.Private() {
		out = append(out, split.Warning())
	}
	if why := j.target.EngineReason(); j.target.Engine() == netHTTP {
		out = append(out, "sending through "+j.target.Engine()+", which costs about three times the processor time: "+why)
	}
	if files := host.OpenFiles(); files > 0 && files < uint64(j.settings.MaxConnections)+64 {
		out = append(out, fmt.Sprintf("this process may open %d files, fewer than --max-connections %d needs; raise the limit (ulimit -n)", files, j.settings.MaxConnections))
	}
	if p := host.LocalPorts(); p.High > 0 && p.High-p.Low+1-p.Used < j.settings.MaxConnections {
		out = append(out, fmt.Sprintf("%d local ports are free, fewer than --max-connections %d needs; plimsoll doctor says what to do", p.High-p.Low+1-p.Used, j.settings.MaxConnections))
	}
	return out
}

// split is whether AWS itself is asked about what is invoked elsewhere; nil: no.
func (j *job) split() *sagemaker.Split {
	if j.aws == nil {
		return nil
	}
	return j.aws.Split()
}

// say prints lines for people. Nobody may be listening any more, which is no
// reason to stop.
func say(w io.Writer, lines ...string) {
	for _, line := range lines {
		_, _ = fmt.Fprintln(w, line)
	}
}
