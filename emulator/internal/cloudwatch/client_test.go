package cloudwatch

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"plimsoll/emulator/internal/wire"
)

// document is an input or output in no protocol yet.
type document map[string]any

func protocols() map[string]wire.Protocol {
	return map[string]wire.Protocol{"CBOR": wire.CBOR, "JSON": wire.JSON, "Query": wire.Query}
}

// reply is an answer. Numbers and times are float64, the latter in seconds since 1970.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   any
}

// ask calls an operation in a protocol through the server that the emulator uses.
func (w *world) ask(protocol wire.Protocol, operation string, in document) reply {
	w.t.Helper()
	server, err := wire.NewServer(wire.ServerOptions{Broken: func(_, operation string, err error) { w.t.Errorf("%s: %v", operation, err) }}, w.Wire())
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("X-Amzn-Query-Mode", "true")
	var body []byte
	switch protocol {
	case wire.CBOR:
		mode, err := cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired}.EncMode()
		if err != nil {
			w.t.Fatal(err)
		}
		r.URL.Path = "/service/GraniteServiceVersion20100801/operation/" + operation
		r.Header.Set("Content-Type", "application/cbor")
		body, err = mode.Marshal(in)
		if err != nil {
			w.t.Fatal(err)
		}
	case wire.JSON:
		r.Header.Set("X-Amz-Target", "GraniteServiceVersion20100801."+operation)
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		body, err = json.Marshal(epochs(in))
		if err != nil {
			w.t.Fatal(err)
		}
	default:
		form := url.Values{"Action": {operation}, "Version": {"2010-08-01"}}
		flatten(form, "", in)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		body = []byte(form.Encode())
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, r)
	out := reply{t: w.t, status: recorder.Code, header: recorder.Header()}
	switch protocol {
	case wire.CBOR:
		err = cbor.Unmarshal(recorder.Body.Bytes(), &out.body)
	case wire.JSON:
		err = json.Unmarshal(recorder.Body.Bytes(), &out.body)
	default:
		out.body, err = parseXML(recorder.Body.Bytes())
	}
	if err != nil {
		w.t.Fatalf("%s: answer %q: %v", operation, recorder.Body, err)
	}
	if result, ok := out.at(operation + "Result"); ok && protocol == wire.Query {
		out.body = result
	}
	return out
}

// okay asks what must succeed.
func (w *world) okay(protocol wire.Protocol, operation string, in document) reply {
	w.t.Helper()
	r := w.ask(protocol, operation, in)
	if r.status != http.StatusOK {
		w.t.Fatalf("%s %v: status %d, %v", operation, in, r.status, r.body)
	}
	return r
}

func epochs(v any) any {
	switch v := v.(type) {
	case time.Time:
		return float64(v.UnixMilli()) / 1000
	case document:
		out := map[string]any{}
		for name, member := range v {
			out[name] = epochs(member)
		}
		return out
	case []document:
		var out []any
		for _, member := range v {
			out = append(out, epochs(member))
		}
		return out
	}
	return v
}

// flatten writes a member as AWS Query has it.
func flatten(form url.Values, at string, v any) {
	switch v := v.(type) {
	case document:
		for name, member := range v {
			flatten(form, strings.TrimPrefix(at+"."+name, "."), member)
		}
	case []document:
		for i, member := range v {
			flatten(form, fmt.Sprintf("%s.member.%d", at, i+1), member)
		}
	case []string:
		for i, member := range v {
			form.Set(fmt.Sprintf("%s.member.%d", at, i+1), member)
		}
	case []float64:
		for i, member := range v {
			form.Set(fmt.Sprintf("%s.member.%d", at, i+1), fmt.Sprint(member))
		}
	case time.Time:
		form.Set(at, v.UTC().Format(time.RFC3339Nano))
	default:
		form.Set(at, fmt.Sprint(v))
	}
}

type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Elements []element `xml:",any"`
}

func parseXML(text []byte) (any, error) {
	var root element
	err := xml.Unmarshal(text, &root)
	return root.value(), err
}

func (e element) value() any {
	if len(e.Elements) == 0 {
		return e.Text
	}
	if e.Elements[0].XMLName.Local == "member" {
		var out []any
		for _, member := range e.Elements {
			out = append(out, member.value())
		}
		return out
	}
	out := map[string]any{}
	for _, member := range e.Elements {
		if member.XMLName.Local == "entry" { // of a map: a key and a value
			out[member.Elements[0].Text] = member.Elements[1].value()
			continue
		}
		out[member.XMLName.Local] = member.value()
	}
	return out
}

// at walks down by names and indices.
func (r reply) at(path ...any) (any, bool) {
	v := r.body
	for _, step := range path {
		switch step := step.(type) {
		case int:
			list, ok := v.([]any)
			if !ok || step >= len(list) {
				return nil, false
			}
			v = list[step]
		case string:
			switch m := v.(type) {
			case map[string]any:
				v = m[step]
			case map[any]any:
				v = m[step]
			default:
				return nil, false
			}
			if v == nil {
				return nil, false
			}
		}
	}
	return v, true
}

// text is what stands at a place, or nothing.
func (r reply) text(path ...any) string {
	v, ok := r.at(path...)
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

// number is the number or time at a place.
func (r reply) number(path ...any) float64 {
	r.t.Helper()
	v, _ := r.at(path...)
	switch v := v.(type) {
	case float64:
		return v
	case uint64:
		return float64(v)
	case time.Time:
		return float64(v.UnixMilli()) / 1000
	case string:
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return n
		}
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return float64(at.UnixMilli()) / 1000
		}
	}
	r.t.Errorf("%v is %v, want a number in %v", path, v, r.body)
	return 0
}

// length is how many elements a list has; a list that is empty is there all the same.
func (r reply) length(path ...any) int {
	r.t.Helper()
	v, ok := r.at(path...)
	if !ok {
		r.t.Errorf("there is no %v in %v", path, r.body)
	}
	list, _ := v.([]any)
	return len(list)
}

func (r reply) numbers(path ...any) []float64 {
	r.t.Helper()
	out := []float64{}
	for i := range r.length(path...) {
		out = append(out, r.number(append(slices.Clone(path), i)...))
	}
	return out
}

// failure is the error's code, by the name that AWS Query has for it, and its message.
func (r reply) failure() (code, message string) {
	if code = r.text("Error", "Code"); code != "" {
		return code, r.text("Error", "Message")
	}
	code, _, _ = strings.Cut(r.header.Get("x-amzn-query-error"), ";")
	return code, r.text("message")
}
