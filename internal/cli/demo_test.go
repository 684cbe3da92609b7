package cli

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"plimsoll/emulator"
	"plimsoll/fleet"

	"github.com/rogpeppe/go-internal/testscript"
)

// demo INSTANCES [FAULTS]: an emulated account with endpoint demo, at 60 times real
// time, which the environment leads every AWS tool to.
func serveDemo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: demo INSTANCES [FAULTS]")
	}
	instances, err := strconv.Atoi(args[0])
	ts.Check(err)
	model, err := fleet.ParseModel("service=5ms,workers=4")
	ts.Check(err)
	o := emulator.Options{Model: model, Seed: 1, Speed: emulator.MaxSpeed, Endpoints: []emulator.Endpoint{{Name: "demo", Instances: instances}}}
	if len(args) == 2 {
		ts.Check(json.Unmarshal([]byte(args[1]), &o.Faults))
	}
	emulated, err := emulator.New(o)
	ts.Check(err)
	server := httptest.NewServer(emulated)
	ts.Defer(func() {
		server.CloseClientConnections()
		server.Close()
		ts.Check(emulated.Close())
	})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": emulator.DefaultRegion, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": emulator.DefaultAccessKey, "AWS_SECRET_ACCESS_KEY": emulator.DefaultSecretKey, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		ts.Setenv(name, value)
	}
}

// waitfor FILE [TEXT]: until it has the text, or anything, in it.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitfor FILE [TEXT]")
	}
	wanted := strings.Join(args[1:], "")
	for range 600 {
		if content, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && len(content) > 0 && strings.Contains(string(content), wanted) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("%s has nothing of it after a minute", args[0])
}

// attempt COMMAND…: runs it, however it ends.
func attempt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: attempt COMMAND…")
	}
	err := ts.Exec(args[0], args[1:]...)
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		ts.Fatalf("%v", err)
	}
}
