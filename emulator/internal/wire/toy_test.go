package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// The toy service: one operation for each thing that a protocol must carry.

type season string

type spot struct {
	X float64 `json:"X"`
	Y float64 `json:"Y"`
}

type label struct {
	Key   string `json:"Key"`
	Value string `json:"Value,omitempty"`
}

type row struct {
	Name   string  `json:"Name,omitempty"`
	Labels []label `json:"Labels,omitempty"`
	Spots  []*spot `json:"Spots,omitempty"`
}

type common struct {
	Note string `json:"Note,omitempty"`
	Page *int32 `json:"Page,omitempty"`
}

type garden struct {
	common

	Name    string    `json:"Name,omitempty"`
	Height  *float64  `json:"Height,omitempty"`
	Count   int       `json:"Count,omitempty"`
	Small   uint8     `json:"Small,omitempty"`
	Dry     *bool     `json:"Dry,omitempty"`
	Season  season    `json:"Season,omitempty"`
	Seasons []season  `json:"Seasons,omitempty"`
	Numbers []float64 `json:"Numbers,omitempty"`
	Seed    []byte    `json:"Seed,omitempty"`
	Planted Time      `json:"Planted,omitzero"`
	Cut     *Time     `json:"Cut,omitempty"`
	Spot    *spot     `json:"Spot,omitempty"`
	Rows    []row     `json:"Rows,omitempty"`

	Yields map[string]float64 `json:"Yields,omitempty"`
}

type nothing struct{}

type wish struct {
	Kind string `json:"Kind"`
}

type number64 struct {
	Value float64 `json:"Value"`
}

func toy() Service {
	return Service{
		Name: "Orchard", Signing: "orchard", Target: "Orchard_20100801", JSON: "1.0",
		Query: "2010-08-01", Namespace: "http://orchard.example.com/doc/2010-08-01/", RPC: true,
		ErrorPrefix: "com.example.orchard#",
		ErrorShapes: map[string]string{"InvalidParameterValue": "InvalidParameterValueException"},
		Operations: []Operation{
			Handle("Echo", func(_ context.Context, in *garden) (*garden, error) { return in, nil }),
			Handle("Fell", func(context.Context, *garden) (*nothing, error) { return nil, nil }),
			Handle("Wish", func(_ context.Context, in *wish) (*number64, error) {
				switch in.Kind {
				case "missing":
					var c Checks
					c.Required("name", false)
					return nil, c.Err()
				case "value":
					return nil, fmt.Errorf("wrapped: %w", Errorf(400, "InvalidParameterValue", "a <b> & %q", "c"))
				case "server":
					return nil, Errorf(503, "ServiceUnavailable", "later")
				case "null":
					return nil, &Error{Status: 400, Code: "ThrottlingException", NoMessage: true}
				case "fields":
					return nil, &Error{Status: 424, Code: "ModelError", Fields: map[string]any{"Message": "m", "OriginalStatusCode": 500}}
				case "two messages":
					return nil, &Error{Status: 424, Code: "ModelError", Message: "not this", Fields: map[string]any{"Message": "this"}}
				case "unwritable":
					return nil, &Error{Status: 400, Code: "Odd", Fields: map[string]any{"F": math.NaN()}}
				case "nan":
					return &number64{Value: math.NaN()}, nil
				}
				return nil, errors.New("a secret of the operation")
			}),
		},
	}
}

func toyServer(t testing.TB, opts ServerOptions) *Server {
	t.Helper()
	if opts.RequestID == nil {
		opts.RequestID = func() string { return "req-1" }
	}
	s, err := NewServer(opts, toy())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A tongue asks the toy service in one protocol and reads its answer.
type tongue struct {
	name    string
	request func(op string, in any) *http.Request
	read    func(body []byte, op string, out any) error
}

func tongues() []tongue {
	return []tongue{
		{"awsJson", jsonRequest, func(body []byte, _ string, out any) error { return json.Unmarshal(body, out) }},
		{"query", queryRequest, readXML},
		{"cbor", cborRequest, func(body []byte, _ string, out any) error { return cbor.Unmarshal(body, out) }},
	}
}

// asJSON is for the toy's own types, which all can be written.
func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func jsonRequest(op string, in any) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(asJSON(in)))
	r.Header.Set("X-Amz-Target", "Orchard_20100801."+op)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	return r
}

func cborRequest(op string, in any) *http.Request {
	body, _ := cbor.Marshal(in)
	r := httptest.NewRequest(http.MethodPost, "/some/prefix/service/Orchard_20100801/operation/"+op, bytes.NewReader(body))
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	r.Header.Set("Content-Type", "application/cbor")
	return r
}

func queryRequest(op string, in any) *http.Request {
	var tree any
	numbers := json.NewDecoder(strings.NewReader(asJSON(in)))
	numbers.UseNumber()
	_ = numbers.Decode(&tree)
	form := url.Values{"Action": {op}, "Version": {"2010-08-01"}}
	flatten(form, "", tree)
	return formRequest(form.Encode())
}

func formRequest(encoded string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(encoded))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

// flatten writes a JSON value as AWS Query's parameters; it shares no code with the
// reader under test.
func flatten(form url.Values, key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if strings.HasSuffix(key, "Yields") {
			entry := 0
			for name, value := range v {
				entry++
				form.Set(fmt.Sprintf("%s.entry.%d.key", key, entry), name)
				flatten(form, fmt.Sprintf("%s.entry.%d.value", key, entry), value)
			}
			return
		}
		for name, member := range v {
			flatten(form, strings.TrimPrefix(key+"."+name, "."), member)
		}
	case []any:
		if len(v) == 0 {
			form.Set(key, "")
		}
		for i, e := range v {
			flatten(form, fmt.Sprintf("%s.member.%d", key, i+1), e)
		}
	case json.Number:
		if name := key[strings.LastIndex(key, ".")+1:]; name == "Planted" || name == "Cut" {
			seconds, _ := v.Float64()
			form.Set(key, time.UnixMilli(int64(math.Round(seconds*1000))).UTC().Format("2006-01-02T15:04:05.000Z"))
			return
		}
		form.Set(key, v.String())
	default:
		form.Set(key, fmt.Sprint(v))
	}
}

// node is any XML element.
type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node `xml:",any"`
}

func (n node) child(name string) (node, bool) {
	for _, c := range n.Children {
		if c.XMLName.Local == name {
			return c, true
		}
	}
	return node{}, false
}

// readXML reads the answer to op into out, by turning it into the parameters that
// would ask for it: list elements are numbered as they come.
func readXML(body []byte, op string, out any) error {
	var root node
	if err := xml.Unmarshal(body, &root); err != nil {
		return err
	}
	if root.XMLName.Local != op+"Response" || root.XMLName.Space != "http://orchard.example.com/doc/2010-08-01/" {
		return fmt.Errorf("root is %v", root.XMLName)
	}
	result, ok := root.child(op + "Result")
	if !ok {
		return errors.New("no result")
	}
	return json.Unmarshal([]byte(elementJSON(result)), out)
}

// elementJSON writes an element as JSON, guessing from the toy's names what it is.
func elementJSON(n node) string {
	name := n.XMLName.Local
	switch {
	case len(n.Children) > 0 && n.Children[0].XMLName.Local == "member", name == "Rows", name == "Labels", name == "Spots":
		var parts []string
		for _, c := range n.Children {
			c.XMLName.Local = "of" + name
			parts = append(parts, elementJSON(c))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case name == "Yields":
		var parts []string
		for _, c := range n.Children {
			parts = append(parts, fmt.Sprintf("%s:%s", asJSON(c.Children[0].Text), c.Children[1].Text))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case len(n.Children) > 0, name == "ofRows", name == "EchoResult", name == "Spot":
		var parts []string
		for _, c := range n.Children {
			parts = append(parts, fmt.Sprintf("%q:%s", c.XMLName.Local, elementJSON(c)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	switch name {
	case "Height", "Count", "Small", "Page", "X", "Y", "Dry", "ofNumbers", "Value":
		if name != "Value" || len(n.Text) == 0 {
			return n.Text
		}
	}
	return asJSON(n.Text)
}

func ask(t testing.TB, s http.Handler, r *http.Request) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t testing.TB, r *http.Response) []byte {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
