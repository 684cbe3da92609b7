package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm       = "AWS4-HMAC-SHA256"
	terminator      = "aws4_request"
	basic           = "20060102T150405Z" // ISO 8601, basic format
	unsignedPayload = "UNSIGNED-PAYLOAD"

	// Of a presigned request, where X-Amz-Expires does not say, and at most.
	defaultLifetime = 15 * time.Minute
	maxLifetime     = 7 * 24 * time.Hour
)

// signature is what a request says about how it was signed.
type signature struct {
	presigned   bool
	accessKey   string
	day         string // of the scope
	region      string
	service     string
	terminator  string
	headers     string // names, as signed: lower case, by semicolons
	value       [32]byte
	date        string // basic format
	at          time.Time
	token       string
	lifetime    time.Duration // if presigned
	contentHash string        // if presigned
}

// read finds a request's signature, and checks its form.
func read(r *http.Request) (*signature, *Failure) {
	header := r.Header.Get("Authorization")
	var query url.Values
	if strings.Contains(r.URL.RawQuery, "X-Amz-") {
		query = r.URL.Query()
	}
	switch signedInQuery := query.Has("X-Amz-Algorithm") || query.Has("X-Amz-Signature"); {
	case header != "" && signedInQuery:
		return nil, failed(WrongSignature, "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
	case header != "":
		return readHeader(r, header)
	case signedInQuery:
		return readQuery(query)
	}
	return nil, failed(MissingToken, "Missing Authentication Token")
}

// readHeader reads
//
//	AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
//
// where commas, spaces or both may stand between the parts.
func readHeader(r *http.Request, header string) (*signature, *Failure) {
	name, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if strings.HasPrefix(name, "AWS") && name != algorithm {
		return nil, failed(Incomplete, "Unsupported AWS 'algorithm': '%s' (only %s for now). ", shorten(name), algorithm)
	}
	var credential, headers, value string
	for part := range strings.FieldsFuncSeq(rest, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' }) {
		key, text, ok := strings.Cut(part, "=")
		if !ok {
			return nil, failed(Incomplete, "'%s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'.",
				shorten(part), shorten(header))
		}
		switch key {
		case "Credential":
			credential = text
		case "SignedHeaders":
			headers = text
		case "Signature":
			value = text
		}
	}
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		date = basicDate(r.Header.Get("Date"))
	}
	var missing strings.Builder
	for _, part := range [...]struct{ name, value string }{
		{"Credential", credential}, {"Signature", value}, {"SignedHeaders", headers},
	} {
		if part.value == "" {
			missing.WriteString("Authorization header requires '" + part.name + "' parameter. ")
		}
	}
	if date == "" {
		missing.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if missing.Len() > 0 {
		return nil, failed(Incomplete, "%sAuthorization=%s", missing.String(), shorten(name))
	}
	s := &signature{token: r.Header.Get("X-Amz-Security-Token")}
	return s, s.parse(credential, headers, value, date)
}

// basicDate turns a Date header, which may be in basic format already, into it.
func basicDate(header string) string {
	if at, err := http.ParseTime(header); err == nil {
		return at.UTC().Format(basic)
	}
	return header
}

func readQuery(query url.Values) (*signature, *Failure) {
	var missing strings.Builder
	for _, name := range [...]string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if query.Get(name) == "" {
			missing.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if missing.Len() > 0 {
		return nil, failed(Incomplete, "%sRe-examine the query-string parameters.", missing.String())
	}
	if name := query.Get("X-Amz-Algorithm"); name != algorithm {
		return nil, failed(Incomplete, "Unsupported AWS 'algorithm': '%s' (only %s for now). ", shorten(name), algorithm)
	}
	s := &signature{
		presigned: true, token: query.Get("X-Amz-Security-Token"),
		contentHash: query.Get("X-Amz-Content-Sha256"), lifetime: defaultLifetime,
	}
	if text := query.Get("X-Amz-Expires"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 32)
		if s.lifetime = time.Duration(seconds) * time.Second; err != nil || s.lifetime > maxLifetime {
			return nil, failed(Incomplete, "X-Amz-Expires must be a number of seconds from 0 to %d. Got '%s'.", maxLifetime/time.Second, shorten(text))
		}
	}
	return s, s.parse(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Signature"), query.Get("X-Amz-Date"))
}

// parse checks the form of the parts and takes them over.
func (s *signature) parse(credential, headers, value, date string) *Failure {
	at, err := time.Parse(basic, date)
	if err != nil {
		return failed(Incomplete, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", shorten(date))
	}
	s.at, s.date = at, date
	s.headers = strings.ToLower(headers)
	if !hasName(s.headers, "host") {
		return failed(WrongSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return failed(Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", shorten(credential))
	}
	s.accessKey, s.day, s.region, s.service, s.terminator = parts[0], parts[1], parts[2], parts[3], parts[4]
	if n, err := hex.Decode(s.value[:], []byte(value[:min(len(value), 2*len(s.value))])); err != nil || len(value) != 2*n {
		s.value = [32]byte{} // like any other wrong signature
	}
	return nil
}

func hasName(list, name string) bool {
	for entry := range strings.SplitSeq(list, ";") {
		if entry == name {
			return true
		}
	}
	return false
}
