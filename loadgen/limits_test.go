package loadgen

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/arrival"

	"pgregory.net/rapid"
)

// TestMaxRequestsIsAHardBound plays random loads with one limit: whatever they
// are, and however often they replace one another, no request more is sent.
func TestMaxRequestsIsAHardBound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.Int64Range(1, 400).Draw(rt, "limit")
		service := time.Duration(rapid.IntRange(0, 20).Draw(rt, "service")) * time.Millisecond
		loads := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Load {
			l := Load{
				Settle:      time.Duration(rapid.IntRange(0, 100).Draw(t, "settle")) * time.Millisecond,
				Measure:     time.Duration(rapid.IntRange(1, 300).Draw(t, "measure")) * time.Millisecond,
				MaxRequests: limit,
			}
			if rapid.Bool().Draw(t, "open") {
				l.Schedule = arrival.Poisson{Rate: arrival.Rate(rapid.IntRange(1, 3000).Draw(t, "rate")), Seed: 7}
			} else {
				l.Concurrency = rapid.IntRange(1, 30).Draw(t, "concurrency")
				l.MaxRate = arrival.Rate(rapid.SampledFrom([]int{0, 50, 1000}).Draw(t, "max rate"))
			}
			return l
		}), 1, 4).Draw(rt, "loads")
		synctest.Test(t, func(t *testing.T) {
			// On virtual time an instant answer would never let a millisecond pass.
			s := &server{service: constant(max(service, 100*time.Microsecond))}
			s.begin()
			g, err := New(t.Context(), Options{Target: s, Bodies: oneBody{}})
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
				if sent := int64(len(s.arrivals())); sent > limit || m.Sent > sent || m.Spent && m.Sent != limit {
					t.Fatalf("%d requests arrived, %d counted, limit %d", sent, m.Sent, limit)
				}
				time.Sleep(50 * time.Millisecond) // the load goes on
			}
			g.Pause()
			time.Sleep(time.Second)
			if sent := int64(len(s.arrivals())); sent > limit || sent != g.Sent() {
				t.Fatalf("%d requests arrived, %d counted, limit %d", sent, g.Sent(), limit)
			}
		})
	})
}

// TestTheLimitEndsTheWindow: what was measured until then is whole.
func TestTheLimitEndsTheWindow(t *testing.T) {
	for name, load := range map[string]Load{
		"closed loop": {Concurrency: 2, Measure: 10 * time.Second, MaxRequests: 300},
		"open loop":   {Schedule: arrival.Constant{Rate: 200}, Measure: 10 * time.Second, MaxRequests: 300},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{service: constant(10 * time.Millisecond)}
			inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
				m := run(t, g, load)
				if !m.Spent || m.Sent != 300 || m.Counts.Successes != 300 || len(s.arrivals()) != 300 {
					t.Errorf("spent %v, sent %d, successes %d, arrived %d; want true and 300 each", m.Spent, m.Sent, m.Counts.Successes, len(s.arrivals()))
				}
				if m.Window < 1490*time.Millisecond || m.Window > 1510*time.Millisecond {
					t.Errorf("window of %v for 300 requests at 200/s, want 1.5s", m.Window)
				}
				m = run(t, g, load)
				if !m.Spent || m.Counts.Requests != 0 || len(s.arrivals()) != 300 {
					t.Errorf("after the limit: spent %v, %d requests; want true and none", m.Spent, m.Counts.Requests)
				}
			})
		})
	}
}

// TestMaxRateSpacesTheClosedLoop, from one load to the next as well.
func TestMaxRateSpacesTheClosedLoop(t *testing.T) {
	s := &server{service: constant(time.Millisecond)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		for _, concurrency := range []int{1, 8, 1} {
			m := run(t, g, Load{Concurrency: concurrency, Measure: time.Second, MaxRate: 100})
			if n := m.Counts.Requests; n < 97 || n > 101 { // a turn or two is lost where one load follows another
				t.Errorf("%d requests in 1s with %d in flight, want 100", n, concurrency)
			}
			if m.Response.Max() > 1100*time.Microsecond {
				t.Errorf("response time %v, want 1ms: waiting for the turn is no part of it", m.Response.Max())
			}
		}
		sent := s.arrivals()
		for i := range sent[1:] {
			if apart := sent[i+1] - sent[i]; apart < 10*time.Millisecond {
				t.Fatalf("sends %d and %d are %v apart, want at least 10ms", i, i+1, apart)
			}
		}
	})
}

// TestNumbersAreNotUsedTwice, also by what goes on after a load has returned.
func TestNumbersAreNotUsedTwice(t *testing.T) {
	s := &server{service: constant(time.Millisecond)}
	inBubble(t, s, Options{}, func(t *testing.T, g *Generator) {
		next := uint64(0)
		for range 3 {
			m := run(t, g, Load{Concurrency: 3, Measure: 100 * time.Millisecond, FirstRequest: next})
			next = m.NextRequest
			time.Sleep(20 * time.Millisecond) // the load goes on
		}
		g.Pause()
		time.Sleep(time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		all := len(s.ks)
		slices.Sort(s.ks)
		if unlike := len(slices.Compact(s.ks)); unlike != all {
			t.Errorf("%d of %d requests had a number that was used before", all-unlike, all)
		}
	})
}

func TestSessionsOfAnOpenLoopAreBounded(t *testing.T) {
	s := &server{service: constant(time.Millisecond)}
	inBubble(t, s, Options{MaxSessions: 4}, func(t *testing.T, g *Generator) {
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 100}, Measure: time.Second})
		if m.Client.Sessions != 4 {
			t.Errorf("%d sessions are open, want the 4 that are allowed", m.Client.Sessions)
		}
	})
}
