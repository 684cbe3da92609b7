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

// quotaService is SageMaker's name there.
const quotaService = "sagemaker"

// InstanceQuota is how many instances of a type all endpoints together may have, or why
// that is not known, and how many there are besides those of a variant.
func (c *Control) InstanceQuota(ctx context.Context, instanceType string, v experiment.Variant) experiment.Quota {
	n, err := c.quota(ctx, instanceType)
	if err != nil {
		return experiment.Quota{Why: err.Error()}
	}
	return experiment.Quota{Instances: n, Known: true, Elsewhere: c.Elsewhere(ctx, instanceType, v)}
}

// quota is the one that the account has, or the default where it has none of its own.
func (c *Control) quota(ctx context.Context, instanceType string) (int, error) {
	name := experiment.EndpointQuotaName(instanceType)
	service, size := aws.String(quotaService), aws.Int32(quotaPage)
	applied := servicequotas.NewListServiceQuotasPaginator(c.quotas, &servicequotas.ListServiceQuotasInput{ServiceCode: service, MaxResults: size})
	for applied.HasMorePages() {
		page, err := applied.NextPage(ctx)
		if err != nil {
			return 0, explain(fmt.Errorf("reading the quotas: %w", err))
		}
		if n, ok := quotaOf(page.Quotas, name); ok {
			return n, nil
		}
	}
	defaults := servicequotas.NewListAWSDefaultServiceQuotasPaginator(c.quotas, &servicequotas.ListAWSDefaultServiceQuotasInput{ServiceCode: service, MaxResults: size})
	for defaults.HasMorePages() {
		page, err := defaults.NextPage(ctx)
		if err != nil {
			return 0, explain(fmt.Errorf("reading AWS's default quotas: %w", err))
		}
		if n, ok := quotaOf(page.Quotas, name); ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("no quota: Service Quotas has none that is called %q", name)
}

func quotaOf(quotas []types.ServiceQuota, name string) (n int, ok bool) {
	for _, q := range quotas {
		if aws.ToString(q.QuotaName) == name && q.Value != nil {
			return int(*q.Value), true
		}
	}
	return 0, false
}
