package cloudwatch

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"plimsoll/emulator/internal/wire"
)

func (s *Service) tagOperations() []wire.Operation {
	return []wire.Operation{
		wire.Handle("TagResource", s.tagResource),
		wire.Handle("UntagResource", s.untagResource),
		wire.Handle("ListTagsForResource", s.listTagsForResource),
	}
}

const maxTags = 50

// Tag is a label of a resource.
type Tag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

type tagResourceInput struct {
	ResourceARN string `json:"ResourceARN"`
	Tags        []Tag  `json:"Tags"`
}

func (s *Service) tagResource(_ context.Context, in *tagResourceInput) (*nothing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, err := s.resource(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags, record.Tags); err != nil {
		return nil, err
	}
	record.Tags = withTags(record.Tags, in.Tags)
	return nil, nil
}

// withTags is the tags with others that are added or take the place of those with the
// same keys.
func withTags(tags, others []Tag) []Tag {
	out := slices.Clone(tags)
	for _, tag := range others {
		if i := slices.IndexFunc(out, func(t Tag) bool { return t.Key == tag.Key }); i >= 0 {
			out[i] = tag
			continue
		}
		out = append(out, tag)
	}
	return out
}

// checkTags checks tags that are to be added to those of a resource.
func checkTags(tags, known []Tag) error {
	var c problems
	for _, tag := range tags {
		c.name("Tags.Key", tag.Key, 128)
		if len(tag.Value) > 256 {
			c.add("The value of tag %q must be shorter than 257 characters.", tag.Key)
		}
		if strings.HasPrefix(strings.ToLower(tag.Key), "aws:") {
			c.add("The tag key %q is invalid: the prefix aws: is reserved.", tag.Key)
		}
	}
	if len(withTags(known, tags)) > maxTags {
		c.add("A resource can have at most %d tags.", maxTags)
	}
	return c.Err()
}

type untagResourceInput struct {
	ResourceARN string   `json:"ResourceARN"`
	TagKeys     []string `json:"TagKeys"`
}

func (s *Service) untagResource(_ context.Context, in *untagResourceInput) (*nothing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, err := s.resource(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	record.Tags = slices.DeleteFunc(slices.Clone(record.Tags), func(t Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
	return nil, nil
}

type listTagsForResourceInput struct {
	ResourceARN string `json:"ResourceARN"`
}

type listTagsForResourceOutput struct {
	Tags []Tag `json:"Tags"`
}

func (s *Service) listTagsForResource(_ context.Context, in *listTagsForResourceInput) (*listTagsForResourceOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, err := s.resource(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &listTagsForResourceOutput{Tags: append([]Tag{}, record.Tags...)}, nil
}

// resource is the alarm with an ARN. Nothing else here can have tags.
func (s *Service) resource(arn string) (*AlarmRecord, error) {
	var c problems
	c.Required("ResourceARN", arn != "")
	if arn != "" && !strings.HasPrefix(arn, "arn:aws:cloudwatch:") {
		c.add("The value %s for parameter ResourceARN is invalid.", arn)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	name, isAlarm := strings.CutPrefix(arn, s.AlarmARN(""))
	record := s.alarms[name]
	if !isAlarm || record == nil {
		e := wire.Errorf(http.StatusNotFound, "ResourceNotFoundException", "Unknown")
		e.Fields = map[string]any{"ResourceType": "AWS::CloudWatch::Alarm", "ResourceId": arn}
		return nil, e
	}
	return record, nil
}
