package wire

import (
	"fmt"
	"net/http"
)

// Error is a failure in AWS's words.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is the error's name: "ValidationException".
	Code string
	// Message is for people. Where it is empty, the answer has none.
	Message string
	// Server says that the fault is the service's, not the sender's.
	Server bool
	// Fields are further members of the answer. One called "Message" takes the place
	// of the message.
	Fields map[string]any
	// NoMessage answers a message of null, as some of AWS's throttles do.
	NoMessage bool
}

// Error is the code and the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// Errorf makes an error; from status 500 on the fault is the service's.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{
		Status: status, Code: code, Message: fmt.Sprintf(format, args...),
		Server: status >= http.StatusInternalServerError,
	}
}

// serialization is the failure of a request that cannot be read.
func serialization(format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, "SerializationException", format, args...)
}

// internalFailure is what AWS says of failures that it does not explain (Common
// Errors, in the API reference of every service).
func internalFailure() *Error {
	return Errorf(http.StatusInternalServerError, "InternalFailure",
		"The request processing has failed because of an unknown error, exception or failure.")
}

// members are the error as JSON and CBOR have it; kind is the value of __type.
func (e *Error) members(kind string) map[string]any {
	all := make(map[string]any, len(e.Fields)+2)
	if kind != "" {
		all["__type"] = kind
	}
	switch {
	case e.NoMessage:
		all["message"] = nil
	case e.Message != "":
		all["message"] = e.Message
	}
	for name, value := range e.Fields {
		if name == "Message" {
			delete(all, "message")
		}
		all[name] = value
	}
	return all
}

// names are the two names of an error: that of its shape, and that of AWS Query.
func (s *Service) names(code string) (shape, query string) {
	if s == nil {
		return code, code
	}
	for q, sh := range s.ErrorShapes {
		if code == q || code == sh {
			return sh, q
		}
	}
	if s.Query == "" {
		return code, code
	}
	for _, pair := range commonNames() {
		if code == pair[0] || code == pair[1] {
			return pair[0], pair[1]
		}
	}
	return code, code
}

// commonNames are the errors of AWS's front ends, which AWS Query names otherwise
// than JSON does: Common Errors of the CloudWatch and IAM API references, and for
// MalformedInput what SQS answers to awsJson in query mode.
func commonNames() [][2]string {
	return [][2]string{
		{"SerializationException", "MalformedInput"},
		{"UnknownOperationException", "InvalidAction"},
		{"ValidationException", "ValidationError"},
		{"ThrottlingException", "Throttling"},
		{"AccessDeniedException", "AccessDenied"},
		{"ExpiredTokenException", "ExpiredToken"},
		{"MissingAuthenticationTokenException", "MissingAuthenticationToken"},
		{"IncompleteSignatureException", "IncompleteSignature"},
		{"UnrecognizedClientException", "InvalidClientTokenId"},
		{"InvalidSignatureException", "SignatureDoesNotMatch"},
	}
}

// side says whose fault it is, as AWS Query does.
func (e *Error) side() string {
	if e.Server {
		return "Receiver"
	}
	return "Sender"
}
