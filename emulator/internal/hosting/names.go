package hosting

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"plimsoll/emulator/internal/wire"
)

// Patterns and limits of SageMaker's API model.
var (
	namePattern  = regexp.MustCompile(wire.Whole(`[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`))
	modelPattern = regexp.MustCompile(wire.Whole(`[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?`))
	arnPattern   = regexp.MustCompile(wire.Whole(`arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+`))
	rolePattern  = regexp.MustCompile(wire.Whole(`arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`))
	imagePattern = regexp.MustCompile(wire.Whole(`[\S]+`))
	typePattern  = regexp.MustCompile(wire.Whole(`ml\.[a-z0-9-]+\.[a-z0-9]+`))
)

const longestName = 63

// The kinds of resources, as ARNs have them.
const (
	modelKind     = "model"
	configKind    = "endpoint-config"
	endpointKind  = "endpoint"
	componentKind = "inference-component"
)

// arn is a resource's.
func (h *Hosting) arn(kind, name string) string {
	return fmt.Sprintf("arn:aws:sagemaker:%s:%s:%s/%s", h.opts.Region, h.opts.Account, kind, name)
}

// VariantID is the resource ID of a variant as a scalable target.
func VariantID(endpoint, variant string) string {
	return "endpoint/" + endpoint + "/variant/" + variant
}

// ComponentID is the resource ID of an inference component as a scalable target.
func ComponentID(name string) string { return "inference-component/" + name }

// parseResourceID is the reverse of VariantID and ComponentID: the variant is empty for
// a component, ok is false for anything else.
func parseResourceID(id string) (name, variant string, ok bool) {
	parts := strings.Split(id, "/")
	switch {
	case len(parts) == 4 && parts[0] == "endpoint" && parts[2] == "variant":
		return parts[1], parts[3], true
	case len(parts) == 2 && parts[0] == "inference-component":
		return parts[1], "", true
	}
	return "", "", false
}

// invalid is SageMaker's answer to most that is wrong.
func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

// notFound is invalid for what does not exist: clients look for its first words.
func (h *Hosting) notFound(kind, name string) *wire.Error {
	words := map[string]string{
		modelKind: "model", configKind: "endpoint configuration", endpointKind: "endpoint", componentKind: "inference component",
	}
	return invalid("Could not find %s %q.", words[kind], h.arn(kind, name))
}

// exists is invalid for what is there already.
func (h *Hosting) exists(kind, name string) *wire.Error {
	words := map[string]string{
		modelKind: "model", configKind: "endpoint configuration", endpointKind: "endpoint", componentKind: "inference component",
	}
	return invalid("Cannot create already existing %s %q.", words[kind], h.arn(kind, name))
}

// inProgress is invalid for a change of what is being changed.
func (h *Hosting) inProgress(kind, name string) *wire.Error {
	words := map[string]string{endpointKind: "endpoint", componentKind: "inference component"}
	return invalid("Cannot update in-progress %s %q.", words[kind], h.arn(kind, name))
}

// exceeded is AWS's answer when an account may not have that many instances.
func exceeded(instanceType string, quota, used, delta int) *wire.Error {
	return wire.Errorf(http.StatusBadRequest, "ResourceLimitExceeded",
		"The account-level service limit '%s for endpoint usage' is %d Instances, with current utilization of %d Instances "+
			"and a request delta of %d Instances. Please use AWS Service Quotas to request an increase for this quota. "+
			"If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.",
		instanceType, quota, used, delta)
}

// checkName collects what is wrong with a name that AWS's API model describes.
func checkName(c *wire.Checks, member, name string, pattern *regexp.Regexp) {
	c.Required(member, name != "")
	if name != "" {
		c.Length(member, name, 0, longestName)
		c.Pattern(member, name, pattern)
	}
}
