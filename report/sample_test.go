package report

import (
	"math"
	"math/rand/v2"
	"time"

	"plimsoll/capacity"
	"plimsoll/experiment"
)

var began = time.Date(2026, 11, 24, 15, 4, 5, 0, time.UTC)

// server is the model behind the samples: four workers of 20 ms each.
type server struct {
	rng    *rand.Rand
	at     time.Time
	trials []experiment.Trial
}

const (
	serviceMs  = 20.2
	saturation = 198.0
	objective  = "p99=104ms"
	limit      = 104.0
)

func (s *server) noise(share float64) float64 { return 1 + share*s.rng.NormFloat64() }

// add finishes a trial from its load, throughput and median.
func (s *server) add(t experiment.Trial, offered, achieved, p50, p99 float64) *experiment.Trial {
	t.Number = len(s.trials) + 1
	t.Started = s.at
	t.ElapsedSeconds = t.SettleSeconds + t.WindowSeconds
	s.at = s.at.Add(time.Duration(t.ElapsedSeconds * float64(time.Second)))
	t.Offered, t.Achieved = offered, achieved
	t.Requests = int64(offered * t.WindowSeconds)
	t.Successes, t.SuccessRatio = t.Requests, 1
	t.Response = experiment.Quantiles{P50: p50, P90: p50 + 0.45*(p99-p50), P95: p50 + 0.62*(p99-p50), P99: p99, P999: p99 * 1.28, Max: p99 * 1.4, Mean: p50 * 1.1}
	service := min(p99, serviceMs*1.12+0.05*p99)
	t.Service = experiment.Quantiles{P50: serviceMs, P90: serviceMs * 1.05, P95: serviceMs * 1.08, P99: service, P999: service * 1.1, Max: service * 1.2, Mean: serviceMs * 1.01}
	if closed(t) {
		t.Service = t.Response
	} else {
		t.Arrivals, t.Seed = experiment.ArrivalsPoisson, 7+uint64(t.Number)
	}
	t.Lateness = experiment.Quantiles{P50: 0.06, P90: 0.09, P95: 0.11, P99: 0.24 * s.noise(0.2), P999: 0.6, Max: 1.4, Mean: 0.07}
	t.Errors, t.Doubts, t.Valid = map[string]int64{}, []string{}, true
	cpu := 0.11 * s.noise(0.1)
	t.Client = experiment.Client{CPU: &cpu, CPUs: 2, Connections: 64}
	t.Verdict = experiment.Verdict{Outcome: experiment.Held, Findings: []experiment.Finding{}}
	if p99 > limit {
		t.Verdict.Outcome = experiment.Missed
	}
	s.trials = append(s.trials, t)
	return &s.trials[len(s.trials)-1]
}

// closedLoop holds n in flight.
func (s *server) closedLoop(phase capacity.Phase, n int, seconds float64, why string) {
	rate := 1000 * float64(n) / serviceMs
	rate = rate / math.Pow(1+math.Pow(rate/saturation, 12), 1.0/12) * s.noise(0.004)
	p50 := 1000 * float64(n) / rate
	spread := 1.08 + 0.02*min(10, float64(n))
	s.add(experiment.Trial{Phase: phase, Why: why, Concurrency: n, SettleSeconds: 0.4, WindowSeconds: seconds}, rate, rate, p50, p50*spread)
}

// openLoop offers a rate.
func (s *server) openLoop(phase capacity.Phase, rate, seconds float64, why string) *experiment.Trial {
	rho := min(rate/saturation, 0.985)
	p99 := (serviceMs*1.1 + 13*rho*rho/(1-rho)) * s.noise(0.04)
	offered := rate * s.noise(0.006)
	return s.add(experiment.Trial{Phase: phase, Why: why, Rate: rate, SettleSeconds: 0.6, WindowSeconds: seconds}, offered, min(offered, 197.4)*s.noise(0.002), serviceMs+1.1*rho/(1-rho), p99)
}

func samplePlan() experiment.Plan {
	search := capacity.DefaultPlan()
	return experiment.Plan{
		SchemaVersion: experiment.SchemaVersion, Plimsoll: "0.1.0", Command: "find", Created: began,
		Endpoint: experiment.Endpoint{
			URL: "http://127.0.0.1:8080/invocations", Method: "POST", Headers: []string{"X-Model: iris"},
			TimeoutSeconds: 60, ConnectSeconds: 5, MaxSessions: 1024, Engine: "http1",
		},
		Payload: experiment.Payload{
			Sources: []string{"iris.csv"}, ContentType: "text/csv", MaxBody: 25 << 20, Seed: 1, Count: 150, Bytes: 2700,
			SHA256: "c52742e50315a99f956a383faf7575e4d4c1bb0c0f6a2a4e1a9c5d0e1e6f0a11",
		},
		Objectives: []string{}, Arrivals: experiment.ArrivalsPoisson, Seed: 7,
		Search: &search, Target: &experiment.TargetPlan{SafetyFactor: 0.5, From: experiment.FromLow},
	}
}

// runTrials are the 22 trials of a whole search.
func runTrials() []experiment.Trial {
	s := &server{rng: rand.New(rand.NewPCG(1, 2)), at: began}
	s.closedLoop(capacity.Baseline, 1, 4, "one request at a time: the unloaded latency")
	for _, n := range []int{1, 2, 4, 8, 16} {
		s.closedLoop(capacity.Climb, n, 2, "twice as many in flight")
	}
	s.closedLoop(capacity.Plateau, 8, 5, "the highest throughput, measured longer")
	for _, rate := range []float64{168.9, 179.4, 163.2, 174.8, 168.1, 176.2, 170.4, 165.9, 173.3, 176.9, 167.2, 172.1} {
		s.openLoop(capacity.Bracket, rate, 5, "on a side of the peak")
	}
	s.openLoop(capacity.Confirm, 168.2, 12, "the lower end of the answer, held")
	s.closedLoop(capacity.Recheck, 8, 3, "has the endpoint changed meanwhile?")
	missing := s.openLoop(capacity.Bracket, 171.3, 5, "between the last two")
	missing.Late, missing.Errors, missing.Successes = 2, map[string]int64{"http_5xx": 3}, missing.Requests-3
	missing.SuccessRatio = float64(missing.Successes) / float64(missing.Requests)
	missing.ErrorSamples = []experiment.ErrorSample{{Class: "http_5xx", Status: 503, Detail: "upstream worker is restarting"}}
	return s.trials
}

// found is a complete run with a peak.
func found() Document {
	trials := runTrials()
	cpu := 0.14
	r := experiment.Result{
		SchemaVersion: experiment.SchemaVersion, Command: "find", Status: experiment.Complete, Started: began, DurationSeconds: 91.4,
		Peak: experiment.Peak{
			Rate: new(171.32), Low: new(168.21), High: new(174.48), RateM: new(171.32 * 60), LowM: new(168.21 * 60), HighM: new(174.48 * 60),
			Confidence: 0.95, Cause: capacity.CauseLatency, Found: true, Valid: true,
			Reasons: []string{"no latency objective was given: p99=104ms was derived from the unloaded latency"},
			Ended:   "the interval is as narrow as asked", Objectives: []string{objective, "success=99%"}, Derived: objective, Binding: objective,
		},
		Target: &experiment.Target{
			Metric: experiment.Metric, PerMinute: 5046, PerSecond: 84.1, SafetyFactor: 0.5, Peak: 168.21,
			From: experiment.FromLow, Unit: "second", Formula: "168.2/s × 0.5 × 60 = 5046/min",
		},
		Unloaded:   experiment.Unloaded{P50ms: 20.21, P99ms: 22.14, MeanMs: 20.3, Requests: 198},
		Saturation: &experiment.Plateau{Rate: 198.1, StdErr: 0.42, Concurrency: 8},
		Trials:     trials, Client: experiment.Client{CPU: &cpu, CPUs: 2, MachineBusy: new(0.62), Connections: 64}, Plan: samplePlan(),
	}
	for _, t := range trials {
		r.Requests += t.Requests
	}
	return Document{
		Result: &r, Version: "0.1.0", Generated: began.Add(100 * time.Second),
		Reproduce: []string{"plimsoll find --url http://127.0.0.1:8080/invocations --payload iris.csv --content-type text/csv --seed 7"},
		Files:     []string{"runs/2026-11-24T15-04-05Z-find", "runs/2026-11-24T15-04-05Z-find/report.html"},
	}
}

// with changes a document's result.
func with(d Document, change func(*experiment.Result)) Document {
	change(d.Result)
	return d
}

func noPeak(r *experiment.Result) {
	r.Peak.Rate, r.Peak.Low, r.Peak.High, r.Peak.RateM, r.Peak.LowM, r.Peak.HighM = nil, nil, nil, nil, nil, nil
	r.Peak.Found, r.Peak.Cause, r.Peak.Binding, r.Target = false, capacity.CauseNone, "", nil
}

// states are the documents of every kind of run.
func states() map[string]Document {
	return map[string]Document{
		"found": found(),
		"per-minute": with(found(), func(r *experiment.Result) {
			r.Plan.Target.PerMinute = true
			r.Target.Unit, r.Target.Formula = "minute", "10092.6/min × 0.5 = 5046/min"
		}),
		"wide": with(found(), func(r *experiment.Result) {
			r.Peak.Wide, r.Peak.Low, r.Peak.High, r.Peak.Cause = true, new(140.0), new(190.0), capacity.CauseErrors
			r.Peak.Reasons = append(r.Peak.Reasons, "the interval is ±15 % instead of ±2.5 %: about 180 s more of trials near the peak are needed")
			r.Target.From, r.Target.Formula = experiment.FromEstimate, "171.3/s × 0.5 × 60 = 5139/min"
			r.Target.PerMinute, r.Target.PerSecond = 5139, 85.65
			for i := range r.Trials { // a backlog: the range of times is wide
				if q := &r.Trials[i].Response; q.P99 > limit {
					q.P50, q.P99 = 20*q.P50, 30*q.P99
				}
			}
		}),
		"changed": with(found(), func(r *experiment.Result) {
			r.Peak.Changed = true
			r.Peak.Reasons = append(r.Peak.Reasons, "the endpoint changed during the search: its plateau went from 198.1/s to 185.2/s (-7 %); the interval is widened by it")
		}),
		"plateau": with(found(), func(r *experiment.Result) { r.Peak.Cause, r.Peak.Binding = capacity.CausePlateau, "" }),
		"client-limited": with(found(), func(r *experiment.Result) {
			r.Peak.High, r.Peak.HighM, r.Peak.Found, r.Peak.Cause = nil, nil, false, capacity.CauseClient
			r.Peak.Rate, r.Peak.Low, r.Peak.Binding = new(168.2), new(168.2), ""
			r.Peak.Reasons = []string{"a lower bound: 168.2/s held and the peak lies above; the generator did not hold 220/s"}
			r.Saturation = nil
			for i := range r.Trials {
				if r.Trials[i].Response.P99 > limit {
					r.Trials[i].Valid, r.Trials[i].Doubts = false, []string{"sends left 48 ms late (p99): the client is too busy"}
					r.Trials[i].Verdict.Outcome = experiment.Invalid
				}
			}
		}),
		"limit-reached": with(found(), func(r *experiment.Result) {
			r.Peak.High, r.Peak.HighM, r.Peak.Found, r.Peak.Cause = nil, nil, false, capacity.CauseLimit
			r.Peak.Rate, r.Peak.Low, r.Saturation = new(100.0), new(100.0), nil
			r.Trials = r.Trials[:4]
		}),
		"invalid": with(found(), func(r *experiment.Result) {
			r.Peak.Valid, r.Target = false, nil
			r.Peak.Reasons = []string{"the endpoint slowed down by 12 % during the search"}
		}),
		"no-peak": with(found(), func(r *experiment.Result) {
			noPeak(r)
			r.Peak.Missed = true
			r.Peak.Reasons = []string{"objective not met even at the lightest load: p99 22.1ms of 198 requests, limit 15ms"}
			r.Saturation, r.Trials = nil, r.Trials[:1]
		}),
		"partial": with(found(), func(r *experiment.Result) {
			r.Status, r.Peak.Valid, r.Target, r.Trials = experiment.Partial, false, nil, r.Trials[:11]
			r.Peak.Reasons = []string{"the run is partial: interrupted"}
			r.Peak.Ended = "stopped before the search had ended: interrupted"
		}),
		"nothing": with(found(), func(r *experiment.Result) {
			noPeak(r)
			r.Status, r.Peak.Valid, r.Peak.Objectives, r.Peak.Derived = experiment.Partial, false, []string{}, ""
			r.Peak.Reasons = []string{"the run is partial: the endpoint cannot be reached: connection refused"}
			r.Saturation, r.Trials, r.Unloaded, r.Requests = nil, []experiment.Trial{}, experiment.Unloaded{}, 0
			r.Client.CPU = nil
			r.Plan.Endpoint.Insecure = true
		}),
		"rehearse": with(found(), func(r *experiment.Result) {
			r.Command, r.Plan.Command, r.Plan.Model = "rehearse", "rehearse", "workers=4 service=20ms queue=64"
		}),
		"load":             load(func(*experiment.LoadResult) {}),
		"load-missed":      load(missed),
		"load-interrupted": load(func(r *experiment.LoadResult) { r.Status = experiment.Partial; r.Verdict.Findings = nil }),
		"load-invalid": load(func(r *experiment.LoadResult) {
			r.Valid, r.Verdict.Outcome = false, experiment.Invalid
			r.Doubts = []string{"312 requests were dropped: more in flight than connections allow"}
			r.Dropped = 312
		}),
		"load-nothing": load(func(r *experiment.LoadResult) {
			r.Status, r.Measured = experiment.Partial, experiment.Measured{Errors: map[string]int64{}}
			r.Verdict.Findings, r.Plan.Load.Rate, r.Plan.Load.Concurrency = nil, 0, 64
		}),
	}
}

// load is one load held at 100/s.
func load(change func(*experiment.LoadResult)) Document {
	s := &server{rng: rand.New(rand.NewPCG(3, 4)), at: began}
	t := s.openLoop("load", 100, 30, "as asked")
	t.Response = experiment.Quantiles{P50: 20.4, P90: 24.9, P95: 28.1, P99: 41.7, P999: 63.2, Max: 71.5, Mean: 21.6}
	plan := samplePlan()
	plan.Command, plan.Search, plan.Target, plan.Objectives = "load", nil, nil, []string{"p99=50ms", "success=99.9%"}
	plan.Load = &experiment.LoadPlan{Rate: 100, DurationSeconds: 30, WarmUpSeconds: 2}
	r := experiment.LoadResult{
		SchemaVersion: experiment.SchemaVersion, Command: "load", Status: experiment.Complete, Started: began, DurationSeconds: 32.2, WindowSeconds: 30,
		Measured: t.Measured, Plan: plan,
		Verdict: experiment.Verdict{Outcome: experiment.Held, Findings: []experiment.Finding{
			{Objective: "p99=50ms", Met: true, Enough: true, Reason: "p99 41.7ms of 3006 requests, limit 50ms"},
			{Objective: "success=99.9%", Met: true, Enough: true, Reason: "100 % of 3006 requests succeeded, at least 99.9 % must"},
		}},
	}
	change(&r)
	return Document{Load: &r, Version: "0.1.0", Reproduce: []string{"plimsoll load --url http://127.0.0.1:8080/invocations --rate 100/s --duration 30s"}, Files: []string{"runs/one"}}
}

const hostile = "</script><script>alert(1)</script>\x1b[31m\u202e\" onload=\"x"

func missed(r *experiment.LoadResult) {
	r.Verdict.Outcome = experiment.Missed
	r.Verdict.Findings[1] = experiment.Finding{Objective: "success=99.9%", Enough: true, Reason: "99.23 % of 3006 requests succeeded, at least 99.9 % must"}
	r.Errors = map[string]int64{"timeout": 3, "http_5xx": 20}
	r.Successes -= 23
	r.SuccessRatio = float64(r.Successes) / float64(r.Requests)
	r.ErrorSamples = []experiment.ErrorSample{{Class: "http_5xx", Status: 500, Detail: hostile}, {Class: "timeout", Detail: "no complete answer within 1m0s"}}
	r.Late, r.Unanswered = 4, 1
}
