package sagemaker

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"plimsoll/emulator"
	"plimsoll/fleet"
	"plimsoll/httptarget"
	"plimsoll/loadgen"
)

// emulate serves an emulated account, which checks signatures by itself, and points
// the environment to it.
func emulate(t *testing.T, faults string, settings ...string) {
	t.Helper()
	model, err := fleet.ParseModel("service=1ms,workers=8")
	if err != nil {
		t.Fatal(err)
	}
	var switched emulator.Faults
	if err := json.Unmarshal([]byte(faults), &switched); err != nil {
		t.Fatal(err)
	}
	e, err := emulator.New(emulator.Options{
		Endpoints: []emulator.Endpoint{{Name: "iris"}}, Model: model, Seed: 1, Speed: 1, Faults: switched,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(func() {
		server.Close()
		if err := e.Close(); err != nil {
			t.Errorf("closing the emulator: %v", err)
		}
	})
	sealed(t, append([]string{
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=" + emulator.DefaultAccessKey, "AWS_SECRET_ACCESS_KEY=" + emulator.DefaultSecretKey,
	}, settings...)...)
}

// TestOnTheEmulator: an independent verifier accepts what is signed, and what it
// refuses has its class and its words.
func TestOnTheEmulator(t *testing.T) {
	bodies := []httptarget.Body{
		{Content: []byte(`{"x": 1}`), ContentType: "application/json", Accept: "text/csv"}, {Content: bytes.Repeat([]byte("y"), 200_000)}, {},
	}
	t.Run("invoke", func(t *testing.T) {
		emulate(t, "{}")
		for _, netHTTP := range []bool{false, true} {
			_, session := open(t, Options{
				Endpoint: "iris", Variant: emulator.DefaultVariant, CustomAttributes: "a=1,  b", InferenceID: "x",
				HTTP: httptarget.Options{Bodies: bodies, NetHTTP: netHTTP},
			})
			for _, req := range []loadgen.Request{{}, {Body: 1}, {Body: 2}, {Content: []byte("rendered")}} {
				wantOK(t, "Do", session.Do(req))
			}
		}
	})
	t.Run("stream", func(t *testing.T) {
		emulate(t, "{}")
		for _, netHTTP := range []bool{false, true} {
			_, session := open(t, Options{Endpoint: "iris", Stream: true, HTTP: httptarget.Options{Bodies: bodies, NetHTTP: netHTTP}})
			for range 2 {
				out := session.Do(loadgen.Request{})
				wantOK(t, "Do", out)
				if out.Stream == nil || out.Stream.Parts < 2 || out.Stream.FirstByte <= 0 {
					t.Errorf("Do: got the times %+v, want parts", out.Stream)
				}
			}
		}
	})
	for _, tt := range []struct {
		name     string
		endpoint string
		faults   string
		env      string
		class    loadgen.Class
		words    string
	}{
		{"no such endpoint", "irsi", "{}", "", loadgen.ClientError, "Endpoint irsi of account ************ not found"},
		{"another secret", "iris", "{}", "AWS_SECRET_ACCESS_KEY=no", loadgen.Unauthorized, "InvalidSignatureException: "},
		{"another key", "iris", "{}", "AWS_ACCESS_KEY_ID=AKIANOBODYKNOWSIT", loadgen.Unauthorized, "UnrecognizedClientException: "},
		{"another region", "iris", "{}", "AWS_REGION=eu-west-1", loadgen.Unauthorized, "region"},
		{"expired token", "iris", `{"expired_token": true}`, "", loadgen.Unauthorized, "ExpiredTokenException: "},
		{"a clock that is wrong", "iris", `{"clock_skew": "1h"}`, "", loadgen.Unauthorized, "clock"},
		{"error of the model", "iris", `{"model_error_share": 1}`, "", loadgen.ModelError, "ModelError: "},
		{"error of the service", "iris", `{"server_error_share": 1}`, "", loadgen.ServerError, "InternalFailure: "},
		{"throttled", "iris", `{"throttle_per_second": 0.001}`, "", loadgen.Throttled, "throttle"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			emulate(t, tt.faults, strings.Fields(tt.env)...)
			target, session := open(t, Options{Endpoint: tt.endpoint, HTTP: httptarget.Options{Bodies: bodies}})
			answer, err := target.HTTP().Probe(t.Context())
			for range 3 { // a throttle lets the first through
				if err == nil && answer.Class == loadgen.OK {
					answer, err = target.HTTP().Probe(t.Context())
				}
			}
			if err != nil || answer.Class != tt.class || !strings.Contains(Explain(answer), tt.words) || strings.Contains(string(answer.Body), "123456789012") {
				t.Errorf("Probe: got %v, status %d, %v, %q; want %v with %q", answer.Class, answer.Status, err, Explain(answer), tt.class, tt.words)
			}
			if out := session.Do(loadgen.Request{}); out.Class != tt.class {
				t.Errorf("Do: got %v (%s), want %v", out.Class, out.Detail, tt.class)
			}
		})
	}
}
