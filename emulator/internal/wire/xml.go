package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// xmlAnswer is AWS Query's answer to an operation. One without output has no result.
func xmlAnswer(s *Service, operation, requestID string, p *plan, out reflect.Value) ([]byte, error) {
	w := &xmlWriter{}
	w.b.WriteString("<" + operation + `Response xmlns="` + s.Namespace + `">`)
	if len(p.fields) > 0 {
		if err := w.element(operation+"Result", p, out); err != nil {
			return nil, err
		}
	}
	w.b.WriteString("<ResponseMetadata>")
	w.text("RequestId", requestID)
	w.b.WriteString("</ResponseMetadata></" + operation + "Response>\n")
	return w.b.Bytes(), nil
}

// xmlFailure is AWS Query's answer when an operation fails.
func xmlFailure(s *Service, code, requestID string, e *Error) []byte {
	w := &xmlWriter{}
	w.b.WriteString("<ErrorResponse")
	if s != nil {
		w.b.WriteString(` xmlns="` + s.Namespace + `"`)
	}
	w.b.WriteString("><Error>")
	w.text("Type", e.side())
	w.text("Code", code)
	if e.Message != "" && !e.NoMessage {
		w.text("Message", e.Message)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		w.text(name, fmt.Sprint(e.Fields[name]))
	}
	w.b.WriteString("</Error>")
	w.text("RequestId", requestID)
	w.b.WriteString("</ErrorResponse>\n")
	return w.b.Bytes()
}

// xmlWriter writes values as AWS Query does: members are elements of their name, a
// list is elements called member, a map is elements called entry with a key and a value
// (Smithy, "AWS query protocol": both are so unless a model flattens or names them).
type xmlWriter struct{ b bytes.Buffer }

func (w *xmlWriter) text(name, value string) {
	w.b.WriteString("<" + name + ">")
	_ = xml.EscapeText(&w.b, []byte(value)) // a Buffer does not fail
	w.b.WriteString("</" + name + ">")
}

func (w *xmlWriter) element(name string, p *plan, v reflect.Value) error {
	switch p.kind {
	case pointerKind:
		if v.IsNil() {
			return nil
		}
		return w.element(name, p.elem, v.Elem())
	case structKind:
		w.b.WriteString("<" + name + ">")
		for _, m := range p.fields {
			value := v.FieldByIndex(m.index)
			if m.omitted(value) {
				continue
			}
			if err := w.element(m.name, m.plan, value); err != nil {
				return err
			}
		}
		w.b.WriteString("</" + name + ">")
		return nil
	case listKind:
		w.b.WriteString("<" + name + ">")
		for i := range v.Len() {
			if err := w.element("member", p.elem, v.Index(i)); err != nil {
				return err
			}
		}
		w.b.WriteString("</" + name + ">")
		return nil
	case mapKind:
		return w.entries(name, p, v)
	default:
		value, err := scalarText(p, v)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		w.text(name, value)
		return nil
	}
}

// entries writes a map in the order of its keys: one answer, the same bytes.
func (w *xmlWriter) entries(name string, p *plan, v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	w.b.WriteString("<" + name + ">")
	for _, key := range keys {
		w.b.WriteString("<entry>")
		w.text("key", key.String())
		if err := w.element("value", p.elem, v.MapIndex(key)); err != nil {
			return err
		}
		w.b.WriteString("</entry>")
	}
	w.b.WriteString("</" + name + ">")
	return nil
}

func scalarText(p *plan, v reflect.Value) (string, error) {
	switch p.kind {
	case boolKind:
		return strconv.FormatBool(v.Bool()), nil
	case intKind:
		return strconv.FormatInt(v.Int(), 10), nil
	case uintKind:
		return strconv.FormatUint(v.Uint(), 10), nil
	case floatKind:
		f := v.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return "", fmt.Errorf("%v cannot be written", f)
		}
		return strconv.FormatFloat(f, 'G', -1, p.of.Bits()), nil
	case bytesKind:
		return base64.StdEncoding.EncodeToString(v.Bytes()), nil
	case timeKind:
		at, _ := reflect.TypeAssert[Time](v)
		return at.iso(), nil
	default:
		return v.String(), nil
	}
}
