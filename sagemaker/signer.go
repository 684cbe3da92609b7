package sagemaker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"time"

	"plimsoll/httptarget"
	"plimsoll/loadgen"
)

// signer signs requests by AWS Signature Version 4 as they leave. What does not
// depend on the instant is done before: a body is hashed when it is loaded, the
// signing key of a day is kept, and the canonical request is a text with a few
// gaps. It gives what the SDK's own signer gives.
type signer struct {
	region, service string
	identity        func(now time.Time) (*identity, error)
	prepared        []prepared
	shapes          map[string]*shape
}

var _ httptarget.Stamper = (*signer)(nil)

// prepared is what is known of one body's request before it leaves.
type prepared struct {
	shape  *shape
	hash   [2 * sha256.Size]byte // of the fixed content, in hexadecimal
	length int                   // of the fixed content
}

func newSigner(region, service string, identity func(time.Time) (*identity, error)) *signer {
	return &signer{region: region, service: service, identity: identity, shapes: map[string]*shape{}}
}

// Prepare hashes the body and makes the canonical request, which bodies with the
// same headers share.
func (s *signer) Prepare(body int, req *http.Request, content []byte) error {
	if body != len(s.prepared) {
		return fmt.Errorf("body %d is prepared after %d others", body, len(s.prepared))
	}
	key := fmt.Sprintf("%q", []any{req.Method, req.Host, req.URL.String(), req.Header}) // a map is printed in order
	if s.shapes[key] == nil {
		s.shapes[key] = newShape(req)
	}
	p := prepared{shape: s.shapes[key], length: len(content)}
	sum := sha256.Sum256(content)
	hex.Encode(p.hash[:], sum[:])
	s.prepared = append(s.prepared, p)
	return nil
}

// Session makes the stamp of one session.
func (s *signer) Session() httptarget.Stamp { return &stamp{signer: s, body: none} }

// none is no body's number.
const none = -1

// day and second are layouts of X-Amz-Date and of its beginning.
const (
	layout    = "20060102T150405Z"
	dayLength = len("20060102")
)

// stamp signs the requests of one session. Its buffers are kept, so that a
// signature allocates nothing; a new day or new credentials do.
type stamp struct {
	signer *signer

	who    *identity
	second int64
	date   [len(layout)]byte
	key    hash.Hash // HMAC with the signing key of who and the day
	day    [dayLength]byte
	scope  []byte // day/region/service/aws4_request

	canonical []byte
	text      []byte            // to be signed
	sum       [sha256.Size]byte // of the last step of signing: the signature, in the end
	hex       [2 * sha256.Size]byte
	digits    [20]byte

	lines []byte // of the last request with a fixed content
	body  int    // whose
}

// Append appends X-Amz-Date, X-Amz-Security-Token where there is one, and
// Authorization. Within one second the same body has the same signature.
func (s *stamp) Append(head []byte, req loadgen.Request, now time.Time) ([]byte, error) {
	who, err := s.signer.identity(now)
	if err != nil {
		return nil, &loadgen.OpenError{Class: loadgen.Unauthorized, Err: err}
	}
	if second := now.Unix(); second != s.second || who != s.who {
		s.turn(who, now, second)
	}
	if req.Content != nil {
		s.sum = sha256.Sum256(req.Content)
		hex.Encode(s.hex[:], s.sum[:])
		return s.sign(head, &s.signer.prepared[req.Body], s.hex[:], len(req.Content)), nil
	}
	if s.body != req.Body {
		p := &s.signer.prepared[req.Body]
		s.lines = s.sign(s.lines[:0], p, p.hash[:], p.length)
		s.body = req.Body
	}
	return append(head, s.lines...), nil
}

// turn takes up another second and, where they have changed, another day or other
// credentials.
func (s *stamp) turn(who *identity, now time.Time, second int64) {
	s.body = none
	s.second = second
	now.UTC().AppendFormat(s.date[:0], layout)
	if who == s.who && s.day == [dayLength]byte(s.date[:dayLength]) {
		return
	}
	s.who, s.day = who, [dayLength]byte(s.date[:dayLength])
	s.scope = fmt.Appendf(s.scope[:0], "%s/%s/%s/aws4_request", s.day[:], s.signer.region, s.signer.service)
	key := []byte("AWS4" + who.secret)
	for _, word := range []string{string(s.day[:]), s.signer.region, s.signer.service, "aws4_request"} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(word)) // a hash never fails to write
		key = mac.Sum(nil)
	}
	s.key = hmac.New(sha256.New, key)
}

// sign appends the header lines of one request.
func (s *stamp) sign(dst []byte, p *prepared, payload []byte, length int) []byte {
	var withLength, withToken int
	if length > 0 {
		withLength = 1
	}
	if s.who.token != "" {
		withToken = 1
	}
	f := &p.shape.forms[withLength][withToken]

	c := append(s.canonical[:0], f.parts[0]...)
	if length > 0 {
		c = append(c, strconv.AppendInt(s.digits[:0], int64(length), 10)...)
	}
	c = append(c, f.parts[1]...)
	c = append(c, s.date[:]...)
	c = append(c, f.parts[2]...)
	c = append(c, s.who.token...)
	c = append(c, f.parts[3]...)
	c = append(c, payload...)
	s.canonical = c
	s.sum = sha256.Sum256(c)

	t := append(s.text[:0], "AWS4-HMAC-SHA256\n"...)
	t = append(t, s.date[:]...)
	t = append(t, '\n')
	t = append(t, s.scope...)
	t = append(t, '\n')
	t = hex.AppendEncode(t, s.sum[:])
	s.text = t
	s.key.Reset()
	s.key.Write(t) // a hash never fails to write
	s.key.Sum(s.sum[:0])

	dst = append(dst, "X-Amz-Date: "...)
	dst = append(dst, s.date[:]...)
	if s.who.token != "" {
		dst = append(dst, "\r\nX-Amz-Security-Token: "...)
		dst = append(dst, s.who.token...)
	}
	dst = append(dst, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential="...)
	dst = append(dst, s.who.accessKey...)
	dst = append(dst, '/')
	dst = append(dst, s.scope...)
	dst = append(dst, ", SignedHeaders="...)
	dst = append(dst, f.names...)
	dst = append(dst, ", Signature="...)
	dst = hex.AppendEncode(dst, s.sum[:])
	return append(dst, "\r\n"...)
}

// Scrub blanks the credentials and the account where the server sent them back:
// its word on a wrong signature repeats the request's headers.
func (s *stamp) Scrub(text []byte) {
	if s.who != nil {
		s.who.scrub(text)
		// The signature, with which the request could be sent again for some minutes.
		httptarget.Scrub(text, [][]byte{hex.AppendEncode(nil, s.sum[:])})
	}
	scrubAccounts(text)
}
