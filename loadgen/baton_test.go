package loadgen

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/arrival"
)

func mine() chan struct{} { return make(chan struct{}, 1) }

// A connection that was just used is cheaper than one that has rested.
func TestBatonGoesToWhoBecameIdleLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := baton{free: true}
		if !b.take(mine(), nil) {
			t.Fatal("the first did not get the baton")
		}
		var got []int
		for k := range 3 {
			go func() {
				b.take(mine(), nil)
				got = append(got, k)
			}()
			synctest.Wait()
		}
		for want := range 3 {
			if idle := b.pass(); idle != 2-want {
				t.Errorf("%d idle after passing %d times, want %d", idle, want+1, 2-want)
			}
			synctest.Wait()
		}
		if want := []int{2, 1, 0}; !slices.Equal(got, want) {
			t.Errorf("passed to %v, want %v", got, want)
		}
		if b.pass(); !b.take(mine(), nil) {
			t.Error("a baton that nobody waited for was not there for the next")
		}
	})
}

// A word that was given as the load ended must not be found in the next one, where it
// would make two workers keep the schedule.
func TestBatonLeavesNoWordBehind(t *testing.T) {
	word, over := mine(), make(chan struct{})
	b := baton{}
	close(over)
	if b.take(word, over) || len(b.idle) > 0 {
		t.Errorf("taken from a load that is over, or still waiting: %d idle", len(b.idle))
	}
	b.idle = append(b.idle, word)
	b.pass()
	b.withdraw(word)
	if len(word) != 0 {
		t.Error("the word is still there")
	}
}

func TestBatonIsHeldByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := baton{free: true}
		over, end := make(chan struct{}), time.Now().Add(time.Second)
		var holders, most, passed int
		var mu sync.Mutex
		hold := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			holders += by
			most = max(most, holders)
			passed++
		}
		var ended sync.WaitGroup
		for range 8 {
			ended.Go(func() {
				word := mine()
				for time.Now().Before(end) && b.take(word, over) {
					hold(1)
					time.Sleep(time.Millisecond)
					hold(-1)
					b.pass()
				}
			})
		}
		time.Sleep(time.Until(end))
		close(over)
		ended.Wait()
		if most != 1 || passed < 1000 {
			t.Errorf("%d held it at once, %d times; want 1, a thousand times", most, passed)
		}
	})
}

// TestBatonAllocatesNothing: it changes hands for each request.
func TestBatonAllocatesNothing(t *testing.T) {
	b := baton{idle: make([]chan struct{}, 0, 2)}
	word := mine()
	if n := testing.AllocsPerRun(1000, func() {
		b.pass()
		b.take(word, nil)
	}); n != 0 {
		t.Errorf("%v allocations for each time, want 0", n)
	}
}

// A load that two connections carry goes over those that were used last, however many
// are open.
func TestOpenLoopKeepsToWarmSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &tallies{}
		g, err := New(t.Context(), Options{Target: target, Bodies: oneBody{}, Sessions: 16})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		m := run(t, g, Load{Schedule: arrival.Constant{Rate: 1000}, Measure: time.Second})
		used := 0
		for _, one := range target.sessions {
			if one.requests.Load() > 0 {
				used++
			}
		}
		if used > 3 || m.Counts.Successes != 1000 {
			t.Errorf("%d of %d sessions were used for %d answers, want three at most: one sends, one keeps the schedule", used, len(target.sessions), m.Counts.Successes)
		}
	})
}

// tallies are sessions that count what they carry.
type tallies struct {
	mu       sync.Mutex
	sessions []*tally
}

func (s *tallies) Open(context.Context) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = append(s.sessions, new(tally))
	return s.sessions[len(s.sessions)-1], nil
}

type tally struct{ requests atomic.Int64 }

func (one *tally) Do(Request) Outcome {
	one.requests.Add(1)
	time.Sleep(500 * time.Microsecond) // of the bubble
	return Outcome{}
}

func (*tally) Close() error { return nil }

// A look at a load pauses between its parts, so that a processor that it has to share
// with the sending is never its own for long.
func TestSnapshotGivesWay(t *testing.T) {
	inBubble(t, &server{service: constant(time.Millisecond)}, Options{}, func(t *testing.T, g *Generator) {
		var ended sync.WaitGroup
		ended.Go(func() { run(t, g, Load{Schedule: arrival.Constant{Rate: 1000}, Measure: time.Second}) })
		time.Sleep(500 * time.Millisecond)
		before := g.Sent()
		m, ok := g.Snapshot()
		if !ok || m.Counts.Requests < 490 || m.Response.Count() < 490 {
			t.Errorf("a look at the middle of the load: %v, %d requests, %d times", ok, m.Counts.Requests, m.Response.Count())
		}
		if g.Sent() == before {
			t.Error("nothing was sent during the look")
		}
		ended.Wait()
	})
}
