package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/capacity"
	"plimsoll/fleet"
	"plimsoll/loadgen"
)

// modelled is a target that behaves like one modelled instance, in the process.
type modelled struct {
	mu       sync.Mutex
	instance *fleet.Instance
	start    time.Time
	opened   int
	refuseAt time.Duration // from then on nothing listens; 0: never
	sent     []time.Duration
	ks       []uint64
	most     int   // sessions that can be opened, 0: any number
	openErr  error // why no more can be
}

func newModelled(t *testing.T, text string) *modelled {
	t.Helper()
	model, err := fleet.ParseModel(text)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := fleet.NewInstance(model, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return &modelled{instance: instance, start: time.Now()}
}

func (m *modelled) Open(context.Context) (loadgen.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.openErr != nil && m.opened >= m.most {
		return nil, m.openErr
	}
	m.opened++
	return modelledSession{m}, nil
}

// count is how many requests came.
func (m *modelled) count() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.ks))
}

type modelledSession struct{ m *modelled }

func (modelledSession) Close() error { return nil }

func (s modelledSession) Do(r loadgen.Request) loadgen.Outcome {
	s.m.mu.Lock()
	s.m.sent, s.m.ks = append(s.m.sent, time.Since(s.m.start)), append(s.m.ks, r.K)
	if at := s.m.refuseAt; at > 0 && time.Since(s.m.start) > at {
		s.m.mu.Unlock()
		return loadgen.Outcome{Class: loadgen.Refused, Detail: []byte("nothing listens")}
	}
	admitted := s.m.instance.Offer(time.Since(s.m.start))
	s.m.mu.Unlock()
	if admitted.Rejected {
		return loadgen.Outcome{Class: loadgen.ServerError, Status: 503, Detail: []byte("queue full")}
	}
	time.Sleep(admitted.Finish - time.Since(s.m.start))
	return loadgen.Outcome{Class: loadgen.OK, Status: 200}
}

type noBodies struct{}

func (noBodies) Body(uint64, []byte) (int, []byte) { return 0, nil }

// journal keeps every event.
type journal struct{ events []Event }

func (j *journal) Observe(e Event) { j.events = append(j.events, e) }

func (j *journal) kinds() string {
	var b strings.Builder
	for _, e := range j.events {
		if e.Kind != TrialProgress {
			b.WriteString(string(e.Kind) + " ")
		}
	}
	return b.String()
}

// recorded are the finished trials as a run log would give them back, through JSON.
func (j *journal) recorded(t *testing.T) []Recorded {
	t.Helper()
	var out []Recorded
	for _, e := range j.events {
		if e.Kind != TrialFinished {
			continue
		}
		text, err := json.Marshal(Recorded{Trial: *e.Trial, Proposed: e.Evidence.Proposed, Observation: e.Evidence.Observation, NextRequest: e.Evidence.NextRequest})
		if err != nil {
			t.Fatal(err)
		}
		var r Recorded
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func findPlan(budget time.Duration) Plan {
	search := capacity.DefaultPlan()
	search.Budget = budget
	return Plan{
		SchemaVersion: SchemaVersion, Command: "find", Objectives: []string{"p99=150ms"}, Arrivals: ArrivalsPoisson, Seed: 5,
		Search: &search, Target: &TargetPlan{SafetyFactor: 0.5, From: FromLow},
	}
}

// inBubble runs a test with a generator over a target, on virtual time.
func inBubble(t *testing.T, model string, test func(t *testing.T, m *modelled, g *loadgen.Generator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newModelled(t, model)
		g, err := loadgen.New(t.Context(), loadgen.Options{Target: m, Bodies: noBodies{}})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		test(t, m, g)
	})
}

func TestFindReachesThePeakOfAModel(t *testing.T) {
	inBubble(t, "service=20ms,cv=0.3,workers=4", func(t *testing.T, _ *modelled, g *loadgen.Generator) {
		var seen journal
		r, err := Find(t.Context(), findPlan(60*time.Second), Earlier{}, g, &seen)
		if err != nil {
			t.Fatal(err)
		}
		// Four workers of 20 ms saturate at 200/s; p99 ≤ 150 ms holds almost up to there.
		if r.Status != Complete || !r.Peak.Found || !r.Peak.Valid {
			t.Fatalf("status %s, found %v, valid %v, reasons %q", r.Status, r.Peak.Found, r.Peak.Valid, r.Peak.Reasons)
		}
		if *r.Peak.Rate < 175 || *r.Peak.Rate > 202 || *r.Peak.Low > *r.Peak.Rate || *r.Peak.High < *r.Peak.Rate {
			t.Errorf("peak %v/s in [%v, %v], want about 190/s inside its interval", *r.Peak.Rate, *r.Peak.Low, *r.Peak.High)
		}
		if *r.Peak.LowM != *r.Peak.Low*60 {
			t.Errorf("lower end %v/min, want 60 × %v/s", *r.Peak.LowM, *r.Peak.Low)
		}
		want := *r.Peak.Low * 0.5 * 60
		if r.Target == nil || r.Target.PerMinute > want || r.Target.PerMinute < want-1 || r.Target.From != FromLow {
			t.Errorf("target %+v, want %v/min rounded down from the lower end", r.Target, want)
		}
		if r.DurationSeconds > 75 {
			t.Errorf("took %v s of a budget of 60 s", r.DurationSeconds)
		}
		if len(r.Trials) != strings.Count(seen.kinds(), string(TrialFinished)) || len(r.Trials) != strings.Count(seen.kinds(), string(TrialStarted)) {
			t.Errorf("%d trials in the result; events: %s", len(r.Trials), seen.kinds())
		}
		if !strings.HasPrefix(seen.kinds(), string(RunStarted)) || !strings.HasSuffix(seen.kinds(), string(RunFinished)+" ") {
			t.Errorf("events %s, want run_started first and run_finished last", seen.kinds())
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("result as JSON: %v", err)
		}
	})
}

func TestFindStopsAndResumes(t *testing.T) {
	inBubble(t, "service=20ms,cv=0.3,workers=4", func(t *testing.T, _ *modelled, g *loadgen.Generator) {
		stop := errors.New("stopped by hand")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(25*time.Second, func() { cancel(stop) })
		var first journal
		partial, err := Find(ctx, findPlan(60*time.Second), Earlier{}, g, &first)
		if !errors.Is(err, stop) || partial.Status != Partial || partial.Target != nil || partial.Peak.Valid {
			t.Fatalf("interrupted: status %s, target %v, valid %v, error %v; want partial, none, false, the cause", partial.Status, partial.Target, partial.Peak.Valid, err)
		}
		if len(partial.Trials) == 0 {
			t.Fatal("interrupted after 25 s: no trial is kept")
		}
		var second journal
		whole, err := Find(t.Context(), findPlan(60*time.Second), Earlier{Trials: first.recorded(t), Sent: partial.RequestsSent}, g, &second)
		if err != nil {
			t.Fatal(err)
		}
		if !whole.Peak.Found || len(whole.Trials) <= len(partial.Trials) {
			t.Errorf("resumed: found %v after %d trials, of which %d recorded", whole.Peak.Found, len(whole.Trials), len(partial.Trials))
		}
		for i, trial := range whole.Trials {
			if trial.Number != i+1 {
				t.Errorf("trial %d has number %d", i+1, trial.Number)
			}
		}
		if !strings.Contains(strings.Join(whole.Peak.Reasons, " "), "resumed") {
			t.Errorf("reasons %q do not say that the run was resumed", whole.Peak.Reasons)
		}
	})
}

func TestResumeRefusesAnotherPlansTrials(t *testing.T) {
	inBubble(t, "service=20ms,workers=4", func(t *testing.T, _ *modelled, g *loadgen.Generator) {
		alien := []Recorded{{Proposed: capacity.Trial{Number: 1, Phase: capacity.Bracket, Rate: 7}}}
		if _, err := Find(t.Context(), findPlan(60*time.Second), Earlier{Trials: alien}, g, &journal{}); err == nil || !strings.Contains(err.Error(), "new run") {
			t.Errorf("Find with alien trials: %v, want a refusal that says to start a new run", err)
		}
	})
}

func TestUnreachableEndpoint(t *testing.T) {
	inBubble(t, "service=20ms,workers=4", func(t *testing.T, m *modelled, g *loadgen.Generator) {
		m.openErr = &loadgen.OpenError{Class: loadgen.Refused, Err: errors.New("nobody listens")}
		r, err := Find(t.Context(), findPlan(60*time.Second), Earlier{}, g, &journal{})
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || unreachable.Trials != 0 || r.Status != Partial {
			t.Errorf("Find of nothing: status %s, %v; want partial and an UnreachableError", r.Status, err)
		}
	})
}

// TestAnEndpointThatGoesAwayIsUnreachable, whether or not its trials held before.
func TestAnEndpointThatGoesAwayIsUnreachable(t *testing.T) {
	inBubble(t, "service=20ms,cv=0.3,workers=4", func(t *testing.T, m *modelled, g *loadgen.Generator) {
		m.refuseAt = 20 * time.Second
		r, err := Find(t.Context(), findPlan(60*time.Second), Earlier{}, g, &journal{})
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || unreachable.Trials < 3 || !strings.Contains(err.Error(), "nothing listens") {
			t.Errorf("Find of an endpoint that went away: %v, want an UnreachableError after some trials", err)
		}
		if r.Status != Partial || r.Peak.Valid || r.Target != nil || r.DurationSeconds > 40 {
			t.Errorf("status %s, valid %v, target %v after %v s; want partial, no target, soon", r.Status, r.Peak.Valid, r.Target, r.DurationSeconds)
		}
	})
}

// TestOutOfConnectionsIsTheClientsLimit takes away connections in the middle of the climb.
func TestOutOfConnectionsIsTheClientsLimit(t *testing.T) {
	inBubble(t, "service=100ms,workers=500", func(t *testing.T, m *modelled, g *loadgen.Generator) {
		m.most, m.openErr = 20, &loadgen.OpenError{Class: loadgen.Exhausted, Err: errors.New("too many open files")}
		r, err := Find(t.Context(), findPlan(40*time.Second), Earlier{}, g, &journal{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Peak.Cause != capacity.CauseClient || r.Peak.Found || r.Peak.High != nil {
			t.Errorf("cause %q, found %v, high %v; want client limited with a lower bound only (reasons %q)", r.Peak.Cause, r.Peak.Found, r.Peak.High, r.Peak.Reasons)
		}
		var said bool
		for _, trial := range r.Trials {
			said = said || strings.Contains(strings.Join(trial.Doubts, " "), "too many open files")
		}
		if !said {
			t.Error("no trial says that connections ran out")
		}
	})
}

func TestLoadHoldsWhatWasAsked(t *testing.T) {
	inBubble(t, "service=10ms,workers=8", func(t *testing.T, _ *modelled, g *loadgen.Generator) {
		plan := Plan{
			SchemaVersion: SchemaVersion, Command: "load", Objectives: []string{"p99=5ms"}, Arrivals: ArrivalsConstant,
			Load: &LoadPlan{Rate: 100, DurationSeconds: 10, WarmUpSeconds: 1},
		}
		var seen journal
		r, err := Load(t.Context(), plan, g, &seen)
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != 1000 || r.Successes != 1000 || !r.Valid || r.Status != Complete {
			t.Errorf("requests %d, successes %d, valid %v, status %s; want 1000, 1000, true, complete", r.Requests, r.Successes, r.Valid, r.Status)
		}
		if r.Response.P50 < 9.9 || r.Response.P50 > 10.1 || r.Offered != 100 || r.Achieved != 100 {
			t.Errorf("p50 %v ms, offered %v/s, achieved %v/s; want 10, 100, 100", r.Response.P50, r.Offered, r.Achieved)
		}
		if r.Verdict.Outcome != Missed {
			t.Errorf("verdict %q of p99 ≤ 5 ms at 10 ms, want missed", r.Verdict.Outcome)
		}
		if want := "run_started trial_started trial_finished run_finished "; seen.kinds() != want {
			t.Errorf("events %s, want %s", seen.kinds(), want)
		}
	})
}

func TestLoadReportsAnUnreachableEndpoint(t *testing.T) {
	inBubble(t, "service=10ms,workers=8", func(t *testing.T, m *modelled, g *loadgen.Generator) {
		m.openErr = &loadgen.OpenError{Class: loadgen.TLSFailure, Err: errors.New("unknown authority")}
		plan := Plan{Command: "load", Arrivals: ArrivalsConstant, Load: &LoadPlan{Concurrency: 2, DurationSeconds: 1}}
		var unreachable *UnreachableError
		if r, err := Load(t.Context(), plan, g, &journal{}); !errors.As(err, &unreachable) || r.Status != Partial {
			t.Errorf("Load of nothing: status %s, %v; want partial and an UnreachableError", r.Status, err)
		}
	})
}

func TestTargetFor(t *testing.T) {
	rate, low := 412.0, 400.0
	peak := Peak{Rate: &rate, Low: &low, Found: true, Valid: true}
	for _, c := range []struct {
		name string
		peak Peak
		plan TargetPlan
		want float64 // 0: none
	}{
		{"from the lower end", peak, TargetPlan{SafetyFactor: 0.5, From: FromLow}, 12000},
		{"from the estimate", peak, TargetPlan{SafetyFactor: 0.5, From: FromEstimate}, 12360},
		{"per minute is the same number", peak, TargetPlan{SafetyFactor: 0.5, From: FromLow, PerMinute: true}, 12000},
		{"none when not valid", Peak{Rate: &rate, Low: &low}, TargetPlan{SafetyFactor: 0.5}, 0},
		{"none without a peak", Peak{Valid: true}, TargetPlan{SafetyFactor: 0.5}, 0},
	} {
		got, err := TargetFor(c.peak, c.plan)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if (got == nil) != (c.want == 0) || got != nil && got.PerMinute != c.want {
			t.Errorf("%s: TargetFor = %+v, want %v/min", c.name, got, c.want)
		}
	}
	zero := 0.0
	if _, err := TargetFor(Peak{Rate: &rate, Low: &zero, Valid: true}, TargetPlan{SafetyFactor: 0.5}); err == nil {
		t.Error("TargetFor with a lower end of zero gave no error")
	}
}

func TestPlanIsChecked(t *testing.T) {
	bad := findPlan(time.Second)
	for name, plan := range map[string]Plan{"no search": {}, "budget": bad, "objective": {Objectives: []string{"p99"}, Search: bad.Search, Target: bad.Target}} {
		if _, err := Find(t.Context(), plan, Earlier{}, nil, &journal{}); err == nil {
			t.Errorf("%s: Find gave no error", name)
		}
	}
	if _, err := Load(t.Context(), Plan{}, nil, &journal{}); err == nil {
		t.Error("Load of an empty plan gave no error")
	}
}
