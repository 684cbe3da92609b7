package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"plimsoll/emulator"
)

// direct is a client whose requests are calls of a handler, from this machine: it needs
// no network and so no virtual time.
type direct struct{ handler http.Handler }

// RoundTrip is what an [http.Client] asks of its transport.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	if r.ContentLength > 0 { // which a server finds among the headers
		r.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if r.RemoteAddr == "" {
		r.RemoteAddr = "127.0.0.1:50000"
	}
	answer := httptest.NewRecorder()
	d.handler.ServeHTTP(answer, r)
	response := answer.Result()
	response.Request = r
	return response, nil
}

// newWorld is an emulator that is called directly, and ended with the test.
func newWorld(t *testing.T, options emulator.Options) *world {
	t.Helper()
	e, err := emulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("closing the emulator: %v", err)
		}
	})
	return &world{T: t, emulator: e, client: &http.Client{Transport: direct{e}}}
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request and reads the whole answer.
func (w *world) ask(method, path, body string, headers ...string) answer {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, "http://emulator"+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) answer {
	w.Helper()
	response, err := w.client.Do(r)
	if err != nil {
		w.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatalf("%s %s: reading the answer: %v", r.Method, r.URL.Path, err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: string(body)}
}

// faults switches faults on by the control API, as JSON.
func (w *world) faults(text string) {
	w.Helper()
	if got := w.ask(http.MethodPut, emulator.ControlPath+"faults", text); got.status != http.StatusOK {
		w.Fatalf("switching faults %s on: %d %s", text, got.status, got.body)
	}
}

// metricQueries asks for a metric of the SDK tests' endpoint by minute.
func metricQueries(metric, statistic string) []cwtypes.MetricDataQuery {
	return []cwtypes.MetricDataQuery{{Id: aws.String("q"), MetricStat: &cwtypes.MetricStat{
		Period: aws.Int32(60), Stat: aws.String(statistic),
		Metric: &cwtypes.Metric{Namespace: aws.String("AWS/SageMaker"), MetricName: aws.String(metric), Dimensions: []cwtypes.Dimension{
			{Name: aws.String("EndpointName"), Value: aws.String(sdkEndpoint)},
			{Name: aws.String("VariantName"), Value: aws.String("AllTraffic")},
		}},
	}}}
}

// decode reads an answer's JSON.
func (w *world) decode(from answer, into any) {
	w.Helper()
	if err := json.Unmarshal([]byte(from.body), into); err != nil {
		w.Fatalf("answer %d %q: %v", from.status, from.body, err)
	}
}

// activities are the status and message of the scaling activities with a description,
// newest first.
func (s *sdk) activities(description string) []string {
	s.Helper()
	out, err := s.scaling.DescribeScalingActivities(s.Context(), &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: astypes.ServiceNamespaceSagemaker, IncludeNotScaledActivities: aws.Bool(true),
	})
	s.must("describe the activities", err)
	var found []string
	for _, a := range out.ScalingActivities {
		if *a.Description == description {
			found = append(found, string(a.StatusCode)+" "+aws.ToString(a.StatusMessage))
		}
	}
	return found
}
