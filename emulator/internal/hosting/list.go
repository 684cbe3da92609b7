package hosting

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"plimsoll/emulator/internal/wire"
)

// listInput is what all of SageMaker's list operations can be asked; those that do not
// have a member ignore it, as AWS ignores what it does not know.
type listInput struct {
	SortBy                 string    `json:",omitempty"`
	SortOrder              string    `json:",omitempty"`
	NextToken              string    `json:",omitempty"`
	MaxResults             *int      `json:",omitempty"`
	NameContains           string    `json:",omitempty"`
	StatusEquals           string    `json:",omitempty"`
	CreationTimeBefore     wire.Time `json:",omitzero"`
	CreationTimeAfter      wire.Time `json:",omitzero"`
	LastModifiedTimeBefore wire.Time `json:",omitzero"`
	LastModifiedTimeAfter  wire.Time `json:",omitzero"`
}

// listed is what a list is filtered and sorted by.
type listed struct {
	name              string
	status            string
	created, modified time.Time
}

// defaultResults is how many entries a page has unless told, as ListEndpoints documents.
const defaultResults = 10

// page is the entries that were asked for, in order, and the token of the next page.
func (in *listInput) page(all []listed) (entries []listed, next string, err error) {
	var c wire.Checks
	c.Enum("sortBy", in.SortBy, "Name", "CreationTime", "Status")
	c.Enum("sortOrder", in.SortOrder, "Ascending", "Descending")
	size := defaultResults
	if in.MaxResults != nil {
		size = *in.MaxResults
		c.Range("maxResults", float64(size), 1, 100)
	}
	if err := c.Err(); err != nil {
		return nil, "", err
	}
	entries = slices.DeleteFunc(all, func(e listed) bool { return !in.wants(e) })
	slices.SortFunc(entries, in.order)
	if in.NextToken != "" {
		last, err := parseToken(in.NextToken)
		if err != nil {
			return nil, "", err
		}
		entries = slices.DeleteFunc(entries, func(e listed) bool { return in.order(e, last) <= 0 })
	}
	if len(entries) > size {
		entries = entries[:size]
		next = entries[size-1].token()
	}
	return entries, next, nil
}

func (in *listInput) wants(e listed) bool {
	within := func(t time.Time, after, before wire.Time) bool {
		return (after.IsZero() || t.After(after.Time)) && (before.IsZero() || t.Before(before.Time))
	}
	return strings.Contains(strings.ToLower(e.name), strings.ToLower(in.NameContains)) &&
		(in.StatusEquals == "" || in.StatusEquals == e.status) &&
		within(e.created, in.CreationTimeAfter, in.CreationTimeBefore) &&
		within(e.modified, in.LastModifiedTimeAfter, in.LastModifiedTimeBefore)
}

// order is by creation, the newest first, unless told; names tell equals apart.
func (in *listInput) order(a, b listed) int {
	order := 0
	switch in.SortBy {
	case "Name":
	case "Status":
		order = cmp.Compare(a.status, b.status)
	default:
		order = a.created.Compare(b.created)
	}
	order = cmp.Or(order, cmp.Compare(a.name, b.name))
	if in.SortOrder == "Ascending" {
		return order
	}
	return -order
}

// mark is a token's content: the last entry of a page. It stays good when entries come
// and go.
type mark struct {
	Name    string    `json:"n"`
	Status  string    `json:"s,omitempty"`
	Created time.Time `json:"c"`
}

func (e listed) token() string {
	text, err := json.Marshal(mark{Name: e.name, Status: e.status, Created: e.created})
	if err != nil {
		return "" // no mark fails to be JSON
	}
	return base64.URLEncoding.EncodeToString(text)
}

func parseToken(token string) (listed, error) {
	var m mark
	text, err := base64.URLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return listed{}, invalid("Invalid NextToken %q: want the one of the page before.", token)
	}
	return listed{name: m.Name, status: m.Status, created: m.Created}, nil
}
