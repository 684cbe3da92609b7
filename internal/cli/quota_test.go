package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"plimsoll/experiment"
	"plimsoll/sagemaker"
)

// TestBeyondQuota: a maximum that the account may not have is warned of; a quota that is not
// known is no reason to.
func TestBeyondQuota(t *testing.T) {
	const quotas = `{"Quotas":[{"QuotaName":"ml.m5.xlarge for endpoint usage","Value":4}]}`
	for name, c := range map[string]struct {
		answer string // "": access is denied
		most   int
		want   string
	}{
		"within":    {quotas, 4, ""},
		"beyond":    {quotas, 5, "the account's quota is 4 of ml.m5.xlarge for endpoint usage, and 5 are needed"},
		"not known": {"", 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				if c.answer == "" {
					w.WriteHeader(http.StatusBadRequest)
					_, _ = io.WriteString(w, `{"__type":"AccessDeniedException"}`)
					return
				}
				answer, ok := map[string]string{ // the variant's own instances are not elsewhere
					"SageMaker.ListEndpoints":          `{"Endpoints":[{"EndpointName":"demo","EndpointStatus":"InService"}]}`,
					"SageMaker.DescribeEndpoint":       `{"EndpointStatus":"InService","EndpointConfigName":"c","ProductionVariants":[{"VariantName":"AllTraffic","CurrentInstanceCount":3}]}`,
					"SageMaker.DescribeEndpointConfig": `{"ProductionVariants":[{"VariantName":"AllTraffic","InstanceType":"ml.m5.xlarge"}]}`,
				}[r.Header.Get("X-Amz-Target")]
				if !ok {
					answer = c.answer
				}
				_, _ = io.WriteString(w, answer)
			}))
			defer server.Close()
			for name, value := range map[string]string{
				"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
				"AWS_SESSION_TOKEN": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
			} {
				t.Setenv(name, value)
			}
			aws, err := sagemaker.Connect(t.Context(), sagemaker.ControlOptions{Attempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer aws.Close()
			v := experiment.Variant{Endpoint: "demo", Name: "AllTraffic"}
			r := &reached{aws: aws, looked: looked{variant: v, endpoint: experiment.EndpointState{Variants: []experiment.VariantState{{Name: v.Name, InstanceType: "ml.m5.xlarge"}}}}}
			got := strings.Join(r.beyondQuota(t.Context(), c.most), "\n")
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
