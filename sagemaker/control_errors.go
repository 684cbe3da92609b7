package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"plimsoll/experiment"

	"github.com/aws/smithy-go"
)

var (
	errNoRegion      = errors.New("no AWS region is configured")
	errNoCredentials = errors.New("no AWS credentials are configured")
)

// noCredentials is what to do without any.
const noCredentials = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in (aws sso login)"

// explain says what AWS meant by an error, and what to do about it. The error's own text
// stays: it has the request id, by which AWS finds it.
func explain(err error) error {
	if err == nil {
		return nil
	}
	problem, remedy := problemOf(err)
	if problem == "" {
		return err // it was told to end
	}
	return &experiment.ControlError{Problem: problem, Err: firstLine(err), Remedy: remedy}
}

// cut is an error of which only the first line is told: below it AWS repeats what should
// have been signed, with the session token in it.
type cut struct {
	error
	line string
}

// Error is the first line.
func (c cut) Error() string { return c.line }

// Unwrap is the whole error.
func (c cut) Unwrap() error { return c.error }

func firstLine(err error) error {
	line, rest, found := strings.Cut(err.Error(), "\n")
	if !found || strings.TrimSpace(rest) == "" {
		return err
	}
	return cut{error: err, line: strings.TrimRight(line, " \r")}
}

func problemOf(err error) (problem experiment.Problem, remedy string) {
	if errors.Is(err, context.Canceled) {
		return "", ""
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return unanswered(err)
	}
	code, message := refused.ErrorCode(), refused.ErrorMessage()
	switch {
	case strings.HasPrefix(message, "Could not find endpoint"), strings.HasPrefix(message, "Could not find model"), strings.HasPrefix(message, "Could not find inference component"), strings.Contains(message, "endpoint variant doesn't exist"):
		return experiment.ProblemMissing, "check its name, the region and the account"
	case slices.Contains(deniedCodes(), code):
		return experiment.ProblemDenied, fmt.Sprintf("allow the action %s", deniedAction(err, message))
	case slices.Contains(expiredCodes(), code):
		return experiment.ProblemCredentials, "they have expired: sign in again (aws sso login), or renew the session; plimsoll restore undoes what was changed"
	case slices.Contains(credentialCodes(), code):
		return experiment.ProblemCredentials, "check which account and keys are configured: aws sts get-caller-identity"
	case slices.Contains(throttledCodes(), code):
		return experiment.ProblemThrottled, "somebody calls the same API often; try again in a few minutes"
	case code == "ResourceLimitExceeded", code == "LimitExceededException":
		return experiment.ProblemQuota, "ask for a higher quota (Service Quotas, Amazon SageMaker, \"for endpoint usage\"), or use fewer instances"
	case code == "ConcurrentUpdateException", busyMessage(message):
		return experiment.ProblemBusy, "somebody, or its autoscaling, is changing the endpoint: wait until it is InService"
	case code == "ValidationException", code == "ValidationError", refused.ErrorFault() == smithy.FaultClient:
		return experiment.ProblemInvalid, ""
	}
	return experiment.ProblemOther, "AWS failed; try again"
}

// unanswered is an error for which AWS has said nothing.
func unanswered(err error) (problem experiment.Problem, remedy string) {
	text := err.Error()
	_, network := errors.AsType[net.Error](err)
	switch {
	case strings.Contains(text, "get credentials"), strings.Contains(text, "get identity"), strings.Contains(text, "no EC2 IMDS role found"):
		return experiment.ProblemCredentials, "no AWS credentials are found: " + noCredentials
	case network, strings.Contains(text, "request send failed"), errors.Is(err, context.DeadlineExceeded):
		return experiment.ProblemUnreachable, "check the network, the region, and AWS_ENDPOINT_URL if it is set"
	}
	return experiment.ProblemOther, ""
}

func deniedCodes() []string {
	return []string{"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "FailedResourceAccessException"}
}

func expiredCodes() []string {
	return []string{"ExpiredTokenException", "ExpiredToken", "RequestExpired"}
}

func credentialCodes() []string {
	return []string{"UnrecognizedClientException", "InvalidClientTokenId", "IncompleteSignature", "IncompleteSignatureException", "InvalidSignatureException", "SignatureDoesNotMatch", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "OptInRequired"}
}

func throttledCodes() []string {
	return []string{"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "ThrottledException"}
}

// busyMessage knows the ways in which SageMaker says that an endpoint is changing.
func busyMessage(message string) bool {
	return strings.Contains(message, "Cannot update") && strings.Contains(message, "progress") || strings.Contains(message, "currently being updated")
}

var performed = regexp.MustCompile(`perform: ([A-Za-z-]+:[A-Za-z]+)`)

// deniedAction is what IAM calls what was not allowed.
func deniedAction(err error, message string) string {
	if m := performed.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	if o, ok := errors.AsType[*smithy.OperationError](err); ok {
		service := map[string]string{"SageMaker": "sagemaker", "Application Auto Scaling": "application-autoscaling", "CloudWatch": "cloudwatch", "Service Quotas": "servicequotas", "STS": "sts"}[o.Service()]
		return service + ":" + o.Operation()
	}
	return "that it names"
}
