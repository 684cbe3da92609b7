package httptarget

import (
	"bytes"
	"fmt"
	"io"
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
