package emulator_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"plimsoll/emulator"
)

func (w *world) config() aws.Config {
	return aws.Config{
		Region: emulator.DefaultRegion, BaseEndpoint: aws.String("http://emulator"), HTTPClient: w.client, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(emulator.DefaultAccessKey, emulator.DefaultSecretKey, ""),
	}
}

// TestCallerIdentity asks STS who signed, beside CloudWatch, which speaks AWS Query too.
func TestCallerIdentity(t *testing.T) {
	w := newWorld(t, byHand())
	out, err := sts.NewFromConfig(w.config()).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatalf("GetCallerIdentity: %v", err)
	}
	if want := "arn:aws:iam::" + emulator.DefaultAccount + ":user/plimsoll"; *out.Arn != want || *out.Account != emulator.DefaultAccount || len(*out.UserId) != 21 {
		t.Errorf("GetCallerIdentity = %s, %s, %s; want %s of account %s", *out.Arn, *out.UserId, *out.Account, want, emulator.DefaultAccount)
	}
}

func TestCallerIdentityRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*aws.Config)
		faults string
		want   string // empty: it is answered
	}{
		{name: "unsigned", change: func(c *aws.Config) { c.Credentials = aws.AnonymousCredentials{} }, want: "MissingAuthenticationToken"},
		{name: "unknown key", change: func(c *aws.Config) {
			c.Credentials = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", emulator.DefaultSecretKey, "")
		}, want: "InvalidClientTokenId"},
		{name: "wrong secret", change: func(c *aws.Config) {
			c.Credentials = credentials.NewStaticCredentialsProvider(emulator.DefaultAccessKey, "guessed", "")
		}, want: "SignatureDoesNotMatch"},
		{name: "another region", change: func(c *aws.Config) { c.Region = "eu-west-1" }, want: "SignatureDoesNotMatch"},
		{name: "expired token", faults: `{"expired_token": true}`, want: "ExpiredToken"},
		{name: "nobody can be denied it", faults: `{"access_denied": ["*"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, byHand())
			if tt.faults != "" {
				w.faults(tt.faults)
			}
			c := w.config()
			if tt.change != nil {
				tt.change(&c)
			}
			_, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			s := newSDK(w)
			if tt.want == "" {
				s.must("GetCallerIdentity", err)
				return
			}
			s.wantCode("GetCallerIdentity", err, tt.want)
		})
	}
}

// TestQuotas reads the quotas as a client must, page by page and by name.
func TestQuotas(t *testing.T) {
	options := byHand()
	options.InstanceQuota = 7
	w := newWorld(t, options)
	client := servicequotas.NewFromConfig(w.config())
	byName := map[string]quotatypes.ServiceQuota{}
	pages := 0
	pager := servicequotas.NewListServiceQuotasPaginator(client, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("sagemaker")})
	for pager.HasMorePages() {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatalf("page %d: %v", pages, err)
		}
		pages++
		for _, q := range page.Quotas {
			if _, twice := byName[*q.QuotaName]; twice {
				t.Errorf("%q is listed twice", *q.QuotaName)
			}
			byName[*q.QuotaName] = q
		}
	}
	types := smtypes.ProductionVariantInstanceType("").Values()
	if pages < 2 || len(byName) != len(types) {
		t.Errorf("%d quotas on %d pages; want one for each of %d instance types, on several", len(byName), pages, len(types))
	}
	codes := map[string]bool{}
	for _, each := range types {
		q, ok := byName[string(each)+" for endpoint usage"]
		if !ok || *q.Value != 7 || codes[*q.QuotaCode] {
			t.Errorf("quota of %s: listed %v, value %v; want 7 and a code of its own", each, ok, aws.ToFloat64(q.Value))
			continue
		}
		codes[*q.QuotaCode] = true
	}
	w.faults(`{"instance_quota": 3}`)
	code := byName["ml.m5.xlarge for endpoint usage"].QuotaCode
	applied, err := client.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("sagemaker"), QuotaCode: code})
	if err != nil || *applied.Quota.Value != 3 || *applied.Quota.QuotaName != "ml.m5.xlarge for endpoint usage" {
		t.Errorf("with the fault, GetServiceQuota = %+v, %v; want 3", applied, err)
	}
	usual, err := client.GetAWSDefaultServiceQuota(t.Context(), &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: aws.String("sagemaker"), QuotaCode: code})
	if err != nil || *usual.Quota.Value != 7 {
		t.Errorf("with the fault, GetAWSDefaultServiceQuota = %+v, %v; want 7", usual, err)
	}
}

func TestQuotasRefused(t *testing.T) {
	w := newWorld(t, byHand())
	s, client := newSDK(w), servicequotas.NewFromConfig(w.config())
	list := func(service string, size int32, token *string) error {
		_, err := client.ListServiceQuotas(t.Context(), &servicequotas.ListServiceQuotasInput{ServiceCode: &service, MaxResults: &size, NextToken: token})
		return err
	}
	s.wantCode("an unknown service", list("SageMaker", 10, nil), "NoSuchResourceException")
	s.wantCode("a page of none", list("sagemaker", 0, nil), "ValidationException")
	s.wantCode("a token of nobody", list("sagemaker", 10, aws.String("bm8=")), "InvalidPaginationTokenException")
	_, err := client.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("sagemaker"), QuotaCode: aws.String("L-00000000")})
	s.wantCode("an unknown code", err, "NoSuchResourceException")
	if _, ok := errors.AsType[*quotatypes.NoSuchResourceException](err); !ok {
		t.Errorf("an unknown code: %T, want the SDK to type it", err)
	}
	w.faults(`{"access_denied": ["ListServiceQuotas"]}`)
	s.wantCode("when it is denied", list("sagemaker", 10, nil), "AccessDeniedException")
}

// TestEveryPageSize walks the list in pages of every size; none is lost or repeated.
func TestEveryPageSize(t *testing.T) {
	w := newWorld(t, byHand())
	client := servicequotas.NewFromConfig(w.config())
	var want []string
	for _, size := range []int32{100, 1, 7, 50, 99} {
		var got []string
		pager := servicequotas.NewListAWSDefaultServiceQuotasPaginator(client, &servicequotas.ListAWSDefaultServiceQuotasInput{ServiceCode: aws.String("sagemaker"), MaxResults: &size})
		for pager.HasMorePages() {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range page.Quotas {
				got = append(got, *q.QuotaName)
			}
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d list %d quotas, otherwise than pages of 100 do", size, len(got))
		}
	}
}
