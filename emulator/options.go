package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/fault"
	"plimsoll/emulator/internal/hosting"
	"plimsoll/emulator/internal/modeltime"
	"plimsoll/fleet"
	"plimsoll/scaling"
)

// Defaults of [Options].
const (
	DefaultRegion       = "us-east-1"
	DefaultAccount      = "123456789012"
	DefaultAccessKey    = "plimsoll"
	DefaultSecretKey    = "plimsoll-emulator"
	DefaultVariant      = "AllTraffic"
	DefaultInstanceType = "ml.m5.xlarge"
	DefaultMaxBody      = 25 << 20 // bytes: what a real-time endpoint takes
)

// MaxSpeed is the fastest that model time may pass, in model seconds a second.
const MaxSpeed = modeltime.MaxSpeed

// Faults are what can be made to go wrong; the zero value is nothing.
type Faults = fault.Faults

// Options say what is emulated. Exactly one of Model, URL and Exec is required; the
// other zero values are the defaults that are named.
type Options struct {
	// Model is a modelled instance behind every endpoint.
	Model fleet.Model
	// URL is one real server that answers for every instance, at its full path.
	URL string
	// Exec is a shell command that is started for every instance; {port} in it becomes a
	// loopback port on which it must serve GET /ping and POST /invocations.
	Exec string

	// Endpoints exist from the start, in service.
	Endpoints []Endpoint
	// Speed is how many model seconds pass in a real one, from 1 to [MaxSpeed]. Zero
	// makes model time stand still until [Emulator.Advance].
	Speed float64
	// Start is the model time at the start. Zero is now.
	Start time.Time
	// Region and Account are those of every ARN; empty: us-east-1, 123456789012.
	Region, Account string
	// AccessKey and SecretKey are the one pair of credentials that is known; both empty:
	// plimsoll, plimsoll-emulator.
	AccessKey, SecretKey string
	// NoAuth accepts requests without a signature, or with any.
	NoAuth bool
	// InstanceQuota is how many instances of each type may run; 0 is 1000.
	InstanceQuota int
	// Assumptions are what AWS does not say; the zero value is DefaultAssumptions.
	Assumptions scaling.Assumptions
	// Faults that are switched on from the start.
	Faults Faults
	// MaxBody is the longest payload of an invocation in bytes; 0 is 25 MiB.
	MaxBody int64
	// StateFile keeps the endpoints, policies and alarms across restarts; empty: nowhere.
	StateFile string
	// Seed fixes all chance: service times, provisioning delays, routing, faults. Every
	// value is a seed.
	Seed uint64
	// Sleep waits until an instant or until the context is done, and not less. Nil waits
	// on a timer of package time, which wakes half a millisecond late or more.
	Sleep func(ctx context.Context, until time.Time)
	// Log is told what an operator should know, a line each: operations that AWS has and
	// this emulator lacks, processes that died. Nil tells nobody.
	Log func(line string)
}

// Endpoint is one that exists from the start, with one variant.
type Endpoint struct {
	Name         string // 1 to 63 letters, digits and inner hyphens
	Variant      string // empty: AllTraffic
	InstanceType string // empty: ml.m5.xlarge
	Instances    int    // 0 is 1
}

// Validate reports every option that cannot be used, joined; it changes nothing.
func (o Options) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if err := o.checkBackend(); err != nil {
		problems = append(problems, err)
	}
	for _, e := range o.Endpoints {
		if !validName(e.Name) {
			wrong("endpoint name %q: want 1 to 63 letters, digits and inner hyphens", e.Name)
		}
		if e.Variant != "" && !validName(e.Variant) {
			wrong("variant name %q: want 1 to 63 letters, digits and inner hyphens", e.Variant)
		}
		if e.Instances < 0 {
			wrong("endpoint %s: %d instances: want at least 1, or 0 for 1", e.Name, e.Instances)
		}
	}
	if o.Speed != 0 && !(o.Speed >= 1 && o.Speed <= MaxSpeed) {
		wrong("speed %v: want from 1 to %d model seconds a second, or 0 for a clock that is advanced by hand", o.Speed, MaxSpeed)
	}
	if (o.AccessKey == "") != (o.SecretKey == "") {
		wrong("access key and secret key: give both or neither")
	}
	if o.MaxBody < 0 || o.InstanceQuota < 0 {
		wrong("max body %d, instance quota %d: neither may be negative", o.MaxBody, o.InstanceQuota)
	}
	if o.Assumptions != (scaling.Assumptions{}) {
		if err := o.Assumptions.Validate(); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(append(problems, o.Faults.Validate())...)
}

// checkBackend asks for exactly one thing behind the endpoints.
func (o Options) checkBackend() error {
	given := 0
	for _, yes := range []bool{o.Model != (fleet.Model{}), o.URL != "", o.Exec != ""} {
		if yes {
			given++
		}
	}
	switch {
	case given != 1:
		return fmt.Errorf("model, url, exec: %d of them are given; want exactly one to answer behind the endpoints", given)
	case o.URL != "":
		u, err := url.Parse(o.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("url %q: want the server's whole address, such as http://127.0.0.1:8080/invocations", o.URL)
		}
	case o.Exec != "":
		if !strings.Contains(o.Exec, "{port}") {
			return fmt.Errorf("exec %q: has no {port}; every instance needs a port of its own", o.Exec)
		}
	default:
		if err := o.Model.Validate(); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	return nil
}

// validName follows the pattern of the EndpointName parameter in the SageMaker API.
func validName(name string) bool {
	matched, err := regexp.MatchString(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`, name)
	return err == nil && matched && len(name) <= 63
}

// behind says what answers invocations.
func (o Options) behind() string {
	switch {
	case o.URL != "":
		return o.URL
	case o.Exec != "":
		return o.Exec
	}
	return o.Model.String()
}

func (o Options) withDefaults() Options {
	setDefault(&o.Region, DefaultRegion)
	setDefault(&o.Account, DefaultAccount)
	setDefault(&o.AccessKey, DefaultAccessKey)
	setDefault(&o.SecretKey, DefaultSecretKey)
	setDefault(&o.InstanceQuota, hosting.DefaultQuota)
	setDefault(&o.MaxBody, DefaultMaxBody)
	setDefault(&o.Assumptions, scaling.DefaultAssumptions())
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	o.Endpoints = slices.Clone(o.Endpoints)
	for i := range o.Endpoints {
		setDefault(&o.Endpoints[i].Variant, DefaultVariant)
		setDefault(&o.Endpoints[i].InstanceType, DefaultInstanceType)
		setDefault(&o.Endpoints[i].Instances, 1)
	}
	return o
}

func setDefault[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}
