package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/rogpeppe/go-internal/testscript"
)

// remain NAME…: the account's endpoints, and its endpoint configurations, are these.
func remain(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: remain NAME…")
	}
	client := sagemaker.New(sagemaker.Options{
		BaseEndpoint: aws.String(ts.Getenv("AWS_ENDPOINT_URL")), Region: ts.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	endpoints, err := client.ListEndpoints(context.Background(), &sagemaker.ListEndpointsInput{})
	ts.Check(err)
	configs, err := client.ListEndpointConfigs(context.Background(), &sagemaker.ListEndpointConfigsInput{})
	ts.Check(err)
	var got, configured []string
	for _, e := range endpoints.Endpoints {
		got = append(got, aws.ToString(e.EndpointName))
	}
	for _, c := range configs.EndpointConfigs {
		configured = append(configured, aws.ToString(c.EndpointConfigName))
	}
	slices.Sort(got)
	slices.Sort(configured)
	if want := strings.Join(args, " "); strings.Join(got, " ") != want || strings.Join(configured, " ") != want {
		ts.Fatalf("endpoints %v, configurations %v; want %v", got, configured, args)
	}
}
