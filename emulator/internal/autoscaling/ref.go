package autoscaling

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"plimsoll/emulator/internal/wire"
)

// namespace is the only one that is served.
const namespace = "sagemaker"

// The scalable dimensions of SageMaker.
const (
	instanceCount          = "sagemaker:variant:DesiredInstanceCount"
	provisionedConcurrency = "sagemaker:variant:DesiredProvisionedConcurrency"
	copyCount              = "sagemaker:inference-component:DesiredCopyCount"
)

// Patterns of Application Auto Scaling's API model. It says actionNamePattern with a
// look-ahead: no space at the ends, no control character, colon, slash or bar.
var (
	policyNamePattern = regexp.MustCompile(wire.Whole(`[[:print:]]+`))
	actionNamePattern = regexp.MustCompile(wire.Whole(`[^ \pC:/|]([^\pC:/|]*[^ \pC:/|])?`))
	arnPattern        = regexp.MustCompile(wire.Whole(`arn:.+:application-autoscaling:.+:[0-9]+:scalable-target\/[a-zA-Z0-9-]+`))
	queryID           = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)
)

// key names a scalable target.
type key struct{ resource, dimension string }

func compareKeys(a, b key) int {
	return cmp.Or(strings.Compare(a.resource, b.resource), strings.Compare(a.dimension, b.dimension))
}

// text sorts as compareKeys does, because neither part has a control character.
func (k key) text() string { return k.resource + "\x00" + k.dimension }

// capacityName is what an activity calls the capacity of a dimension.
func (k key) capacityName() string {
	switch k.dimension {
	case copyCount:
		return "desired copy count"
	case provisionedConcurrency:
		return "desired provisioned concurrency"
	default:
		return "desired instance count"
	}
}

// targetRef is the members by which most operations name a scalable target.
type targetRef struct {
	ServiceNamespace  string `json:"ServiceNamespace,omitempty"`
	ResourceID        string `json:"ResourceId,omitempty"`
	ScalableDimension string `json:"ScalableDimension,omitempty"`
}

func (k key) ref() targetRef {
	return targetRef{ServiceNamespace: namespace, ResourceID: k.resource, ScalableDimension: k.dimension}
}

// require finds what is missing or malformed.
func (r targetRef) require(c *wire.Checks) {
	c.Required("resourceId", r.ResourceID != "")
	c.Required("scalableDimension", r.ScalableDimension != "")
	r.allow(c)
}

// allow is require for an operation that may leave resource and dimension out.
func (r targetRef) allow(c *wire.Checks) {
	c.Required("serviceNamespace", r.ServiceNamespace != "")
	c.Enum("serviceNamespace", r.ServiceNamespace, namespaces()...)
	c.Length("resourceId", r.ResourceID, 1, 1600)
	c.Enum("scalableDimension", r.ScalableDimension, dimensions()...)
}

// key is the target that is named, once nothing is missing.
func (r targetRef) key() (key, error) {
	if err := r.serves(); err != nil {
		return key{}, err
	}
	k := key{resource: r.ResourceID, dimension: r.ScalableDimension}
	if !k.valid() {
		return key{}, invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	return k, nil
}

// filter is the part of a target that is named, to describe what has it.
func (r targetRef) filter() (key, error) {
	if err := r.serves(); err != nil {
		return key{}, err
	}
	k := key{resource: r.ResourceID, dimension: r.ScalableDimension}
	switch {
	case k.dimension != "" && k.resource == "":
		return key{}, invalid("If you specify a scalable dimension, you must also specify a resource ID")
	case k.resource != "" && kindOf(k.resource) == "",
		k.dimension != "" && !k.valid():
		return key{}, invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	return k, nil
}

func (r targetRef) serves() error {
	if r.ServiceNamespace != namespace {
		return invalid("This emulator serves the service namespace %s only, not %s", namespace, r.ServiceNamespace)
	}
	return nil
}

// valid is whether a dimension is one of the resource's.
func (k key) valid() bool {
	kind := kindOf(k.resource)
	return kind != "" && strings.HasPrefix(k.dimension, namespace+":"+kind+":")
}

// kindOf is the second part of the dimensions that a resource has; empty for what is no
// resource of SageMaker.
func kindOf(resource string) string {
	parts := strings.Split(resource, "/")
	switch {
	case len(parts) == 4 && parts[0] == "endpoint" && parts[2] == "variant" && validName(parts[1]) && validName(parts[3]):
		return "variant"
	case len(parts) == 2 && parts[0] == "inference-component" && validName(parts[1]):
		return "inference-component"
	}
	return ""
}

// validName is SageMaker's [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}, with at most 63 characters.
func validName(name string) bool {
	return len(name) >= 1 && len(name) <= 63 && name[0] != '-' && name[len(name)-1] != '-' &&
		strings.IndexFunc(name, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-')
		}) < 0
}

// matches is whether a target is what a filter names.
func (k key) matches(filter key) bool {
	return (filter.resource == "" || filter.resource == k.resource) &&
		(filter.dimension == "" || filter.dimension == k.dimension)
}

// require finds the target of an operation that puts something on it.
func (a *Autoscaler) require(ref targetRef) (*target, error) {
	k, err := ref.key()
	if err != nil {
		return nil, err
	}
	t := a.targets[k]
	if t == nil {
		return nil, notFound("No scalable target registered for service namespace: %s, resource ID: %s, scalable dimension: %s",
			namespace, k.resource, k.dimension)
	}
	return t, nil
}

// sorted is the targets that a filter names, in the order in which they are described.
func (a *Autoscaler) sorted(filter key) []*target {
	var found []*target
	for k, t := range a.targets {
		if k.matches(filter) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(x, y *target) int { return compareKeys(x.key(), y.key()) })
	return found
}

// invalid is a request that cannot be carried out.
func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

func notFound(format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusBadRequest, "ObjectNotFoundException", format, args...)
}

func limitExceeded(format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusBadRequest, "LimitExceededException", format, args...)
}

// namespaces is the API model's ServiceNamespace.
func namespaces() []string {
	return []string{
		"ecs", "elasticmapreduce", "ec2", "appstream", "dynamodb", "rds", namespace, "custom-resource", "comprehend",
		"lambda", "cassandra", "kafka", "elasticache", "neptune", "workspaces",
	}
}

// dimensions is the API model's ScalableDimension.
func dimensions() []string {
	return []string{
		"ecs:service:DesiredCount", "ec2:spot-fleet-request:TargetCapacity", "elasticmapreduce:instancegroup:InstanceCount",
		"appstream:fleet:DesiredCapacity", "dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits",
		"dynamodb:index:ReadCapacityUnits", "dynamodb:index:WriteCapacityUnits", "rds:cluster:ReadReplicaCount", instanceCount,
		"custom-resource:ResourceType:Property", "comprehend:document-classifier-endpoint:DesiredInferenceUnits",
		"comprehend:entity-recognizer-endpoint:DesiredInferenceUnits", "lambda:function:ProvisionedConcurrency",
		"cassandra:table:ReadCapacityUnits", "cassandra:table:WriteCapacityUnits", "kafka:broker-storage:VolumeSize",
		"elasticache:cache-cluster:Nodes", "elasticache:replication-group:NodeGroups", "elasticache:replication-group:Replicas",
		"neptune:cluster:ReadReplicaCount", provisionedConcurrency, copyCount, "workspaces:workspacespool:DesiredUserSessions",
	}
}
