package emulator_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"plimsoll/emulator"
)

// kept is what outlives an emulator, as clients see it.
type kept struct {
	Endpoint                              smtypes.ProductionVariantSummary
	Tags, Targets, Policies, Alarms, Done any
	Histories                             []string
}

// look reads everything that is kept.
func (s *sdk) look() string {
	s.Helper()
	ctx := s.Context()
	k := kept{Endpoint: s.variant()}
	described, err := s.sagemaker.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)})
	s.must("describe the endpoint", err)
	tags, err := s.sagemaker.ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: described.EndpointArn})
	s.must("list the tags", err)
	targets, err := s.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: astypes.ServiceNamespaceSagemaker})
	s.must("describe the targets", err)
	policies, err := s.scaling.DescribeScalingPolicies(ctx, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: astypes.ServiceNamespaceSagemaker})
	s.must("describe the policies", err)
	done, err := s.scaling.DescribeScalingActivities(ctx, &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: astypes.ServiceNamespaceSagemaker})
	s.must("describe the activities", err)
	alarms, err := s.cloudwatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
	s.must("describe the alarms", err)
	histories, err := s.cloudwatch.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{})
	s.must("describe the alarms' histories", err)
	for _, item := range histories.AlarmHistoryItems {
		k.Histories = append(k.Histories, fmt.Sprint(item.Timestamp, *item.AlarmName, *item.HistorySummary, aws.ToString(item.HistoryData)))
	}
	k.Tags, k.Targets, k.Policies, k.Alarms, k.Done = tags.Tags, targets.ScalableTargets, policies.ScalingPolicies, alarms.MetricAlarms, done.ScalingActivities
	text, err := json.MarshalIndent(k, "", " ")
	s.must("write what is kept", err)
	return string(text)
}

// TestStateSurvives kills an emulator whose endpoint has been scaled out, and another one
// goes on with what it has left.
func TestStateSurvives(t *testing.T) {
	options := byHand()
	options.StateFile = filepath.Join(t.TempDir(), "state.json")
	s := newSDK(newWorld(t, options))
	s.follow()
	described, err := s.sagemaker.DescribeEndpoint(t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: aws.String(sdkEndpoint)})
	s.must("describe the endpoint", err)
	_, err = s.sagemaker.AddTags(t.Context(), &sagemaker.AddTagsInput{ResourceArn: described.EndpointArn, Tags: []smtypes.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}})
	s.must("tag the endpoint", err)
	s.hold(32 * time.Minute) // so long that the low alarm is in ALARM: 60 each are below its 63
	before := s.look()
	if !strings.Contains(before, `"CurrentInstanceCount": 4`) || !strings.Contains(before, `"StateValue": "ALARM"`) ||
		!strings.Contains(before, "Successfully set desired instance count to 4") || !strings.Contains(before, "from INSUFFICIENT_DATA to ALARM") {
		t.Fatalf("there is little to keep: %s", before)
	}
	told := s.emulator.Now()

	options.StateFile = dead(t, options.StateFile)
	revived := newSDK(newWorld(t, options))
	if revived.emulator.Now().Before(told) {
		t.Errorf("model time ran back from %v to %v", told, revived.emulator.Now())
	}
	revived.must("advance", revived.emulator.Advance(time.Second))
	if after := revived.look(); after != before {
		t.Errorf("afterwards\n%s\nbefore\n%s", after, before)
	}
	if err := revived.once(); err != nil {
		t.Errorf("the revived endpoint does not answer: %v", err)
	}
	// The policy goes on, by the alarms that it has: idle, the endpoint is scaled in.
	revived.must("advance", revived.emulator.Advance(40*time.Minute))
	if got := revived.activities("Setting desired instance count to 1."); len(got) != 1 || *revived.variant().CurrentInstanceCount != 1 {
		t.Errorf("idle after a revival: %q, %d instances, want 1", got, *revived.variant().CurrentInstanceCount)
	}
}

// dead is a copy of a state file, as a kill at this moment would leave it.
func dead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "left.json")
	if err := os.WriteFile(left, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return left
}

// TestModelTimeGoesOn starts an emulator again: after the time that it last told, whether
// or not anything else has changed, or later if that is asked for.
func TestModelTimeGoesOn(t *testing.T) {
	begin := byHand().Start
	for _, tt := range []struct {
		name     string
		advances []time.Duration
		start    time.Time // of the second emulator
		earliest time.Time
	}{
		{"nothing happened", nil, begin, begin},
		{"time passed and nothing else", []time.Duration{time.Hour, 10 * time.Second}, begin, begin.Add(time.Hour + 10*time.Second)},
		{"started in the past", []time.Duration{time.Hour}, begin.Add(-24 * time.Hour), begin.Add(time.Hour)},
		{"started in the future", []time.Duration{time.Hour}, begin.Add(24 * time.Hour), begin.Add(24 * time.Hour)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			options := byHand()
			options.StateFile = filepath.Join(t.TempDir(), "state.json")
			first := newWorld(t, options)
			for _, d := range tt.advances {
				if err := first.emulator.Advance(d); err != nil {
					t.Fatal(err)
				}
			}
			options.StateFile, options.Start = dead(t, options.StateFile), tt.start
			got := newWorld(t, options).emulator.Now()
			if got.Before(tt.earliest) || got.After(tt.earliest.Add(time.Minute)) {
				t.Errorf("model time goes on at %v, want from %v on and within a minute", got, tt.earliest)
			}
		})
	}
}

// TestStateIsRefused starts on files that cannot be read.
func TestStateIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"repair it, or give another"}},
		{"no JSON", "name: demo", []string{"invalid character", "repair it, or give another"}},
		{"cut off", `{"schema_version": 1, "hosting": {`, []string{"unexpected end", "repair it, or give another"}},
		{"without a version", `{}`, []string{"has version 0, and this program reads 1"}},
		{"newer", `{"schema_version": 2}`, []string{"has version 2, and this program reads 1"}},
		{"newer, with other types", `{"schema_version": 2, "hosting": ["x"]}`, []string{"has version 2, and this program reads 1"}},
		{"wrong type", `{"schema_version": 1, "hosting": []}`, []string{"hosting: array is of the wrong type; repair it, or give another"}},
		{"no object", `[]`, []string{"the whole: array is of the wrong type; repair it, or give another"}},
		{"endpoint without a configuration", `{"schema_version": 1, "hosting": {"endpoints": [{"name": "demo"}]}}`, []string{`endpoint "demo"`, "no configuration"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			options := byHand()
			options.StateFile = filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(options.StateFile, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := emulator.New(options)
			if err == nil {
				t.Fatalf("New on %q made an emulator", tt.text)
			}
			for _, want := range append(tt.want, options.StateFile) {
				if n := strings.Count(err.Error(), want); n != 1 {
					t.Errorf("New = %q, want %q in it once", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("New = %q, want one line", err)
			}
			if text, err := os.ReadFile(options.StateFile); err != nil || string(text) != tt.text {
				t.Errorf("the refused file has become %q, %v", text, err)
			}
		})
	}
}

// TestStateThatCannotBeWritten is told: by an error at the start, and in the log later.
func TestStateThatCannotBeWritten(t *testing.T) {
	var lines []string
	options := byHand()
	options.NoAuth, options.Log = true, func(line string) { lines = append(lines, line) }
	options.StateFile = filepath.Join(t.TempDir(), "nowhere", "state.json")
	if _, err := emulator.New(options); err == nil || !strings.Contains(err.Error(), "saving the state in "+options.StateFile) {
		t.Errorf("New with a state file in no directory = %v, want an error that names it", err)
	}
	directory := filepath.Dir(options.StateFile)
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, options)
	if err := os.Rename(directory, directory+"-away"); err != nil {
		t.Fatal(err)
	}
	s := newSDK(w)
	s.follow()
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "saving the state") }) {
		t.Errorf("the log is %q, want it to tell that the state could not be saved", lines)
	}
	if err := os.Rename(directory+"-away", directory); err != nil {
		t.Fatal(err)
	}
}
