package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Time is an instant in AWS's forms: seconds since 1970 in JSON and, with tag 1, in
// CBOR; ISO 8601 in AWS Query. Answers have whole milliseconds, as AWS's do. Tag an
// optional one with omitzero.
type Time struct{ time.Time }

// The instants that can be written with a year of four digits.
const (
	firstSecond = -62135596800 // 0001-01-01
	lastSecond  = 253402300799 // 9999-12-31
)

// fromSeconds keeps microseconds: a float64 of today's seconds has no more.
func fromSeconds(seconds float64) (Time, error) {
	if !(seconds >= firstSecond && seconds <= lastSecond) {
		return Time{}, fmt.Errorf("timestamp %v: want seconds since 1970 in the years 1 to 9999", seconds)
	}
	whole := math.Floor(seconds)
	micros := math.Round((seconds - whole) * 1e6)
	return Time{time.Unix(int64(whole), int64(micros)*1000).UTC()}, nil
}

func (t Time) seconds() float64 { return float64(t.UnixMilli()) / 1000 }

// parseISO reads ISO 8601; a time without a zone is in UTC.
func parseISO(text string) (Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return Time{at.UTC()}, nil
		}
	}
	return Time{}, fmt.Errorf("timestamp %q: want ISO 8601, as in 2026-11-24T15:04:05Z", text)
}

// iso writes ISO 8601.
func (t Time) iso() string { return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano) }

// MarshalJSON writes seconds since 1970.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, t.seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads seconds since 1970, or ISO 8601 in a string.
func (t *Time) UnmarshalJSON(text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	var err error
	switch v := value.(type) {
	case nil:
	case float64:
		*t, err = fromSeconds(v)
	case string:
		*t, err = parseISO(v)
	default:
		err = errors.New("not a timestamp")
	}
	if err != nil {
		// The one error to which the decoder adds the member's name.
		return &json.UnmarshalTypeError{Value: jsonKind(text), Type: reflect.TypeFor[Time]()}
	}
	return nil
}

// MarshalCBOR writes tag 1 with a float64, as AWS does also for whole seconds.
func (t Time) MarshalCBOR() ([]byte, error) {
	return binary.BigEndian.AppendUint64([]byte{0xc1, 0xfb}, math.Float64bits(t.seconds())), nil
}

// UnmarshalCBOR reads tag 1, or a number without a tag.
func (t *Time) UnmarshalCBOR(data []byte) error {
	content := data
	if len(data) > 0 && data[0]>>5 == 6 {
		var tag cbor.RawTag
		if err := cbor.Unmarshal(data, &tag); err != nil {
			return err
		}
		if tag.Number != 1 {
			return &cbor.UnmarshalTypeError{CBORType: "tag", GoType: "wire.Time"}
		}
		content = tag.Content
	}
	var seconds *float64
	if err := cbor.Unmarshal(content, &seconds); err != nil {
		if wrongType, ok := errors.AsType[*cbor.UnmarshalTypeError](err); ok {
			wrongType.GoType = "wire.Time"
		}
		return err
	}
	if seconds == nil {
		return nil
	}
	at, err := fromSeconds(*seconds)
	if err != nil {
		return &cbor.UnmarshalTypeError{CBORType: "number", GoType: "wire.Time"}
	}
	*t = at
	return nil
}
