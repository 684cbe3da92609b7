package emulator_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	rttypes "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"plimsoll/emulator"
)

// once invokes the endpoint.
func (s *sdk) once() error {
	_, err := s.runtime.InvokeEndpoint(s.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String(sdkEndpoint), Body: []byte("{}")})
	return err
}

// wantStatus asks for an answer's HTTP status; 0 is no answer at all.
func (s *sdk) wantStatus(what string, err error, status int) {
	s.Helper()
	got := 0
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		got = response.HTTPStatusCode()
	}
	if err == nil || got != status {
		s.Errorf("%s: status %d (%v), want %d", what, got, err, status)
	}
}

// TestInvocationFaults looks at each fault of an invocation, through the SDK, in virtual
// time.
func TestInvocationFaults(t *testing.T) {
	for _, tt := range []struct {
		name, faults string
		want         func(*sdk)
	}{
		{"throttle", `{"throttle_per_second": 5}`, func(s *sdk) {
			time.Sleep(time.Second)
			throttled := 0
			for range 20 {
				if err := s.once(); err != nil {
					s.wantCode("above the rate", err, "ThrottlingException")
					s.wantStatus("above the rate", err, 400)
					if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorMessage() != "UnknownError" {
						s.Errorf("the throttle is %v, want the SDK's word for a message of null", err)
					}
					throttled++
				}
			}
			// A second's worth is there at first, and a token comes every 200 ms; each of the
			// requests that pass takes 10 ms.
			if throttled != 15 {
				s.Errorf("20 requests at 5/s: %d throttled, want 15", throttled)
			}
			time.Sleep(200 * time.Millisecond)
			s.must("when a token has come", s.once())
		}},
		{"server errors", `{"server_error_share": 1}`, func(s *sdk) {
			s.wantCode("an invocation", s.once(), "InternalFailure")
			s.wantStatus("an invocation", s.once(), 500)
		}},
		{"model errors", `{"model_error_share": 1}`, func(s *sdk) {
			err := s.once()
			s.wantStatus("an invocation", err, 424)
			if model, ok := errors.AsType[*rttypes.ModelError](err); !ok || aws.ToInt32(model.OriginalStatusCode) != 500 {
				s.Errorf("an invocation: %v, want a ModelError of status 500", err)
			}
		}},
		{"models that are not ready", `{"not_ready_share": 1}`, func(s *sdk) {
			err := s.once()
			s.wantStatus("an invocation", err, 429)
			if _, ok := errors.AsType[*rttypes.ModelNotReadyException](err); !ok {
				s.Errorf("an invocation: %v, want a ModelNotReadyException", err)
			}
		}},
		{"half of the model errors", `{"model_error_share": 0.5}`, func(s *sdk) {
			failed := 0
			for range 200 {
				if s.once() != nil {
					failed++
				}
			}
			if failed < 70 || failed > 130 {
				s.Errorf("%d of 200 invocations failed, want about 100", failed)
			}
		}},
		{"resets", `{"reset_share": 1}`, func(s *sdk) {
			err := s.once()
			s.wantStatus("an invocation", err, 0)
			if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); !ok {
				s.Errorf("an invocation: %v, want a failure to send", err)
			}
		}},
		{"hangs", `{"hang_share": 1}`, func(s *sdk) {
			began := time.Now()
			err := s.once()
			s.wantStatus("an invocation", err, 424)
			if took := time.Since(began); took != time.Minute || !strings.Contains(err.Error(), "timed out") {
				s.Errorf("an invocation failed after %v with %v, want a timeout after a minute", took, err)
			}
		}},
		{"access denied", `{"access_denied": ["InvokeEndpoint"]}`, func(s *sdk) {
			s.wantCode("an invocation", s.once(), "AccessDeniedException")
			s.wantStatus("an invocation", s.once(), 403)
			s.stream()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, byHand(), func(w *world) {
				s := newSDK(w)
				w.faults(tt.faults)
				tt.want(s)
				w.faults(`{}`)
				s.must("an invocation without faults", s.once())
			})
		})
	}
}

// TestControlFaults looks at the faults of the control planes.
func TestControlFaults(t *testing.T) {
	for _, tt := range []struct {
		name, faults string
		want         func(*sdk)
	}{
		{"slow", `{"control_delay": "20s"}`, func(s *sdk) {
			began := time.Now()
			errs := s.everyService()
			if took := time.Since(began); took != 60*time.Second+10*time.Millisecond {
				s.Errorf("three operations and an invocation took %v, want 20 s for each operation and 10 ms", took)
			}
			s.must("slow operations", errors.Join(errs["SageMaker"], errs["CloudWatch"], errs["Application Auto Scaling"], errs["SageMaker Runtime"]))
		}},
		{"throttled", `{"control_throttle_share": 1}`, func(s *sdk) {
			for service, err := range s.planes() {
				code := "ThrottlingException"
				if service == "CloudWatch" {
					code = "Throttling"
				}
				s.wantCode(service, err, code)
				s.wantStatus(service, err, 400)
				if !strings.Contains(err.Error(), "Rate exceeded") {
					s.Errorf("%s: %v, want Rate exceeded", service, err)
				}
			}
		}},
		{"failing", `{"control_error_share": 1}`, func(s *sdk) {
			for service, err := range s.planes() {
				s.wantStatus(service, err, 500)
				s.wantCode(service, err, "InternalFailure")
			}
		}},
		{"everything denied", `{"access_denied": ["*"]}`, func(s *sdk) {
			s.wantEverywhere("AccessDeniedException", "AccessDenied")
		}},
		{"one operation denied", `{"access_denied": ["DescribeEndpoint"]}`, func(s *sdk) {
			errs := s.planes()
			err := errs["SageMaker"]
			s.wantCode("DescribeEndpoint", err, "AccessDeniedException")
			if want := "is not authorized to perform: sagemaker:DescribeEndpoint on resource"; err == nil || !strings.Contains(err.Error(), want) {
				s.Errorf("DescribeEndpoint: %v, want it to contain %q", err, want)
			}
			s.must("the others", errors.Join(errs["CloudWatch"], errs["Application Auto Scaling"]))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, byHand(), func(w *world) {
				w.faults(tt.faults)
				tt.want(newSDK(w))
				w.faults(`{}`)
				newSDK(w).wantEverywhere("", "")
			})
		})
	}
}

// planes asks the control planes alone.
func (s *sdk) planes() map[string]error {
	errs := s.everyService()
	delete(errs, "SageMaker Runtime")
	return errs
}

// TestClockSkewHeals shows why the Date header is skewed too: the SDK reads the
// service's clock from it and signs by that at its second attempt.
func TestClockSkewHeals(t *testing.T) {
	inWorld(t, byHand(), func(w *world) {
		w.faults(`{"clock_skew": "20m"}`)
		newSDK(w).wantEverywhere("InvalidSignatureException", "SignatureDoesNotMatch")
		newSDK(w, func(c *aws.Config) { c.RetryMaxAttempts = 3 }).wantEverywhere("", "")
	})
}

// TestQuotaFault refuses what an operator asks for, and what a policy does.
func TestQuotaFault(t *testing.T) {
	s := newSDK(newWorld(t, byHand()))
	s.follow()
	s.faults(`{"instance_quota": 3}`)
	const why = "The account-level service limit 'ml.m5.xlarge for endpoint usage' is 3 Instances, with current utilization of 1 Instances and a request delta of 3 Instances."

	_, err := s.sagemaker.UpdateEndpointWeightsAndCapacities(s.Context(), &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
		EndpointName:                aws.String(sdkEndpoint),
		DesiredWeightsAndCapacities: []smtypes.DesiredWeightAndCapacity{{VariantName: aws.String("AllTraffic"), DesiredInstanceCount: aws.Int32(4)}},
	})
	s.wantCode("ask for 4 instances", err, "ResourceLimitExceeded")
	if limit, ok := errors.AsType[*smtypes.ResourceLimitExceeded](err); !ok || !strings.HasPrefix(limit.ErrorMessage(), why) {
		s.Errorf("ask for 4 instances: %v, want %q", err, why)
	}

	s.hold(8 * time.Minute)
	failed := s.activities("Setting desired instance count to 4.")
	want := "Failed to set desired instance count to 4. Reason: " + why
	if len(failed) == 0 || !strings.HasPrefix(failed[0], "Failed "+want) || !strings.Contains(failed[0], "Error Code: ResourceLimitExceeded") {
		s.Errorf("the activities are %q, want one that begins with %q", failed, "Failed "+want)
	}
	if v := s.variant(); *v.CurrentInstanceCount != 1 || *v.DesiredInstanceCount != 1 {
		s.Errorf("%d of %d instances, want 1 of 1", *v.CurrentInstanceCount, *v.DesiredInstanceCount)
	}

	s.faults(`{}`)
	s.hold(8 * time.Minute)
	if n := *s.variant().CurrentInstanceCount; n != 4 {
		s.Errorf("with the quota gone %d instances, want 4", n)
	}
}

// heldPerMinute needs all four instances.
const heldPerMinute = 240

// hold counts heldPerMinute invocations in each model minute.
func (s *sdk) hold(during time.Duration) {
	s.Helper()
	for range int(during / time.Minute) {
		s.must("count invocations", s.emulator.Record(sdkEndpoint, "AllTraffic", heldPerMinute, 10*time.Millisecond))
		s.must("advance", s.emulator.Advance(time.Minute))
	}
}

// TestLaunchFaults starts instances that are late, or never come.
func TestLaunchFaults(t *testing.T) {
	for _, tt := range []struct {
		name, faults string
		late         time.Duration // model time added
		never        bool
	}{
		{"as it should be", `{}`, 0, false},
		{"late", `{"provision_delay": "20m"}`, 20 * time.Minute, false},
		{"stuck", `{"stuck_instances": true}`, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSDK(newWorld(t, byHand()))
			s.faults(tt.faults)
			_, err := s.sagemaker.UpdateEndpointWeightsAndCapacities(s.Context(), &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
				EndpointName:                aws.String(sdkEndpoint),
				DesiredWeightsAndCapacities: []smtypes.DesiredWeightAndCapacity{{VariantName: aws.String("AllTraffic"), DesiredInstanceCount: aws.Int32(2)}},
			})
			s.must("ask for 2 instances", err)
			took := time.Duration(0)
			for ; *s.variant().CurrentInstanceCount < 2 && took < 50*time.Minute; took += 10 * time.Second {
				if status := s.status(); status != smtypes.EndpointStatusUpdating && took < 45*time.Minute {
					t.Errorf("after %v the endpoint is %s, want Updating", took, status)
				}
				s.must("advance", s.emulator.Advance(10*time.Second))
			}
			// The median is 270 s with a spread of a quarter: four of its standard deviations.
			soonest, latest := tt.late+99*time.Second, tt.late+734*time.Second
			if !tt.never && (took < soonest || took > latest) {
				t.Errorf("the instance came after %v of model time, want from %v to %v", took, soonest, latest)
			}
			out, err := s.sagemaker.DescribeEndpoint(s.Context(), &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)})
			s.must("describe the endpoint", err)
			instances, reason := *out.ProductionVariants[0].CurrentInstanceCount, aws.ToString(out.FailureReason)
			if tt.never && (instances != 1 || !strings.Contains(reason, "Unable to provision")) || !tt.never && instances != 2 {
				t.Errorf("in the end there are %d instances, failure %q", instances, reason)
			}
		})
	}
}

func (s *sdk) status() smtypes.EndpointStatus {
	s.Helper()
	out, err := s.sagemaker.DescribeEndpoint(s.Context(), &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)})
	s.must("describe the endpoint", err)
	return out.EndpointStatus
}

// TestMetricFaults delays and loses datapoints, and holds alarms: scaling is late, or does
// not happen.
func TestMetricFaults(t *testing.T) {
	for _, tt := range []struct {
		name, faults string
		scales       time.Duration // model time at which more is desired, 0 for never
		sees         bool          // datapoints
	}{
		// Minutes 0, 1 and 2 of 240 are visible 150 s after the end of the last.
		{"as it should be", `{}`, 6 * time.Minute, true},
		// Minute 0 is visible at 6:30. It is older than the three that must breach, and none
		// that is newer is there, which suffices (CloudWatch User Guide, "Avoiding premature
		// transitions to alarm state").
		{"delayed", `{"metric_delay": "3m"}`, 7 * time.Minute, true},
		{"delayed for long", `{"metric_delay": "1h"}`, 0, false},
		{"lost", `{"metric_loss": 1}`, 0, false},
		{"alarms held", `{"alarms_held": true}`, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSDK(newWorld(t, byHand()))
			s.follow()
			s.faults(tt.faults)
			scaled := time.Duration(0)
			for at := time.Minute; at <= 12*time.Minute; at += time.Minute {
				s.hold(time.Minute)
				if scaled == 0 && *s.variant().DesiredInstanceCount > 1 {
					scaled = at
				}
			}
			if scaled != tt.scales {
				t.Errorf("scaled after %v of model time, want %v", scaled, tt.scales)
			}
			if got := s.greatest("Invocations", "Sum"); (got == 240) != tt.sees {
				t.Errorf("at most %v invocations a minute are visible; want 240: %v", got, tt.sees)
			}
			out, err := s.cloudwatch.DescribeAlarms(s.Context(), &cloudwatch.DescribeAlarmsInput{StateValue: "ALARM"})
			s.must("describe the alarms", err)
			if (len(out.MetricAlarms) > 0) != (tt.scales > 0) {
				t.Errorf("%d alarms are in ALARM", len(out.MetricAlarms))
			}
		})
	}
}

// TestFaultsFromTheStart are those of the options.
func TestFaultsFromTheStart(t *testing.T) {
	options := byHand()
	options.Faults = emulator.Faults{ExpiredToken: true}
	newSDK(newWorld(t, options)).wantEverywhere("ExpiredTokenException", "ExpiredToken")
	options.Faults = emulator.Faults{HangShare: 3}
	if _, err := emulator.New(options); err == nil || !strings.Contains(err.Error(), "hang_share 3") {
		t.Errorf("New with a share of 3 = %v, want an error that names it", err)
	}
}
