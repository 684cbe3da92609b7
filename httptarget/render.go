package httptarget

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// userAgent is sent unless Options.Header has one.
const userAgent = "plimsoll"

// contentLength begins the last header line of a request.
const contentLength = "Content-Length: "

// rendered is one body of the corpus as it goes out.
type rendered struct {
	host   string
	wire   []byte // the whole request with its fixed content
	prefix []byte // the request as far as "Content-Length: ", for a content of the moment
	header http.Header
	body   []byte // the fixed content, within wire
}

// render makes the bytes of one request. Content-Length comes last, so that a
// content of the moment changes only what follows the prefix.
func render(o Options, u *url.URL, b Body) rendered {
	host, header := requestHeader(o, u, b)
	p := append([]byte(nil), o.method()+" "+u.RequestURI()+" HTTP/1.1\r\nHost: "+host+"\r\n"...)
	for _, name := range sortedNames(header) {
		for _, value := range header[name] {
			p = append(p, name+": "+value+"\r\n"...)
		}
	}
	if o.ConnectionPerRequest { // not in the header: it is not signed
		p = append(p, "Connection: close\r\n"...)
	}
	r := rendered{host: host, header: header, prefix: append(slices.Clip(p), contentLength...)}
	if len(b.Content) == 0 && !expectsContent(o.method()) {
		r.wire = append(slices.Clip(p), "\r\n"...)
		return r
	}
	r.wire = make([]byte, 0, len(r.prefix)+24+len(b.Content))
	r.wire = append(r.wire, r.prefix...)
	r.wire = strconv.AppendInt(r.wire, int64(len(b.Content)), 10)
	r.wire = append(r.wire, "\r\n\r\n"...)
	r.wire = append(r.wire, b.Content...)
	r.body = r.wire[len(r.wire)-len(b.Content):]
	return r
}

// head is the request as far as its last header but Content-Length.
func (r *rendered) head() []byte { return r.prefix[:len(r.prefix)-len(contentLength)] }

// expectsContent reports whether a request of this method carries a length even
// when it is zero (RFC 9110, 8.6).
func expectsContent(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// requestHeader is the Host and every other header of one request but
// Content-Length, under the names that are sent.
func requestHeader(o Options, u *url.URL, b Body) (string, http.Header) {
	host, header := hostHeader(u), http.Header{}
	for name, values := range o.Header {
		switch {
		case headerHas(b.Header, name):
		case strings.EqualFold(name, "Host"):
			if len(values) > 0 {
				host = values[0]
			}
		case strings.EqualFold(name, "Content-Type") && b.ContentType != "", strings.EqualFold(name, "Accept") && b.Accept != "":
		default:
			header[name] = append(header[name], values...)
		}
	}
	maps.Copy(header, b.Header)
	if b.ContentType != "" {
		header["Content-Type"] = []string{b.ContentType}
	}
	if b.Accept != "" {
		header["Accept"] = []string{b.Accept}
	}
	if !headerHas(header, "User-Agent") {
		header["User-Agent"] = []string{userAgent}
	}
	switch {
	case o.BearerToken != "":
		header["Authorization"] = []string{"Bearer " + string(o.BearerToken)}
	case u.User != nil:
		header["Authorization"] = []string{"Basic " + basicCredentials(u.User)}
	}
	return host, header
}

// hostHeader is the URL's host without the zone of an IPv6 address, which means
// nothing to the server (RFC 6874, 4), and without an empty port.
func hostHeader(u *url.URL) string {
	host := strings.TrimSuffix(u.Host, ":")
	if zone := strings.IndexByte(host, '%'); zone >= 0 && strings.HasPrefix(host, "[") {
		host = host[:zone] + host[strings.LastIndexByte(host, ']'):]
	}
	return host
}

func basicCredentials(user *url.Userinfo) string {
	password, _ := user.Password()
	return base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
}
