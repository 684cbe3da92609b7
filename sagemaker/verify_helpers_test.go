package sagemaker

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll/experiment"
	"plimsoll/loadgen"
	"plimsoll/proof"
	"plimsoll/scaling"
)

// direct is a target that asks the emulator without a network, so that two and a half
// hours of model time are a second or two.
type direct struct{ handler http.Handler }

func (d direct) Open(context.Context) (loadgen.Session, error) { return d, nil }
func (d direct) Close() error                                  { return nil }

func (d direct) Do(loadgen.Request) loadgen.Outcome {
	request := httptest.NewRequest(http.MethodPost, "/endpoints/demo/invocations", strings.NewReader("{}"))
	request.RemoteAddr = "" // in this process
	answer := httptest.NewRecorder()
	d.handler.ServeHTTP(answer, request)
	switch answer.Code {
	case http.StatusOK:
		return loadgen.Outcome{Class: loadgen.OK, Status: answer.Code}
	case http.StatusBadRequest:
		return loadgen.Outcome{Class: loadgen.ClientError, Status: answer.Code, Detail: answer.Body.Bytes()}
	}
	return loadgen.Outcome{Class: loadgen.ServerError, Status: answer.Code, Detail: answer.Body.Bytes()}
}

type oneBody struct{}

func (oneBody) Body(uint64, []byte) (int, []byte) { return 0, nil }

// told keeps events, and does something at the first of a kind and number.
type told struct {
	mu     sync.Mutex
	events []experiment.Event
	at     func(experiment.Event)
}

func (o *told) Observe(e experiment.Event) {
	o.mu.Lock()
	o.events = append(o.events, e)
	o.mu.Unlock()
	if o.at != nil {
		o.at(e)
	}
}

// follow puts a policy on the demo: 20/s for each instance.
func (a *account) follow(t *testing.T, least, most int) {
	t.Helper()
	out, in := 300, 60
	for _, c := range []experiment.Change{
		{What: experiment.Bounds, Desired: experiment.Setting{Bounds: &experiment.ScalableTarget{Min: least, Max: most}}},
		{What: experiment.OnePolicy, Name: scaling.ConsolePolicy, Desired: experiment.Setting{Policy: &experiment.Policy{
			Name: scaling.ConsolePolicy, Metric: scaling.InvocationsPerInstance, Target: 1200, ScaleOut: &out, ScaleIn: &in,
		}}},
	} {
		if err := a.control.Put(t.Context(), demo, c.What, c.Name, c.Desired); err != nil {
			t.Fatal(err)
		}
	}
}

func (a *account) sight() experiment.Sight {
	return experiment.Sight{Hosting: a.control, Autoscaler: a.control, Metrics: a.control, Clock: a.control}
}

// verify designs a proof and holds it. change is made before the design, after afterwards.
func (a *account) verify(ctx context.Context, t *testing.T, change func(*experiment.VerifyPlan), at func(experiment.Event), after ...func(*experiment.VerifyPlan)) (experiment.Verification, *told, error) {
	t.Helper()
	if _, err := a.control.Describe(ctx, "demo"); err != nil { // a second reading of model time
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	proving := experiment.VerifyPlan{On: demo, Objective: proof.Objective{Name: "p99=200ms", Limit: proof.Span(200 * time.Millisecond), BadShare: 0.01}, From: experiment.LimitGiven}
	if change != nil {
		change(&proving)
	}
	proving, err := experiment.DesignVerify(ctx, proving, a.sight())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range after {
		f(&proving)
	}
	generator, err := loadgen.New(t.Context(), loadgen.Options{Target: direct{a.emulator}, Bodies: oneBody{}, MaxSessions: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer generator.Close()
	observer := &told{at: at}
	plan := experiment.Plan{SchemaVersion: experiment.SchemaVersion, Command: "verify", Arrivals: experiment.ArrivalsConstant, Seed: 1, Verify: &proving}
	v, err := experiment.Verify(ctx, plan, 1, a.sight(), generator, observer)
	for _, c := range v.Checks {
		t.Logf("%-10s %s: %s", c.Outcome, c.ID, c.Evidence)
	}
	t.Logf("verdict %q: %v; notes %v", v.Verdict, v.Reasons, v.Notes)
	return v, observer, err
}

func (o *told) count(kind experiment.EventKind) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, e := range o.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// quick is a programme of the steps up and down alone.
func quick(p *experiment.VerifyPlan) { p.Quick = true }

// atPhase does something when a phase begins.
func atPhase(number int, do func()) func(experiment.Event) {
	return func(e experiment.Event) {
		if e.Kind == experiment.PhaseStarted && e.Phase.Number == number {
			do()
		}
	}
}
