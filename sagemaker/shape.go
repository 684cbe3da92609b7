package sagemaker

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/smithy-go/encoding/httpbinding"
)

// A shape is what the canonical requests of many bodies have in common: all but
// the length, the instant, the session token and the payload's hash. Canonical
// request, from AWS's "Create a signed AWS API request":
//
//	method \n path \n query \n name:value \n … \n\n names \n hash
//
// The parts stand between the values that change, in this order, of which those
// that the form lacks are empty:
//
//	parts[0] length parts[1] instant parts[2] token parts[3] hash
type shape struct {
	forms [2][2]form // by whether there is a length, and a token
}

type form struct {
	parts [4]string
	names string // SignedHeaders: the names in order, with semicolons between
}

// Where the changing values stand among the headers.
const (
	lengthName = "content-length"
	dateName   = "x-amz-date"
	tokenName  = "x-amz-security-token"
)

// unsigned reports whether the SDK's signer leaves a header out, because what
// stands between may change it.
func unsigned(lower string) bool {
	switch lower {
	case "host", "authorization", "user-agent", "x-amzn-trace-id", "expect", "transfer-encoding", lengthName, dateName, tokenName:
		return true
	}
	return false
}

func newShape(req *http.Request) *shape {
	s := &shape{}
	for length := range 2 {
		for token := range 2 {
			s.forms[length][token] = newForm(req, length > 0, token > 0)
		}
	}
	return s
}

func newForm(req *http.Request, length, token bool) form {
	values := map[string]string{"host": stripSpaces(req.Host), dateName: ""}
	if length {
		values[lengthName] = ""
	}
	if token {
		values[tokenName] = ""
	}
	for name, given := range req.Header {
		lower := strings.ToLower(name)
		if unsigned(lower) {
			continue
		}
		cleaned := make([]string, len(given))
		for i, v := range given {
			cleaned[i] = strings.TrimSpace(stripSpaces(v))
		}
		values[lower] = strings.Join(cleaned, ",")
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)

	var (
		f    = form{names: strings.Join(names, ";")}
		part = 0
		text strings.Builder
	)
	turn := func() {
		f.parts[part] = text.String()
		text.Reset()
		part++
	}
	path := httpbinding.EscapePath(orSlash(req.URL.EscapedPath()), false)
	text.WriteString(req.Method + "\n" + path + "\n" + canonicalQuery(req) + "\n")
	for _, name := range names {
		if name > lengthName && part == 0 && !length {
			turn()
		}
		text.WriteString(name + ":" + values[name])
		if name == lengthName || name == dateName || name == tokenName {
			turn()
		}
		text.WriteByte('\n')
	}
	if !token {
		turn()
	}
	text.WriteString("\n" + f.names + "\n")
	turn()
	return f
}

// canonicalQuery is the query percent-encoded and then sorted, by names first.
func canonicalQuery(req *http.Request) string {
	type pair struct{ name, value string }
	encode := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var pairs []pair
	for name, values := range req.URL.Query() {
		for _, value := range values {
			pairs = append(pairs, pair{encode(name), encode(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value)) })
	var text strings.Builder
	for i, p := range pairs {
		if i > 0 {
			text.WriteByte('&')
		}
		text.WriteString(p.name + "=" + p.value)
	}
	return text.String()
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// stripSpaces drops the blanks around a value and all but one of those in a row
// within it; tabs are none of them.
func stripSpaces(value string) string {
	value = strings.Trim(value, " ")
	for strings.Contains(value, "  ") {
		value = strings.ReplaceAll(value, "  ", " ")
	}
	return value
}
