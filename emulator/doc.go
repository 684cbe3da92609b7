// Package emulator is Amazon SageMaker hosting on one port, for tests and rehearsals
// without an account: the SageMaker control plane, its runtime, CloudWatch and
// Application Auto Scaling, with the scaling loop really running. Invocations become
// metrics, metrics become visible after a delay, alarms fire, policies decide, and
// instances come and go after a time.
//
// The AWS SDKs, the AWS CLI and boto3 speak to it unchanged (AWS_ENDPOINT_URL). What
// answers behind an endpoint is a modelled instance, one real server, or a process for
// each instance. Model time can pass up to 60 times as fast as real time, while
// requests stay real.
//
// It is a test double: it serves one account in one region, knows no IAM, keeps no data
// that a real account would miss, and where AWS does not say how something is done it
// follows [scaling.Assumptions], each of which has a source and can be changed.
//
// Start at [New]; the [Emulator] goes into an [net/http.Server] or
// [net/http/httptest.Server], and is ended by Close. The package example scales an
// endpoint out in model time.
package emulator
