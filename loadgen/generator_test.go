package loadgen

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/arrival"
	"plimsoll/latency"

	"pgregory.net/rapid"
)

// server is a target in the process: every request takes what service says.
type server struct {
	service func(k uint64, at time.Duration) (time.Duration, Class)
	openErr error
	limit   int // requests worked on at once; 0: as many as there are sessions
	workers chan struct{}

	start time.Time
	mu    sync.Mutex
	sent  []time.Duration // instants of arrival
	ks    []uint64
}

func constant(d time.Duration) func(uint64, time.Duration) (time.Duration, Class) {
	return func(uint64, time.Duration) (time.Duration, Class) { return d, OK }
}

func (s *server) Open(context.Context) (Session, error) {
	if s.openErr != nil {
		return nil, s.openErr
	}
	return &session{server: s, closed: make(chan struct{})}, nil
}

// begin is called inside the bubble, to which channels belong.
func (s *server) begin() {
	s.start = time.Now()
	if s.limit > 0 {
		s.workers = make(chan struct{}, s.limit)
	}
}

// arrivals are the instants at which requests came so far.
func (s *server) arrivals() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

type session struct {
	server *server
	once   sync.Once
	closed chan struct{}
}

func (c *session) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *session) Do(r Request) Outcome {
	s := c.server
	at := time.Since(s.start)
	s.mu.Lock()
	s.sent = append(s.sent, at)
	s.ks = append(s.ks, r.K)
	s.mu.Unlock()
	if s.workers != nil {
		select {
		case s.workers <- struct{}{}:
			defer func() { <-s.workers }()
		case <-c.closed:
			return Outcome{Class: Reset}
		}
	}
	d, class := s.service(r.K, at)
	select {
	case <-time.After(d):
		return Outcome{Class: class, Status: 200, Received: 2, Detail: []byte("words")}
	case <-c.closed:
		return Outcome{Class: Reset}
	}
}

type oneBody struct{}

func (oneBody) Body(uint64, []byte) (int, []byte) { return 0, nil }

// inBubble runs a test with a generator over a server, on virtual time.
func inBubble(t *testing.T, s *server, opts Options, test func(t *testing.T, g *Generator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.begin()
		opts.Target, opts.Bodies = s, oneBody{}
		g, err := New(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		test(t, g)
	})
}

func run(t *testing.T, g *Generator, l Load) Measurement {
	t.Helper()
	m, err := g.Run(t.Context(), l)
	if err != nil {
		t.Fatalf("Run(%+v): %v", l, err)
	}
	checkBooks(t, m)
	return m
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkBooks checks that every request is accounted for exactly once.
func checkBooks(t fataler, m Measurement) {
	t.Helper()
	c := m.Counts
	if c.Requests != c.Successes+c.Failed()+c.Unanswered {
		t.Fatalf("requests %d ≠ successes %d + failed %d + unanswered %d", c.Requests, c.Successes, c.Failed(), c.Unanswered)
	}
	if m.Response.Count() != c.Successes || m.Service.Count() != c.Successes {
		t.Fatalf("histograms hold %d and %d, want the %d successes", m.Response.Count(), m.Service.Count(), c.Successes)
	}
	var sum Bin
	for i, b := range m.Bins {
		sum.Offered += b.Offered
		sum.Successes += b.Successes
		sum.Failed += b.Failed
		sum.Completed += b.Completed
		if b.Offered < b.Successes+b.Failed {
			t.Fatalf("bin %d: offered %d < successes %d + failed %d", i, b.Offered, b.Successes, b.Failed)
		}
		for j := range m.Load.SlowAbove {
			if b.Slow[j] < b.Failed || b.Slow[j] > b.Offered {
				t.Fatalf("bin %d: %d slow of %d offered, %d failed", i, b.Slow[j], b.Offered, b.Failed)
			}
		}
	}
	if sum.Offered != c.Requests || sum.Successes != c.Successes || sum.Failed != c.Failed() || sum.Completed != c.Completed {
		t.Fatalf("bins add up to %+v, counts are %+v", sum, c)
	}
}

func TestClosedLoopKeepsConcurrencyInFlight(t *testing.T) {
	s := &server{service: constant(10 * time.Millisecond)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Concurrency: 8, Settle: time.Second, Measure: 2 * time.Second})
		if got := m.AchievedPerSecond(); got < 796 || got > 804 {
			t.Errorf("achieved %v/s with 8 in flight at 10ms, want 800/s", got)
		}
		if m.Response.Quantile(0.99) != m.Service.Quantile(0.99) {
			t.Errorf("closed loop: response p99 %v differs from service p99 %v", m.Response.Quantile(0.99), m.Service.Quantile(0.99))
		}
		if m.Counts.Late+m.Counts.Dropped+m.Counts.Unanswered != 0 {
			t.Errorf("late %d, dropped %d, unanswered %d; want none", m.Counts.Late, m.Counts.Dropped, m.Counts.Unanswered)
		}
	})
}

func TestOpenLoopKeepsTheSchedule(t *testing.T) {
	s := &server{service: constant(5 * time.Millisecond)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		schedule := arrival.Poisson{Rate: 500, Seed: 3}
		m := run(t, g, Load{Schedule: schedule, Settle: time.Second, Measure: 4 * time.Second})
		want := int64(0)
		cursor := schedule.Cursor()
		for at, _ := cursor.Next(); at < 5*time.Second; at, _ = cursor.Next() {
			if at >= time.Second {
				want++
			}
		}
		if m.Counts.Requests != want || m.Counts.Successes != want {
			t.Errorf("requests %d, successes %d; the schedule has %d in the window", m.Counts.Requests, m.Counts.Successes, want)
		}
		if late := m.Lateness.Max(); late > 0 {
			t.Errorf("greatest lateness %v on virtual time, want 0", late)
		}
		if doubts := m.Doubts(Limits{}); len(doubts) != 0 {
			t.Errorf("doubts %q, want none", doubts)
		}
	})
}

// TestFrozenServerIsSeenWhole is the classic case of coordinated omission: one
// second of standstill in ten, at 1000/s, must show in 10 % of response times.
func TestFrozenServerIsSeenWhole(t *testing.T) {
	s := &server{service: func(_ uint64, at time.Duration) (time.Duration, Class) {
		if at >= 4*time.Second && at < 5*time.Second {
			return 5*time.Second - at + time.Millisecond, OK
		}
		return time.Millisecond, OK
	}}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 1000}, Measure: 10 * time.Second})
		// A request intended u seconds before the thaw takes u seconds: over all
		// ten seconds the p99 is 0.9 s and the p95 0.5 s.
		for q, want := range map[float64]time.Duration{0.99: 900 * time.Millisecond, 0.95: 500 * time.Millisecond} {
			if got := m.Response.Quantile(q); (got - want).Abs() > want/50 {
				t.Errorf("response time quantile %v = %v, want %v ± 2 %%", q, got, want)
			}
		}
	})
}

func TestBusySessionsMakeSendsLateThenDropped(t *testing.T) {
	s := &server{service: constant(100 * time.Millisecond)}
	inBubble(t, s, Options{MaxSessions: startSessions, DropAfter: 200 * time.Millisecond}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 320}, Measure: 2 * time.Second})
		// 16 sessions at 100 ms carry 160/s, half of what is asked.
		if m.Counts.Dropped < 250 || m.Counts.Late < 250 {
			t.Errorf("dropped %d, late %d of %d; want about half dropped and the sent ones late", m.Counts.Dropped, m.Counts.Late, m.Counts.Requests)
		}
		if m.Counts.Requests != 640 {
			t.Errorf("requests %d, want all 640 that were intended", m.Counts.Requests)
		}
		if m.Response.Quantile(0.5) <= m.Service.Quantile(0.5)+50*time.Millisecond {
			t.Errorf("median response %v, service %v: the wait for a session is missing", m.Response.Quantile(0.5), m.Service.Quantile(0.5))
		}
		doubts := strings.Join(m.Doubts(Limits{}), "; ")
		if !strings.Contains(doubts, "late") || !strings.Contains(doubts, "not sent") {
			t.Errorf("doubts %q, want lateness and dropped requests", doubts)
		}
	})
}

func TestPoolGrowsToTheLoad(t *testing.T) {
	s := &server{service: constant(time.Second)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 300}, Settle: 2 * time.Second, Measure: 2 * time.Second})
		if m.Client.Sessions < 300 || m.Lateness.Max() > 0 {
			t.Errorf("sessions %d, greatest lateness %v; want at least 300 and none", m.Client.Sessions, m.Lateness.Max())
		}
	})
}

func TestOverloadEndsTheWindow(t *testing.T) {
	s := &server{service: constant(100 * time.Millisecond), limit: 10}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 200}, Measure: 10 * time.Second, MaxInFlight: 100, Patience: 100 * time.Millisecond})
		// 200/s come and 100/s go: 100 are in flight after about one second.
		if !m.Overloaded || m.Window < 800*time.Millisecond || m.Window > 1200*time.Millisecond {
			t.Errorf("overloaded %v, window %v; want true, about 1s", m.Overloaded, m.Window)
		}
		if m.Counts.Unanswered == 0 {
			t.Error("no request is unanswered after an overload with short patience")
		}
		before := len(s.arrivals())
		time.Sleep(5 * time.Second)
		if len(s.arrivals()) != before {
			t.Errorf("%d requests were sent after the overload", len(s.arrivals())-before)
		}
	})
}

// TestOverloadOfTheGeneratorIsDoubted asks for far more than the sessions can
// send while the load still settles: that says nothing about the server.
func TestOverloadOfTheGeneratorIsDoubted(t *testing.T) {
	s := &server{service: constant(100 * time.Millisecond)}
	inBubble(t, s, Options{MaxSessions: 40}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 2000}, Settle: 2 * time.Second, Measure: time.Second, MaxInFlight: 35})
		if !m.Overloaded || m.Counts.Requests != 0 {
			t.Fatalf("overloaded %v with %d requests, want an overload while settling", m.Overloaded, m.Counts.Requests)
		}
		if doubts := m.Doubts(Limits{}); len(doubts) != 1 || !strings.Contains(doubts[0], "late before") {
			t.Errorf("doubts %q, want that sends were late", doubts)
		}
	})
}

func TestUsageIsOverTheWindow(t *testing.T) {
	start := time.Now()
	opts := Options{
		CPU:     func() time.Duration { return time.Since(start) * 3 / 2 },
		Machine: func() (busy, total time.Duration) { return time.Since(start), 2 * time.Since(start) },
		Procs:   2,
	}
	s := &server{service: constant(time.Millisecond)}
	inBubble(t, s, opts, func(t *testing.T, g *Generator) {
		start = time.Now()
		m := run(t, g, Load{Concurrency: 1, Settle: time.Second, Measure: time.Second})
		if m.Client.CPU != 1.5 || m.Client.Machine != 0.5 {
			t.Errorf("CPU %v, machine %v; want 1.5 processors and half of the machine", m.Client.CPU, m.Client.Machine)
		}
		if doubts := m.Doubts(Limits{CPU: 0.7}); len(doubts) != 1 || !strings.Contains(doubts[0], "1.50 of 2") {
			t.Errorf("doubts %q past a CPU limit of 0.7, want the processors", doubts)
		}
	})
}

func TestLoadGoesOnWithoutAGap(t *testing.T) {
	s := &server{service: constant(time.Millisecond)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		a := run(t, g, Load{Schedule: arrival.Constant{Rate: 100}, Measure: time.Second})
		time.Sleep(500 * time.Millisecond) // a search that thinks
		b := run(t, g, Load{Schedule: arrival.Constant{Rate: 200}, Measure: time.Second, FirstRequest: a.NextRequest})
		sent := s.arrivals()
		for i := 1; i < len(sent); i++ {
			if gap := sent[i] - sent[i-1]; gap > 15*time.Millisecond {
				t.Errorf("nothing was sent for %v before %v", gap, sent[i])
			}
		}
		if a.Counts.Requests != 100 || b.Counts.Requests != 200 {
			t.Errorf("requests %d and %d, want 100 and 200: the load in between is nobody's", a.Counts.Requests, b.Counts.Requests)
		}
		g.Pause()
		before := len(s.arrivals())
		time.Sleep(time.Second)
		if len(s.arrivals()) > before+1 {
			t.Errorf("%d requests were sent after Pause", len(s.arrivals())-before)
		}
	})
}

// TestThroughputCountsAnswersToEarlierRequests switches between two closed loops
// without a pause to settle: what the first one sent is answered under the second.
func TestThroughputCountsAnswersToEarlierRequests(t *testing.T) {
	s := &server{service: constant(500 * time.Millisecond)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		run(t, g, Load{Concurrency: 10, Measure: 1250 * time.Millisecond, Patience: time.Millisecond})
		m := run(t, g, Load{Concurrency: 10, Measure: time.Second, Patience: time.Millisecond})
		if got := m.AchievedPerSecond(); got != 20 {
			t.Errorf("achieved %v/s with 10 in flight at 500ms, want 20/s from the first instant on", got)
		}
	})
}

func TestEarlierQueueIsNotCountedAsTheNextLoads(t *testing.T) {
	s := &server{service: constant(50 * time.Millisecond), limit: 1}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		over := run(t, g, Load{Schedule: arrival.Constant{Rate: 100}, Measure: 2 * time.Second, Patience: time.Millisecond})
		if over.Counts.Unanswered < 100 {
			t.Fatalf("unanswered %d after 2 s at five times the capacity", over.Counts.Unanswered)
		}
		next := run(t, g, Load{Schedule: arrival.Constant{Rate: 5}, Measure: 2 * time.Second, Drain: time.Minute})
		if next.Counts.Requests != 10 || next.Response.Max() > 60*time.Millisecond {
			t.Errorf("after a drain: %d requests, slowest %v; want 10, about 50ms", next.Counts.Requests, next.Response.Max())
		}
	})
}

func TestFailuresStayOutOfTheHistograms(t *testing.T) {
	s := &server{service: func(k uint64, _ time.Duration) (time.Duration, Class) {
		if k%4 == 0 {
			return 10 * time.Microsecond, ServerError
		}
		return 20 * time.Millisecond, OK
	}}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		limit := 30 * time.Millisecond
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 400}, Measure: time.Second, SlowAbove: []time.Duration{limit}})
		if m.Counts.Errors[ServerError] != 100 || m.Counts.Successes != 300 || m.SuccessRatio() != 0.75 {
			t.Errorf("errors %d, successes %d, ratio %v; want 100, 300, 0.75", m.Counts.Errors[ServerError], m.Counts.Successes, m.SuccessRatio())
		}
		if fastest := m.Service.Quantile(0); fastest < 19*time.Millisecond {
			t.Errorf("fastest success %v: a failure is in the histogram", fastest)
		}
		if len(m.Samples) != 1 || m.Samples[0].Detail != "words" || m.Samples[0].Class != ServerError {
			t.Errorf("samples %+v, want the server's words once", m.Samples)
		}
		var slow int64
		for _, b := range m.Bins {
			slow += b.Slow[0]
		}
		if slow != 100 {
			t.Errorf("slow above %v: %d, want the 100 failures", limit, slow)
		}
	})
}

func TestClosedLoopBacksOffAfterFailures(t *testing.T) {
	s := &server{service: func(uint64, time.Duration) (time.Duration, Class) { return 0, Refused }}
	inBubble(t, s, Options{BackOff: 10 * time.Millisecond}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Concurrency: 4, Measure: time.Second})
		if m.Counts.Requests > 404 {
			t.Errorf("%d requests in a second of refusals with 4 in flight and 10ms of rest, want 400", m.Counts.Requests)
		}
	})
}

func TestInterruptKeepsWhatWasMeasured(t *testing.T) {
	s := &server{service: constant(time.Millisecond)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		m, err := g.Run(ctx, Load{Schedule: arrival.Constant{Rate: 100}, Settle: time.Second, Measure: time.Minute})
		if !errors.Is(err, context.DeadlineExceeded) || !m.Interrupted {
			t.Errorf("Run = interrupted %v, error %v; want true, the context's error", m.Interrupted, err)
		}
		checkBooks(t, m)
		if m.Counts.Successes < 190 || m.Window < 1900*time.Millisecond || m.Window > 2100*time.Millisecond {
			t.Errorf("successes %d in a window of %v, want about 200 in 2s", m.Counts.Successes, m.Window)
		}
	})
}

func TestOpenFailureIsReturned(t *testing.T) {
	cause := &OpenError{Class: Refused, Err: errors.New("no one listens")}
	inBubble(t, &server{openErr: cause}, Options{}, func(t *testing.T, g *Generator) {
		_, err := g.Run(t.Context(), Load{Concurrency: 2, Measure: time.Second})
		var open *OpenError
		if !errors.As(err, &open) || open.Class != Refused {
			t.Errorf("Run against nothing: %v, want an OpenError of class connection_refused", err)
		}
	})
}

func TestRequestsAreNumberedOnce(t *testing.T) {
	s := &server{service: constant(time.Millisecond)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		run(t, g, Load{Concurrency: 3, Measure: time.Second, FirstRequest: 1000})
		g.Pause()
		time.Sleep(time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		slices.Sort(s.ks)
		for i, k := range s.ks {
			if k != 1000+uint64(i) {
				t.Fatalf("request number %d at place %d, want %d", k, i, 1000+i)
			}
		}
	})
}

// TestBooksAlwaysBalance plays random loads against a random server.
func TestBooksAlwaysBalance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		loads := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Load {
			l := Load{
				Settle:      time.Duration(rapid.IntRange(0, 300).Draw(t, "settle")) * time.Millisecond,
				Measure:     time.Duration(rapid.IntRange(1, 1000).Draw(t, "measure")) * time.Millisecond,
				Patience:    time.Duration(rapid.IntRange(0, 50).Draw(t, "patience")) * time.Millisecond,
				Drain:       time.Duration(rapid.IntRange(0, 1).Draw(t, "drain")) * time.Second,
				SlowAbove:   []time.Duration{10 * time.Millisecond},
				MaxInFlight: rapid.SampledFrom([]int{0, 5, 50}).Draw(t, "in flight"),
			}
			if rapid.Bool().Draw(t, "open") {
				l.Schedule = arrival.Poisson{Rate: arrival.Rate(rapid.IntRange(1, 2000).Draw(t, "rate")), Seed: seed}
			} else {
				l.Concurrency = rapid.IntRange(1, 30).Draw(t, "concurrency")
			}
			return l
		}), 1, 4).Draw(rt, "loads")
		synctest.Test(t, func(t *testing.T) {
			rng, mu := rand.New(rand.NewPCG(seed, 1)), sync.Mutex{}
			s := &server{limit: 4, service: func(uint64, time.Duration) (time.Duration, Class) {
				mu.Lock()
				defer mu.Unlock()
				return time.Duration(rng.ExpFloat64() * float64(10*time.Millisecond)), Class(max(0, rng.IntN(int(NumClasses)+10)-10))
			}}
			s.begin()
			g, err := New(t.Context(), Options{Target: s, Bodies: oneBody{}, MaxSessions: 40, DropAfter: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			for _, l := range loads {
				m, err := g.Run(t.Context(), l)
				if err != nil {
					t.Fatal(err)
				}
				checkBooks(t, m)
			}
		})
	})
}

func TestSendDoesNotAllocate(t *testing.T) {
	s := &nullSession{}
	g, err := New(t.Context(), Options{Target: nullTarget{}, Bodies: oneBody{}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	e := newEpoch(Load{Concurrency: 1, Measure: time.Hour, SlowAbove: []time.Duration{1}}, g.opts, &g.books)
	w := worker{g: g, session: s}
	if n := testing.AllocsPerRun(1000, func() { sendOne(e, &w) }); n != 0 {
		t.Errorf("a request allocates %v times, want 0", n)
	}
}

func sendOne(e *epoch, w *worker) {
	t, _ := e.admit(e.offset())
	w.send(e, t, e.offset())
}

type nullTarget struct{}

func (nullTarget) Open(context.Context) (Session, error) { return &nullSession{}, nil }

type nullSession struct{}

func (*nullSession) Do(Request) Outcome { return Outcome{} }
func (*nullSession) Close() error       { return nil }

func TestDoubtsAreInPercent(t *testing.T) {
	m := Measurement{Load: Load{Schedule: arrival.Constant{Rate: 1}}, Lateness: latency.New()}
	for range 4973 {
		m.Lateness.Record(time.Second)
	}
	if got := strings.Join(m.Doubts(Limits{}), ";"); !strings.HasPrefix(got, "100 % of 4973 sends left more than 2ms late") {
		t.Errorf("doubt of a load that was all late: %q", got)
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	err := Load{Concurrency: 1, Schedule: arrival.Constant{Rate: 1}, Settle: -1, SlowAbove: make([]time.Duration, 5)}.Validate()
	for _, want := range []string{"one of the two", "measure", "negative", "at most 4"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate of a bad load = %v, want %q in it", err, want)
		}
	}
	if err := (Options{MaxSessions: -1}).Validate(); err == nil || !strings.Contains(err.Error(), "required") || !strings.Contains(err.Error(), "-1") {
		t.Errorf("Validate of bad options = %v, want both problems", err)
	}
}

func TestClassNames(t *testing.T) {
	seen := map[string]bool{}
	for c := range NumClasses {
		if name := c.String(); name == "" || name == "unknown" || seen[name] {
			t.Errorf("Class(%d).String() = %q, want a name of its own", c, name)
		}
		seen[c.String()] = true
	}
	if NumClasses.String() != "unknown" {
		t.Errorf("String() of no class = %q, want unknown", NumClasses.String())
	}
}

func BenchmarkRequest(b *testing.B) {
	g, err := New(b.Context(), Options{Target: nullTarget{}, Bodies: oneBody{}})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	e := newEpoch(Load{Concurrency: 1, Measure: time.Hour}, g.opts, &g.books)
	w := worker{g: g, session: &nullSession{}}
	b.ReportAllocs()
	for b.Loop() {
		sendOne(e, &w)
	}
}
