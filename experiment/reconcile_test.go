package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/loadgen"
	"plimsoll/scaling"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// steady is a client that sends at a rate from noon on, with tallies at every 100 ms,
// and answers of 50 ms each.
func steady(perSecond float64, d time.Duration) []Tally {
	var out []Tally
	for at := time.Duration(0); at <= d; at += 100 * time.Millisecond {
		n := int64(perSecond * at.Seconds())
		out = append(out, Tally{At: noon.Add(at), Sent: n, Answered: n, Service: time.Duration(n) * 50 * time.Millisecond})
	}
	return out
}

// counts are a datapoint for each minute from noon on.
func counts(values ...float64) []scaling.Point {
	var out []scaling.Point
	for i, v := range values {
		out = append(out, scaling.Point{At: noon.Add(time.Duration(i) * time.Minute), Value: v, Missing: v < 0})
	}
	return out
}

func TestReconcile(t *testing.T) {
	trial := func(number int, from, to time.Duration) Span {
		return Span{Trial: number, From: noon.Add(from), To: noon.Add(to)}
	}
	threeTrials := []Span{trial(1, 0, 70*time.Second), trial(2, 70*time.Second, 110*time.Second), trial(3, 125*time.Second, 180*time.Second)}
	refusing := slices.Clone(threeTrials)
	refusing[1].Refused = 0.25
	for _, tt := range []struct {
		name     string
		client   []Tally
		trials   []Span
		speed    float64
		seen     []float64
		verdicts string
		doubted  []int
	}{
		{"the same", steady(100, 3*time.Minute), threeTrials, 1, []float64{6000, 6000, 6000}, "agrees agrees agrees", nil},
		{"within 5 %", steady(100, 3*time.Minute), threeTrials, 1, []float64{6290, 5710, 6000}, "agrees agrees agrees", nil},
		{"other traffic", steady(100, 3*time.Minute), threeTrials, 1, []float64{6000, 6500, 6000}, "agrees more agrees", []int{1, 2}},
		{"other traffic in the last minute", steady(100, 170*time.Second), threeTrials, 1, []float64{6000, 6000, 5500}, "agrees agrees more", nil},
		{"lost", steady(100, 3*time.Minute), threeTrials, 1, []float64{6000, 6000, 5500}, "agrees agrees fewer", []int{3}},
		{"not all there in the last minute", steady(100, 170*time.Second), threeTrials, 1, []float64{6000, 6000, 1500}, "agrees agrees fewer", nil},
		{"refused before the variant", steady(100, 3*time.Minute), refusing, 1, []float64{6000, 4600, 6000}, "agrees refused agrees", nil},
		{"more lost than was refused", steady(100, 3*time.Minute), refusing, 1, []float64{6000, 4000, 6000}, "agrees fewer agrees", []int{1, 2}},
		{"not yet there", steady(100, 3*time.Minute), threeTrials, 1, []float64{6000, 6000, -1}, "agrees agrees absent", nil},
		{"few requests, counting noise", steady(0.5, 3*time.Minute), threeTrials, 1, []float64{20, 40, 30}, "agrees agrees agrees", nil},
		{"an emulator at ten times the speed", steady(10, 3*time.Minute), threeTrials, 10, []float64{6000, 6000, 6000}, "agrees agrees agrees", nil},
		{"nothing sent", nil, nil, 1, []float64{6000}, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Reconcile(Accounts{
				Client: tt.client, Trials: tt.trials, Speed: tt.speed, Edge: time.Second,
				Seen: Seen{Invocations: counts(tt.seen...), Model: counts(40e3, 40e3, 40e3), Overhead: counts(2e3, 2e3, 2e3)},
			})
			var verdicts []string
			for _, c := range r.Minutes {
				verdicts = append(verdicts, string(c.Verdict))
			}
			if got := strings.Join(verdicts, " "); got != tt.verdicts || !slices.Equal(r.Doubted, tt.doubted) {
				t.Errorf("Reconcile: minutes %q, doubted %v; want %q, %v", got, r.Doubted, tt.verdicts, tt.doubted)
			}
			if len(tt.client) > 0 && (r.Times == nil || math.Abs(r.Times.Network-8) > 0.1) {
				t.Errorf("Reconcile: times %+v, want 50 ms less 40 and 2: 8 ms of network", r.Times)
			}
		})
	}
}

// TestReconcileOwnCounts: what CloudWatch counts of the requests themselves agrees at
// every rate, phase of the minute and small difference of the clocks; far more does not.
func TestReconcileOwnCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var client []Tally
		var sent []time.Duration // each request
		at, n := time.Duration(rapid.IntRange(0, 59).Draw(t, "from second"))*time.Second, int64(0)
		for range rapid.IntRange(1, 4).Draw(t, "trials") {
			rate := rapid.IntRange(1, 60).Draw(t, "rate")
			for range rapid.IntRange(5, 60).Draw(t, "seconds") * 10 {
				client = append(client, Tally{At: noon.Add(at), Sent: n})
				next := at + 100*time.Millisecond
				for int64(float64(rate)*next.Seconds()) > int64(float64(rate)*at.Seconds())+int64(len(sent))-n {
					sent = append(sent, at)
				}
				n, at = int64(len(sent)), next
			}
		}
		client = append(client, Tally{At: noon.Add(at), Sent: n})
		off := time.Duration(rapid.IntRange(-900, 900).Draw(t, "clock off by")) * time.Millisecond
		values := make([]float64, 60)
		for _, d := range sent {
			if minute := int((d + off + time.Minute) / time.Minute); minute > 0 { // rounded down, below zero too
				values[minute-1]++
			}
		}
		a := Accounts{Client: client, Speed: 1, Edge: time.Second, Seen: Seen{Invocations: counts(values...)}}
		for _, c := range Reconcile(a).Minutes {
			if c.Verdict != Agrees {
				t.Fatalf("Reconcile: %+v, want it to agree", c)
			}
		}
		for i := range values {
			values[i] = 2*values[i] + 1000 // more than the edge can explain
		}
		a.Seen.Invocations = counts(values...)
		for _, c := range Reconcile(a).Minutes {
			if c.Verdict != More {
				t.Fatalf("Reconcile: %+v although far more were counted", c)
			}
		}
	})
}

// ledger is a server that publishes metrics of what it was sent, late.
type ledger struct {
	Metrics // of which only Series is asked for
	*modelled

	late    time.Duration
	others  float64       // requests a second of somebody else
	network time.Duration // that the metrics do not see
	err     error
	asked   int
}

func (l *ledger) Now() time.Time                     { return time.Now() }
func (l *ledger) Here(d time.Duration) time.Duration { return d }

func (l *ledger) Series(_ context.Context, _ Variant, r Reading) ([]scaling.Point, error) {
	metric, from, to := r.Metric, r.From, r.To
	l.asked++
	if l.err != nil {
		return nil, l.err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := map[time.Time]float64{}
	for _, d := range l.sent {
		sent[l.start.Add(d).Truncate(time.Minute)]++
	}
	var out []scaling.Point
	for minute := from.Truncate(time.Minute); !minute.Add(time.Minute + l.late).After(to); minute = minute.Add(time.Minute) {
		n := l.others*60 + sent[minute]
		value := map[string]float64{"Invocations": n, "ModelLatency": 18e3, "OverheadLatency": 2e3}[metric] - float64(l.network.Microseconds())/2
		if metric == "Invocations" {
			value = n
		}
		out = append(out, scaling.Point{At: minute, Value: value})
	}
	return out, nil
}

func TestReconcilerAfterRuns(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*ledger)
		done    bool
		says    string
		doubted bool
	}{
		{"agrees once it has arrived", func(l *ledger) { l.late = 100 * time.Second }, true, "CloudWatch counted what was sent in", false},
		{"others use the variant", func(l *ledger) { l.others = 20 }, true, "other traffic on the variant", true},
		{"far away", func(l *ledger) { l.network = 10 * time.Millisecond }, true, "of the 50ms that the objective allows (20 %)", false},
		{"no permission", func(l *ledger) {
			l.err = &ControlError{Problem: ProblemDenied, Err: errors.New("User: arn:aws:iam::123456789012:me"), Remedy: "allow the action cloudwatch:GetMetricData"}
		}, false, "could not be read (denied): allow the action cloudwatch:GetMetricData", false},
		{"a bad signature", func(l *ledger) {
			l.err = errors.New("The Canonical String should have been x-amz-security-token:secret")
		}, false, "could not be read", false},
		{"metrics never come", func(l *ledger) { l.late = time.Hour }, false, "no datapoint of the run within 3m0s", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{modelled: newModelled(t, "service=20ms,workers=50")}
				tt.change(l)
				generator, err := loadgen.New(t.Context(), loadgen.Options{Target: l, Bodies: noBodies{}})
				if err != nil {
					t.Fatal(err)
				}
				defer generator.Close()
				plan := Plan{
					Command: "load", Objectives: []string{"p99=50ms"}, Arrivals: ArrivalsConstant, Seed: 1,
					Load: &LoadPlan{Rate: 20, DurationSeconds: 130, WarmUpSeconds: 1},
				}
				result, err := Load(t.Context(), plan, NewReconciler(t.Context(), generator, l, l, []Variant{{Endpoint: "demo", Name: "A"}}), &journal{})
				if err != nil {
					t.Fatal(err)
				}
				r := result.Reconciliation
				if r == nil || r.Done != tt.done || !strings.Contains(r.Why+fmt.Sprint(r.Findings, r.Warnings), tt.says) {
					t.Fatalf("Load: reconciliation %+v, want done %t and …%s…", r, tt.done, tt.says)
				}
				if strings.Contains(r.Why, "1234") || strings.Contains(r.Why, "secret") {
					t.Errorf("Load: %q repeats AWS's words", r.Why)
				}
				if result.Valid == tt.doubted {
					t.Errorf("Load: valid %t, doubts %q; want doubted %t", result.Valid, result.Doubts, tt.doubted)
				}
			})
		})
	}
}

// TestReconcilerIsInterrupted: Ctrl-C while metrics are waited for ends the waiting, not
// the result.
func TestReconcilerIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{modelled: newModelled(t, "service=20ms,workers=50"), late: time.Hour}
		generator, err := loadgen.New(t.Context(), loadgen.Options{Target: l, Bodies: noBodies{}})
		if err != nil {
			t.Fatal(err)
		}
		defer generator.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		plan := Plan{Command: "load", Arrivals: ArrivalsConstant, Load: &LoadPlan{Rate: 50, DurationSeconds: 20}}
		result, err := Load(ctx, plan, NewReconciler(ctx, generator, l, l, []Variant{{}}), &journal{})
		if err != nil || result.Status != Complete || result.Reconciliation.Done {
			t.Errorf("Load: %v, status %s, reconciliation %+v; want a complete result that is not reconciled", err, result.Status, result.Reconciliation)
		}
	})
}

func TestSeenOfTwoVariants(t *testing.T) {
	s := Seen{Invocations: counts(100, 0), Model: counts(10, -1)}
	s.add(Seen{Invocations: counts(300, 5, 7), Model: counts(20, 30)})
	for i, want := range []float64{400, 5, 7} {
		if got, _ := valueAt(s.Invocations, noon.Add(time.Duration(i)*time.Minute)); got != want {
			t.Errorf("invocations of minute %d: %g, want %g", i, got, want)
		}
	}
	for i, want := range []float64{17.5, 30} {
		if got, _ := valueAt(s.Model, noon.Add(time.Duration(i)*time.Minute)); got != want {
			t.Errorf("latency of minute %d: %g, want %g", i, got, want)
		}
	}
}
