package emulator_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"plimsoll/emulator"
)

// phase is a load that is held, in model time.
type phase struct {
	lasts     time.Duration
	perSecond float64 // requests, real
}

// scenario is a base load, a step up, a step down and an end. With a target of 70 a
// minute for each instance:
//
//	240 a minute → ceil(240/70) = 4 instances of 60 each, which is below the low alarm's 63, but too much for 3
//	120 a minute → ceil(120/70) = 2 instances, once all fifteen minutes that are looked at are like it
//	none         → 1 instance, once all fifteen are empty
func scenario() []phase {
	return []phase{{5 * time.Minute, 1}, {20 * time.Minute, 4}, {25 * time.Minute, 2}, {25 * time.Minute, 0}}
}

const (
	scenarioTarget = 70
	scenarioLength = 75 * time.Minute
	scenarioLook   = 2 * time.Second // model time between two looks at the capacity
)

func scenarioOptions(speed float64) emulator.Options {
	return emulator.Options{
		Model: oneInstance(), Endpoints: []emulator.Endpoint{{Name: sdkEndpoint}}, Speed: speed, Seed: 11, NoAuth: true,
		Start: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
	}
}

// moment is a capacity and since when it has been so, in model time since the start.
type moment struct {
	at                 time.Duration
	desired, inService int
}

func (m moment) String() string {
	return fmt.Sprintf("%d:%02d %d/%d", m.at/time.Minute, m.at%time.Minute/time.Second, m.inService, m.desired)
}

// TestSpeeds holds the same scenario at three speeds, over HTTP, and with the loop driven
// by hand, with counted requests: capacity takes the same course.
func TestSpeeds(t *testing.T) {
	courses := map[string][]moment{}
	order := []string{"by hand"}
	synctest.Test(t, func(t *testing.T) { courses["by hand"] = driveByHand(t) })
	for _, speed := range []float64{60, 10, 1} {
		name := fmt.Sprintf("speed %v", speed)
		order = append(order, name)
		inWorld(t, scenarioOptions(speed), func(w *world) { courses[name] = w.drive(speed) })
	}
	t.Log("capacity in service/desired, since model time:\n" + table(order, courses))

	// Minutes 5, 6 and 7 are above the target; the last is visible 150 s after its end,
	// at 10:30, and the alarm is evaluated at the next whole minute. Likewise the last of
	// the fifteen minutes from 25 on is visible at 42:30.
	want := courses["by hand"]
	if at := 11 * time.Minute; len(want) < 2 || want[1] != (moment{at, 4, 1}) {
		t.Errorf("by hand, the scale-out begins with %v, want 1/4 at %v", want, at)
	}
	if at := 43 * time.Minute; !slices.Contains(want, moment{at, 2, 2}) {
		t.Errorf("by hand, the course is %v, want 2/2 from %v on", want, at)
	}
	for _, name := range order[1:] {
		compare(t, name, courses[name], want)
	}
}

// compare asks for the same capacities, each within one evaluation period.
func compare(t *testing.T, name string, got, want []moment) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: capacity changes %d times, by hand %d times", name, len(got), len(want))
		return
	}
	for i, g := range got {
		w := want[i]
		if g.desired != w.desired || g.inService != w.inService || (g.at-w.at).Abs() > time.Minute {
			t.Errorf("%s: %v, by hand %v; want the same within a minute", name, g, w)
		}
	}
}

// table has a row for each change and a column for each course.
func table(order []string, courses map[string][]moment) string {
	var b strings.Builder
	rows := 0
	for _, name := range order {
		fmt.Fprintf(&b, "%12s", name)
		rows = max(rows, len(courses[name]))
	}
	for i := range rows {
		b.WriteByte('\n')
		for _, name := range order {
			cell := ""
			if course := courses[name]; i < len(course) {
				cell = course[i].String()
			}
			fmt.Fprintf(&b, "%12s", cell)
		}
	}
	return b.String()
}

// driveByHand holds the scenario without a request.
func driveByHand(t *testing.T) []moment {
	t.Helper()
	w := newWorld(t, scenarioOptions(0))
	w.follow()
	start := w.emulator.Now()
	var course []moment
	for _, p := range scenario() {
		for second := range int(p.lasts / time.Second) {
			if time.Duration(second)*time.Second%scenarioLook == 0 {
				course = w.note(course, start)
			}
			if p.perSecond > 0 {
				if err := w.emulator.Record(sdkEndpoint, emulator.DefaultVariant, p.perSecond, 10*time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.emulator.Advance(time.Second); err != nil {
				t.Fatal(err)
			}
		}
	}
	return course
}

// drive holds the scenario with requests over HTTP.
func (w *world) drive(speed float64) []moment {
	w.Helper()
	w.follow()
	realTime := func(model time.Duration) time.Duration { return time.Duration(float64(model) / speed) }
	began, start := time.Now(), w.emulator.Now()
	var sending sync.WaitGroup
	sending.Go(func() {
		from := began
		for _, p := range scenario() {
			for k := range int(p.perSecond * realTime(p.lasts).Seconds()) {
				time.Sleep(time.Until(from.Add(time.Duration((float64(k) + 0.5) / p.perSecond * float64(time.Second)))))
				if got := w.ask(http.MethodPost, "/endpoints/"+sdkEndpoint+"/invocations", "{}"); got.status != http.StatusOK {
					w.Errorf("an invocation was answered %d %s", got.status, got.body)
				}
			}
			from = from.Add(realTime(p.lasts))
		}
	})
	var course []moment
	for at := time.Duration(0); at < scenarioLength; at += scenarioLook {
		time.Sleep(time.Until(began.Add(realTime(at) + time.Millisecond)))
		course = w.note(course, start)
	}
	sending.Wait()
	return course
}

// follow puts a target-tracking policy on the endpoint, from 1 to 4 instances.
func (w *world) follow() {
	w.Helper()
	s := newSDK(&world{T: w.T, emulator: w.emulator, client: &http.Client{Transport: direct{w.emulator}}})
	_, err := s.scaling.RegisterScalableTarget(s.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource),
		ScalableDimension: astypes.ScalableDimensionSageMakerVariantDesiredInstanceCount, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(4),
	})
	s.must("register the variant", err)
	_, err = s.scaling.PutScalingPolicy(s.Context(), &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String("follow"), PolicyType: astypes.PolicyTypeTargetTrackingScaling,
		ServiceNamespace: astypes.ServiceNamespaceSagemaker, ResourceId: aws.String(sdkResource),
		ScalableDimension: astypes.ScalableDimensionSageMakerVariantDesiredInstanceCount,
		TargetTrackingScalingPolicyConfiguration: &astypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(scenarioTarget), ScaleInCooldown: aws.Int32(300), ScaleOutCooldown: aws.Int32(60),
			PredefinedMetricSpecification: &astypes.PredefinedMetricSpecification{
				PredefinedMetricType: astypes.MetricTypeSageMakerVariantInvocationsPerInstance,
			},
		},
	})
	s.must("put a policy", err)
}

// note adds the present capacity to a course if it is another than before. It asks the
// handler, not over the network, so as to disturb nothing.
func (w *world) note(course []moment, start time.Time) []moment {
	w.Helper()
	local := &world{T: w.T, client: &http.Client{Transport: direct{w.emulator}}}
	now := w.emulator.Now().Sub(start).Truncate(time.Second)
	var described struct {
		ProductionVariants []struct{ CurrentInstanceCount, DesiredInstanceCount int }
	}
	local.decode(local.ask(http.MethodPost, "/", `{"EndpointName":"`+sdkEndpoint+`"}`,
		"Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "SageMaker.DescribeEndpoint"), &described)
	v := described.ProductionVariants[0]
	if n := len(course); n > 0 && course[n-1].desired == v.DesiredInstanceCount && course[n-1].inService == v.CurrentInstanceCount {
		return course
	}
	return append(course, moment{at: now, desired: v.DesiredInstanceCount, inService: v.CurrentInstanceCount})
}
