package emulator

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The loop moves the emulator from one model second to the next:
//
//	hosting     instances come into service and leave; metrics of what has ended
//	cloudwatch  metrics become visible, alarms are evaluated
//	autoscaling policies answer alarms, scheduled actions are due, activities end
//
// All parts are told the second and none looks at a clock, so that the course of
// events is the same at every speed, and when a test drives it.
const step = time.Second

// mostAdvance bounds one advance: six weeks, as long as scaling activities are kept.
const mostAdvance = 42 * 24 * time.Hour

// run ticks until the emulator is closed.
func (e *Emulator) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		e.catchUp()
		e.keep()
		timer.Reset(max(time.Millisecond, e.clock.Real(e.next().Sub(e.Now()))))
	}
}

// next is the model second that is to be ticked next.
func (e *Emulator) next() time.Time {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	return e.ticked.Add(step)
}

// catchUp ticks every model second that has passed.
func (e *Emulator) catchUp() {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	for next := e.ticked.Add(step); !next.After(e.Now()); next = next.Add(step) {
		e.ticked = next
		p := e.parts.Load()
		p.hosting.Tick(next)
		p.cloudwatch.Tick(next)
		p.autoscaling.Tick(next)
	}
}

// Advance moves model time forward at once; everything that would have happened
// meanwhile has happened when it returns. It is how tests with a Speed of 0 pass time.
func (e *Emulator) Advance(d time.Duration) error {
	if d <= 0 || d > mostAdvance {
		return fmt.Errorf("advance %v: want a time above 0s and at most %v", d, mostAdvance)
	}
	e.clock.Advance(d)
	e.catchUp()
	return e.save()
}

// Record counts invocations of a variant without sending them, at the present model
// time: it stands for traffic where virtual time passes too fast for real requests.
// Each took the latency. Requests are not multiplied by the speed.
func (e *Emulator) Record(endpoint, variant string, requests float64, latency time.Duration) error {
	if !(requests > 0) || requests > 1e9 || latency < 0 {
		return errors.New("requests must be above 0 and at most 1e9, and latency not negative")
	}
	return e.parts.Load().hosting.Record(endpoint, variant, requests, latency)
}
