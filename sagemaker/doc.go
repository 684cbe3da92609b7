// Package sagemaker invokes SageMaker endpoints: requests signed on the fast path
// of package httptarget, and streamed answers read as they arrive.
//
// Where an invocation goes, by which region and name it is signed, and with which
// credentials, is what the AWS SDK says: [New] loads its configuration as every
// AWS tool does and asks its client for the request that it would send. Only the
// hot path is our own, because the SDK's client costs ten times as much and
// retries. [Target.Authenticate] fetches the credentials and keeps them fresh.
//
// It is the one package that knows the AWS SDK. It changes nothing on AWS.
package sagemaker
