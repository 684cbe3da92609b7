package cloudwatch

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"plimsoll/emulator/internal/wire"
)

// page is where a list goes on, as a NextToken has it. It keeps its place when things
// are added and deleted between two pages.
type page struct {
	Operation string `json:"o"`
	After     string `json:"a,omitempty"` // the last name that was listed
	Number    int64  `json:"n,omitempty"` // or how many, or which, were
	AsOf      int64  `json:"t,omitempty"` // when the first page was asked for, Unix nanoseconds
}

// maxNumber is far above what any list here can have.
const maxNumber = 1 << 48

func (p page) token() string {
	text, err := json.Marshal(p)
	if err != nil {
		return "" // no value of the fields can be refused
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// parsePage reads a token of an operation; an empty one is the first page.
func parsePage(operation, token string) (page, error) {
	if token == "" {
		return page{Operation: operation}, nil
	}
	var p page
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || p.Operation != operation || p.Number < 0 || p.Number > maxNumber {
		return page{}, wire.Errorf(http.StatusBadRequest, "InvalidNextToken", "The token %.100q is not one of %s's.", token, operation)
	}
	return p, nil
}

// pageSize is how many records to list: from 1 to 100, or the default.
func pageSize(c *problems, asked *int, otherwise int) int {
	if asked == nil {
		return otherwise
	}
	if *asked < 1 || *asked > 100 {
		c.add("The value %d for parameter MaxRecords is invalid: it must be from 1 to 100.", *asked)
	}
	return *asked
}
