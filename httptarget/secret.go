package httptarget

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const redacted = "REDACTED"

// Secret is text that must not be shown: however it is formatted, logged or
// marshalled, it reads REDACTED. Convert it to a string to use it.
type Secret string

// Format writes REDACTED (nothing for an empty secret) whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// String is REDACTED, or empty for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// MarshalText is String, for JSON, YAML and structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var secretName = regexp.MustCompile(`(?i)auth|cookie|key|token|secret|passw|pwd|signature|credential|session|(^|[^a-z])sig($|[^a-z])|^code$`)

// SecretName says that the value of a header or of a query parameter of this
// name is to be taken for a secret.
func SecretName(name string) bool { return secretName.MatchString(name) }

// secrets are the byte strings that must not come back in an error or a detail,
// in the forms in which servers repeat them; the longest first, so that none is
// torn by a part of it.
func (o Options) secrets(u *url.URL) [][]byte {
	var plain []string
	plain = append(plain, string(o.BearerToken))
	if u.User != nil {
		password, _ := u.User.Password()
		plain = append(plain, password, basicCredentials(u.User))
	}
	for name, values := range o.Header {
		if SecretName(name) {
			for _, value := range values {
				plain = append(plain, headerSecrets(value)...)
			}
		}
	}
	plain = append(plain, querySecrets(u.RawQuery)...)
	var all [][]byte
	for _, s := range plain {
		for _, form := range forms(s) {
			if len(form) >= leastScrubbed {
				all = append(all, []byte(form))
			}
		}
	}
	slices.SortFunc(all, func(a, b []byte) int { return cmp.Or(len(b)-len(a), bytes.Compare(a, b)) })
	return slices.CompactFunc(all, bytes.Equal)
}

// headerSecrets are a header's value, what follows the scheme of an
// authorization, and the values of cookies.
func headerSecrets(value string) []string {
	all := []string{value, value[strings.LastIndexByte(value, ' ')+1:]}
	for part := range strings.SplitSeq(value, ";") {
		_, of, _ := strings.Cut(part, "=")
		all = append(all, strings.Trim(strings.TrimSpace(of), `"`))
	}
	return all
}

// querySecrets are the values of secret parameters, as written and as meant.
func querySecrets(query string) []string {
	var all []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if meant, err := url.QueryUnescape(name); err == nil {
			name = meant
		}
		if !SecretName(name) {
			continue
		}
		all = append(all, value)
		for _, unescape := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
			if meant, err := unescape(value); err == nil {
				all = append(all, meant)
			}
		}
	}
	return all
}

// forms are a secret as it is, and as it stands in a URL, in HTML and in JSON.
func forms(s string) []string {
	quoted, _ := json.Marshal(s) //nolint:errchkjson // a string
	return []string{s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), strings.Trim(string(quoted), `"`)}
}

// leastScrubbed is how many bytes of a secret at the very end of a cut text are
// taken for the beginning of that secret; fewer would blank ordinary words.
const leastScrubbed = 4

// Scrub overwrites every secret in text with asterisks, because servers that
// answer with the request's own headers are common where errors are.
func Scrub(text []byte, secrets [][]byte) {
	for _, secret := range secrets {
		for rest := text; ; {
			i := bytes.Index(rest, secret)
			if i < 0 {
				break
			}
			blank(rest[i : i+len(secret)])
			rest = rest[i+len(secret):]
		}
		// The text may have been cut inside the secret.
		for n := min(len(secret)-1, len(text)); n >= leastScrubbed; n-- {
			if bytes.HasSuffix(text, secret[:n]) {
				blank(text[len(text)-n:])
				break
			}
		}
	}
}

func blank(p []byte) {
	for i := range p {
		p[i] = '*'
	}
}
