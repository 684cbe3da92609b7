package wire

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// cborCodec reads and writes RPC v2 CBOR bodies.
type cborCodec struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

func newCBOR() (cborCodec, error) {
	enc, encErr := cbor.EncOptions{
		Sort:       cbor.SortBytewiseLexical, // one answer, the same bytes
		NaNConvert: cbor.NaNConvertReject,    // AWS has no such values, and JSON cannot write them
		InfConvert: cbor.InfConvertReject,
	}.EncMode()
	dec, decErr := cbor.DecOptions{
		MaxNestedLevels:   32,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		NaN:               cbor.NaNDecodeForbidden,
		Inf:               cbor.InfDecodeForbidden,
	}.DecMode()
	return cborCodec{enc: enc, dec: dec}, errors.Join(encErr, decErr)
}

func (c cborCodec) decode(body []byte, into any) error {
	if len(body) == 0 {
		return nil // an operation without input is sent nothing
	}
	if err := cborContent(body).check(); err != nil {
		return err
	}
	err := c.dec.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if wrongType, ok := errors.AsType[*cbor.UnmarshalTypeError](err); ok {
		return wrongKind(memberOf(wrongType.StructFieldName), cborToken(wrongType.CBORType), cborWant(wrongType.GoType))
	}
	return serialization("The request body is not valid CBOR: %v", err)
}

// cborContent counts maps and all items, names too: the heads of CBOR's items, nested or
// not, simply follow each other.
func cborContent(body []byte) content {
	var count content
	for i := 0; i < len(body); {
		major, info := body[i]>>5, body[i]&31
		i++
		count.values++
		argument := uint64(info)
		if width := 1 << (info - 24); info >= 24 && info <= 27 {
			if len(body)-i < width {
				return count // cut off; the decoder says so
			}
			var wide [8]byte
			copy(wide[8-width:], body[i:i+width])
			argument = binary.BigEndian.Uint64(wide[:])
			i += width
		}
		switch {
		case major == 5:
			count.structures++
		case (major == 2 || major == 3) && info != 31:
			if argument > uint64(len(body)-i) {
				return count
			}
			i += int(argument)
		}
	}
	return count
}

// memberOf takes the last name of "package.Struct.Field": the decoder knows no path.
func memberOf(field string) string { return field[strings.LastIndexByte(field, '.')+1:] }

// cborToken translates from the decoder's words.
func cborToken(kind string) token {
	switch {
	case strings.Contains(kind, "text"):
		return stringToken
	case strings.Contains(kind, "byte"):
		return bytesToken
	case strings.Contains(kind, "array"):
		return listToken
	case strings.Contains(kind, "map"):
		return structToken
	case strings.Contains(kind, "primitive"):
		return simpleToken
	case kind == "tag":
		return tagToken
	}
	return numberToken
}

// cborWant names a type from how Go writes it.
func cborWant(goType string) string {
	switch {
	case goType == "wire.Time":
		return "a Timestamp"
	case goType == "[]uint8":
		return "a Blob"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["), strings.Contains(goType, "."):
		return "a structure"
	}
	return nameOfKind(goType)
}
