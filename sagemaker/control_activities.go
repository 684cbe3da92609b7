package sagemaker

import (
	"context"
	"fmt"
	"time"

	"plimsoll/experiment"
	"plimsoll/scaling"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// Activities are the attempts to scale a variant since an instant, the newest first, with
// those for which nothing was done: a quota that is reached shows nowhere else.
func (c *Control) Activities(ctx context.Context, v experiment.Variant, since time.Time) ([]scaling.Activity, error) {
	pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(c.scaling, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: namespace, ScalableDimension: dimensionOf(v), ResourceId: aws.String(v.ResourceID()), IncludeNotScaledActivities: aws.Bool(true),
	})
	var activities []scaling.Activity
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(fmt.Errorf("describing the scaling activities of %s: %w", v, err))
		}
		for _, a := range page.ScalingActivities {
			if aws.ToTime(a.StartTime).Before(since) {
				return activities, nil
			}
			activities = append(activities, activity(a))
		}
	}
	return activities, nil
}

func activity(a types.ScalingActivity) scaling.Activity {
	out := scaling.Activity{
		At: aws.ToTime(a.StartTime), What: aws.ToString(a.Description),
		Failed: a.StatusCode == types.ScalingActivityStatusCodeFailed || a.StatusCode == types.ScalingActivityStatusCodeUnfulfilled,
	}
	if out.Failed {
		out.Why = aws.ToString(a.StatusMessage)
	}
	for _, r := range a.NotScaledReasons {
		out.NotScaled = aws.ToString(r.Code)
	}
	return out
}
