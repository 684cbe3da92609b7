package sagemaker

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll/httptarget"
)

// TestWhereInvocationsGo: the rules are the SDK's; these rows hold that they are
// asked, and what for.
func TestWhereInvocationsGo(t *testing.T) {
	const profile = "[profile lab]\nregion = eu-central-1\nservices = lab\n[services lab]\nsagemaker_runtime =\n  endpoint_url = http://lab.test:9000\n[profile bare]\nregion = ap-south-1\n"
	for _, tt := range []struct {
		name   string
		env    []string
		o      Options
		url    string
		region string
	}{
		{"region of the environment", nil, Options{}, "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/e/invocations", "us-east-1"},
		{"region of the option", nil, Options{Region: "eu-west-1"}, "https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/e/invocations", "eu-west-1"},
		{"China", []string{"AWS_REGION=cn-north-1"}, Options{}, "https://runtime.sagemaker.cn-north-1.amazonaws.com.cn/endpoints/e/invocations", "cn-north-1"},
		{"stream", nil, Options{Stream: true}, "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/e/invocations-response-stream", "us-east-1"},
		{"FIPS", []string{"AWS_USE_FIPS_ENDPOINT=true"}, Options{}, "https://runtime-fips.sagemaker.us-east-1.amazonaws.com/endpoints/e/invocations", "us-east-1"},
		{"a private endpoint for all", []string{"AWS_ENDPOINT_URL=https://vpce-1.test"}, Options{}, "https://vpce-1.test/endpoints/e/invocations", "us-east-1"},
		{
			"the service's own goes first, with its prefix",
			[]string{"AWS_ENDPOINT_URL=http://all.test", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=http://one.test:8080/prefix"},
			Options{},
			"http://one.test:8080/prefix/endpoints/e/invocations", "us-east-1",
		},
		{
			"configured ones ignored",
			[]string{"AWS_ENDPOINT_URL=http://all.test", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"},
			Options{},
			"https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/e/invocations", "us-east-1",
		},
		{"profile", []string{"AWS_REGION="}, Options{Profile: "bare"}, "https://runtime.sagemaker.ap-south-1.amazonaws.com/endpoints/e/invocations", "ap-south-1"},
		{"profile with an address", []string{"AWS_REGION=", "AWS_PROFILE=lab"}, Options{}, "http://lab.test:9000/endpoints/e/invocations", "eu-central-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
				t.Fatal(err)
			}
			sealed(t, append([]string{"AWS_CONFIG_FILE=" + file}, tt.env...)...)
			tt.o.Endpoint = "e"
			target, err := New(t.Context(), tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if target.URL() != tt.url || target.Region() != tt.region {
				t.Errorf("New: invocations go to %s in %s, want %s in %s", target.URL(), target.Region(), tt.url, tt.region)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
		o    Options
		want string
	}{
		{"no region", []string{"AWS_REGION="}, Options{Endpoint: "e"}, "--region us-east-1"},
		{"unknown profile", nil, Options{Endpoint: "e", Profile: "nobody"}, "nobody"},
		{"no name", nil, Options{}, "no name is given"},
		{"an ARN", nil, Options{Endpoint: "arn:aws:sagemaker:us-east-1:1:endpoint/e"}, "not the ARN"},
		{"a variant that is none", nil, Options{Endpoint: "e", Variant: "a b"}, `variant "a b"`},
		{"a line end", nil, Options{Endpoint: "e", CustomAttributes: "a\r\nHost: x"}, "custom attributes"},
		{"a stream of a multi-model endpoint", nil, Options{Endpoint: "e", TargetModel: "m", Stream: true}, "target model"},
		{"a header of the signature", nil, Options{Endpoint: "e", HTTP: httptarget.Options{Header: http.Header{"x-amz-DATE": {"x"}}}}, "x-amz-DATE"},
		{"a header given twice", nil, Options{Endpoint: "e", Variant: "v", HTTP: httptarget.Options{Header: http.Header{"X-Amzn-SageMaker-Target-Variant": {"w"}}}}, "Target-Variant"},
		{"a URL", nil, Options{Endpoint: "e", HTTP: httptarget.Options{URL: "http://x"}}, "leave them out"},
		{"an address that is none", []string{"AWS_ENDPOINT_URL=ftp://x"}, Options{Endpoint: "e"}, "ftp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sealed(t, tt.env...)
			_, err := New(t.Context(), tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("New: got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestNoCredentials(t *testing.T) {
	sealed(t, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
	target, err := New(t.Context(), Options{Endpoint: "e"})
	if err != nil {
		t.Fatal(err)
	}
	err = target.Authenticate(t.Context())
	if _, ok := errors.AsType[*CredentialsError](err); !ok || !strings.Contains(err.Error(), "--profile") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Authenticate: got %v, want a *CredentialsError with a remedy on one line", err)
	}
}

// TestProcessOutputIsNotShown: the SDK's error repeats the output of a credential
// process that it cannot parse.
func TestProcessOutputIsNotShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("[profile p]\ncredential_process = echo hunter2-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed(t, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_CONFIG_FILE="+file)
	target, err := New(t.Context(), Options{Endpoint: "e", Profile: "p"})
	if err != nil {
		t.Fatal(err)
	}
	err = target.Authenticate(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "credential process") {
		t.Errorf("Authenticate: got %v, want an error that does not show the output", err)
	}
}
