package cloudwatch

import (
	"encoding/binary"
	"encoding/json"
	"math"
)

// percentiles is a map from the name of a percentile to its value, at most ten of
// them. It is a list of entries only where AWS Query writes it, which has no maps: its
// clients read the key and the value of every entry, whatever the entry is called.
type percentiles []percentile

type percentile struct {
	Key   string  `json:"key"`
	Value float64 `json:"value"`
}

// MarshalJSON writes the map.
func (p percentiles) MarshalJSON() ([]byte, error) {
	all := make(map[string]float64, len(p))
	for _, entry := range p {
		all[entry.Key] = entry.Value
	}
	return json.Marshal(all)
}

// The first bytes of CBOR's maps and texts of fewer than 24 elements or bytes, and of
// a float64 (RFC 8949, appendix B).
const (
	cborMap   = 0xa0
	cborText  = 0x60
	cborFloat = 0xfb
)

// MarshalCBOR writes the map. Names have at most seven characters: "p100.00".
func (p percentiles) MarshalCBOR() ([]byte, error) {
	out := []byte{cborMap | byte(len(p))}
	for _, entry := range p {
		out = append(out, cborText|byte(len(entry.Key)))
		out = append(out, entry.Key...)
		out = binary.BigEndian.AppendUint64(append(out, cborFloat), math.Float64bits(entry.Value))
	}
	return out, nil
}
