package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll/arrival"
	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/sagemaker"
	"plimsoll/scaling"
	"plimsoll/slo"

	"github.com/spf13/pflag"
)

// Settings are everything that a run can be told. Each is a flag, and a key of
// the same name in plimsoll.yaml; flags win.
type Settings struct {
	URL            string        `yaml:"url"`
	Method         string        `yaml:"method"`
	Headers        texts         `yaml:"header"`
	BearerEnv      string        `yaml:"bearer-env"`
	CAFile         string        `yaml:"ca-file"`
	ServerName     string        `yaml:"server-name"`
	Insecure       bool          `yaml:"insecure"`
	Timeout        time.Duration `yaml:"timeout"`
	ConnectTimeout time.Duration `yaml:"connect-timeout"`
	MaxConnections int           `yaml:"max-connections"`
	Connections    int           `yaml:"connections"`
	PerRequest     bool          `yaml:"connection-per-request"`
	LocalAddress   string        `yaml:"local-address"`
	NetHTTP        bool          `yaml:"net-http"`
	FailIf         texts         `yaml:"fail-if"`

	Payload     texts  `yaml:"payload"`
	ContentType string `yaml:"content-type"`
	Accept      string `yaml:"accept"`
	Templates   string `yaml:"templates"`
	MaxBody     string `yaml:"max-body"`
	Seed        uint64 `yaml:"seed"`

	Objectives     texts         `yaml:"slo"`
	Arrivals       string        `yaml:"arrivals"`
	Mode           string        `yaml:"mode"`
	Budget         time.Duration `yaml:"budget"`
	Precision      string        `yaml:"precision"`
	Confidence     string        `yaml:"confidence"`
	MaxRate        string        `yaml:"max-rate"`
	MaxConcurrency int           `yaml:"max-concurrency"`
	MaxRequests    int64         `yaml:"max-requests"`

	Price       texts         `yaml:"price"`
	MaxCost     float64       `yaml:"max-cost"`
	MaxDuration time.Duration `yaml:"max-duration"`

	SafetyFactor float64 `yaml:"safety-factor"`
	PerMinute    bool    `yaml:"per-minute"`
	TargetFrom   string  `yaml:"target-from"`

	Scaling scalingObjective `yaml:"scaling"`

	Rate        string        `yaml:"rate"`
	Concurrency int           `yaml:"concurrency"`
	Duration    time.Duration `yaml:"duration"`
	WarmUp      time.Duration `yaml:"warm-up"`

	Min              int           `yaml:"min"`
	Max              int           `yaml:"max"`
	ScaleOutCooldown time.Duration `yaml:"scale-out-cooldown"`
	ScaleInCooldown  time.Duration `yaml:"scale-in-cooldown"`
	DisableScaleIn   bool          `yaml:"disable-scale-in"`
	Replace          bool          `yaml:"replace"`

	Model string `yaml:"model"`

	Endpoint           texts  `yaml:"endpoint"`
	Variant            string `yaml:"variant"`
	InferenceComponent string `yaml:"inference-component"`
	TargetModel        string `yaml:"target-model"`
	SessionID          string `yaml:"session-id"`
	CustomAttributes   string `yaml:"custom-attributes"`
	InferenceID        string `yaml:"inference-id"`
	Stream             bool   `yaml:"stream"`
	Tokens             string `yaml:"tokens"`
	Reconcile          bool   `yaml:"reconcile"`
	Region             string `yaml:"region"`
	Profile            string `yaml:"profile"`

	Listen       string  `yaml:"listen"`
	InstanceType string  `yaml:"instance-type"`
	Instances    int     `yaml:"instances"`
	Exec         string  `yaml:"exec"`
	Speed        float64 `yaml:"speed"`
	Auth         string  `yaml:"auth"`
	AccessKey    string  `yaml:"access-key"`
	SecretKey    string  `yaml:"secret-key"`
	Account      string  `yaml:"account"`
	Quota        int     `yaml:"quota"`
	Assume       texts   `yaml:"assume"`
	State        string  `yaml:"state"`
	Faults       string  `yaml:"faults"`

	Dir    string `yaml:"dir"`
	Output string `yaml:"output"`
	Quiet  bool   `yaml:"quiet"`
	Color  string `yaml:"color"`

	account *sagemaker.Account // that is spoken to instead of the configured one: a rehearsal's
}

func defaults() Settings {
	plan := capacity.DefaultPlan()
	return Settings{
		Method: "POST", BearerEnv: "PLIMSOLL_BEARER_TOKEN", Timeout: 60 * time.Second, ConnectTimeout: 5 * time.Second, MaxConnections: 4096,
		Templates: "auto", MaxBody: "25MiB",
		Arrivals: experiment.ArrivalsPoisson, Mode: modeSearch, Budget: plan.Budget, Precision: share(plan.Precision), Confidence: share(plan.Confidence),
		MaxConcurrency: plan.MaxConcurrency, SafetyFactor: scaling.DefaultSafetyFactor, TargetFrom: experiment.FromLow,
		Duration: 30 * time.Second, WarmUp: time.Second,
		Min: 1, Max: 4, ScaleOutCooldown: scaling.DefaultCooldown, ScaleInCooldown: scaling.DefaultCooldown,
		Model: defaultModel, Output: outputText, Color: "auto", Reconcile: true,
	}
}

// modeSearch is the mode of a plan that names none.
const modeSearch = "search"

const (
	outputText = "text"
	outputJSON = "json"
)

// group is a set of settings that a command takes.
type group func(*pflag.FlagSet, *Settings)

// flags defines the settings of some groups, with the present values as defaults.
func flags(fs *pflag.FlagSet, s *Settings, groups ...group) {
	for _, g := range groups {
		g(fs, s)
	}
}

func endpointFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.URL, "url", s.URL, "endpoint to invoke, http:// or https://")
	sagemakerFlags(fs, s)
	requestFlags(fs, s)
}

func requestFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVarP(&s.Method, "method", "X", s.Method, "HTTP method")
	fs.VarP(&s.Headers, "header", "H", "extra header \"Name: value\"; may be repeated")
	fs.StringVar(&s.BearerEnv, "bearer-env", s.BearerEnv, "environment variable that holds a bearer token")
	fs.StringVar(&s.CAFile, "ca-file", s.CAFile, "PEM file with certificates to trust instead of the system's")
	fs.StringVar(&s.ServerName, "server-name", s.ServerName, "name that the server's certificate must have")
	fs.BoolVar(&s.Insecure, "insecure", s.Insecure, "accept any certificate (said loudly in every report)")
	fs.DurationVar(&s.Timeout, "timeout", s.Timeout, "longest wait for one answer")
	fs.DurationVar(&s.ConnectTimeout, "connect-timeout", s.ConnectTimeout, "longest wait for one connection")
	fs.IntVar(&s.MaxConnections, "max-connections", s.MaxConnections, "most connections of an open loop")
	fs.IntVar(&s.Connections, "connections", s.Connections, "fixed number of connections of an open loop, opened before it starts (0: as many as it needs)")
	fs.BoolVar(&s.PerRequest, "connection-per-request", s.PerRequest, "a new connection for each request, instead of keeping them open")
	fs.StringVar(&s.LocalAddress, "local-address", s.LocalAddress, "IP address of this machine to connect from (empty: the system's choice)")
	fs.BoolVar(&s.NetHTTP, "net-http", s.NetHTTP, "send through Go's net/http instead of the fast path")
	fs.Var(&s.FailIf, "fail-if", "an answer of 200 has failed if its body has this: json:error, json:status=failed or regex:EXPR; may be repeated")
}

func payloadFlags(fs *pflag.FlagSet, s *Settings) {
	fs.VarP(&s.Payload, "payload", "p", "body: a file, a directory, @pattern, .jsonl (one body a line) or - ;\nmay be repeated; attributes as in a.json;type=application/json;accept=text/csv;weight=3")
	fs.StringVar(&s.ContentType, "content-type", s.ContentType, "content type of the bodies (otherwise by extension)")
	fs.StringVar(&s.Accept, "accept", s.Accept, "accept header")
	fs.StringVar(&s.Templates, "templates", s.Templates, "{{uuid}}, {{randInt 1 100}}, … in bodies: auto, always or never")
	fs.StringVar(&s.MaxBody, "max-body", s.MaxBody, "largest body")
	fs.Uint64Var(&s.Seed, "seed", s.Seed, "seed of arrivals, payload order and templates (0: a new one, printed)")
}

func objectiveFlags(fs *pflag.FlagSet, s *Settings) {
	fs.Var(&s.Objectives, "slo", "objective: p99=200ms, mean=50ms, success=99.9%; may be repeated")
	fs.StringVar(&s.Arrivals, "arrivals", s.Arrivals, "open-loop arrivals: poisson (independent users) or constant (evenly spaced)")
}

// scalingObjective is what scaling is to keep; what is empty is not asked.
type scalingObjective struct {
	Recover   string `yaml:"recover"`
	Errors    string `yaml:"errors"`
	BackToMin string `yaml:"back-to-min"`
	Flaps     string `yaml:"flaps"`
}

func scalingFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.Scaling.Recover, "recover", s.Scaling.Recover, "scaling objective: after a step up, the objective is kept again within this time, such as 6m")
	fs.StringVar(&s.Scaling.Errors, "errors", s.Scaling.Errors, "scaling objective: share of all requests that may fail, such as 0.5%")
	fs.StringVar(&s.Scaling.BackToMin, "back-to-min", s.Scaling.BackToMin, "scaling objective: after the step down, the fewest instances are left within this time, such as 30m")
	fs.StringVar(&s.Scaling.Flaps, "flaps", s.Scaling.Flaps, "scaling objective: how often capacity may turn back within one phase, such as 0")
}

// limitFlags bound what is sent.
func limitFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.MaxRate, "max-rate", s.MaxRate, "highest rate to offer, open or closed loop, such as 500/s (empty: no limit)")
	fs.Int64Var(&s.MaxRequests, "max-requests", s.MaxRequests, "most requests to send, the probe included (0: no limit)")
}

func searchFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.Mode, "mode", s.Mode, "search for the peak, or sweep: the whole curve of latency and throughput with bands and a fitted law, without a target")
	fs.DurationVar(&s.Budget, "budget", s.Budget, "time that all trials together may take")
	fs.StringVar(&s.Precision, "precision", s.Precision, "wanted half-width of the interval")
	fs.StringVar(&s.Confidence, "confidence", s.Confidence, "confidence of the interval")
	fs.IntVar(&s.MaxConcurrency, "max-concurrency", s.MaxConcurrency, "most parallel requests of the climb")
	limitFlags(fs, s)
}

func targetFlags(fs *pflag.FlagSet, s *Settings) {
	fs.Float64Var(&s.SafetyFactor, "safety-factor", s.SafetyFactor, "SAFETY_FACTOR of the formula, above 0 and at most 1")
	fs.BoolVar(&s.PerMinute, "per-minute", s.PerMinute, "take the peak in requests per minute (no × 60)")
}

func targetFromFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.TargetFrom, "target-from", s.TargetFrom, "make the target from the interval's low end or from the estimate: low or estimate")
}

// policyFlags are the scaling that is applied.
func policyFlags(fs *pflag.FlagSet, s *Settings) {
	fs.IntVar(&s.Min, "min", s.Min, "fewest instances or copies")
	fs.IntVar(&s.Max, "max", s.Max, "most instances or copies")
	fs.DurationVar(&s.ScaleOutCooldown, "scale-out-cooldown", s.ScaleOutCooldown, "wait after a scale-out before the next")
	fs.DurationVar(&s.ScaleInCooldown, "scale-in-cooldown", s.ScaleInCooldown, "wait after a scale-in before the next")
	fs.BoolVar(&s.DisableScaleIn, "disable-scale-in", s.DisableScaleIn, "never remove instances")
	fs.BoolVar(&s.Replace, "replace", s.Replace, "remove other policies on the same metric")
}

// wanted is the scaling that the settings ask for, but for the target.
func (s *Settings) wanted() experiment.Wanted {
	return experiment.Wanted{
		Min: s.Min, Max: s.Max, ScaleOut: s.ScaleOutCooldown, ScaleIn: s.ScaleInCooldown, DisableScaleIn: s.DisableScaleIn, Replace: s.Replace,
	}
}

func loadFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.Rate, "rate", s.Rate, "hold this rate (open loop), such as 100/s or 6000/min")
	fs.IntVar(&s.Concurrency, "concurrency", s.Concurrency, "hold this many requests in flight (closed loop)")
	fs.DurationVar(&s.Duration, "duration", s.Duration, "how long to measure")
	fs.DurationVar(&s.WarmUp, "warm-up", s.WarmUp, "how long to hold the load before measuring")
}

func modelFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.Model, "model", s.Model, "the modelled instance: service, workers, queue, cv, dist=exp")
}

func recordFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVar(&s.Dir, "dir", s.Dir, "directory of the run (empty: a dated one under the user's state folder)")
	outputFlags(fs, s)
	fs.BoolVarP(&s.Quiet, "quiet", "q", s.Quiet, "no progress, the result only")
	fs.StringVar(&s.Color, "color", s.Color, "colours: auto, always or never (NO_COLOR is obeyed)")
}

func outputFlags(fs *pflag.FlagSet, s *Settings) {
	fs.StringVarP(&s.Output, "output", "o", s.Output, "what standard output gets: text or json")
}

// checkChoices reports the settings that must be one of a few words.
func (s *Settings) checkChoices() error {
	return errors.Join(
		choice("output", s.Output, outputText, outputJSON),
		choice("arrivals", s.Arrivals, experiment.ArrivalsPoisson, experiment.ArrivalsConstant),
		choice("mode", s.Mode, modeSearch, experiment.ModeSweep),
		choice("target-from", s.TargetFrom, experiment.FromLow, experiment.FromEstimate),
		choice("color", s.Color, "auto", "always", "never"),
		coded(exitUsage, scaling.CheckSafetyFactor(s.SafetyFactor)),
		s.checkLimits(),
	)
}

func choice(name, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return usageError("--%s %q: give %s", name, value, strings.Join(words, " or "))
}

// search is the plan of the search that the settings ask for.
func (s *Settings) search() (*capacity.Plan, error) {
	objectives, err := slo.ParseAll(s.Objectives)
	p := capacity.Plan{Objectives: objectives, Budget: s.Budget, MaxConcurrency: s.MaxConcurrency, MaxRequests: s.MaxRequests}
	problems := []error{err}
	p.Precision, err = parseShare("precision", s.Precision)
	problems = append(problems, err)
	p.Confidence, err = parseShare("confidence", s.Confidence)
	problems = append(problems, err)
	if s.MaxRate != "" {
		rate, err := arrival.ParseRate(s.MaxRate)
		problems = append(problems, err)
		p.MaxRate = float64(rate)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, coded(exitUsage, err)
	}
	if err := p.Validate(); err != nil {
		return nil, coded(exitUsage, err)
	}
	return &p, nil
}

// load is the plan of the one load that the settings ask for.
func (s *Settings) load() (*experiment.LoadPlan, error) {
	if _, err := slo.ParseAll(s.Objectives); err != nil {
		return nil, coded(exitUsage, err)
	}
	if (s.Rate == "") == (s.Concurrency == 0) {
		return nil, usageError("give --rate 100/s (open loop) or --concurrency 64 (closed loop), one of the two")
	}
	if s.Concurrency < 0 || s.Duration <= 0 || s.WarmUp < 0 {
		return nil, usageError("--concurrency %d, --duration %v, --warm-up %v: none may be negative, and the duration must be above zero", s.Concurrency, s.Duration, s.WarmUp)
	}
	p := &experiment.LoadPlan{Concurrency: s.Concurrency, DurationSeconds: s.Duration.Seconds(), WarmUpSeconds: s.WarmUp.Seconds()}
	if s.Rate != "" {
		rate, err := arrival.ParseRate(s.Rate)
		if err != nil {
			return nil, coded(exitUsage, fmt.Errorf("--rate: %w", err))
		}
		p.Rate = float64(rate)
	}
	return p, nil
}

// share writes a share in percent, as parseShare reads it.
func share(x float64) string { return strconv.FormatFloat(math.Round(x*1e8)/1e6, 'f', -1, 64) + "%" }

// parseShare reads 2.5% or 0.025.
func parseShare(name, text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("--%s %q: not a share such as 2.5%% or 0.025", name, text)
	}
	if percent {
		x /= 100
	}
	return x, nil
}

// parseSize reads the value of --max-body: 25MiB, 6MB, 1024.
func parseSize(text string) (int64, error) {
	units := []struct {
		suffix string
		bytes  float64
	}{
		{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}, {"", 1},
	}
	for _, u := range units {
		number, found := strings.CutSuffix(strings.TrimSpace(text), u.suffix)
		if !found {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(x >= 1/u.bytes) || x*u.bytes > 1<<40 {
			break
		}
		return int64(x * u.bytes), nil
	}
	return 0, usageError("--max-body %q: not a size from 1B to 1024GiB, such as 25MiB", text)
}

// texts is a list of words: a flag that may be repeated, a YAML list or one word.
type texts []string

func (t *texts) String() string { return strings.Join(*t, " ") }

// Type is what help calls the value.
func (t *texts) Type() string { return "text" }

// Set adds one; the list of the YAML file has been replaced before.
func (t *texts) Set(word string) error {
	*t = append(*t, word)
	return nil
}

// UnmarshalYAML takes a list or a single word.
func (t *texts) UnmarshalYAML(unmarshal func(any) error) error {
	var list []string
	if err := unmarshal(&list); err == nil {
		*t = list
		return nil
	}
	var one string
	if err := unmarshal(&one); err != nil {
		return err
	}
	*t = texts{one}
	return nil
}
