package sagemaker

import (
	"context"
	"fmt"

	"plimsoll/experiment"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
)

// quotaPage is as many quotas as a call may bring. SageMaker has thousands, whose codes are
// the same in no list: they are found by their names.
const quotaPage = 100

// InstanceQuota is how many instances of a type all endpoints together may have: the quota
// that the account has, or the default where it has none of its own.
func (c *Control) InstanceQuota(ctx context.Context, instanceType string) experiment.Quota {
	name := experiment.EndpointQuotaName(instanceType)
	applied := servicequotas.NewListServiceQuotasPaginator(c.quotas, &servicequotas.ListServiceQuotasInput{
		ServiceCode: aws.String("sagemaker"), MaxResults: aws.Int32(quotaPage),
	})
	for applied.HasMorePages() {
		page, err := applied.NextPage(ctx)
		if err != nil {
			return unknownQuota(err)
		}
		if q, ok := quotaOf(page.Quotas, name); ok {
			return q
		}
	}
	defaults := servicequotas.NewListAWSDefaultServiceQuotasPaginator(c.quotas, &servicequotas.ListAWSDefaultServiceQuotasInput{
		ServiceCode: aws.String("sagemaker"), MaxResults: aws.Int32(quotaPage),
	})
	for defaults.HasMorePages() {
		page, err := defaults.NextPage(ctx)
		if err != nil {
			return unknownQuota(err)
		}
		if q, ok := quotaOf(page.Quotas, name); ok {
			return q
		}
	}
	return experiment.Quota{Why: fmt.Sprintf("Service Quotas has none that is called %q", name)}
}

func quotaOf(quotas []types.ServiceQuota, name string) (q experiment.Quota, ok bool) {
	for _, q := range quotas {
		if aws.ToString(q.QuotaName) == name && q.Value != nil {
			return experiment.Quota{Instances: int(*q.Value), Known: true}, true
		}
	}
	return q, false
}

// unknownQuota says why it could not be read.
func unknownQuota(err error) experiment.Quota {
	return experiment.Quota{Why: fmt.Sprint(explain(fmt.Errorf("reading the quotas: %w", err)))}
}
