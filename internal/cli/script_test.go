package cli

import (
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"plimsoll/emulator"
	"plimsoll/fleet"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	// The scripts hold real loads: side by side they would measure one another.
	if err := flag.Set("test.parallel", "1"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"plimsoll": func() { os.Exit(Main(System())) }})
}

// TestScripts runs the command as users do: testdata/script/*.txtar.
// UPDATE_SCRIPTS=1 rewrites the outputs that they compare with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"endpoint": serveEndpoint,
			"account":  serveAccount,
			"demo":     serveDemo,
			"waitfor":  waitFor,
			"attempt":  attempt,
			"hides":    hides,
		},
	})
}

// exits CODE command…: runs the command and compares its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// endpoint NAME kind: serves a small endpoint and puts its URL in $NAME.
func serveEndpoint(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: endpoint NAME kind")
	}
	var served atomic.Int64
	handlers := map[string]http.Handler{
		"quick": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
		}),
		"modelled": modelled(ts, "service=5ms,cv=0.2,workers=4,queue=200"),
		"415": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "this predictor takes text/csv only", http.StatusUnsupportedMediaType)
		}),
		"slow": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		"one-then-500": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if served.Add(1) > 1 {
				http.Error(w, "the model crashed", http.StatusInternalServerError)
			}
		}),
		// Fails by its body alone: from the second request on, with the caller's token in it.
		"200-failed": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if served.Add(1) > 1 {
				_, _ = io.WriteString(w, `{"error": "out of memory at `+r.Header.Get("Authorization")+`"}`)
				return
			}
			_, _ = io.WriteString(w, `{"error": null}`)
		}),
		"bearer": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer s3cr3t-t0ken" {
				http.Error(w, "who are you? "+r.Header.Get("Authorization"), http.StatusUnauthorized)
			}
		}),
	}
	handler, ok := handlers[strings.TrimPrefix(args[1], "tls-")]
	if !ok {
		ts.Fatalf("no kind of endpoint %q", args[1])
	}
	server := httptest.NewUnstartedServer(handler)
	if strings.HasPrefix(args[1], "tls-") {
		server.StartTLS()
	} else {
		server.Start()
	}
	ts.Defer(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = server.Config.Shutdown(ctx)
		server.CloseClientConnections()
		_ = server.Config.Close()
	})
	ts.Setenv(args[0], server.URL)
}

// modelled is an endpoint whose one instance answers as package fleet says, at any path.
func modelled(ts *testscript.TestScript, text string) http.Handler {
	model, err := fleet.ParseModel(text)
	ts.Check(err)
	emulated, err := emulator.New(emulator.Options{Endpoints: []emulator.Endpoint{{Name: "test"}}, Model: model, Seed: 1, Speed: 1, NoAuth: true})
	ts.Check(err)
	ts.Defer(func() { ts.Check(emulated.Close()) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/endpoints/test/invocations"
		emulated.ServeHTTP(w, r)
	})
}
