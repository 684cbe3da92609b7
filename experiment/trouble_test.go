package experiment_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/capacity"
	"plimsoll/experiment"
	"plimsoll/fleet"
	"plimsoll/httptarget"
	"plimsoll/internal/memnet"
	"plimsoll/loadgen"
)

// scripted is an endpoint over HTTP whose one instance behaves as a script says.
type scripted struct {
	mu       sync.Mutex
	instance *fleet.Instance
	start    time.Time
	script   func(e *scripted, w http.ResponseWriter, at time.Duration)
}

func (e *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	e.script(e, w, time.Since(e.start))
}

// serve answers as the instance does.
func (e *scripted) serve(w http.ResponseWriter) {
	e.mu.Lock()
	now := time.Since(e.start)
	admitted := e.instance.Offer(now)
	e.mu.Unlock()
	if admitted.Rejected {
		http.Error(w, "no room", http.StatusServiceUnavailable)
		return
	}
	time.Sleep(admitted.Finish - now)
	_, _ = io.WriteString(w, `{"prediction": 0.97, "error": null}`)
}

// occupy takes the place of n requests of somebody else.
func (e *scripted) occupy(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for range n {
		e.instance.Offer(time.Since(e.start))
	}
}

// quiet is an observer that nobody listens to.
type quiet struct{}

func (quiet) Observe(experiment.Event) {}

// find searches for the peak of a scripted endpoint, over HTTP and in virtual time.
func find(t *testing.T, model string, script func(*scripted, http.ResponseWriter, time.Duration), failIf ...string) (r experiment.Result) {
	t.Helper()
	m, err := fleet.ParseModel(model)
	if err != nil {
		t.Fatal(err)
	}
	var conditions []httptarget.FailIf
	for _, text := range failIf {
		condition, err := httptarget.ParseFailIf(text)
		if err != nil {
			t.Fatal(err)
		}
		conditions = append(conditions, condition)
	}
	synctest.Test(t, func(t *testing.T) {
		instance, err := fleet.NewInstance(m, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		listener := memnet.Listen()
		server := &http.Server{Handler: &scripted{instance: instance, start: time.Now(), script: script}}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(listener) })
		target, err := httptarget.New(httptarget.Options{
			URL: "http://endpoint/invocations", Bodies: []httptarget.Body{{Content: []byte("{}")}}, DialContext: listener.DialContext,
			Timeout: 20 * time.Second, Follow: httptarget.FollowFailIf(conditions),
		})
		if err != nil {
			t.Fatal(err)
		}
		g, err := loadgen.New(t.Context(), loadgen.Options{Target: target, Bodies: oneBody{}, MaxSessions: 512})
		if err != nil {
			t.Fatal(err)
		}
		search := capacity.DefaultPlan()
		search.Budget, search.MaxConcurrency = time.Minute, 64
		r, err = experiment.Find(t.Context(), experiment.Plan{
			SchemaVersion: experiment.SchemaVersion, Command: "find", Objectives: []string{"p99=150ms"}, Arrivals: experiment.ArrivalsPoisson, Seed: 5,
			Search: &search, Target: &experiment.TargetPlan{SafetyFactor: 0.5, From: experiment.FromLow},
		}, experiment.Earlier{}, g, quiet{})
		if err != nil {
			t.Errorf("Find: %v", err)
		}
		g.Close()
		_ = server.Close()
		serving.Wait()
		time.Sleep(time.Minute) // what lingers on the server ends
	})
	return r
}

type oneBody struct{}

func (oneBody) Body(uint64, []byte) (int, []byte) { return 0, nil }

// TestTroubleHasItsOwnOutcome: endpoints that misbehave in the ways of real ones,
// over HTTP, each with an honest result.
func TestTroubleHasItsOwnOutcome(t *testing.T) {
	const model = "service=20ms,cv=0.3,workers=4,queue=300" // saturates at 200/s
	for _, c := range []struct {
		name   string
		script func(e *scripted, w http.ResponseWriter, at time.Duration)
		failIf []string

		found, valid, changed, missed bool
		cause                         capacity.Cause // empty: any
		near                          float64        // the peak, within a tenth; 0: any
		class                         string         // of failures that must be counted
		reasons                       []string
	}{
		{
			name: "nothing is wrong", found: true, valid: true, near: 190,
			script: func(e *scripted, w http.ResponseWriter, _ time.Duration) { e.serve(w) },
		},
		{
			name: "dies in the middle", found: true, class: "connection_reset", reasons: []string{"stopped answering"},
			script: func(e *scripted, w http.ResponseWriter, at time.Duration) {
				if at > 35*time.Second {
					panic(http.ErrAbortHandler)
				}
				e.serve(w)
			},
		},
		{
			name: "throttles every request", valid: true, missed: true, cause: capacity.CauseNone, class: "throttled",
			reasons: []string{"not met even at the lightest load", "rate limit"},
			script: func(_ *scripted, w http.ResponseWriter, _ time.Duration) {
				http.Error(w, "slow down", http.StatusTooManyRequests)
			},
		},
		{
			name: "throttles from the first second", found: true, valid: true, cause: capacity.CauseErrors, near: 50, class: "throttled",
			reasons: []string{"a rate limit lets through"},
			script:  throttled(50, 5),
		},
		{
			name: "gets faster as it warms", found: true, changed: true, reasons: []string{"the endpoint changed during the search"},
			script: func(e *scripted, w http.ResponseWriter, at time.Duration) {
				if at < 35*time.Second {
					e.occupy(1) // each request costs two
				}
				e.serve(w)
			},
		},
		{
			name: "fails with status 200", failIf: []string{"json:error"}, found: true, valid: true, cause: capacity.CauseErrors, class: "body_failed",
			reasons: []string{"refuses requests beyond"},
			script:  fullWithStatus200(8),
		},
		{
			name: "is used by others for a while", found: true, changed: true, reasons: []string{"the endpoint changed during the search"},
			script: func(e *scripted, w http.ResponseWriter, at time.Duration) {
				if at > 30*time.Second {
					e.occupy(1)
				}
				e.serve(w)
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := find(t, model, c.script, c.failIf...)
			p := r.Peak
			if p.Found != c.found || p.Valid != c.valid || p.Changed != c.changed || p.Missed != c.missed || c.cause != "" && p.Cause != c.cause {
				t.Errorf("found %v, valid %v, changed %v, missed %v, cause %q; want %v, %v, %v, %v, %q; %q",
					p.Found, p.Valid, p.Changed, p.Missed, p.Cause, c.found, c.valid, c.changed, c.missed, c.cause, p.Reasons)
			}
			if c.near > 0 && p.Rate != nil && (*p.Rate < 0.9*c.near || *p.Rate > 1.1*c.near) {
				t.Errorf("peak %v/s, want about %v/s", *p.Rate, c.near)
			}
			if (r.Target != nil) != (c.found && c.valid) {
				t.Errorf("target %+v, want one only from a valid peak", r.Target)
			}
			for _, want := range c.reasons {
				if !strings.Contains(strings.Join(p.Reasons, "\n"), want) {
					t.Errorf("reasons %q, want one with %q", p.Reasons, want)
				}
			}
			var failures int64
			for _, trial := range r.Trials {
				failures += trial.Errors[c.class]
			}
			if (failures > 0) != (c.class != "") {
				t.Errorf("%d failures of class %q", failures, c.class)
			}
		})
	}
}

// throttled lets so many a second through, and a burst.
func throttled(rate, burst float64) func(*scripted, http.ResponseWriter, time.Duration) {
	tokens, last := burst, time.Duration(0)
	return func(e *scripted, w http.ResponseWriter, at time.Duration) {
		e.mu.Lock()
		tokens, last = min(burst, tokens+rate*(at-last).Seconds()), at
		through := tokens >= 1
		if through {
			tokens--
		}
		e.mu.Unlock()
		if !through {
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		e.serve(w)
	}
}

// fullWithStatus200 has room for so many and tells the others so in a body.
func fullWithStatus200(room int) func(*scripted, http.ResponseWriter, time.Duration) {
	inside := 0
	return func(e *scripted, w http.ResponseWriter, _ time.Duration) {
		e.mu.Lock()
		full := inside >= room
		if !full {
			inside++
		}
		e.mu.Unlock()
		if full {
			_, _ = io.WriteString(w, `{"prediction": null, "error": {"message": "busy"}}`)
			return
		}
		e.serve(w)
		e.mu.Lock()
		inside--
		e.mu.Unlock()
	}
}
