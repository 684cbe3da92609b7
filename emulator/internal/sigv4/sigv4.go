// Package sigv4 verifies AWS Signature Version 4, in the Authorization header or
// presigned in the query string, and says what is wrong in AWS's words.
//
// It checks who signed and that nothing was changed on the way, not what the signer
// may do; it does not sign, and knows neither chunked uploads nor SigV4A. Start at
// [New] and [Verifier.Verify].
//
// The method is that of "Create a signed AWS API request" in the IAM User Guide, for
// services other than S3: the path is encoded twice and has no dot segments.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// DefaultSkew is how far a signature's date may lie from the service's clock, as AWS's
// messages tell it.
const DefaultSkew = 5 * time.Minute

// Options say whom a Verifier trusts. Keys and Now are required.
type Options struct {
	// Keys knows the secret of an access key; token is the session token that goes with
	// it, or empty for a permanent key.
	Keys func(accessKey string) (secret, token string, ok bool)
	// Now is the service's clock.
	Now func() time.Time
	// Skew is how far a date may lie from Now. Zero means DefaultSkew.
	Skew time.Duration
}

// Verifier verifies requests. It is safe for concurrent use.
type Verifier struct {
	opts Options
	keys keyCache
}

// New makes a verifier. It fails when the options do not validate.
func New(opts Options) (*Verifier, error) {
	if opts.Keys == nil || opts.Now == nil {
		return nil, errors.New("sigv4: Keys and Now are required")
	}
	if opts.Skew < 0 {
		return nil, fmt.Errorf("sigv4: skew %v: must not be negative", opts.Skew)
	}
	if opts.Skew == 0 {
		opts.Skew = DefaultSkew
	}
	return &Verifier{opts: opts}, nil
}

// Scope is what a signature must be for. Empty fields are not checked.
type Scope struct {
	Region  string // "us-east-1"
	Service string // the signing name: "sagemaker"
}

// Signer is who signed a request, for what.
type Signer struct {
	AccessKey string
	Scope     Scope
}

// Verify checks a request whose whole body has been read; a failure is nil if all is well.
// The checks come in AWS's order, which decides which of several faults is told.
func (v *Verifier) Verify(r *http.Request, body []byte, want Scope) (Signer, *Failure) {
	s, failure := read(r)
	if failure != nil {
		return Signer{}, failure
	}
	if failure := v.checkDate(s); failure != nil {
		return Signer{}, failure
	}
	if failure := s.checkScope(want); failure != nil {
		return Signer{}, failure
	}
	secret, token, ok := v.opts.Keys(s.accessKey)
	if !ok {
		return Signer{}, failed(UnknownKey, invalidToken)
	}
	if failure := v.checkSignature(r, s, secret, body); failure != nil {
		return Signer{}, failure
	}
	if !hmac.Equal([]byte(token), []byte(s.token)) {
		return Signer{}, failed(UnknownKey, invalidToken)
	}
	return Signer{AccessKey: s.accessKey, Scope: Scope{Region: s.region, Service: s.service}}, nil
}

func (v *Verifier) checkDate(s *signature) *Failure {
	now := v.opts.Now().UTC().Truncate(time.Second)
	earliest, latest, skew := now.Add(-v.opts.Skew), now.Add(v.opts.Skew), v.opts.Skew
	if s.presigned {
		earliest, skew = now.Add(-s.lifetime), s.lifetime
	}
	switch {
	case s.at.Before(earliest):
		return failed(Expired, "Signature expired: %s is now earlier than %s (%s - %s)",
			s.date, earliest.Format(basic), now.Format(basic), minutes(skew))
	case s.at.After(latest):
		return failed(NotYetValid, "Signature not yet current: %s is still later than %s (%s + %s)",
			s.date, latest.Format(basic), now.Format(basic), minutes(v.opts.Skew))
	}
	return nil
}

// minutes writes a length of time as AWS does.
func minutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}

func (s *signature) checkScope(want Scope) *Failure {
	var wrong []string
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if want.Region != "" && s.region != want.Region {
		complain("Credential should be scoped to a valid region, not '%s'. ", shorten(s.region))
	}
	if want.Service != "" && s.service != want.Service {
		complain("Credential should be scoped to correct service: '%s'. ", want.Service)
	}
	if s.terminator != terminator {
		complain("Credential should be scoped with a valid terminator: '%s', not '%s'. ", terminator, shorten(s.terminator))
	}
	if day := s.date[:len("20060102")]; s.day != day {
		complain("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			shorten(s.day), day, s.date)
	}
	if len(wrong) == 0 {
		return nil
	}
	return failed(WrongScope, "%s", strings.Join(wrong, ""))
}

func (v *Verifier) checkSignature(r *http.Request, s *signature, secret string, body []byte) *Failure {
	payload, ok := payloadHash(r, s, body)
	if !ok {
		return failed(WrongSignature, "The value of the header x-amz-content-sha256 does not match the request body.")
	}
	uri := requestPath(r)
	clean := cleanPath(uri)
	toSign, canonical := s.stringToSign(r, clean, payload)
	key := v.keys.get(keyID{s.accessKey, s.day, s.region, s.service}, secret)
	if hmac.Equal(s.value[:], sign(key[:], toSign)) {
		return nil
	}
	// Some SDKs sign the path as they send it. That is the same but for dots and
	// doubled slashes, which nobody sends on purpose: a base URL may end in a slash.
	if clean != uri {
		if asSent, _ := s.stringToSign(r, uri, payload); hmac.Equal(s.value[:], sign(key[:], asSent)) {
			return nil
		}
	}
	return mismatch(canonical, toSign)
}

// payloadHash is the hash that was signed: the body's, unless the signer says that
// the body is not covered.
func payloadHash(r *http.Request, s *signature, body []byte) (string, bool) {
	claimed := r.Header.Get("X-Amz-Content-Sha256")
	if claimed == "" && s.presigned {
		claimed = s.contentHash
	}
	if claimed == unsignedPayload {
		return claimed, true
	}
	sum := sha256.Sum256(body)
	actual := hex.EncodeToString(sum[:])
	return actual, claimed == "" || claimed == actual
}

func sign(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}
