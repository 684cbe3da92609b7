package hosting

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plimsoll/emulator/internal/wire"
)

// maxTags is how many tags a resource may have.
const maxTags = 50

// tag is a resource's.
type tag struct {
	Key   string
	Value string
}

// checkTags collects what is wrong with the tags of an input.
func checkTags(c *wire.Checks, tags []tag) {
	for i, t := range tags {
		member := fmt.Sprintf("tags.%d.member.key", i+1)
		c.Required(member, t.Key != "")
		c.Length(member, t.Key, 1, 128)
		c.Length(fmt.Sprintf("tags.%d.member.value", i+1), t.Value, 0, 256)
	}
}

// merged is some tags with others added, which replace those of the same key.
func merged(tags, more []tag) []tag {
	out := slices.Clone(tags)
	for _, t := range more {
		at := slices.IndexFunc(out, func(o tag) bool { return o.Key == t.Key })
		if at < 0 {
			out = append(out, t)
			continue
		}
		out[at].Value = t.Value
	}
	return out
}

// setTags gives a new resource its tags.
func (h *Hosting) setTags(arn string, tags []tag) error {
	all := merged(nil, tags)
	if len(all) > maxTags {
		return tooManyTags(len(all))
	}
	if len(all) > 0 {
		h.tags[arn] = all
	}
	return nil
}

func tooManyTags(n int) error {
	return invalid("%d tags: a resource can have at most %d.", n, maxTags)
}

type addTagsInput struct {
	ResourceArn string `json:",omitempty"`
	Tags        []tag  `json:",omitempty"`
}

type tagsOutput struct {
	Tags      []tag
	NextToken string `json:",omitempty"`
}

func (h *Hosting) addTags(_ context.Context, in *addTagsInput) (*tagsOutput, error) {
	var c wire.Checks
	checkARN(&c, in.ResourceArn)
	c.Required("tags", in.Tags != nil)
	checkTags(&c, in.Tags)
	if err := c.Err(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.findARN(in.ResourceArn); err != nil {
		return nil, err
	}
	all := merged(h.tags[in.ResourceArn], in.Tags)
	if len(all) > maxTags {
		return nil, tooManyTags(len(all))
	}
	h.tags[in.ResourceArn] = all
	return &tagsOutput{Tags: slices.Clone(all)}, nil
}

type listTagsInput struct {
	ResourceArn string `json:",omitempty"`
	NextToken   string `json:",omitempty"`
	MaxResults  *int   `json:",omitempty"`
}

func (h *Hosting) listTags(_ context.Context, in *listTagsInput) (*tagsOutput, error) {
	var c wire.Checks
	checkARN(&c, in.ResourceArn)
	size := maxTags
	if in.MaxResults != nil {
		size = *in.MaxResults
		c.Range("maxResults", float64(size), maxTags, 1<<31-1)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	skip := 0
	if in.NextToken != "" {
		var err error
		if skip, err = strconv.Atoi(in.NextToken); err != nil || skip < 0 {
			return nil, invalid("Invalid NextToken %q: want the one of the page before.", in.NextToken)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.findARN(in.ResourceArn); err != nil {
		return nil, err
	}
	all := h.tags[in.ResourceArn]
	all = all[min(skip, len(all)):]
	out := &tagsOutput{Tags: append([]tag{}, all[:min(size, len(all))]...)}
	if len(all) > size {
		out.NextToken = strconv.Itoa(skip + size)
	}
	return out, nil
}

type deleteTagsInput struct {
	ResourceArn string   `json:",omitempty"`
	TagKeys     []string `json:",omitempty"`
}

func (h *Hosting) deleteTags(_ context.Context, in *deleteTagsInput) (*struct{}, error) {
	var c wire.Checks
	checkARN(&c, in.ResourceArn)
	c.Required("tagKeys", len(in.TagKeys) > 0)
	if err := c.Err(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.findARN(in.ResourceArn); err != nil {
		return nil, err
	}
	h.tags[in.ResourceArn] = slices.DeleteFunc(slices.Clone(h.tags[in.ResourceArn]), func(t tag) bool {
		return slices.Contains(in.TagKeys, t.Key)
	})
	return nil, nil
}

func checkARN(c *wire.Checks, arn string) {
	c.Required("resourceArn", arn != "")
	c.Length("resourceArn", arn, 0, 256)
	c.Pattern("resourceArn", arn, arnPattern)
}

// findARN is an error unless the resource is there.
func (h *Hosting) findARN(arn string) error {
	kind, name, _ := strings.Cut(strings.TrimPrefix(arn, h.arn("", "")[:len(h.arn("", ""))-1]), "/")
	var there bool
	switch kind {
	case modelKind:
		_, there = h.models[name]
	case configKind:
		_, there = h.configs[name]
	case endpointKind:
		_, there = h.endpoints[name]
	case componentKind:
		_, there = h.components[name]
	default:
		return invalid("%s: the emulator has tags for models, endpoint configurations, endpoints and inference components "+
			"of account %s in %s.", arn, h.opts.Account, h.opts.Region)
	}
	if !there {
		return h.notFound(kind, name)
	}
	return nil
}
