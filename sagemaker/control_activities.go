package sagemaker

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
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
		At: aws.ToTime(a.StartTime), Ended: aws.ToTime(a.EndTime), What: aws.ToString(a.Description), Cause: aws.ToString(a.Cause),
		Status: string(a.StatusCode), Why: aws.ToString(a.StatusMessage),
		Failed: a.StatusCode == types.ScalingActivityStatusCodeFailed || a.StatusCode == types.ScalingActivityStatusCodeUnfulfilled,
	}
	if m := settingTo.FindStringSubmatch(out.What); m != nil {
		out.Wanted, _ = strconv.Atoi(m[1]) // it is digits
	}
	for _, r := range a.NotScaledReasons {
		out.NotScaled, out.Current = aws.ToString(r.Code), int(aws.ToInt32(r.CurrentCapacity))
	}
	return out
}

// settingTo is how a description tells the capacity that is asked for: AWS has no field
// for it.
var settingTo = regexp.MustCompile(`^Setting .* to (\d+)\.`)
