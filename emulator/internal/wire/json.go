package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

func decodeJSON(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil // SDKs send {}, but AWS reads nothing alike
	}
	if err := jsonContent(body).check(); err != nil {
		return err
	}
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		given := wrongType.Value
		if end := wrongType.Offset; given == "bool" && end <= int64(len(body)) {
			given = jsonKind(body[:end])
		}
		return wrongKind(wrongType.Field, tokenOf(given), nameOf(wrongType.Type))
	}
	return serialization("The request body is not valid JSON: %v", err)
}

// encodeJSON writes a value without escaping <, > and &, as AWS does.
func encodeJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// jsonContent counts objects, and what commas part.
func jsonContent(body []byte) content {
	var count content
	quoted := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			count.structures++
		case c == ',':
			count.values++
		}
	}
	return count
}

// jsonKind names the kind of one value, or of a value that text ends with, in the
// words of encoding/json, but tells the booleans apart.
func jsonKind(text []byte) string {
	switch s := string(bytes.TrimSpace(text)); {
	case strings.HasSuffix(s, "true"):
		return "true"
	case strings.HasSuffix(s, "false"):
		return "false"
	case strings.HasPrefix(s, `"`):
		return "string"
	case strings.HasPrefix(s, "["):
		return "array"
	case strings.HasPrefix(s, "{"):
		return "object"
	}
	return "number"
}

// A token is what was found where something else belongs, in the words of AWS's JSON
// reader.
type token string

const (
	stringToken token = "STRING_VALUE"
	numberToken token = "NUMBER_VALUE"
	trueToken   token = "TRUE_VALUE"
	falseToken  token = "FALSE_VALUE"
	bytesToken  token = "BLOB_VALUE"
	simpleToken token = "SIMPLE_VALUE" // of CBOR: a boolean, null or a float
	tagToken    token = "TAG_VALUE"    // of CBOR: a value of a special meaning
	listToken   token = "list"
	structToken token = "structure"
)

// tokenOf translates from the words of encoding/json; "number 1.5" is a number.
func tokenOf(kind string) token {
	switch kind, _, _ := strings.Cut(kind, " "); kind {
	case "string":
		return stringToken
	case "array":
		return listToken
	case "object":
		return structToken
	case "true", "bool":
		return trueToken
	case "false":
		return falseToken
	}
	return numberToken
}

// wrongKind is AWS's complaint about a value of the wrong type, with the member's
// name, which AWS keeps to itself.
func wrongKind(member string, found token, want string) *Error {
	where := ""
	if member != "" {
		where = fmt.Sprintf(" (%s)", member)
	}
	switch found {
	case listToken:
		return serialization("Start of list found where not expected%s", where)
	case structToken:
		return serialization("Start of structure or map found where not expected.%s", where)
	default:
		return serialization("%s can not be converted to %s%s", found, want, where)
	}
}

// nameOf is a type in the words of AWS's models.
func nameOf(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[Time]():
		return "a Timestamp"
	case reflect.TypeFor[[]byte]():
		return "a Blob"
	}
	return nameOfKind(t.Kind().String())
}

// nameOfKind does the same from the name that package reflect has for a kind.
func nameOfKind(kind string) string {
	switch kind {
	case "string":
		return "a String"
	case "bool":
		return "a Boolean"
	case "float32", "float64":
		return "a Double"
	case "int64", "uint64":
		return "a Long"
	case "slice", "array":
		return "a list"
	case "struct", "map":
		return "a structure"
	}
	return "an Integer"
}
