package autoscaling

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"plimsoll/emulator/internal/wire"
)

// maxTags is AWS's limit for one resource.
const maxTags = 50

func checkTags(c *wire.Checks, tags map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		c.Required("tags.key", name != "")
		c.Length("tags.key", name, 1, 128)
		c.Length("tags.value", tags[name], 0, 256)
	}
}

// checkReserved refuses names that only AWS may use.
func checkReserved(tags map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if strings.HasPrefix(strings.ToLower(name), "aws:") {
			return invalid("Tag key '%s' is not allowed: keys that begin with aws: are reserved for AWS", name)
		}
	}
	return nil
}

type tagResourceInput struct {
	ResourceARN string            `json:"ResourceARN,omitempty"`
	Tags        map[string]string `json:"Tags,omitempty"`
}

func (a *Autoscaler) tagResource(in *tagResourceInput) (*empty, error) {
	var c wire.Checks
	checkARN(&c, in.ResourceARN)
	c.Required("tags", in.Tags != nil)
	checkTags(&c, in.Tags)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := checkReserved(in.Tags); err != nil {
		return nil, err
	}
	t, err := a.byARN(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	maps.Copy(tags, t.Tags)
	maps.Copy(tags, in.Tags)
	if len(tags) > maxTags {
		return nil, &wire.Error{
			Status: http.StatusBadRequest, Code: "TooManyTagsException",
			Message: fmt.Sprintf("A scalable target can have at most %d tags, not %d", maxTags, len(tags)),
			Fields:  map[string]any{"ResourceName": in.ResourceARN},
		}
	}
	t.Tags = tags
	return nil, nil
}

type untagResourceInput struct {
	ResourceARN string   `json:"ResourceARN,omitempty"`
	TagKeys     []string `json:"TagKeys,omitempty"`
}

func (a *Autoscaler) untagResource(in *untagResourceInput) (*empty, error) {
	var c wire.Checks
	checkARN(&c, in.ResourceARN)
	c.Required("tagKeys", in.TagKeys != nil)
	if err := c.Err(); err != nil {
		return nil, err
	}
	t, err := a.byARN(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	for _, name := range in.TagKeys {
		delete(t.Tags, name)
	}
	return nil, nil
}

type listTagsForResourceInput struct {
	ResourceARN string `json:"ResourceARN,omitempty"`
}

type listTagsForResourceOutput struct {
	Tags map[string]string `json:"Tags"`
}

func (a *Autoscaler) listTagsForResource(in *listTagsForResourceInput) (*listTagsForResourceOutput, error) {
	var c wire.Checks
	checkARN(&c, in.ResourceARN)
	if err := c.Err(); err != nil {
		return nil, err
	}
	t, err := a.byARN(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{} // a copy, and never null
	maps.Copy(tags, t.Tags)
	return &listTagsForResourceOutput{Tags: tags}, nil
}

func checkARN(c *wire.Checks, arn string) {
	c.Required("resourceARN", arn != "")
	c.Length("resourceARN", arn, 1, 1011)
	c.Pattern("resourceARN", arn, arnPattern)
}

func (a *Autoscaler) byARN(arn string) (*target, error) {
	for _, t := range a.targets {
		if a.targetARN(t) == arn {
			return t, nil
		}
	}
	return nil, &wire.Error{
		Status: http.StatusBadRequest, Code: "ResourceNotFoundException", Message: "Scalable Target not found",
		Fields: map[string]any{"ResourceName": arn},
	}
}

type getPredictiveScalingForecastInput struct {
	targetRef

	PolicyName string     `json:"PolicyName,omitempty"`
	StartTime  *wire.Time `json:"StartTime,omitempty"`
	EndTime    *wire.Time `json:"EndTime,omitempty"`
}

// getPredictiveScalingForecast answers as AWS does for every namespace but ecs, before it
// looks whether there is such a policy.
func (a *Autoscaler) getPredictiveScalingForecast(in *getPredictiveScalingForecastInput) (*empty, error) {
	var c wire.Checks
	in.require(&c)
	c.Required("policyName", in.PolicyName != "")
	c.Required("startTime", in.StartTime != nil)
	c.Required("endTime", in.EndTime != nil)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := in.serves(); err != nil {
		return nil, err
	}
	return nil, wire.Errorf(http.StatusBadRequest, "AccessDeniedException", "GetPredictiveScalingForecast is not supported.")
}
