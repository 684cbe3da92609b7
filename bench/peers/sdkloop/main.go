// Command sdkloop invokes an endpoint by the AWS SDK, so many invocations in flight,
// until its time is up: what most load tests of SageMaker are. It is a peer of
// bench/peers.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sdkloop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("sdkloop", flag.ContinueOnError)
	endpoint := fs.String("endpoint", "demo", "name of the endpoint")
	file := fs.String("body", "", "file to send")
	parallel := fs.Int("c", 1, "invocations in flight")
	length := fs.Duration("t", time.Second, "how long")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *parallel < 1 || *length <= 0 {
		return fmt.Errorf("c %d, t %v: want at least 1 invocation in flight, and a time above 0", *parallel, *length)
	}
	body, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *length)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		return err
	}
	client := sagemakerruntime.NewFromConfig(cfg)
	input := &sagemakerruntime.InvokeEndpointInput{EndpointName: endpoint, ContentType: aws.String("text/csv"), Body: body}
	var (
		group  sync.WaitGroup
		once   sync.Once
		failed error
	)
	for range *parallel {
		group.Go(func() {
			for ctx.Err() == nil {
				if _, err := client.InvokeEndpoint(ctx, input); err != nil && ctx.Err() == nil {
					once.Do(func() { failed = err })
					cancel()
				}
			}
		})
	}
	group.Wait()
	return failed
}
