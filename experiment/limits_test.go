package experiment

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"plimsoll/capacity"
	"plimsoll/loadgen"
)

// TestMaxRequestsIsKept, however quick the endpoint is: the first load is held
// before anything is known of it.
func TestMaxRequestsIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		model  string
		limit  int64
		before int64
	}{
		"a quick endpoint":          {"service=100us,workers=4", 300, 1},
		"an ordinary one":           {"service=5ms,cv=0.3,workers=4", 3000, 1},
		"the probe takes it all":    {"service=5ms,workers=4", 1, 1},
		"one request after a probe": {"service=5ms,workers=4", 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, c.model, func(t *testing.T, m *modelled, g *loadgen.Generator) {
				plan := findPlan(60 * time.Second)
				plan.Search.MaxRequests = c.limit
				r, err := Find(t.Context(), plan, Earlier{Sent: c.before}, g, &journal{})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) // nothing goes on
				if n := m.count() + c.before; n > c.limit || r.RequestsSent != n {
					t.Errorf("%d requests were sent and %d are in the result, limit %d", n, r.RequestsSent, c.limit)
				}
				if r.Peak.Cause != capacity.CauseLimit || r.Peak.Found {
					t.Errorf("cause %q, found %v; want the limit and no peak", r.Peak.Cause, r.Peak.Found)
				}
			})
		})
	}
}

// TestMaxRequestsIsKeptAcrossARestart, of a run that was interrupted in a trial.
func TestMaxRequestsIsKeptAcrossARestart(t *testing.T) {
	const limit = 1500
	inBubble(t, "service=20ms,cv=0.3,workers=4", func(t *testing.T, m *modelled, g *loadgen.Generator) {
		plan := findPlan(60 * time.Second)
		plan.Search.MaxRequests = limit
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(6*time.Second, func() { cancel(errors.New("stopped")) })
		var first journal
		partial, _ := Find(ctx, plan, Earlier{Sent: 1}, g, &first)
		after := m.count()
		if partial.RequestsSent != after+1 {
			t.Fatalf("%d requests sent by the result, %d arrived after the probe", partial.RequestsSent, after)
		}
		again, err := loadgen.New(t.Context(), loadgen.Options{Target: m, Bodies: noBodies{}})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		whole, err := Find(t.Context(), plan, Earlier{Trials: first.recorded(t), Sent: partial.RequestsSent + 1}, again, &journal{})
		if err != nil {
			t.Fatal(err)
		}
		if n := m.count() + 2; n > limit || n < limit-1 || whole.RequestsSent != n {
			t.Errorf("%d requests were sent and %d are in the result, limit %d", n, whole.RequestsSent, limit)
		}
	})
}

// TestAResumedRunAddsUp: it began when it began, took what all of it took, and
// no request carries the number of another.
func TestAResumedRunAddsUp(t *testing.T) {
	inBubble(t, "service=20ms,cv=0.3,workers=4", func(t *testing.T, m *modelled, g *loadgen.Generator) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(15*time.Second, func() { cancel(errors.New("stopped")) })
		var first journal
		_, _ = Find(ctx, findPlan(30*time.Second), Earlier{}, g, &first)
		time.Sleep(time.Hour)
		again, err := loadgen.New(t.Context(), loadgen.Options{Target: m, Bodies: noBodies{}})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		whole, err := Find(t.Context(), findPlan(30*time.Second), Earlier{Trials: first.recorded(t)}, again, &journal{})
		if err != nil {
			t.Fatal(err)
		}
		if !whole.Started.Equal(whole.Trials[0].Started) {
			t.Errorf("started %v, its first trial at %v", whole.Started, whole.Trials[0].Started)
		}
		sum := 0.0
		for _, trial := range whole.Trials {
			sum += trial.ElapsedSeconds
		}
		if whole.DurationSeconds < sum-0.001 || whole.DurationSeconds > sum+60 {
			t.Errorf("took %v s, its trials %v s", whole.DurationSeconds, sum)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		all := len(m.ks)
		slices.Sort(m.ks)
		if unlike := len(slices.Compact(m.ks)); unlike != all {
			t.Errorf("%d of %d requests had a number that was used before", all-unlike, all)
		}
	})
}

// TestMaxRateIsKept by the closed loop, too: no second has more requests.
func TestMaxRateIsKept(t *testing.T) {
	inBubble(t, "service=2ms,cv=0.3,workers=8", func(t *testing.T, m *modelled, g *loadgen.Generator) {
		plan := findPlan(30 * time.Second)
		plan.Search.MaxRate = 100
		plan.Arrivals = ArrivalsConstant // a Poisson process has seconds with more
		r, err := Find(t.Context(), plan, Earlier{}, g, &journal{})
		if err != nil {
			t.Fatal(err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		slices.Sort(m.sent)
		most, from := 0, 0
		for to := range m.sent {
			for m.sent[to]-m.sent[from] >= time.Second {
				from++
			}
			most = max(most, to-from+1)
		}
		if most > 102 {
			t.Errorf("%d requests within a second, limit 100/s", most)
		}
		if r.Peak.Cause != capacity.CauseLimit || r.Peak.Rate == nil || *r.Peak.Rate < 90 || *r.Peak.Rate > 100 {
			t.Errorf("cause %q, rate %v; want a lower bound of up to 100/s (%q)", r.Peak.Cause, r.Peak.Rate, r.Peak.Reasons)
		}
	})
}
