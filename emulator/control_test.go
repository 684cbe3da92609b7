package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"plimsoll/emulator"
)

// byHand is an emulator whose model time stands still, with one endpoint.
func byHand() emulator.Options {
	return emulator.Options{
		Model: oneInstance(), Endpoints: []emulator.Endpoint{{Name: sdkEndpoint}}, Seed: 1,
		Start: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
	}
}

func TestControlRoutes(t *testing.T) {
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		want                     []string // in the answer
	}{
		{"info", "GET", "", "", 200, []string{`"model_time": "2026-11-24T10:00:00Z"`, `"speed": 0`, `"region": "us-east-1"`, `"account": "123456789012"`, `"behind": "service=10ms`, `"missing_operations": []`}},
		{"faults, none", "GET", "faults", "", 200, []string{"{}"}},
		{"faults, replaced", "PUT", "faults", `{"hang_share": 0.5, "metric_delay": "90s"}`, 200, []string{`"hang_share": 0.5`, `"metric_delay": "1m30s"`}},
		{"faults, ended", "PUT", "faults", `{}`, 200, []string{"{}"}},
		{"faults, no JSON", "PUT", "faults", `{"hang_share": 0.5`, 400, []string{"reading the request"}},
		{"faults, empty", "PUT", "faults", ``, 400, []string{"reading the request"}},
		{"faults, unknown", "PUT", "faults", `{"hang": 0.5}`, 400, []string{`unknown field \"hang\"`}},
		{"faults, wrong type", "PUT", "faults", `{"stuck_instances": "yes"}`, 400, []string{"stuck_instances"}},
		{"faults, two documents", "PUT", "faults", `{} {}`, 400, []string{"more than one JSON document"}},
		{"faults, out of range", "PUT", "faults", `{"reset_share": 2}`, 400, []string{"reset_share 2", "from 0 to 1"}},
		{"faults, wrong length of time", "PUT", "faults", `{"control_delay": "soon"}`, 400, []string{`\"soon\"`, "such as 90s"}},
		{"faults, too long", "PUT", "faults", `{"access_denied": ["` + strings.Repeat("x", 1<<20) + `"]}`, 400, []string{"too large"}},
		{"faults, by POST", "POST", "faults", `{}`, 405, nil},
		{"time", "GET", "time", "", 200, []string{`"model_time": "2026-11-24T10:00:00Z"`, `"speed": 0`}},
		{"time, forward", "POST", "time", `{"advance": "10m"}`, 200, []string{`"model_time": "2026-11-24T10:10:00Z"`}},
		{"time, by a day", "POST", "time", `{"advance": "24h"}`, 200, []string{`"model_time": "2026-11-25T10:00:00Z"`}},
		{"time, further", "POST", "time", `{"advance": "1008h1ns"}`, 400, []string{"1008h0m0.000000001s", "at most 1008h"}},
		{"time, not at all", "POST", "time", `{"advance": "0s"}`, 400, []string{"advance 0s"}},
		{"time, backwards", "POST", "time", `{"advance": "-1m"}`, 400, []string{"advance -1m0s"}},
		{"time, a number", "POST", "time", `{"advance": 600}`, 400, []string{"advance"}},
		{"time, unknown field", "POST", "time", `{"set": "10m"}`, 400, []string{`unknown field \"set\"`}},
		{"invocations", "POST", "invocations", `{"endpoint": "sdk-endpoint", "variant": "AllTraffic", "requests": 500, "latency": "20ms"}`, 200, []string{`"requests": 500`}},
		{"invocations, none", "POST", "invocations", `{"endpoint": "sdk-endpoint", "variant": "AllTraffic"}`, 400, []string{"requests"}},
		{"invocations, too many", "POST", "invocations", `{"endpoint": "sdk-endpoint", "variant": "AllTraffic", "requests": 1e10}`, 400, []string{"at most 1e9"}},
		{"invocations, unknown endpoint", "POST", "invocations", `{"endpoint": "nobody", "variant": "AllTraffic", "requests": 1}`, 400, []string{`endpoint \"nobody\"`}},
		{"invocations, unknown variant", "POST", "invocations", `{"endpoint": "sdk-endpoint", "variant": "blue", "requests": 1}`, 400, []string{`variant \"blue\"`}},
		{"invocations, unknown field", "POST", "invocations", `{"endpoint": "sdk-endpoint", "count": 1}`, 400, []string{`unknown field \"count\"`}},
		{"reset", "POST", "reset", "", 200, []string{`"model_time": "2026-11-24T10:00:00Z"`}},
		{"reset, by GET", "GET", "reset", "", 405, nil},
		{"nothing there", "GET", "endpoints", "", 404, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, byHand())
			got := w.ask(tt.method, emulator.ControlPath+tt.path, tt.body)
			if got.status != tt.status {
				t.Errorf("%s %s = %d %s, want %d", tt.method, tt.path, got.status, got.body, tt.status)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.body, want) {
					t.Errorf("%s %s = %s, want it to contain %s", tt.method, tt.path, got.body, want)
				}
			}
			if got.header.Get(emulator.ModelTimeHeader) == "" {
				t.Errorf("%s %s told no model time", tt.method, tt.path)
			}
			if tt.status == http.StatusBadRequest {
				var refused struct{ Error string }
				if w.decode(got, &refused); refused.Error == "" || strings.Contains(refused.Error, "\n") {
					t.Errorf("%s %s was refused by %q, want one line that says why", tt.method, tt.path, refused.Error)
				}
			}
		})
	}
}

// TestControlCallers tries the control API from elsewhere. A caller without an IP address
// is in the same process.
func TestControlCallers(t *testing.T) {
	for remote, status := range map[string]int{
		"127.0.0.1:4000": 200, "127.9.9.9:4000": 200, "[::1]:4000": 200, "[::ffff:127.0.0.1]:4000": 200, "memnet": 200,
		"192.0.2.1:4000": 403, "[2001:db8::1]:4000": 403, "[::ffff:192.0.2.1]:4000": 403, "10.0.0.1:4000": 403, "evil.example:80": 403,
	} {
		t.Run(remote, func(t *testing.T) {
			w := newWorld(t, byHand())
			for path, method := range map[string]string{"": "GET", "faults": "PUT", "reset": "POST", "elsewhere": "GET"} {
				r, err := http.NewRequestWithContext(t.Context(), method, "http://emulator"+emulator.ControlPath+path, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				r.RemoteAddr = remote
				want := status
				if status == 200 && path == "elsewhere" {
					want = 404
				}
				got := w.send(r)
				if got.status != want || want == 403 && !strings.Contains(got.body, remote) {
					t.Errorf("%s %q from %s = %d %s, want %d", method, path, remote, got.status, got.body, want)
				}
			}
		})
	}
}

// TestControlCountsInvocations reads back what was counted and never sent.
func TestControlCountsInvocations(t *testing.T) {
	s := newSDK(newWorld(t, byHand()))
	for _, requests := range []string{"500", "100"} {
		got := s.ask("POST", emulator.ControlPath+"invocations", `{"endpoint":"sdk-endpoint","variant":"AllTraffic","requests":`+requests+`,"latency":"20ms"}`)
		if got.status != http.StatusOK {
			t.Fatalf("counting: %d %s", got.status, got.body)
		}
	}
	if got := s.ask("POST", emulator.ControlPath+"time", `{"advance":"10m"}`); got.status != http.StatusOK {
		t.Fatalf("advancing: %d %s", got.status, got.body)
	}
	if got := s.greatest("Invocations", "Sum"); got != 600 {
		t.Errorf("at most %v invocations a minute, want 600", got)
	}
	if got := s.greatest("ModelLatency", "Average"); got != 20_000 {
		t.Errorf("a model latency of %v µs, want 20 000", got)
	}
}

// greatest is the highest value of an endpoint's metric by minute, 0 if there is none.
func (s *sdk) greatest(metric, statistic string) float64 {
	s.Helper()
	out, err := s.cloudwatch.GetMetricData(s.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(s.emulator.Now().Add(-3 * time.Hour)), EndTime: aws.Time(s.emulator.Now()),
		MetricDataQueries: metricQueries(metric, statistic),
	})
	s.must("get metric "+metric, err)
	greatest := 0.0
	for _, v := range out.MetricDataResults[0].Values {
		greatest = max(greatest, v)
	}
	return greatest
}

// TestReset begins again, with faults of the options, and model time goes on.
func TestReset(t *testing.T) {
	options := byHand()
	options.Faults, options.NoAuth = emulator.Faults{MetricLoss: 0.25}, true
	s := newSDK(newWorld(t, options))
	s.follow()
	s.faults(`{"hang_share": 1}`)
	_, err := s.sagemaker.DeleteEndpoint(s.Context(), &sagemaker.DeleteEndpointInput{EndpointName: aws.String(sdkEndpoint)})
	s.must("delete the endpoint", err)
	s.ask("POST", "/", "{}", "X-Amz-Target", "SageMaker.NoSuchThing", "Content-Type", "application/x-amz-json-1.1")
	s.must("advance", s.emulator.Advance(5*time.Minute))

	got := s.ask("POST", emulator.ControlPath+"reset", "")
	if want := "2026-11-24T10:05:00Z"; got.status != http.StatusOK || !strings.Contains(got.body, want) {
		t.Errorf("reset = %d %s, want model time to go on from %s", got.status, got.body, want)
	}
	if f := s.emulator.Faults(); f.HangShare != 0 || f.MetricLoss != 0.25 {
		t.Errorf("after a reset the faults are %+v, want those of the options", f)
	}
	if n := *s.variant().CurrentInstanceCount; n != 1 {
		t.Errorf("after a reset %d instances are in service, want 1", n)
	}
	targets, err := s.scaling.DescribeScalableTargets(s.Context(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: astypes.ServiceNamespaceSagemaker})
	s.must("describe the targets", err)
	policies, err := s.scaling.DescribeScalingPolicies(s.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: astypes.ServiceNamespaceSagemaker})
	s.must("describe the policies", err)
	alarms, err := s.cloudwatch.DescribeAlarms(s.Context(), &cloudwatch.DescribeAlarmsInput{})
	s.must("describe the alarms", err)
	if a, b, c := len(targets.ScalableTargets), len(policies.ScalingPolicies), len(alarms.MetricAlarms); a+b+c != 0 {
		t.Errorf("after a reset there are %d targets, %d policies, %d alarms, want none", a, b, c)
	}
	if got := s.ask("GET", emulator.ControlPath, ""); !strings.Contains(got.body, `"missing_operations": []`) {
		t.Errorf("after a reset %s, want no missing operation", got.body)
	}
	s.must("advance", s.emulator.Advance(time.Minute))
	s.follow()
}

// TestMissingOperations are named, once.
func TestMissingOperations(t *testing.T) {
	var lines []string
	options := byHand()
	options.NoAuth = true
	options.Log = func(line string) { lines = append(lines, line) }
	w := newWorld(t, options)
	for range 3 {
		w.ask("POST", "/", "{}", "X-Amz-Target", "SageMaker.CreateTrainingJob", "Content-Type", "application/x-amz-json-1.1")
		w.ask("POST", "/endpoints/demo/async-invocations", "{}")
	}
	got := w.ask("GET", emulator.ControlPath, "")
	for _, want := range []string{"SageMaker CreateTrainingJob", "SageMaker Runtime POST /endpoints/demo/async-invocations"} {
		if !strings.Contains(got.body, `"`+want+`"`) {
			t.Errorf("the missing operations are %s, want %q among them", got.body, want)
		}
		if n := strings.Count(strings.Join(lines, "\n"), want); n != 1 {
			t.Errorf("the log names %q %d times, want once: %q", want, n, lines)
		}
	}
}

// TestTwoTimes looks at the headers: Date is real, and skewed when that is asked for, and
// model time has its own.
func TestTwoTimes(t *testing.T) {
	options := byHand()
	options.Speed = 60
	inWorld(t, options, func(w *world) {
		check := func(when string, skew time.Duration) {
			w.Helper()
			for _, path := range []string{emulator.ControlPath + "time", "/endpoints/" + sdkEndpoint + "/invocations", "/"} {
				before, model := time.Now(), w.emulator.Now()
				got := w.ask("GET", path, "")
				date, err := http.ParseTime(got.header.Get("Date"))
				if want := before.Add(skew).UTC().Truncate(time.Second); err != nil || !date.Equal(want) {
					w.Errorf("%s: the Date of %s is %q, want %v", when, path, got.header.Get("Date"), want)
				}
				told, err := time.Parse(time.RFC3339, got.header.Get(emulator.ModelTimeHeader))
				if err != nil || !told.Equal(model) {
					w.Errorf("%s: the model time of %s is %q, want %v", when, path, got.header.Get(emulator.ModelTimeHeader), model)
				}
			}
		}
		check("at first", 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		check("after a minute", 0)
		w.faults(`{"clock_skew": "-15m"}`)
		check("skewed", -15*time.Minute)
		w.faults(`{}`)
		check("no longer skewed", 0)
	})
}
