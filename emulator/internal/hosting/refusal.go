package hosting

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
)

// refusal is an answer of the runtime that is not the container's. Its kind travels in
// a header, as the REST-JSON protocol has it; without a kind, clients name it by status.
type refusal struct {
	status  int
	kind    string
	message string
	null    bool // the message is null, which clients print as "None"
	model   *modelError
}

// modelError is the body of a refusal because of the container. ErrorCode is not in
// AWS's API model, but in its answers.
type modelError struct {
	ErrorCode          string
	LogStreamArn       string
	Message            string
	OriginalMessage    string
	OriginalStatusCode int
}

// throttled has no message, literally.
func throttled() refusal {
	return refusal{status: http.StatusBadRequest, kind: "ThrottlingException", null: true}
}

// notReady is what an endpoint whose model is still being loaded answers (API reference
// of InvokeEndpoint).
func notReady() refusal {
	return refusal{
		status: http.StatusTooManyRequests, kind: "ModelNotReadyException",
		message: "Either a serverless endpoint variant's resources are still being provisioned, or a multi-model endpoint is still downloading or loading the target model. Wait and try your request again.",
	}
}

func queueFull() refusal {
	return refusal{
		status: http.StatusServiceUnavailable, kind: "ServiceUnavailable",
		message: "The endpoint has no capacity for the request: its queue is full.",
	}
}

func noCopies() refusal {
	return *wrong("Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if configured) " +
		"or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API.")
}

// timedOut is what AWS has in place of the message of a container that was too slow.
const timedOut = "Your invocation timed out while waiting for a response from container primary. " +
	"Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."

// wrong refuses a request that cannot be served as it is.
func wrong(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, kind: "ValidationError", message: fmt.Sprintf(format, args...)}
}

func unknownEndpoint(name, account string) *refusal {
	return wrong("Endpoint %s of account %s not found.", name, account)
}

// tooLong was seen without an error type, so that clients name it "413"
// (github.com/aws/sagemaker-python-sdk/issues/171).
func tooLong(limit int64) refusal {
	return refusal{status: http.StatusRequestEntityTooLarge, message: fmt.Sprintf("HTTP content length exceeded %d bytes.", limit)}
}

// badBody is the refusal of a payload that could not be read.
func (i *invocation) badBody(err error) refusal {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return tooLong(i.h.opts.MaxBody)
	}
	return *wrong("The body of the request broke off.")
}

// noResponse is what AWS has in place of the message of a container that is not there.
func (i *invocation) noResponse() string {
	return fmt.Sprintf("Amazon SageMaker could not get a response from the %s endpoint. This can occur when CPU or memory utilization is high. "+
		"To check your utilization, see Amazon CloudWatch. To fix this problem, use an instance type with more CPU capacity or memory.", i.endpoint)
}

// modelError is the refusal because of a container's own answer; a status of 0 is none.
func (i *invocation) modelError(status int, message string) refusal {
	side, code := "server", "INTERNAL_FAILURE_FROM_MODEL"
	if status/100 == 4 {
		side, code = "client", "CLIENT_ERROR_FROM_MODEL"
	}
	return refusal{status: http.StatusFailedDependency, kind: "ModelError", model: &modelError{
		ErrorCode:          code,
		LogStreamArn:       fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", i.h.opts.Region, i.h.opts.Account, i.logGroup()),
		Message:            fmt.Sprintf("Received %s error (%d) from primary with message %s. %s", side, status, `"`+message+`"`, i.see()),
		OriginalMessage:    message,
		OriginalStatusCode: status,
	}}
}

func (i *invocation) logGroup() string { return "/aws/sagemaker/Endpoints/" + i.endpoint }

// see is where AWS says that more is to be found.
func (i *invocation) see() string {
	region := i.h.opts.Region
	return fmt.Sprintf("See https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#logEventViewer:group=%s in account %s for more information.",
		region, region, i.logGroup(), i.h.opts.Account)
}

// head writes what every answer has.
func (i *invocation) head() {
	i.id[0] = newRequestID()
	i.w.Header()["X-Amzn-Requestid"] = i.id[:]
}

// fail writes a refusal.
func (i *invocation) fail(f refusal) {
	header := i.w.Header()
	header.Set("Content-Type", "application/json")
	if f.kind != "" {
		header.Set("X-Amzn-Errortype", f.kind)
	}
	body := []byte(`{"message":null}`)
	switch {
	case f.model != nil:
		body = marshal(f.model)
	case f.kind == "":
		body = marshal(map[string]string{"message": f.message})
	case !f.null:
		body = marshal(map[string]string{"Message": f.message})
	}
	i.w.WriteHeader(f.status)
	_, _ = i.w.Write(body) // fails only when the client has left
}

// marshal is for values that cannot fail to be JSON.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as AWS
	if err := e.Encode(v); err != nil {
		return []byte("{}")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// newRequestID is a random UUID, version 4.
func newRequestID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:], id[4:6])
	hex.Encode(text[14:], id[6:8])
	hex.Encode(text[19:], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
