package loadgen

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll/arrival"
)

// closing is a server that closes the connection after each answer: connecting
// anew takes longer than answering.
type closing struct{ answer, connect time.Duration }

func (c closing) Open(context.Context) (Session, error) { return closingSession{c}, nil }

type closingSession struct{ closing }

func (s closingSession) Do(Request) Outcome {
	time.Sleep(s.answer + s.connect)
	return Outcome{Class: OK, Status: 200, Reconnects: 1}
}

func (s closingSession) Aside() time.Duration { return s.connect }
func (closingSession) Close() error           { return nil }

// TestReconnectingIsNoServiceTime: what a session takes to connect for its next
// request is in neither time of the last one, and not in the throughput either.
func TestReconnectingIsNoServiceTime(t *testing.T) {
	for name, load := range map[string]Load{
		"open loop":   {Schedule: arrival.Constant{Rate: 20}, Measure: 5 * time.Second},
		"closed loop": {Concurrency: 2, Measure: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := closing{answer: 5 * time.Millisecond, connect: 30 * time.Millisecond}
				g, err := New(t.Context(), Options{Target: target, Bodies: oneBody{}})
				if err != nil {
					t.Fatal(err)
				}
				defer g.Close()
				m := run(t, g, load)
				for what, h := range map[string]time.Duration{"service": m.Service.Max(), "response": m.Response.Max()} {
					if h < 4900*time.Microsecond || h > 5100*time.Microsecond {
						t.Errorf("greatest %s time %v, want the answer's 5ms without the 30ms of the next connection", what, h)
					}
				}
				// A session in the closed loop goes on when it is connected again.
				if n := m.Counts.Requests; load.Concurrency > 0 && (n < 284 || n > 288) {
					t.Errorf("%d requests of 2 sessions that need 35ms each in 5s, want 286", n)
				}
			})
		})
	}
}

// TestAWorkerDoesNotOutliveItsGenerator: a worker that comes to the last pause
// after Close has played it must not wait for the next load.
func TestAWorkerDoesNotOutliveItsGenerator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := New(t.Context(), Options{Target: nullTarget{}, Bodies: oneBody{}})
		if err != nil {
			t.Fatal(err)
		}
		w := worker{g: g, session: &nullSession{}}
		g.Close()
		ended := false
		go func() {
			w.idle(g.current.Load())
			ended = true
		}()
		synctest.Wait()
		if !ended {
			g.Pause() // ends the test
			t.Error("the worker waits for a load after Close")
		}
	})
}
