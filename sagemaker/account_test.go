package sagemaker

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"plimsoll/emulator"
	"plimsoll/experiment"
	"plimsoll/fleet"
	"plimsoll/httptarget"
	"plimsoll/loadgen"
)

// An account that is given is the only one that is spoken to, whatever the environment
// says: a rehearsal must not reach a real one.
func TestAccountWinsOverTheEnvironment(t *testing.T) {
	e, err := emulator.New(emulator.Options{Endpoints: []emulator.Endpoint{{Name: "iris"}}, Model: fleet.Model{Service: time.Millisecond, Workers: 1}, Seed: 1, Speed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(func() {
		server.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	const nowhere = "http://127.0.0.1:1"
	sealed(t, "AWS_ENDPOINT_URL="+nowhere, "AWS_ENDPOINT_URL_SAGEMAKER="+nowhere, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME="+nowhere,
		"AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING="+nowhere, "AWS_ENDPOINT_URL_CLOUDWATCH="+nowhere,
		"AWS_PROFILE=missing", "AWS_ACCESS_KEY_ID=other", "AWS_SECRET_ACCESS_KEY=other", "AWS_SESSION_TOKEN=other", "AWS_REGION=eu-north-1", "AWS_USE_FIPS_ENDPOINT=true")
	account := &Account{URL: server.URL, Region: emulator.DefaultRegion, AccessKey: emulator.DefaultAccessKey, SecretKey: emulator.DefaultSecretKey}

	control, err := Connect(t.Context(), ControlOptions{Account: account, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	state, err := control.Describe(t.Context(), "iris")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.Scaling(t.Context(), experiment.Variant{Endpoint: "iris", Name: state.Variants[0].Name}); err != nil {
		t.Error(err)
	}
	if _, err := control.Alarms(t.Context(), []string{"none"}); err != nil {
		t.Error(err)
	}

	target, err := New(t.Context(), Options{Endpoint: "iris", Account: account, HTTP: httptarget.Options{Bodies: []httptarget.Body{{}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if err := target.Authenticate(t.Context()); err != nil {
		t.Fatal(err)
	}
	session, err := target.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if got := session.Do(loadgen.Request{}); got.Class != loadgen.OK {
		t.Errorf("invoking: %v", got.Class)
	}
}

func TestAccountShowsNoSecret(t *testing.T) {
	a := Account{URL: "http://x", AccessKey: "AKIAEXAMPLE", SecretKey: "hidden"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, a); strings.Contains(text, "hidden") || strings.Contains(text, "AKIA") {
			t.Errorf("%s shows %q", verb, text)
		}
	}
}
