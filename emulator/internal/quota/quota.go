// Package quota emulates what Service Quotas tells of SageMaker's instances: for each
// instance type of an endpoint, how many may run.
//
// It keeps nothing: the values are those by which hosting refuses. The codes of the
// quotas are its own; AWS publishes no list of them, so clients look quotas up by name.
// Nothing can be requested. Start at [New].
package quota

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"plimsoll/emulator/internal/wire"
)

// Options say whose quotas these are. All are required.
type Options struct {
	// Region and Account are the ones in ARNs.
	Region, Account string
	// Applied is how many instances of each type may run now.
	Applied func() int
	// Default is how many may run in an account for which nothing was requested.
	Default func() int
}

// Validate reports everything that is wrong.
func (o Options) Validate() error {
	var problems []error
	for _, needed := range []struct {
		name    string
		missing bool
	}{{"region", o.Region == ""}, {"account", o.Account == ""}, {"applied", o.Applied == nil}, {"default", o.Default == nil}} {
		if needed.missing {
			problems = append(problems, fmt.Errorf("%s: must be given", needed.name))
		}
	}
	return errors.Join(problems...)
}

// Service is Service Quotas in one account and region. It is safe for concurrent use.
type Service struct {
	opts  Options
	known []kind
}

var (
	quotaPattern   = regexp.MustCompile(wire.Whole(`[a-zA-Z][a-zA-Z0-9-]{1,128}`))
	servicePattern = regexp.MustCompile(wire.Whole(`[a-zA-Z][a-zA-Z0-9-]{1,63}`))
)

// kind is one quota.
type kind struct{ code, name string }

// New makes the service. It fails when the options do not validate.
func New(opts Options) (*Service, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	s := &Service{opts: opts}
	for _, instanceType := range instanceTypes() {
		name := instanceType + " for endpoint usage"
		s.known = append(s.known, kind{code: fmt.Sprintf("L-%08X", crc32.ChecksumIEEE([]byte(name))), name: name})
	}
	return s, nil
}

// Wire is the operations.
func (s *Service) Wire() wire.Service {
	return wire.Service{
		Name:    "Service Quotas",
		Signing: "servicequotas",
		Target:  "ServiceQuotasV20190624",
		JSON:    "1.1",
		Operations: []wire.Operation{
			wire.Handle("ListServiceQuotas", s.list("ListServiceQuotas", s.opts.Applied)),
			wire.Handle("ListAWSDefaultServiceQuotas", s.list("ListAWSDefaultServiceQuotas", s.opts.Default)),
			wire.Handle("GetServiceQuota", s.get(s.opts.Applied)),
			wire.Handle("GetAWSDefaultServiceQuota", s.get(s.opts.Default)),
		},
	}
}

// Quota is one as the API tells it.
type Quota struct {
	ServiceCode         string  `json:"ServiceCode"`
	ServiceName         string  `json:"ServiceName"`
	QuotaArn            string  `json:"QuotaArn"`
	QuotaCode           string  `json:"QuotaCode"`
	QuotaName           string  `json:"QuotaName"`
	Value               float64 `json:"Value"`
	Unit                string  `json:"Unit"`
	Adjustable          bool    `json:"Adjustable"`
	GlobalQuota         bool    `json:"GlobalQuota"`
	QuotaAppliedAtLevel string  `json:"QuotaAppliedAtLevel"`
}

const (
	serviceCode = "sagemaker"
	mostOnAPage = 100 // API reference, ListServiceQuotas
)

func (s *Service) tell(k kind, value int) Quota {
	return Quota{
		ServiceCode: serviceCode, ServiceName: "Amazon SageMaker",
		QuotaArn:  fmt.Sprintf("arn:aws:servicequotas:%s:%s:%s/%s", s.opts.Region, s.opts.Account, serviceCode, k.code),
		QuotaCode: k.code, QuotaName: k.name, Value: float64(value), Unit: "None", Adjustable: true, QuotaAppliedAtLevel: "ACCOUNT",
	}
}

type listInput struct {
	ServiceCode         string `json:"ServiceCode"`
	QuotaCode           string `json:"QuotaCode"`
	QuotaAppliedAtLevel string `json:"QuotaAppliedAtLevel"`
	MaxResults          *int   `json:"MaxResults"`
	NextToken           string `json:"NextToken"`
}

type listOutput struct {
	Quotas    []Quota `json:"Quotas"`
	NextToken string  `json:"NextToken,omitempty"`
}

func (s *Service) list(operation string, value func() int) func(context.Context, *listInput) (*listOutput, error) {
	return func(_ context.Context, in *listInput) (*listOutput, error) {
		size := mostOnAPage
		var c wire.Checks
		if in.MaxResults != nil {
			size = *in.MaxResults
			c.Range("maxResults", float64(size), 1, mostOnAPage)
		}
		c.Enum("quotaAppliedAtLevel", in.QuotaAppliedAtLevel, "ACCOUNT", "RESOURCE", "ALL")
		if err := asked(&c, in.ServiceCode); err != nil {
			return nil, err
		}
		start, err := read(operation, in.NextToken)
		if err != nil {
			return nil, err
		}
		out := &listOutput{Quotas: []Quota{}}
		for i, k := range s.known[min(start, len(s.known)):] {
			if len(out.Quotas) == size {
				out.NextToken = token(operation, start+i)
				break
			}
			if in.QuotaAppliedAtLevel != "RESOURCE" && (in.QuotaCode == "" || in.QuotaCode == k.code) {
				out.Quotas = append(out.Quotas, s.tell(k, value()))
			}
		}
		return out, nil
	}
}

type getInput struct {
	ServiceCode string `json:"ServiceCode"`
	QuotaCode   string `json:"QuotaCode"`
}

type getOutput struct {
	Quota Quota `json:"Quota"`
}

func (s *Service) get(value func() int) func(context.Context, *getInput) (*getOutput, error) {
	return func(_ context.Context, in *getInput) (*getOutput, error) {
		var c wire.Checks
		c.Required("quotaCode", in.QuotaCode != "")
		c.Pattern("quotaCode", in.QuotaCode, quotaPattern)
		if err := asked(&c, in.ServiceCode); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(s.known, func(k kind) bool { return k.code == in.QuotaCode })
		if i < 0 {
			return nil, missing("quota")
		}
		return &getOutput{Quota: s.tell(s.known[i], value())}, nil
	}
}

// asked is what is wrong with an input, the service's code included.
func asked(c *wire.Checks, code string) error {
	c.Required("serviceCode", code != "")
	c.Pattern("serviceCode", code, servicePattern)
	if err := c.Err(); err != nil {
		return err
	}
	if code != serviceCode {
		return missing("service")
	}
	return nil
}

// missing is in the words that aws/aws-cli issue 4569 shows for a service.
func missing(what string) error {
	return wire.Errorf(http.StatusBadRequest, "NoSuchResourceException", "The request failed because the specified %s does not exist.", what)
}

// token is where a list goes on.
func token(operation string, next int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s %d", operation, next))
}

// read is the number of the first quota on a page.
func read(operation, token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.StdEncoding.DecodeString(token)
	if err == nil && len(text) > len(operation) && string(text[:len(operation)+1]) == operation+" " {
		if n, err := strconv.ParseUint(string(text[len(operation)+1:]), 10, 31); err == nil {
			return int(n), nil
		}
	}
	return 0, wire.Errorf(http.StatusBadRequest, "InvalidPaginationTokenException", "Invalid input was provided.")
}
