// Command goquery drives the emulator with the AWS SDK for Go through the life of an
// endpoint, and speaks to CloudWatch with the SDK as it was before that changed to CBOR:
// by AWS Query. It is a module of its own, so that the program's tests can use the
// present CloudWatch client beside it. URL, credentials and region come from the
// environment (AWS_ENDPOINT_URL).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/smithy-go"
)

const (
	endpoint = "goquery-endpoint"
	variant  = "AllTraffic"
	resource = "endpoint/" + endpoint + "/variant/" + variant
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryMaxAttempts(1))
	must("read the environment", err)
	s := suite{
		ctx: ctx, sagemaker: sagemaker.NewFromConfig(cfg), runtime: sagemakerruntime.NewFromConfig(cfg),
		scaling: applicationautoscaling.NewFromConfig(cfg), cloudwatch: cloudwatch.NewFromConfig(cfg),
	}
	s.create()
	s.invoke()
	s.stream()
	s.register()
	high, low := s.policy()
	s.alarms(high, low)
	s.scaleOutAndIn(high)
	s.activities(high)
	end := s.history(high)
	s.metrics(end)
	s.ownMetric()
	s.ownAlarm()
	s.remove(high, low)
}

type suite struct {
	ctx        context.Context
	sagemaker  *sagemaker.Client
	runtime    *sagemakerruntime.Client
	scaling    *applicationautoscaling.Client
	cloudwatch *cloudwatch.Client
}

// check prints what holds, and ends the suite with what does not.
func check(what string, holds bool, got ...any) {
	if !holds {
		fmt.Println("FAIL", what, "but got", fmt.Sprintf("%+v", got))
		os.Exit(1)
	}
	fmt.Println("ok  ", what)
}

func must(what string, err error) { check(what, err == nil, err) }

// refused asks for an error of the service with a code.
func refused(what, code string, err error) {
	var api smithy.APIError
	check(what+" is "+code, errors.As(err, &api) && api.ErrorCode() == code, err)
}

// until polls for 90 seconds at most.
func until(what string, holds func() bool) {
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		if holds() {
			check(what, true)
			return
		}
	}
	check(what, false, "nothing of the sort within 90 s")
}

func is(got *string, want string) bool { return aws.ToString(got) == want }
