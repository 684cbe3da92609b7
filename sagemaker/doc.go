// Package sagemaker is Amazon SageMaker through the AWS SDK. It invokes endpoints:
// requests signed on the fast path of package httptarget, and streamed answers read
// as they arrive. And it is the control plane: how an endpoint and its scaling are,
// changes of them, and their metrics.
//
// Where an invocation goes, by which region and name it is signed, and with which
// credentials, is what the AWS SDK says: [New] loads its configuration as every
// AWS tool does and asks its client for the request that it would send. Only the
// hot path is our own, because the SDK's client costs ten times as much and
// retries. [Target.Authenticate] fetches the credentials and keeps them fresh.
//
// The control plane starts at [Connect]. What to change there, in which order, and how
// to take it back is package experiment's; a [Control] does one thing when it is told.
// Its errors say what AWS meant and what to do.
//
// It is the one package that knows the AWS SDK.
package sagemaker
