package sigv4

import (
	"fmt"
	"net/http"
	"strings"
)

// Kind is what is wrong with a signature.
type Kind int

// The kinds.
const (
	MissingToken   Kind = iota // the request is not signed
	Incomplete                 // the signature's form is wrong
	UnknownKey                 // access key or session token are not known
	Expired                    // signed too long ago
	NotYetValid                // signed in the future
	WrongScope                 // signed for another region, service or day
	WrongSignature             // signed with another secret, or changed since
)

// Failure is why a request was refused.
type Failure struct {
	Kind    Kind
	Message string // in AWS's words
}

func failed(kind Kind, format string, args ...any) *Failure {
	return &Failure{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Style is a family of services that refuse in one way.
type Style int

// The styles.
const (
	JSON  Style = iota // awsJson 1.0 and 1.1: status 400 for everything
	REST               // REST with JSON: 403, and the code in a header
	Query              // AWS Query, and what speaks its names in other protocols
)

// Answer is what a service of a style answers. JSON and REST as observed by the
// DynamoDB and Kinesis emulators dynalite and kinesalite; Query as in Common Errors of
// the CloudWatch API reference.
func (f *Failure) Answer(style Style) (status int, code, message string) {
	if style == Query {
		return f.answerQuery()
	}
	status = http.StatusBadRequest
	if style == REST {
		status = http.StatusForbidden
	}
	switch f.Kind {
	case MissingToken:
		code = "MissingAuthenticationTokenException"
	case Incomplete:
		code = "IncompleteSignatureException"
	case UnknownKey:
		code = "UnrecognizedClientException"
	default:
		code = "InvalidSignatureException"
	}
	return status, code, f.Message
}

func (f *Failure) answerQuery() (status int, code, message string) {
	switch f.Kind {
	case MissingToken:
		return http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"
	case Incomplete:
		return http.StatusBadRequest, "IncompleteSignature", f.Message
	case UnknownKey:
		return http.StatusForbidden, "InvalidClientTokenId", f.Message
	default:
		return http.StatusForbidden, "SignatureDoesNotMatch", f.Message
	}
}

const invalidToken = "The security token included in the request is invalid."

// mismatch tells what should have been signed, as AWS does, so that it can be compared.
func mismatch(canonical, toSign []byte) *Failure {
	const most = 8 << 10
	message := "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	if len(canonical) <= most {
		message += fmt.Sprintf("\n\nThe Canonical String for this request should have been\n'%s'"+
			"\n\nThe String-to-Sign should have been\n'%s'\n", canonical, toSign)
	}
	return &Failure{Kind: WrongSignature, Message: message}
}

// shorten keeps what a client sent from filling an answer.
func shorten(text string) string {
	const most = 256
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
