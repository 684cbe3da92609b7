package sigv4

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// stringToSign is what the signature is of, with the canonical request that it
// contains the hash of.
func (s *signature) stringToSign(r *http.Request, uri, payload string) (toSign, canonical []byte) {
	canonical = s.canonicalRequest(r, uri, payload)
	hash := sha256.Sum256(canonical)
	b := make([]byte, 0, 256)
	b = append(b, algorithm+"\n"...)
	b = append(b, s.date...)
	b = append(b, '\n')
	for _, part := range [...]string{s.day, s.region, s.service} {
		b = append(b, part...)
		b = append(b, '/')
	}
	b = append(b, terminator+"\n"...)
	return hex.AppendEncode(b, hash[:]), canonical
}

func (s *signature) canonicalRequest(r *http.Request, uri, payload string) []byte {
	b := make([]byte, 0, 1024)
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = appendEscaped(b, uri, true)
	b = append(b, '\n')
	b = appendQuery(b, r.URL.RawQuery)
	b = append(b, '\n')
	for name := range strings.SplitSeq(s.headers, ";") {
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, name)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, s.headers...)
	b = append(b, '\n')
	return append(b, payload...)
}

// requestPath is the path as it was sent: what a server in front of this one made of
// r.URL does not matter.
func requestPath(r *http.Request) string {
	if r.RequestURI == "" {
		return orSlash(r.URL.EscapedPath()) // a request that never was on a wire
	}
	target, _, _ := strings.Cut(r.RequestURI, "?")
	if _, rest, absolute := strings.Cut(target, "://"); absolute && !strings.HasPrefix(target, "/") {
		target = rest[max(0, strings.IndexByte(rest+"/", '/')):]
	}
	return orSlash(target)
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// cleanPath removes dot segments (RFC 3986, section 5.2.4) and empty segments.
func cleanPath(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	clean := "/" + strings.Join(kept, "/")
	if strings.HasSuffix(path, "/") && len(kept) > 0 {
		clean += "/"
	}
	return clean
}

// appendQuery writes the parameters, encoded and then sorted, without the signature.
func appendQuery(b []byte, raw string) []byte {
	if raw == "" {
		return b
	}
	type pair struct{ name, value string }
	var pairs []pair
	for text := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(text, "=")
		if name = encoded(name); text != "" && name != "X-Amz-Signature" {
			pairs = append(pairs, pair{name, encoded(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b
}

// encoded encodes again, in AWS's way, what was encoded in anybody's.
func encoded(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		plain = text
	}
	return string(appendEscaped(nil, plain, false))
}

// appendEscaped encodes all bytes but A-Z, a-z, 0-9, '-', '_', '.', '~' and, in a
// path, '/'.
func appendEscaped(b []byte, text string, path bool) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c == '-' || c == '_' || c == '.' || c == '~' || c == '/' && path {
			b = append(b, c)
			continue
		}
		b = append(b, '%', digits[c>>4], digits[c&15])
	}
	return b
}

// appendHeader writes a header's values, with single spaces.
func appendHeader(b []byte, r *http.Request, name string) []byte {
	if name == "host" {
		return appendTrimmed(b, r.Host)
	}
	var key [64]byte // most names fit, and then nothing is allocated
	for i, value := range r.Header[string(appendCanonical(key[:0], name))] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, value)
	}
	return b
}

// appendCanonical writes the name of a header, which is in lower case, as net/http keeps it.
func appendCanonical(b []byte, name string) []byte {
	first := true
	for i := range len(name) {
		c := name[i]
		if first && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		b = append(b, c)
		first = c == '-'
	}
	return b
}

func appendTrimmed(b []byte, value string) []byte {
	value = strings.TrimSpace(value)
	if !strings.Contains(value, "  ") {
		return append(b, value...)
	}
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' { // a trimmed value begins with neither
			b = append(b, value[i])
		}
	}
	return b
}
