package sagemaker

import (
	"bytes"
	"strings"
	"time"

	"plimsoll/httptarget"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// identity is one set of credentials, as it is signed with. It does not change.
type identity struct {
	accessKey, secret, token string
	expires                  time.Time // zero: never
	secrets                  [][]byte  // what must not come back in an error
}

func newIdentity(c aws.Credentials) *identity {
	id := &identity{accessKey: c.AccessKeyID, secret: c.SecretAccessKey, token: c.SessionToken}
	if c.CanExpire {
		id.expires = c.Expires
	}
	all := []string{c.SecretAccessKey, c.SessionToken, c.AccessKeyID, c.AccountID}
	for _, secret := range all {
		if secret != "" {
			id.secrets = append(id.secrets, []byte(secret))
		}
	}
	for _, secret := range all { // after all the whole ones, which may have a piece in common
		id.secrets = append(id.secrets, pieces(secret)...)
	}
	return id
}

// is reports whether the credentials are these.
func (id *identity) is(c aws.Credentials) bool {
	return id.accessKey == c.AccessKeyID && id.secret == c.SecretAccessKey && id.token == c.SessionToken &&
		(c.CanExpire && id.expires.Equal(c.Expires) || !c.CanExpire && id.expires.IsZero())
}

// scrub blanks the credentials in a text.
func (id *identity) scrub(text []byte) { httptarget.Scrub(text, id.secrets) }

// leastPiece is the shortest piece of a secret that is blanked on its own: what
// is left of a secret without longer ones is of no use to anybody.
const leastPiece = 8

// pieces are a secret cut at what is neither letter nor digit, because a server may
// send it back with those escaped.
func pieces(secret string) [][]byte {
	var all [][]byte
	for piece := range strings.FieldsFuncSeq(secret, func(r rune) bool { return !isAlphanumeric(r) }) {
		if len(piece) >= leastPiece && len(piece) < len(secret) {
			all = append(all, []byte(piece))
		}
	}
	return all
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// accountDigits is the length of an AWS account's number.
const accountDigits = 12

// scrubAccounts blanks numbers that stand where the service's messages and ARNs
// have the account: after "account " and between colons.
func scrubAccounts(text []byte) {
	for i := 0; i+accountDigits <= len(text); i++ {
		end := i + accountDigits
		if !isNumber(text[i:end]) || end < len(text) && isNumber(text[end:end+1]) {
			continue
		}
		named := bytes.HasSuffix(text[:i], []byte("account "))
		inARN := i > 0 && text[i-1] == ':' && end < len(text) && text[end] == ':'
		if named || inARN {
			for j := i; j < end; j++ {
				text[j] = '*'
			}
		}
	}
}

func isNumber(p []byte) bool {
	for _, c := range p {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
