package sagemaker

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
)

// Split is a configuration in which invocations go to an address of their own, and what
// describes, counts and scales the endpoint to AWS itself: as it should be for a private
// endpoint of the runtime, and a mistake with an emulator.
type Split struct {
	Host   string   // where invocations go, with the port
	Planes []string // the services that are AWS's own
	Region string
}

// splitOf asks the SDK's clients, which know all places where an address can be configured;
// nil where nothing is split.
func splitOf(cfg aws.Config) *Split {
	runtime := sagemakerruntime.NewFromConfig(cfg).Options().BaseEndpoint
	if runtime == nil {
		return nil
	}
	s := &Split{Host: hostOf(*runtime), Region: cfg.Region}
	for _, plane := range []struct {
		name string
		at   *string
	}{
		{"SageMaker", sagemaker.NewFromConfig(cfg).Options().BaseEndpoint},
		{"CloudWatch", cloudwatch.NewFromConfig(cfg).Options().BaseEndpoint},
		{"Application Auto Scaling", applicationautoscaling.NewFromConfig(cfg).Options().BaseEndpoint},
	} {
		if plane.at == nil {
			s.Planes = append(s.Planes, plane.name)
		}
	}
	if len(s.Planes) == 0 {
		return nil
	}
	return s
}

// hostOf leaves out what may be a secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "an address of its own"
	}
	return u.Host
}

// Split is whether what this control speaks to is elsewhere than invocations go; nil: no.
func (c *Control) Split() *Split { return c.split }

// Split is whether AWS itself is asked about what is invoked elsewhere; nil: no.
func (t *Target) Split() *Split { return t.split }

// Private is whether invocations go to AWS all the same, by a name of a VPC endpoint.
func (s *Split) Private() bool {
	name := strings.ToLower(s.name())
	return strings.HasSuffix(name, ".amazonaws.com") || strings.HasSuffix(name, ".amazonaws.com.cn")
}

// Local is whether invocations go to this machine, where AWS is not.
func (s *Split) Local() bool {
	ip := net.ParseIP(s.name())
	return strings.EqualFold(s.name(), "localhost") || ip != nil && ip.IsLoopback()
}

// name is the host without its port.
func (s *Split) name() string {
	u := url.URL{Host: s.Host}
	return u.Hostname()
}

// String is what goes where.
func (s *Split) String() string {
	return fmt.Sprintf("invocations go to %s, and calls of %s to AWS itself, in %s", s.Host, strings.Join(s.Planes, ", "), s.Region)
}

// Warning is String with what it may mean.
func (s *Split) Warning() string {
	return s.String() + "; right for a private endpoint of the runtime. For an emulator set AWS_ENDPOINT_URL, not AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME alone"
}

// RefuseChange says why nothing is changed on AWS while invocations stay on this machine:
// it would be done to an endpoint that is not the measured one. A *Split that is nil
// refuses nothing.
func (s *Split) RefuseChange() error {
	if s == nil || !s.Local() {
		return nil
	}
	return fmt.Errorf("%s: a change would be made to an endpoint that is not the invoked one; set AWS_ENDPOINT_URL to the emulator's address, "+
		"or, where AWS is meant, unset AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME (through a tunnel: set AWS_ENDPOINT_URL_SAGEMAKER, _CLOUDWATCH and _APPLICATION_AUTO_SCALING, too)", s)
}
