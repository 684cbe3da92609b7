package emulator_test

import (
	"testing"
	"time"

	"plimsoll/emulator"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

// TestOneAdvanceIsManySmallOnes: what is asked for within an advance is dated when it
// was asked for, not at the advance's end, so that it is done as early as it would be.
func TestOneAdvanceIsManySmallOnes(t *testing.T) {
	lastModified := map[time.Duration]time.Time{}
	for _, stride := range []time.Duration{time.Second, 30 * time.Minute} {
		inWorld(t, emulator.Options{
			Model: oneInstance(), Endpoints: []emulator.Endpoint{{Name: sdkEndpoint}}, Seed: 1,
			Start: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
		}, func(w *world) {
			s := newSDK(w)
			dimension := astypes.ScalableDimensionSageMakerVariantDesiredInstanceCount
			_, err := s.scaling.RegisterScalableTarget(s.Context(), &applicationautoscaling.RegisterScalableTargetInput{
				ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource), ScalableDimension: dimension,
				MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(3),
			})
			s.must("register the variant", err)
			_, err = s.scaling.PutScheduledAction(s.Context(), &applicationautoscaling.PutScheduledActionInput{
				ScheduledActionName: aws.String("up"), ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource),
				ScalableDimension: dimension, Schedule: aws.String("at(2026-11-24T10:05:00)"),
				ScalableTargetAction: &astypes.ScalableTargetAction{MinCapacity: aws.Int32(3)},
			})
			s.must("schedule an action", err)
			for passed := time.Duration(0); passed < 30*time.Minute; passed += stride {
				s.must("advance", w.emulator.Advance(stride))
			}
			out, err := s.sagemaker.DescribeEndpoint(s.Context(), &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)})
			s.must("describe the endpoint", err)
			if got := *out.ProductionVariants[0].CurrentInstanceCount; got != 3 {
				t.Errorf("by strides of %v: %d instances 25 minutes after 3 were asked for, status %s", stride, got, out.EndpointStatus)
			}
			lastModified[stride] = *out.LastModifiedTime
		})
	}
	if a, b := lastModified[time.Second], lastModified[30*time.Minute]; !a.Equal(b) {
		t.Errorf("the endpoint was last modified at %v by small strides and at %v by a large one", a, b)
	}
}
