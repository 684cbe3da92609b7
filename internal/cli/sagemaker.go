package cli

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"plimsoll/experiment"
	"plimsoll/httptarget"
	"plimsoll/loadgen"
	"plimsoll/sagemaker"

	"github.com/spf13/pflag"
)

func sagemakerFlags(fs *pflag.FlagSet, s *Settings) {
	fs.Var(&s.Endpoint, "endpoint", "or the name of a SageMaker endpoint: signed requests, with the credentials that every AWS tool finds")
	fs.StringVar(&s.Variant, "variant", s.Variant, "of a SageMaker endpoint: the production variant to invoke")
	fs.StringVar(&s.InferenceComponent, "inference-component", s.InferenceComponent, "the inference component to invoke")
	fs.StringVar(&s.TargetModel, "target-model", s.TargetModel, "the model of a multi-model endpoint")
	fs.StringVar(&s.SessionID, "session-id", s.SessionID, "session of a stateful model, or NEW_SESSION")
	fs.StringVar(&s.CustomAttributes, "custom-attributes", s.CustomAttributes, "custom attributes for the container, with every request")
	fs.StringVar(&s.InferenceID, "inference-id", s.InferenceID, "id that marks the requests in captured data")
	fs.BoolVar(&s.Stream, "stream", s.Stream, "invoke with a streamed answer; measures its first byte and the gaps between its parts")
	fs.StringVar(&s.Tokens, "tokens", s.Tokens, "count the tokens of streamed answers: lines, count:choices.0.delta.content (lines that have it)\nor value:usage.completion_tokens (number in the last line that has it)")
	fs.BoolVar(&s.Reconcile, "reconcile", s.Reconcile, "of a SageMaker endpoint: compare the run with CloudWatch's counts and latencies when it has ended")
	fs.StringVar(&s.Region, "region", s.Region, "AWS region (otherwise by the environment or the profile)")
	fs.StringVar(&s.Profile, "profile", s.Profile, "AWS profile (otherwise by the environment)")
}

// ofEndpoints are the settings that mean nothing without a SageMaker endpoint.
func (s *Settings) ofEndpoints() map[string]bool {
	return map[string]bool{
		"variant": s.Variant != "", "inference-component": s.InferenceComponent != "", "target-model": s.TargetModel != "", "session-id": s.SessionID != "",
		"custom-attributes": s.CustomAttributes != "", "inference-id": s.InferenceID != "", "stream": s.Stream, "tokens": s.Tokens != "", "region": s.Region != "", "profile": s.Profile != "",
	}
}

// checkTarget reports settings that do not say together what to invoke.
func (s *Settings) checkTarget() error {
	switch {
	case s.URL == "" && len(s.Endpoint) == 0:
		return usageError("--url is missing: give the endpoint to invoke, such as http://127.0.0.1:8080/invocations, or --endpoint with the name of one on SageMaker (or try plimsoll rehearse)")
	case s.URL != "" && len(s.Endpoint) > 0:
		return usageError("--url %s and --endpoint %s: give one of the two", publicURL(s.URL), s.Endpoint.String())
	case len(s.Endpoint) > 1:
		return usageError("--endpoint is given %d times (%s): one endpoint is measured at a time", len(s.Endpoint), s.Endpoint.String())
	case len(s.Endpoint) == 1 && !strings.EqualFold(s.Method, http.MethodPost):
		return usageError("--method %s: a SageMaker endpoint is invoked by POST; leave it out", s.Method)
	case len(s.Endpoint) == 1:
		return nil
	}
	var needless []string
	for name, given := range s.ofEndpoints() {
		if given {
			needless = append(needless, "--"+name)
		}
	}
	if len(needless) > 0 {
		slices.Sort(needless)
		return usageError("%s: of a SageMaker endpoint, which --endpoint names; it means nothing with --url", strings.Join(needless, ", "))
	}
	return nil
}

// buildInvocations makes the target of a SageMaker endpoint.
func buildInvocations(ctx context.Context, env Env, s Settings, opts httptarget.Options) (*sagemaker.Target, error) {
	opts.URL, opts.Method, opts.BearerToken = "", "", ""
	tokens, err := sagemaker.ParseTokenRule(s.Tokens)
	if err != nil {
		return nil, usageError("--%w", err)
	}
	target, err := sagemaker.New(ctx, sagemaker.Options{
		Endpoint: s.Endpoint[0], Variant: s.Variant, InferenceComponent: s.InferenceComponent, TargetModel: s.TargetModel,
		SessionID: s.SessionID, CustomAttributes: s.CustomAttributes, InferenceID: s.InferenceID, Stream: s.Stream, Tokens: tokens,
		Region: s.Region, Profile: s.Profile, Account: s.account, HTTP: opts,
		Warn: func(line string) { say(env.Stderr, "warning: "+line) },
	})
	return target, coded(exitUsage, err)
}

// invocations is the part of a plan that is about SageMaker.
func (j *job) invocations() *experiment.Invocations {
	if j.aws == nil {
		return nil
	}
	s := j.settings
	return &experiment.Invocations{
		Endpoint: s.Endpoint[0], Variant: s.Variant, InferenceComponent: s.InferenceComponent, TargetModel: s.TargetModel,
		SessionID: s.SessionID, CustomAttributes: s.CustomAttributes, InferenceID: s.InferenceID, Stream: s.Stream, Tokens: s.Tokens,
		Region: j.aws.Region(), Profile: s.Profile, Unreconciled: !s.Reconcile,
	}
}

// invoke sets what a plan says about SageMaker.
func (s *Settings) invoke(i *experiment.Invocations) {
	s.URL = "" // it is where the SDK finds the endpoint
	s.Endpoint, s.Variant, s.InferenceComponent, s.TargetModel = texts{i.Endpoint}, i.Variant, i.InferenceComponent, i.TargetModel
	s.SessionID, s.CustomAttributes, s.InferenceID, s.Stream, s.Tokens = i.SessionID, i.CustomAttributes, i.InferenceID, i.Stream, i.Tokens
	s.Region, s.Profile, s.Reconcile = i.Region, i.Profile, !i.Unreconciled
}

// authenticate fetches the credentials, where there are any to fetch.
func (j *job) authenticate(ctx context.Context) error {
	if j.aws == nil {
		return nil
	}
	err := j.aws.Authenticate(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return coded(exitCredentials, err)
}

// close ends what the job keeps going beside its requests.
func (j *job) close() {
	if j.aws != nil {
		j.aws.Close()
	}
}

// refusal is the error of a first request that SageMaker did not answer well.
func refusal(answer httptarget.Answer) error {
	err := errors.New("SageMaker did not answer the first request well: " + sagemaker.Explain(answer))
	if answer.Class == loadgen.Unauthorized {
		return coded(exitCredentials, err)
	}
	return coded(exitRefused, err)
}
