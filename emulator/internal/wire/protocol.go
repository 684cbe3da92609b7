package wire

import (
	"mime"
	"net/http"
	"strings"
)

// Protocol is a way of speaking to a service.
type Protocol int

// The protocols.
const (
	REST  Protocol = iota // REST with JSON, or none of the others
	JSON                  // awsJson 1.0 or 1.1
	Query                 // AWS Query, answered in XML
	CBOR                  // Smithy RPC v2 CBOR
)

// Protocol tells what a request speaks and to which service; the service is nil if this
// server has none like it. Of several that speak AWS Query, which one it is stands in
// the body; where that is not given, or names none, it is the first.
func (s *Server) Protocol(r *http.Request, body []byte) (Protocol, *Service) {
	c := s.identify(r)
	if c.protocol == Query {
		c.body = body
		_ = s.resolve(c, r.URL.RawQuery) // who runs it tells what is wrong
	}
	return c.protocol, c.service()
}

// call is one request being answered.
type call struct {
	protocol  Protocol
	to        *served // nil if there is no such service
	target    string  // its name in the request
	operation string
	version   string // of awsJson
	queryMode bool   // errors are also told by the names of AWS Query
	requestID string

	body []byte
	form form
}

func (c *call) service() *Service {
	if c.to == nil {
		return nil
	}
	return &c.to.Service
}

// identify reads a request's head. Path prefixes are kept by the SDKs and have no meaning.
func (s *Server) identify(r *http.Request) *call {
	c := &call{queryMode: strings.EqualFold(r.Header.Get("X-Amzn-Query-Mode"), "true")}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	target := r.Header.Get("X-Amz-Target")
	switch {
	case r.Method == http.MethodPost && c.rpcPath(r.URL.Path):
		c.protocol = CBOR
	case r.Method == http.MethodPost && target != "":
		c.protocol = JSON
		c.version = strings.TrimPrefix(media, "application/x-amz-json-")
		if dot := strings.LastIndexByte(target, '.'); dot >= 0 {
			c.target, c.operation = target[:dot], target[dot+1:]
		} else {
			c.operation = target
		}
	case len(s.querying) > 0 && (r.Method == http.MethodPost && media == "application/x-www-form-urlencoded" ||
		r.URL.RawQuery != "" && r.URL.Query().Has("Action")):
		c.protocol = Query
		c.to = s.querying[0]
		return c
	default:
		return c
	}
	c.to = s.targets[c.target]
	if c.to != nil && c.protocol == CBOR && !c.to.RPC {
		c.to = nil
	}
	if c.version != "1.0" && c.version != "1.1" {
		c.version = "1.1"
		if c.to != nil {
			c.version = c.to.JSON
		}
	}
	return c
}

// rpcPath reads /service/<Target>/operation/<Operation>, below any prefix.
func (c *call) rpcPath(path string) bool {
	parts := strings.Split(path, "/")
	if len(parts) < 4 {
		return false
	}
	last := parts[len(parts)-4:]
	if last[0] != "service" || last[2] != "operation" || last[1] == "" || last[3] == "" {
		return false
	}
	c.target, c.operation = last[1], last[3]
	return true
}

// resolve completes what AWS Query has in its parameters: service by version, and
// operation.
func (s *Server) resolve(c *call, urlQuery string) error {
	f, err := parseForm(urlQuery, string(c.body))
	if err != nil {
		return err
	}
	c.form, c.operation = f, f.get("Action")
	version := f.get("Version")
	if c.operation == "" {
		return Errorf(http.StatusBadRequest, "MissingAction", "The request is missing an action or a required parameter.")
	}
	for _, candidate := range s.querying {
		if candidate.Query == version {
			c.to = candidate
			return nil
		}
	}
	if version == "" {
		version = "NO_VERSION_SPECIFIED"
	}
	return Errorf(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s", c.operation, version)
}

// contentType is that of the answer.
func (c *call) contentType() string {
	switch c.protocol {
	case JSON:
		return "application/x-amz-json-" + c.version
	case Query:
		return "text/xml"
	case CBOR:
		return "application/cbor"
	default:
		return "application/json"
	}
}
