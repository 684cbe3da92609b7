package sagemaker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/smithy-go/logging"
)

// ControlOptions say how the control planes are reached. The zero value is what the AWS
// CLI would use: the environment, the shared files, the role of the machine.
type ControlOptions struct {
	Region  string // empty: as configured
	Profile string // of the shared files; empty: as configured
	// Account is spoken to instead of what is configured. Nil: what is configured.
	Account *Account
	// Attempts is how often a call is tried, with waits between. 0: 8.
	Attempts int
	// Dial makes connections. Nil: the network's own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// attempts ride out the throttling that control planes are known for.
const attempts = 8

// longestCall bounds one attempt of a call.
const longestCall = 30 * time.Second

// Control speaks to the control planes of SageMaker, Application Auto Scaling, CloudWatch
// and Service Quotas. It is safe for concurrent use. End it with Close.
type Control struct {
	config     aws.Config
	region     string
	split      *Split
	transport  *http.Transport
	clock      *serviceClock
	sagemaker  *sagemaker.Client
	scaling    *applicationautoscaling.Client
	cloudwatch *cloudwatch.Client
	quotas     *servicequotas.Client
}

var (
	_ experiment.Hosting    = (*Control)(nil)
	_ experiment.Autoscaler = (*Control)(nil)
	_ experiment.Metrics    = (*Control)(nil)
	_ experiment.Clock      = (*Control)(nil)
	_ experiment.Deployer   = (*Control)(nil)
	_ experiment.Quotas     = (*Control)(nil)
)

// Connect prepares the clients; nothing is sent yet, save what finding credentials takes.
// It fails when no region or no credentials are configured.
func Connect(ctx context.Context, o ControlOptions) (*Control, error) {
	// Its transport is taken over below: with it go the certificates that are configured.
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		if o.Dial != nil {
			t.DialContext, t.ForceAttemptHTTP2 = o.Dial, false
		}
	})
	tries := o.Attempts
	if tries == 0 {
		tries = attempts
	}
	cfg, err := o.config(ctx, client)
	if err != nil {
		return nil, err
	}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts = tries
			// Without a quota of retries: calls are few, and none is on a hot path.
			s.RateLimiter = unlimited{}
		})
	}
	if configured, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		client = configured
	}
	transport := client.GetTransport()
	clock := &serviceClock{next: transport}
	cfg.HTTPClient = &http.Client{Transport: clock, Timeout: longestCall}
	return &Control{
		config: cfg, region: cfg.Region, split: splitOf(cfg), transport: transport, clock: clock,
		sagemaker: sagemaker.NewFromConfig(cfg), scaling: applicationautoscaling.NewFromConfig(cfg), cloudwatch: cloudwatch.NewFromConfig(cfg),
		quotas: servicequotas.NewFromConfig(cfg),
	}, nil
}

// config is the SDK's configuration: that of the environment and the shared files, unless
// an account is given.
func (o ControlOptions) config(ctx context.Context, client *awshttp.BuildableClient) (aws.Config, error) {
	if o.Account != nil {
		return o.Account.config(), nil
	}
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithLogger(logging.Nop{}), // a library does not log
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return cfg, &experiment.ControlError{Problem: experiment.ProblemCredentials, Err: fmt.Errorf("reading the AWS configuration: %w", err), Remedy: "repair it, or name another --profile"}
	}
	if cfg.Region == "" {
		return cfg, &experiment.ControlError{Problem: experiment.ProblemCredentials, Err: errNoRegion, Remedy: "give --region, or set AWS_REGION"}
	}
	return cfg, nil
}

// Close gives up idle connections.
func (c *Control) Close() { c.transport.CloseIdleConnections() }

// Region is the one that is spoken to.
func (c *Control) Region() string { return c.region }

// Now is the time by the services' clocks: real time, or an emulator's model time.
func (c *Control) Now() time.Time { return c.clock.now() }

// Here is how long a time of the services takes here: as long, or shorter with an
// emulator that runs faster.
func (c *Control) Here(d time.Duration) time.Duration { return c.clock.here(d) }

// Poll is the time to wait between two looks at something that takes minutes: ten
// seconds of the services' time.
func (c *Control) Poll() time.Duration { return c.clock.here(pollEvery) }

// pollEvery is how often an endpoint that changes is looked at.
const pollEvery = 10 * time.Second

// unlimited lets every retry happen.
type unlimited struct{}

func (unlimited) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (unlimited) AddTokens(uint) error { return nil }
