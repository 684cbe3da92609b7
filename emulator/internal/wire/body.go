package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// readBody reads a request's body, which may be compressed. Neither what is sent nor
// what it expands to may be longer than limit.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			return nil, tooLarge(limit)
		}
		return nil, Errorf(http.StatusBadRequest, "RequestAbortedException", "The request body ended early.")
	}
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
		return body, nil
	case "gzip":
		return inflate(body, limit)
	}
	return nil, Errorf(http.StatusBadRequest, "MalformedHttpRequestException",
		"Content-Encoding %q is not supported; use gzip or none.", r.Header.Get("Content-Encoding"))
}

func inflate(body []byte, limit int64) ([]byte, error) {
	broken := Errorf(http.StatusBadRequest, "MalformedHttpRequestException", "The request body is not valid gzip.")
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, broken
	}
	plain, err := io.ReadAll(io.LimitReader(z, limit+1))
	switch {
	case int64(len(plain)) > limit:
		return nil, tooLarge(limit)
	case err != nil:
		return nil, broken
	}
	return plain, nil
}

func tooLarge(limit int64) *Error {
	return Errorf(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
		"The request entity is too large: more than %d bytes.", limit)
}

// These bound what a request may make us allocate: an empty structure takes a byte in
// CBOR and hundreds in memory, and so does a null where a structure belongs. No request
// at AWS's limits has as many: PutMetricData takes 1000 metrics of 30 dimensions and 150
// values with their counts.
const (
	maxStructures = 64 << 10
	maxValues     = 500_000
)

// content is what a body holds, counted without building it.
type content struct{ structures, values int }

func (c content) check() error {
	switch {
	case c.structures > maxStructures:
		return tooMany()
	case c.values > maxValues:
		return serialization("The request has more than %d values.", maxValues)
	}
	return nil
}

func tooMany() *Error {
	return serialization("The request has more than %d structures.", maxStructures)
}
