package sagemaker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"plimsoll/diagnosis"
	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Caller asks AWS about who asks: identity, permissions, quotas. It changes nothing.
type Caller struct {
	control *Control
	sts     *sts.Client
}

var (
	_ diagnosis.Caller = (*Caller)(nil)
	_ diagnosis.Trier  = (*Caller)(nil)
)

// Caller is who this control's requests are signed by.
func (c *Control) Caller() *Caller {
	return &Caller{control: c, sts: sts.NewFromConfig(c.config)}
}

// RegionSource is where the region was found.
func (c *Control) RegionSource() string {
	for _, source := range c.config.ConfigSources {
		switch s := source.(type) {
		case config.LoadOptions:
			if s.Region != "" {
				return "as given"
			}
		case config.EnvConfig:
			if s.Region != "" {
				return "from the environment (AWS_REGION or AWS_DEFAULT_REGION)"
			}
		case config.SharedConfig:
			if s.Region != "" {
				return "from profile " + s.Profile
			}
		}
	}
	return "from the machine (metadata service)"
}

// BaseEndpoint is the address that is spoken to instead of AWS's own; "" if there is none.
func (c *Control) BaseEndpoint() string { return aws.ToString(c.config.BaseEndpoint) }

// shownOfKey is how much of an access key's id is told: as much as tells two apart.
const shownOfKey = 4

// Credentials are those that requests are signed with.
func (c *Caller) Credentials(ctx context.Context) (diagnosis.Credentials, error) {
	if c.control.config.Credentials == nil {
		return diagnosis.Credentials{}, &experiment.ControlError{Problem: experiment.ProblemCredentials, Err: errNoCredentials, Remedy: noCredentials}
	}
	found, err := c.control.config.Credentials.Retrieve(ctx)
	if err != nil {
		return diagnosis.Credentials{}, &experiment.ControlError{Problem: experiment.ProblemCredentials, Err: fmt.Errorf("no AWS credentials: %w", oneLine(err)), Remedy: noCredentials}
	}
	told := diagnosis.Credentials{Source: sourceName(found.Source)}
	if n := len(found.AccessKeyID); n >= 2*shownOfKey {
		told.KeyEnding = found.AccessKeyID[n-shownOfKey:]
	}
	if found.CanExpire {
		told.Expires = found.Expires
	}
	return told, nil
}

// sourceName is what the SDK calls where credentials come from, for people where that is
// of use.
func sourceName(source string) string {
	switch name, path, _ := strings.Cut(source, ": "); name {
	case config.CredentialsSourceName:
		return "the environment"
	case "SharedConfigCredentials":
		return "the shared file " + path
	}
	return source
}

// Identity is whom AWS takes the caller for.
func (c *Caller) Identity(ctx context.Context) (diagnosis.Identity, error) {
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return diagnosis.Identity{}, explain(fmt.Errorf("asking who is calling: %w", err))
	}
	return diagnosis.Identity{ARN: aws.ToString(out.Arn), Account: aws.ToString(out.Account)}, nil
}

// Skew is how far the services' clocks are ahead of this machine's.
func (c *Caller) Skew() (ahead time.Duration, ok bool) { return c.control.clock.skew() }

// Try makes a call that needs a permission and changes nothing.
func (c *Caller) Try(ctx context.Context, action string, v experiment.Variant) error {
	resource := aws.String(v.ResourceID())
	var err error
	switch action {
	case "sagemaker:DescribeEndpoint":
		_, err = c.control.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &v.Endpoint})
	case "sagemaker:DescribeEndpointConfig":
		err = c.tryConfig(ctx, v.Endpoint)
	case "sagemaker:ListEndpoints":
		_, err = c.control.sagemaker.ListEndpoints(ctx, &sagemaker.ListEndpointsInput{MaxResults: aws.Int32(1)})
	case "sagemaker:ListInferenceComponents":
		_, err = c.control.sagemaker.ListInferenceComponents(ctx, &sagemaker.ListInferenceComponentsInput{EndpointNameEquals: &v.Endpoint, MaxResults: aws.Int32(1)})
	case "sagemaker:DescribeInferenceComponent": // of the endpoint's name, which none need have
		_, err = c.control.sagemaker.DescribeInferenceComponent(ctx, &sagemaker.DescribeInferenceComponentInput{InferenceComponentName: &v.Endpoint})
		if err != nil && problemIs(err, experiment.ProblemMissing) {
			return nil
		}
	case "application-autoscaling:DescribeScalableTargets":
		_, err = c.control.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: namespace, ResourceIds: []string{v.ResourceID()}})
	case "application-autoscaling:DescribeScalingPolicies":
		_, err = c.control.scaling.DescribeScalingPolicies(ctx, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: resource})
	case "application-autoscaling:DescribeScheduledActions":
		_, err = c.control.scaling.DescribeScheduledActions(ctx, &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: resource})
	case "application-autoscaling:DescribeScalingActivities":
		_, err = c.control.scaling.DescribeScalingActivities(ctx, &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: resource, MaxResults: aws.Int32(1)})
	case "cloudwatch:GetMetricData":
		now := c.control.Now()
		_, err = c.control.Series(ctx, v, experiment.Reading{Metric: "Invocations", Statistic: "Sum", Period: time.Minute, From: now.Add(-time.Minute), To: now})
		return err
	case "cloudwatch:DescribeAlarms":
		_, err = c.control.cloudwatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(1)})
	case "cloudwatch:DescribeAlarmHistory":
		_, err = c.control.cloudwatch.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{HistoryItemType: types.HistoryItemTypeStateUpdate, MaxRecords: aws.Int32(1)})
	case "servicequotas:ListServiceQuotas":
		_, err = c.control.quotas.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String(quotaService), MaxResults: aws.Int32(1)})
	case "servicequotas:ListAWSDefaultServiceQuotas":
		_, err = c.control.quotas.ListAWSDefaultServiceQuotas(ctx, &servicequotas.ListAWSDefaultServiceQuotasInput{ServiceCode: aws.String(quotaService), MaxResults: aws.Int32(1)})
	default:
		return fmt.Errorf("trying %s: there is no call for it that changes nothing", action)
	}
	if err != nil {
		return explain(fmt.Errorf("trying %s: %w", action, err))
	}
	return nil
}

// tryConfig asks for the configuration of an endpoint, or for one of its name: whether it
// is there does not matter.
func (c *Caller) tryConfig(ctx context.Context, endpoint string) error {
	name := &endpoint
	if e, err := c.control.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &endpoint}); err == nil && e.EndpointConfigName != nil {
		name = e.EndpointConfigName
	}
	_, err := c.control.sagemaker.DescribeEndpointConfig(ctx, &sagemaker.DescribeEndpointConfigInput{EndpointConfigName: name})
	return err
}

// Quota is how many instances of a type all endpoints together may have.
func (c *Caller) Quota(ctx context.Context, instanceType string) (int, error) {
	return c.control.quota(ctx, instanceType)
}

// Elsewhere is how many instances of a type the account has besides those of a variant.
func (c *Caller) Elsewhere(ctx context.Context, instanceType string, v experiment.Variant) experiment.Elsewhere {
	return c.control.Elsewhere(ctx, instanceType, v)
}

// problemIs says whether a call failed for a reason.
func problemIs(err error, problem experiment.Problem) bool {
	found, _ := problemOf(err)
	return found == problem
}
