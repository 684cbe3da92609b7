package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/smithy-go/logging"
)

// wire is an invocation as the SDK would send it.
type wire struct {
	url             string
	header          http.Header // Content-Type, and those of SageMaker
	region, service string      // to sign for
}

// ErrNoRegion says that nothing names a region.
var ErrNoRegion = errors.New("no AWS region: give --region us-east-1, set AWS_REGION, or put a region into the profile")

// loadConfig loads the SDK's configuration, as every AWS tool does.
func loadConfig(ctx context.Context, o Options) (aws.Config, error) {
	if o.Account != nil {
		return o.Account.config(), nil
	}
	with := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})} // a library does not log
	if o.Region != "" {
		with = append(with, config.WithRegion(o.Region))
	}
	if o.Profile != "" {
		with = append(with, config.WithSharedConfigProfile(o.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, with...)
	switch {
	case err != nil:
		return cfg, fmt.Errorf("loading the AWS configuration: %w", oneLine(err))
	case cfg.Region == "":
		return cfg, ErrNoRegion
	}
	return cfg, nil
}

// errCaught ends the SDK's call where it would sign.
var errCaught = errors.New("caught before it was signed")

// catcher stands in for the SDK's signer and notes what it should sign. So every
// rule of where an invocation goes (partitions, FIPS, dual stack, AWS_ENDPOINT_URL
// and its kin, the profile's services) is the SDK's own, of the version in go.mod.
type catcher struct{ wire }

// SignHTTP notes the request and signs nothing.
func (c *catcher) SignHTTP(_ context.Context, _ aws.Credentials, r *http.Request, _, service, region string, _ time.Time, _ ...func(*v4.SignerOptions)) error {
	c.url, c.service, c.region = r.URL.String(), service, region
	c.header = http.Header{}
	for name, values := range r.Header {
		if name = http.CanonicalHeaderKey(name); name == contentType || strings.HasPrefix(name, "X-Amzn-Sagemaker-") {
			c.header[name] = values
		}
	}
	return errCaught
}

const contentType = "Content-Type"

// resolve asks the SDK's client how it would invoke the endpoint. Nothing is sent.
func resolve(ctx context.Context, cfg aws.Config, o Options) (*wire, error) {
	c := &catcher{}
	client := sagemakerruntime.NewFromConfig(cfg, func(so *sagemakerruntime.Options) {
		so.HTTPSignerV4 = c
		so.Retryer = aws.NopRetryer{}
		// The real ones are not needed for this, and may take a while.
		so.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "none", SecretAccessKey: "none"}, nil
		})
	})
	var err error
	if o.Stream {
		_, err = client.InvokeEndpointWithResponseStream(ctx, &sagemakerruntime.InvokeEndpointWithResponseStreamInput{
			EndpointName: &o.Endpoint, TargetVariant: orNil(o.Variant), InferenceComponentName: orNil(o.InferenceComponent),
			SessionId: orNil(o.SessionID), CustomAttributes: orNil(o.CustomAttributes), InferenceId: orNil(o.InferenceID), Body: []byte{0},
		})
	} else {
		_, err = client.InvokeEndpoint(ctx, &sagemakerruntime.InvokeEndpointInput{
			EndpointName: &o.Endpoint, TargetVariant: orNil(o.Variant), InferenceComponentName: orNil(o.InferenceComponent), TargetModel: orNil(o.TargetModel),
			SessionId: orNil(o.SessionID), CustomAttributes: orNil(o.CustomAttributes), InferenceId: orNil(o.InferenceID), Body: []byte{0},
		})
	}
	if !errors.Is(err, errCaught) {
		return nil, fmt.Errorf("asking the AWS SDK for the endpoint's address: %w", oneLine(err))
	}
	return &c.wire, nil
}

func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// oneLine keeps an error of the SDK on one line; some have several.
func oneLine(err error) error {
	if err == nil || !strings.ContainsAny(err.Error(), "\r\n") {
		return err
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}
