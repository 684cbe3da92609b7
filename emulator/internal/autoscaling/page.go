package autoscaling

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"plimsoll/emulator/internal/wire"
)

// pageRef is the members by which a description is read in pages.
type pageRef struct {
	MaxResults *int   `json:"MaxResults,omitempty"`
	NextToken  string `json:"NextToken,omitempty"`
}

// mark is what a NextToken says: of which question, and after which item to go on.
type mark struct {
	Question string `json:"q"`
	After    string `json:"a"`
}

// page cuts the next page out of items, which are in the order of their names. A token
// is good for the same question only, however the items have changed meanwhile. A page
// has at most limit items, also if more are asked for.
func page[T any](p pageRef, limit int, question []string, items []T, name func(T) string) (some []T, next string, err error) {
	size := limit
	if p.MaxResults != nil {
		if *p.MaxResults < 1 {
			return nil, "", invalid("MaxResults must be between 1 and %d", limit)
		}
		size = min(limit, *p.MaxResults)
	}
	sum := sha256.Sum256([]byte(strings.Join(question, "\x00")))
	here := mark{Question: hex.EncodeToString(sum[:8])}
	if p.NextToken != "" {
		var from mark
		text, err := base64.URLEncoding.DecodeString(p.NextToken)
		if err != nil || json.Unmarshal(text, &from) != nil || from.Question != here.Question {
			return nil, "", wire.Errorf(http.StatusBadRequest, "InvalidNextTokenException", "The next token supplied was invalid")
		}
		start, found := slices.BinarySearchFunc(items, from.After, func(item T, after string) int {
			return strings.Compare(name(item), after)
		})
		if found {
			start++
		}
		items = items[start:]
	}
	if len(items) <= size {
		return items, "", nil
	}
	here.After = name(items[size-1])
	text, err := json.Marshal(here)
	return items[:size], base64.URLEncoding.EncodeToString(text), err
}
