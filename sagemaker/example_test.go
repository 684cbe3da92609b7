package sagemaker_test

import (
	"context"
	"fmt"
	"net/http"

	"plimsoll/httptarget"
	"plimsoll/loadgen"
	"plimsoll/sagemaker"
)

// A target is made without a connection, authenticated, and probed once before
// any load.
func Example() {
	probe := func(ctx context.Context, endpoint string, body []byte) (string, error) {
		target, err := sagemaker.New(ctx, sagemaker.Options{
			Endpoint: endpoint, Variant: "AllTraffic", Region: "eu-central-1",
			HTTP: httptarget.Options{Bodies: []httptarget.Body{{Content: body, ContentType: "application/json"}}},
		})
		if err != nil {
			return "", err
		}
		defer target.Close()
		if err := target.Authenticate(ctx); err != nil {
			return "", err
		}
		answer, err := target.HTTP().Probe(ctx)
		return sagemaker.Explain(answer), err
	}
	_ = probe
	// What a refusal reads like:
	fmt.Println(sagemaker.Explain(httptarget.Answer{
		Class: loadgen.ClientError, Status: 400, Header: http.Header{"X-Amzn-Errortype": {"ValidationError:http://internal.amazon.com/"}},
		Body: []byte(`{"Message":"Endpoint my-endpiont of account ************ not found."}`),
	}))
	// Output: ValidationError: Endpoint my-endpiont of account ************ not found.; check --endpoint, --variant and --region (aws sagemaker list-endpoints)
}
