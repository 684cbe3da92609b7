package quota

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"plimsoll/emulator/internal/wire"
)

// ask calls an operation in JSON, as clients do, and reads the answer.
func ask(t *testing.T, s *Service, operation, input string, answer any) (status int, text string) {
	t.Helper()
	server, err := wire.NewServer(wire.ServerOptions{}, s.Wire())
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(input))
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "ServiceQuotasV20190624."+operation)
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, request)
	text = recorder.Body.String()
	if answer != nil {
		if err := json.Unmarshal([]byte(text), answer); err != nil {
			t.Fatalf("%s: %v: %s", operation, err, text)
		}
	}
	return recorder.Code, text
}

func newService(t *testing.T) *Service {
	t.Helper()
	s, err := New(Options{Region: "eu-central-1", Account: "123456789012", Applied: func() int { return 7 }, Default: func() int { return 4 }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The pages hold every type once, and a quota is the same in a list and alone.
func TestQuotasByPageAndByCode(t *testing.T) {
	s, seen, next := newService(t), map[string]bool{}, ""
	for {
		var page listOutput
		input, err := json.Marshal(map[string]any{"ServiceCode": "sagemaker", "MaxResults": 30, "NextToken": next})
		if err != nil {
			t.Fatal(err)
		}
		if status, text := ask(t, s, "ListServiceQuotas", string(input), &page); status != 200 {
			t.Fatalf("%d: %s", status, text)
		}
		for _, q := range page.Quotas {
			if seen[q.QuotaName] || q.Value != 7 || !strings.HasSuffix(q.QuotaName, " for endpoint usage") {
				t.Errorf("%+v: seen %v, want a value of 7 once", q, seen[q.QuotaName])
			}
			seen[q.QuotaName] = true
			if len(seen) == 1 {
				var one getOutput
				if _, text := ask(t, s, "GetAWSDefaultServiceQuota", `{"ServiceCode":"sagemaker","QuotaCode":"`+q.QuotaCode+`"}`, &one); one.Quota.Value != 4 || one.Quota.QuotaName != q.QuotaName {
					t.Errorf("the default: %s, want 4 for %s", text, q.QuotaName)
				}
			}
		}
		if next = page.NextToken; next == "" {
			break
		}
	}
	if len(seen) != len(instanceTypes()) || !seen["ml.m5.xlarge for endpoint usage"] {
		t.Errorf("%d quotas, want one for each of %d types", len(seen), len(instanceTypes()))
	}
}

func TestQuotasRefuse(t *testing.T) {
	for name, row := range map[string]struct{ operation, input, want string }{
		"another service":     {"ListServiceQuotas", `{"ServiceCode":"ec2"}`, "NoSuchResourceException"},
		"no service":          {"ListServiceQuotas", `{}`, "serviceCode"},
		"an unknown code":     {"GetServiceQuota", `{"ServiceCode":"sagemaker","QuotaCode":"L-00000000"}`, "NoSuchResourceException"},
		"another list's page": {"ListServiceQuotas", `{"ServiceCode":"sagemaker","NextToken":"` + token("ListAWSDefaultServiceQuotas", 30) + `"}`, "InvalidPaginationTokenException"},
		"a page too long":     {"ListServiceQuotas", `{"ServiceCode":"sagemaker","MaxResults":101}`, "maxResults"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, text := ask(t, newService(t), row.operation, row.input, nil); status != 400 || !strings.Contains(text, row.want) {
				t.Errorf("%d %s, want 400 with %q", status, text, row.want)
			}
		})
	}
	if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "region") || !strings.Contains(err.Error(), "default") {
		t.Errorf("without options: %v, want each that is missing", err)
	}
}
