package experiment

import (
	"context"
	"time"

	"plimsoll/loadgen"
)

// Runner holds one load and measures it, as loadgen.Generator does.
type Runner interface {
	Run(ctx context.Context, load loadgen.Load) (loadgen.Measurement, error)
}

// Snapshotter is a Runner that can be looked at while it runs.
type Snapshotter interface {
	Snapshot() (m loadgen.Measurement, ok bool)
}

// Stopper is a Runner that goes on with a load after it has returned, until it is
// told to stop, and that counts what it has sent in all its life.
type Stopper interface {
	Pause()
	Sent() int64
}

// lookEvery is how often a load is looked at while it is held.
const lookEvery = 500 * time.Millisecond

// hold runs a load and calls look with what was measured so far, on this goroutine.
func hold(ctx context.Context, runner Runner, load loadgen.Load, look func(loadgen.Measurement)) (loadgen.Measurement, error) {
	type ended struct {
		m   loadgen.Measurement
		err error
	}
	done := make(chan ended, 1)
	go func() {
		m, err := runner.Run(ctx, load)
		done <- ended{m, err}
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case e := <-done:
			return e.m, e.err
		case <-tick.C:
			if s, can := runner.(Snapshotter); can {
				if m, ok := s.Snapshot(); ok {
					look(m)
				}
			}
		}
	}
}

// liveOf is a look at a load for people.
func liveOf(m loadgen.Measurement, p Progress) *Live {
	return &Live{
		Offered: m.OfferedPerSecond(), Achieved: m.AchievedPerSecond(), Requests: m.Counts.Requests, Failed: m.Counts.Failed(),
		InFlight: m.Client.InFlight, P50ms: quantilesOf(m.Response).P50, P99ms: quantilesOf(m.Response).P99,
		Settling: m.Window <= 0, Progress: p,
	}
}
