package httptarget

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"plimsoll/loadgen"
)

// maxDetail is how much of a failed answer's body goes into Outcome.Detail.
const maxDetail = 512

// classOfAnswer is the class of a complete answer, from its status and from what
// SageMaker says in it. On the path of a SageMaker invocation a 400 whose message
// is null is a throttle, too: that is how the runtime reports it.
func classOfAnswer(a *answer, invocationPath bool) loadgen.Class {
	switch s := a.status; {
	case s/100 == 2:
		return loadgen.OK
	case s/100 == 3:
		return loadgen.Redirect
	case s == http.StatusTooManyRequests:
		return loadgen.Throttled
	case s == http.StatusFailedDependency:
		return loadgen.ModelError
	case s == http.StatusBadRequest && (a.throttling || saysThrottling(a.keep, invocationPath || a.sageMaker)):
		return loadgen.Throttled
	case (s == http.StatusUnauthorized || s == http.StatusForbidden) && a.sageMaker, s/100 == 4 && refusesCredentials(a):
		return loadgen.Unauthorized
	case s/100 == 4:
		return loadgen.ClientError
	}
	return loadgen.ServerError // a status outside 100 to 599 counts as one (RFC 9110, 15)
}

// shapeName is an AWS error type without the shape's namespace in front and the
// address behind it.
func shapeName(name []byte) []byte {
	name, _, _ = bytes.Cut(name, []byte{':'})
	if i := bytes.LastIndexByte(name, '#'); i >= 0 {
		name = name[i+1:]
	}
	return trimBlanks(name)
}

func isThrottlingName(name []byte) bool { return string(shapeName(name)) == "ThrottlingException" }

// isCredentialsName reports whether an AWS error type says that the signature, the
// credentials or the permission were refused ("Common Errors" of AWS's API
// references, and the names that signing gateways use). It tells nothing of the
// model and nothing of its load.
func isCredentialsName(name []byte) bool {
	switch string(bytes.TrimSuffix(shapeName(name), []byte("Exception"))) {
	case "AccessDenied", "ExpiredToken", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignature", "InvalidToken",
		"MissingAuthenticationToken", "NotAuthorized", "OptInRequired", "RequestExpired", "SignatureDoesNotMatch", "TokenRefreshRequired", "UnrecognizedClient":
		return true
	}
	return false
}

// refusesCredentials reports whether the answer names such an error, in its
// header or in its body.
func refusesCredentials(a *answer) bool {
	if a.unauthorized {
		return true
	}
	for _, key := range []string{`"__type"`, `"code"`, `"Code"`} {
		if isCredentialsName(jsonString(a.keep, key)) {
			return true
		}
	}
	return false
}

// saysThrottling reports whether the body of a 400 names the throttle as its type
// or code, or (nullMessage) consists of a message that is null.
func saysThrottling(body []byte, nullMessage bool) bool {
	for _, key := range []string{`"__type"`, `"code"`, `"Code"`} {
		if isThrottlingName(jsonString(body, key)) {
			return true
		}
	}
	if !nullMessage {
		return false
	}
	rest := body
	for _, piece := range []string{"{", `"message"`, ":", "null", "}"} {
		rest = bytes.TrimSpace(rest)
		if len(rest) < len(piece) || !equalFold(rest[:len(piece)], piece) {
			return false
		}
		rest = rest[len(piece):]
	}
	return len(bytes.TrimSpace(rest)) == 0
}

// jsonString is the string that follows the first such key, without unescaping.
// The body may be cut off, so that a JSON decoder would refuse it.
func jsonString(body []byte, key string) []byte {
	_, rest, _ := bytes.Cut(body, []byte(key))
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(rest), []byte{':'})
	if !ok {
		return nil
	}
	rest, ok = bytes.CutPrefix(bytes.TrimSpace(rest), []byte{'"'})
	if !ok {
		return nil
	}
	value, _, _ := bytes.Cut(rest, []byte{'"'})
	return value
}

// classOfError is the class of an exchange that did not end in a complete answer.
func classOfError(err error) loadgen.Class {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case is[malformed](err):
		return loadgen.Malformed
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return loadgen.Timeout
	case isNoDescriptor(err), isNoLocalPort(err):
		return loadgen.Exhausted
	case isRefused(err):
		return loadgen.Refused
	case isReset(err), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return loadgen.Reset
	case isTLS(err):
		return loadgen.TLSFailure
	}
	return loadgen.Network
}

// isNoLocalPort says that connecting found every local port taken.
func isNoLocalPort(err error) bool { return isNotAvailable(err) && !isNoLocalAddress(err) }

// isNoLocalAddress says that the local address which was asked for is not the machine's.
func isNoLocalAddress(err error) bool {
	call, ok := errors.AsType[*os.SyscallError](err)
	return ok && call.Syscall == "bind" && isNotAvailable(err)
}

// isTLS reports whether TLS itself failed. Many errors of crypto/tls have no type.
func isTLS(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return true // an alert
	}
	return is[tls.RecordHeaderError](err) || is[*tls.CertificateVerificationError](err) || hasTLSText(err)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func hasTLSText(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if text := err.Error(); strings.HasPrefix(text, "tls: ") || strings.HasPrefix(text, "x509: ") {
			return true
		}
	}
	return false
}

// appendDetail appends what a complete answer that is no success says: where a
// redirect points, else the beginning of its body, else its status.
func appendDetail(p []byte, a *answer) []byte {
	switch {
	case len(a.location) > 0:
		p = append(p, "redirect to "...)
		return appendText(p, string(a.location))
	case len(bytes.TrimSpace(a.keep)) > 0:
		return append(p, a.keep[:min(len(a.keep), maxDetail)]...)
	}
	p = strconv.AppendInt(p, int64(a.status), 10)
	p = append(p, ' ')
	p = append(p, http.StatusText(a.status)...)
	return append(p, ", without a body"...)
}

// appendText appends text as far as a detail may go.
func appendText(p []byte, text string) []byte {
	return append(p, text[:min(len(text), max(0, maxDetail-len(p)))]...)
}

// explain says of a failed exchange how far it had come. The rest is what has
// arrived and was not understood.
func explain(err error, a *answer, timeout time.Duration, rest []byte) error {
	switch {
	case is[malformed](err) && len(rest) > 0:
		return fmt.Errorf("%w: %q", err, rest[:min(len(rest), 64)])
	case is[malformed](err):
		return err
	case classOfError(err) == loadgen.Timeout && a.status == 0:
		return fmt.Errorf("no answer within %v", timeout)
	case classOfError(err) == loadgen.Timeout:
		return fmt.Errorf("no complete answer within %v, only status %d and %d bytes", timeout, a.status, a.received)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the server closed the connection before its answer was complete: %w", err)
	}
	return err
}

// remedy is what to do about a failure to connect, in words that follow its
// message; empty where there is nothing to advise.
func remedy(err error, class loadgen.Class) string {
	switch {
	case is[tls.RecordHeaderError](err):
		return "; the server does not speak TLS on this port: use http://"
	case is[x509.UnknownAuthorityError](err):
		return "; give the authority's certificate with --ca-file, or accept any with --insecure"
	case is[x509.HostnameError](err):
		return "; use a name that the certificate has, or accept any with --insecure"
	case class == loadgen.TLSFailure && strings.Contains(err.Error(), "no application protocol"):
		return "; the server does not offer HTTP/1.1"
	case class == loadgen.TLSFailure:
		return "; check the server's certificate and TLS versions, or accept any certificate with --insecure"
	case class == loadgen.Refused:
		return "; is the server running, and is the port right?"
	case class == loadgen.Timeout:
		return "; is the address right, and does a firewall drop the packets? (--connect-timeout)"
	case is[*net.DNSError](err):
		return "; check the host name"
	case isNoDescriptor(err):
		return "; raise the limit of open files (ulimit -n) or use fewer connections"
	case isNoLocalAddress(err):
		return "; the local address is none of this machine's"
	case isNoLocalPort(err):
		return "; no local port is left: use fewer connections, or keep them open between requests"
	}
	return ""
}
