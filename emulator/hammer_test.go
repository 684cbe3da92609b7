package emulator_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/smithy-go"

	"plimsoll/fleet"
)

// TestHammer does everything at once, with the loop running and faults coming and going:
// every call ends, with an answer or an error of the service, and all of it ends cleanly.
// Run it with -race.
func TestHammer(t *testing.T) {
	options := byHand()
	options.Speed = 60
	inWorld(t, options, func(w *world) {
		s := newSDK(w)
		s.follow()
		var all sync.WaitGroup
		for _, each := range s.chores() {
			for range each.by {
				all.Go(func() {
					for k := range each.times {
						if err := each.do(k); !expected(err) {
							t.Errorf("%s, the %d. time: %v", each.name, k, err)
						}
						time.Sleep(each.every)
					}
				})
			}
		}
		all.Wait()
		w.faults(`{}`)
		s.must("reset in the end", w.emulator.Reset())
		newSDK(w).wantEverywhere("", "")
	})
}

// expected tells whether an error is one that the service gives, or a reset by fault.
func expected(err error) bool {
	_, told := errors.AsType[smithy.APIError](err)
	return err == nil || told || errors.Is(err, io.EOF) || strings.Contains(err.Error(), "connection reset")
}

// chore is something that is done again and again by several at once.
type chore struct {
	name  string
	by    int
	times int
	every time.Duration
	do    func(k int) error
}

func (s *sdk) chores() []chore {
	ctx, endpoint := s.Context(), aws.String(sdkEndpoint)
	faults := []string{
		`{}`, `{"throttle_per_second": 50}`, `{"reset_share": 0.2}`, `{"model_error_share": 0.5}`, `{"control_throttle_share": 0.3}`,
		`{"instance_quota": 1}`, `{"metric_delay": "2m", "provision_delay": "1m"}`, `{"stuck_instances": true}`, `{"expired_token": true}`, `{"clock_skew": "10m"}`,
	}
	control := func(method, path, body string) error {
		if got := s.ask(method, "/_plimsoll/"+path, body); got.status != http.StatusOK {
			return fmt.Errorf("%s %s: %d %s", method, path, got.status, got.body)
		}
		return nil
	}
	return []chore{
		{"invoke", 8, 200, 7 * time.Millisecond, func(int) error { return s.once() }},
		{"stream", 2, 50, 30 * time.Millisecond, func(int) error {
			own := newSDK(s.world) // streams of one client race with each other, inside smithy-go 1.28.9
			out, err := own.runtime.InvokeEndpointWithResponseStream(ctx, &sagemakerruntime.InvokeEndpointWithResponseStreamInput{EndpointName: endpoint, Body: []byte("{}")})
			if err != nil {
				return err
			}
			events := out.GetStream()
			parts := 0
			for range events.Events() {
				parts++
			}
			if parts == 0 && events.Err() == nil {
				return errors.New("a stream without a part")
			}
			return errors.Join(events.Err(), events.Close())
		}},
		{"scale by hand", 2, 40, 41 * time.Millisecond, func(k int) error {
			_, err := s.sagemaker.UpdateEndpointWeightsAndCapacities(ctx, &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
				EndpointName: endpoint, DesiredWeightsAndCapacities: []smtypes.DesiredWeightAndCapacity{
					{VariantName: aws.String("AllTraffic"), DesiredInstanceCount: aws.Int32(int32(1 + k%4))},
				},
			})
			return err
		}},
		{"describe", 2, 60, 23 * time.Millisecond, func(int) error {
			for _, err := range s.everyService() {
				if !expected(err) {
					return err
				}
			}
			return nil
		}},
		{"read", 1, 60, 23 * time.Millisecond, func(int) error {
			_, err := s.cloudwatch.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(s.emulator.Now().Add(-time.Hour)), EndTime: aws.Time(s.emulator.Now().Add(time.Minute)), MetricDataQueries: metricQueries("Invocations", "Sum"),
			})
			return err
		}},
		{"bounds", 1, 40, 37 * time.Millisecond, func(k int) error {
			_, err := s.scaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
				ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource),
				ScalableDimension: astypes.ScalableDimensionSageMakerVariantDesiredInstanceCount, MinCapacity: aws.Int32(int32(1 + k%2)), MaxCapacity: aws.Int32(4),
			})
			return err
		}},
		{"delete", 1, 10, 150 * time.Millisecond, func(int) error {
			_, err := s.sagemaker.DeleteEndpoint(ctx, &sagemaker.DeleteEndpointInput{EndpointName: endpoint})
			return err
		}},
		{"faults", 1, 60, 25 * time.Millisecond, func(k int) error { return control("PUT", "faults", faults[k%len(faults)]) }},
		{"time", 1, 20, 71 * time.Millisecond, func(int) error { return control("POST", "time", `{"advance": "2m"}`) }},
		{"reset", 1, 20, 70 * time.Millisecond, func(int) error { return control("POST", "reset", "") }},
	}
}

// TestHastyContainer has a container answer before it has read the payload, many at once:
// what is still being sent to it must not change meanwhile. It shows with -race alone.
func TestHastyContainer(t *testing.T) {
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, read, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("taking the connection over: %v", err)
			return
		}
		defer connection.Close()
		_, err = io.WriteString(connection, "HTTP/1.1 418 I'm a teapot\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		if err != nil {
			t.Errorf("answering: %v", err)
		}
		_, _ = io.CopyN(io.Discard, read, r.ContentLength) // unless the emulator breaks it off
	}))
	defer container.Close()
	options := byHand()
	options.Model, options.URL = fleet.Model{}, container.URL
	s := newSDK(newWorld(t, options))
	payload := bytes.Repeat([]byte("x"), 900<<10)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				_, err := s.runtime.InvokeEndpoint(t.Context(), &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String(sdkEndpoint), Body: payload})
				s.wantCode("a container that does not read", err, "ModelError")
			}
		})
	}
	all.Wait()
}
